/// What keeps a plan out of the journal, and what in a contract a plan has not spoken of. Private to the engine.
#pragma once

#include "switchback/core/plan.hpp"
#include "switchback/engine/resolved.hpp"
#include "switchback/ports/session.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::engine {

/// Error(Exit::refused) where a live plan changes the same column: they would undo each other, unless the later one
/// says that it follows.
void refuse_overlap(ports::Session& session, const Plan& plan, const ResolvedPlan& resolved);

/// Named under allow_silent, taken away by the plan itself, or a table's place in a publication that was checked.
bool is_named(const ports::Dependent& dependent, const ports::UsageRequest& request);

}  // namespace switchback::engine
