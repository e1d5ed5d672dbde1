/// Recording one look at every server in the journal.
#pragma once

#include <vector>

#include "switchback/ports/usage_source.hpp"
#include "usage_reach.hpp"

namespace switchback::postgres {

/// `reach`: of each structure of the request.
void sample(ports::Session& session, const ports::UsageRequest& request, const std::vector<Reached>& reach);

}  // namespace switchback::postgres
