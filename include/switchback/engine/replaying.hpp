/// The statements of images, against what a contract takes.
#pragma once

#include "switchback/core/horizon.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::engine {

/// Those of every registered image of the horizon. `request` has the structures under the names that they have now,
/// which are those that images know: at migrated or before. Makes a schema clone when there are statements.
ContractReplay replay_images(ports::Session& session, ports::UsageSource& usage, const ports::UsageRequest& request,
                             const std::vector<RegisteredImage>& images, const std::vector<HorizonImage>& horizon,
                             const Settings& settings);

}  // namespace switchback::engine
