/// The write probe of a plan: there while its old columns are observed, gone before anything else touches them.
#pragma once

#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// Makes the probes of every column that the contract drops, unless they are there as they were made; within the
/// caller's transaction. Their coverage begins with them. A short lock on each table, as long as lock_timeout says.
void install_probes(Workbench& bench, ports::Session& session);
/// Removes them and what they covered, wherever they are; what they saw stays. Within the caller's transaction.
void remove_probes(ports::Session& session, PlanId plan);
/// What hides and restores a structure may scan it: counted is anew from the next look on.
void forget_counters(ports::Session& session, PlanId plan);

}  // namespace switchback::engine
