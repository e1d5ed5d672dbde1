/// A runner's session, made again when it breaks, and transactions in it that first check that the plan is still this
/// runner's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "switchback/core/error.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/ports/control.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

using Connect = std::function<std::unique_ptr<ports::Session>()>;

/// What is done about failures that may pass, between two tries.
struct Trying {
  std::function<void(const Error&, int attempt, std::chrono::milliseconds pause)> failed;
  std::function<void()> recovered;  ///< a later try succeeded
  bool heed_pause = false;          ///< a paused plan begins nothing
};

/// Used by one thread at a time. References outlive it.
class FencedSession {
 public:
  FencedSession(Connect connect, std::unique_ptr<ports::Session> session, Fence fence, ports::Control& control);
  ~FencedSession();
  FencedSession(FencedSession&&) = delete;

  /// Connects, and registers the session for whoever takes the plan over, when there is none.
  ports::Session& get();
  bool connected() const { return session_ != nullptr; }
  void drop() { session_.reset(); }
  void rollback() noexcept;
  bool found_paused() const { return found_paused_; }  ///< why the last attempts() began nothing

  /// Runs `work` in one fenced transaction (or, not `transactional`, outside one after the fence was checked), again
  /// and again after failures that may pass (locks, deadlocks, a lost server), with growing pauses. `work` must first
  /// look at what is already done: after a commit in doubt it runs again. Other Errors come out. False when a signal
  /// asked to stop, or a pause that is heeded.
  bool attempts(const std::function<void(ports::Session&)>& work, bool transactional, const Trying& trying);

 private:
  Connect connect_;
  std::unique_ptr<ports::Session> session_;
  Fence fence_;
  ports::Control& control_;
  bool found_paused_ = false;
};

bool passes(const Error& error);  ///< a failure that another try may not meet

}  // namespace switchback::engine
