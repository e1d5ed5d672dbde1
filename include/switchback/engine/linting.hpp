/// What lint's rules look at in a database.
#pragma once

#include "switchback/core/error.hpp"
#include "switchback/core/lint.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/session.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::engine {

/// `plan` in the long form. What the catalog and the statistics say is read in one transaction that cannot write; then
/// the plan's expressions are resolved as at the start of a run, and its definitions are tried on empty temporary
/// tables of the same shape, in a transaction that is rolled back. Nothing of the plan is run; expressions without
/// functions of users are evaluated on at most 1,000 rows of the table. Takes ACCESS SHARE locks, and waits no longer
/// than lock_timeout for one. The session is one that may write, outside a transaction. Error only where the database
/// cannot be asked; what is wrong with the plan is in the facts.
LintFacts lint_facts(ports::Session& session, ports::Catalog& catalog, ports::UsageSource& usage, const Plan& plan,
                     const Settings& settings, const LintGrammar& grammar);

/// The refusal that an Error stands for: the place in front of its message is taken off.
LintFacts::Refusal refusal_of(const Plan& plan, const Error& error, Place otherwise = {});

}  // namespace switchback::engine
