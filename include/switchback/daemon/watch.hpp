/// The thread beside the engine: signals, heartbeat, replication lag, who blocks us. It has a session of its own, so
/// that none of it waits behind a batch.
#pragma once

#include <functional>
#include <memory>

#include "switchback/core/health_hold.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/ports/control.hpp"

namespace switchback::daemon {

class Watch final : public ports::Control {
 public:
  using Connect = std::function<std::unique_ptr<ports::Session>()>;
  /// With `signals` listens for SIGINT and SIGTERM at once: the first asks to stop at the next safe point, the second
  /// cancels the statement that runs. Without, they end the process as ever.
  Watch(Connect connect, bool signals);
  ~Watch() override;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// From now on keeps the lease and samples. Returns after the first sample.
  void start(const engine::Fence& fence, const Settings& settings);
  /// What it says holds too. The source outlives this.
  void add_source(SignalSource source);
  int signal() const;  ///< the one that asked to stop, or 0

  bool stopping() const override;
  bool lost() const override;
  void wait(std::chrono::milliseconds time) override;
  std::optional<Hold> health() override;
  std::string worst_lag() override;
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
