/// What lint's rules ask of YAML and of SQL.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/lint.hpp"

namespace switchback {

/// For a plan of that text, as read_plan read it.
LintGrammar lint_grammar(const std::string& plan_text);

/// Every `ignore` in it.
std::vector<LintIgnore> lint_ignores(const std::string& plan_text);
/// They as they stand beside a plan's steps in the long form: for the whole plan, as YAML; empty: there are none.
std::string lint_ignores_yaml(const std::vector<LintIgnore>& ignores);

}  // namespace switchback
