#include "explaining_keys.hpp"

#include <algorithm>
#include <set>

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/rekey.hpp"
#include "switchback/core/swap.hpp"
#include "switchback/engine/rekeying.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

struct Key {
  TableFacts table;
  std::vector<const ReplaceColumn*> columns;
};

std::vector<Key> keys_of(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  std::vector<Key> keys;
  for (const TableName& name : tables_of(plan)) {
    if (replaced_in(plan, name).empty()) continue;
    const auto table = catalog.table(session, name);
    if (!table) continue;
    Key key{*table, {}};
    for (const ReplaceColumn* step : replaced_in(plan, name))
      if (in_primary_key(*table, step->column)) key.columns.push_back(step);
    if (!key.columns.empty()) keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<PointingKey> pointing_of(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  std::vector<PointingKey> pointing;
  std::set<std::pair<TableName, std::string>> seen;
  for (const TableName& name : tables_of(plan)) {
    const auto around = replaced_in(plan, name).empty() ? std::nullopt : key_surroundings(session, name);
    if (!around) continue;
    for (const ReplaceColumn* step : replaced_in(plan, name))
      for (const ReferringColumn& one : referring_to(*around, step->column)) {
        const auto table = catalog.table(session, one.table);
        if (!table || !seen.emplace(one.table, one.constraint).second) continue;
        const auto found = std::ranges::find(table->constraints, one.constraint, &ConstraintFacts::name);
        if (found != table->constraints.end())
          pointing.push_back({one.table, one.constraint, found->definition, found->validated, {}});
      }
  }
  return pointing;
}

std::string alter_column(const TableName& table, const std::string& column) {
  return "ALTER TABLE " + quoted(table) + " ALTER COLUMN " + quote_identifier(column) + " ";
}

/// What gives the key its numbers, in words: the statements depend on where it is by then.
std::string numbers_over(const ColumnFacts& column) {
  if (column.identity) return "; the identity is made anew on the new column and goes on where it was";
  return column.default_volatile ? "; the default goes over to the new column with its sequence, which becomes as wide"
                                 : "";
}

}  // namespace

std::vector<StepSql> ready_key_steps(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  std::vector<StepSql> steps;
  for (const Key& key : keys_of(session, catalog, plan)) {
    const std::string name = primary_key_of(key.table)->name.name;
    StepSql out;
    out.step = "make the key " + shown(std::string_view(name)) + " of " + shown(key.table.name) + " ready";
    for (const bool twin : {true, false}) {
      const std::string index = twin ? key_twin_name(plan.name, name) : key_spare_name(plan.name, name);
      out.sql.push_back(create_index_sql(index_like_key(plan, key.table, index, twin), key.table.name, index));
      out.undo.push_back("DROP INDEX IF EXISTS " + quoted({key.table.name.schema, index}));
    }
    for (const ReplaceColumn* column : key.columns) {
      out.sql.push_back(enforce_not_null_sql(plan.name, key.table.name, column->with));
      out.sql.push_back(validate_not_null_sql(plan.name, key.table.name, column->with));
      out.undo.push_back(release_not_null_sql(plan.name, key.table.name, column->with));
    }
    out.lock = "SHARE UPDATE EXCLUSIVE; ACCESS EXCLUSIVE for the check, milliseconds";
    out.held = "while the indexes are built: readers and writers go on";
    out.scans = true;
    out.before = Safety::works;
    steps.push_back(std::move(out));
  }
  return steps;
}

std::vector<StepSql> turn_key_steps(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  const std::vector<Key> keys = keys_of(session, catalog, plan);
  const std::vector<PointingKey> pointing = pointing_of(session, catalog, plan);
  if (keys.empty() && pointing.empty()) return {};
  StepSql out;
  out.step = "turn over primary keys, and the foreign keys that point at them";
  out.lock = "ACCESS EXCLUSIVE";
  out.held =
      "milliseconds, with the swaps above: the catalog alone changes. The tables are locked referenced first, each "
      "waited for less than deadlock_timeout";
  out.before = Safety::unsafe;
  for (const PointingKey& key : pointing) out.sql.push_back(drop_constraint_sql(key.table, key.name));
  for (const Key& key : keys) {
    const std::string name = primary_key_of(key.table)->name.name;
    out.sql.push_back(drop_constraint_sql(key.table.name, name));
    for (const ReplaceColumn* column : key.columns) {
      out.sql.push_back(alter_column(key.table.name, tombstone_name(plan.name, column->column)) + "DROP NOT NULL");
      out.sql.push_back(alter_column(key.table.name, column->column) + "SET NOT NULL");
      if (const ColumnFacts* facts = key.table.column(column->column)) out.held += numbers_over(*facts);
    }
    out.sql.push_back(take_key_sql(key.table.name, name, key_twin_name(plan.name, name)));
  }
  for (const PointingKey& key : pointing)
    for (std::string& sql : point_again_sql(key)) out.sql.push_back(std::move(sql));
  out.undo = {
      "the same on the old columns, with the index that stands ready. Before, without a lock that anybody waits "
      "for, a CHECK proves that they hold every row's number: with one beyond, the way back is closed"};
  return {out};
}

std::vector<StepSql> validate_pointing_steps(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  std::vector<StepSql> steps;
  for (const PointingKey& key : pointing_of(session, catalog, plan)) {
    StepSql out;
    out.step = "validate the foreign key " + shown(std::string_view(key.name)) + " of " + shown(key.table);
    out.sql = {validate_constraint_sql(key.table, key.name)};
    out.undo = {"it goes with unhide"};
    out.lock = "SHARE UPDATE EXCLUSIVE, ROW SHARE on the table that it points at";
    out.held = "while the table is read: readers and writers go on";
    out.scans = true;
    out.before = Safety::unsafe;
    steps.push_back(std::move(out));
  }
  return steps;
}

}  // namespace switchback::engine
