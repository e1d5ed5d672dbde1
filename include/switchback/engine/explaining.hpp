/// Every step of every phase as the exact SQL it runs, with its lock and its undo.
#pragma once

#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/session.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::engine {

/// `plan` in the long form. Without session and catalog: expressions and types as written, and a note that says so.
/// With them everything is resolved as at the start of a run (Error(Exit::invalid) as there).
Explained explain(const Plan& plan, ports::Session* session, ports::Catalog* catalog, const Settings& settings);

/// Adds the images of the horizon, and what the contract of `plan` (in the long form) means to each; their statements
/// are replayed as long as nothing is hidden. Nothing where there is no journal, or nothing is taken away.
void explain_images(Explained& out, const Plan& plan, ports::Session& session, ports::UsageSource& usage,
                    const Settings& settings);

}  // namespace switchback::engine
