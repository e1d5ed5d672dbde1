#include "switchback/core/restore_sql.hpp"

#include <algorithm>

#include "switchback/core/archive_sql.hpp"
#include "sync_text.hpp"

namespace switchback {
namespace {

constexpr std::string_view archived_alias = "\"~archived\"";

std::string suffix(const TakenTable& table) {
  return std::to_string(table.plan_id) + "_" + std::to_string(table.oid);
}
std::string archived_function(const TakenTable& table) {
  return quoted({"switchback", "archived_" + suffix(table)});
}
std::string born_function(const TakenTable& table) {
  return quoted({"switchback", "born_" + suffix(table)});
}
// They have to sort around "~switchback_i".
std::string born_trigger(const TakenTable& table) {
  return quote_identifier("~switchback_born_" + std::to_string(table.plan_id));
}
std::string unborn_trigger(const TakenTable& table) {
  return quote_identifier("~switchback_j_" + std::to_string(table.plan_id));
}

std::string row_column(std::string_view column) {
  return quote_identifier(row_alias) + "." + quote_identifier(column);
}

std::string call(const TakenTable& table) {
  std::vector<std::string> arguments;
  for (const std::string& column : table.key.columns) arguments.push_back(row_column(column));
  for (const SyncColumn& column : table.new_side) arguments.push_back(row_column(column.name));
  return archived_function(table) + "(" + joined(arguments, ", ", "") + ")";
}

std::string cast(const std::string& value, const std::string& type) {
  return "CAST((" + value + ") AS " + assignable_type(type) + ")";
}

std::string if_unchanged(const TakenTable& table, const std::string& value, const std::string& otherwise) {
  const std::string alias(archived_alias);
  return "(SELECT CASE WHEN " + std::string(archived_unchanged) + " THEN " + value + " ELSE " + otherwise +
         " END FROM " + call(table) + " AS " + alias + ")";
}

ResolvedExpression reading(const TakenTable& table, std::string sql, const std::string& own, const std::string& type) {
  ResolvedExpression expression{.sql = std::move(sql), .columns = {own}, .type = type, .calls = {}};
  for (const std::string& column : table.key.columns) expression.columns.push_back(column);
  for (const SyncColumn& column : table.new_side) expression.columns.push_back(column.name);
  return expression;
}

const ResolvedExpression* reverse_of(const std::optional<SyncPlan>& sync, std::string_view column) {
  if (!sync) return nullptr;
  for (const auto& [name, expression] : sync->reverse)
    if (name == column) return &expression;
  return nullptr;
}

/// What a restored column is filled with. Without a reverse nothing written to the new side changes it any more, so
/// once the row is filled it keeps its own value.
ResolvedExpression restored_value(const TakenTable& table, std::size_t index, const std::optional<SyncPlan>& sync,
                                  const std::string& marker, bool archived) {
  const TakenColumn& column = table.columns[index];
  const std::string value = cast(std::string(archived_alias) + ".v" + std::to_string(index), column.type);
  if (const ResolvedExpression* reverse = reverse_of(sync, column.name)) {
    if (!archived) return *reverse;
    ResolvedExpression expression =
        reading(table, if_unchanged(table, value, cast(reverse->sql, column.type)), column.name, column.type);
    expression.calls = reverse->calls;
    return expression;
  }
  return reading(table,
                 "CASE WHEN " + row_column(marker) + " IS NULL THEN (SELECT " + value + " FROM " + call(table) +
                     " AS " + std::string(archived_alias) + ") ELSE " + row_column(column.name) + " END",
                 column.name, column.type);
}

/// A column of the old side that the plan leaves in place: nothing kept it right while sync was gone.
ResolvedExpression left_value(const TakenTable& table, const SyncColumn& column, const std::optional<SyncPlan>& sync,
                              bool archived) {
  const ResolvedExpression* reverse = reverse_of(sync, column.name);
  const std::string own = row_column(column.name);
  if (!reverse || !archived) return reading(table, own, column.name, column.type);
  return reading(table, if_unchanged(table, own, cast(reverse->sql, column.type)), column.name, column.type);
}

SyncColumn restored_column(const TakenColumn& column) {
  return {.name = column.name,
          .type = column.type,
          .not_null = false,  // set again once every row is filled
          .default_value = column.default_value,
          .bitwise_equality = column.bitwise_equality,
          .default_volatile = column.default_volatile};
}

std::string born_value(const TakenColumn& column) {
  return "CAST((" + column.born_since.value_or(column.default_value.value_or("NULL")) + ") AS " +
         assignable_type(column.type) + ")";
}

}  // namespace

SyncPlan restoring_side(const TakenTable& table, const std::optional<SyncPlan>& sync, bool archived) {
  SyncPlan out;
  out.plan = table.plan;
  out.marker = marker_name(table.plan);
  const auto taken = [&](std::string_view name) {
    return std::ranges::any_of(table.columns, [&](const TakenColumn& column) { return column.name == name; });
  };
  if (!table.new_side.empty() && sync) {
    out.old_side = sync->new_side;
    out.reverse = sync->forward;
    for (const SyncColumn& column : sync->old_side) {
      if (taken(column.name)) continue;
      out.new_side.push_back(column);
      out.forward.emplace_back(column.name, left_value(table, column, sync, archived));
    }
  } else {
    // Without an heir nothing is converted: the key stands in as the side that every row has.
    for (std::size_t i = 0; i < table.key.columns.size(); ++i)
      out.old_side.push_back({.name = table.key.columns[i],
                              .type = table.key.types[i],
                              .not_null = true,
                              .default_value = std::nullopt,
                              .bitwise_equality = false});
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    out.new_side.push_back(restored_column(table.columns[i]));
    out.forward.emplace_back(table.columns[i].name, restored_value(table, i, sync, out.marker, archived));
  }
  std::swap(out.forward_failed, out.reverse_failed);
  return out;
}

std::string restore_function_sql(const TakenTable& table, bool archived) {
  std::vector<std::string> parameters;
  std::vector<std::string> new_values;
  std::vector<std::string> same_key;
  for (std::size_t i = 0; i < table.key.types.size(); ++i) {
    parameters.push_back("p" + std::to_string(i) + " " + table.key.types[i]);
    same_key.push_back("a.k" + std::to_string(i) + key_operator(table, i, "=") + "p" + std::to_string(i));
  }
  for (std::size_t i = 0; i < table.new_side.size(); ++i) {
    new_values.push_back("q" + std::to_string(i));
    parameters.push_back(new_values.back() + " " + table.new_side[i].type);
  }
  parameters.emplace_back("OUT is_there boolean");
  parameters.emplace_back("OUT unchanged boolean");
  std::string selected;
  std::string taken;
  std::string born;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string value = "v" + std::to_string(i);
    parameters.push_back("OUT " + value + " " +
                         (table.columns[i].value_type.empty() ? table.columns[i].type : table.columns[i].value_type));
    selected += ", a." + value;
    taken += "    " + value + " := one." + value + ";\n";
    born += "    " + value + " := " + born_value(table.columns[i]) + ";\n";
  }
  // Into a record: a variable of a composite type may not stand in a list.
  const std::string lookup =
      "  IF coalesce(pg_catalog.current_setting('switchback.born', true), '') <> 'on' THEN\n    SELECT true AS "
      "is_there, "
      "a.new_hash = " +
      side_hash_sql(joined(new_values, ", ", "")) + " AS unchanged" + selected + " INTO one FROM " +
      archive_name(table) + " AS a WHERE " + joined(same_key, " AND ", "true") +
      " AND NOT a.gone;\n    is_there := one.is_there;\n    unchanged := one.unchanged;\n" + taken + "  END IF;\n";
  const std::string body = std::string(archived ? "\nDECLARE\n  one record;" : "") + "\nBEGIN\n" +
                           (archived ? lookup : "") +
                           "  is_there := coalesce(is_there, false);\n  unchanged := coalesce(unchanged, false);\n"
                           "  IF NOT is_there THEN\n" +
                           born + "  END IF;\nEND ";
  const std::string name = archived_function(table);
  std::string sql = "CREATE OR REPLACE FUNCTION " + name + "(" + joined(parameters, ", ", "") +
                    ") LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp " + format_settings("SET") + " AS " +
                    dollar_quote(body) + ";\nREVOKE ALL ON FUNCTION " + name + " FROM PUBLIC;\n";
  sql += "CREATE OR REPLACE FUNCTION " + born_function(table) + "() RETURNS trigger LANGUAGE plpgsql AS " +
         dollar_quote(
             "\nBEGIN\n  PERFORM pg_catalog.set_config('switchback.born', TG_ARGV[0], true);\n  RETURN NEW;\nEND ") +
         ";\n";
  for (const auto& [trigger, value] : {std::pair{born_trigger(table), "on"}, std::pair{unborn_trigger(table), ""}})
    sql += "DROP TRIGGER IF EXISTS " + trigger + " ON " + quoted(table.name) + ";\nCREATE TRIGGER " + trigger +
           " BEFORE INSERT ON " + quoted(table.name) + " FOR EACH ROW EXECUTE FUNCTION " + born_function(table) + "(" +
           quote_literal(value) + ");\nALTER TABLE " + quoted(table.name) + " ENABLE ALWAYS TRIGGER " + trigger + ";\n";
  return sql;
}

std::string restore_function_drop_sql(const TakenTable& table) {
  // By name alone: there is one of it.
  return "DROP TRIGGER IF EXISTS " + born_trigger(table) + " ON " + quoted(table.name) + ";\nDROP TRIGGER IF EXISTS " +
         unborn_trigger(table) + " ON " + quoted(table.name) + ";\nDROP FUNCTION IF EXISTS " + born_function(table) +
         "();\nDROP FUNCTION IF EXISTS " + archived_function(table) + ";\n";
}

}  // namespace switchback
