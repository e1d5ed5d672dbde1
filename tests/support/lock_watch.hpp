/// Which strong locks switchback holds and waits for on users' tables, seen from outside.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>

namespace switchback::tests {

/// Reads pg_locks every few milliseconds from its construction to stop(), for all of a database's sessions whose
/// application_name begins with "switchback". What is shorter than the time between two looks may go unseen.
class LockWatch {
 public:
  struct Seen {
    std::chrono::milliseconds held{0};    ///< the longest time between the first and the last look that saw one lock
    std::chrono::milliseconds waited{0};  ///< as above, of one that was waited for
    std::set<std::string> names;          ///< of the relation: before, during and after
  };
  explicit LockWatch(std::string uri);
  ~LockWatch();
  LockWatch(const LockWatch&) = delete;
  LockWatch& operator=(const LockWatch&) = delete;

  /// By relation (its oid, since a transaction may rename what it has locked) and mode ("AccessExclusiveLock"); modes
  /// that conflict with a write or stronger.
  std::map<std::pair<std::string, std::string>, Seen> stop();

 private:
  void watch();

  std::string uri_;
  std::atomic<bool> stopping_{false};
  std::map<std::pair<std::string, std::string>, Seen> seen_;
  std::thread thread_;
};

}  // namespace switchback::tests
