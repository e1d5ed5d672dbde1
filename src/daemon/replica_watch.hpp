/// The replicas that have a connection string, asked themselves. Private to the watch.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "switchback/core/health.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::daemon {

/// A thread of its own: connecting to a machine that is gone takes seconds, and the heartbeat must not wait for that.
class ReplicaWatch {
 public:
  using Connect = std::function<std::unique_ptr<ports::Session>(const std::string& connection)>;
  explicit ReplicaWatch(Connect connect) : connect_(std::move(connect)) {}
  ~ReplicaWatch();
  ReplicaWatch(const ReplicaWatch&) = delete;
  ReplicaWatch& operator=(const ReplicaWatch&) = delete;

  /// Once; without replicas nothing happens.
  void start(const std::map<std::string, std::string>& connections);
  /// The last reading of each. Thread safe.
  std::vector<DirectReplica> readings();

 private:
  void run();
  DirectReplica read(const std::string& name, const std::string& connection);

  Connect connect_;
  std::map<std::string, std::string> connections_;
  std::map<std::string, std::unique_ptr<ports::Session>> sessions_;  // of the thread alone
  std::mutex mutex_;                                                 // guards what follows
  std::condition_variable woken_;
  std::map<std::string, DirectReplica> readings_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace switchback::daemon
