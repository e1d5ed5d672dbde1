#include "switchback/core/health_hold.hpp"

namespace switchback {

std::optional<Hold> health_hold(const std::optional<Hold>& replication, const SignalGate::Verdict& signals) {
  if (signals.reasons.empty()) return replication;
  std::vector<std::string> reasons;
  Hold hold{HoldKind::health, "", "", {}};
  if (replication) {
    reasons = replication->reasons;
    if (reasons.empty()) reasons.push_back(replication->reason);
    hold.ends_when = replication->ends_when;
  }
  reasons.insert(reasons.end(), signals.reasons.begin(), signals.reasons.end());
  for (const std::string& end : signals.ends_when) hold.ends_when += (hold.ends_when.empty() ? "" : ", and ") + end;
  hold.reason = reasons.front();
  if (reasons.size() > 1) hold.reasons = std::move(reasons);
  return hold;
}

}  // namespace switchback
