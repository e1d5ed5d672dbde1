#include "render_lint.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "github_text.hpp"
#include "json_text.hpp"
#include "lint_pages.hpp"
#include "switchback/plan_file/source_line.hpp"

namespace switchback::cli {
namespace {

constexpr std::string_view reader_summary = "what the reader of plans refuses: switchback validate shows the same";

std::string shown_severity(LintSeverity severity, Paint paint) {
  switch (severity) {
    case LintSeverity::error:
      return paint.bad(name(severity));
    case LintSeverity::warning:
      return paint.warn(name(severity));
    case LintSeverity::note:
      return paint.dim(name(severity));
  }
  return {};
}

std::size_t count_of(const std::vector<LintedFile>& files, LintSeverity severity) {
  std::size_t count = 0;
  for (const LintedFile& file : files)
    count += static_cast<std::size_t>(std::ranges::count(file.findings, severity, &Linted::severity));
  return count;
}

/// A path as a relative reference of RFC 3986.
std::string uri_of(std::string_view path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string uri;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    if (plain)
      uri += c;
    else
      uri += {'%', digits[byte >> 4U], digits[byte & 0xFU]};
  }
  return uri;
}

Json number_or_null(int number) {
  return number > 0 ? Json(number) : Json();
}

Json sarif_rule(std::string_view id, std::string_view summary, LintSeverity severity) {
  Json rule{
      {"id", id}, {"shortDescription", {{"text", summary}}}, {"defaultConfiguration", {{"level", name(severity)}}}};
  if (const std::string_view page = lint_page(id); !page.empty()) rule["help"] = {{"text", page}, {"markdown", page}};
  return rule;
}

Json sarif_result(const Linted& one, const std::map<std::string, std::size_t, std::less<>>& places) {
  Json location{{"artifactLocation", {{"uri", uri_of(one.file)}}}};
  if (one.line > 0) location["region"] = {{"startLine", one.line}, {"startColumn", std::max(one.column, 1)}};
  return {{"ruleId", one.rule},
          {"ruleIndex", places.at(one.rule)},
          {"level", name(one.severity)},
          {"message", {{"text", one.message + (one.fix.empty() ? "" : "\n" + one.fix)}}},
          {"locations", Json::array({{{"physicalLocation", location}}})}};
}

}  // namespace

Linted linted(const Diagnostic& diagnostic) {
  return {
      std::string(reader_rule), diagnostic.severity == Severity::error ? LintSeverity::error : LintSeverity::warning,
      diagnostic.file,          diagnostic.line,
      diagnostic.column,        diagnostic.message,
      diagnostic.hint,          diagnostic.line_text};
}

Linted linted(const LintFinding& finding, const std::string& file, std::string_view text) {
  const LintRule* rule = lint_rule(finding.rule);
  return {std::string(finding.rule),
          rule == nullptr ? LintSeverity::error : rule->severity,
          file,
          finding.place.line,
          finding.place.column,
          finding.message,
          finding.hint,
          line_of(text, finding.place.line)};
}

std::string lint_text(const std::vector<LintedFile>& files, Paint paint) {
  std::string text;
  for (const LintedFile& file : files)
    for (const Linted& one : file.findings) {
      text += printable(one.file);
      if (one.line > 0) text += ":" + std::to_string(one.line) + ":" + std::to_string(std::max(one.column, 1));
      text += ": " + shown_severity(one.severity, paint) + ": " + printable(one.message) + " " +
              paint.dim("[" + one.rule + "]") + "\n";
      if (one.line > 0) text += marked_line(one.line_text, one.column);
      if (!one.fix.empty()) text += "  fix: " + printable(one.fix) + "\n";
      text += "\n";
    }
  return text;
}

std::string lint_json(const std::vector<LintedFile>& files, bool looked) {
  Json list = Json::array();
  for (const LintedFile& file : files) {
    Json findings = Json::array();
    for (const Linted& one : file.findings)
      findings.push_back({{"rule", one.rule},
                          {"severity", name(one.severity)},
                          {"message", one.message},
                          {"fix", or_null(one.fix)},
                          {"line", number_or_null(one.line)},
                          {"column", number_or_null(one.column)}});
    list.push_back({{"file", file.file},
                    {"plan", or_null(file.plan)},
                    {"hash", file.hash.empty() ? Json() : Json("sha256:" + file.hash)},
                    {"findings", findings}});
  }
  return dumped({{"schema_version", 1},
                 {"database", looked},
                 {"errors", count_of(files, LintSeverity::error)},
                 {"warnings", count_of(files, LintSeverity::warning)},
                 {"notes", count_of(files, LintSeverity::note)},
                 {"files", list}},
                true) +
         "\n";
}

std::string lint_github(const std::vector<LintedFile>& files) {
  std::string text;
  for (const LintedFile& file : files)
    for (const Linted& one : file.findings) {
      text += one.severity == LintSeverity::error     ? "::error "
              : one.severity == LintSeverity::warning ? "::warning "
                                                      : "::notice ";
      text += "file=" + github_property(one.file);
      if (one.line > 0) text += ",line=" + std::to_string(one.line) + ",col=" + std::to_string(std::max(one.column, 1));
      text += ",title=" + github_property("switchback lint: " + one.rule) +
              "::" + github_escaped(one.message + (one.fix.empty() ? "" : "\nfix: " + one.fix)) + "\n";
    }
  return text;
}

std::string lint_sarif(const std::vector<LintedFile>& files) {
  Json rules = Json::array();
  std::map<std::string, std::size_t, std::less<>> places;
  const auto add = [&](std::string_view id, std::string_view summary, LintSeverity severity) {
    places[std::string(id)] = rules.size();
    rules.push_back(sarif_rule(id, summary, severity));
  };
  add(reader_rule, reader_summary, LintSeverity::error);
  for (const LintRule& rule : lint_rules()) add(rule.id, rule.summary, rule.severity);
  Json results = Json::array();
  for (const LintedFile& file : files)
    for (const Linted& one : file.findings) results.push_back(sarif_result(one, places));
  const Json driver{{"name", "switchback"}, {"version", SWITCHBACK_VERSION}, {"rules", rules}};
  const Json run{{"tool", {{"driver", driver}}}, {"columnKind", "unicodeCodePoints"}, {"results", results}};
  return dumped({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                 {"version", "2.1.0"},
                 {"runs", Json::array({run})}},
                true) +
         "\n";
}

std::string lint_rules_text(Paint paint) {
  std::vector<std::vector<std::string>> rows{{"RULE", "SEVERITY", "NEEDS", "WHAT"}};
  for (const LintRule& rule : lint_rules())
    rows.push_back({std::string(rule.id), std::string(name(rule.severity)), rule.live ? "database" : "",
                    std::string(rule.summary)});
  return table(rows, paint);
}

std::string lint_rules_json() {
  Json list = Json::array();
  for (const LintRule& rule : lint_rules())
    list.push_back({{"rule", rule.id},
                    {"severity", name(rule.severity)},
                    {"database", rule.live},
                    {"may_be_ignored", rule.may_be_ignored},
                    {"summary", rule.summary}});
  return dumped({{"schema_version", 1}, {"rules", list}}, true) + "\n";
}

std::string_view lint_page(std::string_view rule) {
  for (const LintPage& page : lint_pages())
    if (page.rule == rule) return page.text;
  return {};
}

}  // namespace switchback::cli
