#include "switchback/core/approvals.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace switchback {
namespace {

class Matching {
 public:
  Matching(const std::vector<std::string>& tiers, const std::vector<Approver>& approvers)
      : tiers_(tiers), approvers_(approvers), tier_of_(approvers.size()) {
    for (std::size_t tier = 0; tier < tiers.size(); ++tier) {
      std::vector<bool> tried(approvers.size());
      filled_.push_back(fill(tier, tried));
    }
  }

  bool filled(std::size_t tier) const { return filled_[tier]; }

 private:
  bool fits(std::size_t tier, std::size_t approver) const {
    return tiers_[tier] == any_person || std::ranges::count(approvers_[approver].groups, tiers_[tier]) > 0;
  }

  bool fill(std::size_t tier, std::vector<bool>& tried) {
    for (std::size_t approver = 0; approver < approvers_.size(); ++approver) {
      if (tried[approver] || !fits(tier, approver)) continue;
      tried[approver] = true;
      if (tier_of_[approver] && !fill(*tier_of_[approver], tried)) continue;
      tier_of_[approver] = tier;
      return true;
    }
    return false;
  }

  const std::vector<std::string>& tiers_;
  const std::vector<Approver>& approvers_;
  std::vector<std::optional<std::size_t>> tier_of_;
  std::vector<bool> filled_;
};

}  // namespace

std::vector<std::string> open_tiers(const ApprovalsWanted& wanted, const std::vector<Approver>& approvers,
                                    std::string_view author) {
  std::vector<Approver> counted;
  for (const Approver& approver : approvers)
    if (approver.role != author && !std::ranges::count(counted, approver.role, &Approver::role))
      counted.push_back(approver);
  const Matching matching(wanted.tiers, counted);
  std::vector<std::string> open;
  for (std::size_t tier = 0; tier < wanted.tiers.size(); ++tier)
    if (!matching.filled(tier)) open.push_back(wanted.tiers[tier]);
  for (std::size_t roles = counted.size() + open.size(); roles < static_cast<std::size_t>(std::max(0, wanted.roles));
       ++roles)
    open.emplace_back(any_person);
  return open;
}

}  // namespace switchback
