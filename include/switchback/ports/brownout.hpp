/// What a brownout needs of the outside: somebody who undoes it when the runner is dead, and eyes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/sql.hpp"

namespace switchback::ports {

/// A process that undoes the plan's brownout when the runner dies or the time is over, whatever else happens to the
/// runner. Destroyed without done(): it undoes at once.
class BrownoutGuard {
 public:
  virtual ~BrownoutGuard() = default;
  virtual std::string who() const = 0;  ///< "process 4711 on vm"
  virtual bool alive() = 0;
  /// From now on it undoes: when we are gone, and in any case after `within`. To be called before the privileges are
  /// revoked.
  virtual void arm(std::chrono::milliseconds within) = 0;
  /// All is undone, as the journal says: it looks, and goes.
  virtual void done() = 0;
};

/// What tripped, and over whom.
struct Trip {
  bool certain = true;  ///< false: a suspicion
  std::string who;      ///< "role reports, application nightly: permission denied for table users"
};

/// One way to see who is refused. Used by one thread.
class BrownoutDetector {
 public:
  virtual ~BrownoutDetector() = default;
  virtual std::string name() const = 0;  ///< "server log", "http http://shop/health"
  /// Whether its silence says anything.
  virtual bool telling() const = 0;
  /// Before a stretch. Shows that it would see something; else says why not, and is not heeded in this stretch.
  virtual std::optional<std::string> arm() = 0;
  /// What it has seen since arm(); Error when it cannot look.
  virtual std::optional<Trip> look() = 0;
  /// Whether it has looked at least once since arm().
  virtual bool looked() const = 0;
};

struct BrownoutSurroundings {
  /// Starts the guard of this plan and returns once it is connected. Error when it cannot be had.
  std::function<std::unique_ptr<BrownoutGuard>(const std::string& plan)> guard;
  /// Those that are configured, for these tables.
  std::function<std::vector<std::unique_ptr<BrownoutDetector>>(const std::vector<TableName>& tables)> detectors;
};

}  // namespace switchback::ports
