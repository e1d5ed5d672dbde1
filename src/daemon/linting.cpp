#include "switchback/daemon/linting.hpp"

#include <algorithm>

#include "plan_settings.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/linting.hpp"
#include "switchback/engine/rekeying.hpp"
#include "switchback/plan_file/lint_grammar.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/usage.hpp"

namespace switchback::daemon {

LintedPlan lint_plan(const Plan& plan, const DriveRequest& request, ports::Session* session) {
  const Settings settings = settings_for(request, &plan);
  const LintGrammar grammar = lint_grammar(plan.text);
  postgres::PostgresCatalog catalog;
  LintFacts facts;
  LintedPlan out{plan, {}};
  try {
    out.plan = expand_changes(
        plan, [&](const TableName& name) { return session == nullptr ? std::nullopt : catalog.table(*session, name); },
        [&](const TableName& name) {
          return session == nullptr ? std::nullopt : engine::key_surroundings(*session, name);
        });
  } catch (const Error& error) {
    if (error.exit() != Exit::invalid) throw;
    // Without its long form there is nothing that the other rules could look at.
    const LintFacts::Refusal refusal = engine::refusal_of(plan, error, grammar.place({}, "change"));
    out.plan.changes.clear();
    out.findings.push_back({"cannot-run", refusal.place, refusal.message, refusal.hint});
    return out;
  }
  if (session != nullptr)
    facts = engine::lint_facts(*session, catalog, *postgres::make_usage_source(), out.plan, settings, grammar);
  const bool web = std::ranges::any_of(
      request.alerts, [](const AlertSource& source) { return source.kind == AlertSource::Kind::http; });
  out.findings = lint({out.plan, settings, grammar, session == nullptr ? nullptr : &facts, web});
  return out;
}

}  // namespace switchback::daemon
