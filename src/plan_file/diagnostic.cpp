#include "switchback/plan_file/diagnostic.hpp"

#include <algorithm>

#include "switchback/plan_file/source_line.hpp"

namespace switchback {
std::string render(const Diagnostic& diagnostic) {
  std::string text = diagnostic.file;
  if (diagnostic.line > 0)
    text += ":" + std::to_string(diagnostic.line) + ":" + std::to_string(std::max(diagnostic.column, 1));
  text += diagnostic.severity == Severity::error ? ": error: " : ": warning: ";
  text += without_controls(diagnostic.message) + "\n";
  if (diagnostic.line > 0) text += marked_line(diagnostic.line_text, diagnostic.column);
  if (!diagnostic.hint.empty()) text += "  hint: " + without_controls(diagnostic.hint) + "\n";
  return text;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::ranges::any_of(diagnostics, [](const Diagnostic& d) { return d.severity == Severity::error; });
}

}  // namespace switchback
