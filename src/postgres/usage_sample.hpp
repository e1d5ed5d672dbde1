/// Recording one look at every server in the journal.
#pragma once

#include "switchback/ports/usage_source.hpp"

namespace switchback::postgres {

void sample(ports::Session& session, const ports::UsageRequest& request);

}  // namespace switchback::postgres
