/// The way back from contracted to migrated, as SQL text. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/contract_sql.hpp"

namespace switchback {

/// Sync with its sides exchanged, for the time of the restore: the restored columns are its new side, filled from the
/// archive, else by the plan's reverse, else with born_since or the column's default. Everything that fills and follows
/// a new side (fill_set_sql, the sync function, the backfill's quarantine) works on it as it is. Set
/// SyncTable::definer: it reads the archive.
/// `sync`: the plan's own, with the application's column names; none for a column dropped without heir.
/// `archived` false: the plan kept no archive.
SyncPlan restoring_side(const TakenTable& table, const std::optional<SyncPlan>& sync, bool archived);

/// The function that reads the archive for restoring_side, the two triggers around an INSERT which tell it that the row
/// is being born (the archive may still hold a dead row of the same key, whose deletion has not ended), and what
/// removes them. The triggers sort around sync_insert_trigger.
std::string restore_function_sql(const TakenTable& table, bool archived);
std::string restore_function_drop_sql(const TakenTable& table);

}  // namespace switchback
