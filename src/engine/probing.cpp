#include "switchback/engine/probing.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/probe_sql.hpp"
#include "switchback/core/structure.hpp"
#include "switchback/engine/guard.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

std::optional<ProbedColumn> probed(Workbench& bench, ports::Session& session, const Structure& structure) {
  if (structure.kind != Structure::Kind::column || structure.by_place) return std::nullopt;
  const auto table = bench.catalog().table(session, structure.table);
  const ColumnFacts* column = table ? table->column(structure.name) : nullptr;
  if (!column || column->generated) return std::nullopt;
  ProbedColumn probe;
  probe.plan_id = bench.fence().plan;
  probe.table = structure.table;
  probe.oid = table->oid;
  probe.column = sync_column(*column);
  probe.column.number = column->number;
  probe.structure = shown(structure);
  if (const ResolvedSync* sync = bench.resolved().sync_of(structure.table)) probe.marker = sync->sync.marker;
  probe.can_tell_inserts =
      !column->default_volatile && !column->identity && (probe.marker.has_value() || table->kind != 'p');
  probe.period = probe_period(observe_window(bench));
  return probe;
}

/// The triggers of the plan's probe that are there and fire, as switchback.usage_coverage keeps them.
json triggers_there(ports::Session& session, PlanId plan) {
  const auto rows = session.exec(R"(
SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.concat(t.tgrelid, ' ', t.tgname) ORDER BY t.tgrelid, t.tgname), '[]')
FROM pg_catalog.pg_trigger t
WHERE t.tgfoid = pg_catalog.to_regproc($1) AND t.tgparentid = 0 AND t.tgenabled = 'A')",
                                 {probe_function_name(plan)});
  return json::parse(rows.text(0, 0));
}

}  // namespace

void install_probes(Workbench& bench, ports::Session& session) {
  const PlanId plan = bench.fence().plan;
  const std::string id = std::to_string(plan);
  const auto made = session.exec(
      "SELECT marks->'triggers' FROM switchback.usage_coverage WHERE plan_id = $1 AND source = 'write_probe'", {id});
  if (!made.empty() && json::parse(made.text(0, 0)) == triggers_there(session, plan)) return;
  std::vector<ProbedColumn> columns;
  for (const Structure& structure : structures_of(bench.plan().contract.steps))
    if (auto probe = probed(bench, session, structure)) columns.push_back(std::move(*probe));
  if (columns.empty()) return;
  session.exec(probe_function_sql(plan));
  for (const ProbedColumn& column : columns) session.exec(probe_triggers_sql(column));
  session.exec(
      "INSERT INTO switchback.usage_coverage (plan_id, source, server, since, until, marks) VALUES ($1, 'write_probe', "
      "'primary', pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), pg_catalog.jsonb_build_object('looked', "
      "true, 'triggers', $2::jsonb, 'period', $3::int8)) ON CONFLICT (plan_id, source, server) DO UPDATE SET since = "
      "excluded.since, until = excluded.until, marks = excluded.marks, cut_by = 'the write probe was made again'",
      {id, triggers_there(session, plan).dump(), std::to_string(columns.front().period.count())});
  bench.note("probe", "writes of the old side are watched from now on");
}

void forget_counters(ports::Session& session, PlanId plan) {
  session.exec("DELETE FROM switchback.usage_counter WHERE plan_id = $1", {std::to_string(plan)});
  session.exec("DELETE FROM switchback.usage_coverage WHERE plan_id = $1 AND source = 'counters'",
               {std::to_string(plan)});
}

void remove_probes(ports::Session& session, PlanId plan) {
  const auto triggers = session.exec(R"(
SELECT n.nspname, c.relname, t.tgname FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgfoid = pg_catalog.to_regproc($1) AND t.tgparentid = 0 ORDER BY 1, 2, 3)",
                                     {probe_function_name(plan)});
  for (std::size_t i = 0; i < triggers.size(); ++i)
    session.exec("DROP TRIGGER IF EXISTS " + quote_identifier(triggers.text(i, 2)) + " ON " +
                 quoted(TableName{triggers.text(i, 0), triggers.text(i, 1)}));
  session.exec("DROP FUNCTION IF EXISTS " + probe_function_name(plan) + "()");
  session.exec("DELETE FROM switchback.usage_coverage WHERE plan_id = $1 AND source = 'write_probe'",
               {std::to_string(plan)});
}

}  // namespace switchback::engine
