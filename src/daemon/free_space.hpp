/// Asks a command how much room is left, without waiting for it. Private to the watch.
#pragma once

#include <optional>

#include "switchback/core/health.hpp"
#include "switchback/process/child.hpp"

namespace switchback::daemon {

/// Started every few seconds, looked at as often as one likes. Used by one thread.
class FreeSpaceProbe {
 public:
  /// What the last run said; nothing while no command is set. Unknown until the first one has ended.
  std::optional<Signal> look(Monotonic now, const HealthLimits& limits);

 private:
  void start(Monotonic now, const HealthLimits& limits);
  void collect(Monotonic now, std::chrono::milliseconds at_most);

  std::optional<process::Child> child_;
  Monotonic started_{};
  Monotonic due_{};
  Monotonic read_at_{};
  FreeSpaceReading reading_{{}, "its command has not ended yet"};
};

}  // namespace switchback::daemon
