#include "switchback/core/sql.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>

namespace switchback {
namespace {

// The key words that cannot be a column or table name without quotes ("reserved" and "reserved, can be function or
// type" in appendix C of the PostgreSQL documentation). For display only: SQL is always written with quotes.
constexpr std::array reserved_words = {"all",
                                       "analyse",
                                       "analyze",
                                       "and",
                                       "any",
                                       "array",
                                       "as",
                                       "asc",
                                       "asymmetric",
                                       "authorization",
                                       "binary",
                                       "both",
                                       "case",
                                       "cast",
                                       "check",
                                       "collate",
                                       "collation",
                                       "column",
                                       "concurrently",
                                       "constraint",
                                       "create",
                                       "cross",
                                       "current_catalog",
                                       "current_date",
                                       "current_role",
                                       "current_schema",
                                       "current_time",
                                       "current_timestamp",
                                       "current_user",
                                       "default",
                                       "deferrable",
                                       "desc",
                                       "distinct",
                                       "do",
                                       "else",
                                       "end",
                                       "except",
                                       "false",
                                       "fetch",
                                       "for",
                                       "foreign",
                                       "freeze",
                                       "from",
                                       "full",
                                       "grant",
                                       "group",
                                       "having",
                                       "ilike",
                                       "in",
                                       "initially",
                                       "inner",
                                       "intersect",
                                       "into",
                                       "is",
                                       "isnull",
                                       "join",
                                       "lateral",
                                       "leading",
                                       "left",
                                       "like",
                                       "limit",
                                       "localtime",
                                       "localtimestamp",
                                       "natural",
                                       "not",
                                       "notnull",
                                       "null",
                                       "offset",
                                       "on",
                                       "only",
                                       "or",
                                       "order",
                                       "outer",
                                       "overlaps",
                                       "placing",
                                       "primary",
                                       "references",
                                       "returning",
                                       "right",
                                       "select",
                                       "session_user",
                                       "similar",
                                       "some",
                                       "symmetric",
                                       "system_user",
                                       "table",
                                       "tablesample",
                                       "then",
                                       "to",
                                       "trailing",
                                       "true",
                                       "union",
                                       "unique",
                                       "user",
                                       "using",
                                       "variadic",
                                       "verbose",
                                       "when",
                                       "where",
                                       "window",
                                       "with"};

std::string enclose(std::string_view text, char quote, bool double_backslashes) {
  std::string result(1, quote);
  for (const char character : text) {
    if (character == quote || (double_backslashes && character == '\\')) result += character;
    result += character;
  }
  result += quote;
  return result;
}

bool plain(std::string_view identifier) {
  const auto lower = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (identifier.empty() || !lower(identifier.front())) return false;
  if (!std::ranges::all_of(identifier, [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '$'; }))
    return false;
  return std::ranges::find(reserved_words, identifier) == reserved_words.end();
}

// FNV-1a: small, and the same on every machine and in every version, which names in a database have to be.
std::uint32_t name_hash(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char character : text) {
    hash ^= static_cast<unsigned char>(character);
    hash *= 16777619U;
  }
  return hash;
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  return enclose(name, '"', false);
}

std::string own(std::string_view statement) {
  std::size_t end = std::min(statement.find_first_not_of(" \t\n"), statement.size());
  while (end < statement.size() && std::isalpha(static_cast<unsigned char>(statement[end])) != 0) ++end;
  const std::string_view rest = statement.substr(end);
  return std::string(statement.substr(0, end)) + " " + std::string(own_mark) +
         std::string(rest.starts_with(' ') ? rest.substr(1) : rest);
}

std::string quote_literal(std::string_view text) {
  const bool backslash = text.find('\\') != std::string_view::npos;
  return (backslash ? "E" : "") + enclose(text, '\'', backslash);
}

std::string dollar_quote(std::string_view body) {
  std::string tag = "$switchback$";
  // Searched with the closing tag behind it: a body that ends in the beginning of the tag would close too early.
  for (int number = 1; (std::string(body) + tag).find(tag) != body.size(); ++number)
    tag = "$switchback" + std::to_string(number) + "$";
  return tag + std::string(body) + tag;
}

std::string quoted(const TableName& table) {
  return quote_identifier(table.schema) + "." + quote_identifier(table.name);
}

std::string shown(const TableName& table) {
  return table.schema == "public" ? shown(table.name) : shown(table.schema) + "." + shown(table.name);
}

std::string shown(std::string_view identifier) {
  return plain(identifier) ? std::string(identifier) : quote_identifier(identifier);
}

std::string fit_name(std::string_view name) {
  constexpr std::size_t longest = 63;  // NAMEDATALEN - 1
  if (name.size() <= longest) return std::string(name);
  std::array<char, 10> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "_%08x", static_cast<unsigned>(name_hash(name)));
  std::size_t keep = longest - 9;
  while (keep > 0 && (static_cast<unsigned char>(name[keep]) & 0xC0U) == 0x80U) --keep;
  return std::string(name.substr(0, keep)) + suffix.data();
}

}  // namespace switchback
