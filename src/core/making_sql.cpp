#include "switchback/core/making_sql.hpp"

#include <algorithm>

namespace switchback {
namespace {

constexpr const char* catalog_alone = "milliseconds: the catalog alone changes";

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(between)) + part;
  return text;
}

/// As COMMENT ON names it.
std::string comment_target(const SetComment& step) {
  switch (step.what) {
    case Commented::table:
      return "TABLE " + quoted(step.name);
    case Commented::column:
      return "COLUMN " + quoted(step.name) + "." + quote_identifier(step.part);
    case Commented::constraint:
      return "CONSTRAINT " + quote_identifier(step.part) + " ON " + quoted(step.name);
    case Commented::view:
      return "VIEW " + quoted(step.name);
    case Commented::index:
      return "INDEX " + quoted(step.name);
    case Commented::type:
      return "TYPE " + quoted(step.name);
  }
  return "";
}

}  // namespace

StepSql create_table_sql(const CreateTable& step) {
  StepSql out;
  out.step = describe(step);
  std::vector<std::string> lines;
  // Indexes come later, concurrently, and constraints that are indexes by themselves: a partitioned table has others.
  if (step.like) lines.push_back("LIKE " + quoted(*step.like) + " INCLUDING ALL EXCLUDING INDEXES");
  for (const auto& [name, definition] : step.columns) lines.push_back(quote_identifier(name) + " " + definition);
  std::vector<std::string> key;
  for (const std::string& column : step.primary_key) key.push_back(quote_identifier(column));
  if (!key.empty()) lines.push_back("PRIMARY KEY (" + joined(key, ", ") + ")");
  lines.insert(lines.end(), step.constraints.begin(), step.constraints.end());
  out.sql.push_back("CREATE TABLE " + quoted(step.name) + " (" + joined(lines, ", ") + ")" +
                    (step.partition_by ? " PARTITION BY " + *step.partition_by : ""));
  for (const auto& [name, bounds] : step.partitions)
    out.sql.push_back("CREATE TABLE " + quoted({step.name.schema, name}) + " PARTITION OF " + quoted(step.name) + " " +
                      bounds);
  out.undo.push_back("DROP TABLE IF EXISTS " + quoted(step.name) + " RESTRICT");
  out.lock = "none on another table; SHARE ROW EXCLUSIVE on those that a foreign key refers to";
  out.held = "milliseconds: it is empty";
  out.after = Safety::unsafe;
  return out;
}

StepSql create_enum_sql(const CreateEnum& step) {
  StepSql out;
  out.step = describe(step);
  std::vector<std::string> values;
  for (const std::string& value : step.values) values.push_back(quote_literal(value));
  out.sql.push_back("CREATE TYPE " + quoted(step.name) + " AS ENUM (" + joined(values, ", ") + ")");
  out.undo.push_back("DROP TYPE IF EXISTS " + quoted(step.name) + " RESTRICT");
  out.lock = "none on a table";
  out.held = catalog_alone;
  return out;
}

StepSql add_enum_value_sql(const AddEnumValue& step) {
  StepSql out;
  out.step = describe(step);
  std::string place;
  if (step.before) place = " BEFORE " + quote_literal(*step.before);
  if (step.after) place = " AFTER " + quote_literal(*step.after);
  out.sql.push_back("ALTER TYPE " + quoted(step.type) + " ADD VALUE IF NOT EXISTS " + quote_literal(step.value) +
                    place);
  out.no_undo = "PostgreSQL cannot take a value of an enum away: it stays, and images may go on writing it";
  out.lock = "none on a table";
  out.held = catalog_alone;
  return out;
}

std::vector<std::pair<std::string, std::string>> shown_columns(const CreateView& step,
                                                               const std::vector<std::string>& columns) {
  using Pair = std::pair<std::string, std::string>;
  std::vector<Pair> out;
  for (const std::string& column : columns) {
    const auto in_its_place = std::ranges::find(step.columns, column, &Pair::first);
    const auto elsewhere = std::ranges::find(step.columns, column, &Pair::second);
    if (in_its_place != step.columns.end())
      out.push_back(*in_its_place);
    else if (elsewhere == step.columns.end() && std::ranges::find(step.without, column) == step.without.end())
      out.emplace_back(column, column);
    else if (elsewhere != step.columns.end() && std::ranges::find(columns, elsewhere->first) == columns.end())
      out.push_back(*elsewhere);
  }
  return out;
}

std::vector<std::string> named_columns(const CreateView& step) {
  std::vector<std::string> names = step.without;
  for (const auto& [name, column] : step.columns) names.push_back(column);
  return names;
}

bool makes_view(const Plan& plan, const TableName& view) {
  return std::ranges::any_of(plan.expand, [&](const Step& step) {
    const auto* made = std::get_if<CreateView>(&step.action);
    return made != nullptr && made->name == view;
  });
}

std::string with_column(std::string sql, std::string_view column) {
  const auto at = sql.find('\1');
  return at == std::string::npos ? sql : sql.replace(at, 1, column);
}

namespace {

std::string like_query(const CreateView& step, const ShownTable* table) {
  std::string columns;
  for (const auto& [name, column] : table == nullptr ? decltype(ShownTable::columns){} : table->columns)
    columns += (columns.empty() ? "" : ", ") + quote_identifier(column) +
               (name == column ? "" : " AS " + quote_identifier(name));
  if (columns.empty()) columns = "(its columns)";
  return "SELECT " + columns + " FROM " + quoted(*step.like);
}

}  // namespace

StepSql create_view_sql(const CreateView& step, const ShownTable* table) {
  StepSql out;
  out.step = describe(step);
  if (step.like) {
    const bool invoker = table == nullptr || table->invoker;
    out.sql.push_back("CREATE VIEW " + quoted(step.name) + (invoker ? " WITH (security_invoker = true)" : "") + " AS " +
                      like_query(step, table));
    if (table != nullptr) out.sql.insert(out.sql.end(), table->rights.begin(), table->rights.end());
  } else {
    out.sql.push_back("CREATE VIEW " + quoted(step.name) + " AS " + step.query);
  }
  out.undo.push_back("DROP VIEW IF EXISTS " + quoted(step.name) + " RESTRICT");
  out.lock = "ACCESS SHARE on what it reads";
  out.held = catalog_alone;
  return out;
}

StepSql set_comment_sql(const SetComment& step, const std::optional<std::string>& was) {
  StepSql out;
  out.step = describe(step);
  const std::string target = "COMMENT ON " + comment_target(step) + " IS ";
  out.sql.push_back(target + quote_literal(step.comment));
  out.undo.push_back(target + (was ? quote_literal(*was) : "NULL"));
  const bool on_type = step.what == Commented::type;
  out.lock = on_type ? "none on a table" : "SHARE UPDATE EXCLUSIVE";
  out.held = catalog_alone;
  return out;
}

std::string comment_query(const SetComment& step) {
  const std::string name = quote_literal(quoted(step.name));
  const std::string relation = "pg_catalog.to_regclass(" + name + ")";
  const std::string part = quote_literal(step.part);
  switch (step.what) {
    case Commented::column:
      return "SELECT pg_catalog.col_description(a.attrelid, a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid "
             "= " +
             relation + " AND a.attname = " + part + " AND NOT a.attisdropped";
    case Commented::constraint:
      return "SELECT pg_catalog.obj_description(k.oid, 'pg_constraint') FROM pg_catalog.pg_constraint k WHERE "
             "k.conrelid = " +
             relation + " AND k.conname = " + part;
    case Commented::type:
      return "SELECT pg_catalog.obj_description(t.oid, 'pg_type') FROM pg_catalog.pg_type t WHERE t.oid = "
             "pg_catalog.to_regtype(" +
             name + ")";
    case Commented::table:
    case Commented::view:
    case Commented::index:
      return "SELECT pg_catalog.obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c WHERE c.oid = " +
             relation;
  }
  return "";
}

}  // namespace switchback
