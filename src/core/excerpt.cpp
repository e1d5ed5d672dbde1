#include "switchback/core/excerpt.hpp"

#include <algorithm>

namespace switchback {

std::string excerpt(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  if (text.size() <= 200) return text;
  std::size_t end = 200;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

std::string first_line(std::string_view text) {
  return excerpt(std::string(text.substr(0, text.find_first_of("\r\n"))));
}

}  // namespace switchback
