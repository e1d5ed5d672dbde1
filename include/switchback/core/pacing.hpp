/// How large the next batch may be, and whether it may run at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/hold.hpp"
#include "switchback/core/lag.hpp"
#include "switchback/core/settings.hpp"

namespace switchback {

/// Rows of the next batch, from what the last one cost.
///
/// Two limits, whichever is smaller: execution time (row locks last as long as the batch) and bytes of WAL. Grows by at
/// most half, halves when over, drops to a tenth when five times over.
class BatchSizer {
 public:
  explicit BatchSizer(std::int64_t start = 500) : rows_(start) {}
  void observe(std::int64_t rows, std::chrono::microseconds took, std::int64_t wal_bytes,
               std::chrono::milliseconds target, std::int64_t max_wal);
  /// After a failure that a smaller batch may avoid.
  void halve() { rows_ = rows_ > 20 ? rows_ / 2 : 10; }
  std::int64_t rows() const { return rows_; }

 private:
  std::int64_t rows_;
};

/// What is known of one replica at one moment.
struct ReplicaReading {
  std::string name;                              ///< slot, else application_name
  std::optional<std::chrono::milliseconds> lag;  ///< empty: cannot be told
  std::string problem;                           ///< why not: "not connected, its slot is left behind"
};

struct ReplicationSample {
  Monotonic at;                          ///< when it was read; readings older than the grace are unknown
  std::vector<ReplicaReading> replicas;  ///< every replica that is expected: seen now, seen before, or with a slot
  std::string problem;                   ///< the primary itself could not be asked
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

/// The replica that is furthest behind, "r1 0.2 s"; empty without replicas.
std::string worst_lag(const ReplicationSample& sample);

}  // namespace switchback
