#include <algorithm>
#include <atomic>
#include <thread>

#include "catch.hpp"
#include "health_scene.hpp"
#include "switchback/daemon/watch.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/postgres/health.hpp"
#include "switchback/postgres/session.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

/// The watch as a run has it, on a plan that is expanded and stands still; only what it says is looked at.
struct GaugeScene {
  HealthScene scene;
  Settings settings;
  std::unique_ptr<ports::Session> session = application(scene.uri, "test");
  daemon::Watch watch{[uri = scene.uri] { return application(uri, "switchback watch"); }, false};

  GaugeScene() {
    scene.tool.plan(split_plan("split"));
    const auto expanded = scene.tool.run({"run", "plan.yaml", "--to", "expanded"});
    CAPTURE(expanded.err);
    REQUIRE(expanded.ok());
  }
  void start() {
    const auto record = engine::require_plan(*session, "split");
    const auto fence = engine::acquire_lease(*session, engine::current_actor(), record, settings.lease);
    watch.start(fence, settings, {TableName{"public", "users"}});
  }
  std::string slowed_by() {
    std::string all;
    for (const std::string& reason : watch.slowed_by()) all += reason + "\n";
    return all;
  }
  void slows_for(const std::string& reason) {
    if (!eventually(60s, [&] { return has(slowed_by(), reason); })) FAIL("slowed by: " << slowed_by());
    CHECK(watch.slowdown() < 0.9);
    CHECK(watch.slowdown() > 0.09);
    CHECK_FALSE(watch.health());
  }
  void is_fast_again() {
    if (!eventually(60s, [&] { return watch.slowed_by().empty(); })) FAIL("slowed by: " << slowed_by());
    CHECK(watch.slowdown() > 0.99);
  }
};

void use_up_transactions(const std::string& uri, int count) {
  const auto session = application(uri, "shop");
  session->exec("SET synchronous_commit = off");
  session->exec("DO $$ BEGIN FOR i IN 1.." + std::to_string(count) +
                " LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$");
}

Signal signal_named(const std::vector<Signal>& signals, const std::string& name) {
  const auto found = std::ranges::find(signals, name, &Signal::name);
  REQUIRE(found != signals.end());
  return *found;
}

}  // namespace

TEST_CASE("checkpoints that are asked for slow the backfill, until they are long enough ago", "[health][timing]") {
  GaugeScene gauges;
  gauges.settings.health.checkpoints_window = 10s;
  gauges.start();
  gauges.is_fast_again();
  for (int i = 0; i < 3; ++i) server().sql(server().uri(), "CHECKPOINT");
  gauges.slows_for("checkpoints: ");
  gauges.is_fast_again();
}

TEST_CASE("dead rows slow the backfill, naming who keeps them, until they are vacuumed", "[health][timing]") {
  GaugeScene gauges;
  server().sql(gauges.scene.uri,
               "ALTER TABLE users SET (autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.1)");
  const auto report = application(gauges.scene.uri, "report");
  report->exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
  report->exec("SELECT count(*) FROM public.users");
  gauges.start();
  gauges.is_fast_again();
  server().sql(gauges.scene.uri, "UPDATE users SET email = 'a'");
  gauges.slows_for("dead_rows: ");
  CHECK(has(gauges.slowed_by(), " in users, over 2 times the "));
  CHECK(has(gauges.slowed_by(), "which is off for this table"));
  CHECK(has(gauges.slowed_by(),
            "waiting may not help: pid " + std::to_string(report->backend_pid()) + " (report, idle in transaction)"));
  report->exec("COMMIT");
  server().await_replica();
  server().sql(gauges.scene.uri, "VACUUM users");
  gauges.is_fast_again();
}

TEST_CASE("a table near wraparound slows the backfill, until it is frozen", "[health][timing]") {
  GaugeScene gauges;
  // The least that a table can ask for is 100,000 transactions: so many are used up in seconds.
  server().sql(gauges.scene.uri,
               "ALTER TABLE users SET (autovacuum_enabled = off, autovacuum_freeze_max_age = 100000)");
  gauges.start();
  gauges.is_fast_again();
  use_up_transactions(gauges.scene.uri, 92'000);
  gauges.slows_for("wraparound: the age of users is 9");
  server().sql(gauges.scene.uri, "VACUUM FREEZE users");
  gauges.is_fast_again();
}

TEST_CASE("autovacuum that freezes a table of the plan slows the backfill while it runs", "[health][timing]") {
  GaugeScene gauges;
  gauges.settings.health.wraparound_age = 1;
  // So slow that it is seen at work.
  server().sql(gauges.scene.uri,
               "ALTER TABLE users SET (autovacuum_enabled = off, autovacuum_freeze_max_age = 100000, "
               "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)");
  gauges.start();
  gauges.is_fast_again();
  use_up_transactions(gauges.scene.uri, 101'000);
  const SystemSetting often(Server::primary, "autovacuum_naptime", "1s");
  gauges.slows_for("wraparound: autovacuum works on users to prevent it");
  // Such a one makes way for nobody: whoever wants the table's options changed waits until it is cancelled.
  std::atomic<bool> changed{false};
  std::thread change([&] {
    application(gauges.scene.uri, "admin")->exec("ALTER TABLE public.users RESET (autovacuum_freeze_max_age)");
    changed = true;
  });
  CHECK(eventually(60s, [&] {
    server().sql(
        server().uri(),
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%users (to prevent wraparound)'");
    return changed.load();
  }));
  change.join();
  gauges.is_fast_again();
}

TEST_CASE("active sessions over the limit slow the backfill, our own do not", "[health][timing]") {
  GaugeScene gauges;
  gauges.settings.health.active_sessions = 2;
  gauges.start();
  gauges.is_fast_again();
  {
    std::vector<std::unique_ptr<ports::Session>> busy;
    std::vector<std::thread> threads;
    const auto work = [&](const std::string& name) {
      busy.push_back(application(gauges.scene.uri, name));
      threads.emplace_back([session = busy.back().get()] {
        try {
          session->exec("SELECT pg_sleep(60)");
        } catch (const std::exception&) {  // cancelled below
        }
      });
    };
    for (int i = 0; i < 3; ++i) work("switchback worker");
    for (int i = 0; i < 3; ++i) work("shop");
    gauges.slows_for("active_sessions: 3, over 2");
    for (const auto& session : busy) session->cancel();
    for (std::thread& thread : threads) thread.join();
  }
  gauges.is_fast_again();
}

TEST_CASE("whoever keeps dead rows from being removed is named: a session of this database, or a standby's query",
          "[health][timing]") {
  const Repaired repaired;
  const std::string uri = server().fresh_database();
  server().await_replica();
  const auto observer = application(uri, "switchback watch");
  const auto holder = [&] { return postgres::oldest_xmin_holder(*observer); };
  const auto elsewhere = application(server().uri(), "elsewhere");
  elsewhere->exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
  elsewhere->exec("SELECT 1");
  CHECK(holder() == "");
  const auto report = application(uri, "report");
  report->exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
  report->exec("SELECT 1");
  CHECK(has(holder(), "pid " + std::to_string(report->backend_pid()) + " (report, idle in transaction)"));
  report->exec("COMMIT");
  CHECK(holder() == "");
  {
    const SystemSetting feedback(Server::replica, "hot_standby_feedback", "on");
    const auto query = application(server().on_replica(uri), "report");
    query->exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
    query->exec("SELECT 1");
    CHECK(eventually(60s, [&] { return holder() == "slot replica keeps rows"; }));
    query->exec("COMMIT");
  }
  CHECK(eventually(60s, [&] { return holder() == ""; }));
}

TEST_CASE("a role that may not see others' sessions does not know how many are active, and says what would help",
          "[health]") {
  const std::string uri = server().fresh_database();
  server().sql(uri, "DO $$ BEGIN CREATE ROLE health_blind LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  const auto other = application(uri, "shop");
  const auto session = application(server().as(uri, "health_blind"), "switchback watch");
  HealthLimits limits;
  limits.active_sessions = 50;
  postgres::HealthSampler sampler;
  const auto signals = sampler.sample(*session, std::chrono::steady_clock::now(), limits, {});
  const Signal active = signal_named(signals, "active_sessions");
  CHECK(active.state == Signal::State::unknown);
  CHECK(has(active.reason, "GRANT pg_monitor TO health_blind"));
  CHECK(postgres::oldest_xmin_holder(*session).find("GRANT pg_monitor TO health_blind") != std::string::npos);
  // What needs no right is read all the same.
  for (const char* name : {"slots", "wal_archiving", "sync_rep", "checkpoints", "waiters"})
    CHECK(signal_named(signals, name).state == Signal::State::good);
}

TEST_CASE("a signal whose query fails is unknown, and no other is", "[health]") {
  const std::string uri = server().fresh_database();
  server().sql(uri,
               "DO $$ BEGIN CREATE ROLE health_blind LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
               "REVOKE SELECT ON pg_catalog.pg_replication_slots FROM PUBLIC");
  const auto session = application(server().as(uri, "health_blind"), "switchback watch");
  postgres::HealthSampler sampler;
  const auto signals =
      sampler.sample(*session, std::chrono::steady_clock::now(), HealthLimits(), {{TableName{"gone", "table"}}, {}});
  const Signal slots = signal_named(signals, "slots");
  CHECK(slots.state == Signal::State::unknown);
  CHECK(slots.required);
  CHECK(has(slots.reason, "slots cannot be read: "));
  CHECK(has(slots.reason, "permission denied"));
  for (const char* name : {"wal_archiving", "sync_rep", "checkpoints", "waiters", "wraparound", "dead_rows"})
    CHECK(signal_named(signals, name).state == Signal::State::good);
  // Nothing is asked for a signal that nobody wants to hear of.
  HealthLimits deaf;
  deaf.slots = SignalPolicy::ignore;
  const auto fewer = sampler.sample(*session, std::chrono::steady_clock::now(), deaf, {});
  CHECK(std::ranges::find(fewer, "slots", &Signal::name) == fewer.end());
}

TEST_CASE("whoever waits behind a batch for too long gets past it: the batch is cancelled and tried again",
          "[health][timing]") {
  HealthScene scene("{ grace: 5s, waiters: { slow: 500ms, cancel: 1500ms } }");
  server().sql(scene.uri,
               "CREATE TABLE slow (n int);"
               "CREATE FUNCTION part(whole text, n int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN "
               "IF EXISTS (SELECT FROM public.slow) THEN PERFORM pg_sleep(1); END IF;"
               "RETURN split_part(whole, ' ', n); END $$");
  std::string plan = split_plan("split");
  const std::string expression = "split_part(full_name, ' ', 1)";
  plan.replace(plan.find(expression), expression.size(), "public.part(full_name, 1)");
  scene.start(plan);
  server().sql(scene.uri, "INSERT INTO slow VALUES (1)");
  // The batch under way keeps the rows it has come past for as many seconds as it has rows.
  const auto shop = application(scene.uri, "shop");
  const std::string held =
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'switchback runner' AND wait_event = 'PgSleep' AND "
      "clock_timestamp() - query_start > interval '1500 ms'";
  REQUIRE(eventually(30s, [&] { return !scene.view.ask(held).empty(); }));
  const auto begun = std::chrono::steady_clock::now();
  shop->exec("BEGIN; SET LOCAL statement_timeout = '60s'; LOCK TABLE public.users IN SHARE MODE; COMMIT");
  CHECK(std::chrono::steady_clock::now() - begun < 8s);
  CHECK(eventually(30s, [&] {
    return has(scene.view.ask("SELECT string_agg(reason, ' ') FROM switchback.event"),
               "canceling statement due to user request");
  }));
  server().sql(scene.uri, "DELETE FROM slow");
  scene.runs_to_the_end();
  CHECK(server().sql(scene.uri, "SELECT count(*) FROM users WHERE first_name IS NULL") == "0");
}
