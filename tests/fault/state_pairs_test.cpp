// Every pair of states that the table of transitions allows, forth and back, under writers of both images.
#include <algorithm>
#include <optional>

#include "catch.hpp"
#include "state_scene.hpp"

using namespace switchback;
using namespace switchback::tests;

namespace {

bool resting(State state) {
  return facts(state).resting;
}

void forth(StateScene& scene, State to) {
  const State from = scene.state();
  if (from == to) return;
  INFO("forth from " << name(from) << " to " << name(to));
  scene.write_along(way_forward(from, to));
  scene.go(scene.forward(to), to);
}

void back(StateScene& scene, Back way) {
  INFO("back from " << words(way));
  scene.write_along(way_back(way.from, way.to));
  scene.go(scene.back(way.to), way.to);
}

/// What the table does not lead to is refused, and nothing has changed.
void refuse_the_rest(StateScene& scene) {
  const State from = scene.state();
  for (const State to : {State::migrated, State::expanded, State::rolled_back}) {
    const auto all = ways_back();
    const bool allowed = std::ranges::any_of(all, [&](Back way) { return way.from == from && way.to == to; });
    if (from == to || allowed) continue;
    INFO("from " << name(from) << " to " << name(to));
    CHECK(scene.run(scene.back(to)).exit_code == 3);
    CHECK(scene.state() == from);
  }
}

}  // namespace

TEST_CASE("from each resting state back to each earlier one, under writers, the schema and the rows are what they were",
          "[fault][state_pairs]") {
  StateScene scene;
  for (const Back way : ways_back()) {
    if (!resting(way.from) || way.from == State::done) continue;
    forth(scene, way.from);
    refuse_the_rest(scene);
    back(scene, way);
  }
}

namespace {

/// Where a runner is killed so that the plan stands in a state that is on the way: what it was doing, from where, and
/// at which of the commits that it makes there.
struct Halt {
  State from;
  bool back;
  State to;
  int number;
  bool before;  ///< the state is gone by the end of the only transaction that sees it: killed with that open
};

std::optional<Halt> halt_in(State state) {
  switch (state) {
    case State::expanding:
      return Halt{State::planned, false, State::expanded, 6, false};
    case State::migrating:
      return Halt{State::expanded, false, State::migrated, 8, false};
    case State::hiding:
      return Halt{State::migrated, false, State::hidden, 1, true};
    case State::contracting:
      return Halt{State::hidden, false, State::contracted, 6, false};
    case State::unhiding:
      return Halt{State::hidden, true, State::migrated, 1, true};
    case State::restoring:
      return Halt{State::contracted, true, State::migrated, 6, false};
    case State::rolling_back:
      return Halt{State::migrated, true, State::expanded, 3, false};
    default:
      return std::nullopt;
  }
}

}  // namespace

TEST_CASE("a plan whose runner was killed in any state on its way is turned back to each earlier resting state",
          "[fault][state_pairs]") {
  Stations stations;
  for (const Back way : ways_back()) {
    if (resting(way.from)) continue;
    INFO(words(way));
    const auto halt = halt_in(way.from);
    REQUIRE(halt);  // a state that is new: say how a plan comes to stand in it
    const auto scene = stations.at(halt->from).copy();
    std::vector<State> all = way_back(way.from, way.to);
    all.insert(all.begin(), halt->from);
    scene->write_along(all);
    const std::string here = "EXISTS (SELECT FROM switchback.plan WHERE state = '" +
                             std::string(name(halt->before ? halt->to : way.from)) + "')";
    REQUIRE(
        scene->killed(halt->back ? scene->back(halt->to) : scene->forward(halt->to), here, halt->number, halt->before));
    REQUIRE(scene->state() == (halt->before ? halt->from : way.from));
    scene->go(scene->back(way.to), way.to);
    if (way.to != State::migrated) forth(*scene, State::migrated);
  }
}

TEST_CASE("a plan that took nothing away is turned back from done to before it, and to nothing in between",
          "[fault][state_pairs]") {
  StateScene scene(Takes::nothing);
  for (const Back way : ways_back()) {
    if (way.from != State::done) continue;
    forth(scene, State::done);
    refuse_the_rest(scene);
    if (way.to == State::rolled_back) {
      back(scene, way);
    } else {  // there is no sync any more that would keep both sides right
      CHECK(scene.run(scene.back(way.to)).exit_code == 3);
      CHECK(scene.state() == State::done);
    }
  }
}

TEST_CASE("what the new image wrote after sync had ended is counted before it is rolled back from done",
          "[fault][state_pairs]") {
  StateScene scene(Takes::nothing_synced);
  forth(scene, State::done);  // and the new image writes there, what the old side does not hear of
  const std::string differ =
      scene.ask("SELECT count(*) FROM users WHERE full_name IS DISTINCT FROM concat_ws(' ', first_name, last_name)");
  REQUIRE(differ != "0");
  const auto refused = scene.run(scene.back(State::rolled_back));
  INFO(refused.err);
  CHECK(refused.exit_code == 3);
  CHECK(refused.err.find(differ + " of 1,") != std::string::npos);
  CHECK(scene.state() == State::done);
  Words despite = scene.back(State::rolled_back);
  for (const char* word : {"--despite", "loss", "--reason", "a test"}) despite.emplace_back(word);
  // Those that were born without the old name: it was NOT NULL.
  const auto held = scene.run(despite);
  INFO(held.err);
  CHECK(held.exit_code == 6);
  CHECK(scene.ask("SELECT hold->>'kind' FROM switchback.plan") == "violation");
  scene.ask("UPDATE users SET full_name = concat_ws(' ', first_name, last_name) WHERE full_name IS NULL");
  const auto ended = scene.run(despite);
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(scene.state() == State::rolled_back);
  CHECK(scene.ask("SELECT reason FROM switchback.event WHERE kind = 'despite'") == "loss: a test");
}

TEST_CASE("a way back to before the plan does not stop at expanded, and one that stops there can be sent further",
          "[fault][state_pairs]") {
  Stations stations;
  // Some of what expand made is gone, which begins when all that migrate made is.
  const std::string far = "EXISTS (SELECT FROM switchback.step WHERE phase = 'expand' AND status = 'undone')";
  const std::string near = "EXISTS (SELECT FROM switchback.plan WHERE state = 'rolling_back')";
  {
    const auto scene = stations.at(State::migrated).copy();
    REQUIRE(scene->killed(scene->back(State::rolled_back), far, 1));
    CHECK(scene->run(scene->back(State::expanded)).exit_code == 3);
    CHECK(scene->state() == State::rolling_back);
    scene->go(scene->forward(State::expanded), State::expanded);
  }
  const auto scene = stations.at(State::migrated).copy();
  REQUIRE(scene->killed(scene->back(State::expanded), near, 2));
  REQUIRE(scene->killed(scene->back(State::rolled_back), far, 1));
  // Who goes forward now ends the further way first: what expand made is made anew.
  scene->go(scene->forward(State::migrated), State::migrated);
  scene->go(scene->back(State::rolled_back), State::rolled_back);
}
