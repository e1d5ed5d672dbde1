#include <algorithm>

#include "report_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/cli/report.hpp"

namespace switchback::cli {
namespace {

constexpr std::string_view style = R"(
body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fff; max-width: 960px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em; margin-bottom: .2em } h2 { font-size: 1.1em; margin: 1.8em 0 .5em }
table { border-collapse: collapse; width: 100%; font-size: 13px }
th, td { text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #e4e4e4; overflow-wrap: break-word }
th { font-weight: 600; color: #555 } .at { white-space: nowrap; font-variant-numeric: tabular-nums }
table.facts th { width: 9em } pre { background: #f6f6f6; padding: 1em; overflow-x: auto; font-size: 13px } svg { max-width: 100%; height: auto }
p.none { color: #666 }
)";

std::string row_html(const std::vector<std::string>& cells, const char* tag) {
  std::string row = "<tr>";
  for (const std::string& cell : cells) {
    const bool time = parse_iso(cell).has_value();
    row += std::string("<") + tag + (time ? " class=\"at\">" : ">") + escaped(cell) + "</" + tag + ">";
  }
  return row + "</tr>\n";
}

/// In a cell of a table nothing is markup, and nothing ends the cell or the row.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : escaped(text)) {
    if (c == '\n')
      out += "<br>";
    else if (std::string_view("|\\`*_[]#~").find(c) != std::string_view::npos)
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out;
}

std::string row_markdown(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& one : cells) row += " " + cell(one) + " |";
  return row + "\n";
}

/// A fence longer than any run of backticks in the text.
std::string fence_for(std::string_view text) {
  std::size_t longest = 2, run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(longest + 1, '`');
}

}  // namespace

std::string report_html(const PlanReport& report) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>" +
      escaped(report.plan.name) + "</title>\n<style>" + std::string(style) + "</style>\n</head>\n<body>\n<h1>" +
      escaped(report.plan.name) + "</h1>\n<table class=\"facts\">\n";
  for (const auto& [name, value] : facts_of(report))
    page += "<tr><th>" + escaped(name) + "</th><td>" + escaped(value) + "</td></tr>\n";
  page += "</table>\n<h2>Timeline</h2>\n" + timeline_svg(report);
  for (const ReportTable& table : tables_of(report)) {
    page += "<h2>" + escaped(table.title) + "</h2>\n";
    if (table.rows.empty()) {
      page += "<p class=\"none\">" + escaped(table.empty) + "</p>\n";
      continue;
    }
    page += "<table>\n" + row_html(table.heading, "th");
    for (const auto& row : table.rows) page += row_html(row, "td");
    page += "</table>\n";
  }
  return page + "<h2>The plan</h2>\n<pre>" + escaped(report.plan.text) + "</pre>\n</body>\n</html>\n";
}

std::string report_markdown(const PlanReport& report, const std::string& picture) {
  std::string page = "# " + cell(report.plan.name) + "\n\n| | |\n|---|---|\n";
  for (const auto& [name, value] : facts_of(report)) page += row_markdown({name, value});
  page += "\n## Timeline\n\n![When it was in which state](<" + picture + ">)\n";
  for (const ReportTable& table : tables_of(report)) {
    page += "\n## " + table.title + "\n\n";
    if (table.rows.empty()) {
      page += table.empty + "\n";
      continue;
    }
    page += row_markdown(table.heading) + "|";
    for (std::size_t i = 0; i < table.heading.size(); ++i) page += "---|";
    page += "\n";
    for (const auto& row : table.rows) page += row_markdown(row);
  }
  const std::string fence = fence_for(report.plan.text);
  return page + "\n## The plan\n\n" + fence + "yaml\n" + report.plan.text +
         (report.plan.text.ends_with("\n") ? "" : "\n") + fence + "\n";
}

}  // namespace switchback::cli
