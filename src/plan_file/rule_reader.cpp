#include "rule_reader.hpp"

#include <algorithm>
#include <span>

#include "step_reader.hpp"
#include "switchback/core/draft.hpp"

namespace switchback::plan_file {
namespace {

constexpr std::array<std::string_view, 5> key_actions = {"no action", "restrict", "cascade", "set null", "set default"};

std::vector<std::string> read_columns(Findings& findings, std::string_view key, const Value* list) {
  std::vector<std::string> columns;
  if (list == nullptr) return columns;
  const Values values(findings);
  for (const Value& item : values.list(key, *list))
    if (auto column = values.identifier(key, item)) columns.push_back(std::move(*column));
  return columns;
}

/// Where the list of columns in `users(id)` begins and the commas in it are; those between quotes are a name's.
std::vector<std::size_t> marks_outside_quotes(std::string_view text) {
  std::vector<std::size_t> marks;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (!quoted && (text[i] == '(' || text[i] == ',')) marks.push_back(i);
  }
  return marks;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

void read_references(Findings& findings, const Value& value, AddForeignKey& key) {
  const auto written = Values(findings).text("references", value);
  if (!written || to_fill_in(*written)) return;
  const auto refuse = [&](const std::string& why) {
    findings.error(value.place, "references: \"" + *written + "\" is not a table and its columns: " + why,
                   "write users(id), or schema.table(first, second)");
  };
  const std::string_view text = trimmed(*written);
  const auto marks = marks_outside_quotes(text);
  if (marks.empty() || text[marks.front()] != '(' || !text.ends_with(')'))
    return refuse("the columns stand in parentheses behind the table");
  const ParsedTable table = parse_table(trimmed(text.substr(0, marks.front())));
  if (!table.why_not.empty()) return refuse(table.why_not);
  key.referenced = table.table;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const std::size_t end = i + 1 < marks.size() ? marks[i + 1] : text.size() - 1;
    Identifier column = parse_identifier(trimmed(text.substr(marks[i] + 1, end - marks[i] - 1)));
    if (!column.why_not.empty()) return refuse(column.why_not);
    key.referenced_columns.push_back(std::move(column.name));
  }
  if (!key.columns.empty() && key.columns.size() != key.referenced_columns.size())
    findings.error(value.place, "references: names not as many columns as refer to them",
                   std::to_string(key.columns.size()) + " refer, " + std::to_string(key.referenced_columns.size()) +
                       " are referred to");
}

KeyAction read_key_action(const Fields& fields, std::string_view key) {
  return static_cast<KeyAction>(fields.choice(key, key_actions).value_or(0));
}

Rule rule_from(Findings& findings, std::string_view kind, const Fields& fields) {
  const TableName table = fields.need_table("table");
  if (kind == "set_not_null") return SetNotNull{table, fields.need_identifier("column")};
  if (kind == "add_check") return AddCheck{table, fields.need_text("check"), fields.identifier("name")};
  std::vector<std::string> columns = read_columns(findings, "columns", fields.need("columns"));
  if (kind == "add_unique")
    return AddUnique{table, std::move(columns), fields.identifier("name"), fields.boolean("index").value_or(false)};
  AddForeignKey key;
  key.table = table;
  key.columns = std::move(columns);
  if (const Value* references = fields.need("references")) read_references(findings, *references, key);
  key.on_delete = read_key_action(fields, "on_delete");
  key.on_update = read_key_action(fields, "on_update");
  key.name = fields.identifier("name");
  return key;
}

std::vector<std::string_view> keys_of(std::string_view kind) {
  if (kind == "set_not_null") return {"table", "column"};
  if (kind == "add_check") return {"table", "check", "name"};
  if (kind == "add_unique") return {"table", "columns", "name", "index"};
  return {"table", "columns", "references", "on_delete", "on_update", "name"};
}

/// The columns that one value can stand for.
std::vector<std::string> mendable(const Rule& rule) {
  if (const auto* strict = std::get_if<SetNotNull>(&rule)) return {strict->column};
  if (const auto* foreign = std::get_if<AddForeignKey>(&rule)) return foreign->columns;
  if (const auto* unique = std::get_if<AddUnique>(&rule)) return unique->columns;
  return {};
}

void read_short_fix(Findings& findings, const Value& value, ChangeTighten& change) {
  const std::vector<std::string> columns = mendable(change.rule);
  const bool strict = std::holds_alternative<SetNotNull>(change.rule);
  if (value.node->kind == Node::Kind::null && !strict && !columns.empty()) {
    for (const std::string& column : columns) change.set.emplace_back(column, "NULL");
  } else if (value.node->kind == Node::Kind::map) {
    change.set = read_expressions(findings, "fix", value);
  } else if (value.node->kind == Node::Kind::scalar && value.node->value == "delete") {
    change.remove = true;
  } else if (std::holds_alternative<AddCheck>(change.rule)) {
    findings.error(value.place, "fix must be delete, or a map of columns to SQL expressions",
                   "which column mends a check cannot be told: fix: { qty: \"1\" }");
  } else if (const auto sql = Values(findings).text("fix", value)) {
    if (columns.size() > 1)
      findings.error(value.place, "fix: one value for several columns: it names its column",
                     "fix: { column: expression }, null or delete");
    else if (!columns.empty())
      change.set.emplace_back(columns.front(), *sql);
  }
}

}  // namespace

Rule read_rule(Findings& findings, std::string_view kind, const Value& arguments) {
  const Fields fields(findings, arguments, std::string(kind), keys_of(kind));
  return rule_from(findings, kind, fields);
}

ChangeTighten read_tightening(Findings& findings, std::string_view kind, const Value& arguments) {
  std::vector<std::string_view> known = keys_of(kind);
  known.push_back("fix");
  const Fields fields(findings, arguments, std::string(kind), known);
  ChangeTighten change{rule_from(findings, kind, fields), {}, false};
  if (const Value* fix = fields.find("fix")) read_short_fix(findings, *fix, change);
  return change;
}

Fix read_fix(Findings& findings, const Value& arguments) {
  constexpr std::array<std::string_view, 9> known = {"table",      "not_null", "check",  "unique", "foreign_key",
                                                     "references", "set",      "delete", "batch"};
  constexpr std::array<std::string_view, 4> rules = {"not_null", "check", "unique", "foreign_key"};
  const Fields fields(findings, arguments, "fix", known);
  Fix fix;
  fix.table = fields.need_table("table");
  if (std::ranges::count_if(rules, [&](std::string_view key) { return fields.find(key) != nullptr; }) != 1 &&
      fields.is_map())
    findings.error(fields.place(), "fix needs one rule that rows break: " + enumerated(rules), {});
  if (const auto column = fields.identifier("not_null")) fix.rule = SetNotNull{fix.table, *column};
  if (const auto check = fields.text("check")) fix.rule = AddCheck{fix.table, *check, {}};
  if (const Value* unique = fields.find("unique"))
    fix.rule = AddUnique{fix.table, read_columns(findings, "unique", unique), {}};
  if (const Value* columns = fields.find("foreign_key")) {
    AddForeignKey key;
    key.table = fix.table;
    key.columns = read_columns(findings, "foreign_key", columns);
    if (const Value* references = fields.need("references")) read_references(findings, *references, key);
    fix.rule = std::move(key);
  } else if (const Value* references = fields.find("references")) {
    findings.error(references->place, "references stands beside foreign_key", {});
  }
  const Value* set = fields.find("set");
  const Value* remove = fields.find("delete");
  if (set != nullptr) fix.set = read_expressions(findings, "set", *set);
  if (remove != nullptr) fix.remove = fields.boolean("delete").value_or(false);
  if (fields.is_map() && (set == nullptr) == (remove == nullptr))
    findings.error(fields.place(), "fix needs set or delete: what becomes of the rows that break the rule",
                   "set: { column: expression }, or delete: true");
  else if (remove != nullptr && !fix.remove)
    findings.error(remove->place, "delete must be true", "or give set: { column: expression }");
  if (const Value* batch = fields.find("batch")) read_batch(findings, *batch, fix.batch);
  return fix;
}

}  // namespace switchback::plan_file
