/// Asks every alert source again and again, each in a thread of its own, so that one that hangs delays no other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "switchback/core/alerts.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::daemon {

/// A read-only session on this replica (empty: the primary); null when nothing says how to reach it. Called from
/// several threads.
using ProbeConnect = std::function<std::unique_ptr<ports::Session>(const std::string& replica)>;

class AlertPoller {
 public:
  /// Returns when each source has been asked once, or has had its timeout for it.
  AlertPoller(const std::vector<AlertSource>& sources, const ProbeConnect& connect);
  /// Waits for what is being asked just now, for its timeout; what does not heed that is left to the end of the
  /// process.
  ~AlertPoller();
  AlertPoller(const AlertPoller&) = delete;
  AlertPoller& operator=(const AlertPoller&) = delete;

  /// From any thread, without waiting.
  std::vector<Signal> latest() const;

 private:
  struct Inside;
  std::shared_ptr<Inside> inside_;  // shared with the threads
};

}  // namespace switchback::daemon
