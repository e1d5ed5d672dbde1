#include "sql_tree.hpp"

#include <pg_query.h>

namespace switchback::plan_file {
namespace {

// libpg_query writes its tree by recursion and overflows an 8 MiB stack at some 65,000 levels; an operator and its
// operand, two bytes, are one level.
constexpr std::size_t longest_sql = std::size_t{64} << 10;

}  // namespace

Parsed parse(const std::string& sql) {
  if (sql.size() > longest_sql) return {"it is longer than 64 KiB", {}};
  PgQueryParseResult result = pg_query_parse(sql.c_str());
  Parsed parsed;
  if (result.error != nullptr)
    parsed.error = result.error->message == nullptr ? "unknown error" : result.error->message;
  else
    parsed.tree = json::parse(result.parse_tree, nullptr, false);
  pg_query_free_parse_result(result);
  if (!parsed.error && !parsed.tree.is_object()) parsed.error = "its tree cannot be read";
  return parsed;
}

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->template get<std::string>() : std::string();
}

const json& list_at(const json& object, const char* key) {
  static const json none = json::array();
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : none;
}

std::string relation_name(const json& statement) {
  const auto relation = statement.find("relation");
  if (relation == statement.end() || !relation->is_object()) return {};
  const std::string schema = text(*relation, "schemaname");
  return (schema.empty() ? "public" : schema) + "." + text(*relation, "relname");
}

std::string joined_name(const json& parts) {
  std::string name;
  for (const json& part : parts)
    if (part.contains("String")) name += (name.empty() ? "" : ".") + text(part["String"], "sval");
  return parts.size() == 1 ? "public." + name : name;
}

}  // namespace switchback::plan_file
