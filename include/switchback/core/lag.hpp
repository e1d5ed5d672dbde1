/// A replica's lag from positions alone: no NULLs, no clock skew, right while a replica stalls.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

namespace switchback {

using Lsn = std::uint64_t;  ///< byte position in the log; text form is X/Y
using Monotonic = std::chrono::steady_clock::time_point;

/// Remembers when the primary's log first reached each position.
///
/// A replica's lag is now minus the time at which the primary first passed the replica's replay position. Not thread
/// safe; the sampler owns it.
class LagRing {
 public:
  /// Samples older than `keep` are dropped, but for the last one before it.
  explicit LagRing(std::chrono::milliseconds keep = std::chrono::hours(1)) : keep_(keep) {}

  void record(Monotonic at, Lsn flushed);
  /// Zero when the replica has replayed all the primary had at the last sample. Empty before the first sample. Where
  /// the position is older than the ring, the age of the oldest sample: the lag is at least that.
  std::optional<std::chrono::milliseconds> lag(Monotonic now, Lsn replayed) const;

 private:
  struct Sample {
    Monotonic at;
    Lsn flushed;
  };
  std::chrono::milliseconds keep_;
  std::deque<Sample> samples_;
};

/// `16/B374D848` → position; empty on anything else.
std::optional<Lsn> parse_lsn(std::string_view text);

}  // namespace switchback
