/// What reaches a running engine from outside: signals, health, who is in the way.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/hold.hpp"
#include "switchback/core/settings.hpp"

namespace switchback::ports {

/// Thread safe: a watch thread fills it while the engine reads.
class Control {
 public:
  virtual ~Control() = default;

  virtual bool stopping() const = 0;  ///< a signal asked to stop at the next safe point
  virtual bool lost() const = 0;      ///< the lease was lost: another runner has the plan
  /// Waits; returns early when stopping or lost.
  virtual void wait(std::chrono::milliseconds time) = 0;

  virtual std::optional<Hold> health() = 0;
  virtual std::string worst_lag() = 0;
  /// The share of its speed that the work may take: 1 is all of it, never below 0.1.
  virtual double slowdown() = 0;
  virtual std::vector<std::string> slowed_by() = 0;  ///< why, one entry for each cause; empty: it need not
  virtual void apply(const Settings& settings) = 0;  ///< new limits, from the next reading on
  virtual void writing(bool on) = 0;                 ///< a batch job is under way: keep replicas' replies fresh

  /// How long the next batch has to wait, so that replicas keep up.
  virtual std::chrono::milliseconds pace() = 0;
  virtual void wrote(std::int64_t wal_bytes) = 0;  ///< what a batch wrote; counts towards the pace

  /// While on, sessions that block this backend are looked up; blockers() names those of the last look.
  virtual void watch_lock_waits(int backend_pid, bool on) = 0;
  virtual std::vector<std::string> blockers() = 0;
};

}  // namespace switchback::ports
