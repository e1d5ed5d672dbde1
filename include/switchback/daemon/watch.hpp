/// The thread beside the engine: signals, heartbeat, replication lag, health, who blocks us. It has a session of its
/// own, so that none of it waits behind a batch.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "switchback/core/health_hold.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/ports/control.hpp"

namespace switchback::daemon {

class Watch final : public ports::Control {
 public:
  using Connect = std::function<std::unique_ptr<ports::Session>()>;
  /// By connection string, for the replicas of health.replicas that have one.
  using ConnectTo = std::function<std::unique_ptr<ports::Session>(const std::string& connection)>;
  /// With `signals` listens for SIGINT and SIGTERM at once: the first asks to stop at the next safe point, the second
  /// cancels the statement that runs. Without, they end the process as ever.
  Watch(Connect connect, bool signals, ConnectTo connect_to = {});
  ~Watch() override;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Signals to be judged beside the watch's own. The source outlives this.
  void add_source(SignalSource source);
  /// From now on keeps the lease and samples; `tables`: those of the plan. Returns after the first sample.
  void start(const engine::Fence& fence, const Settings& settings, std::vector<TableName> tables = {});
  /// The latest readings of those of the database's own signals (core/alerts.hpp, health_signals).
  std::vector<Signal> readings(const std::vector<std::string>& names) const;
  int signal() const;  ///< the one that asked to stop, or 0

  bool stopping() const override;
  bool lost() const override;
  void wait(std::chrono::milliseconds time) override;
  std::optional<Hold> health() override;
  std::string worst_lag() override;
  double slowdown() override;
  std::vector<std::string> slowed_by() override;
  void apply(const Settings& settings) override;
  void writing(bool on) override;
  std::chrono::milliseconds pace() override;
  void wrote(std::int64_t wal_bytes) override;
  void watch_lock_waits(int backend_pid, bool on) override;
  std::vector<std::string> blockers() override;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace switchback::daemon
