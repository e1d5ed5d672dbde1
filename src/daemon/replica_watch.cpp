#include "replica_watch.hpp"

#include "switchback/core/error.hpp"
#include "switchback/postgres/health.hpp"

namespace switchback::daemon {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds period{500};

}  // namespace

ReplicaWatch::~ReplicaWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ReplicaWatch::start(const std::map<std::string, std::string>& connections) {
  if (connections.empty() || thread_.joinable()) return;
  connections_ = connections;
  for (const auto& [name, connection] : connections_) {
    DirectReplica unread;
    unread.name = name;
    unread.unreadable = "has not been asked yet";
    unread.at = Clock::now();
    readings_.emplace(name, std::move(unread));
  }
  thread_ = std::thread([this] { run(); });
}

std::vector<DirectReplica> ReplicaWatch::readings() {
  const std::lock_guard lock(mutex_);
  std::vector<DirectReplica> all;
  for (const auto& [name, reading] : readings_) all.push_back(reading);
  return all;
}

void ReplicaWatch::run() {
  for (;;) {
    for (const auto& [name, connection] : connections_) {
      DirectReplica fresh = read(name, connection);
      const std::lock_guard lock(mutex_);
      readings_[name] = std::move(fresh);
      if (ending_) return;
    }
    std::unique_lock lock(mutex_);
    if (woken_.wait_for(lock, period, [this] { return ending_; })) return;
  }
}

DirectReplica ReplicaWatch::read(const std::string& name, const std::string& connection) {
  auto& session = sessions_[name];
  try {
    if (!session) session = connect_(connection);
    return postgres::read_replica(*session, name, Clock::now());
  } catch (const Error& error) {
    session.reset();
    DirectReplica replica;
    replica.name = name;
    replica.unreadable = std::string("cannot be asked: ") + error.what();
    replica.at = Clock::now();
    return replica;
  }
}

}  // namespace switchback::daemon
