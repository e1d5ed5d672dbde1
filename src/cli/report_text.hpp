/// What both pages of a report say. Private to the command line.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "switchback/cli/report.hpp"

namespace switchback::cli {

/// For HTML and SVG. Control characters, which both forbid, are shown as they are escaped in JSON.
std::string escaped(std::string_view text);

/// Name and value, in the order in which they are shown.
using Facts = std::vector<std::pair<std::string, std::string>>;
Facts facts_of(const PlanReport& report);

/// A heading row and rows.
struct ReportTable {
  std::string title;
  std::string empty;  ///< what stands there when there is no row
  std::vector<std::string> heading;
  std::vector<std::vector<std::string>> rows;
};
/// Decisions, evidence, points to recover to, everything that happened.
std::vector<ReportTable> tables_of(const PlanReport& report);

}  // namespace switchback::cli
