#include "switchback/engine/crew.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <list>
#include <map>
#include <mutex>
#include <thread>

namespace switchback::engine {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// How often the runner's thread looks for pauses, holds and another number of workers.
constexpr milliseconds looking{50};
constexpr milliseconds showing{1000};

class Crew {
 public:
  Crew(Workbench& bench, CrewJob& job) : bench_(bench), job_(job) {}
  ~Crew() { dismiss(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  Stop run() {
    do {
      std::optional<Hold> hold;
      const Stop looked = bench_.look_for_hold(true, hold);
      if (!looked.ok()) return looked;
      if (auto over = job_.hold()) {
        dismiss();
        return Stop::held(*over);
      }
      open_gate(!hold);
      show(hold ? hold : failure());
      if (hold && !bench_.surroundings().wait && !waits_by_default(hold->kind)) {
        dismiss();
        return Stop::held(*hold);
      }
      engage();
      show_progress(false);
    } while (!all_done() && !bench_.control().stopping());
    dismiss();
    rethrow();
    show_progress(true);
    return bench_.control().stopping() ? Stop::signalled() : Stop::arrived();
  }

 private:
  struct Worker {
    int number = 0;
    std::thread thread;
    bool ended = false;      // guarded by mutex_
    bool exhausted = false;  // ended because nothing was left; guarded by mutex_
  };
  struct Failure {
    Error error;
    int attempt;
    milliseconds pause;
  };

  void open_gate(bool open) {
    const std::lock_guard lock(mutex_);
    const Settings& settings = bench_.settings();
    job_.apply(settings);
    open_ = open;
    gentle_ = settings.gentle;
    wanted_ = gentle_ ? 1 : settings.workers;
    changed_.notify_all();
  }

  /// A reading in it that goes up and down is not worth a commit every time.
  void show(const std::optional<Hold>& hold) {
    const auto& shown = bench_.record().hold;
    const auto now = Clock::now();
    if (hold && shown && hold->kind == shown->kind && now - hold_shown_ < showing / 2) return;
    hold_shown_ = now;
    bench_.show_hold(hold);
  }

  void close_gate() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }

  /// Starts those that are missing; forgets those that went because fewer were wanted.
  void engage() {
    std::unique_lock lock(mutex_);
    for (auto worker = workers_.begin(); worker != workers_.end();) {
      if (!worker->ended || worker->exhausted) {
        ++worker;
        continue;
      }
      worker->thread.join();
      worker = workers_.erase(worker);
    }
    if (!open_ || error_) return;
    for (int number = 0; number < wanted_; ++number) {
      if (std::ranges::find(workers_, number, &Worker::number) != workers_.end()) continue;
      Worker& worker = workers_.emplace_back();
      worker.number = number;
      worker.thread = std::thread([this, &worker] { work(worker); });
    }
  }

  /// Also waits a moment for it.
  bool all_done() {
    std::unique_lock lock(mutex_);
    const auto idle = [&] { return std::ranges::all_of(workers_, &Worker::ended); };
    changed_.wait_for(lock, looking, [&] { return idle() || error_ || bench_.control().stopping(); });
    if (error_) return true;
    if (workers_.empty() || !idle()) return false;
    if (std::ranges::all_of(workers_, &Worker::exhausted) && job_.complete()) return true;
    for (Worker& worker : workers_) worker.exhausted = false;  // one that went left something: all begin again
    return false;
  }

  void work(Worker& worker) {
    bool exhausted = false;
    try {
      FencedSession session(bench_.surroundings().connect, nullptr, bench_.fence(), bench_.control());
      const Trying trying{[&](const Error& error, int attempt, milliseconds pause) {
                            const std::lock_guard lock(mutex_);
                            failures_.insert_or_assign(worker.number, Failure{error, attempt, pause});
                          },
                          [&] {
                            const std::lock_guard lock(mutex_);
                            failures_.erase(worker.number);
                          },
                          true};
      const auto member = job_.join();
      while (may_go(worker.number)) {
        const auto begun = Clock::now();
        if (!member->batch(session, trying)) {
          if (session.found_paused()) {
            close_gate();
            continue;
          }
          exhausted = !bench_.control().stopping();
          break;
        }
        rest(Clock::now() - begun);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      ending_ = true;
    }
    const std::lock_guard lock(mutex_);
    failures_.erase(worker.number);
    worker.exhausted = exhausted;
    worker.ended = true;
    changed_.notify_all();
  }

  /// Waits at the gate, and for the replicas. False: this worker is to end.
  bool may_go(int number) {
    std::unique_lock lock(mutex_);
    while (true) {
      if (ending_ || number >= wanted_ || bench_.control().stopping()) return false;
      if (!open_) {
        changed_.wait_for(lock, milliseconds(500));
        continue;
      }
      const milliseconds pause = bench_.control().pace();
      if (pause <= milliseconds(0)) return true;
      changed_.wait_for(lock, std::min(pause, milliseconds(100)));
    }
  }

  void rest(Clock::duration batch) {
    const double slowdown = bench_.control().slowdown();
    std::unique_lock lock(mutex_);
    const auto until = Clock::now() + rest_after(batch, gentle_, slowdown);
    while (!ending_ && Clock::now() < until) changed_.wait_until(lock, until);
  }

  void dismiss() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      changed_.notify_all();
    }
    for (Worker& worker : workers_)
      if (worker.thread.joinable()) worker.thread.join();
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  std::optional<Hold> failure() {
    const std::lock_guard lock(mutex_);
    // While others get on, one that tries again is no news.
    if (failures_.empty() || failures_.size() < workers_.size()) return std::nullopt;
    const Failure& first = failures_.begin()->second;
    return bench_.hold_for(first.error, first.attempt, first.pause);
  }

  void show_progress(bool last) {
    const auto now = Clock::now();
    if (!last && now - shown_ < showing) return;
    shown_ = now;
    Progress progress = job_.progress();
    progress.worst_lag = bench_.control().worst_lag();
    progress.slowed_by = bench_.control().slowed_by();
    {
      const std::lock_guard lock(mutex_);
      progress.workers = static_cast<int>(std::ranges::count(workers_, false, &Worker::ended));
    }
    bench_.show_progress(progress);
  }

  Workbench& bench_;
  CrewJob& job_;
  Clock::time_point shown_ = Clock::now();
  Clock::time_point hold_shown_{};
  std::list<Worker> workers_;  // changed by the runner's thread alone, under mutex_

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  bool ending_ = false;
  int wanted_ = 1;
  bool gentle_ = false;
  std::map<int, Failure> failures_;
  std::exception_ptr error_;
};

}  // namespace

Stop work_off(Workbench& bench, CrewJob& job) {
  struct Writing {
    ports::Control& control;
    explicit Writing(ports::Control& one) : control(one) { control.writing(true); }
    ~Writing() { control.writing(false); }
  } writing(bench.control());
  return Crew(bench, job).run();
}

}  // namespace switchback::engine
