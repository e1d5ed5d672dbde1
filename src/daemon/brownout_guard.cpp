#include "switchback/daemon/brownout_guard.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "switchback/core/error.hpp"
#include "switchback/engine/brownout.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/process/companion.hpp"

namespace switchback::daemon {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

/// A database that is gone for good must not be waited for for ever.
constexpr std::chrono::hours patience{7 * 24};

class Posted final : public ports::BrownoutGuard {
 public:
  Posted(const Settings& settings, const engine::Actor& actor, const std::string& plan)
      : companion_({"/proc/self/exe", "brownout-guard"}), host_(actor.host) {
    // Over the line, never as an argument: the database may hold a password.
    companion_.line().say(json{
        {"database", settings.database},
        {"lock_timeout", settings.lock_timeout.count()},
        {"plan", plan},
        {"os_user", actor.os_user},
        {"host", actor.host}}.dump());
    const auto answer = companion_.line().hear(seconds(20));
    if (answer == "ready") return;
    throw Error(Exit::refused, Remedy::person,
                answer ? "the process that would do it does not get a connection: " + *answer
                       : std::string("the process that would do it did not come up"),
                answer ? "it connects as the runner does: a connection must be left for it"
                       : "it is this program once more: it must be there, and room for another process");
  }

  std::string who() const override { return "process " + std::to_string(companion_.pid()) + " on " + host_; }
  bool alive() override { return companion_.running(); }
  void arm(milliseconds within) override {
    companion_.line().say("arm " + std::to_string(within.count()));
    if (companion_.line().hear(seconds(5)) != "armed")
      throw Error(Exit::refused, Remedy::person, "the process that would undo it, " + who() + ", does not answer",
                  "switchback run again starts another one");
  }
  void done() override {
    companion_.line().say("done");
    companion_.wait(seconds(5));
  }

 private:
  process::Companion companion_;
  std::string host_;
};

/// Commands and connection of the guard's own process.
class Guard {
 public:
  explicit Guard(const json& order)
      : plan_(order.at("plan").get<std::string>()),
        actor_{order.at("os_user").get<std::string>(), order.at("host").get<std::string>()} {
    options_.database = order.at("database").get<std::string>();
    options_.lock_timeout = milliseconds(order.at("lock_timeout").get<std::int64_t>());
    options_.application_name = "switchback guard";
  }

  void connect() {
    session_ = postgres::connect(options_);
    id_ = engine::require_plan(*session_, plan_).id;
  }

  /// Until there is nothing to give back and nobody who might still revoke. `settled`: the runner says that it is so.
  void undo(const std::string& why, bool settled) {
    const std::string by = "its guard, process " + std::to_string(getpid()) + " on " + actor_.host + ": " + why;
    const auto give_up = Clock::now() + patience;
    for (milliseconds pause{100}; Clock::now() < give_up; pause = std::min(pause * 2, milliseconds(2000))) {
      try {
        if (!session_) session_ = postgres::connect(options_);
        const bool quiet = settled || engine::await_runner(*session_, id_);
        engine::undo_brownouts(*session_, actor_, id_, false, by);
        if (quiet) return;
      } catch (const Error& error) {
        if (session_) session_->rollback();
        if (error.remedy() != Remedy::retry) session_.reset();
      }
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  std::string plan_;
  engine::Actor actor_;
  postgres::ConnectOptions options_;
  std::unique_ptr<ports::Session> session_;
  engine::PlanId id_ = 0;
};

/// Nothing but its work being done ends it.
void deafen() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(number, SIG_IGN);
}

}  // namespace

std::unique_ptr<ports::BrownoutGuard> post_guard(const Settings& settings, const engine::Actor& actor,
                                                 const std::string& plan) {
  return std::make_unique<Posted>(settings, actor, plan);
}

int stand_guard() {
  deafen();
  process::Line runner(STDIN_FILENO, STDOUT_FILENO);
  const auto order = runner.hear(seconds(10));
  const json asked = json::parse(order.value_or(""), nullptr, false);
  if (!asked.is_object())
    throw Error(Exit::usage, Remedy::person, "brownout-guard is started by switchback run, for itself");
  Guard guard(asked);
  try {
    guard.connect();
  } catch (const Error& error) {
    runner.say(error.what());
    return static_cast<int>(error.exit());
  }
  runner.say("ready");
  std::optional<Clock::time_point> deadline;
  for (;;) {
    const auto left = deadline ? std::chrono::ceil<milliseconds>(*deadline - Clock::now()) : milliseconds(60'000);
    const auto word = runner.hear(std::max(left, milliseconds(0)));
    if (word && word->starts_with("arm ")) {
      deadline = Clock::now() + milliseconds(std::stoll(word->substr(4)));
      runner.say("armed");
      continue;
    }
    const bool over = deadline && Clock::now() >= *deadline;
    if (!word && !runner.closed() && !over) continue;
    if (deadline)
      guard.undo(word ? "asked to look" : over ? "its time was over" : "the runner is gone", word == "done");
    return 0;
  }
}

}  // namespace switchback::daemon
