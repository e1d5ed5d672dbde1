#include "ignore_reader.hpp"

#include <algorithm>
#include <array>

#include "switchback/core/nearest.hpp"

namespace switchback::plan_file {
namespace {

std::string unknown_rule_hint(std::string_view rule) {
  std::vector<std::string_view> known;
  for (const LintRule& one : lint_rules()) known.push_back(one.id);
  const auto near = nearest(rule, known);
  return near ? "did you mean " + *near + "?" : "`switchback lint --rules` lists them";
}

}  // namespace

std::vector<LintIgnore> read_ignores(Findings& findings, const Value& list) {
  constexpr std::array<std::string_view, 2> known = {"rule", "reason"};
  std::vector<LintIgnore> ignores;
  for (const Value& item : Values(findings).list("ignore", list)) {
    const Fields fields(findings, item, "ignore", known);
    if (!fields.is_map()) continue;
    const Value* named = fields.need("rule");
    LintIgnore ignore;
    ignore.rule = fields.text("rule").value_or("");
    ignore.reason = fields.need_text("reason");
    ignore.place = named ? named->place : item.place;
    if (ignore.rule.empty()) continue;
    const LintRule* rule = lint_rule(ignore.rule);
    if (rule == nullptr)
      findings.error(ignore.place, "ignore: lint has no rule " + ignore.rule, unknown_rule_hint(ignore.rule));
    else if (!rule->may_be_ignored)
      findings.error(ignore.place, "ignore: " + ignore.rule + " cannot be ignored: `run` would stop there as well",
                     "mend what it names");
    else if (std::ranges::find(ignores, ignore.rule, &LintIgnore::rule) != ignores.end())
      findings.error(ignore.place, "ignore: " + ignore.rule + " is given twice", "keep one");
    ignores.push_back(std::move(ignore));
  }
  return ignores;
}

}  // namespace switchback::plan_file
