#include "switchback/core/signals.hpp"

#include "catch.hpp"
#include "switchback/core/health_hold.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

using State = Signal::State;

/// Seconds since some moment.
Monotonic at(double seconds) {
  return Monotonic(std::chrono::hours(1)) +
         std::chrono::duration_cast<Monotonic::duration>(std::chrono::duration<double>(seconds));
}

Signal reading(const std::string& name, State state, double when) {
  Signal signal;
  signal.name = name;
  signal.state = state;
  signal.reason = name + (state == State::bad ? " is bad" : " cannot be read");
  signal.ends_when = name + " is clear";
  signal.at = at(when);
  return signal;
}

using Reasons = std::vector<std::string>;

}  // namespace

TEST_CASE("a bad budget holds at once, and until it was seen good for its clear time", "[signals]") {
  SignalGate gate;
  const auto judged = [&](double when, State state) {
    const std::vector<Signal> signals{reading("a", state, when)};
    return gate.judge(at(when), signals, 15s);
  };
  CHECK(judged(0, State::good).reasons.empty());
  CHECK(judged(1, State::bad).reasons == Reasons{"a is bad"});
  CHECK(judged(1, State::bad).ends_when == Reasons{"a is clear"});
  CHECK(judged(2, State::good).reasons == Reasons{"a has been clear for 0 s of 3 s"});
  CHECK(judged(4.5, State::good).reasons == Reasons{"a has been clear for 2.5 s of 3 s"});
  CHECK(judged(5, State::good).reasons.empty());
}

TEST_CASE("clear means seen clear without a break", "[signals]") {
  SignalGate gate;
  const auto holds = [&](double when, State state) {
    const std::vector<Signal> signals{reading("a", state, when)};
    return !gate.judge(at(when), signals, 15s).reasons.empty();
  };
  CHECK(holds(0, State::bad));
  CHECK(holds(1, State::good));
  const State broken_by = GENERATE(State::bad, State::unknown);
  CHECK(holds(3, broken_by));
  CHECK(holds(4, State::good));
  CHECK(holds(6.9, State::good));
  CHECK_FALSE(holds(7, State::good));
}

TEST_CASE("what cannot be read holds after the grace when it is required, and never when it is not", "[signals]") {
  SignalGate gate;
  const bool required = GENERATE(true, false);
  const auto judged = [&](double when) {
    Signal signal = reading("a", State::unknown, when);
    signal.required = required;
    return gate.judge(at(when), std::vector<Signal>{signal}, 15s).reasons;
  };
  CHECK(judged(0).empty());
  CHECK(judged(14.9).empty());
  CHECK(judged(15) == (required ? Reasons{"a cannot be read for 15 s"} : Reasons{}));
  CHECK(judged(20) == (required ? Reasons{"a cannot be read for 20 s"} : Reasons{}));
}

TEST_CASE("a look that succeeds starts the grace again", "[signals]") {
  SignalGate gate;
  const auto holds = [&](double when, State state) {
    return !gate.judge(at(when), std::vector<Signal>{reading("a", state, when)}, 15s).reasons.empty();
  };
  CHECK_FALSE(holds(0, State::unknown));
  CHECK_FALSE(holds(14, State::good));
  CHECK_FALSE(holds(16, State::unknown));
  CHECK_FALSE(holds(30.9, State::unknown));
  CHECK(holds(31, State::unknown));
}

TEST_CASE("what was bad goes on holding while it cannot be read", "[signals]") {
  SignalGate gate;
  const bool required = GENERATE(true, false);
  const auto judged = [&](double when, State state) {
    Signal signal = reading("a", state, when);
    signal.required = required;
    return gate.judge(at(when), std::vector<Signal>{signal}, 15s).reasons;
  };
  CHECK(judged(0, State::bad) == Reasons{"a is bad"});
  CHECK(judged(1, State::unknown) == Reasons{"a is bad"});
  CHECK(judged(100, State::unknown).size() == 1);
}

TEST_CASE("a reading that stops coming is unknown, whatever it said last", "[signals]") {
  SignalGate gate;
  const std::vector<Signal> last{reading("a", State::good, 0)};
  CHECK(gate.judge(at(0), last, 2s).reasons.empty());
  CHECK(gate.judge(at(5), last, 2s).reasons.empty());  // fresh for 5 s
  CHECK(gate.judge(at(6), last, 2s).reasons.empty());
  CHECK(gate.judge(at(7.9), last, 2s).reasons.empty());
  CHECK(gate.judge(at(8), last, 2s).reasons == Reasons{"a has not been read for 2 s"});
}

TEST_CASE("a process that stood still has not seen anything clear meanwhile", "[signals]") {
  SignalGate gate;
  const auto holds = [&](double when, State state) {
    return !gate.judge(at(when), std::vector<Signal>{reading("a", state, when)}, 15s).reasons.empty();
  };
  CHECK(holds(0, State::bad));
  CHECK(holds(1, State::good));
  CHECK(holds(600, State::good));
  CHECK(holds(602.9, State::good));
  CHECK_FALSE(holds(603, State::good));
}

TEST_CASE("every signal that holds is named, the others are not", "[signals]") {
  SignalGate gate;
  const std::vector<Signal> signals{reading("a", State::bad, 0), reading("b", State::good, 0),
                                    reading("c", State::bad, 0)};
  const auto verdict = gate.judge(at(0), signals, 15s);
  CHECK(verdict.reasons == Reasons{"a is bad", "c is bad"});
  CHECK(verdict.ends_when == Reasons{"a is clear", "c is clear"});
  CHECK(verdict.slowed_by.empty());
}

TEST_CASE("a gauge slows and never holds; unreadable, it says what it said last", "[signals]") {
  SignalGate gate;
  const auto judged = [&](double when, State state) {
    Signal signal = reading("g", state, when);
    signal.kind = Signal::Kind::gauge;
    const auto verdict = gate.judge(at(when), std::vector<Signal>{signal}, 1s);
    CHECK(verdict.reasons.empty());
    return verdict.slowed_by;
  };
  CHECK(judged(0, State::unknown).empty());
  CHECK(judged(1, State::bad) == Reasons{"g is bad"});
  CHECK(judged(60, State::unknown) == Reasons{"g is bad"});
  CHECK(judged(61, State::good).empty());
  CHECK(judged(120, State::unknown).empty());
}

TEST_CASE("a signal that is not among them any more is forgotten", "[signals]") {
  SignalGate gate;
  CHECK(gate.judge(at(0), std::vector<Signal>{reading("a", State::bad, 0)}, 15s).reasons.size() == 1);
  CHECK(gate.judge(at(1), std::vector<Signal>{}, 15s).reasons.empty());
  CHECK(gate.judge(at(2), std::vector<Signal>{reading("a", State::good, 2)}, 15s).reasons.empty());
}

TEST_CASE("the hold for health has the reasons and the ends of replication and of all signals", "[signals]") {
  const Hold lag{HoldKind::health, "replica r1 lag 3 s over 1 s", "lag under 0.5 s for 3 s", {}};
  const SignalGate::Verdict nothing;
  SignalGate::Verdict two;
  two.reasons = {"a is bad", "b is bad"};
  two.ends_when = {"a is clear", "b is clear"};
  CHECK_FALSE(health_hold(std::nullopt, nothing));
  CHECK(health_hold(lag, nothing) == lag);
  CHECK(health_hold(std::nullopt, two) ==
        Hold{HoldKind::health, "a is bad", "a is clear, and b is clear", {"a is bad", "b is bad"}});
  CHECK(health_hold(lag, two) == Hold{HoldKind::health,
                                      "replica r1 lag 3 s over 1 s",
                                      "lag under 0.5 s for 3 s, and a is clear, and b is clear",
                                      {"replica r1 lag 3 s over 1 s", "a is bad", "b is bad"}});
  two.reasons.pop_back();
  two.ends_when.pop_back();
  CHECK(health_hold(std::nullopt, two) == Hold{HoldKind::health, "a is bad", "a is clear", {}});
}
