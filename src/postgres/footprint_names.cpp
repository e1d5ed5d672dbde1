// What the names in a statement mean: tables, columns, outputs.
#include <algorithm>
#include <array>

#include "footprint_walk.hpp"

namespace switchback::postgres {

bool of_the_system(const TableName& name) {
  return name.schema.starts_with("pg_") || name.schema == "information_schema";
}

std::optional<TableName> FootprintWalk::table_of(const PgQuery__RangeVar& variable) {
  const TableName table{variable.schemaname && *variable.schemaname ? variable.schemaname : "public",
                        variable.relname ? variable.relname : ""};
  // A bare name that only the system has is the system's: it is searched first.
  const bool bare = !(variable.schemaname && *variable.schemaname);
  if (of_the_system(table) || (bare && known_.contains({"pg_temp", table.name})) ||
      (bare && table.name.starts_with("pg_") && !known_.contains(table)))
    return std::nullopt;
  use_of(footprint_, table);
  return table;
}

const FootprintWalk::From* FootprintWalk::with_query(std::string_view name, const Level& level) const {
  for (const Level* at = &level; at; at = at->outer)
    if (const auto found = std::ranges::find(at->queries, name, &From::alias); found != at->queries.end())
      return &*found;
  return nullptr;
}

const FootprintWalk::From* FootprintWalk::named(std::string_view alias, const Level& level) const {
  for (const Level* at = &level; at; at = at->outer)
    if (const auto found = std::ranges::find(at->from, alias, &From::alias); found != at->from.end()) return &*found;
  return nullptr;
}

bool FootprintWalk::knows(const TableName& table, const std::string& column) const {
  const auto found = known_.find(table);
  return found != known_.end() && std::ranges::find(found->second, column) != found->second.end();
}

void FootprintWalk::read(const TableName& table, const std::string& column) {
  constexpr std::array<std::string_view, 6> every_table_has = {"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"};
  if (std::ranges::find(every_table_has, column) != every_table_has.end()) return;
  note_once(use_of(footprint_, table).reads, column);
}

void FootprintWalk::read_all(const TableName& table) {
  use_of(footprint_, table).reads_all = true;
}

bool FootprintWalk::is_variable(const std::set<TableName>& tables) const {
  return place_ == StatementPlace::in_function &&
         std::ranges::all_of(tables, [this](const TableName& table) { return known_.contains(table); });
}

void FootprintWalk::reference(const PgQuery__ColumnRef& column, const Level& level) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < column.n_fields; ++i)
    parts.push_back(
        column.fields[i]->node_case == PG_QUERY__NODE__NODE_A_STAR ? "*" : std::string(string_of(column.fields[i])));
  if (parts.size() != 1) return qualified(parts, level);
  if (parts[0] != "*") return bare(parts[0], level);
  for (const From& entry : level.from)
    if (entry.table) read_all(*entry.table);
}

void FootprintWalk::bare(const std::string& name, const Level& level) {
  std::set<TableName> possible;
  bool derived = false;
  for (const Level* at = &level; at; at = at->outer) {
    bool here = false;
    for (const From& entry : at->from) {
      const bool renamed = entry.outputs.contains(name);
      if (entry.table && !renamed && knows(*entry.table, name)) {
        read(*entry.table, name);
        here = true;
      }
      if (entry.table) possible.insert(*entry.table);
      if (renamed) here = true;
      derived = derived || entry.any_output;
    }
    if (here || (at == &level && at->outputs.contains(name))) return;
  }
  if (const From* row = named(name, level)) {  // a whole row as a value
    if (row->table) read_all(*row->table);
    return;
  }
  if (is_variable(possible)) return;
  if (possible.size() == 1 && !derived) return read(*possible.begin(), name);
  if (!possible.empty()) unclear("which table has the column " + name);
}

void FootprintWalk::qualified(const std::vector<std::string>& parts, const Level& level) {
  const std::string& column = parts.back();
  std::optional<TableName> table;
  if (parts.size() >= 3) {
    table = TableName{parts[parts.size() - 3], parts[parts.size() - 2]};
  } else if (const From* entry = named(parts[0], level)) {
    if (!entry->table || entry->outputs.contains(column)) return;
    table = entry->table;
  } else if (place_ == StatementPlace::in_function) {
    return;  // a field of a record
  } else {
    return unclear("what " + parts[0] + "." + column + " is");
  }
  if (of_the_system(*table)) return;
  if (column == "*")
    read_all(*table);
  else
    read(*table, column);
}

}  // namespace switchback::postgres
