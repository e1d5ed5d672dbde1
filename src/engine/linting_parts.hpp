/// The parts of lint_facts(). Private to it.
#pragma once

#include "switchback/engine/linting.hpp"
#include "switchback/engine/resolved.hpp"

namespace switchback::engine {

/// Every table of the plan that is there.
void read_lint_tables(ports::Session& session, ports::Catalog& catalog, const Plan& plan, LintFacts& facts);
/// What the server would refuse; samples of the rows.
void try_plan(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const Settings& settings,
              const LintGrammar& grammar, LintFacts& facts);

}  // namespace switchback::engine
