#include "switchback/engine/approving.hpp"

#include <algorithm>

namespace switchback::engine {
namespace {

ApprovalsWanted wanted_by(const Plan& plan, const Settings& settings, std::string_view phase) {
  if (phase == "expand") return {settings.approve_expand, 0};
  if (phase == "migrate") return {settings.approve_migrate, 0};
  return {settings.approve_contract, plan.contract.approvals.value_or(settings.approvals)};
}

std::vector<std::string> groups_of(ports::Session& session, const std::string& role) {
  const auto rows = session.exec(
      "WITH RECURSIVE held(oid) AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1::text UNION SELECT m.roleid "
      "FROM held h JOIN pg_catalog.pg_auth_members m ON m.member = h.oid) SELECT r.rolname FROM held h JOIN "
      "pg_catalog.pg_roles r ON r.oid = h.oid",
      {role});
  std::vector<std::string> groups;
  groups.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) groups.push_back(rows.text(row, 0));
  return groups;
}

}  // namespace

ApprovalState approval_state(ports::Session& session, const PlanRecord& record, const Plan& plan,
                             const Settings& settings, std::string_view phase) {
  const ApprovalsWanted wanted = wanted_by(plan, settings, phase);
  ApprovalState state;
  state.wanted = std::max(wanted.roles, static_cast<int>(wanted.tiers.size()));
  if (state.wanted == 0) return state;
  std::vector<Approver> approvers;
  for (const ApprovalRecord& approval : approvals(session, record))
    if (approval.phase == phase && !approval.despite && !std::ranges::count(approvers, approval.role, &Approver::role))
      approvers.push_back({approval.role, groups_of(session, approval.role)});
  state.open = open_tiers(wanted, approvers, record.author);
  return state;
}

std::string whose(const std::vector<std::string>& open, const PlanRecord& plan) {
  std::string text;
  for (const std::string& tier : open) {
    if (!text.empty()) text += ", then ";
    text += tier == any_person ? "any database role but " + plan.author + ", who registered the plan"
                               : "a member of " + tier;
  }
  return text;
}

}  // namespace switchback::engine
