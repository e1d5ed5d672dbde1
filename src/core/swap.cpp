#include "switchback/core/swap.hpp"

#include <cctype>

namespace switchback {
namespace {

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}

}  // namespace

std::vector<const ReplaceColumn*> replaced_in(const Plan& plan, const TableName& table) {
  std::vector<const ReplaceColumn*> steps;
  for (const Step& step : plan.contract.steps)
    if (const auto* replace = std::get_if<ReplaceColumn>(&step.action); replace && replace->table == table)
      steps.push_back(replace);
  return steps;
}

Renames swap_names(const Plan& plan, const TableName& table) {
  Renames names;
  for (const ReplaceColumn* step : replaced_in(plan, table)) {
    names.emplace_back(step->column, tombstone_name(plan.name, step->column));
    names.emplace_back(step->with, step->column);
  }
  return names;
}

Renames swap_back_names(const Plan& plan, const TableName& table) {
  Renames names;
  for (const ReplaceColumn* step : replaced_in(plan, table)) {
    names.emplace_back(step->column, step->with);
    names.emplace_back(tombstone_name(plan.name, step->column), step->column);
  }
  return names;
}

SyncPlan swapped(SyncPlan sync, const Plan& plan, const TableName& table) {
  return with_types(with_names(std::move(sync), swap_names(plan, table)), type_names(plan));
}

std::vector<const ReplaceType*> replaced_types(const Plan& plan) {
  std::vector<const ReplaceType*> steps;
  for (const Step& step : plan.contract.steps)
    if (const auto* replace = std::get_if<ReplaceType>(&step.action)) steps.push_back(replace);
  return steps;
}

TableName hidden_type(const Plan& plan, const ReplaceType& step) {
  return {step.type.schema, tombstone_name(plan.name, step.type.name)};
}

namespace {

/// As format_type writes it.
std::string type_text(const TableName& type) {
  return shown(std::string_view(type.schema)) + "." + shown(std::string_view(type.name));
}

bool in_a_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '"' || c == '.' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

}  // namespace

Renames type_names(const Plan& plan) {
  Renames names;
  for (const ReplaceType* step : replaced_types(plan)) {
    names.emplace_back(type_text(step->type), type_text(hidden_type(plan, *step)));
    names.emplace_back(type_text({step->type.schema, step->with}), type_text(step->type));
  }
  return names;
}

Renames type_names_back(const Plan& plan) {
  Renames names;
  for (const ReplaceType* step : replaced_types(plan)) {
    names.emplace_back(type_text(step->type), type_text({step->type.schema, step->with}));
    names.emplace_back(type_text(hidden_type(plan, *step)), type_text(step->type));
  }
  return names;
}

Renames hidden_type_names(const Plan& plan) {
  Renames names;
  for (const ReplaceType* step : replaced_types(plan))
    names.emplace_back(type_text(hidden_type(plan, *step)), type_text(step->type));
  return names;
}

std::string retyped(std::string_view sql, std::string_view from, std::string_view to) {
  std::string result;
  bool text = false;  // a quote within a text is written twice: it ends and begins again
  for (std::size_t i = 0; i < sql.size();) {
    text = text != (sql[i] == '\'');
    const std::string_view rest = sql.substr(i);
    const bool whole = !text && rest.starts_with(from) && (result.empty() || !in_a_name(result.back())) &&
                       (rest.size() == from.size() || !in_a_name(rest[from.size()]));
    result += whole ? to : rest.substr(0, 1);
    i += whole ? from.size() : 1;
  }
  return result;
}

SyncPlan with_types(SyncPlan sync, const Renames& types) {
  for (const auto& [from, to] : types) {
    for (auto* side : {&sync.old_side, &sync.new_side})
      for (SyncColumn& column : *side) {
        column.type = retyped(column.type, from, to);
        if (column.default_value) column.default_value = retyped(*column.default_value, from, to);
      }
    for (auto* expressions : {&sync.forward, &sync.reverse})
      for (auto& [column, expression] : *expressions) expression.sql = retyped(expression.sql, from, to);
    if (sync.where) sync.where->sql = retyped(sync.where->sql, from, to);
  }
  return sync;
}

namespace {

std::string rename_type_sql(const TableName& type, const std::string& to) {
  return "ALTER TYPE " + quoted(type) + " RENAME TO " + quote_identifier(to);
}

}  // namespace

std::vector<std::string> swap_sql(const Plan& plan, const ReplaceType& step) {
  return {rename_type_sql(step.type, hidden_type(plan, step).name),
          rename_type_sql({step.type.schema, step.with}, step.type.name)};
}

std::vector<std::string> swap_back_sql(const Plan& plan, const ReplaceType& step) {
  return {rename_type_sql(step.type, step.with), rename_type_sql(hidden_type(plan, step), step.type.name)};
}

std::string either_check_name(std::string_view plan, std::string_view column) {
  return fit_name("_switchback_" + std::string(plan) + "_" + std::string(column) + "_either");
}

std::vector<std::string> relax_replaced_sql(const Plan& plan, const ReplaceColumn& step) {
  return {alter(step.table) + "ALTER COLUMN " + quote_identifier(step.column) + " DROP NOT NULL",
          alter(step.table) + "ADD CONSTRAINT " + quote_identifier(either_check_name(plan.name, step.column)) +
              " CHECK (" + quote_identifier(step.column) + " IS NOT NULL OR " + quote_identifier(step.with) +
              " IS NOT NULL) NOT VALID"};
}

std::vector<std::string> swap_sql(const Plan& plan, const ReplaceColumn& step) {
  const std::string hidden = tombstone_name(plan.name, step.column);
  std::vector<std::string> sql = rename_sql(step.table, {{step.column, hidden}, {step.with, step.column}});
  for (const auto& [name, twin] : step.names) {
    const std::string hidden_name = tombstone_name(plan.name, name);
    sql.push_back(rename_index_sql({step.table.schema, name}, hidden_name));
    sql.push_back(rename_index_sql({step.table.schema, twin}, name));
  }
  return sql;
}

std::vector<std::string> swap_back_sql(const Plan& plan, const ReplaceColumn& step) {
  const std::string hidden = tombstone_name(plan.name, step.column);
  std::vector<std::string> sql;
  for (const auto& [name, twin] : step.names) {
    sql.push_back(rename_index_sql({step.table.schema, name}, twin));
    sql.push_back(rename_index_sql({step.table.schema, tombstone_name(plan.name, name)}, name));
  }
  for (std::string& one : rename_sql(step.table, {{step.column, step.with}, {hidden, step.column}}))
    sql.push_back(std::move(one));
  return sql;
}

}  // namespace switchback
