/// Expressions of a plan that is under way, mended: what they could not convert is what the quarantine is for.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/resolved.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// An expression of a backfill that reads otherwise in another text of the same plan.
struct MendedExpression {
  TableName table;
  std::string column;
  std::string before, after;  ///< as written
};
std::vector<MendedExpression> mended_expressions(const Plan& before, const Plan& after);

/// The plan with the backfills' expressions left out: what must be the same for them to count as mended.
Plan without_expressions(Plan plan);

/// What sync is to do from now on, for each table of `mended`, resolved against the table as it is; not to be called in
/// a transaction. Error(Exit::refused) where the plan is not between expanded and migrated, or an expression reads
/// other columns than before; Error(Exit::invalid) as for a new plan.
std::vector<ResolvedSync> resolve_mended(ports::Session& session, ports::Catalog& catalog, const PlanRecord& record,
                                         const Plan& text, const std::vector<MendedExpression>& mended,
                                         const Settings& settings);

/// Within the caller's transaction: sync goes on with them. Rows filled before stay as they are, and are compared with
/// the new expressions like all others.
void mend_expressions(ports::Session& session, const PlanRecord& record, const std::vector<ResolvedSync>& mended);

}  // namespace switchback::engine
