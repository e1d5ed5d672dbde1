#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "switchback/cli/render.hpp"

using namespace switchback;
using namespace switchback::cli;
using engine::PlanRecord;
using nlohmann::json;

namespace {

const Instant two_o_clock = parse_iso("2026-01-31T02:00:40Z").value();

PlanRecord migrating() {
  PlanRecord plan;
  plan.name = "split-full-name";
  plan.file = "plan.yaml";
  plan.hash = std::string(64, 'a');
  plan.state = State::migrating;
  plan.state_since = "2026-01-31T01:00:00Z";
  plan.takes_away = true;
  plan.images = {"shop:v41", "shop:v42"};
  plan.progress =
      engine::Progress{"backfill users", 12'540'000, 43'138'319, 8412.3, 2000, 38.2, 2, 3660, 0, "r1 0.2 s"};
  plan.runner = engine::RunnerRecord{3, "x", "host1", 42, "2026-01-31T02:00:38Z", false, true};
  return plan;
}

PlanRecord held(HoldKind kind = HoldKind::health) {
  PlanRecord plan = migrating();
  plan.hold = Hold{kind, "replica r2 lag 3.4 s over 1 s", "lag under 0.5 s for 3 s", {}};
  plan.hold_since = "2026-01-31T02:00:00Z";
  return plan;
}

json only_plan(const PlanRecord& plan) {
  return json::parse(status_json({plan})).at("plans").at(0);
}

}  // namespace

TEST_CASE("the progress line has the share, the rate, the batch, the lag and the time to go", "[cli]") {
  CHECK(
      progress_line(migrating(), two_o_clock) ==
      "split-full-name  migrating  users 12.5M of ~43.1M  29%  8,412 rows/s  batch 2,000 in 38 ms  worst lag r1 0.2 s  "
      "ETA 1h01m");
}

TEST_CASE("the progress line of a held plan says for how long and why, not how fast", "[cli]") {
  CHECK(progress_line(held(), two_o_clock) ==
        "split-full-name  migrating  users 12.5M of ~43.1M  29%  held 40 s: replica r2 lag 3.4 s over 1 s");
}

TEST_CASE("a share is never said to be whole before it is, also when the estimate was low", "[cli]") {
  PlanRecord plan = migrating();
  plan.progress->rows_done = 50'000'000;
  CHECK(progress_line(plan, two_o_clock).find("99%") != std::string::npos);
  plan.progress->rows_estimate = 0;
  CHECK(progress_line(plan, two_o_clock).find('%') == std::string::npos);
}

TEST_CASE("a clock that runs behind the server's never shows a negative age", "[cli]") {
  const Instant before = parse_iso("2026-01-31T01:59:00Z").value();
  CHECK(progress_line(held(), before).find("held 0 s") != std::string::npos);
}

TEST_CASE("status as JSON has every documented key, and null where there is nothing", "[cli]") {
  PlanRecord plan;
  plan.name = "p";
  plan.hash = "bb";
  const json document = json::parse(status_json({plan}));
  CHECK(document.at("schema_version") == 1);
  const json object = document.at("plans").at(0);
  CHECK(object.at("plan") == "p");
  CHECK(object.at("hash") == "sha256:bb");
  CHECK(object.at("state") == "planned");
  CHECK(object.at("hold").is_null());
  CHECK(object.at("runner").is_null());
  CHECK(object.at("progress").is_null());
  CHECK(object.at("images").at("before") == "safe");
  CHECK(object.at("images").at("after") == "breaks");
  CHECK(object.contains("turn_back_seconds"));
  CHECK(object.at("next").is_string());
}

TEST_CASE("status as JSON has the hold, the runner and the progress", "[cli]") {
  const json object = only_plan(held());
  CHECK(object.at("hold").at("kind") == "health");
  CHECK(object.at("hold").at("reason") == "replica r2 lag 3.4 s over 1 s");
  CHECK(object.at("hold").at("since") == "2026-01-31T02:00:00Z");
  CHECK(object.at("hold").at("ends_when") == "lag under 0.5 s for 3 s");
  CHECK_FALSE(object.at("hold").contains("reasons"));
  CHECK(object.at("runner").at("host") == "host1");
  CHECK(object.at("runner").at("pid") == 42);
  CHECK(object.at("runner").at("epoch") == 3);
  CHECK(object.at("runner").at("heartbeat") == "2026-01-31T02:00:38Z");
  CHECK(object.at("progress").at("step") == "backfill users");
  CHECK(object.at("progress").at("rows_per_second") == 8412);
  CHECK(object.at("progress").at("batch_ms") == 38);
  CHECK(object.at("progress").at("eta_seconds") == 3660);
  CHECK(object.at("next") == "nothing to do: goes on by itself when the hold ends");
}

TEST_CASE("several reasons stand beside the first", "[cli]") {
  PlanRecord plan = held();
  plan.hold->reasons = {plan.hold->reason, "replica r1 cannot be read"};
  const json object = only_plan(plan);
  CHECK(object.at("hold").at("reason") == "replica r2 lag 3.4 s over 1 s");
  CHECK(object.at("hold").at("reasons").size() == 2);
  CHECK(status_text({plan}, two_o_clock, Paint{}).find("replica r1 cannot be read") != std::string::npos);
}

TEST_CASE("a runner that let go is none, one whose lease ran out is shown as that", "[cli]") {
  PlanRecord plan = migrating();
  plan.runner->alive = false;
  CHECK(only_plan(plan).at("runner").at("alive") == false);
  CHECK(status_text({plan}, two_o_clock, Paint{}).find("lease has run out") != std::string::npos);
  plan.runner->released = true;
  CHECK(only_plan(plan).at("runner").is_null());
}

TEST_CASE("a pause counts before any runner has taken note of it", "[cli]") {
  PlanRecord plan = migrating();
  plan.paused = engine::Pause{"bob", "lunch", "2026-01-31T02:00:10Z"};
  const json hold = only_plan(plan).at("hold");
  CHECK(hold.at("kind") == "operator");
  CHECK(hold.at("reason") == "paused by bob: lunch");
  CHECK(next_for(plan) == "switchback resume split-full-name");

  PlanRecord both = held();
  both.paused = plan.paused;
  CHECK(only_plan(both).at("hold").at("kind") == "operator");
  CHECK(only_plan(both).at("hold").at("reasons").size() == 2);
}

TEST_CASE("what is next is a command wherever a person has to do something", "[cli]") {
  PlanRecord plan = migrating();
  CHECK(next_for(plan) == "nothing to do: process 42 on host1 is at it");
  plan.runner->alive = false;
  CHECK(next_for(plan) == "switchback run plan.yaml takes it up where it stands");
  plan.state = State::migrated;
  CHECK(next_for(plan).find("switchback run plan.yaml --to contracted --wait") != std::string::npos);
  plan.takes_away = false;
  CHECK(next_for(plan).starts_with("switchback run plan.yaml --to done"));
  plan.state = State::rolled_back;
  CHECK(next_for(plan) == "switchback run plan.yaml starts it again");
  plan.state = State::unhiding;
  plan.target = State::migrated;
  CHECK(next_for(plan).starts_with("switchback rollback split-full-name --to migrated"));
  plan.file = "my plans/a.yaml";
  plan.state = State::planned;
  CHECK(next_for(plan) == "switchback run 'my plans/a.yaml'");
}

TEST_CASE("no hold is without a way out, and none that only time ends says resume", "[cli]") {
  for (int i = 0; i <= static_cast<int>(HoldKind::failure); ++i) {
    PlanRecord plan = held(static_cast<HoldKind>(i));
    CAPTURE(name(plan.hold->kind));
    for (const bool alive : {true, false}) {
      plan.runner->alive = alive;
      CHECK_FALSE(next_for(plan).empty());
      if (plan.hold->kind != HoldKind::operator_) CHECK(next_for(plan).find("resume") == std::string::npos);
    }
  }
}

TEST_CASE("a dropped column takes as long to bring back as its rows take", "[cli]") {
  PlanRecord plan = migrating();
  plan.state = State::contracted;
  CHECK(turn_back_seconds(plan).value() > 1000);
  plan.state = State::hidden;
  CHECK(turn_back_seconds(plan) == 3);
  plan.state = State::done;
  CHECK_FALSE(turn_back_seconds(plan));
}

TEST_CASE("what a database holds does not steer the terminal", "[cli]") {
  PlanRecord plan = held();
  plan.hold->reason = "application \x1b[2J\x07 x\ny";
  const std::string text = status_text({plan}, two_o_clock, Paint{});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\\x1B[2J\\x07 x\\ny") != std::string::npos);
  CHECK(progress_line(plan, two_o_clock).find('\x1b') == std::string::npos);
}

TEST_CASE("colours appear only where they are wanted", "[cli]") {
  CHECK(status_text({held()}, two_o_clock, Paint{}).find('\x1b') == std::string::npos);
  CHECK(status_text({held()}, two_o_clock, Paint{true}).find("\x1b[") != std::string::npos);
}

TEST_CASE("text is cut at a character's start, and its end is marked", "[cli]") {
  CHECK(cut("abcdef", 6) == "abcdef");
  CHECK(cut("abcdef", 4) == "abc…");
  CHECK(cut("äöüß", 3) == "äö…");
  CHECK(columns_of("äöü") == 3);
}

TEST_CASE("times are read as the journal writes them, and nothing else is", "[cli]") {
  CHECK(show_iso(parse_iso("2026-01-31T02:03:04Z").value()) == "2026-01-31T02:03:04Z");
  CHECK(show_iso(parse_iso("2026-01-31T02:03:04.567Z").value()) == "2026-01-31T02:03:04Z");
  for (const char* wrong : {"", "2026-01-31", "2026-13-31T02:03:04Z", "2026-01-31T02:03:04", "2026-01-31 02:03:04Z+",
                            "2026-02-30T02:03:04Z", "2026-01-31T02:03:04.5Z"})
    CHECK_FALSE(parse_iso(wrong));
}
