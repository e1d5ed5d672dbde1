#include "switchback/engine/batching.hpp"

#include "switchback/core/batched.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/walk.hpp"

namespace switchback::engine {
namespace {

/// One name for each: two steps may have the same text.
std::string walk_name(const Work& work, bool undo) {
  return std::string(undo ? "undo sql_batched #" : "sql_batched #") + std::to_string(work.ordinal);
}

Stop walk_rows(Workbench& bench, const Work& work, const std::string& statement, bool undo) {
  const auto& step = std::get<SqlBatched>(work.steps.front()->action);
  std::optional<TableFacts> table;
  Stop stop =
      bench.outside_transaction([&](ports::Session& session) { table = bench.catalog().table(session, step.table); });
  if (!stop.ok()) return stop;
  if (!table || !table->key)
    throw Error(Exit::drift, Remedy::person,
                "the table " + shown(step.table) + (table ? " has no key any more" : " is gone"),
                "see history for what changed it");
  try {
    return walk(bench, {walk_name(work, undo), step.table, *table->key, step.batch, true, {}, {}},
                [&](ports::Session& session, const WalkBatch& batch) {
                  use_own_search_path(session, true);
                  const WalkCost cost = run_counted(session, batched_sql(statement, batch.range, batch.leaf));
                  session.exec("SET LOCAL search_path = pg_catalog, pg_temp");
                  return WalkCost{cost.wal_bytes, 0, {}};
                });
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    return Stop::held({HoldKind::violation,
                       work.name + ": " + error.what(),
                       "the rows are mended, then the same command again: batches before this one are done",
                       {}});
  }
}

}  // namespace

Stop run_batched(Workbench& bench, const Work& work) {
  return walk_rows(bench, work, std::get<SqlBatched>(work.steps.front()->action).run, false);
}

Stop undo_batched(Workbench& bench, const Work& work) {
  const auto& step = std::get<SqlBatched>(work.steps.front()->action);
  return step.undo ? walk_rows(bench, work, *step.undo, true) : Stop::arrived();
}

void forget_batched(ports::Session& session, const Workbench& bench, const Work& work) {
  for (const bool undo : {false, true}) forget_walk(session, bench.fence().plan, walk_name(work, undo));
}

}  // namespace switchback::engine
