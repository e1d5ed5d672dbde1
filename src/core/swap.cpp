#include "switchback/core/swap.hpp"

#include <algorithm>

#include "switchback/core/rekey.hpp"

namespace switchback {
namespace {

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}

/// What one integer column gets its numbers from, and the other, which takes its name, has nothing of its own.
bool goes_over(const SyncColumn& from, const SyncColumn& to) {
  return from.default_volatile && !to.default_volatile && !to.default_value && integer_bytes(from.type) > 0 &&
         integer_bytes(to.type) > 0;
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

SyncPlan with_defaults_over(SyncPlan sync, const Renames& pairs) {
  for (const auto& [old_name, new_name] : pairs) {
    const auto was = std::ranges::find(sync.old_side, old_name, &SyncColumn::name);
    const auto is = std::ranges::find(sync.new_side, new_name, &SyncColumn::name);
    if (was == sync.old_side.end() || is == sync.new_side.end()) continue;
    if (!goes_over(*was, *is) && !goes_over(*is, *was)) continue;
    std::swap(was->default_value, is->default_value);
    std::swap(was->default_volatile, is->default_volatile);
    sync.new_side_wins_insert = is->default_volatile;
  }
  return sync;
}

Renames swapped_pairs(const Plan& plan, const TableName& table) {
  Renames pairs;
  for (const ReplaceColumn* step : replaced_in(plan, table))
    pairs.emplace_back(tombstone_name(plan.name, step->column), step->column);
  return pairs;
}

Renames unswapped_pairs(const Plan& plan, const TableName& table) {
  Renames pairs;
  for (const ReplaceColumn* step : replaced_in(plan, table)) pairs.emplace_back(step->column, step->with);
  return pairs;
}

SyncPlan swapped(SyncPlan sync, const Plan& plan, const TableName& table) {
  return with_defaults_over(with_names(std::move(sync), swap_names(plan, table)), swapped_pairs(plan, table));
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
