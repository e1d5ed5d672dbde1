/// Hazards of a plan that reads well: rules over the plan, and over what its database says of itself. Pure; every rule
/// has a page and two plans in plans/lint.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/lint_facts.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"

namespace switchback {

enum class LintSeverity {
  error,    ///< it will not work, or will lose or break something
  warning,  ///< it may hurt
  note,     ///< worth knowing
};
std::string_view name(LintSeverity severity);

struct LintRule {
  std::string_view id;
  LintSeverity severity = LintSeverity::warning;
  std::string_view summary;  ///< one line
  bool live = false;         ///< speaks only where a database was looked at
  bool may_be_ignored = true;
};
/// By id.
std::span<const LintRule> lint_rules();
const LintRule* lint_rule(std::string_view id);

/// What PostgreSQL's grammar says of one statement.
struct SqlStatement {
  std::string text;               ///< the statement alone
  std::string words;              ///< for people: "CREATE INDEX", "ALTER TABLE … TYPE"
  std::vector<TableName> tables;  ///< that it writes or changes, without those that the same text makes
  bool keeps_writers_out = false;
  bool is_prepared = false;  ///< SELECT, INSERT, UPDATE, DELETE, MERGE: the server can look at it without running it
  bool only_reads = false;
  bool outside_transactions = false;  ///< the server refuses it in a transaction block
  bool builds_index = false;          ///< under a lock that keeps writers out
  bool long_lock = false;             ///< reads or rewrites a table, likewise
  bool every_row = false;             ///< UPDATE or DELETE without WHERE
  bool by_position = false;           ///< INSERT without a list of columns
  bool star = false;                  ///< `*` in the list of a SELECT
  bool cascade = false;
  bool sets_session = false;  ///< SET that outlives the transaction
  bool lenient = false;       ///< IF NOT EXISTS or OR REPLACE: what is there already is taken for its own
  bool drops = false;
  std::vector<TableName> granted;  ///< tables that it grants something on; `*`: all of the schema
  std::string step;                ///< the step that does the same with undo and evidence: "drop_column"
};

/// And of one expression over a row.
struct SqlExpression {
  bool parsed = false;
  std::vector<std::string> columns;  ///< that it names, folded
  std::vector<std::string> calls;    ///< functions, without their schema
  std::vector<std::string> casts;    ///< types that something is cast to, without their schema
  bool of_nulls = false;             ///< may give a value although every column in it is NULL
  bool copy = false;                 ///< it is one column, and nothing else
};

/// What the rules ask of whoever can read SQL and YAML.
struct LintGrammar {
  /// Empty where the text cannot be parsed.
  std::function<std::vector<SqlStatement>(const std::string& sql)> statements;
  std::function<SqlExpression(const std::string& expression)> expression;
  /// Where `key` ("set", "batch.target") stands below the step or change at `step`, or below the plan itself ({0, 0});
  /// without it the step's own place.
  std::function<Place(const Place& step, std::string_view key)> place;
};

struct LintSubject {
  const Plan& plan;          ///< in the long form
  const Settings& settings;  ///< with the plan's own
  const LintGrammar& grammar;
  const LintFacts* facts = nullptr;  ///< none: no database was looked at
  bool web_alerts = false;           ///< an http source is configured
};

struct LintFinding {
  std::string_view rule;
  Place place;
  std::string message;
  std::string hint;  ///< what to write instead
  bool operator==(const LintFinding&) const = default;
};

/// In the order of the file.
std::vector<LintFinding> lint(const LintSubject& subject);

/// What plans mean to one another: of the last of `plans`, given the others (all in the long form).
std::vector<LintFinding> lint_among(std::span<const Plan* const> plans, const LintGrammar& grammar);

/// `ignore` in a plan's text: a rule that is not to speak of what stands from `from` to `to`.
struct LintIgnore {
  std::string rule;
  std::string reason;
  Place place;  ///< of the rule's name
  Place from, to;
  bool whole_plan = false;  ///< then `from` and `to` mean nothing
};

/// What is left when `ignores` are heard. One that hides nothing is a finding itself, unless its rule needs a database
/// and `looked` says that none was looked at.
std::vector<LintFinding> without_ignored(std::vector<LintFinding> findings, const std::vector<LintIgnore>& ignores,
                                         bool looked);

}  // namespace switchback
