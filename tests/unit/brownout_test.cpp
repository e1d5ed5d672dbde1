#include "switchback/core/brownout.hpp"
#include "catch.hpp"
#include "switchback/postgres/server_log.hpp"

using namespace switchback;
using namespace std::chrono_literals;
using Outcome = BrownoutOutcome;

TEST_CASE("stretches are a list, on, or none", "[brownout]") {
  CHECK(parse_stretches("5s, 60s,1h") == Stretches{5s, 60s, 3600s});
  CHECK(parse_stretches("on") == parse_stretches("5s, 60s, 1h"));
  CHECK(parse_stretches("none") == Stretches{});
  CHECK(parse_stretches(format_stretches({5s, 90s})) == Stretches{5s, 90s});
  for (const char* wrong : {"", "5", "5s,", "500ms", "0s", "25h", "5s 60s"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_stretches(wrong));
  }
}

TEST_CASE("a stretch counts when it was quiet; one cut short is done again, and a trip begins with the first",
          "[brownout]") {
  const Stretches wanted{5s, 60s, 3600s};
  const auto done = [&](std::vector<PastStretch> past) { return stretches_done(past, wanted); };
  CHECK(done({}) == 0);
  CHECK(done({{5s, Outcome::quiet}}) == 1);
  CHECK(done({{5s, Outcome::quiet}, {60s, Outcome::cut_short}}) == 1);
  CHECK(done({{5s, Outcome::quiet}, {60s, Outcome::cut_short}, {60s, Outcome::quiet}}) == 2);
  CHECK(done({{5s, Outcome::quiet}, {60s, Outcome::tripped}}) == 0);
  CHECK(done({{5s, Outcome::quiet}, {60s, Outcome::suspected}, {5s, Outcome::quiet}}) == 1);
  CHECK(done({{5s, Outcome::quiet}, {60s, Outcome::quiet}, {3600s, Outcome::quiet}}) == 3);
  CHECK(done({{60s, Outcome::quiet}}) == 0);  // of another length than is asked for now
}

TEST_CASE("between two stretches things are as usual for as long as the one before, at most five minutes",
          "[brownout]") {
  CHECK(pause_after(0s) == 2s);
  CHECK(pause_after(60s) == 60s);
  CHECK(pause_after(3600s) == 5min);
}

TEST_CASE("rolled-back transactions rose when a burst stands out of what is usual", "[brownout]") {
  CHECK_FALSE(rollbacks_rose(10, 5s, 0));
  CHECK(rollbacks_rose(11, 5s, 0));
  CHECK_FALSE(rollbacks_rose(300, 60s, 2));
  CHECK(rollbacks_rose(400, 60s, 2));
}

TEST_CASE("only columns are browned out; the rest is left out by name", "[brownout]") {
  Plan plan;
  plan.contract.steps = {{SetNotNull{{"public", "users"}, "first_name"}, {}},
                         {DropColumn{{"public", "users"}, "full_name", {}}, {}},
                         {DropIndex{{"public", "users_idx"}}, {}}};
  const BrownoutScope scope = brownout_scope(plan);
  REQUIRE(scope.columns.size() == 1);
  CHECK(scope.columns.front()->name == "full_name");
  REQUIRE(scope.left_out.size() == 1);
  CHECK(scope.left_out.front().find("users_idx") != std::string::npos);
}

TEST_CASE("refusals are found in a csv log, whatever pieces it comes in", "[brownout]") {
  const std::string log =
      "2026-01-31 02:00:00.000 UTC,\"app\",\"shop\",11,\"[local]\",1.2,1,\"SELECT\",2026-01-31 02:00:00 "
      "UTC,3/4,0,ERROR,42P01,\"relation \"\"x\"\" does not exist\",,,,,,\"select 1\nfrom x\",15,,\"nightly\",\"client "
      "backend\",,0\n"
      "2026-01-31 02:00:01.000 UTC,\"app\",\"shop\",11,\"[local]\",1.2,2,\"SELECT\",2026-01-31 02:00:00 "
      "UTC,3/5,0,ERROR,42501,\"permission denied for table users\",,,,,,\"select \"\"full_name\"\",\n1 from "
      "users\",,,\"nightly\",\"client backend\",,0\n";
  for (std::size_t piece = 1; piece < log.size(); piece += 7) {
    postgres::LogReader reader;
    std::vector<postgres::Refusal> found;
    for (std::size_t at = 0; at < log.size(); at += piece)
      for (auto& one : reader.take(log.substr(at, piece))) found.push_back(one);
    REQUIRE(found.size() == 1);
    CHECK(found.front().role == "app");
    CHECK(found.front().database == "shop");
    CHECK(found.front().application == "nightly");
    CHECK(found.front().message == "permission denied for table users");
    CHECK(found.front().statement == "select \"full_name\",\n1 from users");
  }
}

TEST_CASE("refusals are found in a json log, and what is no json is passed over", "[brownout]") {
  postgres::LogReader reader;
  CHECK(reader.take("{\"state_code\":\"42501\",\"user\":\"a").empty());
  const auto found = reader.take(
      "pp\",\"dbname\":\"shop\",\"application_name\":\"nightly\",\"message\":\"permission denied\"}\n{broken\n"
      "{\"state_code\":\"00000\",\"message\":\"x\"}\n");
  REQUIRE(found.size() == 1);
  CHECK(found.front().role == "app");
  CHECK(found.front().statement.empty());
}
