/// Lines on standard error, as text or as JSON. Private to the command line.
#pragma once

#include <string_view>

#include "switchback/cli/render.hpp"

namespace switchback::cli {

enum class Level { detail, info, warning, error };

/// Once, before the first line. `quiet` leaves warnings and errors.
void start_log(bool json, bool quiet, bool verbose, Paint paint);
/// From any thread.
void log_line(Level level, std::string_view line);
bool log_is_json();

}  // namespace switchback::cli
