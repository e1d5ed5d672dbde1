#include "switchback/engine/fenced_session.hpp"

#include <algorithm>
#include <random>

#include "switchback/engine/lock_diary.hpp"

namespace switchback::engine {
namespace {

using std::chrono::milliseconds;

/// Doubles from 200 ms to 10 s, half to one and a half of it, so that traffic passes between two tries and two runners
/// never keep step.
milliseconds backoff(int attempt) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  const double base = 200.0 * static_cast<double>(1 << std::min(attempt, 6));
  return milliseconds(
      static_cast<std::int64_t>(std::min(base, 10000.0) * std::uniform_real_distribution(0.5, 1.5)(random)));
}

/// What cannot be recorded now is not: nothing rests on it.
void record_locks(ports::Session& session, const Fence& fence) {
  const auto taken = dynamic_cast<LockDiary&>(session).taken();
  if (taken.empty()) return;
  try {
    begin_fenced(session, fence);
    for (const TakenLock& lock : taken)
      session.exec(
          "INSERT INTO switchback.lock_held (plan_id, state, relation, mode, had_us, held_us) SELECT p.id, p.state, "
          "$2, "
          "$3, $4::bigint, $5::bigint FROM switchback.plan p WHERE p.id = $1",
          {std::to_string(fence.plan), lock.relation, lock.mode, std::to_string(lock.had.count()),
           std::to_string(lock.held.count())});
    session.commit();
  } catch (const Error&) {
    session.rollback();
  }
}

}  // namespace

bool passes(const Error& error) {
  return error.remedy() == Remedy::retry || error.remedy() == Remedy::reconnect || error.remedy() == Remedy::in_doubt;
}

FencedSession::FencedSession(Connect connect, std::unique_ptr<ports::Session> session, Fence fence,
                             ports::Control& control)
    : connect_(std::move(connect)), fence_(fence), control_(control) {
  if (session) session_ = std::make_unique<LockDiary>(std::move(session));
}
FencedSession::~FencedSession() = default;

ports::Session& FencedSession::get() {
  if (!session_) {
    auto fresh = connect_();
    register_session(*fresh, fence_);
    session_ = std::make_unique<LockDiary>(std::move(fresh));
  }
  return *session_;
}

void FencedSession::rollback() noexcept {
  if (session_) session_->rollback();
}

bool FencedSession::attempts(const std::function<void(ports::Session&)>& work, bool transactional,
                             const Trying& trying) {
  for (int attempt = 0;; ++attempt) {
    if (control_.lost())
      throw Error(Exit::busy, Remedy::person,
                  "the lease on this plan was lost; this runner stops and has written nothing more",
                  "switchback status shows who drives it now");
    if (control_.stopping()) return false;
    int pid = 0;
    try {
      ports::Session& now = get();
      pid = now.backend_pid();
      control_.watch_lock_waits(pid, true);
      found_paused_ = begin_fenced(now, fence_) && trying.heed_pause;
      if (!transactional || found_paused_) now.rollback();
      if (found_paused_) {
        control_.watch_lock_waits(pid, false);
        return false;
      }
      work(now);
      if (transactional) now.commit();
      record_locks(now, fence_);
      control_.watch_lock_waits(pid, false);
      if (attempt > 0) trying.recovered();
      return true;
    } catch (const Error& error) {
      control_.watch_lock_waits(pid, false);
      rollback();
      if (!passes(error)) throw;
      if (error.remedy() != Remedy::retry) drop();
      const milliseconds pause = backoff(attempt);
      trying.failed(error, attempt, pause);
      control_.wait(pause);
    }
  }
}

}  // namespace switchback::engine
