/// Reads the numbers that core/health.hpp judges.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "switchback/core/health.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::postgres {

/// Samples one server through one session, which must not be in a transaction and should not wait for long (a
/// statement_timeout). Not thread safe: one thread samples.
class HealthSampler {
 public:
  struct Asked {
    std::vector<TableName> tables;  ///< of the plan; partitions are looked up
    std::vector<int> workers;       ///< backends of ours that write now
  };
  /// One signal for each that `limits` does not turn off, every time: one that could not be read is unknown, with why
  /// and with the GRANT that would help. Only a lost session is an Error.
  std::vector<Signal> sample(ports::Session& session, Monotonic now, const HealthLimits& limits, const Asked& asked);
  /// Those of the workers behind which somebody had been waiting for longer than allowed, at the last sample.
  const std::vector<int>& to_cancel() const { return to_cancel_; }

 private:
  Signal slots(ports::Session& session, Monotonic now, const HealthLimits& limits);
  Signal archiving(ports::Session& session, Monotonic now, const HealthLimits& limits);
  Signal sync_rep(ports::Session& session, Monotonic now, const HealthLimits& limits);
  Signal active_sessions(ports::Session& session, Monotonic now, const HealthLimits& limits);
  Signal checkpoints(ports::Session& session, Monotonic now, const HealthLimits& limits);
  Signal waiters(ports::Session& session, Monotonic now, const HealthLimits& limits, const std::vector<int>& workers);
  std::vector<Signal> tables(ports::Session& session, Monotonic now, const HealthLimits& limits,
                             const std::vector<TableName>& tables);

  WaitLog commits_;
  CheckpointLog checkpoint_log_;
  std::map<int, Monotonic> waiting_since_;  ///< by pid; before 14 the server does not say
  std::vector<int> to_cancel_;
  bool slow_ = false;  ///< in this sample a statement took longer than it may
  Monotonic tables_due_{};
  std::vector<Signal> of_tables_;
};

/// A session that waits for a lock that one of `holders` has.
struct LockWaiter {
  int pid = 0;
  std::string who;                 ///< "pid 77 (shop:v41)"
  std::chrono::milliseconds time;  ///< since when; 0 where the server does not say (before 14)
  std::vector<int> behind;         ///< which of `holders`
};
std::vector<LockWaiter> lock_waiters(ports::Session& session, const std::vector<int>& holders);

/// Who keeps dead rows of this database from being removed, in words; empty: nobody but ourselves. Slots count by their
/// xmin: catalog_xmin keeps rows of system catalogs only.
std::string oldest_xmin_holder(ports::Session& session);

/// The replica behind `session`, asked itself. Never an Error but for a lost session.
DirectReplica read_replica(ports::Session& session, const std::string& name, Monotonic now);

}  // namespace switchback::postgres
