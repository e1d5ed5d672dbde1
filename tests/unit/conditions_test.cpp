#include "switchback/core/conditions.hpp"

#include "catch.hpp"

using namespace switchback;
using State = Signal::State;
using Reasons = std::vector<std::string>;

namespace {

Signal reading(const std::string& name, State state, int second) {
  Signal signal;
  signal.name = name;
  signal.state = state;
  signal.reason = name + " is wrong";
  signal.at = Monotonic(std::chrono::seconds(second));
  return signal;
}

}  // namespace

TEST_CASE("a condition is met when two readings in a row are bad", "[conditions]") {
  ConditionMemory memory;
  CHECK(memory.met({reading("http", State::bad, 1)}).empty());
  CHECK(memory.met({reading("http", State::bad, 1)}).empty());  // the same reading, looked at again
  CHECK(memory.met({reading("http", State::bad, 2)}) == Reasons{"http is wrong"});
  CHECK(memory.met({reading("http", State::bad, 3)}) == Reasons{"http is wrong"});
}

TEST_CASE("a good reading, or none, between bad ones begins anew", "[conditions]") {
  for (const State between : {State::good, State::unknown}) {
    ConditionMemory memory;
    CHECK(memory.met({reading("http", State::bad, 1)}).empty());
    CHECK(memory.met({reading("http", between, 2)}).empty());
    CHECK(memory.met({reading("http", State::bad, 3)}).empty());
    CHECK(memory.met({reading("http", State::bad, 4)}).size() == 1);
  }
}

TEST_CASE("each condition counts by itself", "[conditions]") {
  ConditionMemory memory;
  CHECK(memory.met({reading("a", State::bad, 1), reading("b", State::good, 1)}).empty());
  CHECK(memory.met({reading("a", State::good, 2), reading("b", State::bad, 2)}).empty());
  CHECK(memory.met({reading("a", State::bad, 3), reading("b", State::bad, 3)}) == Reasons{"b is wrong"});
}
