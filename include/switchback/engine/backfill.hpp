/// The copy of existing rows to the new side.
#pragma once

#include <string>

#include "switchback/engine/walk.hpp"

namespace switchback::engine {

std::string backfill_step(const TableName& table);  ///< "backfill users"

/// Fills every unfilled row, never one that an image wrote. A row that cannot be converted is marked 'f' and
/// quarantined with its key, SQLSTATE and message, and the rest goes on; beyond the budget the plan holds. Resumable.
Stop backfill(Workbench& bench, const ResolvedSync& sync);

/// Index and plan statistics fresh, so that batches walk the key's index; SHARE UPDATE EXCLUSIVE while it samples.
Stop analyze(Workbench& bench, const TableName& table);

}  // namespace switchback::engine
