/// The copy of existing rows to the new side.
#pragma once

#include <string>

#include "switchback/engine/walk.hpp"

namespace switchback::engine {

std::string backfill_step(const TableName& table);  ///< "backfill users"

/// Fills every unfilled row, never one that an image wrote. A row that cannot be converted is marked 'f' and
/// quarantined with its key, SQLSTATE and message, and the rest goes on; beyond the budget the plan holds. Resumable.
Stop backfill(Workbench& bench, const ResolvedSync& sync);

/// Marks open quarantined rows as mended that the application has written since, so that they are in step again, or
/// that are gone.
void settle_mended(ports::Session& session, PlanId plan, const ResolvedSync& sync);

/// Quarantines the rows of `leaf` in `range` (SQL over the alias `t`) that sync marked as failed: it runs with the
/// writer's rights and can do no more than mark them.
void note_marked(ports::Session& session, PlanId plan, const ResolvedSync& sync, const TableName& leaf,
                 const std::string& range);

/// Index and plan statistics fresh, so that batches walk the key's index; SHARE UPDATE EXCLUSIVE while it samples.
Stop analyze(Workbench& bench, const TableName& table);

}  // namespace switchback::engine
