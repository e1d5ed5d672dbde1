/// Points to recover to, and waiting until one can be.
#pragma once

#include <optional>
#include <string>

#include "switchback/core/hold.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// Makes a named restore point, `before` what comes next, and puts it into the history with its position and timeline;
/// where the role may not, it says so there. The name is told from all others, as recovery stops at the first of a
/// name. In the caller's transaction: the point lies before its commit. Returns the WAL segment that holds it; empty:
/// none was made, or nothing is archived.
std::string make_restore_point(Workbench& bench, ports::Session& session, std::string_view before);

/// Until the segment is archived: switches to the next one where the role may, and says so where it may not.
Stop await_archived(Workbench& bench, const std::string& segment);

}  // namespace switchback::engine
