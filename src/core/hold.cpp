#include "switchback/core/hold.hpp"

#include <algorithm>
#include <array>

namespace switchback {
namespace {

struct HoldFacts {
  HoldKind kind;
  std::string_view name;
  bool waits;  ///< `run` waits through it without --wait
  Exit exit;
};

constexpr std::array hold_table{
    HoldFacts{HoldKind::operator_, "operator", true, Exit::not_yet},
    HoldFacts{HoldKind::health, "health", true, Exit::not_yet},
    HoldFacts{HoldKind::hours, "hours", true, Exit::not_yet},
    HoldFacts{HoldKind::requires_, "requires", false, Exit::not_yet},
    HoldFacts{HoldKind::usage, "usage", false, Exit::not_yet},
    HoldFacts{HoldKind::violation, "violation", false, Exit::not_yet},
    HoldFacts{HoldKind::quarantine, "quarantine", false, Exit::not_yet},
    HoldFacts{HoldKind::drift, "drift", false, Exit::drift},
    HoldFacts{HoldKind::horizon, "horizon", false, Exit::not_yet},
    HoldFacts{HoldKind::soak, "soak", false, Exit::not_yet},
    HoldFacts{HoldKind::approval, "approval", false, Exit::approval},
    HoldFacts{HoldKind::backup, "backup", false, Exit::not_yet},
    HoldFacts{HoldKind::subscriber, "subscriber", false, Exit::not_yet},
    HoldFacts{HoldKind::lock, "lock", true, Exit::not_yet},
    HoldFacts{HoldKind::failure, "failure", true, Exit::not_yet},
};

constexpr const HoldFacts& row_of(HoldKind kind) {
  for (const HoldFacts& row : hold_table)
    if (row.kind == kind) return row;
  return hold_table.back();
}

}  // namespace

std::string_view name(HoldKind kind) {
  return row_of(kind).name;
}

HoldKind hold_kind_named(std::string_view name) {
  const auto found = std::ranges::find(hold_table, name, &HoldFacts::name);
  // A newer journal may hold for a reason that has no name here yet: its words are shown all the same.
  return found == hold_table.end() ? HoldKind::failure : found->kind;
}

bool waits_by_default(HoldKind kind) {
  return row_of(kind).waits;
}

Exit exit_of(HoldKind kind) {
  return row_of(kind).exit;
}

}  // namespace switchback
