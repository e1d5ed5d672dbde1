/// The health signals of PostgreSQL itself, each from its numbers. Pure: postgres/health.hpp reads the numbers.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/hold.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/core/signals.hpp"

namespace switchback {

// --- budgets ---------------------------------------------------------------------------------------------------

struct SlotReading {
  std::string name;
  std::string status;                ///< pg_replication_slots.wal_status; empty: keeps no WAL
  std::optional<std::int64_t> safe;  ///< bytes that may still be written before it is lost; empty: without limit
};
/// `keep`: max_slot_wal_keep_size in bytes, negative without limit.
Signal judge_slots(Monotonic now, const std::vector<SlotReading>& slots, std::int64_t keep, const HealthLimits& limits);

struct ArchiveBacklog {
  std::string failing;                  ///< the file that archive_command fails at; empty: none
  std::optional<std::int64_t> waiting;  ///< bytes; empty: cannot be told
  std::string unreadable;               ///< why not, with what would let it be told
};
Signal judge_archiving(Monotonic now, const ArchiveBacklog& reading, const HealthLimits& limits);

/// Bytes in the segments after `archived` and before `current`, which is still being written; both names of WAL files
/// (the documentation of pg_walfile_name). Empty when one is no such name.
std::optional<std::int64_t> wal_between(std::string_view archived, std::string_view current, std::int64_t segment);

/// What the probe printed, or why that is nothing.
struct FreeSpaceReading {
  std::string printed;
  std::string failure;  ///< "exited with 2: no such disk"; empty: it printed something
};
Signal judge_free_space(Monotonic now, const FreeSpaceReading& reading, const HealthLimits& limits);

struct SyncRepReading {
  std::chrono::milliseconds longest{0};  ///< that a commit is known to have been waiting
  int sessions = 0;                      ///< waiting now
  std::string unreadable;
};
Signal judge_sync_rep(Monotonic now, const SyncRepReading& reading, const HealthLimits& limits);

/// A replica that is asked itself, beside what the primary knows of it.
struct DirectReplica {
  std::string name;
  bool paused = false;
  std::string unreadable;       ///< "cannot be reached: …"
  std::optional<Lsn> replayed;  ///< how far it has got, for one that the primary does not see
  std::optional<Lsn> flushed;
  bool delayed = false;  ///< recovery_min_apply_delay is set: it lags in replay by design
  Monotonic at{};
};
Signal judge_replica(const DirectReplica& replica, ReplicaPolicy policy);

// --- gauges ----------------------------------------------------------------------------------------------------

struct WaitersReading {
  std::chrono::milliseconds longest{0};
  std::string who;  ///< "pid 77 (shop:v41)"
  int sessions = 0;
};
Signal judge_waiters(Monotonic now, const WaitersReading& reading, const HealthLimits& limits);

Signal judge_active_sessions(Monotonic now, std::int64_t active, const std::string& unreadable,
                             const HealthLimits& limits);

struct CheckpointCounts {
  std::int64_t timed = 0;
  std::int64_t requested = 0;
};
/// Remembers the server's counters for as long as they are judged over.
class CheckpointLog {
 public:
  /// What came in the window that ends now, as far as it was watched.
  CheckpointCounts observe(Monotonic now, CheckpointCounts total, std::chrono::milliseconds window);

 private:
  struct Entry {
    Monotonic at;
    CheckpointCounts total;
  };
  std::deque<Entry> entries_;
};
Signal judge_checkpoints(Monotonic now, const CheckpointCounts& in_window, const HealthLimits& limits);

/// One table of a plan, or one partition of it.
struct TableReading {
  std::string name;
  double age = 0;  ///< of its oldest row, as a share of what makes autovacuum freeze it whatever it costs
  bool is_being_frozen = false;
  std::int64_t dead_rows = 0;
  double vacuum_trigger = 0;  ///< dead rows that start autovacuum
  bool autovacuum = true;
};
Signal judge_wraparound(Monotonic now, const std::vector<TableReading>& tables, const HealthLimits& limits);
bool has_dead_rows(const TableReading& table, const HealthLimits& limits);
/// `holder`: who keeps dead rows from being removed, in words; empty: nobody.
Signal judge_dead_rows(Monotonic now, const std::vector<TableReading>& tables, const std::string& holder,
                       const HealthLimits& limits);

// --- all of them -----------------------------------------------------------------------------------------------

/// A signal of which nothing could be read.
Signal unreadable_signal(Monotonic now, std::string_view name, Signal::Kind kind, SignalPolicy policy,
                         const std::string& why);

/// For how long each of some sessions has been seen waiting, from looks a second apart: the server does not say since
/// when. A key stands for one wait.
class WaitLog {
 public:
  /// The longest wait, at least.
  std::chrono::milliseconds observe(Monotonic now, const std::vector<std::string>& waiting);

 private:
  std::map<std::string, Monotonic> since_;
};

/// The share of its speed that the backfill may take: half for each gauge that is bad, a tenth at the least.
double slowdown_of(const SignalGate::Verdict& verdict);

}  // namespace switchback
