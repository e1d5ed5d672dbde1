#include "switchback/engine/browning_out.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/brownout.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds tick{100};
constexpr milliseconds looking{500};
/// What was refused in the last moment reaches a log a little later.
constexpr milliseconds aftermath{1500};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

class BrowningOut {
 public:
  BrowningOut(Workbench& bench, milliseconds every, const std::function<std::optional<Hold>()>& look)
      : bench_(bench), every_(every), look_(look), next_sample_(Clock::now() + every) {}

  Stop run(bool& again) {
    again = false;
    const Stretches wanted = brownout_stretches(bench_);
    scope_ = brownout_scope(bench_.plan());
    if (wanted.empty() || scope_.columns.empty()) return Stop::arrived();
    Stop stop = prepare();
    while (stop.ok() && !again_) {
      BrownoutHistory history;
      stop = bench_.outside_transaction(
          [&](ports::Session& session) { history = brownout_history(session, bench_.fence().plan); });
      const std::size_t done = stretches_done(history.past, wanted);
      if (!stop.ok() || done == wanted.size() || set_aside(history)) return stop;
      stop = pause(history);
      if (stop.ok() && !again_) stop = stretch(wanted[done]);
    }
    again = again_;
    return stop;
  }

 private:
  /// What tripped is set aside by name, on record: there is nothing more to find out.
  bool set_aside(const BrownoutHistory& history) {
    if (history.past.empty()) return false;
    const BrownoutOutcome last = history.past.back().outcome;
    return (last == BrownoutOutcome::tripped || last == BrownoutOutcome::suspected) && bench_.despite("usage");
  }

  Hold refusal(const std::string& reason, const std::string& ends_when) const {
    return {HoldKind::usage, "no brownout: " + reason, ends_when, {}};
  }

  Stop prepare() {
    if (!bench_.surroundings().brownout.guard)
      return Stop::held(refusal("nobody would undo it if this runner died", "contract: { brownout: none }"));
    std::vector<std::string> objections;
    std::vector<TableName> tables;
    const Stop stop = bench_.outside_transaction([&](ports::Session& session) {
      objections = brownout_objections(session, scope_.columns);
      tables = browned_tables(session, scope_.columns);
    });
    if (!stop.ok()) return stop;
    if (!objections.empty())
      return Stop::held(refusal(joined(objections), "the key is dropped, or contract: { brownout: none }"));
    if (bench_.surroundings().brownout.detectors) detectors_ = bench_.surroundings().brownout.detectors(tables);
    return stop;
  }

  /// Asks what the observation asks, when it is time again.
  std::optional<Hold> sample() {
    if (Clock::now() < next_sample_) return std::nullopt;
    next_sample_ = Clock::now() + every_;
    return look_();
  }

  Stop pause(const BrownoutHistory& history) {
    const milliseconds all = pause_after(history.past.empty() ? seconds(0) : history.past.back().length);
    const auto end = Clock::now() + (all - std::min(all, history.since_last.value_or(milliseconds(0))));
    for (;;) {
      Stop stop = bench_.pause_point(false);
      if (!stop.ok()) return stop;
      if (const auto hold = bench_.control().health()) {
        stop = bench_.hold_until(*hold, tick, [&] { return bench_.control().health(); });
        if (!stop.ok()) return stop;
      }
      stop = bench_.outside_transaction([&](ports::Session&) { again_ = sample().has_value(); });
      if (!stop.ok() || again_ || Clock::now() >= end) return stop;
      bench_.control().wait(std::min(looking, std::chrono::duration_cast<milliseconds>(end - Clock::now()) + tick));
      if (bench_.control().stopping()) return Stop::signalled();
    }
  }

  Stop stretch(seconds length) {
    std::unique_ptr<ports::BrownoutGuard> guard;
    try {
      guard = bench_.surroundings().brownout.guard(bench_.plan().name);
      undoing_ = bench_.surroundings().connect();
    } catch (const Error& error) {
      return Stop::held(refusal(std::string("nobody would undo it if this runner died: ") + error.what(),
                                error.hint().empty() ? "contract: { brownout: none }" : error.hint()));
    }
    arm_detectors();
    std::int64_t id = 0;
    try {
      const Stop stop = bench_.in_transaction([&](ports::Session& session) {
        guard->arm(undone_within(length));
        id = begin_brownout(session, bench_.surroundings().actor,
                            {bench_.fence().plan, scope_.columns, length, guard->who()});
      });
      if (!stop.ok()) return stop;  // its guard looks whether there is anything to undo
    } catch (const Error& error) {
      if (error.exit() == Exit::not_yet) return Stop::held({HoldKind::requires_, error.what(), error.hint(), {}});
      if (error.exit() != Exit::refused) throw;
      return Stop::held(refusal(error.what(), error.hint()));
    }
    endure(*guard, Clock::now() + length);
    undo(id, length);
    guard->done();
    if (bench_.control().stopping()) return Stop::signalled();
    return bench_.outside_transaction([](ports::Session&) {});  // a lost lease shows here
  }

  void arm_detectors() {
    armed_.clear();
    blind_.clear();
    for (const auto& detector : detectors_) {
      try {
        const auto problem = detector->arm();
        if (!problem) armed_.push_back(detector.get());
        if (problem) blind_.push_back(detector->name() + ": " + *problem);
      } catch (const Error& error) {
        blind_.push_back(detector->name() + ": " + error.what());
      }
    }
  }

  /// Until the time is over, or there is a reason not to wait for that.
  void endure(ports::BrownoutGuard& guard, Clock::time_point end) {
    trip_.reset();
    cut_.clear();
    auto next_look = Clock::now();
    while (!trip_ && cut_.empty() && Clock::now() < end) {
      bench_.control().wait(
          std::min(tick, std::chrono::duration_cast<milliseconds>(end - Clock::now()) + milliseconds(1)));
      if (bench_.control().stopping() || bench_.control().lost()) {
        cut_ = bench_.control().lost() ? "the lease was lost" : "a signal asked to stop";
      } else if (!guard.alive()) {
        cut_ = "its guard, " + guard.who() + ", ended";
      } else if (Clock::now() >= next_look) {
        next_look = Clock::now() + looking;
        look_round();
      }
    }
  }

  void look_round() {
    try {
      ask_detectors();
      if (trip_) return;
      if (bench_.is_paused(bench_.session())) cut_ = "the plan was paused";
      if (const auto hold = bench_.control().health()) cut_ = hold->reason;
      if (const auto hold = sample()) {
        cut_ = hold->reason;
        again_ = true;
      }
      if (!cut_.empty()) ask_detectors();  // what they see says more than that something is wrong
    } catch (const Error& error) {
      cut_ = error.what();
    }
  }

  void ask_detectors() {
    for (auto* detector : std::vector(armed_)) {
      if (trip_) return;
      try {
        if ((trip_ = detector->look())) trip_->who = detector->name() + ": " + trip_->who;
      } catch (const Error& error) {
        std::erase(armed_, detector);
        blind_.push_back(detector->name() + ": " + error.what());
      }
    }
  }

  /// With a session of its own, past the fence: giving back is always right. Goes on until it is done or the guard has
  /// had the time to do it.
  void undo(std::int64_t id, seconds length) {
    const auto give_up = Clock::now() + undone_within(length) + seconds(30);
    for (bool undone = false; !undone;) {
      try {
        if (!undoing_) undoing_ = bench_.surroundings().connect();
        if (undo_brownouts(*undoing_, bench_.surroundings().actor, bench_.fence().plan, false, "this runner").empty() &&
            cut_.empty() && !trip_)
          cut_ = "somebody else undid it";
        undone = true;
      } catch (const Error& error) {
        if (!passes(error) || Clock::now() > give_up) throw;
        if (error.remedy() != Remedy::retry) undoing_.reset();
        std::this_thread::sleep_for(tick);  // a signal must not make this hurry
      }
    }
    for (const auto end = Clock::now() + aftermath; !trip_ && cut_.empty() && Clock::now() < end;) {
      bench_.control().wait(tick * 3);
      ask_detectors();
    }
    settle(id, length);
  }

  std::string says() {
    std::vector<std::string> watched;
    for (const auto* detector : armed_)
      if (detector->telling() && detector->looked()) watched.push_back(detector->name());
    std::string text =
        watched.empty() ? "no detector could see a refusal: it proves nothing" : "watched by " + joined(watched);
    for (const auto* detector : armed_)
      if (detector->telling() && !detector->looked()) text += "; " + detector->name() + " did not look within it";
    for (const std::string& blind : blind_) text += "; " + blind;
    const auto roles = unstoppable_roles(*undoing_, bench_.fence().plan);
    if (!roles.empty())
      text += "; proves nothing for " + std::string(roles.size() == 1 ? "the role " : "the roles ") + joined(roles) +
              ", which no revoked privilege stops";
    return text;
  }

  void settle(std::int64_t id, seconds length) {
    BrownoutOutcome outcome = BrownoutOutcome::quiet;
    const std::string said = says();
    std::string reason = show_duration(length) + ": nothing tripped; " + said;
    json detail{{"says", said}};
    if (trip_) {
      outcome = trip_->certain ? BrownoutOutcome::tripped : BrownoutOutcome::suspected;
      reason = trip_->who;
      detail["who"] = trip_->who;
      again_ = true;
    } else if (!cut_.empty()) {
      outcome = BrownoutOutcome::cut_short;
      reason = cut_;
      detail["who"] = cut_;
    }
    ports::Transaction transaction(*undoing_);
    settle_brownout(*undoing_, id, outcome, detail.dump(-1, ' ', false, json::error_handler_t::replace));
    add_event(*undoing_, bench_.surroundings().actor, bench_.fence().plan, "brownout_" + std::string(name(outcome)),
              "migrated", "migrated", reason, json{{"id", id}}.dump());
    transaction.commit();
  }

  Workbench& bench_;
  milliseconds every_;
  const std::function<std::optional<Hold>()>& look_;
  Clock::time_point next_sample_;
  BrownoutScope scope_;
  std::vector<std::unique_ptr<ports::BrownoutDetector>> detectors_;
  std::vector<ports::BrownoutDetector*> armed_;
  std::vector<std::string> blind_;  ///< detectors that are not heeded, and why
  std::unique_ptr<ports::Session> undoing_;
  std::optional<ports::Trip> trip_;
  std::string cut_;  ///< why the stretch ended before its time
  bool again_ = false;
};

}  // namespace

Stretches brownout_stretches(Workbench& bench) {
  return bench.plan().contract.brownout.value_or(bench.settings().brownout);
}

Stop brown_out(Workbench& bench, milliseconds every, const std::function<std::optional<Hold>()>& look, bool& again) {
  return BrowningOut(bench, every, look).run(again);
}

}  // namespace switchback::engine
