#include <csignal>
#include <future>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/postgres/session.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr int rows = 20'000;
const std::vector<std::string> run{"run", "plan.yaml"};

/// A database with a table, and a runner in the middle of a backfill that is far from its end.
struct Filling {
  Repaired repaired;
  std::string uri = server().fresh_database();
  Tool tool{uri, slow_configuration()};
  PlanView view{uri};
  std::unique_ptr<process::Child> runner;

  Filling() {
    make_users(uri, rows);
    tool.plan(split_plan("split"));
    runner = tool.start(run);
    REQUIRE(eventually(60s, [&] { return view.rows_done() > 200; }));
  }
  void hurry() {
    REQUIRE(tool.run({"set", "split", "backfill.batch.max_wal=1MB", "backfill.batch.target=100ms"}).ok());
  }
  /// Everything that a runner could have written, but for the heartbeat.
  std::string everything() {
    return view.ask(
        "SELECT md5(concat((SELECT string_agg(u::text, '' ORDER BY id) FROM public.users u), (SELECT "
        "string_agg(p::text, '') FROM switchback.plan p), "
        "(SELECT string_agg(c::text, '' ORDER BY step, part) FROM switchback.checkpoint c), (SELECT "
        "string_agg(s::text, '' ORDER BY phase, ordinal) FROM switchback.step s), "
        "(SELECT string_agg(e::text, '' ORDER BY id) FROM switchback.event e), (SELECT epoch FROM "
        "switchback.runner)))");
  }
  bool every_row_is_right() {
    return server().sql(uri,
                        "SELECT count(*) FROM users WHERE first_name IS DISTINCT FROM 'First' || id OR last_name IS "
                        "DISTINCT FROM 'Last' || id") == "0";
  }
};

/// A journal with one plan, and two sessions that could be two runners.
struct TwoRunners {
  std::string uri = server().fresh_database();
  std::unique_ptr<ports::Session> first = connect();
  std::unique_ptr<ports::Session> second = connect();
  engine::Actor actor{"alice", "laptop"};
  engine::PlanRecord plan;
  engine::Fence fence;

  TwoRunners() {
    engine::ensure_journal(*first);
    first->exec(
        "INSERT INTO switchback.plan (name, hash, text, long_form, file, environment, state, takes_away, "
        "system_identifier, timeline) "
        "VALUES ('split', 'aa', 'plan: split', 'plan: split', 'plan.yaml', 'production', 'migrating', true, '7', 1)");
    plan = engine::require_plan(*first, "split");
    fence = engine::acquire_lease(*first, actor, plan, 15s);
  }
  std::unique_ptr<ports::Session> connect() const {
    postgres::ConnectOptions options;
    options.database = uri;
    return postgres::connect(options);
  }
  /// As after a SIGSTOP of that length.
  void let_the_lease_run_out() {
    second->exec("UPDATE switchback.runner SET heartbeat = heartbeat - interval '1 hour'");
  }
  engine::Fence take_over() { return engine::acquire_lease(*second, actor, plan, 15s); }
  std::string marks() { return second->exec("SELECT count(*) FROM switchback.event WHERE kind = 'mark'").text(0, 0); }
};

}  // namespace

TEST_CASE("a second run of a plan exits with 7 and has done nothing", "[fault]") {
  Filling filling;
  const auto events = filling.view.events();
  const auto epoch = filling.view.epoch();
  const auto second = filling.tool.run(run);
  CHECK(second.exit_code == 7);
  CHECK(has(second.err, "another runner has this plan: pid " + std::to_string(filling.runner->pid())));
  CHECK(filling.view.events() == events);
  CHECK(filling.view.epoch() == epoch);
  CHECK(filling.view.hold_kind() == "");
  // Nor does any other command that would drive it.
  CHECK(filling.tool.run({"rollback", "split", "--yes"}).exit_code == 7);
  CHECK(filling.view.events() == events);
  filling.hurry();
  CHECK(filling.runner->wait(120s) == 0);
  CHECK(filling.view.state() == "migrated");
  CHECK(filling.every_row_is_right());
}

TEST_CASE("a runner that was stopped past its lease and taken over exits with 7 and writes nothing more", "[fault]") {
  Filling filling;
  REQUIRE(filling.tool.run({"set", "split", "lock_timeout=900ms"}).ok());  // a mark in the journal that stays
  filling.runner->signal(SIGSTOP);
  std::unique_ptr<process::Child> successor;
  REQUIRE(eventually(60s, [&] {
    if (successor && successor->running()) return filling.view.epoch() == 2;
    if (successor) {
      INFO(successor->err());
      REQUIRE(successor->wait(0ms) == 7);
    }
    successor = filling.tool.start(run);
    return false;
  }));
  CHECK(has(filling.view.kinds(), "taken_over"));
  // The successor stands still, so that whatever is written now is the first one's.
  REQUIRE(filling.tool.run({"pause", "split", "--reason", "look"}).ok());
  REQUIRE(eventually(30s, [&] { return filling.view.hold_kind() == "operator"; }));
  const std::string before = filling.everything();
  filling.runner->signal(SIGCONT);
  CHECK(filling.runner->wait(60s) == 7);
  CHECK(has(filling.runner->err(), "has written nothing more"));
  CHECK(filling.everything() == before);
  REQUIRE(filling.tool.run({"resume", "split"}).ok());
  filling.hurry();
  CHECK(successor->wait(120s) == 0);
  CHECK(filling.view.state() == "migrated");
  CHECK(filling.every_row_is_right());
}

TEST_CASE("a runner stopped between its epoch check and its commit cannot commit after the takeover", "[fault]") {
  TwoRunners runners;
  engine::begin_fenced(*runners.first, runners.fence);
  engine::add_event(*runners.first, runners.actor, runners.plan.id, "mark", "", "");
  runners.let_the_lease_run_out();
  CHECK(runners.take_over().epoch == runners.fence.epoch + 1);
  CHECK_THROWS_AS(runners.first->commit(), Error);
  CHECK(runners.marks() == "0");
}

TEST_CASE("a takeover waits for a commit that is under way, and both are right", "[fault]") {
  TwoRunners runners;
  engine::begin_fenced(*runners.first, runners.fence);
  engine::add_event(*runners.first, runners.actor, runners.plan.id, "mark", "", "");
  runners.let_the_lease_run_out();
  auto taken = std::async(std::launch::async, [&] { return runners.take_over(); });
  CHECK(taken.wait_for(200ms) == std::future_status::timeout);  // it may not raise the epoch under this transaction
  runners.first->commit();
  CHECK(taken.get().epoch == runners.fence.epoch + 1);
  CHECK(runners.marks() == "1");
}

TEST_CASE("a stale runner's next transaction is refused before it has written", "[fault]") {
  TwoRunners runners;
  runners.let_the_lease_run_out();
  runners.take_over();
  try {
    engine::begin_fenced(*runners.first, runners.fence);
    FAIL("it may write");
  } catch (const Error& error) {
    CHECK(error.exit() == Exit::busy);
  }
  CHECK_FALSE(engine::renew_lease(*runners.first, runners.fence));
  engine::release_lease(*runners.first, runners.fence);
  CHECK(runners.second->exec("SELECT released FROM switchback.runner").text(0, 0) == "f");
}

TEST_CASE("a lease that has not run out is not taken, whoever asks", "[fault]") {
  TwoRunners runners;
  CHECK_THROWS_AS(runners.take_over(), Error);
  CHECK(runners.second->exec("SELECT epoch FROM switchback.runner").text(0, 0) == "1");
}

TEST_CASE("SIGTERM ends a run with 143 after the batch, the checkpoint written and the lease given back", "[fault]") {
  Filling filling;
  filling.runner->signal(SIGTERM);
  CHECK(filling.runner->wait(30s) == 143);
  CHECK(has(filling.runner->err(), "with a checkpoint written"));
  const auto done = filling.view.rows_done();
  CHECK(done > 200);
  CHECK(done < rows);
  CHECK(server().sql(filling.uri, "SELECT count(*) FROM users WHERE first_name IS NOT NULL") == std::to_string(done));
  CHECK(filling.view.state() == "migrating");
  CHECK(filling.view.ask("SELECT released FROM switchback.runner") == "t");
  filling.hurry();
  const auto next = filling.tool.run(run);
  INFO(next.err);
  CHECK(next.exit_code == 0);
  CHECK(filling.view.rows_done() == rows);
  CHECK(filling.every_row_is_right());
}

TEST_CASE("SIGINT ends a run with 130", "[fault]") {
  Filling filling;
  filling.runner->signal(SIGINT);
  CHECK(filling.runner->wait(30s) == 130);
}

TEST_CASE("a first SIGTERM lets a long statement go on, a second one cancels it", "[fault]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 10);
  Tool tool(uri);
  tool.plan(
      "plan: slow\nexpand:\n  - sql: { run: \"CREATE TABLE made AS SELECT pg_sleep(300)::text\", undo: \"DROP TABLE "
      "made\" "
      "}\n");
  PlanView view(uri);
  const auto runner = tool.start(run);
  const std::string sleeping =
      "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE%TABLE made%' AND wait_event = 'PgSleep'";
  if (!eventually(60s, [&] { return view.ask(sleeping) == "1" || !runner->running(); }) || !runner->running())
    FAIL(runner->err());
  runner->signal(SIGTERM);
  CHECK_FALSE(runner->wait(1500ms));
  CHECK(view.ask(sleeping) == "1");
  runner->signal(SIGTERM);
  CHECK(runner->wait(30s) == 143);
  CHECK(eventually(10s, [&] { return view.ask(sleeping) == "0"; }));
  CHECK(view.state() == "expanding");
  CHECK(view.ask("SELECT count(*) FROM switchback.step WHERE status = 'done'") == "0");
}

TEST_CASE("the server crashes during a backfill: the same process goes on by itself, and no row is wrong", "[fault]") {
  Filling filling;
  Traffic traffic(filling.uri, ShopImage::v41, 2, rows, 0, 1, 7);
  REQUIRE(eventually(60s, [&] { return traffic.writes() > 20; }));
  const auto before = filling.view.rows_done();
  server().crash_primary();
  REQUIRE(eventually(60s, [&] { return filling.view.rows_done() > before; }));
  CHECK(filling.runner->running());
  CHECK(filling.view.epoch() == 1);
  server().crash_primary();
  REQUIRE(eventually(60s, [&] { return filling.view.rows_done() > 0 && filling.view.hold_kind() == ""; }));
  filling.hurry();
  if (const auto ended = filling.runner->wait(180s); !ended || *ended != 0)
    FAIL("ended with " << (ended ? *ended : -1) << ", held " << filling.view.hold_kind() << " "
                       << filling.view.hold_reason() << "\n"
                       << filling.runner->err());
  traffic.stop();
  CHECK(filling.view.state() == "migrated");
  CHECK(traffic.failures().empty());
  CHECK(lost_writes(filling.uri, traffic.acknowledged(), ShopImage::v41).empty());
  CHECK(lost_writes(filling.uri, traffic.acknowledged(), ShopImage::v42).empty());
  const auto compared = filling.tool.run({"verify", "split"});
  INFO(compared.out);
  CHECK(compared.exit_code == 0);
  CHECK(server().sql(filling.uri, "SELECT count(*) FROM users WHERE first_name IS NULL") == "0");
}
