// The dead man's switch of a brownout.
#include <csignal>

#include "catch.hpp"
#include "grants.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

std::string plan_with(const std::string& stretches) {
  std::string plan = split_plan("split");
  return plan.insert(plan.find("  archive:"), "  brownout: " + stretches + "\n");
}

/// A runner in the middle of a stretch.
struct InBrownout {
  Repaired repaired;
  std::string uri;
  Tool tool{uri};
  PlanView view{uri};
  std::string before;
  std::unique_ptr<process::Child> runner;

  explicit InBrownout(const std::string& stretches, std::string database = server().fresh_database())
      : uri(std::move(database)) {
    make_grant_roles(uri);
    make_users(uri, 200);
    server().sql(
        uri,
        "GRANT SELECT, INSERT, UPDATE ON users TO bo_app; GRANT SELECT ON users TO bo_lead WITH GRANT OPTION; SET "
        "ROLE bo_lead; GRANT SELECT ON users TO bo_sub");
    tool.plan(plan_with(stretches));
    REQUIRE(tool.run({"run", "plan.yaml"}).exit_code == 0);
    before = acl_bytes(uri);
    runner = tool.start(tool.run_to("hidden"));
    const bool open = eventually(60s, [&] { return is_open(); });
    INFO(runner->err());
    REQUIRE(open);
    CHECK_FALSE(anybody_may(uri, "full_name"));
  }
  bool is_open() { return view.ask("SELECT count(*) FROM switchback.brownout WHERE undone_at IS NULL") == "1"; }
  std::string undone_by() { return view.ask("SELECT undone_by FROM switchback.brownout ORDER BY id LIMIT 1"); }
  bool in_time() { return view.ask("SELECT undone_at < deadline FROM switchback.brownout ORDER BY id LIMIT 1") == "t"; }
  pid_t guard() {
    return static_cast<pid_t>(std::stol(
        view.ask("SELECT substring(guard FROM 'process ([0-9]+)') FROM switchback.brownout WHERE undone_at IS NULL")));
  }
  void kill_runner() {
    runner->signal_group(SIGKILL);
    REQUIRE(runner->wait(10s));
  }
};

/// The primary with pg_cron in this database, while this lives.
struct WithCron {
  explicit WithCron(const std::string& uri) {
    set("ALTER SYSTEM SET shared_preload_libraries = pg_stat_statements, pg_cron");
    set("ALTER SYSTEM SET cron.database_name = '" + server().sql(uri, "SELECT current_database()") + "'");
    set("ALTER SYSTEM SET cron.use_background_workers = on");
    server().sql(uri, "CREATE EXTENSION pg_cron");
  }
  ~WithCron() {
    server().sql(server().uri(), "ALTER SYSTEM RESET cron.database_name");
    server().sql(server().uri(), "ALTER SYSTEM RESET cron.use_background_workers");
    set("ALTER SYSTEM RESET shared_preload_libraries");
  }
  static void set(const std::string& sql) {
    server().sql(server().uri(), sql);
    server().stop_primary(StopMode::fast);
    server().start_primary();
  }
};

}  // namespace

TEST_CASE("SIGKILL of the runner and its process group in a brownout: privileges are back, byte for byte, in its time",
          "[fault][brownout]") {
  InBrownout in("[10s]");
  in.kill_runner();
  CHECK(eventually(5s, [&] { return !in.is_open(); }));
  CHECK(acl_bytes(in.uri) == in.before);
  CHECK(in.in_time());
  CHECK(has(in.undone_by(), "its guard, process "));
  CHECK(has(in.undone_by(), "the runner is gone"));
  // Whoever takes the plan up begins that stretch again.
  const auto again = in.tool.start(in.tool.run_to("hidden"));
  CHECK(eventually(60s, [&] { return in.is_open(); }));
  again->signal(SIGINT);
  CHECK(again->wait(10s) == 130);
  CHECK(acl_bytes(in.uri) == in.before);
}

TEST_CASE("SIGKILL of the runner while the server is down: privileges are back when the server is",
          "[fault][brownout]") {
  InBrownout in("[10s]");
  server().stop_primary(StopMode::immediate);
  in.kill_runner();
  server().start_primary();
  CHECK(eventually(
      10s, [&] { return in.view.ask("SELECT count(*) FROM switchback.brownout WHERE undone_at IS NULL") == "0"; }));
  CHECK(acl_bytes(in.uri) == in.before);
  CHECK(in.in_time());
}

TEST_CASE("a runner that is stopped dead past the time finds its brownout undone, and goes on", "[fault][brownout]") {
  InBrownout in("[3s]");
  in.runner->signal_group(SIGSTOP);
  CHECK(eventually(15s, [&] { return !in.is_open(); }));
  CHECK(has(in.undone_by(), "its time was over"));
  CHECK(acl_bytes(in.uri) == in.before);
  in.runner->signal_group(SIGCONT);
  CHECK(in.runner->wait(60s) == 0);
}

TEST_CASE("a guard that dies is noticed: undone at once, and the stretch is done again with another",
          "[fault][brownout]") {
  InBrownout in("[6s]");
  kill(in.guard(), SIGKILL);
  CHECK(eventually(2s, [&] { return !in.is_open(); }));
  CHECK(in.undone_by() == "this runner");
  CHECK(acl_bytes(in.uri) == in.before);
  CHECK(in.runner->wait(60s) == 0);
  CHECK(in.view.ask("SELECT string_agg(outcome, ' ' ORDER BY id) FROM switchback.brownout") == "cut_short quiet");
}

TEST_CASE("with runner and guard dead, the next command that writes gives the privileges back when they are overdue",
          "[fault][brownout]") {
  InBrownout in("[2s]");
  const pid_t guard = in.guard();
  in.runner->signal_group(SIGSTOP);
  kill(guard, SIGKILL);
  in.kill_runner();
  REQUIRE(in.is_open());
  REQUIRE(eventually(10s, [&] { return in.view.ask("SELECT deadline < now() FROM switchback.brownout") == "t"; }));
  REQUIRE(in.tool.run({"set", "split", "lock_timeout=1s"}).ok());
  CHECK_FALSE(in.is_open());
  CHECK(acl_bytes(in.uri) == in.before);
  CHECK(has(in.undone_by(), "a command that found it overdue"));
}

TEST_CASE("with pg_cron in the database, privileges are back though runner and guard are dead",
          "[fault][brownout][cron]") {
  if (server().sql(server().uri(), "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'") == "0") {
    WARN("pg_cron is not installed beside this server: not tried");
    return;
  }
  const Repaired repaired;
  const std::string uri = server().fresh_database();
  const WithCron with(uri);
  InBrownout in("[2s]", uri);
  REQUIRE(in.view.ask("SELECT count(*) FROM cron.job WHERE jobname LIKE 'switchback brownout %'") == "1");
  const pid_t guard = in.guard();
  in.runner->signal_group(SIGSTOP);
  kill(guard, SIGKILL);
  in.kill_runner();
  REQUIRE(in.is_open());
  CHECK(eventually(130s, [&] { return !in.is_open(); }));  // it looks once a minute
  CHECK(in.undone_by() == "pg_cron");
  CHECK(acl_bytes(in.uri) == in.before);
  CHECK(in.view.ask("SELECT count(*) FROM cron.job") == "0");
}
