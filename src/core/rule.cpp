#include "switchback/core/rule.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "switchback/core/contract_sql.hpp"

namespace switchback {
namespace {

constexpr std::string_view another = "\"~switchback_other\"";

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;  // clang before 17 does not deduce it by itself

std::string listed(const std::vector<std::string>& columns, std::string (*write)(std::string_view)) {
  std::string out;
  for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + write(column);
  return out;
}

std::string for_people(std::string_view name) {
  return shown(name);
}

std::string under(std::string_view row, const std::string& column) {
  return std::string(row) + "." + quote_identifier(column);
}

std::string equal(const std::vector<std::string>& one, std::string_view row, const std::vector<std::string>& other_ones,
                  std::string_view other_row) {
  std::string out;
  for (std::size_t i = 0; i < one.size(); ++i)
    out += (i == 0 ? "" : " AND ") + under(other_row, other_ones[i]) + " = " + under(row, one[i]);
  return out;
}

std::string row_of(const std::vector<std::string>& columns, std::string_view row) {
  std::string out;
  for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + under(row, column);
  return "ROW(" + out + ")";
}

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}

std::string capitals(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::string joined_name(const TableName& table, const std::vector<std::string>& columns, std::string_view end) {
  std::string name = table.name;
  for (const std::string& column : columns) name += "_" + column;
  return fit_name(name + std::string(end));
}

bool is_text(const RuleFacts& facts, const std::string& column) {
  const auto found = std::ranges::find(facts.columns, column, &SyncColumn::name);
  return found != facts.columns.end() && (found->type == "text" || found->type.starts_with("character varying"));
}

}  // namespace

std::optional<Rule> rule_of(const Action& action) {
  return std::visit(
      []<class StepType>(const StepType& step) -> std::optional<Rule> {
        if constexpr (std::is_constructible_v<Rule, StepType>)
          return Rule(step);
        else
          return std::nullopt;
      },
      action);
}

std::vector<Rule> rules_of(const Plan& plan) {
  std::vector<Rule> rules;
  for (const Step& step : plan.contract.steps)
    if (auto rule = rule_of(step.action)) rules.push_back(std::move(*rule));
  return rules;
}

Action action_of(const Rule& rule) {
  return std::visit([](const auto& one) { return Action(one); }, rule);
}

const TableName& table_of(const Rule& rule) {
  return std::visit([](const auto& one) -> const TableName& { return one.table; }, rule);
}

std::vector<std::string> columns_of(const Rule& rule) {
  return std::visit(Overloaded{
                        [](const SetNotNull& one) { return std::vector<std::string>{one.column}; },
                        [](const AddCheck&) { return std::vector<std::string>{}; },
                        [](const AddForeignKey& one) { return one.columns; },
                        [](const AddUnique& one) { return one.columns; },
                    },
                    rule);
}

std::string shown(const Rule& rule) {
  return std::visit(
      Overloaded{
          [](const SetNotNull& one) {
            return shown(one.table) + "." + shown(std::string_view(one.column)) + " IS NOT NULL";
          },
          [](const AddCheck& one) { return shown(one.table) + " CHECK (" + one.check + ")"; },
          [](const AddForeignKey& one) {
            return shown(one.table) + " (" + listed(one.columns, for_people) + ") REFERENCES " + shown(one.referenced) +
                   " (" + listed(one.referenced_columns, for_people) + ")";
          },
          [](const AddUnique& one) { return shown(one.table) + " UNIQUE (" + listed(one.columns, for_people) + ")"; },
      },
      rule);
}

std::string constraint_name(std::string_view plan, const Rule& rule) {
  return std::visit(
      Overloaded{
          [&](const SetNotNull& one) { return not_null_check_name(plan, one.column); },
          [](const AddCheck& one) { return one.name.value_or(fit_name(one.table.name + "_check")); },
          [](const AddForeignKey& one) { return one.name.value_or(joined_name(one.table, one.columns, "_fkey")); },
          [](const AddUnique& one) { return one.name.value_or(joined_name(one.table, one.columns, "_key")); },
      },
      rule);
}

std::string_view name(KeyAction action) {
  constexpr std::array<std::string_view, 5> names = {"no action", "restrict", "cascade", "set null", "set default"};
  return names.at(static_cast<std::size_t>(action));
}

std::string offends_sql(const Rule& rule, const RuleFacts& facts, std::string_view row) {
  return std::visit(
      Overloaded{
          [&](const SetNotNull& one) { return under(row, one.column) + " IS NULL"; },
          [&](const AddCheck&) { return "(" + facts.check.value().in(row) + ") IS FALSE"; },
          [&](const AddForeignKey& one) {
            std::string sql;
            for (const std::string& column : one.columns) sql += under(row, column) + " IS NOT NULL AND ";
            return sql + "NOT EXISTS (SELECT FROM " + quoted(one.referenced) + " AS " + std::string(another) +
                   " WHERE " + equal(one.columns, row, one.referenced_columns, another) + ")";
          },
          [&](const AddUnique& one) {
            return "EXISTS (SELECT FROM ONLY " + quoted(one.table) + " AS " + std::string(another) + " WHERE " +
                   twins_sql(one, facts, row, another) + " AND " + row_of(facts.key.value().columns, another) + " < " +
                   row_of(facts.key.value().columns, row) + ")";
          },
      },
      rule);
}

std::string rule_search_path(const RuleFacts& facts) {
  std::string path = "pg_catalog";
  for (const std::string& schema : facts.operator_schemas) path += ", " + quote_identifier(schema);
  return path + ", pg_temp";
}

namespace {

/// With bare columns: a partition's constraint is read with the partition's name in place of the table's.
std::string over_columns(ResolvedExpression expression, const TableName& table) {
  const std::string row = quote_identifier(row_alias) + ".";
  for (std::size_t at = 0; (at = expression.sql.find(row, at)) != std::string::npos;)
    expression.sql.erase(at, row.size());
  return expression.in(quote_identifier(table.name));
}

}  // namespace

std::string enforce_sql(std::string_view plan, const Rule& rule, const RuleFacts& facts) {
  const std::string add =
      alter(table_of(rule)) + "ADD CONSTRAINT " + quote_identifier(constraint_name(plan, rule)) + " ";
  return std::visit(Overloaded{
                        [&](const SetNotNull& one) { return enforce_not_null_sql(plan, one.table, one.column); },
                        [&](const AddCheck& one) {
                          const std::string check = facts.check ? over_columns(*facts.check, one.table) : one.check;
                          return add + "CHECK (" + check + ") NOT VALID";
                        },
                        [&](const AddForeignKey& one) {
                          std::string sql = add + "FOREIGN KEY (" + listed(one.columns, quote_identifier) +
                                            ") REFERENCES " + quoted(one.referenced) + " (" +
                                            listed(one.referenced_columns, quote_identifier) + ")";
                          if (one.on_delete != KeyAction::no_action)
                            sql += " ON DELETE " + capitals(name(one.on_delete));
                          if (one.on_update != KeyAction::no_action)
                            sql += " ON UPDATE " + capitals(name(one.on_update));
                          return sql + " NOT VALID";
                        },
                        [&](const AddUnique& one) {
                          if (one.index) return std::string();
                          return add + "UNIQUE USING INDEX " + quote_identifier(constraint_name(plan, one));
                        },
                    },
                    rule);
}

std::string release_sql(std::string_view plan, const Rule& rule) {
  if (const auto* unique = std::get_if<AddUnique>(&rule); unique != nullptr && unique->index)
    return "DROP INDEX IF EXISTS " + quoted(TableName{unique->table.schema, constraint_name(plan, rule)});
  return alter(table_of(rule)) + "DROP CONSTRAINT IF EXISTS " + quote_identifier(constraint_name(plan, rule));
}

std::string validate_sql(std::string_view plan, const Rule& rule) {
  return alter(table_of(rule)) + "VALIDATE CONSTRAINT " + quote_identifier(constraint_name(plan, rule));
}

CreateIndex unique_index(const AddUnique& rule) {
  CreateIndex index;
  index.table = rule.table;
  index.columns = rule.columns;
  index.unique = true;
  index.name = constraint_name({}, rule);
  return index;
}

std::string twin_index_name(std::string_view plan, const AddUnique& rule) {
  return fit_name("_switchback_" + std::string(plan) + "_" + constraint_name({}, rule));
}

CreateIndex twin_index(std::string_view plan, const AddUnique& rule, const RuleFacts& facts) {
  CreateIndex index;
  index.table = rule.table;
  index.name = twin_index_name(plan, rule);
  if (rule.columns.size() == 1) {
    index.columns = rule.columns;
    index.method = "hash";
    return index;
  }
  for (const std::string& column : rule.columns)
    index.columns.push_back(is_text(facts, column) ? "(pg_catalog.md5(" + quote_identifier(column) + "))" : column);
  return index;
}

std::string twins_sql(const AddUnique& rule, const RuleFacts& facts, std::string_view row, std::string_view other) {
  std::string sql = equal(rule.columns, row, rule.columns, other);
  if (rule.columns.size() > 1)
    for (const std::string& column : rule.columns)
      if (is_text(facts, column))
        sql += " AND pg_catalog.md5(" + under(other, column) + ") = pg_catalog.md5(" + under(row, column) + ")";
  return sql;
}

}  // namespace switchback
