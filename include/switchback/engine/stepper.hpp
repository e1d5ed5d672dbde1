/// Drives a plan along the table of states: looks where it stands, does what leads on, and does it again.
#pragma once

#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// Forward to `target`, a resting state; a way back that was under way is finished first. Arrived at once where the
/// plan is there already, or further.
Stop drive_forward(Workbench& bench, State target);

/// Back to migrated, expanded or rolled_back, through every state between.
Stop drive_back(Workbench& bench, State target);

/// Where `run` goes when it is not told: migrated, or done for a plan of additive steps only.
State default_target(const Plan& plan);

}  // namespace switchback::engine
