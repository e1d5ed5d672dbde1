/// When a runner asked for strong table locks, had them and gave them up.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// A lock that writers wait for, taken by one transaction. Both times are upper bounds: they begin when the first
/// statement of the transaction that can take such a lock was sent.
struct TakenLock {
  std::string relation;               ///< as regclass writes it, under the name that the transaction leaves it
  std::string mode;                   ///< as pg_locks writes it: AccessExclusiveLock
  std::chrono::microseconds had{0};   ///< until that statement had ended: waiting for the lock is part of it
  std::chrono::microseconds held{0};  ///< until the commit had returned
};

/// Passes everything on to a session of its own; a transaction begins with begin() or with a text that starts with
/// BEGIN. Where a transaction ran something else than queries and plain writes, it reads pg_locks once before the
/// commit.
class LockDiary final : public ports::Session {
 public:
  explicit LockDiary(std::unique_ptr<ports::Session> session) : session_(std::move(session)) {}

  ports::Rows exec(std::string_view sql, const std::vector<ports::Value>& parameters) override;
  void commit() override;
  void begin(std::string_view options) override;
  void rollback() noexcept override;
  void cancel() noexcept override { session_->cancel(); }
  int server_version() const override { return session_->server_version(); }
  int backend_pid() const override { return session_->backend_pid(); }

  /// Of the transaction that was committed last; empty the second time.
  std::vector<TakenLock> taken();

 private:
  using Clock = std::chrono::steady_clock;
  void start();
  void look();

  std::unique_ptr<ports::Session> session_;
  bool in_transaction_ = false;
  Clock::time_point asked_{}, had_{};
  std::vector<TakenLock> taken_;
};

}  // namespace switchback::engine
