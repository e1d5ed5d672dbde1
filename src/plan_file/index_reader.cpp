#include "index_reader.hpp"

#include <algorithm>
#include <array>

#include "sql_look.hpp"
#include "switchback/core/step_sql.hpp"

namespace switchback::plan_file {
namespace {

/// `{ column: name, collate: "C", opclass: text_pattern_ops, order: desc, nulls: last }`
void read_key_in_full(const Source& source, const Value& item, CreateIndex& step) {
  constexpr std::array<std::string_view, 5> known = {"column", "collate", "opclass", "order", "nulls"};
  constexpr std::array<std::string_view, 2> orders = {"asc", "desc"};
  constexpr std::array<std::string_view, 2> nulls = {"first", "last"};
  const Fields fields(source.findings, item, "columns", known);
  const Value* column = fields.need("column");
  const auto name = column ? read_index_key(source.findings, "column", *column) : std::nullopt;
  if (!name) return;
  IndexKey key;
  key.key = *name;
  key.collation = fields.text("collate");
  key.opclass = fields.text("opclass");
  key.descending = fields.choice("order", orders) == 1U;
  if (const auto word = fields.choice("nulls", nulls)) key.nulls_first = *word == 0;
  step.columns.push_back(*name);
  if (key.collation || key.opclass || key.descending || key.nulls_first) step.keys.push_back(std::move(key));
}

void read_columns(const Source& source, const Value& list, CreateIndex& step) {
  for (const Value& item : Values(source.findings).list("columns", list)) {
    if (item.node->kind == Node::Kind::map)
      read_key_in_full(source, item, step);
    else if (auto column = read_index_key(source.findings, "columns", item))
      step.columns.push_back(std::move(*column));
  }
}

void check_constraint(const Source& source, const Fields& fields, const CreateIndex& step) {
  if (step.constraint && (!step.unique || step.where))
    source.findings.error(fields.find("constraint")->place,
                          "create_index: a unique constraint is made of a unique index over all rows",
                          "give unique: true, and no where");
  if (step.nulls_not_distinct && !step.unique)
    source.findings.error(fields.find("nulls_not_distinct")->place,
                          "create_index: nulls_not_distinct is of a unique index: two NULLs are twins then",
                          "give unique: true, or leave it out");
}

/// What users wrote stands in the middle of a statement: together they must be just that statement.
void check_statement(const Source& source, const Fields& fields, const CreateIndex& step) {
  if (step.definition || step.columns.empty() || (step.keys.empty() && step.with.empty())) return;
  if (const auto why = why_not_one(create_index_sql(step, {"public", "t"}, "i"), "IndexStmt"))
    source.findings.error(fields.place(), "this is not one CREATE INDEX: " + *why,
                          "collate and opclass are names, with a schema where needed");
}

}  // namespace

std::optional<std::string> read_index_key(Findings& findings, std::string_view key, const Value& value) {
  const Values values(findings);
  const bool expression = value.node->kind == Node::Kind::scalar && value.node->value.starts_with('(');
  auto read = expression ? values.text(key, value) : values.identifier(key, value);
  if (expression && read && !read->ends_with(')'))
    findings.error(value.place, std::string(key) + ": an expression stands in parentheses as a whole",
                   "\"(lower(name))\"");
  return read;
}

ColumnExpressions read_storage_parameters(Findings& findings, std::string_view key, const Value& map, bool reset) {
  ColumnExpressions parameters;
  if (map.node->kind != Node::Kind::map || map.node->entries.empty()) {
    findings.error(map.place, std::string(key) + " must be a map of storage parameters to values",
                   std::string(key) + ": { fillfactor: 70 }");
    return parameters;
  }
  const Values values(findings);
  for (const auto& [name, value] : free_entries(findings, *map.node)) {
    if (name.node->value.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.0123456789") != std::string::npos) {
      findings.error(name.place, std::string(key) + ": " + name.node->value + " is no storage parameter",
                     "they are written as in SQL: fillfactor, autovacuum_enabled, toast.autovacuum_enabled");
      continue;
    }
    if (reset && value.node->kind == Node::Kind::null)
      parameters.emplace_back(name.node->value, "");
    else if (auto text = values.text(name.node->value, value))
      parameters.emplace_back(name.node->value, std::move(*text));
  }
  return parameters;
}

Action read_create_index(const Source& source) {
  constexpr std::array<std::string_view, 11> known = {
      "table", "columns",           "where", "unique", "method", "name", "include", "definition", "constraint",
      "with",  "nulls_not_distinct"};
  const Fields fields(source.findings, source.arguments, "create_index", known);
  CreateIndex step;
  step.table = fields.need_table("table");
  step.definition = fields.text("definition");
  const Value* columns = step.definition ? fields.find("columns") : fields.need("columns");
  if (columns != nullptr) read_columns(source, *columns, step);
  step.where = fields.text("where");
  step.unique = fields.boolean("unique").value_or(false);
  if (step.definition) {
    const auto unique = makes_unique_index(*step.definition);
    if (!unique)
      source.findings.error(fields.find("definition")->place, "definition: is not one CREATE INDEX",
                            "give table and columns, and leave definition out");
    step.unique = step.unique || unique.value_or(false);
  }
  step.method = fields.identifier("method").value_or("btree");
  step.name = fields.identifier("name");
  step.constraint = fields.boolean("constraint").value_or(false);
  step.nulls_not_distinct = fields.boolean("nulls_not_distinct").value_or(false);
  if (const Value* with = fields.find("with"))
    step.with = read_storage_parameters(source.findings, "with", *with, false);
  if (const Value* include = fields.find("include")) {
    const Values values(source.findings);
    for (const Value& item : values.list("include", *include))
      if (auto column = values.identifier("include", item)) step.include.push_back(std::move(*column));
  }
  check_constraint(source, fields, step);
  check_statement(source, fields, step);
  return step;
}

}  // namespace switchback::plan_file
