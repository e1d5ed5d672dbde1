/// What lint found, as text, JSON, annotations and SARIF. Pure. Private to the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/cli/render.hpp"
#include "switchback/core/lint.hpp"
#include "switchback/plan_file/diagnostic.hpp"

namespace switchback::cli {

/// One thing to say of one file; of the reader's own, the rule is `plan-file`.
struct Linted {
  std::string rule;
  LintSeverity severity = LintSeverity::error;
  std::string file;
  int line = 0;  ///< 0: the whole file
  int column = 0;
  std::string message;
  std::string fix;
  std::string line_text;
};
struct LintedFile {
  std::string file;
  std::string plan, hash;  ///< empty: it is no plan
  std::vector<Linted> findings;
};

inline constexpr std::string_view reader_rule = "plan-file";
Linted linted(const Diagnostic& diagnostic);
Linted linted(const LintFinding& finding, const std::string& file, std::string_view text);

std::string lint_text(const std::vector<LintedFile>& files, Paint paint);
/// `looked`: a database was looked at.
std::string lint_json(const std::vector<LintedFile>& files, bool looked);
std::string lint_github(const std::vector<LintedFile>& files);
/// SARIF 2.1.0, with the page of each rule.
std::string lint_sarif(const std::vector<LintedFile>& files);

std::string lint_rules_text(Paint paint);
std::string lint_rules_json();
/// The rule's page, as plans/lint has it; empty: there is none.
std::string_view lint_page(std::string_view rule);

}  // namespace switchback::cli
