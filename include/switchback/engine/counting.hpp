/// The counters of would-be violations: made in expand, looked at before hiding, gone with the drop.
#pragma once

#include <optional>
#include <string>

#include "switchback/engine/workbench.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Makes the counter of the rule `number` (from 1), within the caller's transaction, and begins its time anew. A
/// unique rule's twin_index is there before.
void install_counter(Workbench& bench, ports::Session& session, int number);
/// Every counter that is not there as it was made; for a unique rule first the index that finds twins.
Stop repair_counters(Workbench& bench);
/// With what they noted; `number` 0: all of the plan's.
void remove_counters(ports::Session& session, PlanId plan, int number = 0);
/// Drops the twin_index of a unique rule; within the caller's transaction.
void remove_twin_index(ports::Session& session, const Plan& plan, const Rule& rule);
/// Builds that of the rule `number`, unless another index finds twins.
Stop build_twin_index(Workbench& bench, const AddUnique& rule, int number);

/// A write that a rule would refuse was seen within the window (who, when, a row), or no whole window has passed yet.
std::optional<Hold> violation_hold(Workbench& bench);

}  // namespace switchback::engine
