/// Who must have approved a phase. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace switchback {

/// A tier that anybody but the plan's author fills.
constexpr std::string_view any_person = "person";

struct ApprovalsWanted {
  std::vector<std::string> tiers;  ///< one role each: `person`, or the name of a group that the role is a member of
  int roles = 0;                   ///< how many different roles there must be in all
};

struct Approver {
  std::string role;
  std::vector<std::string> groups;  ///< the roles that it is a member of, at any depth, itself among them
};

/// The tiers that nobody fills yet, in their order, then `person` for each role more that is wanted; empty: approved.
/// One role fills one tier, and roles are given to the tiers so that the fewest stay open (bipartite matching by
/// augmenting paths). The author of the plan, and a second approval by the same role, do not count.
std::vector<std::string> open_tiers(const ApprovalsWanted& wanted, const std::vector<Approver>& approvers,
                                    std::string_view author);

}  // namespace switchback
