/// Whose approvals of a phase stand, and whose are still wanted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/approvals.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::engine {

constexpr std::string_view approved_phases[] = {"expand", "migrate", "contract"};

struct ApprovalState {
  int wanted = 0;                 ///< roles in all
  std::vector<std::string> open;  ///< core/approvals: open_tiers()
};

/// Of the plan's present text. Memberships are read from pg_auth_members: a superuser is a member of what it was
/// granted only, unlike pg_has_role() has it. A role that does not exist any more has none.
ApprovalState approval_state(ports::Session& session, const PlanRecord& record, const Plan& plan,
                             const Settings& settings, std::string_view phase);

/// "a member of dba, then any role but amy"
std::string whose(const std::vector<std::string>& open, const PlanRecord& plan);

}  // namespace switchback::engine
