#include "switchback/core/health.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "switchback/core/units.hpp"

namespace switchback {
namespace {

using std::chrono::milliseconds;

Signal signal(Monotonic now, std::string_view name, Signal::Kind kind) {
  Signal signal;
  signal.name = name;
  signal.kind = kind;
  signal.state = Signal::State::good;
  signal.at = now;
  return signal;
}

Signal budget(Monotonic now, std::string_view name, SignalPolicy policy, std::string ends_when) {
  Signal made = signal(now, name, Signal::Kind::budget);
  made.required = policy == SignalPolicy::required;
  made.ends_when = std::move(ends_when);
  return made;
}

/// Adds to what is bad about a signal.
void blame(Signal& signal, const std::string& why) {
  signal.state = Signal::State::bad;
  signal.reason += (signal.reason.empty() ? "" : ", ") + why;
}

void not_known(Signal& signal, const std::string& why) {
  signal.state = Signal::State::unknown;
  signal.reason = signal.name + " cannot be read: " + why;
}

std::string count_of(std::int64_t count, const std::string& thing) {
  return show_count(count) + " " + thing + (count == 1 ? "" : "s");
}

/// Which segment of the whole log a file is; the first eight digits are the timeline.
std::optional<std::int64_t> segment_number(std::string_view file, std::int64_t segment) {
  if (file.size() < 24 || segment <= 0) return std::nullopt;
  const auto digits = [&](std::size_t from) -> std::optional<std::int64_t> {
    std::int64_t value = 0;
    const char* begin = file.data() + from;
    const auto [end, error] = std::from_chars(begin, begin + 8, value, 16);
    return error == std::errc{} && end == begin + 8 ? std::optional(value) : std::nullopt;
  };
  const auto log = digits(8);
  const auto low = digits(16);
  if (!log || !low) return std::nullopt;
  return *log * ((std::int64_t{1} << 32) / segment) + *low;
}

}  // namespace

Signal judge_slots(Monotonic now, const std::vector<SlotReading>& slots, std::int64_t keep,
                   const HealthLimits& limits) {
  Signal signal = budget(now, "slots", limits.slots,
                         "no slot is lost or about to be (pg_replication_slots.wal_status reserved or extended, "
                         "safe_wal_size over " +
                             show_share(limits.slots_safe_wal) + " of max_slot_wal_keep_size)");
  for (const SlotReading& slot : slots) {
    const double least = static_cast<double>(keep) * limits.slots_safe_wal;
    if (slot.status == "lost")
      blame(signal, "slot " + slot.name +
                        " is lost: the WAL it needs is gone and does not come back by itself; make its reader anew "
                        "and drop the slot");
    else if (slot.status == "unreserved")
      blame(signal, "slot " + slot.name + " is unreserved: the next checkpoint may remove the WAL it needs");
    else if (keep >= 0 && slot.safe && static_cast<double>(*slot.safe) < least)
      blame(signal, "slot " + slot.name + " has " + show_bytes(std::max<std::int64_t>(*slot.safe, 0)) +
                        " of WAL left before it is lost, under " + show_share(limits.slots_safe_wal) + " of " +
                        show_bytes(keep));
  }
  return signal;
}

Signal judge_archiving(Monotonic now, const ArchiveBacklog& reading, const HealthLimits& limits) {
  Signal signal = budget(now, "wal_archiving", limits.wal_archiving,
                         "WAL is archived again and no more than " + show_bytes(limits.wal_backlog) + " of it waits");
  if (!reading.failing.empty()) blame(signal, "wal_archiving fails at " + reading.failing);
  if (reading.waiting && *reading.waiting > limits.wal_backlog)
    blame(signal, "wal_archiving is behind: " + show_bytes(*reading.waiting) + " wait to be archived, over " +
                      show_bytes(limits.wal_backlog));
  if (!reading.waiting && signal.state == Signal::State::good) not_known(signal, reading.unreadable);
  return signal;
}

std::optional<std::int64_t> wal_between(std::string_view archived, std::string_view current, std::int64_t segment) {
  const auto from = segment_number(archived, segment);
  const auto to = segment_number(current, segment);
  if (!from || !to) return std::nullopt;
  return std::max<std::int64_t>(*to - *from - 1, 0) * segment;
}

Signal judge_free_space(Monotonic now, const FreeSpaceReading& reading, const HealthLimits& limits) {
  Signal signal = budget(now, "free_space", limits.free_space, show_room(limits.free_space_min) + " or more are free");
  signal.fresh = std::chrono::seconds(30);
  if (!reading.failure.empty()) {
    not_known(signal, reading.failure);
    return signal;
  }
  std::string_view text = reading.printed;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const auto room = parse_room(text);
  if (!room)
    not_known(signal, "its command printed \"" + std::string(text.substr(0, 60)) + "\", not a share or a size");
  else if (room->unit != limits.free_space_min.unit)
    not_known(signal, "its command prints " + show_room(*room) + " and health.free_space.min is " +
                          show_room(limits.free_space_min) + ": both must be shares, or both sizes");
  else if (room->amount < limits.free_space_min.amount)
    blame(signal, "free_space is " + show_room(*room) + ", under " + show_room(limits.free_space_min));
  return signal;
}

Signal judge_sync_rep(Monotonic now, const SyncRepReading& reading, const HealthLimits& limits) {
  Signal signal = budget(now, "sync_rep", limits.sync_rep,
                         "no commit waits over " + show_duration(limits.sync_rep_limit) + " for a synchronous standby");
  if (reading.sessions > 0 && reading.longest > limits.sync_rep_limit)
    blame(signal, "sync_rep: a commit has been waiting for a synchronous standby for " +
                      show_duration(reading.longest) + ", over " + show_duration(limits.sync_rep_limit) + " (" +
                      count_of(reading.sessions, "session") + " waiting)");
  else if (!reading.unreadable.empty())
    not_known(signal, reading.unreadable);
  return signal;
}

Signal judge_replica(const DirectReplica& replica, ReplicaPolicy policy) {
  Signal signal = budget(replica.at, "replica " + replica.name, policy,
                         "replica " + replica.name + " can be reached and replays (pg_wal_replay_resume)");
  if (policy != ReplicaPolicy::required) return signal;
  if (!replica.unreadable.empty()) {
    signal.state = Signal::State::unknown;
    signal.reason = "replica " + replica.name + " " + replica.unreadable;
  } else if (replica.paused) {
    blame(signal, "replay of " + replica.name + " is paused");
  }
  return signal;
}

Signal judge_waiters(Monotonic now, const WaitersReading& reading, const HealthLimits& limits) {
  Signal made = signal(now, "waiters", Signal::Kind::gauge);
  if (reading.sessions > 0 && reading.longest > limits.waiters_slow)
    blame(made, "waiters: " + reading.who + " has been waiting behind a batch for " + show_duration(reading.longest) +
                    ", over " + show_duration(limits.waiters_slow) + " (" + count_of(reading.sessions, "session") +
                    " waiting)");
  return made;
}

Signal judge_active_sessions(Monotonic now, std::int64_t active, const std::string& unreadable,
                             const HealthLimits& limits) {
  Signal made = signal(now, "active_sessions", Signal::Kind::gauge);
  if (active > limits.active_sessions)
    blame(made, "active_sessions: " + show_count(active) + ", over " + show_count(limits.active_sessions));
  else if (!unreadable.empty())
    not_known(made, unreadable);
  return made;
}

CheckpointCounts CheckpointLog::observe(Monotonic now, CheckpointCounts total, milliseconds window) {
  const auto went_back = [&](const Entry& entry) {
    return entry.total.timed > total.timed || entry.total.requested > total.requested;
  };
  if (!entries_.empty() && went_back(entries_.back())) entries_.clear();  // the statistics were reset
  entries_.push_back({now, total});
  // The newest one at or before the window's start is what the window began with.
  while (entries_.size() > 1 && now - entries_[1].at >= window) entries_.pop_front();
  const CheckpointCounts& before = entries_.front().total;
  return {total.timed - before.timed, total.requested - before.requested};
}

Signal judge_checkpoints(Monotonic now, const CheckpointCounts& in_window, const HealthLimits& limits) {
  Signal made = signal(now, "checkpoints", Signal::Kind::gauge);
  if (in_window.requested >= limits.checkpoints_requested && in_window.requested > in_window.timed)
    blame(made, "checkpoints: " + show_count(in_window.requested) + " requested and " + show_count(in_window.timed) +
                    " timed within " + show_duration(limits.checkpoints_window) +
                    ": WAL is written faster than "
                    "max_wal_size was made for");
  return made;
}

Signal judge_wraparound(Monotonic now, const std::vector<TableReading>& tables, const HealthLimits& limits) {
  Signal made = signal(now, "wraparound", Signal::Kind::gauge);
  made.fresh = std::chrono::seconds(30);
  for (const TableReading& table : tables) {
    if (table.is_being_frozen)
      blame(made, "wraparound: autovacuum works on " + table.name + " to prevent it");
    else if (table.age > limits.wraparound_age)
      blame(made, "wraparound: the age of " + table.name + " is " + show_share(table.age) +
                      " of what makes autovacuum freeze it, over " + show_share(limits.wraparound_age));
  }
  return made;
}

bool has_dead_rows(const TableReading& table, const HealthLimits& limits) {
  return static_cast<double>(table.dead_rows) > table.vacuum_trigger * static_cast<double>(limits.dead_rows_factor);
}

Signal judge_dead_rows(Monotonic now, const std::vector<TableReading>& tables, const std::string& holder,
                       const HealthLimits& limits) {
  Signal made = signal(now, "dead_rows", Signal::Kind::gauge);
  made.fresh = std::chrono::seconds(30);
  for (const TableReading& table : tables)
    if (has_dead_rows(table, limits))
      blame(made, "dead_rows: " + show_count(table.dead_rows) + " in " + table.name + ", over " +
                      std::to_string(limits.dead_rows_factor) + " times the " +
                      show_count(std::llround(table.vacuum_trigger)) + " that start autovacuum" +
                      (table.autovacuum ? "" : ", which is off for this table"));
  if (made.state == Signal::State::bad && !holder.empty()) made.reason += "; waiting may not help: " + holder;
  return made;
}

Signal unreadable_signal(Monotonic now, std::string_view name, Signal::Kind kind, SignalPolicy policy,
                         const std::string& why) {
  Signal made = signal(now, name, kind);
  made.required = policy == SignalPolicy::required;
  made.ends_when = std::string(name) + " can be read";
  not_known(made, why);
  return made;
}

milliseconds WaitLog::observe(Monotonic now, const std::vector<std::string>& waiting) {
  std::map<std::string, Monotonic> still;
  milliseconds longest{0};
  for (const std::string& key : waiting) {
    const auto before = since_.find(key);
    const Monotonic since = before == since_.end() ? now : before->second;
    still.emplace(key, since);
    longest = std::max(longest, std::chrono::duration_cast<milliseconds>(now - since));
  }
  since_ = std::move(still);
  return longest;
}

double slowdown_of(const SignalGate::Verdict& verdict) {
  return std::max(0.1, std::pow(0.5, static_cast<double>(verdict.slowed_by.size())));
}

}  // namespace switchback
