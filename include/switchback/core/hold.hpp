/// Why a plan is not moving, and what ends that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/error.hpp"

namespace switchback {

enum class HoldKind {
  operator_,
  health,
  hours,
  requires_,
  usage,
  violation,
  quarantine,
  drift,
  horizon,
  soak,
  approval,
  backup,
  subscriber,
  lock,
  failure,
};

struct Hold {
  HoldKind kind = HoldKind::failure;
  std::string reason;                ///< "replica r2 lag 3.4 s over 1 s"
  std::string ends_when;             ///< "lag under 0.5 s for 3 s"; never empty
  std::vector<std::string> reasons;  ///< all of them, when there are several; the first is `reason`
  bool operator==(const Hold&) const = default;
};

/// "operator", "health" …
std::string_view name(HoldKind kind);
HoldKind hold_kind_named(std::string_view name);
/// Whether `run` waits through it without being told: those that a person, a replica or a retry ends soon.
bool waits_by_default(HoldKind kind);
/// What `run` exits with when it does not wait.
Exit exit_of(HoldKind kind);

}  // namespace switchback
