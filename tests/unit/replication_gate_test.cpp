#include "catch.hpp"
#include "switchback/core/pacing.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

using Lag = std::optional<std::chrono::milliseconds>;

/// The gate, fed every 250 ms as the watch feeds it. Limit 1 s, target 500 ms, clear 3 s, grace 15 s.
struct Fed {
  ReplicationGate gate;
  Settings settings;
  Monotonic now{1h};

  std::optional<Hold> feed(const Lag& lag, std::chrono::milliseconds lasting = 250ms) {
    return feed({ReplicaReading{"r1", lag, lag ? "" : "is not connected any more"}}, lasting);
  }
  std::optional<Hold> feed(const std::vector<ReplicaReading>& replicas, std::chrono::milliseconds lasting = 250ms,
                           const std::string& problem = {}) {
    std::optional<Hold> hold;
    for (auto end = now + lasting; now < end;) {
      now += 250ms;
      hold = gate.judge(now, {now, replicas, problem}, settings);
    }
    return hold;
  }
};

}  // namespace

TEST_CASE("without replicas, and under the limit, nothing holds", "[pacing]") {
  Fed fed;
  CHECK_FALSE(fed.feed(std::vector<ReplicaReading>{}, 1min));
  CHECK_FALSE(fed.feed(Lag(0ms), 1min));
  CHECK_FALSE(fed.feed(Lag(999ms), 1min));
}

TEST_CASE("a lag at the limit holds at once and names the replica, its reading and what ends it", "[pacing]") {
  Fed fed;
  const auto hold = fed.feed(Lag(3400ms));
  REQUIRE(hold);
  CHECK(hold->kind == HoldKind::health);
  CHECK(hold->reason == "replica r1 lag 3.4 s over 1 s");
  CHECK(hold->ends_when.find("under 0.5 s for 3 s") != std::string::npos);
  CHECK(Fed().feed(Lag(1000ms)));
}

TEST_CASE("a hold ends only after a stretch under the target, not under the limit", "[pacing]") {
  Fed fed;
  REQUIRE(fed.feed(Lag(2s)));
  CHECK(fed.feed(Lag(700ms), 1min));
  CHECK(fed.feed(Lag(400ms), 2750ms));
  CHECK(fed.feed(Lag(600ms)));  // the stretch is broken
  CHECK(fed.feed(Lag(400ms), 3000ms));
  CHECK_FALSE(fed.feed(Lag(400ms)));
  CHECK_FALSE(fed.feed(Lag(900ms), 1min));  // between target and limit does not hold again
}

TEST_CASE("an unknown replica holds only when the grace is over", "[pacing]") {
  Fed fed;
  CHECK_FALSE(fed.feed(Lag(), 15s));
  const auto hold = fed.feed(Lag());
  REQUIRE(hold);
  CHECK(hold->reason.starts_with("replica r1 is not connected any more for 15"));
}

TEST_CASE("an unknown replica that is seen in between starts its grace anew", "[pacing]") {
  Fed fed;
  CHECK_FALSE(fed.feed(Lag(), 14s));
  CHECK_FALSE(fed.feed(Lag(100ms)));
  CHECK_FALSE(fed.feed(Lag(), 14s));
}

TEST_CASE("while it holds, an unknown replica keeps holding without any grace", "[pacing]") {
  Fed fed;
  REQUIRE(fed.feed(Lag(2s)));
  CHECK(fed.feed(Lag(), 10s));
  CHECK(fed.feed(Lag(100ms), 3s));
  CHECK_FALSE(fed.feed(Lag(100ms)));
}

TEST_CASE("a sample that stopped coming is unknown, and holds when the grace is over", "[pacing]") {
  Fed fed;
  REQUIRE_FALSE(fed.feed(Lag(0ms)));
  const ReplicationSample last{fed.now, {{"r1", 0ms, ""}}, ""};
  std::optional<Hold> hold;
  Monotonic at = fed.now;
  while (!hold && at < fed.now + 1min) hold = fed.gate.judge(at += 250ms, last, fed.settings);
  REQUIRE(hold);
  CHECK(hold->reason.find("replication could not be read") != std::string::npos);
  CHECK(at - fed.now >= 15s);
  CHECK(at - fed.now <= 20s);
}

TEST_CASE("a primary that cannot be asked is unknown, with why", "[pacing]") {
  Fed fed;
  CHECK_FALSE(fed.feed(std::vector<ReplicaReading>{}, 15s, "server closed the connection"));
  const auto hold = fed.feed(std::vector<ReplicaReading>{}, 250ms, "server closed the connection");
  REQUIRE(hold);
  CHECK(hold->reason.find("server closed the connection") != std::string::npos);
}

TEST_CASE("every reason is shown, not the first", "[pacing]") {
  Fed fed;
  fed.feed({{"r1", 100ms, ""}, {"r2", std::nullopt, "is in state catchup"}, {"r3", 0ms, ""}}, 15s);
  const auto hold = fed.feed({{"r1", 2s, ""}, {"r2", std::nullopt, "is in state catchup"}, {"r3", 5s, ""}});
  REQUIRE(hold);
  REQUIRE(hold->reasons.size() == 3);
  CHECK(hold->reasons[0] == hold->reason);
  CHECK(hold->reasons[1].find("r2 is in state catchup") != std::string::npos);
  CHECK(hold->reasons[2].find("r3 lag 5 s") != std::string::npos);
}

TEST_CASE("optional and ignored replicas hold nothing, required ones beside them do", "[pacing]") {
  Fed fed;
  fed.settings.replicas["r1"] = GENERATE(ReplicaPolicy::optional, ReplicaPolicy::ignore);
  CHECK_FALSE(fed.feed({{"r1", 10s, ""}, {"r2", 0ms, ""}}, 1min));
  CHECK_FALSE(fed.feed({{"r1", std::nullopt, "is not connected any more"}, {"r2", 0ms, ""}}, 1min));
  CHECK(fed.feed({{"r1", 0ms, ""}, {"r2", 10s, ""}}));
}

TEST_CASE("limits that change while it runs are heeded from the next sample on", "[pacing]") {
  Fed fed;
  REQUIRE_FALSE(fed.feed(Lag(700ms)));
  fed.settings.lag_limit = 600ms;
  CHECK(fed.feed(Lag(700ms)));
  fed.settings.lag_target = 800ms;
  fed.settings.lag_limit = 2s;
  fed.settings.lag_clear = 500ms;
  CHECK_FALSE(fed.feed(Lag(700ms), 1s));
}

TEST_CASE("the worst replica is the one that cannot be told, else the furthest behind", "[pacing]") {
  CHECK(worst_lag({Monotonic{}, {}, ""}) == "");
  CHECK(worst_lag({Monotonic{}, {{"r1", 200ms, ""}, {"r2", 1500ms, ""}}, ""}) == "r2 1.5 s");
  CHECK(worst_lag({Monotonic{}, {{"r1", 200ms, ""}, {"r2", std::nullopt, "gone"}}, ""}) == "r2 unknown");
}
