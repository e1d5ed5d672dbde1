#include "switchback/engine/backfill.hpp"

#include <algorithm>
#include <utility>

#include "switchback/core/error.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/filling.hpp"
#include "switchback/engine/migrating.hpp"
#include "switchback/engine/page_walk.hpp"
#include "switchback/engine/quarantine.hpp"
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

/// The last batches may have gone over it after the walk had looked.
Stop keep_to_budget(Workbench& bench, const TableName& table, double rows) {
  const auto look = [&] {
    return over_budget(bench.settings(), bench.plan(), table, open_rows(bench.session(), bench.fence().plan), rows);
  };
  std::optional<Hold> hold;
  const Stop stop = bench.outside_transaction([&](ports::Session&) { hold = look(); });
  return stop.ok() && hold ? bench.hold_until(*hold, std::chrono::milliseconds(1000), look) : stop;
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
  return stop.ok() ? keep_to_budget(bench, sync.table, rows) : stop;
}

}  // namespace switchback::engine
