/// Health signals and alerts: what each says, and what all of them together mean for the next batch. Pure.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "switchback/core/lag.hpp"

namespace switchback {

/// One signal's latest reading. Its source makes one every time it looks, also when it could not see anything.
struct Signal {
  enum class Kind {
    budget,  ///< holds the plan while bad; unreadable for longer than the grace: holds too
    gauge    ///< slows it while bad; unreadable: what it said last stays
  };
  enum class State { good, bad, unknown };

  std::string name;  ///< stable over readings: "wal_archiving", "alert DiskFull {host=\"a\"}", "slots standby1"
  Kind kind = Kind::budget;
  State state = State::unknown;
  std::string reason;     ///< when not good, in words with value and limit: "slot r1 keeps 12 GB of WAL, over 10 GB"
  std::string ends_when;  ///< what lets the plan go on: "alert DiskFull has been clear for 60 s"
  std::chrono::milliseconds clear{3000};  ///< how long it must be good, seen good, before it lets go
  bool required = true;                   ///< false: unreadable is no reason to hold
  Monotonic at{};                         ///< when it was read; a reading that stops coming becomes unknown
  std::chrono::milliseconds fresh{5000};  ///< older than this it is unknown
};

/// Remembers since when each signal was clear or unreadable. Not thread safe.
class SignalGate {
 public:
  struct Verdict {
    std::vector<std::string> reasons;    ///< why the plan holds; empty: it need not
    std::vector<std::string> ends_when;  ///< what ends each, in the same order
    std::vector<std::string> slowed_by;  ///< bad gauges, in words
  };
  /// A signal that is not among `signals` any more is forgotten: whoever makes them keeps one in the list for as long
  /// as it counts. `grace`: how long a required budget may be unknown before it holds.
  Verdict judge(Monotonic now, std::span<const Signal> signals, std::chrono::milliseconds grace);

 private:
  struct Memory {
    bool held = false;
    Monotonic clear_since{};
    Monotonic unknown_since{};
    Monotonic read_at{};
    bool is_clear = false;
    bool is_unknown = false;
    std::string last_reason;
    bool gauge_bad = false;
  };
  std::map<std::string, Memory> memory_;
};

}  // namespace switchback
