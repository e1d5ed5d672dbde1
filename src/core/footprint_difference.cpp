#include "switchback/core/footprint_difference.hpp"

#include <algorithm>

namespace switchback {
namespace {

void add_columns(std::vector<Need>& needs, const TableUse& use, const std::vector<std::string>& columns,
                 const std::vector<std::string>& known, const std::string& verb) {
  for (const std::string& column : columns)
    if (std::ranges::find(known, column) == known.end())
      needs.push_back({use.table, shown(std::string_view(column)) + " " + verb});
}

}  // namespace

std::string shown(const Need& need) {
  if (need.what.empty()) return shown(need.table);
  // "read *" and "insert named" are of the table as a whole.
  const bool whole =
      need.what.starts_with("read ") || need.what.starts_with("write ") || need.what.starts_with("insert ");
  return shown(need.table) + (whole ? " " : ".") + need.what;
}

std::vector<Need> needs_beyond(const Footprint& one, const Footprint& other) {
  std::vector<Need> needs;
  const TableUse nothing;
  for (const TableUse& use : one.tables) {
    const auto found = std::ranges::find(other.tables, use.table, &TableUse::table);
    const bool there = found != other.tables.end();
    const TableUse& known = there ? *found : nothing;
    const std::size_t before = needs.size();
    if (use.reads_all && !known.reads_all) needs.push_back({use.table, "read *"});
    if (!known.reads_all) add_columns(needs, use, use.reads, known.reads, "read");
    if (use.writes_all && !known.writes_all) needs.push_back({use.table, "write *"});
    if (!known.writes_all) add_columns(needs, use, use.writes, known.writes, "written");
    if (use.insert > known.insert) needs.push_back({use.table, "insert " + std::string(name(use.insert))});
    if (!there && needs.size() == before) needs.push_back({use.table, ""});
  }
  return needs;
}

}  // namespace switchback
