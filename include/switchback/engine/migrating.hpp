/// The migrate phase: backfill, indexes, checks, and the comparison of both sides of every row.
#pragma once

#include "switchback/core/work.hpp"
#include "switchback/engine/walk.hpp"

namespace switchback::engine {

Stop migrate(Workbench& bench);

/// What a comparison found.
struct Compared {
  std::int64_t rows = 0;
  std::int64_t wrong = 0;
  std::int64_t both_sides = 0;
  std::int64_t quarantined = 0;
  std::int64_t unfilled = 0;
  std::vector<std::string> samples;  ///< keys of wrong rows, JSON objects; at most 20

  Compared& operator+=(const Compared& part);
};
/// Counts over the rows of `range`: see in_step_sql. Reads only.
Compared compare_rows(ports::Session& session, const ResolvedSync& sync, const TableName& leaf,
                      const std::string& range);
/// The same of one batch, outside a transaction; where a row's expressions raise, row by row: that one is wrong.
Compared compare_range(ports::Session& session, const ResolvedSync& sync, const WalkBatch& batch);
/// Both sides of every row of one table, resumable; `step` names the checkpoint.
Stop compare_all(Workbench& bench, const ResolvedSync& sync, const std::string& step, Compared& found);
/// The same without a runner: nothing is written, each batch a snapshot of its own. For `verify`.
Compared compare_now(ports::Session& session, ports::Catalog& catalog, const PlanRecord& record);

}  // namespace switchback::engine
