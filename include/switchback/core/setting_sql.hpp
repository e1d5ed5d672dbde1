/// What the steps do that set or rename something that is there, and how what was is set again. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/step_sql.hpp"

namespace switchback {

StepSql rename_index_step(const RenameIndex& step);
/// `was`: the parameters before, as the catalog has them ("fillfactor=70"); empty: there is no database to ask.
StepSql set_storage_parameters_sql(const SetStorageParameters& step,
                                   const std::optional<std::vector<std::string>>& was);
/// `was`: the identity before.
StepSql set_replica_identity_sql(const SetReplicaIdentity& step, const std::optional<SetReplicaIdentity>& was);
StepSql set_statistics_sql(const SetStatistics& step, std::optional<int> was);
/// `was`: storage and compression of the column before, both given where the server has them.
StepSql set_storage_sql(const SetStorage& step, const std::optional<SetStorage>& was);

/// The statements of one of the four steps that set something.
std::vector<std::string> setting_sql(const Action& action);

/// Queries for what stands there now. Parameters: one row a parameter; identity: relreplident, index; statistics: one
/// value; storage: attstorage, attcompression ('' before PostgreSQL 14).
std::string storage_parameters_query(const SetStorageParameters& step);
std::string replica_identity_query(const TableName& table);
std::string statistics_query(const SetStatistics& step);
std::string storage_query(const SetStorage& step);
/// From what the queries for identity and storage give.
SetReplicaIdentity identity_from(const TableName& table, char identity, std::string index);
SetStorage storage_from(const SetStorage& step, char storage, std::string_view compression);

// --- what is turned over at the hide -----------------------------------------------------------------------------

/// Steps of the contract that the hide's transaction does as they stand, and whose undo is recorded with it: the old
/// image may rest on what goes.
bool is_turned_over(const Action& action);
/// `default_value`: of a drop_default's column as the catalog has it; empty: it has none, or there is no database.
StepSql turn_over_sql(const Action& action, const std::optional<std::string>& default_value);
std::string exclusion_name(const AddExclusion& step);
/// A query for how many rows of the table there are for which another one is in the way.
std::string exclusion_broken_sql(const AddExclusion& step);

}  // namespace switchback
