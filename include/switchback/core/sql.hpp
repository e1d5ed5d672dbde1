/// Quoting by the server's own rules, and names of things in a database.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace switchback {

/// `"name"`, inner quotes doubled. Always quoted, so that no list of key words has to be kept; the server reads it as
/// exactly this name (documentation, "Identifiers and Key Words").
std::string quote_identifier(std::string_view name);

/// `'text'` with quotes doubled; with a backslash inside it becomes `E'…'` with those doubled too, which reads the
/// same under either setting of standard_conforming_strings (as the server's quote_literal does).
std::string quote_literal(std::string_view text);

/// A dollar-quoted body with a tag that does not occur in it.
std::string dollar_quote(std::string_view body);

/// A name with its schema; also used for indexes, which live in schemas as tables do.
struct TableName {
  std::string schema = "public";
  std::string name;
  auto operator<=>(const TableName&) const = default;
};

/// `"schema"."name"`.
std::string quoted(const TableName& table);
/// For people: `users`, `sales."Order Items"`; public is left out, quotes only where needed.
std::string shown(const TableName& table);
/// One identifier for people, quoted only where SQL would need it.
std::string shown(std::string_view identifier);

/// Marks every statement that switchback itself runs on users' tables: pg_stat_statements keeps it, and usage evidence
/// leaves these statements out.
inline constexpr std::string_view own_mark = "/* switchback */ ";
/// The statement with the mark behind its first word: what leads a statement is not kept by PostgreSQL 18.
std::string own(std::string_view statement);

/// A name of at most 63 bytes: longer ones are cut, at a character's start, and end in `_` and a hash of the whole
/// (8 hex digits), so that two long names never become the same one.
std::string fit_name(std::string_view name);

}  // namespace switchback
