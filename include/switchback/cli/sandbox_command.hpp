/// `switchback sandbox up|down|status`.
#pragma once

#include <string>

namespace switchback::cli {

/// `verb`: up, down or status. `dir`: empty for the default folder. What scripts read goes to stdout (with `json` as
/// one object), everything else to stderr (`quiet`: errors only). The process's exit code: 0 done (status: both up, the
/// replica streaming), 1 failed, 3 the folder is not a sandbox, 6 status: not up, 64 another verb.
int sandbox_command(const std::string& verb, const std::string& dir, bool json, bool quiet);

}  // namespace switchback::cli
