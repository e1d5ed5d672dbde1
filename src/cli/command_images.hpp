/// The commands about images, added as those of command.hpp are. Private to the command line.
#pragma once

#include "command.hpp"
#include "switchback/core/image.hpp"

namespace switchback::cli {

/// How sessions show their images, and how long a deployment counts.
HorizonRules horizon_rules(const Settings& settings);

void add_image(CLI::App& app, Action& chosen);
void add_gate(CLI::App& app, Action& chosen);

}  // namespace switchback::cli
