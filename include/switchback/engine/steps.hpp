/// Records of steps, the checks before each, and sync as the journal knows it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/footprint.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// "done", "running", "undone", or nothing. With the step's detail.
struct StepStatus {
  std::string status;
  std::string detail;  ///< JSON
};
std::optional<StepStatus> step_status(ports::Session& session, PlanId plan, std::string_view phase, int ordinal);
void mark_step(ports::Session& session, PlanId plan, std::string_view phase, int ordinal, std::string_view name,
               std::string_view status, std::string_view detail = "{}");

/// Statements as the user wrote them, with the search_path that the role has; within the caller's transaction. A
/// failure names the step.
void run_written(ports::Session& session, const Step& step, const std::vector<std::string>& sql);

/// Error(Exit::drift) unless this is the server the plan was started on (system identifier, same or later timeline),
/// not in recovery, and the tables the plan works on are shaped as this plan left them.
Stop check_surroundings(Workbench& bench);
/// What the table is called now: a plan may have renamed it.
TableName name_now(ports::Session& session, const std::vector<PlanEffect::Rename>& renames, const TableName& table);
/// The table's fingerprint without the indexes that plans are in the middle of building: one that a crash left invalid
/// is no drift.
std::string shape_now(ports::Session& session, ports::Catalog& catalog, const TableName& table);
/// The table's place among a plan's fingerprints.
std::string shape_key(const TableName& table);
/// Remembers the shape of the plan's tables, and of those whose indexes it drops, for this plan and for all that share
/// them and saw them as it did; within the transaction that changed it.
void record_shapes(Workbench& bench);
/// The tables a plan works on, each once; without those that it makes itself.
std::vector<TableName> tables_of(const Plan& plan);

/// Makes the table's sync function anew from what all plans ask of it (switchback.sync), or removes it with the last.
/// `triggers`: also make the triggers anew, because the set of columns changed (renames they follow by themselves).
void resync(ports::Session& session, std::uint32_t relation, const TableName& table, bool triggers);
void put_sync(ports::Session& session, PlanId plan, std::uint32_t relation, const SyncPlan& sync,
              bool restoring = false);
void remove_sync(ports::Session& session, PlanId plan, std::uint32_t relation);

/// Columns under other names, for every plan whose sync reads or writes them; the function is made anew (its triggers
/// follow a rename by themselves).
void rename_in_sync(ports::Session& session, std::uint32_t relation, const TableName& table, const Renames& names,
                    const Renames& types = {});
/// Drops the marker columns of synced tables that `taken` does not speak of (their markers go with what is taken).
void drop_spare_markers(ports::Session& session, const ResolvedPlan& plan, const std::vector<TakenTable>& taken);

}  // namespace switchback::engine
