#include "switchback/engine/steps.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"

namespace switchback::engine {

using nlohmann::json;

std::optional<StepStatus> step_status(ports::Session& session, PlanId plan, std::string_view phase, int ordinal) {
  const auto rows =
      session.exec("SELECT status, detail FROM switchback.step WHERE plan_id = $1 AND phase = $2 AND ordinal = $3",
                   {std::to_string(plan), std::string(phase), std::to_string(ordinal)});
  if (rows.empty()) return std::nullopt;
  return StepStatus{rows.text(0, 0), rows.text(0, 1)};
}

void mark_step(ports::Session& session, PlanId plan, std::string_view phase, int ordinal, std::string_view name,
               std::string_view status, std::string_view detail) {
  session.exec(R"sql(
INSERT INTO switchback.step (plan_id, phase, ordinal, name, status, detail, ended_at)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, CASE WHEN $5 <> 'running' THEN pg_catalog.clock_timestamp() END)
ON CONFLICT (plan_id, phase, ordinal) DO UPDATE SET status = excluded.status, name = excluded.name,
  detail = switchback.step.detail || excluded.detail, ended_at = excluded.ended_at,
  started_at = CASE WHEN excluded.status = 'running' THEN pg_catalog.clock_timestamp() ELSE switchback.step.started_at END)sql",
               {std::to_string(plan), std::string(phase), std::to_string(ordinal), std::string(name),
                std::string(status), std::string(detail)});
}

void run_written(ports::Session& session, const Step& step, const std::vector<std::string>& sql) {
  use_own_search_path(session, true);
  try {
    for (const std::string& statement : sql) session.exec(statement);
  } catch (const Error& error) {
    if (passes(error)) throw;
    throw Error(error.exit(), error.remedy(), "the step " + describe(step.action) + " failed: " + error.what(),
                error.hint(), error.sqlstate());
  }
  session.exec("SET LOCAL search_path = pg_catalog, pg_temp");
}

std::vector<TableName> tables_of(const Plan& plan) {
  std::vector<TableName> tables;
  for (const auto* phase : {&plan.expand, &plan.migrate, &plan.contract.steps})
    for (const Step& step : *phase)
      if (const TableName* table = table_of(step.action);
          table && !makes_table(plan, *table) && std::ranges::find(tables, *table) == tables.end())
        tables.push_back(*table);
  return tables;
}

namespace {

void check_server(Workbench& bench, ports::Session& session) {
  const auto server =
      session.exec("SELECT s.system_identifier, pg_catalog.pg_is_in_recovery() FROM pg_catalog.pg_control_system() s");
  if (server.boolean(0, 1))
    throw Error(Exit::drift, Remedy::person, "this server is in recovery: it is a replica, not the primary",
                "connect to the primary");
  if (server.text(0, 0) != bench.record().system_identifier)
    throw Error(Exit::drift, Remedy::person,
                "this is not the server the plan was started on: system identifier " + server.text(0, 0) + ", not " +
                    bench.record().system_identifier,
                "connect to the right one; on a copy of the database the plan cannot go on");
  const auto timeline = session.exec(
      "SELECT ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), "
      "8))::pg_catalog.bit(32)::pg_catalog.int4");
  if (timeline.integer(0, 0) < bench.record().timeline)
    throw Error(Exit::drift, Remedy::person,
                "this server is on timeline " + timeline.text(0, 0) + ", the plan was started on " +
                    std::to_string(bench.record().timeline) + ": it is an old primary that was failed over from",
                "connect to the present primary");
}

TableName table_from(const std::string& shape_key) {
  const auto end = shape_key.find('\n');
  return {shape_key.substr(0, end), shape_key.substr(end + 1)};
}

void check_shapes(Workbench& bench, ports::Session& session) {
  const auto stored =
      session.exec("SELECT fingerprints FROM switchback.plan WHERE id = $1", {std::to_string(bench.fence().plan)});
  const json shapes = json::parse(stored.text(0, 0));
  const auto renames = effect_of(bench.plan(), {}).renames;
  for (const auto& [table, shape] : shapes.items()) {
    const TableName name = table_from(table);
    if (shape_now(session, bench.catalog(), name_now(session, renames, name)) != shape.get<std::string>())
      throw Error(Exit::drift, Remedy::person, "the table " + shown(name) + " is not shaped as this plan left it",
                  "somebody changed its columns, constraints, indexes or triggers; undo that, or accept it: switchback "
                  "repair " +
                      bench.plan().name);
  }
}

}  // namespace

TableName name_now(ports::Session& session, const std::vector<PlanEffect::Rename>& renames, const TableName& table) {
  for (const PlanEffect::Rename& one : renames)
    if (one.table == table && session.exec("SELECT pg_catalog.to_regclass($1) IS NULL", {quoted(table)}).boolean(0, 0))
      return {table.schema, one.to};
  return table;
}

Stop check_surroundings(Workbench& bench) {
  return bench.outside_transaction([&](ports::Session& session) {
    check_server(bench, session);
    check_shapes(bench, session);
  });
}

std::string shape_now(ports::Session& session, ports::Catalog& catalog, const TableName& table) {
  const auto building = session.exec(
      "SELECT DISTINCT detail->>'index' FROM switchback.step WHERE status = 'running' AND detail ? 'index'");
  std::vector<std::string> unfinished;
  for (std::size_t i = 0; i < building.size(); ++i) unfinished.push_back(building.text(i, 0));
  return catalog.fingerprint(session, table, unfinished);
}

std::string shape_key(const TableName& table) {
  return table.schema + "\n" + table.name;
}

void record_shapes(Workbench& bench) {
  const std::string plan = std::to_string(bench.fence().plan);
  const auto tables = bench.session().exec(
      "SELECT pg_catalog.jsonb_object_keys(fingerprints) FROM switchback.plan WHERE id = $1", {plan});
  const auto renames = effect_of(bench.plan(), {}).renames;
  // What this plan changes, every other plan that saw the table as it did must not take for drift.
  for (std::size_t i = 0; i < tables.size(); ++i)
    bench.session().exec(
        "UPDATE switchback.plan SET fingerprints = fingerprints || pg_catalog.jsonb_build_object($1::text, $2::text) "
        "WHERE id = $3 OR fingerprints->>$1::text = (SELECT p.fingerprints->>$1::text FROM switchback.plan p WHERE "
        "p.id = $3)",
        {tables.text(i, 0),
         shape_now(bench.session(), bench.catalog(), name_now(bench.session(), renames, table_from(tables.text(i, 0)))),
         plan});
}

void put_sync(ports::Session& session, PlanId plan, std::uint32_t relation, const SyncPlan& sync, bool restoring) {
  session.exec(
      "INSERT INTO switchback.sync (plan_id, relation, document, restoring) VALUES ($1, $2, $3::jsonb, $4) "
      "ON CONFLICT (plan_id, relation) DO UPDATE SET document = excluded.document, restoring = excluded.restoring",
      {std::to_string(plan), std::to_string(relation), to_json(sync), restoring ? "t" : "f"});
}

void remove_sync(ports::Session& session, PlanId plan, std::uint32_t relation) {
  session.exec("DELETE FROM switchback.sync WHERE plan_id = $1 AND relation = $2",
               {std::to_string(plan), std::to_string(relation)});
}

void rename_in_sync(ports::Session& session, std::uint32_t relation, const TableName& table, const Renames& names,
                    const Renames& types) {
  if (names.empty()) return;
  const auto rows =
      session.exec("SELECT plan_id, document FROM switchback.sync WHERE relation = $1", {std::to_string(relation)});
  for (std::size_t i = 0; i < rows.size(); ++i)
    session.exec(
        "UPDATE switchback.sync SET document = $3::jsonb WHERE plan_id = $1 AND relation = $2",
        {rows.text(i, 0), std::to_string(relation), to_json(with_types(with_names(sync_from_json(rows.text(i, 1)), names), types))});
  if (!rows.empty()) resync(session, relation, table, false);
}

void drop_spare_markers(ports::Session& session, const ResolvedPlan& plan, const std::vector<TakenTable>& taken) {
  for (const ResolvedSync& sync : plan.sync)
    if (std::ranges::none_of(taken, [&](const TakenTable& table) { return table.oid == sync.oid; }))
      session.exec("ALTER TABLE " + quoted(sync.table) + " DROP COLUMN IF EXISTS " +
                   quote_identifier(sync.sync.marker));
}

void resync(ports::Session& session, std::uint32_t relation, const TableName& table, bool triggers) {
  // Plans are chained by `requires`, so the order in which they were registered is the order of dependency.
  const auto rows = session.exec("SELECT document, restoring FROM switchback.sync WHERE relation = $1 ORDER BY plan_id",
                                 {std::to_string(relation)});
  if (rows.empty()) {
    session.exec(sync_drop_sql(relation, table));
    return;
  }
  SyncTable all{relation, table, {}, false};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    all.plans.push_back(sync_from_json(rows.text(i, 0)));
    all.definer |= rows.boolean(i, 1);
  }
  session.exec(sync_function_sql(all));
  if (triggers) session.exec(sync_triggers_sql(all));
}

}  // namespace switchback::engine
