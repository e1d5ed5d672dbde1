#include "switchback/engine/guard.hpp"

#include <algorithm>

#include "overlap.hpp"
#include "switchback/core/backup.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/image_name.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/approving.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/engine/moving.hpp"
#include "switchback/engine/rekeying.hpp"
#include "switchback/engine/shown_table.hpp"

namespace switchback::engine {
namespace {

Hold hold_of(std::vector<std::string> reasons, HoldKind kind, const std::string& ends_when) {
  Hold hold{kind, reasons.front(), ends_when, {}};
  if (reasons.size() > 1) hold.reasons = std::move(reasons);
  return hold;
}

}  // namespace

bool is_named(const ports::Dependent& dependent, const ports::UsageRequest& request) {
  return std::ranges::any_of(request.allow_silent,
                             [&](const std::string& name) { return ports::named_by(dependent, name); }) ||
         std::ranges::any_of(request.structures,
                             [&](const Structure& structure) {
                               if (is_moved(structure.kind)) return ports::belongs_to(dependent, structure);
                               return structure.kind != Structure::Kind::column && structure.name == dependent.name;
                             }) ||
         ports::is_checked(dependent, request.checked);
}

std::chrono::seconds observe_window(Workbench& bench) {
  return bench.plan().contract.observe.value_or(bench.settings().observe);
}
std::chrono::seconds soak_time(Workbench& bench) {
  return bench.plan().contract.soak.value_or(bench.settings().soak);
}

std::optional<std::chrono::seconds> archive_time(Workbench& bench) {
  const auto& archive = bench.plan().contract.archive;
  if (archive && archive->none) return std::nullopt;
  return archive && archive->keep ? *archive->keep : bench.settings().archive;
}

std::optional<Hold> consent_hold(Workbench& bench) {
  if (!bench.surroundings().consent)
    return Hold{
        HoldKind::approval,
        "contract takes structures away, and nobody has agreed to it yet",
        "switchback run " + bench.plan().file + " --to contracted --yes --approve " + bench.plan().hash.substr(0, 12),
        {}};
  return approval_hold(bench, "contract");
}

std::optional<Hold> approval_hold(Workbench& bench, std::string_view phase) {
  const auto overridden = [&](const ApprovalRecord& approval) {
    return approval.despite == "approval" && approval.phase == phase;
  };
  if (std::ranges::any_of(bench.surroundings().despite, [](const auto& given) { return given.first == "approval"; }) ||
      std::ranges::any_of(approvals(bench.session(), bench.record()), overridden))
    return std::nullopt;
  const ApprovalState state = approval_state(bench.session(), bench.record(), bench.plan(), bench.settings(), phase);
  if (state.open.empty()) return std::nullopt;
  return Hold{HoldKind::approval,
              std::to_string(state.wanted - static_cast<int>(state.open.size())) + " of " +
                  std::to_string(state.wanted) + " approvals of the " + std::string(phase) + " phase",
              "switchback approve " + bench.plan().name + " --phase " + std::string(phase) + ", by " +
                  whose(state.open, bench.record()),
              {}};
}

std::optional<Hold> drill_hold(Workbench& bench) {
  const std::chrono::seconds required = bench.settings().drill_required;
  if (required.count() == 0 || bench.despite("approval")) return std::nullopt;
  const auto last = bench.session().exec(
      "SELECT pg_catalog.max(at)::text, coalesce(pg_catalog.max(at) > pg_catalog.clock_timestamp() - "
      "pg_catalog.make_interval(secs => $2::float8), false) FROM switchback.event WHERE kind = 'drilled' AND "
      "detail->>'hash' = $1",
      {bench.record().hash, std::to_string(required.count())});
  if (last.boolean(0, 1)) return std::nullopt;
  return Hold{HoldKind::approval,
              last.text(0, 0).empty() ? "this text of the plan has not passed a drill, and drill.required asks for one"
                                      : "the last drill that this text passed was at " + last.text(0, 0) +
                                            ", longer ago than drill.required (" + show_duration(required) + ")",
              "it passes one: switchback drill " + bench.plan().file,
              {}};
}

namespace {

/// Another live plan has changed the table, keeps it in sync, or keeps an archive of columns of it.
std::optional<Hold> table_neighbour_hold(Workbench& bench, const TableName& table) {
  const auto others = bench.session().exec(
      "SELECT p.name, p.file FROM switchback.plan p WHERE p.id <> $1 AND (EXISTS (SELECT FROM switchback.sync s WHERE "
      "s.plan_id = p.id AND s.relation = pg_catalog.to_regclass($2)) OR EXISTS (SELECT FROM switchback.archive a WHERE "
      "a.plan_id = p.id AND a.relation = $3 AND a.state IN ('filling', 'verified', 'kept')) OR p.fingerprints ? $4 AND "
      "p.state NOT IN ('planned', 'contracted', 'done', 'rolled_back')) ORDER BY p.id LIMIT 1",
      {std::to_string(bench.fence().plan), quoted(table), shown(table), table.schema + "\n" + table.name});
  if (others.empty()) return std::nullopt;
  return Hold{HoldKind::requires_,
              "the plan " + others.text(0, 0) + " works on the table " + shown(table) + ", or keeps an archive of it",
              others.text(0, 0) + " is done and its archive purged, or it is rolled back: switchback run " +
                  others.text(0, 1) + " --to done",
              {}};
}

}  // namespace

std::optional<Hold> neighbour_hold(Workbench& bench) {
  // By the key others find their rows again, and it may get another type.
  for (const TableName& table : rekeyed_tables(bench.session(), bench.plan()))
    if (auto hold = table_neighbour_hold(bench, table)) return hold;
  for (const Step& step : bench.plan().contract.steps) {
    if (const auto* table = std::get_if<DropTable>(&step.action))
      if (auto hold = table_neighbour_hold(bench, table->name)) return hold;
    if (const auto* table = std::get_if<ReplaceTable>(&step.action))
      if (auto hold = table_neighbour_hold(bench, table->table)) return hold;
    if (const auto* renamed = std::get_if<RenameTable>(&step.action))
      if (auto hold = table_neighbour_hold(bench, renamed->table)) return hold;
    std::optional<std::pair<TableName, std::string>> goes;
    if (const auto* drop = std::get_if<DropColumn>(&step.action)) goes.emplace(drop->table, drop->name);
    if (const auto* replaced = std::get_if<ReplaceColumn>(&step.action))
      goes.emplace(replaced->table, replaced->column);
    if (!goes) continue;
    const auto& [table, column_name] = *goes;
    const auto others = bench.session().exec(
        "SELECT p.name, p.file, s.document FROM switchback.sync s JOIN switchback.plan p ON p.id = s.plan_id "
        "WHERE s.plan_id <> $1 AND s.relation = pg_catalog.to_regclass($2) ORDER BY p.id",
        {std::to_string(bench.fence().plan), quoted(table)});
    for (std::size_t i = 0; i < others.size(); ++i) {
      const SyncPlan other = sync_from_json(others.text(i, 2));
      for (const auto* side : {&other.old_side, &other.new_side})
        if (std::ranges::any_of(*side, [&name = column_name](const SyncColumn& column) { return column.name == name; }))
          return Hold{
              HoldKind::requires_,
              "the plan " + others.text(i, 0) + " still keeps " + shown(table) + "." + shown(column_name) + " in sync",
              others.text(i, 0) + " is contracted or done: switchback run " + others.text(i, 1) + " --to done",
              {}};
    }
  }
  return std::nullopt;
}

namespace {

ArchivingReading archiving(ports::Session& session) {
  const auto rows = session.exec(
      "SELECT pg_catalog.current_setting('archive_mode') <> 'off', COALESCE(CASE WHEN last_failed_time > "
      "COALESCE(last_archived_time, '-infinity') THEN last_failed_wal END, '') FROM pg_catalog.pg_stat_archiver");
  return {rows.boolean(0, 0), rows.text(0, 1), ""};
}

/// What the configured check and the server's archiving say.
std::optional<Hold> checked_backup_hold(Workbench& bench) {
  ports::Session& session = bench.session();
  const BackupReading reading = bench.surroundings().backup(bench.settings(), bench.record().system_identifier);
  std::vector<std::string> reasons;
  if (auto objection = backup_objection(reading, server_now(session), bench.settings().backup_max_age))
    reasons.push_back(std::move(*objection));
  if (!bench.settings().backup_pgbackrest.empty())
    if (auto objection = archiving_objection(archiving(session))) reasons.push_back(std::move(*objection));
  if (reasons.empty()) return std::nullopt;
  return hold_of(std::move(reasons), HoldKind::backup,
                 "there is a backup younger than " + show_duration(bench.settings().backup_max_age) +
                     ", and archiving works; or switchback approve " + bench.plan().name +
                     " --phase contract --despite backup --reason …");
}

}  // namespace

std::optional<Hold> backup_hold(Workbench& bench) {
  const Settings& settings = bench.settings();
  if (settings.backup_none || bench.despite("backup")) return std::nullopt;
  if (bench.surroundings().backup &&
      (!settings.backup_pgbackrest.empty() || !settings.backup_barman.empty() || !settings.backup_command.empty()))
    return checked_backup_hold(bench);
  if (settings.environment != Environment::production) return std::nullopt;
  return Hold{HoldKind::backup,
              "no backup check is configured: after the archive's time only a backup brings back what is dropped",
              "the configuration names one: backup: { pgbackrest: { stanza: NAME } }, or says why none is needed: "
              "backup: { none: reason }; or switchback approve " +
                  bench.plan().name + " --phase contract --despite backup --reason …",
              {}};
}

namespace {

std::vector<TakenObject> unhidden_objects(ports::Session& session, const Plan& plan) {
  std::vector<TakenObject> objects;
  try {
    for (const Step& step : plan.contract.steps)
      for (TakenObject& object : objects_of(session, step)) objects.push_back(std::move(object));
  } catch (const Error& error) {
    if (error.exit() != Exit::invalid) throw;
    throw Error(Exit::drift, Remedy::person, error.what(), "it was otherwise when the plan was started: see history");
  }
  return objects;
}

/// Tables, views, types and functions under the names that they have now, arguments as the server writes them. What is
/// gone is left out.
void place_objects(ports::Session& session, const Plan& plan, std::optional<PlanId> hidden,
                   std::vector<Structure>& structures) {
  if (std::ranges::none_of(structures, [](const Structure& one) { return is_moved(one.kind); })) return;
  std::erase_if(structures, [](const Structure& one) { return is_moved(one.kind); });
  for (const TakenObject& object : hidden ? load_objects(session, *hidden) : unhidden_objects(session, plan)) {
    const auto now = find_object(session, object);
    if (!object.becomes.empty()) {  // renamed, it is out of nobody's reach who knows the new name
      if (now && !hidden) structures.push_back(structure_of(object));
    } else if (now && !object.part)
      structures.push_back({object.kind, {now->schema, object.name.name}, object.name.name, now->arguments});
  }
}

}  // namespace

std::vector<Structure> structures_now(ports::Session& session, const Plan& plan, std::optional<PlanId> hidden) {
  std::vector<Structure> structures = structures_of(plan.contract.steps);
  // What has got its other name is not taken away: nothing is left to be looked for.
  if (hidden)
    std::erase_if(structures,
                  [](const Structure& one) { return one.kind == Structure::Kind::constraint && one.by_place; });
  if (hidden)
    for (Structure& structure : structures)
      if (!is_moved(structure.kind)) structure.name = tombstone_name(plan.name, structure.name);
  place_objects(session, plan, hidden, structures);
  return structures;
}

ports::UsageRequest usage_request(Workbench& bench, bool hidden) {
  ports::UsageRequest request;
  request.plan = bench.fence().plan;
  request.structures =
      structures_now(bench.session(), bench.plan(), hidden ? std::optional(bench.fence().plan) : std::nullopt);
  request.allow_silent = bench.plan().contract.allow_silent;
  request.checked = bench.plan().external_checked;
  request.readers = bench.plan().readers;
  if (const auto& before = bench.plan().images.before) {
    const Settings& settings = bench.settings();
    request.image_before = live_name(settings.live_application, *before);
    if (!settings.live_role.empty()) request.role_before = live_name(settings.live_role, *before);
  }
  request.poolers = bench.surroundings().poolers;
  request.without_queries = bench.settings().replica_queries_none;
  return request;
}

std::optional<Hold> usage_hold(Workbench& bench, UsageReport& report) {
  report = {};
  ports::UsageRequest request = usage_request(bench, false);
  if (bench.surroundings().standbys)
    request.replicas =
        bench.surroundings().standbys(bench.session().exec("SELECT pg_catalog.current_database()").text(0, 0));
  const auto [now, gathered] = bench.usage().look(bench.session(), request);
  std::vector<std::string> reasons;
  for (const StructureEvidence& evidence : gathered) {
    report.judged.push_back(judge(evidence, now, observe_window(bench), ports::required_sources));
    const Judgement& last = report.judged.back();
    if (last.verdict == Verdict::unused) continue;
    for (const std::string& reason : last.reasons)
      reasons.push_back(last.structure + " " + std::string(name(last.verdict)) + ": " + reason);
  }
  report.document = evidence_document(bench, request, now, report.judged, gathered);
  if (reasons.empty() || bench.despite("usage")) return std::nullopt;
  const bool used =
      std::ranges::any_of(report.judged, [](const Judgement& one) { return one.verdict == Verdict::used; });
  return hold_of(std::move(reasons), HoldKind::usage,
                 (used ? "nothing uses it for " : "it has been watched for ") + show_duration(observe_window(bench)) +
                     "; switchback usage " + bench.plan().name + " shows the evidence");
}

namespace {

std::optional<Hold> closure_hold(Workbench& bench, const ports::UsageRequest& request) {
  std::vector<std::string> reasons;
  for (const Structure& structure : request.structures)
    for (const ports::Dependent& dependent : bench.usage().closure(bench.session(), structure).dependents) {
      if (is_named(dependent, request)) continue;
      if (dependent.effect == ports::Dependent::Effect::blocks)
        reasons.push_back(dependent.kind + " " + dependent.identity + " uses " + shown(structure));
      if (dependent.effect == ports::Dependent::Effect::silent)
        reasons.push_back(dependent.kind + " " + dependent.identity +
                          (structure.becomes.empty() ? " would be dropped along with "
                                                     : " sends under its name, which its subscribers look for, ") +
                          shown(structure));
    }
  if (reasons.empty()) return std::nullopt;
  return hold_of(std::move(reasons), HoldKind::usage,
                 "it is changed or dropped, or the plan names what may go along under allow_silent");
}

}  // namespace

std::optional<Hold> stand_in_hold(Workbench& bench) {
  std::vector<std::string> reasons;
  ports::Session& session = bench.session();
  for (const Step& step : bench.plan().contract.steps) {
    const auto* renamed = std::get_if<RenameTable>(&step.action);
    if (!renamed) continue;
    const TableName view{renamed->table.schema, renamed->to};
    const auto kind = session.exec(
        "SELECT c.relkind = 'v' FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)", {quoted(view)});
    if (kind.empty() || !kind.boolean(0, 0)) {
      reasons.push_back("the view " + shown(view) + ", which gives " + shown(renamed->table) +
                        " its new name until it is renamed, " + (kind.empty() ? "is gone" : "is no view any more"));
      continue;
    }
    for (const ports::Dependent& one :
         bench.usage().closure(session, {Structure::Kind::view, view, view.name}).dependents)
      reasons.push_back(one.kind + " " + one.identity + " is made on the view " + shown(view) +
                        ", which makes room for the table: make it on " + shown(renamed->table) +
                        ", it follows the table under its new name");
    for (const std::string& grant : rights_of_its_own(session, view, renamed->table))
      reasons.push_back("a role may do on the view " + shown(view) + " what it may not do on " + shown(renamed->table) +
                        ": " + grant + "; or take it from the view");
  }
  if (reasons.empty()) return std::nullopt;
  return hold_of(std::move(reasons), HoldKind::usage, "it is put right; the plan is looked at again every few seconds");
}

std::optional<Hold> closure_hold(Workbench& bench, bool hidden) {
  return closure_hold(bench, usage_request(bench, hidden));
}

std::optional<Hold> purge_hold(Workbench& bench) {
  ports::UsageRequest request = usage_request(bench, true);
  // What somebody has taken out of hiding is not purged.
  std::erase_if(request.structures, [](const Structure& one) {
    return !is_moved(one.kind) || !one.table.schema.starts_with("switchback_hidden.");
  });
  return closure_hold(bench, request);
}

}  // namespace switchback::engine
