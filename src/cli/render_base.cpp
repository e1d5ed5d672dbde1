#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "switchback/cli/render.hpp"

namespace switchback::cli {
namespace {

std::string coloured(bool on, std::string_view code, std::string_view text) {
  if (!on || text.empty()) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// The whole number at `at`, `digits` long.
std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int value = 0;
  const char* begin = text.data() + at;
  if (*begin < '0' || *begin > '9') return std::nullopt;
  const auto [end, error] = std::from_chars(begin, begin + digits, value);
  if (error != std::errc{} || end != begin + digits) return std::nullopt;
  return value;
}

}  // namespace

std::string Paint::bold(std::string_view text) const {
  return coloured(on, "1", text);
}
std::string Paint::dim(std::string_view text) const {
  return coloured(on, "2", text);
}
std::string Paint::good(std::string_view text) const {
  return coloured(on, "32", text);
}
std::string Paint::warn(std::string_view text) const {
  return coloured(on, "33", text);
}
std::string Paint::bad(std::string_view text) const {
  return coloured(on, "31", text);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += ' ';
    } else if (byte < 0x20U || byte == 0x7FU) {
      std::array<char, 8> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\x%02X", static_cast<unsigned>(byte));
      out += buffer.data();
    } else {
      out += c;
    }
  }
  return out;
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues_character(c); }));
}

std::string cut(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::size_t taken = 0;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (continues_character(text[at])) continue;
    if (taken + 1 >= columns) break;
    ++taken;
  }
  return std::string(text.substr(0, at)) + "…";
}

std::string table(const std::vector<std::vector<std::string>>& rows, Paint paint) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], columns_of(row[i]));
    }
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows[r].size(); ++i)
      line += rows[r][i] + std::string(widths[i] + 2 - columns_of(rows[r][i]), ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    text += (r == 0 ? paint.bold(line) : line) + "\n";
  }
  return text;
}

std::string hanging(std::string_view margin, std::string_view text, std::size_t columns) {
  const std::size_t indent = columns_of(margin);
  // On a terminal too narrow for that it breaks where it likes.
  const std::size_t room = columns > indent + 20 ? columns - indent : columns == 0 ? text.size() + 1 : 20;
  std::string out(margin);
  std::size_t taken = 0;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    const std::size_t width = columns_of(word);
    if (taken > 0 && taken + 1 + width > room) {
      out += "\n" + std::string(indent, ' ');
      taken = 0;
    }
    if (taken > 0) {
      out += ' ';
      ++taken;
    }
    out += word;
    taken += width;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n";
}

std::optional<Instant> parse_iso(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      !text.ends_with('Z'))
    return std::nullopt;
  const auto year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
  const auto hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  int milliseconds = 0;
  if (text.size() == 24 && text[19] == '.') {
    const auto fraction = number_at(text, 20, 3);
    if (!fraction) return std::nullopt;
    milliseconds = *fraction;
  } else if (text.size() != 20) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return Instant(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + std::chrono::milliseconds(milliseconds);
}

std::string show_iso(Instant at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(at - day)};
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return buffer.data();
}

}  // namespace switchback::cli
