/// What a contract tightens, and its SQL: which rows break it, how it is enforced without reading the table, how that
/// is taken back, and how it is validated. Pure: facts in, text out; src/engine acts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

/// The rule that a step of the contract makes; nothing for other steps.
std::optional<Rule> rule_of(const Action& action);
/// The contract's rules, in order.
std::vector<Rule> rules_of(const Plan& plan);
Action action_of(const Rule& rule);
const TableName& table_of(const Rule& rule);
/// The columns of the rule's table that it names; of a check, none: its expression says.
std::vector<std::string> columns_of(const Rule& rule);
/// For people: "users.city IS NOT NULL", "orders (user_id) REFERENCES users (id)".
std::string shown(const Rule& rule);

/// The constraint's name: as written, else `<table>_check`, `<table>_<columns>_fkey` or `<table>_<columns>_key`. For
/// NOT NULL the name of the CHECK that stands for it until it is settled.
std::string constraint_name(std::string_view plan, const Rule& rule);
std::string_view name(KeyAction action);  ///< "no action", "restrict" …: as in the plan; in capitals, as in SQL

/// What the server made of a rule.
struct RuleFacts {
  std::optional<ResolvedExpression> check;
  std::optional<KeyFacts> key;                ///< by which the table is walked; nothing: it has none
  std::vector<SyncColumn> columns;            ///< what the check reads, or what is to be unique
  std::vector<std::string> operator_schemas;  ///< of the compared columns' types, where not pg_catalog
};

/// True of a row (under the alias `row`) that the constraint would refuse. Of rows with the same unique values the one
/// with the smallest key keeps them. To be run with rule_search_path().
std::string offends_sql(const Rule& rule, const RuleFacts& facts, std::string_view row);
/// `pg_catalog, citext_schema, pg_temp`: where comparisons find the operators of the columns' own types.
std::string rule_search_path(const RuleFacts& facts);

/// Adds the constraint NOT VALID: enforced for what is written from then on, nothing is read. ACCESS EXCLUSIVE (foreign
/// key: SHARE ROW EXCLUSIVE on both tables) for milliseconds. A unique constraint takes the index that was built
/// before. Empty where that index is all there is to be.
std::string enforce_sql(std::string_view plan, const Rule& rule, const RuleFacts& facts);
std::string release_sql(std::string_view plan, const Rule& rule);
/// SHARE UPDATE EXCLUSIVE while it reads the table (foreign key: ROW SHARE on the referenced one); readers and writers
/// go on.
std::string validate_sql(std::string_view plan, const Rule& rule);

/// The index that a unique constraint is made of.
CreateIndex unique_index(const AddUnique& rule);
/// The one in which its counter looks twins up until then. It bears values that a unique index would refuse for their
/// length: of one column it is a hash index, of several it has the texts' MD5.
CreateIndex twin_index(std::string_view plan, const AddUnique& rule, const RuleFacts& facts);
/// Its name alone.
std::string twin_index_name(std::string_view plan, const AddUnique& rule);
/// `other` has the same values as `row`, in words that find it by twin_index, or by any index on the columns.
std::string twins_sql(const AddUnique& rule, const RuleFacts& facts, std::string_view row, std::string_view other);

}  // namespace switchback
