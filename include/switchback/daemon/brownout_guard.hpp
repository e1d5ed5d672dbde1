/// The second process of a brownout: it gives the privileges back when the runner is dead, or its time is over.
#pragma once

#include <memory>
#include <string>

#include "switchback/core/settings.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/ports/brownout.hpp"

namespace switchback::daemon {

/// This program once more, as `brownout-guard`, in a session of its own: SIGKILL of the runner, of its process group or
/// its terminal leaves it alone. What ends the machine, the container or the systemd unit (KillMode=control-group) ends
/// it too; then the next switchback that connects gives the privileges back. Error when it does not get a connection.
std::unique_ptr<ports::BrownoutGuard> post_guard(const Settings& settings, const engine::Actor& actor,
                                                 const std::string& plan);

/// The guard itself: hears its order on standard input. Once it is armed it ends only when the journal says that
/// nothing of the plan is revoked any more and no transaction of a runner is under way that could revoke; it connects
/// again for as long as that takes.
int stand_guard();

}  // namespace switchback::daemon
