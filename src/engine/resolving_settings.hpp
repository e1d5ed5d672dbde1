/// Whether the steps that set or rename something can be done in this database. Private to resolving.
#pragma once

#include <functional>
#include <string>

#include "switchback/core/table_facts.hpp"
#include "switchback/engine/resolved.hpp"
#include "switchback/ports/catalog.hpp"

namespace switchback::engine {

/// Throws with the step's place.
using RefuseStep = std::function<void(const Step&, const std::string& what, const std::string& hint)>;

/// `resolved`: sync, and the columns that the plan adds. Nothing is changed and no lock kept; what is tried is rolled
/// back, and tried on temporary tables.
void check_setting(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const ResolvedPlan& resolved,
                   const Step& step, const RefuseStep& refuse);

}  // namespace switchback::engine
