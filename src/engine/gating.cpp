#include "switchback/engine/gating.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gate_asking.hpp"
#include "gate_keys.hpp"
#include "journal_json.hpp"
#include "switchback/engine/fencing.hpp"
#include "switchback/engine/gate_surroundings.hpp"
#include "switchback/engine/journal_schema.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

std::vector<GatePlan> gate_plans(ports::Session& session) {
  const auto rows = session.exec(
      "SELECT name, file, state, takes_away, image_before, image_after, effect, progress, EXISTS (SELECT FROM "
      "switchback.brownout b WHERE b.plan_id = p.id AND b.undone_at IS NULL) FROM switchback.plan p ORDER BY id");
  std::vector<GatePlan> plans;
  plans.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    GatePlan plan;
    plan.name = rows.text(row, 0);
    plan.file = rows.text(row, 1);
    plan.state_name = rows.text(row, 2);
    plan.state = state_named(plan.state_name);
    plan.takes_away = rows.boolean(row, 3);
    plan.images = {rows.at(row, 4), rows.at(row, 5)};
    plan.effect = effect_from_json(rows.text(row, 6));
    plan.browned = rows.boolean(row, 8);
    const auto progress = progress_from_json(rows.at(row, 7));
    if (plan.state)
      plan.back_seconds =
          turn_back_seconds(*plan.state, plan.takes_away, progress ? static_cast<double>(progress->rows_estimate) : 0.0,
                            progress ? progress->rows_per_second : 0.0);
    if (plan.back_seconds && is_way_back_closed(session, plan)) plan.back_seconds.reset();
    if (plan.state == State::migrating && progress) plan.forward_seconds = progress->eta_seconds;
    plans.push_back(std::move(plan));
  }
  return plans;
}

/// Every table any image uses, so that alternatives can be named too.
std::set<TableName> tables_of(const std::vector<RegisteredImage>& images) {
  std::set<TableName> tables;
  for (const RegisteredImage& image : images)
    for (const TableUse& use : image.footprint.tables) tables.insert(use.table);
  return tables;
}

std::vector<std::string> running(const HorizonFacts& facts, const HorizonRules& rules, Instant now) {
  std::vector<std::string> names;
  for (const HorizonImage& image : horizon(facts, rules, now))
    if (image.live) names.push_back(image.name);
  // The last deployment of each environment, too: it may have no session right now.
  std::map<std::string, const Deployment*> last;
  for (const Deployment& one : facts.deployments) {
    const Deployment*& place = last[one.environment];
    if (!place || place->at < one.at) place = &one;
  }
  for (const auto& [environment, deployment] : last) note_once(names, deployment->image);
  return names;
}

}  // namespace

LiveCatalog live_catalog(ports::Session& session, const std::set<TableName>& tables) {
  json wanted = json::array();
  for (const TableName& table : tables) wanted.push_back({{"schema", table.schema}, {"name", table.name}});
  // A CHECK (column IS NOT NULL), told by its tree: NullTest of one column, of kind 1 (primnodes.h, IS_NOT_NULL; the
  // same on 13 to 18). pg_get_constraintdef of every CHECK would take ten times as long.
  const auto rows = session.exec(
      R"sql(
SELECT w.schema, w.name, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
       a.attnotnull OR t.typnotnull OR a.attnum = ANY (k.numbers),
       a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL, a.attgenerated <> '',
       CASE WHEN t.typtype = 'e' THEN (SELECT pg_catalog.jsonb_agg(e.enumlabel ORDER BY e.enumsortorder)
         FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END,
       CASE WHEN c.relispartition THEN (
         SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(s.nspname, u.relname))
         FROM pg_catalog.pg_partition_ancestors(c.oid) up JOIN pg_catalog.pg_class u ON u.oid = up.relid
         JOIN pg_catalog.pg_namespace s ON s.oid = u.relnamespace WHERE u.oid <> c.oid) END,
       c.relkind = 'v'
FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS w(schema pg_catalog.name, name pg_catalog.name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
LEFT JOIN LATERAL (
  SELECT pg_catalog.array_agg(conkey[1]) AS numbers FROM pg_catalog.pg_constraint
  WHERE conrelid = c.oid AND c.relchecks > 0 AND contype = 'c' AND pg_catalog.array_length(conkey, 1) = 1
  AND conbin::pg_catalog.text LIKE '{NULLTEST :arg {VAR %:nulltesttype 1 %') k ON true
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
ORDER BY 1, 2, a.attnum)sql",
      {wanted.dump()});
  LiveCatalog catalog;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    CatalogTable& table = catalog[{rows.text(row, 0), rows.text(row, 1)}];
    table.view = rows.boolean(row, 9);
    if (rows.at(row, 8) && table.ancestors.empty())
      for (const json& one : json::parse(rows.text(row, 8)))
        table.ancestors.push_back({one.at(0).get<std::string>(), one.at(1).get<std::string>()});
    if (!rows.at(row, 2)) continue;  // a table without columns
    table.columns.push_back(
        {rows.text(row, 2), rows.text(row, 3), rows.boolean(row, 4), rows.boolean(row, 5), rows.boolean(row, 6), {}});
    if (rows.at(row, 7)) table.columns.back().labels = json::parse(rows.text(row, 7)).get<std::vector<std::string>>();
  }
  return catalog;
}

void add_keys(ports::Session& session, LiveCatalog& catalog, const std::vector<RegisteredImage>& images) {
  json wanted = json::array();
  for (const RegisteredImage& image : images)
    for (const TableUse& use : image.footprint.tables)
      if (!use.conflicts.empty()) wanted.push_back({{"schema", use.table.schema}, {"name", use.table.name}});
  if (wanted.empty()) return;
  const auto rows = session.exec(
      R"sql(
SELECT DISTINCT w.schema, w.name, r.relname, k.conname, x.indpred IS NOT NULL, NOT x.indimmediate, x.indisunique,
       (SELECT pg_catalog.jsonb_agg(DISTINCT COALESCE(a.attname::pg_catalog.text, ''))
        FROM pg_catalog.generate_series(0, x.indnkeyatts - 1) i
        LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[i] AND a.attnum > 0)
FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS w(schema pg_catalog.name, name pg_catalog.name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p')
LEFT JOIN (pg_catalog.pg_index x JOIN pg_catalog.pg_class r ON r.oid = x.indexrelid
  LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = x.indrelid AND k.conindid = x.indexrelid
    AND k.contype IN ('p', 'u', 'x'))
  ON x.indrelid = c.oid AND x.indisvalid AND (x.indisunique OR k.contype = 'x')
ORDER BY 1, 2, 3)sql",
      {wanted.dump()});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    CatalogTable& table = catalog[{rows.text(row, 0), rows.text(row, 1)}];
    if (!table.keys) table.keys.emplace();
    if (!rows.at(row, 2)) continue;  // a table without any
    CatalogKey key{rows.text(row, 2),    rows.text(row, 3),    {},
                   rows.boolean(row, 4), rows.boolean(row, 5), rows.boolean(row, 6)};
    key.columns = json::parse(rows.text(row, 7)).get<std::vector<std::string>>();
    std::ranges::sort(key.columns);
    table.keys->push_back(std::move(key));
  }
}

GateFacts gate_facts(ports::Session& session, std::vector<RegisteredImage> images) {
  GateFacts facts;
  facts.plans = gate_plans(session);
  facts.images = std::move(images);
  facts.catalog = live_catalog(session, tables_of(facts.images));
  add_keys(session, facts.catalog, facts.images);
  return facts;
}

namespace {

const RegisteredImage* find(const std::vector<RegisteredImage>& images, const std::string& name) {
  const auto found = std::ranges::find(images, name, &RegisteredImage::name);
  return found == images.end() ? nullptr : &*found;
}

/// Everything there is to know of the images whose footprints were read.
void look(ports::Session& session, GateFacts& facts, const std::vector<RegisteredImage>& images) {
  facts.catalog = live_catalog(session, tables_of(images));
  add_keys(session, facts.catalog, images);
  facts.surroundings = surroundings(session, images);
  find_attributes(session, facts.catalog, images, facts.surroundings);
}

/// Where else to go: a few, and no more is read than it takes to find them.
std::vector<std::string> alternatives(ports::Session& session, const HorizonRules& rules, GateFacts facts,
                                      const std::string& image, ports::ImageAsking& asking) {
  constexpr std::size_t enough = 3;
  const std::vector<std::string> order = others_newest_first(facts, image);
  std::vector<std::string> safe;
  for (std::size_t next = 0; next < order.size() && safe.size() < enough;) {
    std::set<std::string> names;
    while (next < order.size() && names.size() < enough) names.insert(order[next++]);
    facts.images = registered_images(session, names);
    std::vector<RegisteredImage> looked_at;
    looked_at.reserve(names.size());
    for (const std::string& name : names) looked_at.push_back(*find(facts.images, name));
    look(session, facts, looked_at);
    for (const std::string& name : safe_images(facts, image))
      if (names.contains(name)) ask_closer(session, facts, *find(facts.images, name), asking);
    for (std::string& name : safe_images(facts, image))
      if (names.contains(name) && !login_refused(session, facts.images, rules, name)) safe.push_back(std::move(name));
  }
  if (safe.size() > enough) safe.resize(enough);
  return safe;
}

GateAnswer journal_too_new(const JournalVersion& journal, GateKind kind) {
  GateAnswer answer;
  answer.verdict = GateVerdict::unknown;
  answer.skip_migrations = kind == GateKind::rollback;
  answer.reasons.push_back({"",
                            "the journal is of version " + std::to_string(journal.version) +
                                ", whose gates need a switchback that knows version " +
                                std::to_string(journal.readable_by) + "; this one knows " +
                                std::to_string(journal_version()),
                            "", "ask a newer switchback", std::nullopt, true});
  return answer;
}

}  // namespace

GateAnswer ask_gate(ports::Session& session, const HorizonRules& rules, const std::string& image, GateKind kind,
                    ports::ImageAsking& asking) {
  ports::Transaction transaction(session, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const auto journal = journal_version_in(session);
  if (!journal) require_readable_journal(session);  // says how to make one
  if (journal->readable_by > journal_version()) return journal_too_new(*journal, kind);
  const HorizonFacts horizon = horizon_facts(session, std::set<std::string>{image});
  GateFacts facts;
  facts.plans = gate_plans(session);
  facts.images = horizon.images;
  facts.running = running(horizon, rules, server_now(session));
  if (const RegisteredImage* asked = find(facts.images, image)) {
    look(session, facts, {*asked});
    ask_closer(session, facts, *asked, asking);
  }
  GateAnswer answer = gate(facts, image, kind);
  if (auto refused = login_refused(session, facts.images, rules, image)) {
    answer.verdict = GateVerdict::no;
    answer.reasons.push_back(*std::move(refused));
  }
  if (answer.verdict == GateVerdict::yes) return answer;
  answer.alternatives = alternatives(session, rules, std::move(facts), image, asking);
  return answer;
}

}  // namespace switchback::engine
