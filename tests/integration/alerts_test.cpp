#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "alert_servers.hpp"
#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr int alert_rows = 100'000;

/// A backfill under way, of batches so small that it lasts as long as a test needs.
struct Heeding {
  Repaired repaired;
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};
  std::unique_ptr<process::Child> runner;

  explicit Heeding(const std::string& alerts)
      : tool(uri, slow_configuration("health: { grace: 1s }\nalerts:\n" + alerts)) {
    make_users(uri, alert_rows);
    server().await_replica();
    tool.plan(split_plan("split"));
  }

  std::string file(const std::string& name) const { return tool.folder() + "/" + name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }

  void runs() {
    runner = tool.start({"run", "plan.yaml"});
    if (!eventually(60s, [&] { return view.rows_done() > 200; }))
      FAIL("does not run: " << view.hold_reason() << "\n" << runner->err());
  }
  void held_by(const std::string& reason) {
    CAPTURE(reason);
    if (!eventually(30s, [&] { return has(view.hold_reason(), reason); }))
      FAIL("holds for: " << view.hold_reason() << "\nrows: " << view.rows_done() << "\n" << runner->err());
    CHECK(view.hold_kind() == "health");
    // The batch in flight may still end.
    const auto at = view.rows_done();
    CHECK(at < alert_rows);
    CHECK_FALSE(eventually(1s, [&] { return view.rows_done() > at + 500; }));
  }
  void goes_on() {
    const auto at = view.rows_done();
    if (!eventually(60s, [&] { return view.rows_done() > at + 20 && view.hold_kind().empty(); }))
      FAIL("still held: " << view.hold_reason() << "\n" << runner->err());
  }
  /// Seconds from `moment` to the end of the last hold.
  double ended_after(const std::string& moment) {
    return view.seconds_since(moment, view.ask("SELECT max(at)::text FROM switchback.event WHERE kind = 'hold_ended'"));
  }
  /// And to its beginning: the journal's own since is in whole seconds.
  double began_after(const std::string& moment) {
    return view.seconds_since(moment, view.ask("SELECT max(at)::text FROM switchback.event WHERE kind = 'hold'"));
  }
  void ends_well() {
    REQUIRE(tool.run({"set", "split", "backfill.batch.max_wal=1MB", "backfill.batch.target=100ms"}).ok());
    CHECK(runner->wait(120s) == 0);
    CHECK(view.state() == "migrated");
    CHECK(server().sql(uri,
                       "SELECT count(*) FROM users WHERE first_name IS DISTINCT FROM 'First' || id OR last_name IS "
                       "DISTINCT FROM 'Last' || id") == "0");
  }
};

std::string alertmanager_entry(const Alertmanager& alerts, const std::string& more = "") {
  return "  - alertmanager: { url: \"" + alerts.url() + "\", match: ['instance=~\"db.*\"'], clear: 3s, every: 200ms" +
         more + " }\n";
}

/// What every simple probe must do: bad holds, naming it; good goes on; unreadable holds after the grace.
struct Turns {
  std::function<void()> bad, good, unreadable;
  std::string bad_words, unreadable_words;
};
void takes_turns(Heeding& plan, const Turns& turns) {
  plan.runs();
  turns.bad();
  plan.held_by(turns.bad_words);
  turns.good();
  plan.goes_on();
  turns.unreadable();
  const std::string since = plan.view.now();
  plan.held_by(turns.unreadable_words);
  CHECK(plan.began_after(since) > 0.9);
  turns.good();
  plan.goes_on();
  plan.ends_well();
}

}  // namespace

TEST_CASE("an alert that fires holds the backfill, naming it, until it is silenced or resolved and stays clear",
          "[alerts]") {
  Alertmanager alerts;
  alerts.fires("Elsewhere", "web1");
  Heeding plan(alertmanager_entry(alerts));
  plan.runs();
  alerts.fires("DiskFull", "db1");
  plan.held_by(R"(alert DiskFull {instance="db1"} fires: said by a test)");
  const auto shown = plan.tool.run({"status", "split"});
  CHECK(has(shown.out, R"(alert DiskFull {instance="db1"} fires)"));
  CHECK(has(shown.out, R"(alert DiskFull {instance="db1"} has been clear for 3 s)"));

  std::string moment = plan.view.now();
  alerts.silence("DiskFull");
  plan.goes_on();
  CHECK(plan.ended_after(moment) >= 3);

  alerts.fires("TooSlow", "db2");
  plan.held_by(R"(alert TooSlow {instance="db2"} fires)");
  moment = plan.view.now();
  alerts.resolved("TooSlow", "db2");
  plan.goes_on();
  CHECK(plan.ended_after(moment) >= 3);
  plan.ends_well();
}

TEST_CASE("every alert that fires is named, and each has to end", "[alerts]") {
  Alertmanager alerts;
  alerts.fires("DiskFull", "db1");
  alerts.fires("TooSlow", "db2");
  Heeding plan(alertmanager_entry(alerts));
  plan.runner = plan.tool.start({"run", "plan.yaml"});
  // Fired before the runner came: not one batch runs.
  plan.held_by("alert DiskFull");
  CHECK(plan.view.rows_done() == 0);
  CHECK(has(plan.view.hold_reason(), "alert TooSlow"));
  alerts.resolved("DiskFull", "db1");
  REQUIRE(eventually(30s, [&] { return !has(plan.view.hold_reason(), "DiskFull"); }));
  plan.held_by("alert TooSlow");
  alerts.resolved("TooSlow", "db2");
  plan.goes_on();
  plan.ends_well();
}

TEST_CASE("an Alertmanager that forgot its alerts lets go only after it was seen clear all the time", "[alerts]") {
  Alertmanager alerts;
  Heeding plan(alertmanager_entry(alerts));
  plan.runs();
  alerts.fires("DiskFull", "db1");
  plan.held_by("alert DiskFull");
  alerts.kill();
  plan.held_by("alertmanager " + alerts.url());
  CHECK(has(plan.view.hold_reason(), "alert DiskFull"));
  const std::string moment = plan.view.now();
  alerts.start_empty();
  plan.goes_on();
  CHECK(plan.ended_after(moment) >= 3);
  plan.ends_well();
}

TEST_CASE("an Alertmanager that cannot be reached holds after the grace, naming it, until it answers again",
          "[alerts]") {
  Alertmanager alerts;
  Heeding plan(alertmanager_entry(alerts));
  plan.runs();
  alerts.kill();
  const std::string since = plan.view.now();
  plan.held_by("alertmanager " + alerts.url() + R"( instance=~"db.*": Connection refused for )");
  CHECK(plan.began_after(since) > 0.9);
  alerts.start_empty();
  plan.goes_on();
  plan.ends_well();
}

TEST_CASE("an Alertmanager that was never there holds when it is required, and not when it is not", "[alerts]") {
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port());
  {
    Heeding plan("  - alertmanager: { url: \"" + url + "\", every: 200ms }\n");
    plan.runner = plan.tool.start({"run", "plan.yaml"});
    plan.held_by("alertmanager " + url + ": Connection refused for ");
    plan.runner->signal(SIGTERM);
    CHECK(plan.runner->wait(30s) == 143);
  }
  Heeding plan("  - alertmanager: { url: \"" + url + "\", every: 200ms, required: false }\n");
  plan.runs();
  plan.ends_well();
  CHECK(plan.view.ask("SELECT count(*) FROM switchback.event WHERE kind = 'hold' AND reason LIKE '%alertmanager%'") ==
        "0");
}

TEST_CASE("a Prometheus query holds while it gives a sample, and after the grace when nobody answers it", "[alerts]") {
  WebPage page;
  page.says(200, "replica_lag_seconds 0\n");
  auto prometheus = std::make_unique<Prometheus>(page);
  Heeding plan(
      "  - prometheus: { url: \"" + prometheus->url() +
      "\", query: \"max(replica_lag_seconds) > 5 or absent(replica_lag_seconds)\", clear: 1s, every: 200ms }\n");
  plan.runner = plan.tool.start({"run", "plan.yaml"});
  plan.goes_on();
  page.says(200, "replica_lag_seconds 7.5\n");
  plan.held_by("prometheus max(replica_lag_seconds) > 5");
  CHECK(has(plan.view.hold_reason(), ": 7.5"));
  page.says(200, "replica_lag_seconds 2\n");
  plan.goes_on();
  prometheus->kill();
  plan.held_by(prometheus->url() + ": Connection refused for ");
  plan.runner->signal(SIGTERM);
  CHECK(plan.runner->wait(30s) == 143);
}

TEST_CASE("a query that Prometheus refuses is unknown, with its words", "[alerts]") {
  WebPage page;
  Prometheus prometheus(page);
  Heeding plan("  - prometheus: { url: \"" + prometheus.url() + "\", query: \"up ==\", every: 200ms }\n");
  plan.runner = plan.tool.start({"run", "plan.yaml"});
  plan.held_by("it answers 400: ");
  CHECK(has(plan.view.hold_reason(), "parse error"));
}

TEST_CASE("a web page holds while its status is another, and after the grace when it hangs", "[alerts]") {
  WebPage page;
  setenv("SWITCHBACK_TEST_TOKEN", "a-secret-token", 1);
  Heeding plan("  - http: { url: \"" + page.url() +
               "/health\", clear: 500ms, every: 200ms, timeout: 300ms, token_env: SWITCHBACK_TEST_TOKEN }\n");
  takes_turns(plan, {[&] { page.says(503, "out of order\n"); }, [&] { page.says(200, "fine\n"); },
                     [&] { page.hangs(); }, "http " + page.url() + "/health: it answers 503, not 200",
                     "http " + page.url() + "/health: no answer within 0.3 s for "});
  unsetenv("SWITCHBACK_TEST_TOKEN");
  CHECK(has(page.last_request(), "GET /health HTTP/1.1\r\n"));
  CHECK(has(page.last_request(), "Authorization: Bearer a-secret-token\r\n"));
  CHECK_FALSE(has(plan.runner->err(), "a-secret-token"));
  CHECK(plan.view.ask("SELECT count(*) FROM switchback.event e WHERE e::text LIKE '%a-secret-token%'") == "0");
}

TEST_CASE("a query of the database holds while it is true, and after the grace when it says neither", "[alerts]") {
  Heeding plan("  - sql: { run: \"select count(*) > 3 from jobs;\", clear: 500ms, every: 200ms }\n");
  const auto app = application(plan.uri, "shop");
  app->exec("CREATE TABLE public.jobs (n int)");
  takes_turns(plan, {[&] { app->exec("INSERT INTO public.jobs SELECT generate_series(1, 4)"); },
                     [&] {
                       app->exec("DROP TABLE IF EXISTS public.jobs");
                       app->exec("CREATE TABLE public.jobs (n int)");
                     },
                     [&] { app->exec("DROP TABLE public.jobs"); }, "sql select count(*) > 3 from jobs;: true",
                     "relation \"jobs\" does not exist for "});
}

TEST_CASE("a query that is NULL, slow, no single value or for a replica that is not configured is unknown",
          "[alerts]") {
  const auto [query, words] = GENERATE(table<std::string, std::string>({
      {"run: \"select null::bool\"", "the query gives NULL for "},
      {"run: \"select 1\"", "the query gives 1, which is neither true nor false for "},
      {"run: \"select true from generate_series(1, 2)\"", "the query must give one row of one column"},
      {"run: \"select pg_sleep(60) is null\", timeout: 300ms", "canceling statement due to statement timeout for "},
      {"run: \"select true\", on: replica r2", "no connection is configured for replica r2 (health.replicas: connect)"},
      {"run: \"select nextval('switchback.event_id_seq') > 0\"", "read-only transaction"},
  }));
  CAPTURE(query);
  Heeding plan("  - sql: { " + query + ", every: 200ms }\n");
  plan.runner = plan.tool.start({"run", "plan.yaml"});
  plan.held_by(words);
  plan.runner->signal(SIGTERM);
  CHECK(plan.runner->wait(30s) == 143);
}

TEST_CASE("a program holds while it exits with 1, in its own words, and after the grace when it fails", "[alerts]") {
  Heeding plan("  - exec: { run: [./probe, \"20%\"], clear: 500ms, every: 200ms, timeout: 2s }\n");
  plan.write("probe", "#!/bin/sh\necho \"free: $1\"\necho more\necho no such disk >&2\nexit $(cat exit)\n");
  plan.write("exit", "0");
  std::filesystem::permissions(plan.file("probe"), std::filesystem::perms::owner_all);
  takes_turns(plan,
              {[&] { plan.write("exit", "1"); }, [&] { plan.write("exit", "0"); }, [&] { plan.write("exit", "3"); },
               "exec ./probe 20%: free: 20%", "exec ./probe 20%: it ended with exit 3: no such disk for "});
}

TEST_CASE("a program that does not end is killed at its timeout, and unknown", "[alerts]") {
  Heeding plan("  - exec: { run: [sleep, \"600\"], every: 200ms, timeout: 300ms }\n");
  plan.runner = plan.tool.start({"run", "plan.yaml"});
  plan.held_by("exec sleep 600: it did not end within 0.3 s for ");
}

TEST_CASE("a file beside the configuration holds while it exists, and after the grace when nobody can look",
          "[alerts]") {
  Heeding plan("  - file: { path: folder/hold, clear: 500ms, every: 200ms }\n");
  std::filesystem::create_directory(plan.file("folder"));
  const auto clear = [&] { std::filesystem::remove_all(plan.file("folder")); };
  takes_turns(plan, {[&] { plan.write("folder/hold", ""); }, clear,
                     // Also root cannot follow a link to itself.
                     [&] { std::filesystem::create_symlink("folder", plan.file("folder")); },
                     "file folder/hold: it exists", "file folder/hold: Too many levels of symbolic links for "});
}

TEST_CASE("an alert and a replica that lags hold together, each named and each with its end", "[alerts]") {
  Heeding plan("  - file: { path: hold, clear: 500ms, every: 200ms }\n");
  plan.runs();
  server().pause_replay();
  plan.write("hold", "");
  plan.held_by("file hold: it exists");
  plan.held_by("replica replica lag ");
  CHECK(has(plan.view.hold_reason(), "file hold: it exists"));
  const std::string ends = plan.view.ask("SELECT hold->>'ends_when' FROM switchback.plan");
  CHECK(has(ends, "every required replica's lag under"));
  CHECK(has(ends, "file hold has been clear for 0.5 s"));
  std::filesystem::remove(plan.file("hold"));
  REQUIRE(eventually(30s, [&] { return !has(plan.view.hold_reason(), "file hold"); }));
  plan.held_by("replica replica lag ");
  server().resume_replay();
  plan.goes_on();
  plan.ends_well();
}

TEST_CASE("turning back asks no alert source", "[alerts]") {
  Heeding plan("  - file: hold\n");
  plan.write("hold", "");
  plan.runner = plan.tool.start({"run", "plan.yaml"});
  plan.held_by("file hold: it exists");
  plan.runner->signal(SIGTERM);
  CHECK(plan.runner->wait(30s) == 143);
  const auto back = plan.tool.run({"rollback", "split", "--yes"});
  INFO(back.err);
  CHECK(back.ok());
  CHECK(plan.view.state() == "rolled_back");
}

TEST_CASE("config show lists the alert sources with their places", "[alerts]") {
  Tool tool("", "alerts:\n  - file: hold\n  - http: { url: \"http://shop/health\" }\n");
  const auto shown = tool.run({"config", "show", "-o", "json"});
  REQUIRE(shown.ok());
  const auto all = nlohmann::json::parse(shown.out);
  std::map<std::string, nlohmann::json> settings;
  for (const auto& setting : all.at("settings")) settings[setting.at("key").get<std::string>()] = setting;
  CHECK(settings.at("alerts.1").at("value") == "file hold  clear 3s  every 1s  timeout 2s");
  CHECK(settings.at("alerts.1").at("source") == "switchback.yaml:2:5");
  CHECK(settings.at("alerts.2").at("value") == "http http://shop/health  expect 200  clear 3s  every 5s  timeout 2s");
  CHECK(has(tool.run({"config", "show"}).out, "http http://shop/health"));
}
