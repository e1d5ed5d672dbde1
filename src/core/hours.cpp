#include "switchback/core/hours.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace switchback {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// "06:00" or "24:00" as minutes.
std::optional<int> minute_of(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t digit : {0U, 1U, 3U, 4U})
    if (text[digit] < '0' || text[digit] > '9') return std::nullopt;
  const int hour = (text[0] - '0') * 10 + text[1] - '0';
  const int minute = (text[3] - '0') * 10 + text[4] - '0';
  if (hour > 24 || minute > 59 || hour * 60 + minute > 24 * 60) return std::nullopt;
  return hour * 60 + minute;
}

std::string clock_time(int minute) {
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d", minute / 60, minute % 60);
  return text;
}

bool is_zone(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/_+-:").find(c) != std::string_view::npos;
  });
}

std::optional<Hours> one(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 11 || text[5] != '-') return std::nullopt;
  const auto from = minute_of(text.substr(0, 5));
  const auto to = minute_of(text.substr(6, 5));
  const std::string_view zone = text.substr(11);
  if (!from || !to || *from == *to || (!zone.empty() && zone.front() != ' ') || !is_zone(trimmed(zone)))
    return std::nullopt;
  return Hours{*from, *to, std::string(trimmed(zone))};
}

}  // namespace

std::optional<std::vector<Hours>> parse_hours(std::string_view text) {
  std::vector<Hours> all;
  if (trimmed(text).empty()) return all;
  while (true) {
    const std::size_t comma = text.find(',');
    const auto hours = one(text.substr(0, comma));
    if (!hours) return std::nullopt;
    all.push_back(*hours);
    if (comma == std::string_view::npos) return all;
    text.remove_prefix(comma + 1);
  }
}

bool within(const Hours& hours, int minute) {
  if (hours.from < hours.to) return minute >= hours.from && minute < hours.to;
  return minute >= hours.from || minute < hours.to;
}

std::string shown(const Hours& hours) {
  return clock_time(hours.from) + "-" + clock_time(hours.to) + (hours.zone.empty() ? "" : " " + hours.zone);
}

}  // namespace switchback
