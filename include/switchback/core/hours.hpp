/// The times of the day in which a backfill may run. Pure: what time it is where, the server is asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchback {

/// From `from` up to `to`, minutes of the day; over midnight where `to` is not after `from`.
struct Hours {
  int from = 0;
  int to = 0;
  std::string zone;  ///< as PostgreSQL knows it; empty: the server's own
  bool operator==(const Hours&) const = default;
};

/// "22:00-06:00 Europe/Berlin, 12:00-13:00"; empty when it does not read so.
std::optional<std::vector<Hours>> parse_hours(std::string_view text);
bool within(const Hours& hours, int minute);
std::string shown(const Hours& hours);  ///< "22:00-06:00 Europe/Berlin"

}  // namespace switchback
