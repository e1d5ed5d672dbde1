#include "switchback/plan_file/diagnostic.hpp"

#include <algorithm>

namespace switchback {
namespace {

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

/// What goes under the line so that the caret stands below its character: tabs stay tabs.
std::string caret_line(const std::string& line, int column) {
  std::string padding;
  int passed = 0;
  for (const char byte : line) {
    if (!begins_character(byte)) continue;
    if (++passed >= column) break;
    padding += byte == '\t' ? '\t' : ' ';
  }
  return padding + "^";
}

/// Control characters would reach the terminal otherwise.
std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }, '?');
  return text;
}

}  // namespace

std::string render(const Diagnostic& diagnostic) {
  std::string text = diagnostic.file;
  if (diagnostic.line > 0)
    text += ":" + std::to_string(diagnostic.line) + ":" + std::to_string(std::max(diagnostic.column, 1));
  text += diagnostic.severity == Severity::error ? ": error: " : ": warning: ";
  text += printable(diagnostic.message) + "\n";
  if (diagnostic.line > 0) {
    text += "  " + printable(diagnostic.line_text) + "\n";
    text += "  " + caret_line(diagnostic.line_text, diagnostic.column) + "\n";
  }
  if (!diagnostic.hint.empty()) text += "  hint: " + printable(diagnostic.hint) + "\n";
  return text;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::ranges::any_of(diagnostics, [](const Diagnostic& d) { return d.severity == Severity::error; });
}

}  // namespace switchback
