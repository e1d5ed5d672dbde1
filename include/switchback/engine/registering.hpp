/// A plan's way into the journal: everything that can be checked against the database is checked here, and what the
/// user wrote is resolved by the server, once.
#pragma once

#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/journal.hpp"
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

/// The plan's record; registers it when it is new, with `long_form` as the text that is run. Error(Exit::drift) when
/// the text is not the one that was started.
PlanRecord register_plan(ports::Session& session, ports::Catalog& catalog, const Plan& plan,
                         const std::string& long_form, const Settings& settings, const Actor& actor);

/// "plan.yaml:12:7: " or nothing.
std::string at(const Plan& plan, const Place& place);

}  // namespace switchback::engine
