#include "switchback/core/lint.hpp"

#include <cctype>
#include <tuple>

#include "lint_rules.hpp"

namespace switchback {
namespace linting {

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return text;
}

bool has(const ColumnExpressions& expressions, std::string_view column) {
  return std::ranges::any_of(expressions, [&](const auto& pair) { return pair.first == column; });
}

const AddColumn* added(const Plan& plan, const TableName& table, std::string_view column) {
  for (const Step& step : plan.expand)
    if (const auto* add = std::get_if<AddColumn>(&step.action); add && add->table == table && add->name == column)
      return add;
  return nullptr;
}

std::vector<std::string> old_side(const Looking& looking, const Backfill& backfill) {
  std::vector<std::string> columns;
  const auto take = [&](const std::string& name) {
    if (!has(backfill.set, name) && !contains(columns, name)) columns.push_back(name);
  };
  for (const auto& [name, sql] : backfill.set)
    for (const std::string& read : looking.expression(sql).columns) take(read);
  for (const auto& [name, sql] : backfill.reverse) take(name);
  return columns;
}

bool mentions_word(std::string_view text, std::string_view word) {
  const auto inner = [](char c) { return c == '_' || c == '$' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  for (auto at = text.begin(); !word.empty();) {
    const auto found = std::search(at, text.end(), word.begin(), word.end(), same);
    if (found == text.end()) return false;
    const auto end = found + static_cast<std::ptrdiff_t>(word.size());
    if ((found == text.begin() || !inner(*(found - 1))) && (end == text.end() || !inner(*end))) return true;
    at = found + 1;
  }
  return false;
}

/// What reads its table's rows to write another one's leaves them as they are.
bool writes_elsewhere(const SqlBatched& step) {
  const auto begin = step.run.find_first_not_of(" \t\n");
  return begin != std::string::npos && (step.run[begin] | 0x20) == 'i';  // INSERT; else it is an UPDATE or a DELETE
}

std::set<TableName> filled_tables(const Plan& plan) {
  std::set<TableName> tables;
  for (const Step& step : plan.migrate) {
    if (const auto* backfill = std::get_if<Backfill>(&step.action)) tables.insert(backfill->table);
    if (const auto* fix = std::get_if<Fix>(&step.action)) tables.insert(fix->table);
    if (const auto* copy = std::get_if<CopyTable>(&step.action)) tables.insert(copy->table);
    if (const auto* batched = std::get_if<SqlBatched>(&step.action); batched && !writes_elsewhere(*batched))
      tables.insert(batched->table);
    if (const auto* pair = std::get_if<PairTables>(&step.action)) tables.insert({pair->table, pair->to});
  }
  return tables;
}

std::vector<std::pair<TableName, Place>> tables_of(const Plan& plan) {
  std::vector<std::pair<TableName, Place>> tables;
  for (const auto* phase : {&plan.expand, &plan.migrate, &plan.contract.steps})
    for (const Step& step : *phase) {
      const TableName* name = table_of(step.action);
      if (const auto* drop = std::get_if<DropTable>(&step.action)) name = &drop->name;
      if (name == nullptr) continue;
      if (std::ranges::none_of(tables, [&](const auto& one) { return one.first == *name; }))
        tables.emplace_back(*name, step.place);
    }
  return tables;
}

namespace {

constexpr std::string_view needless_ignore = "needless-ignore";
constexpr std::string_view plans_overlap = "plans-overlap";
constexpr std::string_view drop_of_required = "drop-of-required";

/// Spoken by the functions of lint.hpp that look at more than one plan, or at what the others have said.
constexpr Check own_checks[] = {
    {{needless_ignore, LintSeverity::note, "an ignore that hides nothing", false, false}, nullptr},
    {{plans_overlap, LintSeverity::error, "two plans change the same column, and neither requires the other", false},
     nullptr},
    {{drop_of_required, LintSeverity::error, "a plan takes away what another plan that it knows nothing of still needs",
      false},
     nullptr},
};

std::vector<Check> all_checks() {
  std::vector<Check> checks;
  for (const std::span<const Check> group :
       {sync_checks(), step_checks(), contract_checks(), sql_checks(), setting_checks(), table_checks(),
        server_checks(), std::span<const Check>(own_checks)})
    checks.insert(checks.end(), group.begin(), group.end());
  std::ranges::sort(checks, {}, [](const Check& check) { return check.rule.id; });
  return checks;
}

const std::vector<Check>& checks() {
  static const std::vector<Check> all = all_checks();
  return all;
}

void in_order_of_file(std::vector<LintFinding>& findings) {
  std::ranges::stable_sort(
      findings, {}, [](const LintFinding& one) { return std::tuple(one.place.line, one.place.column, one.rule); });
  // A change that stands for several steps has them all in one place.
  findings.erase(std::unique(findings.begin(), findings.end()), findings.end());
}

/// What a plan writes or takes away of a table's columns, and what it reads, with where.
struct Touched {
  std::vector<std::tuple<TableName, std::string, Place>> changes, takes, reads;
};

Touched touched(const Plan& plan, const LintGrammar& grammar) {
  Touched all;
  for (const Step& step : plan.expand)
    if (const auto* add = std::get_if<AddColumn>(&step.action)) {
      all.changes.emplace_back(add->table, add->name, step.place);
      if (add->like) all.reads.emplace_back(add->of.value_or(add->table), *add->like, step.place);
    }
  for (const Step& step : plan.migrate) {
    if (const auto* backfill = std::get_if<Backfill>(&step.action)) {
      for (const auto* expressions : {&backfill->set, &backfill->reverse})
        for (const auto& [name, sql] : *expressions) {
          all.changes.emplace_back(backfill->table, name, step.place);
          for (const std::string& read : grammar.expression(sql).columns)
            all.reads.emplace_back(backfill->table, read, step.place);
        }
    }
    if (const auto* verify = std::get_if<Verify>(&step.action))
      for (const std::string& read : grammar.expression(verify->check).columns)
        all.reads.emplace_back(verify->table, read, step.place);
  }
  for (const Step& step : plan.contract.steps) {
    if (const auto* drop = std::get_if<DropColumn>(&step.action))
      all.takes.emplace_back(drop->table, drop->name, step.place);
    if (const auto* replace = std::get_if<ReplaceColumn>(&step.action))
      all.takes.emplace_back(replace->table, replace->column, step.place);
    if (const auto* table = std::get_if<DropTable>(&step.action)) all.takes.emplace_back(table->name, "", step.place);
    if (const auto* replace = std::get_if<ReplaceTable>(&step.action))
      all.takes.emplace_back(replace->table, "", step.place);
  }
  all.changes.insert(all.changes.end(), all.takes.begin(), all.takes.end());
  return all;
}

bool knows(const Plan& plan, const Plan& other) {
  return contains(plan.requires_plans, other.name) || (plan.rolls_forward && plan.rolls_forward->plan == other.name);
}

}  // namespace
}  // namespace linting

std::string_view name(LintSeverity severity) {
  switch (severity) {
    case LintSeverity::error:
      return "error";
    case LintSeverity::warning:
      return "warning";
    case LintSeverity::note:
      return "note";
  }
  return "";
}

std::span<const LintRule> lint_rules() {
  static const std::vector<LintRule> rules = [] {
    std::vector<LintRule> all;
    for (const linting::Check& check : linting::checks()) all.push_back(check.rule);
    return all;
  }();
  return rules;
}

const LintRule* lint_rule(std::string_view id) {
  const auto rules = lint_rules();
  const auto found = std::ranges::find(rules, id, &LintRule::id);
  return found == rules.end() ? nullptr : &*found;
}

std::vector<LintFinding> lint(const LintSubject& subject) {
  std::vector<LintFinding> found;
  for (const linting::Check& check : linting::checks()) {
    if (check.look == nullptr || (check.rule.live && subject.facts == nullptr)) continue;
    linting::Looking looking(subject, check.rule.id, found);
    check.look(looking);
  }
  linting::in_order_of_file(found);
  return found;
}

std::vector<LintFinding> lint_among(std::span<const Plan* const> plans, const LintGrammar& grammar) {
  std::vector<LintFinding> found;
  if (plans.empty()) return found;
  const Plan& plan = *plans.back();
  const linting::Touched own = linting::touched(plan, grammar);
  for (const Plan* other : plans.first(plans.size() - 1)) {
    const linting::Touched theirs = linting::touched(*other, grammar);
    const bool related = linting::knows(plan, *other) || linting::knows(*other, plan);
    for (const auto& [table, name, place] : own.changes) {
      const bool both = std::ranges::any_of(theirs.changes, [&, &table = table, &name = name](const auto& one) {
        return std::get<0>(one) == table && std::get<1>(one) == name;
      });
      if (both && !related && !name.empty())
        found.push_back({linting::plans_overlap, place,
                         "the plan " + other->name + " (" + other->file + ") changes " + linting::column(table, name) +
                             " too, and neither requires the other",
                         "say which comes first: requires: [" + other->name + "]"});
    }
    for (const auto& [table, name, place] : own.takes) {
      const bool needed = std::ranges::any_of(theirs.reads, [&, &table = table, &name = name](const auto& one) {
        return std::get<0>(one) == table && (name.empty() || std::get<1>(one) == name);
      });
      if (needed && !linting::knows(plan, *other))
        found.push_back({linting::drop_of_required, place,
                         "the plan " + other->name + " (" + other->file + ") reads " +
                             (name.empty() ? shown(table) : linting::column(table, name)) + ", which goes here",
                         "let this plan come after that one: requires: [" + other->name + "]"});
    }
  }
  linting::in_order_of_file(found);
  return found;
}

std::vector<LintFinding> without_ignored(std::vector<LintFinding> findings, const std::vector<LintIgnore>& ignores,
                                         bool looked) {
  std::vector<bool> used(ignores.size());
  const auto within = [](const Place& place, const LintIgnore& ignore) {
    const auto at = [](const Place& one) { return std::pair(one.line, one.column); };
    return ignore.whole_plan || (at(ignore.from) <= at(place) && at(place) <= at(ignore.to));
  };
  std::erase_if(findings, [&](const LintFinding& finding) {
    const LintRule* rule = lint_rule(finding.rule);
    if (rule == nullptr || !rule->may_be_ignored) return false;
    bool hidden = false;
    for (std::size_t i = 0; i < ignores.size(); ++i) {
      if (ignores[i].rule != finding.rule || !within(finding.place, ignores[i])) continue;
      used[i] = hidden = true;
    }
    return hidden;
  });
  for (std::size_t i = 0; i < ignores.size(); ++i) {
    const LintRule* rule = lint_rule(ignores[i].rule);
    if (used[i] || (rule != nullptr && rule->live && !looked)) continue;
    findings.push_back({linting::needless_ignore, ignores[i].place,
                        "nothing here breaks " + ignores[i].rule + ": this ignore hides nothing", "take it out"});
  }
  linting::in_order_of_file(findings);
  return findings;
}

}  // namespace switchback
