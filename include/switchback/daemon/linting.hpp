/// Lint of one plan, against its file alone or against a database too.
#pragma once

#include <vector>

#include "switchback/core/lint.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/daemon/drive.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::daemon {

struct LintedPlan {
  Plan plan;                          ///< in the long form, as far as it could be had
  std::vector<LintFinding> findings;  ///< before any `ignore` is heard
};

/// `plan` as it was read. `session`: one that may write (engine/linting.hpp says what it does there); null: no database
/// is looked at.
LintedPlan lint_plan(const Plan& plan, const DriveRequest& request, ports::Session* session);

}  // namespace switchback::daemon
