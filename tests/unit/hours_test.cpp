#include "switchback/core/hours.hpp"

#include "catch.hpp"

using namespace switchback;

TEST_CASE("hours are read as times of the day with a zone", "[hours]") {
  const auto hours = parse_hours("22:00-06:00 Europe/Berlin, 12:30-13:00");
  REQUIRE(hours);
  CHECK(*hours == std::vector<Hours>{{22 * 60, 6 * 60, "Europe/Berlin"}, {12 * 60 + 30, 13 * 60, ""}});
  CHECK(shown(hours->front()) == "22:00-06:00 Europe/Berlin");
  CHECK(parse_hours("")->empty());
  for (const char* wrong : {"22-6", "22:00", "25:00-06:00", "22:60-06:00", "22:00-22:00", "22:00-06:00Europe",
                            "22:00-06:00 'x'", "22:00-06:00,", "24:30-06:00"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_hours(wrong));
  }
}

TEST_CASE("hours may go over midnight", "[hours]") {
  const Hours night{22 * 60, 6 * 60, ""};
  CHECK(within(night, 23 * 60));
  CHECK(within(night, 0));
  CHECK(within(night, 5 * 60 + 59));
  CHECK_FALSE(within(night, 6 * 60));
  CHECK_FALSE(within(night, 12 * 60));
  const Hours noon{12 * 60, 13 * 60, ""};
  CHECK(within(noon, 12 * 60));
  CHECK_FALSE(within(noon, 13 * 60));
  CHECK(within({0, 24 * 60, ""}, 1439));
}
