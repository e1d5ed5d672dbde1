/// What gates have to know of primary keys that are widened. Private to them.
#pragma once

#include "switchback/core/gate.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Whether there are numbers that the narrower key could not hold, as far as this role may look.
bool is_way_back_closed(ports::Session& session, const GatePlan& gated);

}  // namespace switchback::engine
