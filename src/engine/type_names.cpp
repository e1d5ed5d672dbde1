#include "switchback/engine/type_names.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

#include "switchback/core/error.hpp"

namespace switchback::engine {
namespace {

/// `varchar(20)[]` is `varchar[]` and `(20)`.
struct Parts {
  std::string base, modifier;
};

Parts parts_of(const std::string& text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.find(')');
  if (open == std::string::npos || close == std::string::npos || close < open || text.find('"') != std::string::npos)
    return {text, ""};
  Parts parts{text.substr(0, open) + text.substr(close + 1), ""};
  for (const char c : text.substr(open, close - open + 1))
    if (std::isspace(static_cast<unsigned char>(c)) == 0) parts.modifier += c;
  return parts;
}

/// Where format_type.c puts it: behind the first word of times, else in front of an array's brackets.
std::string with_modifier(const std::string& type, std::string modifier) {
  const std::size_t brackets = std::min(type.find('['), type.size());
  const std::string name = type.substr(0, brackets);
  if (modifier.empty() && (name == "character" || name == "bit")) modifier = "(1)";
  if (name == "numeric" && !modifier.empty() && modifier.find(',') == std::string::npos)
    modifier.insert(modifier.size() - 1, ",0");
  const bool time = name.starts_with("time");
  const std::size_t at = time ? std::min(type.find(' '), brackets) : brackets;
  return type.substr(0, at) + modifier + type.substr(at);
}

/// The server's name of a type without a modifier; nothing where there is none. What is no type's name at all it
/// refuses as a syntax error.
std::optional<std::string> name_of(ports::Session& session, const std::string& text) {
  try {
    const auto rows =
        session.exec("SELECT pg_catalog.format_type(pg_catalog.to_regtype($1)::pg_catalog.oid, NULL)", {text});
    return rows.at(0, 0);
  } catch (const Error& error) {
    if (!error.sqlstate().starts_with("42")) throw;
    return std::nullopt;
  }
}

std::string settled(ports::Session& session, const std::string& text, const std::string& column) {
  const Parts parts = parts_of(text);
  auto name = name_of(session, parts.base);
  if (!name && parts.base.find('.') == std::string::npos) name = name_of(session, "public." + parts.base);
  if (!name)
    throw Error(Exit::invalid, Remedy::person, "types: " + column + " cannot be of type " + text + ": there is none",
                "write it as psql's \\d does; a type that a plan is still to make can be left out until it has");
  if (parts.base == "bpchar" && parts.modifier.empty()) return "bpchar";
  // "interval day to second": its fields are a modifier that is no number.
  if (name->starts_with("interval") && parts.base.find(' ') != std::string::npos) return text;
  return with_modifier(*name, parts.modifier);
}

}  // namespace

void settle_types(ports::Session& session, Footprint& footprint) {
  for (TableUse& use : footprint.tables)
    for (auto& [column, type] : use.types) type = settled(session, type, shown(use.table) + "." + column);
}

}  // namespace switchback::engine
