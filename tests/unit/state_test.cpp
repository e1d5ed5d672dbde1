#include "switchback/core/state.hpp"

#include <set>

#include "catch.hpp"

using namespace switchback;

TEST_CASE("every state has one row, one name, and is found by it", "[state]") {
  std::set<State> seen;
  std::set<std::string_view> names;
  for (const StateFacts& row : state_table) {
    CHECK(seen.insert(row.state).second);
    CHECK(names.insert(row.name).second);
    CHECK(state_named(row.name) == row.state);
    CHECK(name(row.state) == row.name);
    CHECK_FALSE(row.truth.empty());
  }
  CHECK(seen.size() == static_cast<std::size_t>(State::rolled_back) + 1);
  CHECK_FALSE(state_named("finished"));
  CHECK_FALSE(state_named(""));
}

TEST_CASE("whatever is on the way arrives somewhere that rests, and every state is reached from planned", "[state]") {
  for (const StateFacts& row : state_table) {
    if (row.resting) continue;
    CAPTURE(row.name);
    const auto arrival = next_state(row.state, Event::arrive);
    REQUIRE(arrival);
    CHECK(facts(*arrival).resting);
  }
  std::set<State> reached{State::planned};
  for (std::size_t before = 0; before != reached.size();) {
    before = reached.size();
    for (const Transition& row : transitions)
      if (reached.contains(row.from)) reached.insert(row.to);
  }
  CHECK(reached.size() == state_table.size());
}

TEST_CASE("an event that is not in the table leads nowhere", "[state]") {
  CHECK_FALSE(next_state(State::planned, Event::contract));
  CHECK_FALSE(next_state(State::migrated, Event::contract));
  CHECK_FALSE(next_state(State::done, Event::expand));
  CHECK_FALSE(next_state(State::contracted, Event::hide));
  CHECK(next_state(State::migrated, Event::hide) == State::hiding);
}

TEST_CASE("on the way each image counts as the weaker of the two ends", "[state]") {
  for (const Transition& row : transitions) {
    if (row.on != Event::arrive && row.on != Event::arrive_expanded) continue;
    // The drop is one transaction with the arrival: until then contracting is as hidden.
    if (row.from == State::contracting) continue;
    CAPTURE(name(row.from), name(row.to));
    CHECK(facts(row.from).before >= facts(row.to).before);
    CHECK(facts(row.from).after >= facts(row.to).after);
  }
}

TEST_CASE("in done the old image works only where nothing was taken away", "[state]") {
  CHECK(image_safety(State::done, true).before == Safety::breaks);
  CHECK(image_safety(State::done, false).before == Safety::works);
  CHECK(image_safety(State::done, false).after == Safety::works);
  CHECK(image_safety(State::migrated, true).before == Safety::works);
  CHECK(word(Safety::works) == "safe");
  CHECK(word(Safety::unsafe) == "unsafe");
  CHECK(word(Safety::breaks) == "breaks");
}

TEST_CASE("the diagram has every transition and marks what is on the way", "[state]") {
  const std::string diagram = state_diagram();
  CHECK(diagram.starts_with("stateDiagram-v2\n"));
  for (const Transition& row : transitions) {
    const std::string line = "    " + std::string(name(row.from)) + " --> " + std::string(name(row.to)) + ": " +
                             std::string(name(row.on)) + "\n";
    CHECK(diagram.find(line) != std::string::npos);
  }
  CHECK(diagram.find("class migrating on_the_way") != std::string::npos);
  CHECK(diagram.find("class migrated on_the_way") == std::string::npos);
}
