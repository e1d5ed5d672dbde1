/// Durations and sizes as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// `12.5M`, `8,412`.
std::string show_count(std::int64_t count);
std::string show_count_short(double count);

}  // namespace switchback
