#include "render_drill.hpp"

#include <iomanip>
#include <sstream>

#include "json_text.hpp"
#include "report_text.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

std::string verdict(const DrillReport& report) {
  if (report.passed()) return "passed";
  return report.findings() == 1 ? "1 finding" : std::to_string(report.findings()) + " findings";
}

std::string sentence(const DrillFinding& finding) {
  return (finding.step.empty() ? "" : finding.step + ": ") + finding.what;
}

std::string seconds(std::chrono::milliseconds took) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(3) << static_cast<double>(took.count()) / 1000;
  return out.str();
}

/// The real size, as far as it is known.
std::string real_size(const DrillTable& table) {
  if (table.real_rows < 0) return "";
  return "~" + show_count_short(table.real_rows) +
         (table.real_bytes > 0 ? ", " + show_bytes(table.real_bytes) : std::string());
}

std::string on_real_size(const DrillStep& step) {
  if (step.real) return "at most ~" + show_duration(*step.real);
  return step.scales ? "unknown: no sizes" : "the same";
}

/// One cell of a Markdown table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) out += c == '|' ? std::string("\\|") : c == '<' ? "&lt;" : std::string(1, c);
  return out;
}

}  // namespace

std::string drill_case_text(const DrillCase& one, Paint paint) {
  const std::string mark = one.finding           ? paint.bad("FOUND")
                           : one.skipped.empty() ? paint.good("ok   ")
                                                 : paint.dim("-    ");
  std::string text = mark + "  " + printable(one.name) + "  " + paint.dim(show_duration(one.took));
  if (!one.skipped.empty()) text += "\n       not tried: " + printable(one.skipped);
  if (!one.finding) return text;
  text += "\n       " + printable(sentence(*one.finding));
  for (const std::string& detail : one.finding->details) text += "\n         " + printable(detail);
  return text;
}

std::string drill_text(const DrillReport& report, Paint paint) {
  std::string text = paint.bold("drill of " + report.plan) + " (sha256:" + report.hash.substr(0, 12) +
                     "): " + (report.passed() ? paint.good(verdict(report)) : paint.bad(verdict(report))) + ", " +
                     std::to_string(report.cases.size()) + " things tried in " + show_duration(report.took) + "\n";
  text += report.server + "; schema: " + report.schema + "; seed " + std::to_string(report.seed) + "\n";
  text += show_count(report.writes) + " writes of both images meanwhile; the longest wait for a lock " +
          show_duration(report.longest_wait) + "\n\n";
  for (const DrillCase& one : report.cases) text += drill_case_text(one, paint) + "\n";
  std::vector<std::vector<std::string>> rows{{"TABLE", "ROWS HERE", "REAL SIZE", ""}};
  for (const DrillTable& one : report.tables)
    rows.push_back({printable(one.name), show_count(one.rows), real_size(one), printable(one.lacking)});
  if (rows.size() > 1) text += "\n" + table(rows, paint);
  rows = {{"STEP", "HERE", "ON THE REAL SIZE"}};
  for (const DrillStep& one : report.steps)
    rows.push_back({cut(printable(one.name), 70), show_duration(one.took), on_real_size(one)});
  if (rows.size() > 1) text += "\n" + table(rows, paint);
  text += "\n";
  for (const std::string& note : report.notes) text += "note: " + printable(note) + "\n";
  return text;
}

std::string drill_json(const DrillReport& report) {
  Json cases = Json::array();
  for (const DrillCase& one : report.cases) {
    Json finding;
    if (one.finding)
      finding = {{"step", or_null(one.finding->step)}, {"what", one.finding->what}, {"details", one.finding->details}};
    cases.push_back({{"kind", one.kind},
                     {"name", one.name},
                     {"seconds", static_cast<double>(one.took.count()) / 1000},
                     {"finding", finding},
                     {"skipped", or_null(one.skipped)}});
  }
  Json tables = Json::array();
  for (const DrillTable& one : report.tables)
    tables.push_back({{"table", one.name},
                      {"rows", one.rows},
                      {"real_rows", one.real_rows < 0 ? Json() : Json(one.real_rows)},
                      {"real_bytes", one.real_bytes < 0 ? Json() : Json(one.real_bytes)},
                      {"lacking", or_null(one.lacking)}});
  Json steps = Json::array();
  for (const DrillStep& one : report.steps)
    steps.push_back({{"step", one.name},
                     {"seconds", static_cast<double>(one.took.count()) / 1000},
                     {"scales", one.scales},
                     {"real_seconds", one.real ? Json(static_cast<double>(one.real->count()) / 1000) : Json()}});
  return dumped({{"schema_version", 1},
                 {"plan", report.plan},
                 {"hash", "sha256:" + report.hash},
                 {"passed", report.passed()},
                 {"findings", report.findings()},
                 {"server", report.server},
                 {"schema", report.schema},
                 {"seed", report.seed},
                 {"seconds", static_cast<double>(report.took.count()) / 1000},
                 {"writes", report.writes},
                 {"longest_wait_ms", report.longest_wait.count()},
                 {"cases", cases},
                 {"tables", tables},
                 {"steps", steps},
                 {"notes", report.notes}},
                true) +
         "\n";
}

std::string drill_junit(const DrillReport& report) {
  std::size_t skipped = 0;
  for (const DrillCase& one : report.cases) skipped += one.skipped.empty() ? 0 : 1;
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"drill of " + escaped(report.plan) +
      "\" tests=\"" + std::to_string(report.cases.size()) + "\" failures=\"" + std::to_string(report.findings()) +
      "\" errors=\"0\" skipped=\"" + std::to_string(skipped) + "\" time=\"" + seconds(report.took) +
      "\">\n    <properties>\n      <property name=\"hash\" value=\"sha256:" + escaped(report.hash) +
      "\"/>\n      <property name=\"seed\" value=\"" + std::to_string(report.seed) +
      "\"/>\n      <property name=\"server\" value=\"" + escaped(report.server) + "\"/>\n    </properties>\n";
  for (const DrillCase& one : report.cases) {
    text += "    <testcase classname=\"" + escaped(report.plan + "." + one.kind) + "\" name=\"" + escaped(one.name) +
            "\" time=\"" + seconds(one.took) + "\"";
    if (!one.finding && one.skipped.empty()) {
      text += "/>\n";
      continue;
    }
    text += ">\n";
    if (!one.skipped.empty()) text += "      <skipped message=\"" + escaped(one.skipped) + "\"/>\n";
    if (one.finding) {
      text += "      <failure message=\"" + escaped(sentence(*one.finding)) + "\">";
      for (const std::string& detail : one.finding->details) text += escaped(detail) + "\n";
      text += "</failure>\n";
    }
    text += "    </testcase>\n";
  }
  return text + "  </testsuite>\n</testsuites>\n";
}

std::string drill_markdown(const DrillReport& report) {
  std::string text = "# Drill of " + report.plan + ": " + verdict(report) + "\n\n- plan: sha256:" + report.hash +
                     "\n- on: " + report.server + "\n- schema: " + report.schema +
                     "\n- seed: " + std::to_string(report.seed) + "\n- took: " + show_duration(report.took) +
                     "\n- writes of both images meanwhile: " + show_count(report.writes) +
                     "; the longest wait for a lock: " + show_duration(report.longest_wait) + "\n";
  for (const DrillCase& one : report.cases) {
    if (!one.finding) continue;
    text += "\n**" + cell(sentence(*one.finding)) + "** (" + cell(one.name) + ")\n";
    for (const std::string& detail : one.finding->details) text += "- " + cell(detail) + "\n";
  }
  text += "\n## What was tried\n\n| | | took | |\n|---|---|---|---|\n";
  for (const DrillCase& one : report.cases)
    text += "| " + cell(one.kind) + " | " + cell(one.name) + " | " + show_duration(one.took) + " | " +
            (one.finding           ? "**found**"
             : one.skipped.empty() ? "ok"
                                   : "not tried: " + cell(one.skipped)) +
            " |\n";
  text += "\n## Steps\n\n| step | here | on the real size |\n|---|---|---|\n";
  for (const DrillStep& one : report.steps)
    text += "| " + cell(one.name) + " | " + show_duration(one.took) + " | " + on_real_size(one) + " |\n";
  text += "\n## Tables\n\n| table | rows here | real size | |\n|---|---|---|---|\n";
  for (const DrillTable& one : report.tables)
    text += "| " + cell(one.name) + " | " + show_count(one.rows) + " | " + real_size(one) + " | " + cell(one.lacking) +
            " |\n";
  text += "\n## Notes\n\n";
  for (const std::string& note : report.notes) text += "- " + cell(note) + "\n";
  return text;
}

}  // namespace switchback::cli
