/// The commands about images, added as those of command.hpp are. Private to the command line.
#pragma once

#include "command.hpp"
#include "switchback/postgres/footprint.hpp"

namespace switchback::cli {

/// Those of the tables that the statements name and that are there now.
postgres::KnownColumns known_columns(ports::Session& session, const std::vector<std::string>& statements);

void add_image(CLI::App& app, Action& chosen);
void add_capture(CLI::App& image, Action& chosen);
void add_sync(CLI::App& image, Action& chosen);
void add_fence(CLI::App& app, Action& chosen);
void add_gate(CLI::App& app, Action& chosen);

}  // namespace switchback::cli
