/// The rules by subject, and what they look with. Private to lint.
#pragma once

#include <algorithm>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switchback/core/lint.hpp"

namespace switchback::linting {

/// One rule's look at a plan.
class Looking {
 public:
  Looking(const LintSubject& subject, std::string_view rule, std::vector<LintFinding>& found)
      : subject_(subject), rule_(rule), found_(found) {}

  const Plan& plan() const { return subject_.plan; }
  const Settings& settings() const { return subject_.settings; }
  bool web_alerts() const { return subject_.web_alerts; }
  const LintFacts* facts() const { return subject_.facts; }
  bool production() const { return settings().environment == Environment::production; }
  /// Of a table of the plan that is there; null without a database too.
  const LintTable* table(const TableName& name) const {
    if (facts() == nullptr) return nullptr;
    const auto found = facts()->tables.find(name);
    return found == facts()->tables.end() ? nullptr : &found->second;
  }
  std::vector<SqlStatement> statements(const std::string& sql) const { return subject_.grammar.statements(sql); }
  SqlExpression expression(const std::string& sql) const { return subject_.grammar.expression(sql); }

  void say(Place place, std::string message, std::string hint) {
    found_.push_back({rule_, place, std::move(message), std::move(hint)});
  }
  /// At one key of a step, or of the plan.
  Place at(const Step& step, std::string_view key) const { return subject_.grammar.place(step.place, key); }
  Place at(std::string_view key) const { return subject_.grammar.place({}, key); }
  /// At a key of the contract; at the first step that takes away where it does not stand there.
  Place at_contract(std::string_view key) const {
    const Place place = at("contract." + std::string(key));
    if (place != at("plan") || plan().contract.steps.empty()) return place;
    return plan().contract.steps.front().place;
  }

  /// Every step of that kind, phase by phase.
  template <class Kind, class Call>
  void each(Call call) const {
    for (const auto* phase : {&plan().expand, &plan().migrate, &plan().contract.steps})
      for (const Step& step : *phase)
        if (const auto* action = std::get_if<Kind>(&step.action)) call(step, *action);
  }

 private:
  const LintSubject& subject_;
  std::string_view rule_;
  std::vector<LintFinding>& found_;
};

struct Check {
  LintRule rule;
  void (*look)(Looking&) = nullptr;  ///< null: spoken by the framework itself
};
std::span<const Check> sync_checks();
std::span<const Check> step_checks();
std::span<const Check> contract_checks();
std::span<const Check> sql_checks();
std::span<const Check> setting_checks();
std::span<const Check> table_checks();
std::span<const Check> server_checks();

// --- what several rules ask ----------------------------------------------------------------------------------------

/// `users.name`.
inline std::string column(const TableName& table, std::string_view name) {
  return shown(table) + "." + shown(name);
}
/// "a, b and c".
std::string listed(const std::vector<std::string>& words);
inline bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}
bool has(const ColumnExpressions& expressions, std::string_view column);
/// The step of expand that adds the column, if one does.
const AddColumn* added(const Plan& plan, const TableName& table, std::string_view column);
/// Columns of the old side, as far as the text says: what forward reads and reverse writes.
std::vector<std::string> old_side(const Looking& looking, const Backfill& backfill);
/// Whether `text` has `word` as a word of its own, in any case.
bool mentions_word(std::string_view text, std::string_view word);
/// Tables whose rows a step moves: backfilled or mended.
std::set<TableName> filled_tables(const Plan& plan);
/// With the step that first works on each.
std::vector<std::pair<TableName, Place>> tables_of(const Plan& plan);

}  // namespace switchback::linting
