#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr int rows = 80'000;

/// A backfill under way, of batches so small that it lasts as long as a test needs.
struct Filling {
  Repaired repaired;
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};
  std::unique_ptr<process::Child> runner;

  explicit Filling(const std::string& health = "health: { grace: 1s }\n") : tool(uri, slow_configuration(health)) {
    make_users(uri, rows);
    server().await_replica();
    tool.plan(split_plan("split"));
    runner = tool.start({"run", "plan.yaml"});
    REQUIRE(eventually(60s, [&] { return view.rows_done() > 200; }));
  }

  bool held() {
    return eventually(60s, [&] { return view.hold_kind() == "health"; });
  }
  /// Nothing but what was in flight: two looks apart, the checkpoint has not moved.
  void nothing_moves() {
    const auto at = view.rows_done();
    CHECK(at < rows);
    CHECK_FALSE(eventually(2500ms, [&] { return view.rows_done() != at; }));
    CHECK(view.hold_kind() == "health");
  }
  void goes_on_by_itself() {
    const auto at = view.rows_done();
    if (!eventually(60s, [&] { return view.rows_done() > at; }))
      FAIL("still held: " << view.hold_reason() << "\n" << runner->err());
    CHECK(runner->running());
    // It does not have to be slow any more.
    REQUIRE(tool.run({"set", "split", "backfill.batch.max_wal=1MB", "backfill.batch.target=100ms"}).ok());
    CHECK(runner->wait(120s) == 0);
    CHECK(view.state() == "migrated");
    CHECK(view.hold_kind() == "");
    CHECK(has(view.kinds(), "hold_ended"));
    CHECK(server().sql(uri,
                       "SELECT count(*) FROM users WHERE first_name IS DISTINCT FROM 'First' || id OR last_name IS "
                       "DISTINCT FROM 'Last' || id") == "0");
  }
};

}  // namespace

TEST_CASE("a paused replay holds the backfill within two seconds of passing the limit, until it goes on",
          "[lag][timing]") {
  Filling filling;
  server().pause_replay();
  const std::string paused = filling.view.now();
  // WAL of somebody else too: the hold must not depend on the backfill writing some.
  const auto other = application(filling.uri, "other");
  other->exec("CREATE TABLE public.other (n int)");
  REQUIRE(filling.held());
  // Replay stood still before `paused`, so the lag is over one second at the latest a second later.
  CHECK(filling.view.seconds_since(paused, filling.view.hold_since()) < 3.0);
  CHECK(has(filling.view.hold_reason(), "replica replica lag "));
  CHECK(has(filling.view.hold_reason(), " over 1 s"));
  other->exec("INSERT INTO public.other SELECT generate_series(1, 1000)");
  filling.nothing_moves();
  const auto shown = filling.tool.status("split");
  CHECK(shown.state == "migrating");
  CHECK(shown.hold_kind == "health");
  CHECK(has(shown.hold_reason, "replica replica lag "));
  server().resume_replay();
  filling.goes_on_by_itself();
}

TEST_CASE("a frozen replica holds the backfill though its connection stands", "[lag][timing]") {
  Filling filling;
  server().freeze(process::Server::replica);
  REQUIRE(filling.held());
  CHECK(server().sql(filling.uri, "SELECT state FROM pg_stat_replication") == "streaming");
  CHECK(has(filling.view.hold_reason(), "replica replica lag "));
  filling.nothing_moves();
  server().thaw(process::Server::replica);
  filling.goes_on_by_itself();
}

TEST_CASE("a stopped replica whose slot is left behind holds the backfill after the grace, until it is back",
          "[lag][timing]") {
  Filling filling;
  server().stop_replica();
  const std::string stopped = filling.view.now();
  REQUIRE(filling.held());
  CHECK(filling.view.seconds_since(stopped, filling.view.hold_since()) < 1 + 2.5);
  CHECK(has(filling.view.hold_reason(), "replica replica is not connected; its slot is left behind"));
  filling.nothing_moves();
  server().start_replica();
  filling.goes_on_by_itself();
}

TEST_CASE("a replica that comes and goes holds the backfill each time, and in the end every row is right",
          "[lag][timing]") {
  Filling filling("health: { grace: 1s, replication_lag: { clear: 500ms } }\n");
  for (int round = 0; round < 3; ++round) {
    server().stop_replica();
    REQUIRE(filling.held());
    const auto at = filling.view.rows_done();
    server().start_replica();
    REQUIRE(eventually(60s, [&] { return filling.view.rows_done() > at; }));
  }
  const auto holds = [&] { return filling.view.ask("SELECT count(*) FROM switchback.event WHERE kind = 'hold'"); };
  CHECK(std::stoi(holds()) >= 3);
  filling.goes_on_by_itself();
}

TEST_CASE("a replica that was gone before the runner came holds it all the same, by its slot", "[lag][timing]") {
  const Repaired repaired;
  server().await_replica();
  server().stop_replica();
  const std::string uri = server().fresh_database();
  make_users(uri, rows);
  Tool tool(uri, slow_configuration("health: { grace: 1s }\n"));
  tool.plan(split_plan("split"));
  PlanView view(uri);
  const auto runner = tool.start({"run", "plan.yaml"});
  REQUIRE(eventually(60s, [&] { return view.hold_kind() == "health"; }));
  CHECK(has(view.hold_reason(), "its slot is left behind"));
  CHECK(view.rows_done() < rows);
  // Somebody who knows better says so, live: the plan goes on without this replica.
  REQUIRE(tool.run({"set", "split", "health.replicas.replica=ignore", "backfill.batch.max_wal=1MB"}).ok());
  CHECK(runner->wait(120s) == 0);
  CHECK(view.state() == "migrated");
}
