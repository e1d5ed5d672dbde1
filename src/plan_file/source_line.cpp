#include "switchback/plan_file/source_line.hpp"

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

}  // namespace

std::string without_controls(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }, '?');
  return text;
}

std::string marked_line(const std::string& line, int column) {
  return "  " + without_controls(line) + "\n  " + caret_line(line, column) + "\n";
}

std::string line_of(std::string_view text, int number) {
  constexpr std::size_t longest = 500;
  if (number < 1) return {};
  for (int at = 1; at < number; ++at) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::string(line.substr(0, longest));
}

}  // namespace switchback
