/// The settings that hold for one plan. Private to the wiring.
#pragma once

#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/daemon/drive.hpp"

namespace switchback::daemon {

/// Those of the request, with the plan's own between the file's and the environment's. Null: no plan.
Settings settings_for(const DriveRequest& request, const Plan* plan);

}  // namespace switchback::daemon
