/// The brownout of a plan's old columns on the way from migrated to hidden: stretch after stretch, with somebody who
/// undoes each one if this runner dies, and with whatever can see who complains.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "switchback/core/brownout.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// The plan's stretches, else the settings'; empty: no brownout.
Stretches brownout_stretches(Workbench& bench);

/// Does the stretches that are left. `look` is asked every `every` meanwhile, as during the observation: sampling must
/// not stop, and what it holds for ends a stretch. A pause, a signal, a bad health signal, a lost lease, a guard that
/// dies and the end of the process all undo at once; a stretch that was cut short is done again after a pause. `again`:
/// it came to nothing, since something tripped or `look` holds; the usage evidence now says so.
Stop brown_out(Workbench& bench, std::chrono::milliseconds every, const std::function<std::optional<Hold>()>& look,
               bool& again);

}  // namespace switchback::engine
