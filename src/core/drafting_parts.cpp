#include "drafting_parts.hpp"

#include <algorithm>
#include <cctype>

#include "change_steps.hpp"
#include "switchback/core/change.hpp"

namespace switchback::drafting {
namespace {

std::vector<std::string> names_of(const std::vector<std::string>& names) {
  std::vector<std::string> written;
  written.reserve(names.size());
  for (const std::string& name : names) written.push_back(name.starts_with('(') ? name : name_of(name));
  return written;
}

void put_text(DraftEntry& entry, const char* key, const std::optional<std::string>& value) {
  if (value) entry.arguments.push_back({key, *value});
}

DraftEntry entry_for(const CreateIndex& index) {
  DraftEntry entry = change("create_index", {{"table", shown(index.table)}});
  if (index.definition) {
    put_text(entry, "definition", index.definition);
  } else {
    entry.arguments.push_back({"columns", names_of(index.columns)});
    put_text(entry, "where", index.where);
    if (index.unique) entry.arguments.push_back({"unique", true});
    if (index.method != "btree") entry.arguments.push_back({"method", name_of(index.method)});
    if (!index.include.empty()) entry.arguments.push_back({"include", names_of(index.include)});
  }
  if (index.name) entry.arguments.push_back({"name", name_of(*index.name)});
  return entry;
}
DraftEntry entry_for(const CreateTable& table) {
  ColumnExpressions columns;
  for (const auto& [name, definition] : table.columns) columns.emplace_back(name_of(name), definition);
  DraftEntry entry = change("create_table", {{"name", shown(table.name)}, {"columns", columns}});
  if (!table.primary_key.empty()) entry.arguments.push_back({"primary_key", names_of(table.primary_key)});
  if (!table.constraints.empty()) entry.arguments.push_back({"constraints", table.constraints});
  return entry;
}
DraftEntry entry_for(const CreateEnum& made) {
  return change("create_enum", {{"name", shown(made.name)}, {"values", made.values}});
}
DraftEntry entry_for(const AddEnumValue& value) {
  DraftEntry entry = change("add_enum_value", {{"type", shown(value.type)}, {"value", value.value}});
  put_text(entry, "before", value.before);
  put_text(entry, "after", value.after);
  return entry;
}
DraftEntry entry_for(const CreateView& view) {
  return change("create_view", {{"name", shown(view.name)}, {"query", view.query}});
}
DraftEntry entry_for(const SetComment& comment) {
  const bool part = comment.what == Commented::column || comment.what == Commented::constraint;
  const char* what = comment.what == Commented::view    ? "view"
                     : comment.what == Commented::index ? "index"
                     : comment.what == Commented::type  ? "type"
                                                        : "table";
  DraftEntry entry = change("set_comment", {{what, shown(comment.name)}});
  if (part)
    entry.arguments.push_back({comment.what == Commented::column ? "column" : "constraint", name_of(comment.part)});
  entry.arguments.push_back({"comment", comment.comment});
  return entry;
}
DraftEntry entry_for(const AddExclusion& made) {
  DraftEntry entry = change("add_exclusion", {{"table", shown(made.table)}});
  if (made.method != "gist") entry.arguments.push_back({"method", name_of(made.method)});
  ColumnExpressions elements;
  for (const auto& [key, with] : made.elements)
    elements.emplace_back(key.starts_with('(') ? key : name_of(key), with);
  entry.arguments.push_back({"elements", elements});
  put_text(entry, "where", made.where);
  if (made.name) entry.arguments.push_back({"name", name_of(*made.name)});
  entry.comments.emplace_back(
      "its index is built under a lock, for at most lock_timeout; lock: says why that may take longer");
  return entry;
}
DraftEntry entry_for(const SetStorageParameters& set) {
  return change("set_storage_parameters", {{set.index ? "index" : "table", shown(set.name)}, {"set", set.set}});
}
DraftEntry entry_for(const SetReplicaIdentity& set) {
  DraftEntry entry = change("set_replica_identity", {{"table", shown(set.table)}});
  if (set.identity == Identity::index)
    entry.arguments.push_back({"index", name_of(set.index)});
  else
    entry.arguments.push_back({"identity", std::string(set.identity == Identity::full      ? "full"
                                                       : set.identity == Identity::nothing ? "nothing"
                                                                                           : "default")});
  return entry;
}
DraftEntry entry_for(const SetStatistics& set) {
  return change("set_statistics", {{"table", shown(set.table)},
                                   {"column", name_of(set.column)},
                                   {"target", std::to_string(set.target)}});
}
DraftEntry entry_for(const SetStorage& set) {
  DraftEntry entry = change("set_storage", {{"table", shown(set.table)}, {"column", name_of(set.column)}});
  put_text(entry, "storage", set.storage);
  put_text(entry, "compression", set.compression);
  return entry;
}
DraftEntry entry_for(const RenameIndex& rename) {
  return change("rename_index", {{"name", shown(rename.name)}, {"to", name_of(rename.to)}});
}
DraftEntry entry_for(const RenameConstraint& rename) {
  return change("rename_constraint",
                {{"table", shown(rename.table)}, {"name", name_of(rename.name)}, {"to", name_of(rename.to)}});
}
DraftEntry entry_for(const SetNotNull& rule) {
  return change("set_not_null", {{"table", shown(rule.table)}, {"column", name_of(rule.column)}});
}
DraftEntry entry_for(const AddCheck& rule) {
  DraftEntry entry = change("add_check", {{"table", shown(rule.table)}, {"check", rule.check}});
  if (rule.name) entry.arguments.push_back({"name", name_of(*rule.name)});
  return entry;
}
DraftEntry entry_for(const AddUnique& rule) {
  DraftEntry entry = change("add_unique", {{"table", shown(rule.table)}, {"columns", names_of(rule.columns)}});
  if (rule.name) entry.arguments.push_back({"name", name_of(*rule.name)});
  if (rule.index) entry.arguments.push_back({"index", true});
  return entry;
}
DraftEntry entry_for(const AddForeignKey& rule) {
  DraftEntry entry = change("add_foreign_key", {{"table", shown(rule.table)}, {"columns", names_of(rule.columns)}});
  if (rule.name) entry.arguments.push_back({"name", name_of(*rule.name)});
  return entry;
}
template <class Step>
DraftEntry entry_for(const Step& /*step*/) {
  return {};
}

/// `CASE WHEN where THEN value ELSE rest END`.
std::string when(const std::string& where, const std::string& value, const std::string& rest) {
  return "CASE WHEN " + where + " THEN " + value + (rest.empty() ? "" : " ELSE " + rest) + " END";
}

}  // namespace

bool can_fold(const AddedColumn& column, const RowExpression& value, const std::optional<RowExpression>& where) {
  const std::string& itself = column.column.name;
  if (value.columns.contains(itself)) return false;
  return !where || !where->columns.contains(itself) || where->is_null_test;
}

bool AddedColumn::reads(const std::string& other) const {
  return std::ranges::any_of(pieces, [&](const Piece& piece) {
    return piece.value.columns.contains(other) || (piece.where && piece.where->columns.contains(other));
  });
}

bool AddedColumn::copies(const std::string& other) const {
  return pieces.size() == 1 && pieces.front().value.bare && pieces.front().value.columns.contains(other) &&
         fill() == pieces.front().value.sql;
}

std::string AddedColumn::fill() const {
  std::string rest = column.default_value.value_or("");
  for (const Piece& piece : pieces) {
    const bool where_null = piece.where && piece.where->is_null_test && piece.where->columns.contains(column.name);
    if (where_null)
      rest = rest.empty() ? piece.value.sql : "coalesce(" + rest + ", " + piece.value.sql + ")";
    else
      rest = piece.where ? when(piece.where->sql, piece.value.sql, rest) : piece.value.sql;
  }
  return rest;
}

std::vector<DraftEntry> AddedColumn::entries() const {
  DraftEntry add =
      change("add_column", {{"table", shown(column.table)}, {"name", name_of(column.name)}, {"type", column.type}});
  std::vector<DraftEntry> entries;
  const bool constant = column.default_value && is_constant(*column.default_value);
  if (pieces.empty() && column.default_value && (constant || !drops_default)) {
    put_text(add, "default", column.default_value);
    if (column.not_null) add.arguments.push_back({"not_null", true});
    entries.push_back(std::move(add));
    if (later_default) put_what_follows(entries);
    return entries;
  }
  const std::string filled = fill();
  if (!filled.empty()) {
    add.arguments.push_back({"fill", filled});
  } else if (column.not_null && !filled_elsewhere) {
    add.arguments.push_back({"fill", left_to_fill_in(shown(column.table) + "." + shown(std::string_view(column.name)) +
                                                     " for rows that are there, as SQL over the row")});
  }
  const bool follows = filled_elsewhere || !column.not_null;
  if (!follows) add.arguments.push_back({"not_null", true});
  entries.push_back(std::move(add));
  AddedColumn rest = *this;
  rest.column.not_null = column.not_null && follows;
  rest.put_what_follows(entries);
  return entries;
}

void AddedColumn::put_what_follows(std::vector<DraftEntry>& entries) const {
  const std::optional<std::string> last = drops_default   ? std::nullopt
                                          : later_default ? later_default
                                                          : column.default_value;
  if (last)
    entries.push_back(change("change_default",
                             {{"table", shown(column.table)}, {"column", name_of(column.name)}, {"default", *last}}));
  if (column.not_null)
    entries.push_back(change("set_not_null", {{"table", shown(column.table)}, {"column", name_of(column.name)}}));
}

DraftEntry step(std::string phase, std::string kind, std::vector<Argument> arguments) {
  DraftEntry entry;
  entry.phase = std::move(phase);
  entry.kind = std::move(kind);
  entry.arguments = std::move(arguments);
  return entry;
}
DraftEntry change(std::string kind, std::vector<Argument> arguments) {
  return step("change", std::move(kind), std::move(arguments));
}
DraftEntry sql_entry(std::string phase, std::string run) {
  return step(std::move(phase), "sql", {{"run", std::move(run)}});
}
DraftEntry step_entry(const Action& action) {
  return std::visit([](const auto& one) { return entry_for(one); }, action);
}

std::string name_of(const std::string& name) {
  return shown(std::string_view(name));
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name_of(name);
  return text;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return text;
}

std::string in_short(const std::string& sql) {
  constexpr std::size_t most = 90;
  std::string text;
  for (const char c : sql) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space || (!text.empty() && text.back() != ' ')) text += space ? ' ' : c;
  }
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + " …";
}

std::string create_index_text(const CreateIndex& index) {
  std::string text = index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ";
  if (index.name) text += name_of(*index.name) + " ";
  text += "ON " + shown(index.table) + " USING " + name_of(index.method) + " (";
  for (std::size_t i = 0; i < index.columns.size(); ++i)
    text += (i == 0 ? "" : ", ") + (index.columns[i].starts_with('(') ? index.columns[i] : name_of(index.columns[i]));
  text += ")";
  if (!index.include.empty()) text += " INCLUDE (" + joined(index.include) + ")";
  if (index.where) text += " WHERE " + *index.where;
  return text;
}

std::vector<std::string> dependents(const TableFacts& table, const ColumnFacts& column) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const IndexFacts& index : table.indexes)
    if (changing::mentions(index, column)) add(index.name.name);
  for (const ConstraintFacts& constraint : table.constraints)
    if (changing::mentions(constraint, column)) add(constraint.name);
  return names;
}

}  // namespace switchback::drafting
