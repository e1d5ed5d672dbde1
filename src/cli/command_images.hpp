/// The commands about images, added as those of command.hpp are. Private to the command line.
#pragma once

#include "command.hpp"

namespace switchback::cli {

void add_image(CLI::App& app, Action& chosen);
void add_gate(CLI::App& app, Action& chosen);

}  // namespace switchback::cli
