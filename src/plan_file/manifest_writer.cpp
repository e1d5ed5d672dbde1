#include "switchback/plan_file/manifest_writer.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "switchback/plan_file/manifest_reader.hpp"

namespace switchback {
namespace {

/// JSON's strings are YAML's: nothing has to be known of what YAML takes for something else.
std::string text(const std::string& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// As SQL writes it, quoted for YAML where that could take it for something else.
std::string plain(const std::string& as_sql) {
  constexpr std::array<std::string_view, 10> not_text = {"y",   "n",    "yes",   "no",   "on",
                                                         "off", "true", "false", "null", "~"};
  const bool quotes = as_sql.find('"') != std::string::npos || std::ranges::find(not_text, as_sql) != not_text.end();
  return quotes ? text(as_sql) : as_sql;
}

std::string identifier(const std::string& name) {
  return plain(shown(std::string_view(name)));
}

std::string columns(const std::vector<std::string>& names, bool all) {
  std::string list = all ? "\"*\"" : "";
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + identifier(name);
  return "[" + list + "]";
}

/// What `insert:` can say: that the inserts give just what is written, in this order.
bool says_all(const TableUse& use) {
  if (use.writes_all || use.insert == InsertForm::none) return true;
  return use.insert == InsertForm::named ? use.supplies == use.writes : use.positions == use.writes;
}

/// Tables of which no column is named have no entry.
bool has_columns(const TableUse& use) {
  return use.reads_all || use.writes_all || !use.reads.empty() || !use.writes.empty();
}

/// An insert like those of the image, where `insert:` cannot say it.
std::string insert_like(const TableUse& use) {
  if (use.insert == InsertForm::copy) return "COPY " + quoted(use.table) + " FROM STDIN";
  const auto& given = use.insert == InsertForm::named ? use.supplies : use.positions;
  if (given.empty()) return "INSERT INTO " + quoted(use.table) + " DEFAULT VALUES";
  std::string names, values;
  for (std::size_t i = 0; i < given.size(); ++i) {
    names += (i == 0 ? "" : ", ") + quote_identifier(given[i]);
    values += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
  }
  return "INSERT INTO " + quoted(use.table) + (use.insert == InsertForm::named ? " (" + names + ")" : "") +
         " VALUES (" + values + ")";
}

std::string table_entry(const TableUse& use) {
  std::string entry = "  " + plain(shown(use.table)) + ":\n";
  if (use.reads_all || !use.reads.empty()) entry += "    read: " + columns(use.reads, use.reads_all) + "\n";
  if (use.writes_all || !use.writes.empty()) {
    entry += "    write: " + columns(use.writes, use.writes_all) + "\n";
    entry += says_all(use) ? "    insert: " + std::string(name(use.insert)) + "\n"
                           : "    insert: false                  # as the statements below do\n";
  }
  if (use.types.empty()) return entry;
  std::string types;
  std::vector<std::string> named;
  for (const auto& [column, type] : use.types) {
    if (std::ranges::find(named, column) != named.end()) continue;
    named.push_back(column);
    types += (types.empty() ? "" : ", ") + identifier(column) + ": " + text(type);
  }
  return entry + "    types: { " + types + " }\n";
}

}  // namespace

std::string write_manifest(const std::string& image, const Footprint& footprint, const std::string& heading) {
  std::string out;
  for (std::size_t at = 0; at < heading.size();) {
    const std::size_t end = std::min(heading.find('\n', at), heading.size());
    out += "# " + heading.substr(at, end - at) + "\n";
    at = end + 1;
  }
  out += "image: " + text(image) + "\n";
  if (!footprint.role.empty()) out += "role: " + identifier(footprint.role) + "\n";
  if (footprint.star_tolerated) out += "star: tolerated\n";
  if (footprint.prepares_star) out += "prepares_star: true\n";
  std::vector<std::string> statements = footprint.statements;
  std::string tables;
  for (const TableUse& use : footprint.tables) {
    if (has_columns(use)) tables += table_entry(use);
    if (!has_columns(use) && use.insert == InsertForm::none) note_once(statements, "SELECT FROM " + quoted(use.table));
    if (!says_all(use) || (!has_columns(use) && use.insert != InsertForm::none))
      note_once(statements, insert_like(use));
  }
  if (!tables.empty()) out += "tables:\n" + tables;
  if (!statements.empty()) out += "statements:\n";
  for (const std::string& statement : statements) out += "  - " + text(statement) + "\n";
  return out;
}

}  // namespace switchback
