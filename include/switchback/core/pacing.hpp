/// How large the next batch may be, and whether it may run at all.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/hold.hpp"
#include "switchback/core/lag.hpp"
#include "switchback/core/settings.hpp"

namespace switchback {

/// Size of the next batch, in rows or in pages, from what the last one cost.
///
/// Two limits, whichever is smaller: execution time (row locks last as long as the batch) and bytes of WAL. Grows by at
/// most half, halves when over, drops to a tenth when five times over.
class BatchSizer {
 public:
  explicit BatchSizer(std::int64_t start = 500, std::int64_t smallest = 10, std::int64_t largest = 50'000)
      : size_(start), smallest_(smallest), largest_(largest) {}
  void observe(std::int64_t size, std::chrono::microseconds took, std::int64_t wal_bytes,
               std::chrono::milliseconds target, std::int64_t max_wal);
  /// After a failure that a smaller batch may avoid.
  void halve() { size_ = std::max(smallest_, size_ / 2); }
  std::int64_t size() const { return size_; }

 private:
  std::int64_t size_;
  std::int64_t smallest_;
  std::int64_t largest_;
};

/// What is known of one replica at one moment.
struct ReplicaReading {
  std::string name;                              ///< slot, else application_name
  std::optional<std::chrono::milliseconds> lag;  ///< empty: cannot be told
  std::string problem;                           ///< why not: "not connected, its slot is left behind"
  std::optional<Lsn> replayed = {};              ///< where it is
};

struct ReplicationSample {
  Monotonic at;                          ///< when it was read; readings older than the grace are unknown
  std::vector<ReplicaReading> replicas;  ///< every replica that is expected: seen now, seen before, or with a slot
  std::string problem;                   ///< the primary itself could not be asked
  std::optional<Lsn> flushed = {};       ///< where the primary is
};

/// Holds over the limit, or when something required cannot be read for longer than the grace; lets go after a stretch
/// under the target. Not thread safe.
class ReplicationGate {
 public:
  /// The hold in force after this sample, or none. `now` is the caller's clock: a sample that stopped coming is stale.
  std::optional<Hold> judge(Monotonic now, const ReplicationSample& sample, const Settings& settings);

 private:
  bool held_ = false;
  std::optional<Monotonic> clear_since_;
  std::map<std::string, Monotonic> unknown_since_;
  std::vector<std::string> last_reasons_;
};

/// How long a batch may take: 4 ms at most, where `backfill.gentle` is on.
std::chrono::milliseconds batch_target(std::chrono::milliseconds wanted, bool gentle);
/// And how long a rest follows it: three times as long where gentle, longer where gauges leave it `slowdown` (1 to 0.1)
/// of its speed.
std::chrono::steady_clock::duration rest_after(std::chrono::steady_clock::duration batch, bool gentle, double slowdown);

/// How fast batches may write WAL, so that every required replica stays near the lag target: a token bucket whose rate
/// follows the slowest replica.
///
/// A replica is congested when its lag, or, while it lags at all, the time that it will take to replay what it has not
/// yet (its backlog by the rate at which it drains), is over the target. The rate is then what it drains, less
/// what everybody else writes, plus what brings the backlog back to half the target in three seconds. Without
/// congestion the rate grows, fast as long as there was none yet, until it is far above what is written: then there is
/// none. Not thread safe.
class WalPacer {
 public:
  /// After each reading of the replicas. `own_bytes`: WAL that batches have written, ever growing.
  void observe(const ReplicationSample& sample, std::int64_t own_bytes, const Settings& settings);
  /// Bytes per second, once a replica was congested, or nothing: as fast as they can.
  std::optional<double> rate() const { return congested_at_ ? rate_ : std::nullopt; }

  /// How long the next batch has to wait at `now`.
  std::chrono::milliseconds wait(Monotonic now);
  void spend(std::int64_t bytes) { tokens_ -= static_cast<double>(bytes); }

 private:
  struct Replica {
    Lsn replayed = 0;
    double drain = 0;  ///< bytes per second while it had something to replay; smoothed
    bool known = false;
  };
  void refill(Monotonic now);

  std::map<std::string, Replica> replicas_;
  std::optional<Monotonic> last_at_;
  Lsn last_flushed_ = 0;
  std::int64_t last_own_ = 0;
  double others_ = 0;  ///< bytes per second that are not ours; smoothed
  double own_ = 0;     ///< and that are; smoothed
  bool begun_ = false;
  std::optional<double> rate_;
  std::optional<Monotonic> congested_at_;
  double tokens_ = 0;
  std::optional<Monotonic> refilled_at_;
};

/// The replica that is furthest behind, "r1 0.2 s"; empty without replicas.
std::string worst_lag(const ReplicationSample& sample);

}  // namespace switchback
