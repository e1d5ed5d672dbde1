#include "switchback/engine/backfill.hpp"

#include <algorithm>
#include <utility>

#include "switchback/core/error.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/filling.hpp"
#include "switchback/engine/migrating.hpp"
#include "switchback/engine/page_walk.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

/// Leaves that cannot be walked by page: in the order of the key.
Stop fill_by_key(Workbench& bench, const ResolvedSync& sync, const std::vector<TableName>& leaves, double rows) {
  Filling filling(bench.fence().plan, backfill_step(sync.table), sync);
  std::int64_t bad = 0;
  std::int64_t pending = 0;
  const Stop stop =
      bench.outside_transaction([&](ports::Session& session) { bad = open_rows(session, bench.fence().plan); });
  if (!stop.ok()) return stop;
  WalkOptions options{backfill_step(sync.table), sync.table, sync.key, sync.batch, true, {}, leaves};
  options.committed = [&] {
    bad += std::exchange(pending, 0);
    return over_budget(bench.settings(), bench.plan(), sync.table, bad, rows);
  };
  return walk(bench, options, [&](ports::Session& session, const WalkBatch& batch) {
    const FillCost cost = batch.careful ? filling.fill_carefully(session, bench.settings(), batch.leaf, batch.range)
                                        : filling.fill(session, bench.settings(), batch.leaf, batch.range, {});
    pending = cost.rows_bad;
    return WalkCost{cost.wal_bytes, cost.rows_bad, {}};
  });
}

}  // namespace

std::string backfill_step(const TableName& table) {
  return "backfill " + shown(table);
}

Stop analyze(Workbench& bench, const TableName& table) {
  return bench.outside_transaction([&](ports::Session& session) { session.exec("ANALYZE " + quoted(table)); });
}

Stop backfill(Workbench& bench, const ResolvedSync& sync) {
  Stop stop = analyze(bench, sync.table);
  if (!stop.ok()) return stop;
  std::vector<TableName> by_page;
  std::vector<TableName> by_key;
  double rows = 0;
  stop = bench.outside_transaction([&](ports::Session& session) {
    const auto table = bench.catalog().table(session, sync.table);
    if (!table) throw Error(Exit::drift, Remedy::person, "the table " + shown(sync.table) + " is gone");
    rows = table->rows_estimate;
    by_page = leaves_by_page(bench, session, *table, backfill_step(sync.table));
    by_key.clear();
    for (const TableName& leaf : table->leaves)
      if (std::ranges::find(by_page, leaf) == by_page.end()) by_key.push_back(leaf);
  });
  if (stop.ok() && !by_page.empty()) stop = fill_by_page(bench, sync, backfill_step(sync.table), by_page, rows);
  if (stop.ok() && !by_key.empty()) stop = fill_by_key(bench, sync, by_key, rows);
  return stop;
}

void settle_mended(ports::Session& session, PlanId plan, const ResolvedSync& sync) {
  std::string same_key;
  for (std::size_t i = 0; i < sync.key.columns.size(); ++i)
    same_key += "t." + quote_identifier(sync.key.columns[i]) + " = (q.key->>" + quote_literal(sync.key.columns[i]) +
                ")::" + sync.key.types[i] + " AND ";
  const std::string path = key_search_path(session, sync.table, sync.key, "SESSION");
  if (!path.empty()) session.exec(path);
  session.exec(
      "UPDATE switchback.quarantine q SET status = 'mended', settled_at = pg_catalog.clock_timestamp(), settled_by = "
      "'the application', reason = 'written or deleted since' WHERE q.plan_id = $1 AND q.relation = $2 AND q.status = "
      "'open' AND NOT EXISTS (SELECT FROM " +
          quoted(sync.table) + " AS t WHERE " + same_key + "t." + quote_identifier(sync.sync.marker) +
          " IN ('f', 'r'))",
      {std::to_string(plan), shown(sync.table)});
  if (!path.empty()) use_safe_search_path(session);
}

void note_marked(ports::Session& session, PlanId plan, const ResolvedSync& sync, const TableName& leaf,
                 const std::string& range) {
  const std::string marker = "t." + quote_identifier(sync.sync.marker);
  session.exec(
      "INSERT INTO switchback.quarantine AS q (plan_id, step, relation, key, sqlstate, message) SELECT $1, $2, $3, " +
          key_object(sync.key, "t") + ", '22000', CASE " + marker +
          " WHEN 'f' THEN 'the forward expression failed' ELSE 'the reverse expression failed' END || ' when the "
          "application wrote the row' FROM " +
          quoted(leaf) + " AS t WHERE " + range + " AND " + marker +
          " IN ('f', 'r') ON CONFLICT (plan_id, step, relation, key) DO UPDATE SET status = 'open', at = "
          "pg_catalog.clock_timestamp() WHERE q.status = 'mended'",
      {std::to_string(plan), backfill_step(sync.table), shown(sync.table)});
}

std::optional<Hold> quarantine_hold(Workbench& bench) {
  ports::Session& session = bench.session();
  std::int64_t unconverted = 0;
  const std::string plan = std::to_string(bench.fence().plan);
  for (const ResolvedSync& sync : bench.resolved().sync) {
    settle_mended(session, bench.fence().plan, sync);
    note_marked(session, bench.fence().plan, sync, sync.table, "true");
    unconverted += session
                       .exec(
                           "SELECT pg_catalog.count(*) FROM switchback.quarantine WHERE plan_id = $1 AND relation = $2 "
                           "AND status = 'open'",
                           {plan, shown(sync.table)})
                       .integer(0, 0);
  }
  if (unconverted == 0) return std::nullopt;
  return Hold{HoldKind::quarantine,
              show_count(unconverted) + " rows could not be converted",
              "they are mended or accepted: switchback quarantine " + bench.plan().name + " list",
              {}};
}

}  // namespace switchback::engine
