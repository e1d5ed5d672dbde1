/// A plan that is being written, entry by entry, before anybody has read it back. Pure data.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "switchback/core/plan.hpp"

namespace switchback {

/// A marked place in a plan: what only a person knows. The reader refuses a plan that still has one, by name.
std::string left_to_fill_in(std::string_view what);
/// What a person must put there, when `text` is such a place.
std::optional<std::string> to_fill_in(std::string_view text);

/// One key of a change or step with its value; monostate is YAML's null.
struct Argument {
  using Value = std::variant<std::monostate, std::string, bool, std::vector<std::string>, ColumnExpressions>;
  std::string key;
  Value value;
};

/// One change (phase "change") or step, as YAML has it. Names are written as SQL reads them, quotes included.
struct DraftEntry {
  std::string phase = "change";
  std::string kind;
  std::vector<Argument> arguments;
  std::vector<std::string> comments;      ///< lines above it
  std::vector<std::string> allow_silent;  ///< dependents that its drop takes along
  bool fresh = false;  ///< it needs a name that entries before it take away: not in one plan with them
  Place place;         ///< of the statement that it comes of
};

}  // namespace switchback
