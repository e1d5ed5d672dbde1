/// The command line: parses it, runs the command, and turns what happened into output and an exit code.
#pragma once

namespace switchback::cli {

/// Never throws. Data goes to standard output, everything else to standard error; returns what the process exits with.
int run_command_line(int argc, const char* const* argv) noexcept;

}  // namespace switchback::cli
