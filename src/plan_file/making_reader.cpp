#include "making_reader.hpp"

#include <array>

#include "sql_look.hpp"
#include "step_reader.hpp"
#include "switchback/core/making_sql.hpp"

namespace switchback::plan_file {
namespace {

std::vector<std::string> read_texts(Findings& findings, std::string_view key, const Value& list) {
  const Values values(findings);
  std::vector<std::string> texts;
  for (const Value& item : values.list(key, list))
    if (auto text = values.text(key, item)) texts.push_back(std::move(*text));
  return texts;
}

/// Names of the view's columns, each with the table's.
std::vector<std::pair<std::string, std::string>> read_shown(Findings& findings, const Value& map) {
  std::vector<std::pair<std::string, std::string>> columns;
  if (map.node->kind != Node::Kind::map || map.node->entries.empty()) {
    findings.error(map.place, "columns must be a map of the view's columns to the table's",
                   "write `columns: { amount: amount_new }`, or leave it out");
    return columns;
  }
  const Values values(findings);
  for (const auto& [name, column] : free_entries(findings, *map.node)) {
    auto view = values.identifier("columns", name);
    auto table = values.identifier("columns", column);
    if (view && table) columns.emplace_back(std::move(*view), std::move(*table));
  }
  return columns;
}

/// What users wrote stands in the middle of a statement: together they must be just that statement.
void check_statement(const Source& source, const Fields& fields, const std::string& sql, std::string_view node,
                     std::string_view words) {
  const auto why = why_not_one(sql, node);
  if (why)
    source.findings.error(fields.place(), "this is not one " + std::string(words) + ": " + *why,
                          "what PostgreSQL 15's grammar does not know can be made by `sql`, with an undo");
}

}  // namespace

Action read_create_table(const Source& source) {
  constexpr std::array<std::string_view, 8> known = {"name", "columns",   "primary_key",  "constraints",
                                                     "like", "rights_of", "partition_by", "partitions"};
  const Fields fields(source.findings, source.arguments, "create_table", known);
  CreateTable step;
  step.name = fields.need_table("name");
  if (fields.find("like") != nullptr) step.like = fields.need_table("like");
  if (fields.find("rights_of") != nullptr) step.rights_of = fields.need_table("rights_of");
  if (step.like && step.rights_of)
    source.findings.error(fields.find("rights_of")->place, "create_table: like brings the rights along",
                          "give like or rights_of");
  if (const Value* columns = step.like ? fields.find("columns") : fields.need("columns"))
    step.columns = read_expressions(source.findings, "columns", *columns);
  if (const Value* key = fields.find("primary_key"))
    step.primary_key = read_names(source.findings, "primary_key", *key);
  if (const Value* constraints = fields.find("constraints"))
    step.constraints = read_texts(source.findings, "constraints", *constraints);
  step.partition_by = fields.text("partition_by");
  if (const Value* partitions = fields.find("partitions")) {
    step.partitions = read_expressions(source.findings, "partitions", *partitions);
    if (!step.partition_by)
      source.findings.error(partitions->place, "create_table: only a partitioned table has partitions",
                            "partition_by: RANGE (placed_at)");
  }
  if (!step.name.name.empty() && (!step.columns.empty() || step.like))
    for (const std::string& sql : create_table_sql(step).sql)
      check_statement(source, fields, sql, "CreateStmt", "CREATE TABLE");
  return step;
}

Action read_create_enum(const Source& source) {
  constexpr std::array<std::string_view, 2> known = {"name", "values"};
  const Fields fields(source.findings, source.arguments, "create_enum", known);
  CreateEnum step;
  step.name = fields.need_table("name");
  if (const Value* values = fields.need("values")) step.values = read_texts(source.findings, "values", *values);
  return step;
}

Action read_add_enum_value(const Source& source) {
  constexpr std::array<std::string_view, 4> known = {"type", "value", "before", "after"};
  const Fields fields(source.findings, source.arguments, "add_enum_value", known);
  AddEnumValue step;
  step.type = fields.need_table("type");
  step.value = fields.need_text("value");
  step.before = fields.text("before");
  step.after = fields.text("after");
  if (fields.find("before") != nullptr && fields.find("after") != nullptr)
    source.findings.error(fields.find("after")->place, "add_enum_value: before and after exclude one another",
                          "keep one of the two");
  return step;
}

Action read_create_view(const Source& source) {
  constexpr std::array<std::string_view, 5> known = {"name", "query", "like", "columns", "without"};
  const Fields fields(source.findings, source.arguments, "create_view", known);
  CreateView step;
  step.name = fields.need_table("name");
  if (fields.find("like") != nullptr) {
    step.like = fields.need_table("like");
    if (const Value* query = fields.find("query"))
      source.findings.error(query->place, "create_view: query and like exclude one another", "keep one of the two");
    if (const Value* columns = fields.find("columns")) step.columns = read_shown(source.findings, *columns);
    if (const Value* without = fields.find("without")) step.without = read_names(source.findings, "without", *without);
    return step;
  }
  for (const char* key : {"columns", "without"})
    if (const Value* value = fields.find(key))
      source.findings.error(value->place, "create_view: " + std::string(key) + " goes with like",
                            "a query names its columns itself");
  step.query = fields.need_text("query");
  if (!step.name.name.empty() && !step.query.empty())
    check_statement(source, fields, create_view_sql(step).sql.front(), "ViewStmt", "CREATE VIEW");
  return step;
}

Action read_set_comment(const Source& source) {
  constexpr std::array<std::string_view, 7> known = {"table", "column", "constraint", "view",
                                                     "index", "type",   "comment"};
  const Fields fields(source.findings, source.arguments, "set_comment", known);
  SetComment step;
  step.comment = fields.need_text("comment");
  int given = 0;
  for (const auto& [key, what] : {std::pair{"table", Commented::table}, std::pair{"view", Commented::view},
                                  std::pair{"index", Commented::index}, std::pair{"type", Commented::type}}) {
    if (fields.find(key) == nullptr) continue;
    ++given;
    step.what = what;
    step.name = fields.need_table(key);
  }
  if (fields.is_map() && given != 1)
    source.findings.error(fields.place(), "set_comment: say on what, once", "table, view, index or type");
  const bool column = fields.find("column") != nullptr;
  const bool constraint = fields.find("constraint") != nullptr;
  if (!column && !constraint) return step;
  if (fields.find("table") == nullptr || (column && constraint))
    source.findings.error(fields.place(), "set_comment: a column or a constraint is one of a table",
                          "give table, and one of column and constraint");
  step.what = column ? Commented::column : Commented::constraint;
  step.part = fields.need_identifier(column ? "column" : "constraint");
  return step;
}

}  // namespace switchback::plan_file
