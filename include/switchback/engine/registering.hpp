/// A plan's way into the journal: nothing that cannot work, or that another plan is in the way of, gets there.
#pragma once

#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// The plan's record; registers it when it is new, with `long_form` as the text that is run. Error(Exit::drift) when
/// the text is not the one that was started.
PlanRecord register_plan(ports::Session& session, ports::Catalog& catalog, const Plan& plan,
                         const std::string& long_form, const Settings& settings, const Actor& actor);

}  // namespace switchback::engine
