#include <poll.h>
#include <unistd.h>
#include <csignal>

#include <iostream>

#include "command.hpp"
#include "progress_view.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct StatusOptions {
  std::string name;
  bool watch = false;
};

std::vector<engine::PlanRecord> plans_of(ports::Session& session, const std::string& name) {
  if (name.empty()) return engine::all_plans(session);
  return {engine::require_plan(session, name)};
}

volatile std::sig_atomic_t stop_signal = 0;

void take_note(int signal) {
  stop_signal = signal;
}

/// Ctrl-C ends the watch instead of the process, so that the terminal is left as it was.
class Interruptible {
 public:
  Interruptible() {
    struct sigaction action {};
    action.sa_handler = take_note;
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
  }
  ~Interruptible() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  bool stopped() const { return stop_signal != 0; }
  /// Until the time has passed or a signal came.
  void wait(std::chrono::milliseconds time) const {
    if (!stopped()) poll(nullptr, 0, static_cast<int>(time.count()));
  }

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

/// The database as the watch sees it: a connection that broke is made again.
class Watched {
 public:
  Watched(Invocation& invocation, std::string name) : invocation_(invocation), name_(std::move(name)) {}

  /// Empty, with `problem` set, while the database cannot be reached.
  std::optional<std::vector<engine::PlanRecord>> look() {
    try {
      if (!session_) session_ = invocation_.reading();
      return plans_of(*session_, name_);
    } catch (const Error& error) {
      // Nothing was ever there to watch, or it is gone for good: an error like any other.
      if (!seen_ || error.remedy() != Remedy::reconnect) throw;
      session_.reset();
      problem = error.what();
      return std::nullopt;
    }
  }
  void seen() { seen_ = true; }
  std::string problem;

 private:
  Invocation& invocation_;
  std::string name_;
  std::unique_ptr<ports::Session> session_;
  bool seen_ = false;
};

/// One line a plan, when it says something new or is due again.
class LineWatch {
 public:
  explicit LineWatch(bool json) : json_(json) {}
  void show(Invocation& invocation, const std::vector<engine::PlanRecord>& plans) {
    std::string place;
    for (const auto& plan : plans) {
      const auto shown = hold_of(plan);
      place += plan.name + std::string(name(plan.state)) + (shown ? std::string(name(shown->hold.kind)) : "") + "\n";
    }
    const auto period = Clock::now() - started_ < 1min ? 5s : 30s;
    if (place == last_place_ && Clock::now() - last_ < period) return;
    last_place_ = place;
    last_ = Clock::now();
    if (json_) {
      invocation.data(status_json(plans, false));
      return;
    }
    for (const auto& plan : plans) invocation.data(progress_line(plan, now()) + "\n");
  }

 private:
  bool json_;
  Clock::time_point started_ = Clock::now();
  Clock::time_point last_{};
  std::string last_place_;
};

int watch(Invocation& invocation, const StatusOptions& options) {
  const Interruptible interruptible;
  Watched watched(invocation, options.name);
  LineWatch lines(invocation.json());
  const bool block = is_terminal(STDOUT_FILENO) && !invocation.json();
  int drawn = 0;
  while (!interruptible.stopped()) {
    const auto plans = watched.look();
    if (plans) {
      watched.seen();
      if (block)
        drawn = redraw(STDOUT_FILENO, status_text(*plans, now(), Paint{}), drawn);
      else
        lines.show(invocation, *plans);
    } else {
      if (block)
        drawn = redraw(STDOUT_FILENO, "not reachable, trying again: " + printable(watched.problem) + "\n", drawn);
      else
        invocation.warn("not reachable, trying again: " + printable(watched.problem));
    }
    interruptible.wait(plans ? 500ms : 2s);
  }
  return 128 + stop_signal;
}

int status(Invocation& invocation, const StatusOptions& options) {
  if (options.watch) return watch(invocation, options);
  const auto session = invocation.reading();
  const auto plans = plans_of(*session, options.name);
  const auto undone = engine::roll_forwards(*session);
  invocation.data(invocation.json() ? status_json(plans, true, undone)
                                    : status_text(plans, now(), invocation.out(), undone));
  return 0;
}

}  // namespace

void add_status(CLI::App& app, Action& chosen) {
  CLI::App* command =
      add_command(app, "status",
                  {"Where each plan stands: progress, holds and what ends them, which images are safe now.",
                   "switchback status\nswitchback status split-full-name --watch",
                   "what the line `next` says. Ctrl-C leaves the watch; the plan goes on."});
  auto options = std::make_shared<StatusOptions>();
  command->add_option("NAME", options->name, "the plan's name; left out: all plans")->type_name("");
  command->add_flag("--watch,-w", options->watch, "go on showing it");
  on_call(command, chosen, options, status);
}

}  // namespace switchback::cli
