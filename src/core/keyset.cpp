#include "switchback/core/keyset.hpp"

namespace switchback {
namespace {

std::string column(const KeyFacts& key, std::string_view row, std::size_t i) {
  return std::string(row) + "." + quote_identifier(key.columns[i]);
}

template <class Item>
std::string listed(std::size_t count, Item item) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i ? ", " : "") + item(i);
  return out;
}

}  // namespace

std::string key_columns(const KeyFacts& key, std::string_view row) {
  return listed(key.columns.size(), [&](std::size_t i) { return column(key, row, i); });
}

std::string key_compare(const KeyFacts& key, std::string_view row, std::string_view op,
                        const std::optional<KeyValue>& value) {
  if (!value) return "true";
  const std::string values =
      listed(key.columns.size(), [&](std::size_t i) { return quote_literal(value->at(i)) + "::" + key.types[i]; });
  // One column is compared by itself: a row comparison would hide it from some index plans of older servers.
  const bool one = key.columns.size() == 1;
  return (one ? "" : "(") + key_columns(key, row) + (one ? " " : ") ") + std::string(op) + (one ? " " : " (") + values +
         (one ? "" : ")");
}

std::string key_object(const KeyFacts& key, std::string_view row) {
  return "pg_catalog.jsonb_build_object(" +
         listed(key.columns.size(),
                [&](std::size_t i) { return quote_literal(key.columns[i]) + ", " + column(key, row, i); }) +
         ")";
}

std::string key_is(const KeyFacts& key, std::string_view row, std::string_view object) {
  std::string sql;
  for (std::size_t i = 0; i < key.columns.size(); ++i)
    sql += (i ? " AND " : "") + column(key, row, i) + " = (" + std::string(object) + "->>" +
           quote_literal(key.columns[i]) + ")::" + key.types[i];
  return sql;
}

std::string key_bound_sql(const KeyFacts& key, const TableName& leaf, const std::optional<KeyValue>& after, long rows) {
  return "SELECT " +
         listed(key.columns.size(), [&](std::size_t i) { return column(key, "t", i) + "::pg_catalog.text"; }) +
         " FROM ONLY " + quoted(leaf) + " AS t WHERE " + key_compare(key, "t", ">", after) + " ORDER BY " +
         key_columns(key, "t") + " OFFSET " + std::to_string(rows - 1) + " LIMIT 1";
}

}  // namespace switchback
