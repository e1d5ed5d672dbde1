/// Durations and sizes as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchback {

/// `250ms`, `2s`, `1m`, `1h`, `30d`, also `1h30m`; no sign, no spaces. Empty on anything else, and on overflow.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// Shortest exact form that parse_duration reads back.
std::string format_duration(std::chrono::milliseconds duration);
/// For people, two units at most: `1h01m`, `40 s`, `0.2 s`.
std::string show_duration(std::chrono::milliseconds duration);

/// `1MB` is 10^6 bytes, `1MiB` 2^20; B, kB, MB, GB, TB and KiB, MiB, GiB, TiB.
std::optional<std::int64_t> parse_bytes(std::string_view text);
std::string show_bytes(std::int64_t bytes);

/// `20%` is 0.2; nothing below 0% or over 100%.
std::optional<double> parse_share(std::string_view text);
std::string show_share(double share);

/// How much room there is: a share of the whole, or bytes.
struct Room {
  enum class Unit { share, bytes };
  Unit unit = Unit::bytes;
  double amount = 0;
  bool operator==(const Room&) const = default;
};
/// `23%`, `12GB`.
std::optional<Room> parse_room(std::string_view text);
std::string show_room(const Room& room);

/// A command as words, split as a shell would, without anything else a shell does: blanks part, '…' and "…" keep
/// together, a backslash keeps one character. Empty when a quote is left open.
std::optional<std::vector<std::string>> parse_words(std::string_view text);
/// What parse_words reads back.
std::string format_words(const std::vector<std::string>& words);

/// `12.5M`, `8,412`.
std::string show_count(std::int64_t count);
std::string show_count_short(double count);
/// `1 row`, `8,412 rows`.
std::string show_rows(std::int64_t count);

}  // namespace switchback
