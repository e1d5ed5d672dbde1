#include "switchback/core/notification.hpp"

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

Told state(const std::string& from, const std::string& to, const std::string& reason = "") {
  Told event;
  event.plan = "split";
  event.database = "shop";
  event.kind = "state";
  event.from = from;
  event.to = to;
  event.reason = reason;
  return event;
}

Told hold(const std::string& kind) {
  Told event = state("migrating", "migrating", "replica r1 lags 3 s");
  event.kind = "hold";
  event.hold_kind = kind;
  event.ends_when = "lag under 0.5 s";
  return event;
}

}  // namespace

TEST_CASE("holds, approvals, ways back, arrivals and overrides are told, steps on the way are not", "[notification]") {
  CHECK(occasion_of(hold("health")) == "hold");
  CHECK(occasion_of(hold("approval")) == "approval");
  CHECK(occasion_of(state("hidden", "unhiding")) == "turned_back");
  CHECK(occasion_of(state("unhiding", "migrated")) == "turned_back");
  CHECK(occasion_of(state("migrating", "migrated")) == "done");
  CHECK(occasion_of(state("contracting", "contracted")) == "done");
  CHECK_FALSE(occasion_of(state("planned", "expanding")));
  CHECK_FALSE(occasion_of(state("rolled_back", "expanding")));
  Told event = state("", "");
  event.kind = "despite";
  CHECK(occasion_of(event) == "override");
  event.kind = "verified";
  CHECK(occasion_of(event) == "turned_back");
  event.kind = "step";
  CHECK_FALSE(occasion_of(event));
}

TEST_CASE("a target is told of what it names, or of everything", "[notification]") {
  NotifyTarget target;
  CHECK(wants(target, "hold"));
  target.on = {"turned_back"};
  CHECK_FALSE(wants(target, "hold"));
  CHECK(wants(target, "turned_back"));
}

TEST_CASE("what is told says which plan, where, why, and what lets it go on", "[notification]") {
  CHECK(sentence_of(hold("health")) ==
        "split (shop) holds in migrating: replica r1 lags 3 s\ngoes on when: lag under 0.5 s");
  CHECK(sentence_of(hold("approval")).starts_with("split (shop) waits for approval in migrating"));
  CHECK(sentence_of(state("hidden", "unhiding", "error rate 3 %")) ==
        "split (shop) is unhiding, from hidden: error rate 3 %");
  CHECK(slack_text(state("a", "migrated", "x < 3 & y > <!channel>")) ==
        "split (shop) is migrated: x &lt; 3 &amp; y &gt; &lt;!channel&gt;");
}

TEST_CASE("what cannot be delivered is tried again ever more seldom, what is refused is not", "[notification]") {
  CHECK(notify_pause(1) == 2s);
  CHECK(notify_pause(2) == 4s);
  CHECK(notify_pause(8) == 256s);
  CHECK(notify_pause(9) == 300s);
  CHECK(notify_pause(1000) == 300s);
  CHECK(may_pass(503));
  CHECK(may_pass(429));
  CHECK_FALSE(may_pass(404));
}
