/// `switchback new`. Private to the command line.
#pragma once

#include "command.hpp"

namespace switchback::cli {

void add_new(CLI::App& app, Action& chosen);

}  // namespace switchback::cli
