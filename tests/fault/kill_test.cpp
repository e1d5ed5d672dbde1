#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>

#include "catch.hpp"
#include "server.hpp"
#include "switchback/postgres/session.hpp"
#include "tool.hpp"
#include "traffic.hpp"

namespace switchback::tests {
namespace {

unsigned seed() {
  const char* given = std::getenv("SWITCHBACK_SEED");
  const unsigned value = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::cerr << "seed " << value << " (SWITCHBACK_SEED)\n";
  return value;
}

std::map<std::int64_t, std::optional<Traffic::Name>> both(Traffic& one, Traffic& other) {
  auto all = one.acknowledged();
  all.merge(other.acknowledged());
  return all;
}

}  // namespace

TEST_CASE("fifty SIGKILLs over the whole life of a plan lose no row, no write and no event", "[fault]") {
  const Repaired repaired;
  const unsigned from = seed();
  std::mt19937 random(from);
  const std::string uri = server().fresh_database();
  constexpr int rows = 200'000;
  make_users(uri, rows);
  Tool tool(uri);
  tool.plan(split_plan("split"));

  Traffic old_image(uri, ShopImage::v41, 4, rows, 0, 2, from);
  int kills = 0;
  const auto kill_until = [&](int wanted, const std::string& target, const std::string& resting) {
    for (;;) {
      const auto runner = tool.start(tool.run_to(target));
      // The last one of a target runs to its end.
      const auto ended =
          runner->wait(kills < wanted ? std::chrono::milliseconds(20 + random() % (random() % 10 == 0 ? 600 : 180))
                                      : std::chrono::minutes(3));
      if (ended) {
        INFO(runner->err());
        REQUIRE((*ended == 0 || *ended == 7));
        if (*ended == 0) break;
        continue;
      }
      if (kills >= wanted) {
        const auto stuck = tool.status("split");
        FAIL("not " << target << " after three minutes: " << stuck.state << " " << stuck.hold_kind << " "
                    << stuck.hold_reason << "\n"
                    << runner->err());
      }
      runner->signal(SIGKILL);
      runner->wait(std::chrono::seconds(10));
      ++kills;
    }
    REQUIRE(tool.status("split").state == resting);
  };
  kill_until(30, "migrated", "migrated");
  REQUIRE(lost_writes(uri, old_image.acknowledged(), ShopImage::v41).size() <=
          8);  // those under way in eight statements

  Traffic new_image(uri, ShopImage::v42, 4, rows, 1, 2, from + 100);
  REQUIRE(eventually(std::chrono::seconds(30), [&] { return new_image.writes() > 500; }));
  old_image.stop();
  REQUIRE(tool.run({"approve", "split", "--phase", "contract", "--reason", "tested"}).ok());
  kill_until(50, "contracted", "contracted");
  new_image.stop();

  CHECK(old_image.failures().empty());
  CHECK(new_image.failures().empty());
  const auto written = both(old_image, new_image);
  const auto lost = lost_writes(uri, written, ShopImage::v42);
  INFO((lost.empty() ? "" : lost.front()));
  CHECK(lost.empty());
  CHECK(written.size() > 1000);
  // Rows that nobody wrote have what forward makes of them.
  CHECK(server().sql(uri,
                     "SELECT count(*) FROM users WHERE first_name IS NULL OR first_name LIKE 'First%' AND (first_name "
                     "<> 'First' || id OR last_name <> 'Last' || id) AND last_name LIKE 'Last%'") == "0");
  // The history goes from state to state without a gap.
  CHECK(server().sql(uri,
                     "SELECT count(*) FROM (SELECT from_state, lag(to_state) OVER (ORDER BY id) AS before FROM "
                     "switchback.event WHERE kind = 'state') s WHERE before IS NOT NULL AND before <> from_state") ==
        "0");
  CHECK(server().sql(uri, "SELECT string_agg(to_state, ' ' ORDER BY id) FROM switchback.event WHERE kind = 'state'") ==
        "expanding expanded migrating migrated hiding hidden contracting contracted");

  // What a fast machine left over of the fifty, the way back gets.
  for (bool ended = false; kills < 50 && !ended;) {
    const auto runner = tool.start({"restore", "split", "--yes"});
    ended = runner->wait(std::chrono::milliseconds(20 + random() % 180)) == 0;
    if (ended) break;
    runner->signal(SIGKILL);
    runner->wait(std::chrono::seconds(10));
    ++kills;
  }
  CHECK(kills == 50);
  const auto restored = tool.run({"restore", "split", "--yes"});
  INFO(restored.err);
  REQUIRE(restored.exit_code == 0);
  CHECK(lost_writes(uri, written, ShopImage::v41).empty());
}

}  // namespace switchback::tests
