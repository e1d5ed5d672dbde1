#include "switchback/core/contract_sql.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"

namespace switchback {
namespace {

Error refused(const std::string& message, std::string hint) {
  return {Exit::invalid, Remedy::person, message, std::move(hint)};
}

/// A column that goes, under the name that it has until then; one that is replaced has its tombstone name already.
struct Going {
  TableName table;
  std::string name;
  std::string hidden;
  std::optional<std::string> born_since;
};

std::vector<Going> going_of(const Plan& plan, const TableName& table) {
  std::vector<Going> columns;
  for (const Step& step : plan.contract.steps) {
    if (const auto* drop = std::get_if<DropColumn>(&step.action); drop && drop->table == table)
      columns.push_back({table, drop->name, tombstone_name(plan.name, drop->name), drop->born_since});
    if (const auto* replace = std::get_if<ReplaceColumn>(&step.action); replace && replace->table == table) {
      const std::string hidden = tombstone_name(plan.name, replace->column);
      columns.push_back({table, hidden, hidden, {}});
    }
  }
  return columns;
}

const ColumnFacts& column_of(const TableFacts& facts, const Going& drop) {
  const ColumnFacts* column = facts.column(drop.name);
  if (!column) column = facts.column(drop.hidden);
  const std::string shown_name = shown(drop.table) + "." + shown(drop.name);
  if (!column) throw refused("there is no column " + shown_name, "was it dropped by hand? see history");
  if (column->generated)
    throw refused("column " + shown_name + " is generated: it has no values of its own to archive",
                  "drop it by hand; its expression brings it back");
  return *column;
}

TakenTable taken_table(std::int64_t plan_id, const Plan& plan, const TableFacts& facts, const std::vector<Going>& drops,
                       const SyncPlan* sync) {
  TakenTable table;
  table.plan_id = plan_id;
  table.plan = plan.name;
  table.oid = facts.oid;
  table.name = facts.name;
  table.partitioned = facts.kind == 'p';
  if (!facts.key)
    throw refused("table " + shown(facts.name) + " has no key by which its rows could be archived",
                  "give it a primary key, or a unique index over columns that are NOT NULL");
  table.key = *facts.key;
  bool heir = false;
  for (const Going& drop : drops) {
    const ColumnFacts& column = column_of(facts, drop);
    if (std::ranges::find(table.key.columns, column.name) != table.key.columns.end())
      throw refused("column " + shown(facts.name) + "." + shown(drop.name) + " is part of the key " +
                        shown(table.key.index) + ", by which rows are archived and restored",
                    "give the table another unique index over columns that are NOT NULL and stay");
    table.columns.push_back({.name = drop.name,
                             .hidden = drop.hidden,
                             .type = column.type,
                             .value_type = column.type,
                             .bitwise_equality = column.bitwise_equality,
                             .default_value = column.default_value,
                             .default_volatile = column.default_volatile,
                             .born_since = drop.born_since});
    if (sync)
      heir = heir || std::ranges::any_of(sync->old_side, [&](const SyncColumn& side) {
               return side.name == drop.name || side.name == drop.hidden;
             });
  }
  if (heir) table.new_side = sync->new_side;
  return table;
}

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}

}  // namespace

std::vector<TakenTable> taken_tables(std::int64_t plan_id, const Plan& plan, const std::vector<TableFacts>& facts,
                                     const std::vector<std::pair<TableName, SyncPlan>>& sync) {
  std::vector<TakenTable> tables;
  for (const TableFacts& one : facts) {
    const std::vector<Going> drops = going_of(plan, one.name);
    if (drops.empty()) continue;
    const auto own = std::ranges::find(sync, one.name, &std::pair<TableName, SyncPlan>::first);
    tables.push_back(taken_table(plan_id, plan, one, drops, own == sync.end() ? nullptr : &own->second));
  }
  return tables;
}

Renames hiding_names(const TakenTable& table) {
  Renames names;
  for (const TakenColumn& column : table.columns)
    if (column.name != column.hidden) names.emplace_back(column.name, column.hidden);
  return names;
}

Renames unhiding_names(const TakenTable& table) {
  Renames names;
  for (const TakenColumn& column : table.columns)
    if (column.name != column.hidden) names.emplace_back(column.hidden, column.name);
  return names;
}

SyncPlan with_names(SyncPlan sync, const Renames& names) {
  for (const auto& [from, to] : names) {
    for (auto* side : {&sync.old_side, &sync.new_side})
      for (SyncColumn& column : *side)
        if (column.name == from) column.name = to;
    for (auto* expressions : {&sync.forward, &sync.reverse})
      for (auto& [target, expression] : *expressions) {
        if (target == from) target = to;
        expression = renamed(std::move(expression), from, to);
      }
    if (sync.where) sync.where = renamed(std::move(*sync.where), from, to);
  }
  return sync;
}

std::vector<std::string> rename_sql(const TableName& table, const Renames& names) {
  std::vector<std::string> sql;
  for (const auto& [from, to] : names)
    sql.push_back(alter(table) + "RENAME COLUMN " + quote_identifier(from) + " TO " + quote_identifier(to));
  return sql;
}

std::string rename_index_sql(const TableName& index, std::string_view to) {
  return "ALTER INDEX " + quoted(index) + " RENAME TO " + quote_identifier(to);
}

std::string rename_constraint_sql(const TableName& table, std::string_view from, std::string_view to) {
  return alter(table) + "RENAME CONSTRAINT " + quote_identifier(from) + " TO " + quote_identifier(to);
}

std::string not_null_check_name(std::string_view plan, std::string_view column) {
  return fit_name("_switchback_" + std::string(plan) + "_" + std::string(column) + "_not_null");
}

std::string enforce_not_null_sql(std::string_view plan, const TableName& table, std::string_view column) {
  return alter(table) + "ADD CONSTRAINT " + quote_identifier(not_null_check_name(plan, column)) + " CHECK (" +
         quote_identifier(column) + " IS NOT NULL) NOT VALID";
}

std::string release_not_null_sql(std::string_view plan, const TableName& table, std::string_view column) {
  return alter(table) + "DROP CONSTRAINT IF EXISTS " + quote_identifier(not_null_check_name(plan, column));
}

std::string validate_not_null_sql(std::string_view plan, const TableName& table, std::string_view column) {
  return alter(table) + "VALIDATE CONSTRAINT " + quote_identifier(not_null_check_name(plan, column));
}

std::vector<std::string> settle_not_null_sql(std::string_view plan, const TableName& table, std::string_view column) {
  return {alter(table) + "ALTER COLUMN " + quote_identifier(column) + " SET NOT NULL",
          release_not_null_sql(plan, table, column)};
}

std::string drop_column_sql(const TableName& table, const std::string& hidden) {
  return alter(table) + "DROP COLUMN IF EXISTS " + quote_identifier(hidden) + " RESTRICT";
}

std::string drop_marker_sql(const TableName& table, std::string_view plan) {
  return alter(table) + "DROP COLUMN IF EXISTS " + quote_identifier(marker_name(plan)) + " RESTRICT";
}

}  // namespace switchback
