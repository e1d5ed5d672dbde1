/// What tightens: contract steps, the fix step and whole changes of the short form. Private to the plan reader.
#pragma once

#include <array>
#include <string_view>

#include "fields.hpp"
#include "switchback/core/plan.hpp"

namespace switchback::plan_file {

inline constexpr std::array<std::string_view, 4> rule_kinds = {"set_not_null", "add_check", "add_foreign_key",
                                                               "add_unique"};

/// `kind`: one of rule_kinds.
Rule read_rule(Findings& findings, std::string_view kind, const Value& arguments);
ChangeTighten read_tightening(Findings& findings, std::string_view kind, const Value& arguments);
Fix read_fix(Findings& findings, const Value& arguments);

}  // namespace switchback::plan_file
