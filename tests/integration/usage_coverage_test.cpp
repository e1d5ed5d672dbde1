// Every way in which the sampler's view can be broken, and the reason that the verdict then gives.
#include <csignal>
#include <nlohmann/json.hpp>

#include "alert_servers.hpp"
#include "catch.hpp"
#include "plan_view.hpp"
#include "standby.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"
#include "traffic.hpp"
#include "usage_world.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

/// Watched for a day without a gap: unused, so that what comes after is what changes it.
struct Watched : UsageWorld {
  Watched() {
    sample();
    watched_for_a_day();
    REQUIRE(verdict().verdict == Verdict::unused);
  }
  /// The verdict after another look.
  Judgement looked() {
    sample();
    return verdict();
  }
  void reconnect() {
    eventually(30s, [&] {
      try {
        session = connect("switchback test");
        return true;
      } catch (const Error&) {  // still recovering
        return false;
      }
    });
  }
};

std::string replica_name(UsageWorld& world) {
  server().await_replica();
  return world.session->exec("SELECT application_name FROM pg_stat_replication").text(0, 0);
}

}  // namespace

TEST_CASE("a backend that was killed takes the statistics with it, and cuts statements", "[usage][coverage]") {
  Repaired repaired;
  Watched world;
  const auto victim = world.connect("shop:v42");
  REQUIRE(::kill(victim->backend_pid(), SIGKILL) == 0);
  eventually(30s, [&] {
    try {
      world.run("SELECT 1");
      return false;
    } catch (const Error&) {  // the server has cut every session
      return true;
    }
  });
  world.reconnect();
  const Judgement judgement = world.looked();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "the server's statistics were reset, or it crashed"));
  CHECK_FALSE(has_reason(judgement, "sessions on primary"));
}

TEST_CASE("a server that is restarted in peace cuts nothing", "[usage][coverage]") {
  Repaired repaired;
  Watched world;
  world.application("SELECT first_name FROM users WHERE id = 7");
  world.sample();
  server().stop_primary(StopMode::fast);
  server().start_primary();
  world.reconnect();
  const Judgement judgement = world.looked();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unused);
}

TEST_CASE("a count that fell cuts statements, also of one that is of no interest", "[usage][coverage]") {
  UsageWorld world;
  for (int i = 0; i < 3; ++i) world.application("SELECT 7 AS seven");
  world.sample();
  world.watched_for_a_day();
  world.run(
      "SELECT public.pg_stat_statements_reset(0, 0, queryid) FROM public.pg_stat_statements WHERE query = 'SELECT $1 "
      "AS seven' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())");
  world.application("SELECT 7 AS seven");
  world.sample();
  const Judgement judgement = world.verdict();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "counts of pg_stat_statements fell"));
  // Cut once: from then on it counts again.
  world.watched_for_a_day();
  CHECK(world.verdict().verdict == Verdict::unused);
  world.sample();
  CHECK(world.verdict().verdict == Verdict::unused);
}

TEST_CASE("settings that hide statements cut them, and are named with what mends them", "[usage][coverage]") {
  const auto [name, value, reason] = GENERATE(table<std::string, std::string, std::string>(
      {{"pg_stat_statements.track", "top", "track is top: statements inside functions are not seen; ALTER SYSTEM"},
       {"pg_stat_statements.track_utility", "off", "track_utility is off: COPY is not seen; ALTER SYSTEM"},
       {"compute_query_id", "off", "compute_query_id is off: no statement is sure to be counted; ALTER SYSTEM"}}));
  Repaired repaired;
  Watched world;
  if (name == "compute_query_id" && world.session->server_version() < 140000) return;
  {
    const SystemSetting setting(Server::primary, name, value);
    REQUIRE(eventually(30s, [&] { return has_reason(world.looked(), reason); }));
    CHECK(world.verdict().verdict == Verdict::unknown);
  }
  // Seen again: what ran meanwhile stays unseen.
  REQUIRE(eventually(30s, [&] { return !has_reason(world.looked(), reason); }));
  const Judgement after = world.verdict();
  CAPTURE(after.reasons);
  CHECK(after.verdict == Verdict::unknown);
  CHECK(has_reason(after, "before, "));
}

TEST_CASE("what the sampler's own role has set says nothing of other roles", "[usage][coverage]") {
  Watched world;
  world.run("SET pg_stat_statements.track = 'all'");
  const Judgement judgement = world.looked();
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "pg_stat_statements.track is the sampler's own"));
}

TEST_CASE("a server's clock that was set back cuts everything that was watched", "[usage][coverage]") {
  Watched world;
  world.run("UPDATE switchback.usage_coverage SET until = until + interval '2 hours'");
  const Judgement judgement = world.looked();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "sessions on primary: seen for "));
  CHECK(has_reason(judgement, "statements on primary: seen for "));
  CHECK(has_reason(judgement, "the server's clock was set back by "));
}

TEST_CASE("a server's clock that was set forward makes no time of quiet", "[usage][coverage]") {
  Watched world;
  // As the journal looks when the server's clock has leapt 25 hours since: all its times lie that far back, and this
  // machine's own clock does not know of them.
  world.run(
      "UPDATE switchback.usage_coverage c SET since = since - interval '25 hours', until = until - interval '25 "
      "hours', marks = marks || jsonb_build_object('clocks', (SELECT jsonb_object_agg(key, value || "
      "jsonb_build_object('server', (value->>'server')::bigint - 25 * 3600000)) FROM jsonb_each(c.marks->'clocks')))");
  const Judgement judgement = world.looked();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "statements on primary: seen for "));
  CHECK(has_reason(judgement, "the server's clock was set forward by 1d"));
  // And no more than once.
  world.watched_for_a_day();
  CHECK(world.looked().verdict == Verdict::unused);
}

TEST_CASE("a sampler that slept says when it last looked", "[usage][coverage]") {
  Watched world;
  world.run("UPDATE switchback.usage_coverage SET until = until - interval '16 minutes'");
  const Judgement judgement = world.verdict();
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "last sampled 16m"));
  CHECK(has_reason(judgement, "is a runner up?"));
}

TEST_CASE("a standby that could not be read for a while cuts what the sampler saw of it, with that reason",
          "[usage][coverage][replica]") {
  Repaired repaired;
  UsageWorld world;
  const std::string name = replica_name(world);
  auto replica = world.connect("switchback test", server().on_replica(world.uri));
  world.request.replicas = {{name, replica.get(), ""}};
  world.sample();
  world.watched_for_a_day();
  REQUIRE(world.verdict().verdict == Verdict::unused);

  server().stop_replica();
  world.sample();  // the session broke
  const Judgement broken = world.verdict();
  CHECK(broken.verdict == Verdict::unknown);
  CHECK(has_reason(broken, "on " + name + ": cannot be read now: "));
  world.request.replicas = {{name, nullptr, "nobody answers there"}};
  world.sample();
  CHECK(has_reason(world.verdict(), "on " + name + ": cannot be read now: nobody answers there"));
  world.run("UPDATE switchback.usage_coverage SET until = until - interval '6 minutes' WHERE server <> 'primary'");

  server().start_replica();
  server().await_replica();
  replica = world.connect("switchback test", server().on_replica(world.uri));
  world.request.replicas = {{name, replica.get(), ""}};
  world.sample();
  const Judgement back = world.verdict();
  CAPTURE(back.reasons);
  CHECK(back.verdict == Verdict::unknown);
  CHECK(has_reason(back, "sessions on " + name + ": seen for "));
  CHECK(has_reason(back, "for more than 5 minutes " + name + " could not be read: nobody answers there"));
  CHECK_FALSE(has_reason(back, "sessions on primary"));
}

TEST_CASE("a standby that was never read is not covered when it is read at last", "[usage][coverage][replica]") {
  Repaired repaired;
  Watched world;
  const std::string name = replica_name(world);
  world.request.replicas = {{name, nullptr, "nobody answers there"}};
  world.sample();
  world.watched_for_a_day();
  const auto replica = world.connect("switchback test", server().on_replica(world.uri));
  world.request.replicas = {{name, replica.get(), ""}};
  const Judgement judgement = world.looked();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "statements on " + name + ": seen for "));
  CHECK(has_reason(judgement, "sessions on " + name + ": seen for "));
}

TEST_CASE("a connection that reaches something else than the standby it is named after counts for nothing",
          "[usage][coverage][replica]") {
  Repaired repaired;
  UsageWorld world;
  const std::string name = replica_name(world);
  const auto to_primary = world.connect("switchback test");
  const auto elsewhere = world.connect("switchback test", server().replica_uri());
  const auto first = world.connect("switchback test", server().on_replica(world.uri));
  const auto second = world.connect("switchback test", server().on_replica(world.uri));
  world.request.replicas = {{name, to_primary.get(), ""}};
  world.sample();
  CHECK(has_reason(world.verdict(), name + ": its connection reaches the same server as that of primary"));
  world.request.replicas = {{name, elsewhere.get(), ""}};
  world.sample();
  CHECK(has_reason(world.verdict(), name + ": its connection reaches the database postgres, not "));
  world.request.replicas = {{name, first.get(), ""}, {"twin", second.get(), ""}};
  world.sample();
  CHECK(has_reason(world.verdict(), "twin: its connection reaches the same server as that of " + name));
}

TEST_CASE("a standby of a sampled standby is unknown until it is configured too", "[usage][coverage][replica]") {
  Repaired repaired;
  UsageWorld world;
  const std::string name = replica_name(world);
  const auto replica = world.connect("switchback test", server().on_replica(world.uri));
  world.request.replicas = {{name, replica.get(), ""}};
  const FakeStandby follower(server().replica_uri(), "further");
  REQUIRE(eventually(30s, [&] {
    world.sample();
    return has(against(world.gather(), "statements"), "a standby of the standby " + name + ", not sampled");
  }));
  CHECK(has(against(world.gather(), "statements"), "health: { replicas: [ { name: further, connect: … } ] }"));
  world.request.without_queries = {{"further", "only for failover"}};
  CHECK_FALSE(has(against(world.gather(), "statements"), "a standby of the standby"));
  world.request.without_queries.clear();
  world.request.replicas.push_back({"further", nullptr, "nobody answers there"});
  world.run("UPDATE switchback.usage_coverage SET marks = marks - 'standbys'");
  world.sample();
  CHECK_FALSE(has(against(world.gather(), "statements"), "a standby of the standby"));
}

TEST_CASE("what only a standby runs is a use that names the standby, also for the command", "[usage][replica][cli]") {
  Repaired repaired;
  const std::string uri = server().fresh_database();
  const std::string name = server().sql(uri, "SELECT application_name FROM pg_stat_replication");
  // The connection names another database than the plan's.
  Tool tool(uri,
            "contract: { observe: 1s, soak: 0s }\nbackup: { none: a throwaway server }\nhealth: { grace: 5s, replicas: "
            "[ { name: " +
                name + ", policy: optional, connect: \"" + server().replica_uri() + "\" } ] }\n");
  make_users(uri, 100);
  tool.plan(split_plan("split"));
  const auto migrated = tool.run({"run", "plan.yaml"});
  INFO(migrated.err);
  REQUIRE(migrated.exit_code == 0);
  server().await_replica();
  REQUIRE(tool.run({"usage", "split"}).exit_code == 0);
  server().sql(server().on_replica(uri), "SELECT max(full_name) FROM users");
  const auto usage = tool.run({"usage", "split", "-o", "json"});
  INFO(usage.out << usage.err);
  const auto structure = nlohmann::json::parse(usage.out).at("structures").at(0);
  CHECK(structure.at("verdict") == "used");
  bool named = false;
  for (const auto& found : structure.at("findings"))
    named |= found.at("server") == name && found.at("source") == "statements" &&
             found.at("detail").get<std::string>().starts_with("SELECT max(full_name) FROM users by role");
  CHECK(named);
}
