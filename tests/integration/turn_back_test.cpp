// A plan that turns back by itself: what it names says that something is wrong while the old side is hidden.
#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

/// A plan whose condition is a row in the table `wrong`.
struct Watched {
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};

  explicit Watched(
      const std::string& soak = "1h", const std::string& backup = "none: a test",
      const std::string& condition = "sql: { run: \"SELECT count(*) > 0 FROM wrong\", every: 100ms, clear: 100ms }")
      : tool(uri, "backup: { " + backup + " }\nscratch: { none: a test }\n") {
    make_users(uri, 200);
    sql("CREATE TABLE wrong (what text)");
    tool.plan("turn_back:\n  - " + condition + "\n" + split_plan("split", "1s", soak));
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  bool has_old_side() const {
    return sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'full_name'") == "1";
  }
};

}  // namespace

TEST_CASE("a condition that is met while the plan soaks unhides it, on record with its reading, and pauses it",
          "[turn_back]") {
  Watched plan;
  const auto runner = plan.tool.start(plan.tool.run_to("contracted"));
  const bool soaking = eventually(90s, [&] { return plan.view.hold_kind() == "soak"; });
  INFO(runner->err());
  REQUIRE(soaking);
  REQUIRE_FALSE(plan.has_old_side());
  plan.sql("UPDATE users SET first_name = 'Written', last_name = 'Hidden' WHERE id = 1");

  plan.sql("INSERT INTO wrong VALUES ('checkout fails')");
  REQUIRE(runner->wait(30s) == 6);
  CHECK(plan.view.state() == "migrated");
  CHECK(plan.has_old_side());
  CHECK(plan.sql("SELECT full_name FROM users WHERE id = 1") == "Written Hidden");
  CHECK(plan.view.hold_kind() == "operator");
  CHECK(has(plan.view.hold_reason(), "turned back by itself"));
  const std::string reading =
      plan.view.ask("SELECT detail->'conditions'->>0 FROM switchback.event WHERE kind = 'turned_back'");
  CHECK(has(reading, "SELECT count(*) > 0 FROM wrong"));
  CHECK(plan.view.ask("SELECT string_agg(from_state || '>' || to_state, ' ' ORDER BY id) FROM switchback.event WHERE "
                      "kind = 'state' AND (from_state = 'hidden' OR from_state = 'unhiding')") ==
        "hidden>unhiding unhiding>migrated");

  // Not again before somebody has looked; then it goes on.
  plan.sql("DELETE FROM wrong");
  const auto again = plan.tool.start(plan.tool.run_to("hidden"));
  CHECK(eventually(30s, [&] { return plan.view.hold_kind() == "operator"; }));
  CHECK(plan.has_old_side());
  REQUIRE(plan.tool.run({"resume", "split", "--reason", "it was the load balancer"}).ok());
  CHECK(again->wait(60s) == 0);
  CHECK(plan.view.state() == "hidden");
}

TEST_CASE("a signal of the database that the plan names turns it back as well", "[turn_back]") {
  const Repaired repaired;
  Watched plan("1h", "none: a test", "health: replication");
  const auto runner = plan.tool.start(plan.tool.run_to("contracted"));
  const bool soaking = eventually(90s, [&] { return plan.view.hold_kind() == "soak"; });
  INFO(runner->err());
  REQUIRE(soaking);
  server().pause_replay();
  // What lags is what was written: nothing lags behind a server that writes nothing.
  REQUIRE(eventually(60s, [&] {
    plan.sql("INSERT INTO wrong VALUES ('more')");
    return plan.view.state() == "migrated";
  }));
  server().resume_replay();
  CHECK(runner->wait(60s) == 6);
  CHECK(plan.has_old_side());
  CHECK(has(plan.view.hold_reason(), "turned back by itself"));
  // Nobody was there to look; the runner did, before it ended.
  CHECK(plan.view.ask("SELECT detail->>'failed' FROM switchback.event WHERE kind = 'verified'") == "false");
}

TEST_CASE("the same conditions hold the backfill until they are clear", "[turn_back]") {
  Watched plan;
  plan.sql("INSERT INTO wrong VALUES ('checkout fails')");
  const auto runner = plan.tool.start({"run", "plan.yaml"});
  const bool held = eventually(30s, [&] { return plan.view.hold_kind() == "health"; });
  INFO(runner->err());
  REQUIRE(held);
  CHECK(plan.view.state() == "migrating");
  plan.sql("DELETE FROM wrong");
  CHECK(runner->wait(60s) == 0);
  CHECK(plan.view.state() == "migrated");
}

TEST_CASE("what is already being contracted is turned back as well, as long as nothing was dropped", "[turn_back]") {
  Watched plan("0s", "command: [\"false\"]");  // no backup: it archives, and waits before the drop
  const auto runner = plan.tool.start(plan.tool.run_to("contracted"));
  const bool before_drop = eventually(90s, [&] { return plan.view.hold_kind() == "backup"; });
  INFO(runner->err());
  REQUIRE(before_drop);
  REQUIRE(plan.view.state() == "contracting");
  plan.sql("INSERT INTO wrong VALUES ('checkout fails')");
  CHECK(runner->wait(60s) == 6);
  CHECK(plan.view.state() == "migrated");
  CHECK(plan.has_old_side());
}
