/// The ways back: from contracted to migrated, and what rolling back below migrated would lose. Inside the caller's
/// transaction unless said otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/restore_sql.hpp"
#include "switchback/engine/hiding.hpp"

namespace switchback::engine {

/// Brings the columns back, empty, in last place: types, storage, owned sequences, defaults, comments, grants; NOT NULL
/// that the contract set is taken off again; the marker column is added, NULL in every row; the function that reads the
/// archive is made. The caller puts the sync function for restoring_side() in the same transaction, after this.
void start_restore(ports::Session& session, PlanId plan_id, const std::vector<TakenTable>& tables);

/// True for the first call of a restore; what the caller does upon it belongs into the same transaction.
bool begin_rebuild(ports::Session& session, PlanId plan_id);
/// What is still to be rebuilt once every row is filled, in order.
std::vector<StoredDefinition> rebuild_steps(ports::Session& session, PlanId plan_id);
/// Whether it must run outside a transaction: indexes, which are built concurrently.
bool outside_transaction(const StoredDefinition& step);
/// Runs one of them and notes that it is done (step "rebuild" in switchback.checkpoint). An index that an earlier
/// attempt left invalid is cleared away, unless someone is building it now (Error 55P03, Remedy::retry).
void rebuild(ports::Session& session, PlanId plan_id, const StoredDefinition& step);

/// After the caller has put sync back to its normal orientation (or, for a column without heir, removed it), in the
/// same transaction: the archive's reading function goes, and with `marker_goes` the marker columns.
void end_filling(ports::Session& session, const std::vector<TakenTable>& tables, bool marker_goes);
/// On arrival at migrated: archives go, definitions are forgotten.
void end_restore(ports::Session& session, PlanId plan_id, const std::vector<TakenTable>& tables);
/// On arrival at done: archives go. The definitions stay, for the record.
void purge(ports::Session& session, PlanId plan_id, const std::vector<TakenTable>& tables);

/// SET NOT NULL without a long lock, as three steps: CHECK NOT VALID; VALIDATE; SET NOT NULL and the CHECK goes. Each
/// in a transaction of its own. For the undo of drop_not_null.
std::vector<std::vector<std::string>> gentle_not_null_sql(std::string_view plan, const TableName& table,
                                                          std::string_view column);

}  // namespace switchback::engine
