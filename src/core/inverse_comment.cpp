#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/inverse.hpp"

namespace switchback {
namespace {

/// On one line, whatever names have in them: a comment ends with its line.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

/// As a comment of lines that a screen bears, broken at blanks.
void add(std::string& out, std::string_view first, std::string_view further, const std::string& paragraph) {
  constexpr std::size_t widest = 110;
  std::string line(first);
  std::size_t words = 0;
  const std::string text = one_line(paragraph);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (words > 0 && line.size() + 1 + word.size() > widest) {
      out += line + "\n";
      line = further;
      words = 0;
    }
    line += (words++ > 0 ? " " : "") + word;
    at = end + 1;
  }
  out += line + "\n";
}

void list(std::string& out, const std::string& title, const std::vector<std::string>& items) {
  if (items.empty()) return;
  out += "#\n# " + title + "\n";
  for (const std::string& item : items) add(out, "#   - ", "#     ", item + ".");
}

}  // namespace

std::string inverse_comment(const Plan& original, State state, const Inverse& inverse) {
  std::string out;
  add(out, "# ", "# ",
      "Undoes the plan " + original.name + " (sha256 " + original.hash + "), which was " + std::string(name(state)) +
          " when `switchback rollforward` wrote this. It runs like any plan, and is undone like any.");
  if (state != State::contracted && state != State::done)
    add(out, "# ", "# ",
        "As long as " + original.name + " is " + std::string(name(state)) + ", `switchback rollback " + original.name +
            "` undoes it without a new plan, and costs less. This one can be run once that one is contracted or done: "
            "have it written again then, more is known.");
  list(out, "What it does to the data:", inverse.lost);
  list(out, "To look at before it is run:", inverse.look);
  if (inverse.afterwards.empty()) return out;
  out += "#\n# To run by hand when it is contracted; each reads its table, and stops neither readers nor writers:\n";
  for (const std::string& statement : inverse.afterwards) out += "#   " + one_line(statement) + ";\n";
  return out;
}

}  // namespace switchback
