/// `switchback lint`. Private to the command line.
#pragma once

#include "command.hpp"

namespace switchback::cli {

void add_lint(CLI::App& app, Action& chosen);

}  // namespace switchback::cli
