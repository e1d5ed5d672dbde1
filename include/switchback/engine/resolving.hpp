/// What the user wrote, checked against the database and resolved by the server, once.
#pragma once

#include <string>

#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/resolved.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Checks the plan against the live schema and resolves its expressions. `plan` is in the long form. Changes nothing
/// but temporary tables. Error(Exit::invalid) at the first thing that cannot work, with its place in the file.
ResolvedPlan resolve_plan(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const Settings& settings);

/// The same for one backfill of a plan that is under way and whose expressions were mended: against the table as it is
/// now, with the columns that expand added.
ResolvedSync resolve_backfill(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const Step& step,
                              const Settings& settings);

/// "plan.yaml:12:7: " or nothing.
std::string at(const Plan& plan, const Place& place);

}  // namespace switchback::engine
