#include "switchback/engine/registering.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "overlap.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/brownout.hpp"
#include "switchback/engine/forbidding.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/engine/resolving.hpp"
#include "switchback/engine/rolling_forward.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// A table that goes over to another name has no name that another plan could hold on to, and the view that gives it
/// the new one has the columns that it had.
void refuse_renamed(ports::Session& session, const Plan& plan) {
  std::vector<TableName> own = tables_of(plan);
  std::vector<TableName> renamed;
  for (const Structure& structure : structures_of(plan.contract.steps))
    if (structure.kind == Structure::Kind::table) {
      own.push_back(structure.table);
      if (!structure.becomes.empty()) renamed.push_back(structure.table);
    }
  const auto others = session.exec(
      "SELECT p.name, p.file, p.effect, p.fingerprints FROM switchback.plan p WHERE p.name <> $1 AND p.state NOT IN "
      "('planned', 'done', 'rolled_back') ORDER BY p.id",
      {plan.name});
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (plan.rolls_forward && plan.rolls_forward->plan == others.text(i, 0)) continue;
    const PlanEffect effect = effect_from_json(others.text(i, 2));
    const json shapes = json::parse(others.text(i, 3));
    const auto refuse = [&](const TableName& table, const std::string& why) {
      throw Error(Exit::refused, Remedy::person, "the plan " + others.text(i, 0) + why + shown(table),
                  "finish that one first: switchback run " + others.text(i, 1) + " --to done; or roll it back");
    };
    for (const PlanEffect::Rename& one : effect.renames)
      for (const TableName& table : own)
        if (table == one.table || table == TableName{one.table.schema, one.to}) refuse(table, " is renaming ");
    for (const TableName& table : renamed)
      if (shapes.contains(shape_key(table)) ||
          std::ranges::find(effect.takes_relations, table) != effect.takes_relations.end())
        refuse(table, " works on, or could still bring back something of, ");
  }
}

/// What a plan builds on may be columns that are not there yet, so its expressions cannot be resolved before.
void refuse_before_required(ports::Session& session, const Plan& plan) {
  for (const std::string& required : plan.requires_plans) {
    const auto other = find_plan(session, required);
    if (other && (other->migrated_at || other->state == State::done)) continue;
    throw Error(Exit::not_yet, Remedy::person,
                plan.name + " requires " + required + ", which is " +
                    (other ? std::string(name(other->state)) : "not known in this database"),
                "run " + required + " to migrated first");
  }
}

std::vector<SyncedColumns> synced_columns(const ResolvedPlan& resolved) {
  std::vector<SyncedColumns> pairs;
  for (const ResolvedSync& sync : resolved.sync) {
    SyncedColumns pair{sync.table, {}, {}};
    for (const SyncColumn& column : sync.sync.old_side) pair.old_side.push_back(column.name);
    for (const SyncColumn& column : sync.sync.new_side) pair.new_side.push_back(column.name);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

/// Those that the plan works on, and those whose indexes it drops; what it drops as a whole has no shape to keep.
std::vector<TableName> shaped_tables(ports::Session& session, const Plan& plan) {
  const auto goes = [&](const TableName& table) {
    return std::ranges::any_of(plan.contract.steps, [&](const Step& one) {
      const auto* whole = std::get_if<DropTable>(&one.action);
      return whole && whole->name == table;
    });
  };
  std::vector<TableName> tables = tables_of(plan);
  std::erase_if(tables, goes);
  for (const Step& step : plan.contract.steps) {
    const auto* drop = std::get_if<DropIndex>(&step.action);
    if (!drop) continue;
    const auto found = session.exec(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.indexrelid = pg_catalog.to_regclass($1) "
        "AND c.relkind IN ('r', 'p')",
        {quoted(drop->name)});
    if (found.empty()) continue;
    const TableName table{found.text(0, 0), found.text(0, 1)};
    if (!goes(table) && std::ranges::find(tables, table) == tables.end()) tables.push_back(table);
  }
  return tables;
}

PlanRecord check_text(PlanRecord record, const Plan& plan) {
  if (record.hash == plan.hash) return record;
  throw Error(Exit::drift, Remedy::person,
              "the text of " + plan.file + " is not the one that plan " + plan.name + " was started with (sha256 " +
                  plan.hash.substr(0, 12) + ", the journal has " + record.hash.substr(0, 12) + ")",
              "put the old text back, give the new one a name of its own, or accept it: switchback repair " +
                  plan.name + " --plan " + plan.file);
}

}  // namespace

void refuse_overlap(ports::Session& session, const Plan& plan, const ResolvedPlan& resolved) {
  std::set<std::pair<std::string, std::string>> touched;
  for (const ResolvedSync& sync : resolved.sync)
    for (const auto* side : {&sync.sync.old_side, &sync.sync.new_side})
      for (const SyncColumn& column : *side) touched.emplace(shown(sync.table), column.name);
  for (const PairTables* pair : pairs_of(plan))
    for (const std::string& column : pair->columns) {
      touched.emplace(shown(pair->table), column);
      touched.emplace(shown(pair->to), column);
    }
  for (const Step& step : plan.contract.steps)
    if (const auto* drop = std::get_if<DropColumn>(&step.action))
      touched.emplace(shown(drop->table), drop->name);
    else if (const auto* replaced = std::get_if<ReplaceColumn>(&step.action))
      touched.emplace(shown(replaced->table), replaced->column);
  const auto others = session.exec(
      "SELECT p.name, s.document, n.nspname, c.relname FROM switchback.sync s JOIN switchback.plan p ON p.id = "
      "s.plan_id "
      "JOIN pg_catalog.pg_class c ON c.oid = s.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
      "p.name <> $1",
      {plan.name});
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (std::ranges::find(plan.requires_plans, others.text(i, 0)) != plan.requires_plans.end()) continue;
    const SyncPlan other = sync_from_json(others.text(i, 1));
    const std::string table = shown(TableName{others.text(i, 2), others.text(i, 3)});
    for (const auto* side : {&other.old_side, &other.new_side})
      for (const SyncColumn& column : *side)
        if (touched.contains({table, column.name}))
          throw Error(Exit::refused, Remedy::person,
                      "the plan " + other.plan + " is changing " + table + "." + column.name + " too",
                      "finish that one first, or say `requires: [" + other.plan + "]` so that this one builds on it");
  }
}

PlanRecord register_plan(ports::Session& session, ports::Catalog& catalog, const Plan& plan,
                         const std::string& long_form, const Settings& settings, const Actor& actor) {
  refuse_forbidden(session, plan);
  if (const auto found = find_plan(session, plan.name); found && found->state != State::rolled_back)
    return check_text(*found, plan);
  refuse_before_required(session, plan);
  refuse_premature_roll_forward(session, plan);
  const std::string began = session.exec("SELECT pg_catalog.clock_timestamp()").text(0, 0);
  const ResolvedPlan resolved = resolve_plan(session, catalog, plan, settings);
  refuse_overlap(session, plan, resolved);
  refuse_renamed(session, plan);
  refuse_browned(session, plan.name, tables_of(plan), began);
  ports::Transaction transaction(session);
  const PlanEffect effect = effect_of(plan, synced_columns(resolved));
  json shapes = json::object();
  for (const TableName& table : shaped_tables(session, plan))
    shapes[shape_key(table)] = shape_now(session, catalog, table);
  const auto made = session.exec(
      R"sql(
INSERT INTO switchback.plan AS p (name, hash, text, long_form, file, environment, resolved, fingerprints, takes_away, image_before, image_after, effect, system_identifier, timeline)
SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::jsonb, $8::jsonb, $9::boolean, $10::text, $11::text, $12::jsonb, s.system_identifier::text,
       ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::pg_catalog.bit(32)::pg_catalog.int4
FROM pg_catalog.pg_control_system() s
ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, author = excluded.author, text = excluded.text, long_form = excluded.long_form, file = excluded.file, resolved = excluded.resolved,
  fingerprints = excluded.fingerprints, takes_away = excluded.takes_away, image_before = excluded.image_before, image_after = excluded.image_after, effect = excluded.effect
  WHERE p.state = 'rolled_back'
RETURNING id)sql",
      {plan.name, plan.hash, plan.text, long_form, plan.file, std::string(name(settings.environment)),
       to_json(resolved), shapes.dump(), takes_away(plan) ? "t" : "f", plan.images.before, plan.images.after,
       to_json(effect)});
  if (!made.empty()) {
    register_plan_images(session, actor, plan.images, effect);
    add_event(session, actor, made.integer(0, 0), "registered", "", "planned", plan.description,
              json{{"hash", plan.hash}, {"file", plan.file}, {"requires", plan.requires_plans}}.dump());
    link_roll_forward(session, actor, made.integer(0, 0), plan);
    session.exec("DELETE FROM switchback.checkpoint WHERE plan_id = $1", {made.text(0, 0)});
  }
  transaction.commit();
  return check_text(require_plan(session, plan.name), plan);
}

}  // namespace switchback::engine
