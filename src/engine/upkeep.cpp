#include "switchback/engine/upkeep.hpp"

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/backfill.hpp"

namespace switchback::engine {
namespace {

constexpr double worth_vacuuming = 0.1;

/// VACUUM by hand has no cost limit of its own (vacuum_cost_delay is 0); autovacuum's own is what this server is meant
/// to bear.
constexpr const char* as_autovacuum = R"sql(
SELECT pg_catalog.set_config('vacuum_cost_delay',
         CASE WHEN pg_catalog.current_setting('autovacuum_vacuum_cost_delay') = '-1' THEN pg_catalog.current_setting('vacuum_cost_delay')
              ELSE pg_catalog.current_setting('autovacuum_vacuum_cost_delay') END, false),
       pg_catalog.set_config('vacuum_cost_limit',
         CASE WHEN pg_catalog.current_setting('autovacuum_vacuum_cost_limit') = '-1' THEN pg_catalog.current_setting('vacuum_cost_limit')
              ELSE pg_catalog.current_setting('autovacuum_vacuum_cost_limit') END, false))sql";

/// Where autovacuum looks after a table, it comes by itself, and nothing has to wait for it.
bool pays(ports::Session& session, const TableName& leaf) {
  const auto rows = session.exec(R"sql(
SELECT s.n_dead_tup >= $2::float8 * greatest(c.reltuples, 1)
       AND NOT (pg_catalog.current_setting('autovacuum')::bool
                AND coalesce((SELECT option_value::bool FROM pg_catalog.pg_options_to_table(c.reloptions)
                              WHERE option_name = 'autovacuum_enabled'), true))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid
WHERE c.oid = pg_catalog.to_regclass($1))sql",
                                 {quoted(leaf), std::to_string(worth_vacuuming)});
  return !rows.empty() && rows.boolean(0, 0);
}

std::string grown(std::string_view what, std::int64_t now, std::int64_t before) {
  return std::string(what) + " " + show_bytes(now) + ", " + (what == "indexes" ? "were " : "was ") + show_bytes(before);
}

}  // namespace

TableSize size_of(ports::Session& session, const TableName& table) {
  const auto rows = session.exec(
      "SELECT pg_catalog.sum(pg_catalog.pg_table_size(r.relid))::bigint, "
      "pg_catalog.sum(pg_catalog.pg_indexes_size(r.relid))::bigint FROM (SELECT pg_catalog.to_regclass($1) AS relid "
      "UNION SELECT p.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)) p) r",
      {quoted(table)});
  return {rows.integer(0, 0), rows.integer(0, 1)};
}

std::string backfill_report(ports::Session& session, PlanId plan, const TableName& table, const TableSize& before) {
  const auto done = session.exec(
      "SELECT coalesce(pg_catalog.sum(rows_done), 0)::bigint, coalesce(pg_catalog.sum(rows_bad), 0)::bigint, "
      "coalesce(extract(epoch FROM pg_catalog.sum(active)), 0)::bigint FROM switchback.checkpoint WHERE plan_id = $1 "
      "AND step = $2",
      {std::to_string(plan), backfill_step(table)});
  const TableSize now = size_of(session, table);
  std::string text = shown(table) + ": " + show_rows(done.integer(0, 0)) + " in " +
                     show_duration(std::chrono::seconds(done.integer(0, 2))) + " of work";
  if (done.integer(0, 1) > 0) text += ", " + show_count(done.integer(0, 1)) + " of them to quarantine";
  return text + "; " + grown("table", now.table, before.table) + "; " + grown("indexes", now.indexes, before.indexes);
}

Stop vacuum_where_it_pays(Workbench& bench, const TableName& table) {
  if (!bench.settings().vacuum) return Stop::arrived();
  std::vector<TableName> leaves;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    const auto facts = bench.catalog().table(session, table);
    if (!facts) throw Error(Exit::drift, Remedy::person, "the table " + shown(table) + " is gone");
    leaves.clear();
    for (const TableName& leaf : facts->leaves)
      if (pays(session, leaf)) leaves.push_back(leaf);
  });
  for (const TableName& leaf : leaves) {
    if (stop.ok()) stop = bench.pause_point(true);
    if (!stop.ok()) return stop;
    int tries = 0;
    stop = bench.outside_transaction([&](ports::Session& session) {
      if (tries++ > 0) return;
      session.exec(as_autovacuum);
      session.exec("VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE off) " + quoted(leaf));
    });
  }
  return stop;
}

}  // namespace switchback::engine
