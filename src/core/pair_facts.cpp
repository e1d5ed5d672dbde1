#include <algorithm>

#include "switchback/core/pair.hpp"

namespace switchback {
namespace {

std::string name_now(const std::string& column, const Renames& names) {
  const auto found = std::ranges::find(names, column, &Renames::value_type::first);
  return found == names.end() ? column : found->second;
}

std::vector<std::string> key_of(const PairTables& step, bool of_to) {
  std::vector<std::string> key;
  for (const auto& [to, table] : step.on) key.push_back(of_to ? to : table);
  return key;
}

std::string list(const std::vector<std::string>& columns) {
  std::string text;
  for (const std::string& column : columns) text += (text.empty() ? "" : ", ") + shown(std::string_view(column));
  return text;
}

bool is_key(const TableFacts& table, const std::vector<std::string>& key) {
  return std::ranges::any_of(table.indexes, [&](const IndexFacts& index) {
    return index.unique && index.valid && !index.partial && index.immediate && index.columns.size() == key.size() &&
           std::ranges::is_permutation(index.columns, key);
  });
}

std::string column_of(const TableFacts& table, const std::string& column) {
  return shown(table.name) + "." + shown(std::string_view(column));
}

PairObjection table_objection(const TableFacts& table, const std::vector<std::string>& key) {
  if (table.kind == 'r' && table.leaves.size() > 1)
    return {"other tables inherit from " + shown(table.name), "pair tables that are plain or partitioned"};
  if (table.row_security_forced)
    return {
        "row level security of " + shown(table.name) + " is forced, also on its owner: triggers would not see all rows",
        "ALTER TABLE … NO FORCE ROW LEVEL SECURITY"};
  for (const std::string& column : key) {
    const ColumnFacts* facts = table.column(column);
    if (facts == nullptr)
      return {"the table " + shown(table.name) + " has no column " + shown(std::string_view(column)),
              "names are folded to lower case unless quoted"};
    if (!facts->not_null)
      return {column_of(table, column) + " is not NOT NULL: a row would not be told by it",
              "set_not_null it first, in a plan of its own"};
  }
  if (!is_key(table, key))
    return {shown(table.name) + " is not unique by " + list(key) + ": a row of the one would have several of the other",
            "add_unique over " + list(key) + " first, in a plan of its own"};
  return {};
}

PairObjection column_objection(const TableFacts& table, const ColumnFacts* column, const std::string& name) {
  if (column == nullptr)
    return {"the table " + shown(table.name) + " has no column " + shown(std::string_view(name)),
            "add it in expand: add_column with like and of"};
  if (column->generated || column->identity)
    return {column_of(table, name) + " is " + (column->generated ? "a generated" : "an identity") +
                " column: nobody may write it",
            "leave it out"};
  if (column->default_volatile)
    return {"the default of " + column_of(table, name) +
                " differs from call to call: whether a row was given a value could not be told",
            "drop the default first, in a plan of its own"};
  if (std::ranges::find(table.partition_key, name) != table.partition_key.end())
    return {column_of(table, name) + " says in which partition a row belongs: a trigger cannot write it",
            "leave it out"};
  return {};
}

/// A row that a trigger makes has the key and the columns, and else what the defaults give.
PairObjection made_objection(const PairTables& step, const TableFacts& part, const std::vector<std::string>& key,
                             const Renames& names) {
  for (const ColumnFacts& column : part.columns) {
    const auto is_it = [&](const std::string& name) { return name_now(name, names) == column.name; };
    if (!column.not_null || column.default_value || column.identity || column.generated ||
        std::ranges::find(key, column.name) != key.end() || std::ranges::any_of(step.columns, is_it))
      continue;
    return {column_of(part, column.name) + " is NOT NULL and has no default: no row of " + shown(part.name) +
                " could be made for the other table",
            "change_default or drop_not_null it first, in a plan of its own"};
  }
  return {};
}

PairSide side(const PairTables& step, const TableFacts& table, bool of_to, const Renames& names) {
  PairSide out;
  out.table = table.name;
  out.key = key_of(step, of_to);
  out.old = !of_to;
  for (const std::string& column : step.columns)
    out.columns.push_back(sync_column(*table.column(of_to ? column : name_now(column, names))));
  return out;
}

}  // namespace

PairObjection pair_objection(const PairTables& step, const TableFacts& table, const TableFacts& to,
                             const Renames& names) {
  for (const bool of_to : {false, true})
    if (PairObjection no = table_objection(of_to ? to : table, key_of(step, of_to)); !no.what.empty()) return no;
  for (const auto& [right, left] : step.on)
    if (to.column(right)->type != table.column(left)->type)
      return {column_of(to, right) + " is " + to.column(right)->type + ", and " + column_of(table, left) + " is " +
                  table.column(left)->type,
              "give both the same type first: change_type"};
  for (const std::string& name : step.columns) {
    const std::string old_name = name_now(name, names);
    const ColumnFacts* left = table.column(old_name);
    const ColumnFacts* right = to.column(name);
    if (PairObjection no = column_objection(table, left, old_name); !no.what.empty()) return no;
    if (PairObjection no = column_objection(to, right, name); !no.what.empty()) return no;
    if (left->type != right->type)
      return {column_of(to, name) + " is " + right->type + ", and " + column_of(table, name) + " is " + left->type,
              "give the new column the same type; its type can be changed by a plan of its own"};
  }
  if (step.rows == MakeRows::of_none) return {};
  const bool of_to = step.rows == MakeRows::of_to;
  return made_objection(step, of_to ? to : table, key_of(step, of_to), of_to ? Renames{} : names);
}

Pair pair_from(const PairTables& step, const TableFacts& table, const TableFacts& to, const Renames& names) {
  Pair pair;
  pair.made = step.rows != MakeRows::of_none;
  const bool old_is_base = step.rows != MakeRows::of_table;
  pair.base = old_is_base ? side(step, table, false, names) : side(step, to, true, names);
  pair.part = old_is_base ? side(step, to, true, names) : side(step, table, false, names);
  return pair;
}

}  // namespace switchback
