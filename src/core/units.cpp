#include "switchback/core/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace switchback {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

constexpr std::array duration_units = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                       Unit{"ms", 1}};
constexpr std::array byte_units = {Unit{"B", 1},
                                   Unit{"kB", 1'000},
                                   Unit{"MB", 1'000'000},
                                   Unit{"GB", 1'000'000'000},
                                   Unit{"TB", 1'000'000'000'000},
                                   Unit{"KiB", 1LL << 10},
                                   Unit{"MiB", 1LL << 20},
                                   Unit{"GiB", 1LL << 30},
                                   Unit{"TiB", 1LL << 40}};

/// The whole number at the start of `text`, which is then shortened by it.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;  // from_chars would take a sign
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::string_view take_letters(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && ((text[length] | 0x20) >= 'a' && (text[length] | 0x20) <= 'z')) ++length;
  const std::string_view letters = text.substr(0, length);
  text.remove_prefix(length);
  return letters;
}

std::optional<std::int64_t> product(std::int64_t number, std::int64_t size) {
  if (number > std::numeric_limits<std::int64_t>::max() / size) return std::nullopt;
  return number * size;
}

std::string fixed(const char* format, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

/// One decimal, cut rather than rounded (59.97 s must not read as a minute), and none where it would be 0.
std::string tenth(double value) {
  std::string text = fixed("%.1f", std::floor(value * 10 + 1e-9) / 10);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string two_units(std::int64_t amount, const Unit& large, const Unit& small) {
  std::string text = std::to_string(amount / large.size) + std::string(large.name);
  const std::int64_t rest = amount % large.size / small.size;
  if (rest > 0) text += (rest < 10 ? "0" : "") + std::to_string(rest) + std::string(small.name);
  return text;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
  while (!text.empty()) {
    const auto number = take_number(text);
    const std::string_view letters = take_letters(text);
    const auto unit = std::ranges::find(duration_units, letters, &Unit::name);
    if (!number || unit == duration_units.end() || unit->size >= smallest) return std::nullopt;
    smallest = unit->size;
    const auto part = product(*number, unit->size);
    if (!part || *part > std::numeric_limits<std::int64_t>::max() - total) return std::nullopt;
    total += *part;
  }
  return std::chrono::milliseconds(total);
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest <= 0) return "0s";
  std::string best;
  for (const Unit& unit : duration_units) {
    if (rest < unit.size) continue;
    best += std::to_string(rest / unit.size) + std::string(unit.name);
    rest %= unit.size;
  }
  for (const Unit& unit : duration_units) {
    if (duration.count() % unit.size != 0) continue;
    const std::string single = std::to_string(duration.count() / unit.size) + std::string(unit.name);
    if (single.size() < best.size()) best = single;
  }
  return best;
}

std::string show_duration(std::chrono::milliseconds duration) {
  const std::int64_t amount = duration.count();
  if (amount < 0) return "-" + show_duration(-duration);
  const auto& [day, hour, minute, second, millisecond] = duration_units;
  if (amount == 0) return "0 s";
  if (amount < 100 * millisecond.size) return std::to_string(amount) + " ms";
  if (amount < 10 * second.size) return tenth(static_cast<double>(amount) / 1000) + " s";
  if (amount < minute.size) return std::to_string(amount / second.size) + " s";
  if (amount < hour.size) return two_units(amount, minute, second);
  if (amount < day.size) return two_units(amount, hour, minute);
  return two_units(amount, day, hour);
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  const auto number = take_number(text);
  const auto unit = std::ranges::find(byte_units, text, &Unit::name);
  if (!number || unit == byte_units.end()) return std::nullopt;
  return product(*number, unit->size);
}

std::string show_bytes(std::int64_t bytes) {
  if (bytes < 0) return "-" + show_bytes(bytes == std::numeric_limits<std::int64_t>::min() ? 0 : -bytes);
  std::size_t unit = 0;
  while (unit < 4 && bytes >= byte_units[unit + 1].size) ++unit;
  const double amount = static_cast<double>(bytes) / static_cast<double>(byte_units[unit].size);
  const std::string number = amount < 100 ? tenth(amount) : fixed("%.0f", std::floor(amount));
  return number + " " + std::string(byte_units[unit].name);
}

std::optional<double> parse_share(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 100)) return std::nullopt;
  return value / 100;
}

std::string show_share(double share) {
  return tenth(share * 100) + " %";
}

std::optional<Room> parse_room(std::string_view text) {
  if (const auto share = parse_share(text)) return Room{Room::Unit::share, *share};
  if (const auto bytes = parse_bytes(text)) return Room{Room::Unit::bytes, static_cast<double>(*bytes)};
  return std::nullopt;
}

std::string show_room(const Room& room) {
  return room.unit == Room::Unit::share ? show_share(room.amount) : show_bytes(static_cast<std::int64_t>(room.amount));
}

std::optional<std::vector<std::string>> parse_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (quote == 0 && blank) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'') {
      if (++i == text.size()) return std::nullopt;
      words.back() += text[i];
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return std::nullopt;
  return words;
}

std::string format_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    if (!word.empty() && word.find_first_of(" \t\n'\"\\") == std::string::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
    text += '\'';
  }
  return text;
}

std::string show_count(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t place = digits.size(); place > first + 3;) {
    place -= 3;
    digits.insert(place, ",");
  }
  return digits;
}

std::string show_rows(std::int64_t count) {
  return show_count(count) + (count == 1 ? " row" : " rows");
}

std::string show_count_short(double count) {
  if (!std::isfinite(count)) return "?";
  if (count < 0) return "-" + show_count_short(-count);
  if (count >= 1e9) return tenth(count / 1e9) + "G";
  if (count >= 1e6) return fixed("%.1f", std::floor(count / 1e5) / 10) + "M";
  return show_count(std::llround(count));
}

}  // namespace switchback
