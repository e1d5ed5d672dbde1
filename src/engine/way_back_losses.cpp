// What the way below migrated takes along that nothing else has.
#include <algorithm>

#include "switchback/core/sql.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/restoring.hpp"
#include "switchback/engine/turning_back.hpp"

namespace switchback::engine {
namespace {

std::string loss_words(const LossCount& count, const TableName& table, const std::string& what) {
  std::string line = show_count(count.lost) + " of " + show_rows(count.rows) + " of " + shown(table) + what;
  for (const std::string& sample : count.samples) line += (sample == count.samples.front() ? ": " : ", ") + sample;
  return line;
}

/// Columns that the plan added and that are still there, for which sync has nothing to compute their values from.
std::vector<AddedColumn> uncarried(Workbench& bench, const TableFacts& table) {
  std::vector<AddedColumn> out;
  const ResolvedSync* sync = bench.resolved().sync_of(table.name);
  for (const Step& step : bench.plan().expand) {
    const auto* add = std::get_if<AddColumn>(&step.action);
    if (!add || add->table != table.name) continue;
    const ColumnFacts* facts = bench.resolved().added(add->table, add->name);
    const bool there =
        std::ranges::any_of(table.columns, [&](const ColumnFacts& one) { return one.name == add->name; });
    if (!facts || !there) continue;
    AddedColumn column{*facts, std::nullopt};
    bool carried = false;
    if (sync)
      for (const auto& [name, expression] : sync->sync.forward) {
        if (name != add->name) continue;
        carried = !expression.columns.empty();
        column.fill = expression.in("r");
      }
    if (!carried) out.push_back(std::move(column));
  }
  return out;
}

/// Of columns that go with what images wrote into them.
void add_uncarried_losses(Workbench& bench, std::vector<std::string>& out) {
  std::vector<TableName> seen;
  for (const Step& step : bench.plan().expand) {
    const auto* add = std::get_if<AddColumn>(&step.action);
    if (!add || std::ranges::find(seen, add->table) != seen.end()) continue;
    seen.push_back(add->table);
    const auto table = bench.catalog().table(bench.session(), add->table);
    if (!table) continue;
    const std::vector<AddedColumn> columns = uncarried(bench, *table);
    if (columns.empty()) continue;
    std::string names;
    for (const AddedColumn& column : columns) names += (names.empty() ? "" : ", ") + shown(column.facts.name);
    const LossCount count = added_losses(bench.session(), *table, columns);
    if (count.lost > 0) out.push_back(loss_words(count, table->name, " hold values of their own in " + names));
  }
}

}  // namespace

std::vector<std::string> rollback_losses(Workbench& bench, State to) {
  std::vector<std::string> out;
  for (const ResolvedSync& sync : bench.resolved().sync) {
    // Under the names that the columns have now: hidden ones have others.
    const auto now = bench.session().exec(
        "SELECT document FROM switchback.sync WHERE plan_id = $1 AND relation = $2 AND NOT restoring",
        {std::to_string(bench.record().id), std::to_string(sync.oid)});
    const auto table = bench.catalog().table(bench.session(), sync.table);
    const bool ended = bench.record().state == State::done;  // nothing carries values over any more, or marks rows
    if ((now.empty() && !ended) || !table) continue;
    SyncPlan sides = now.empty() ? sync.sync : sync_from_json(now.text(0, 0));
    if (ended) sides.marker.clear();
    const LossCount count = losses(bench.session(), *table, sides);
    if (count.lost == 0) continue;
    out.push_back(loss_words(count, sync.table, " hold values on the new side that the old side does not carry"));
  }
  if (to == State::rolled_back) add_uncarried_losses(bench, out);
  return out;
}

}  // namespace switchback::engine
