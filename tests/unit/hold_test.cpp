#include "switchback/core/hold.hpp"

#include <set>

#include "catch.hpp"

using namespace switchback;

TEST_CASE("every kind of hold has a name of its own and is found by it", "[hold]") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(HoldKind::failure); ++i) {
    const auto kind = static_cast<HoldKind>(i);
    CAPTURE(i);
    CHECK_FALSE(name(kind).empty());
    CHECK(names.insert(name(kind)).second);
    CHECK(hold_kind_named(name(kind)) == kind);
  }
  CHECK(name(HoldKind::operator_) == "operator");
  CHECK(name(HoldKind::requires_) == "requires");
}

TEST_CASE("run waits by itself at what a person, a replica or a retry ends, and at nothing else", "[hold]") {
  const std::set<HoldKind> waits{HoldKind::operator_, HoldKind::health, HoldKind::lock, HoldKind::hours,
                                 HoldKind::failure};
  for (int i = 0; i <= static_cast<int>(HoldKind::failure); ++i) {
    const auto kind = static_cast<HoldKind>(i);
    CAPTURE(name(kind));
    CHECK(waits_by_default(kind) == waits.contains(kind));
  }
}

TEST_CASE("a hold that run does not wait at exits with 6, but for approval and drift", "[hold]") {
  CHECK(exit_of(HoldKind::approval) == Exit::approval);
  CHECK(exit_of(HoldKind::drift) == Exit::drift);
  CHECK(exit_of(HoldKind::usage) == Exit::not_yet);
  CHECK(exit_of(HoldKind::soak) == Exit::not_yet);
  CHECK(exit_of(HoldKind::quarantine) == Exit::not_yet);
}
