#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr int rows = 20'000;
using Words = std::vector<std::string>;

unsigned seed() {
  const char* given = std::getenv("SWITCHBACK_SEED");
  const unsigned value = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::cerr << "seed " << value << " (SWITCHBACK_SEED)\n";
  return value;
}

/// Runs one of the commands, killed at random instants `kills` times, then once to its end.
struct Killer {
  Tool& tool;
  PlanView& view;
  std::mt19937 random;

  void drive(const std::vector<Words>& commands, int kills, const std::string& state) {
    for (int done = 0;;) {
      const Words& words = done < kills ? commands[random() % commands.size()] : commands.front();
      const auto runner = tool.start(words);
      const auto ended = runner->wait(done < kills ? std::chrono::milliseconds(15 + random() % 500) : 120'000ms);
      if (!ended) {
        INFO(view.state() << " held " << view.hold_kind() << " " << view.hold_reason() << "\n" << runner->err());
        REQUIRE(done < kills);
        runner->signal(SIGKILL);
        REQUIRE(runner->wait(10s));
        ++done;
        continue;
      }
      INFO(words.front() << " at " << view.states() << "\n" << runner->err());
      REQUIRE((*ended == 0 || *ended == 7));
      if (*ended == 7) continue;  // the killed one's lease still runs
      if (view.state() == state) return;
      done = std::max(done, kills);  // the other command led elsewhere: the first one ends it
    }
  }
};

}  // namespace

TEST_CASE("ways back that are killed at any instant are finished or turned round by whoever comes next", "[fault]") {
  const Repaired repaired;
  const unsigned from = seed();
  const std::string uri = server().fresh_database();
  make_users(uri, rows);
  Tool tool(uri, Tool::default_configuration() + "environment: staging\n");
  tool.plan(split_plan("split"));
  PlanView view(uri);
  Killer killer{tool, view, std::mt19937(from)};
  const Words forward{"run", "plan.yaml"};
  const Words restore{"restore", "split", "--yes"};
  const auto back = [](const std::string& to) {
    return Words{"rollback", "split", "--to", to, "--yes", "--despite", "loss", "--reason", "a test"};
  };

  REQUIRE(tool.run(forward).ok());
  Traffic traffic(uri, ShopImage::v42, 2, rows, 0, 1, from);
  REQUIRE(eventually(60s, [&] { return traffic.writes() > 100; }));
  REQUIRE(tool.run(tool.run_to("contracted"), 180s).ok());
  // `run` that finds the plan on its way back finishes that first; before it has begun it has nothing to do.
  killer.drive({restore, forward}, 12, "migrated");
  REQUIRE(tool.run(tool.run_to("hidden"), 180s).ok());
  killer.drive({restore}, 4, "migrated");
  traffic.stop();
  {
    const auto failures = traffic.failures();
    INFO((failures.empty() ? "" : failures.front()));
    CHECK(failures.empty());
  }
  const auto written = traffic.acknowledged();
  CHECK(written.size() > 100);
  for (const ShopImage image : {ShopImage::v41, ShopImage::v42}) {
    const auto lost = lost_writes(uri, written, image);
    INFO((lost.empty() ? "" : lost.front()));
    CHECK(lost.empty());
  }
  CHECK(tool.run({"verify", "split"}).exit_code == 0);
  CHECK(server().sql(uri, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_full_name_idx'::regclass") == "t");

  killer.drive({back("expanded")}, 4, "expanded");
  killer.drive({forward}, 4, "migrated");
  killer.drive({back("rolled_back"), forward}, 6, "rolled_back");
  CHECK(lost_writes(uri, written, ShopImage::v41).empty());
  // Nothing of the plan is left: as make_users left it.
  CHECK(server().sql(uri,
                     "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = "
                     "'users'::regclass AND attnum > 0 AND NOT attisdropped") == "email full_name id");
  CHECK(server().sql(uri, "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal") ==
        "0");
  CHECK(server().sql(uri,
                     "SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) FROM "
                     "pg_index WHERE indrelid = "
                     "'users'::regclass") == "users_full_name_idx users_pkey");
  CHECK(server().sql(
            uri,
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'switchback'::regnamespace AND proname LIKE 'sync_%'") ==
        "0");
  CHECK(server().sql(uri, "SELECT count(*) FROM switchback.sync") == "0");
  // The history goes from state to state without a gap.
  CHECK(server().sql(uri,
                     "SELECT count(*) FROM (SELECT from_state, lag(to_state) OVER (ORDER BY id) AS before FROM "
                     "switchback.event WHERE kind = 'state') s WHERE before IS NOT NULL AND before <> from_state") ==
        "0");
}
