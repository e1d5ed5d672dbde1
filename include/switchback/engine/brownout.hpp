/// One stretch of a brownout: the privileges on the plan's old columns are taken from everybody, and given back
/// exactly. What was there before is in the journal before anything is revoked, in the same transaction; whoever reads
/// that can give it back, whatever became of the runner.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/brownout.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

struct BrownoutOrder {
  PlanId plan = 0;
  std::vector<const DropColumn*> columns;
  std::chrono::seconds length{0};
  std::string guard;  ///< who undoes it when we are dead, in words
};

/// The tables that these columns are columns of: with partitions and children, which have privileges of their own.
std::vector<TableName> browned_tables(ports::Session& session, const std::vector<const DropColumn*>& columns);

/// Why there can be no brownout of these columns, in words; empty when there can. Foreign keys: their checks run with
/// the owner's privileges and would refuse writes that have nothing to do with the column.
std::vector<std::string> brownout_objections(ports::Session& session, const std::vector<const DropColumn*>& columns);

/// Revokes, within the caller's transaction, after having revoked and given back once to see that this leaves the same
/// bytes. Nothing where a stretch of this plan is open already (a commit in doubt that had counted). Returns its
/// number. Error(Exit::refused) with what to do where the privileges could not be given back exactly;
/// Error(Exit::not_yet) while another plan has a brownout.
std::int64_t begin_brownout(ports::Session& session, const Actor& actor, const BrownoutOrder& order);

/// What undo_brownouts did to one.
struct Undone {
  std::int64_t id = 0;
  std::vector<std::string> notes;  ///< what others changed meanwhile, and what could not be as it was
};
/// Gives everything back, each in a transaction of its own with its event; needs no lease, for nobody must be kept from
/// it. `plan`: of this one alone. `overdue`: only those past their deadline. `by`: "its guard, process 17 on vm".
std::vector<Undone> undo_brownouts(ports::Session& session, const Actor& actor, std::optional<PlanId> plan,
                                   bool overdue, const std::string& by);

/// Throws Error(Exit::not_yet) when another plan had a brownout of one of the tables at any time since `since` (a time
/// as the server writes it): privileges that were read meanwhile are not the tables' own.
void refuse_browned(ports::Session& session, const std::string& plan, const std::vector<TableName>& tables,
                    const std::string& since);

/// How a stretch that is undone ended; within the caller's transaction. `detail`: JSON, its `who` and `says` are shown
/// as evidence.
void settle_brownout(ports::Session& session, std::int64_t id, BrownoutOutcome outcome, const std::string& detail);

/// The plan's stretches since it came to its present state, oldest first; one that nobody settled was cut short.
struct BrownoutHistory {
  std::vector<PastStretch> past;
  std::optional<std::chrono::milliseconds> since_last;  ///< how long everything has been as usual
};
BrownoutHistory brownout_history(ports::Session& session, PlanId plan);

/// Roles seen in the plan's tables' database whom no revoked privilege stops: superusers, and members of
/// pg_read_all_data and pg_write_all_data.
std::vector<std::string> unstoppable_roles(ports::Session& session, PlanId plan);

}  // namespace switchback::engine
