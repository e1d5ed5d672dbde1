#include "catch.hpp"
#include "standby.hpp"
#include "tool.hpp"
#include "usage_world.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

TEST_CASE("a statement that uses the column and runs in the window is a use, until the window has passed it",
          "[usage][timing]") {
  UsageWorld world;
  world.application("SELECT full_name FROM users WHERE id = 7");
  world.sample();
  world.watched_for_a_day();
  // It ran before sampling began: nobody knows when, and coverage begins after it.
  CHECK(world.verdict().verdict == Verdict::unused);

  world.application("SELECT full_name FROM users WHERE id = 8");
  world.application("SELECT first_name FROM users WHERE id = 8");
  world.sample();
  const Judgement used = world.verdict();
  CHECK(used.verdict == Verdict::used);
  CHECK(has_reason(used, "SELECT full_name FROM users WHERE id = $1 by role postgres"));
  CHECK_FALSE(has_reason(used, "first_name"));

  world.sample();
  world.run("UPDATE switchback.usage_statement SET calls_rose_at = calls_rose_at - interval '61 minutes'");
  CHECK(world.verdict().verdict == Verdict::unused);
  CHECK(world.verdict(2h).verdict == Verdict::used);

  // Judged once: the answer stands in the journal.
  CHECK(world.session->exec("SELECT count(*) FROM switchback.usage_statement WHERE judged <> '{}'").integer(0, 0) == 2);
}

TEST_CASE("a new statement ran, whatever its count", "[usage]") {
  UsageWorld world;
  world.sample();
  world.watched_for_a_day();
  CHECK(world.verdict().verdict == Verdict::unused);
  world.application("COPY users TO '/dev/null'");
  world.sample();
  CHECK(has_reason(world.verdict(), "COPY users"));
  CHECK(world.verdict().verdict == Verdict::used);
}

TEST_CASE("statements of functions are seen, and switchback's own are not counted", "[usage]") {
  UsageWorld world;
  world.run("CREATE FUNCTION public.builds(what text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE what; END'");
  world.sample();
  world.watched_for_a_day();
  world.run("UPDATE /* switchback */ public.users SET first_name = split_part(full_name, ' ', 1)");
  world.sample();
  CHECK(world.verdict().verdict == Verdict::unused);
  world.application("SELECT builds('SELECT min(full' || '_name) FROM us' || 'ers')");
  world.sample();
  CHECK(has_reason(world.verdict(), "SELECT min(full_name) FROM users"));
}

TEST_CASE("an ambiguous statement is unknown", "[usage]") {
  UsageWorld world;
  world.run("CREATE SCHEMA sales; CREATE TABLE sales.users (id bigint, full_name text)");
  world.sample();
  world.watched_for_a_day();
  world.application("SET search_path = sales; SELECT max(full_name) FROM users");
  world.sample();
  const Judgement judgement = world.verdict();
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "SELECT max(full_name) FROM users"));
}

TEST_CASE("a session of the image before is a use by whom and when, until the window has passed it",
          "[usage][timing]") {
  UsageWorld world;
  world.request.image_before = "shop:v41";
  world.sample();
  world.watched_for_a_day();
  const auto fresh = world.connect("shop:v42");
  world.sample();
  CHECK(world.verdict().verdict == Verdict::unused);
  {
    const auto old = world.connect("shop:v41");
    world.sample();
  }
  const Judgement used = world.verdict();
  CHECK(used.verdict == Verdict::used);
  CHECK(has_reason(used, "session of shop:v41, role postgres, last seen"));
  world.run(
      "UPDATE switchback.usage_session SET last_seen = last_seen - interval '61 minutes' WHERE application = "
      "'shop:v41'");
  CHECK(world.verdict().verdict == Verdict::unused);
}

TEST_CASE("less than the window of coverage is unknown", "[usage]") {
  UsageWorld world;
  CHECK(has_reason(world.verdict(), "not sampled yet"));
  world.sample();
  const Judgement judgement = world.verdict();
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "statements on primary: seen for"));
  CHECK(has_reason(judgement, "sessions on primary: seen for"));
}

TEST_CASE("a reset of the statistics cuts the coverage of statements", "[usage]") {
  UsageWorld world;
  world.sample();
  world.watched_for_a_day();
  REQUIRE(world.verdict().verdict == Verdict::unused);
  world.run("SELECT public.pg_stat_statements_reset()");
  world.sample();
  const Judgement judgement = world.verdict();
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "pg_stat_statements was reset"));
  CHECK_FALSE(has_reason(judgement, "sessions on primary"));
}

TEST_CASE("a reset of one entry cuts it too", "[usage]") {
  UsageWorld world;
  world.application("SELECT full_name FROM users WHERE id = 7");
  world.sample();
  world.watched_for_a_day();
  world.run(
      "SELECT public.pg_stat_statements_reset(0, 0, queryid) FROM public.pg_stat_statements WHERE query LIKE 'SELECT "
      "full_name FROM users%' "
      "AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())");
  world.sample();
  CHECK(has_reason(world.verdict(), "evicted or reset"));
  // Back with the count it had before: it ran.
  world.application("SELECT full_name FROM users WHERE id = 7");
  world.sample();
  CHECK(world.verdict().verdict == Verdict::used);
}

TEST_CASE("eviction cuts the coverage of statements", "[usage]") {
  UsageWorld world;
  world.sample();
  world.watched_for_a_day();
  // More different statements than pg_stat_statements.max: each a pattern of 15 operators.
  world.run(
      "DO $$ DECLARE t text; BEGIN FOR i IN 1..14000 LOOP t := 'SELECT 1';"
      " FOR b IN 0..14 LOOP t := t || CASE WHEN (i >> b) & 1 = 1 THEN '+1' ELSE '-1' END; END LOOP; EXECUTE t; END "
      "LOOP; END $$");
  world.sample();
  const Judgement judgement = world.verdict();
  CHECK(judgement.verdict == Verdict::unknown);
  // Before 14 the server does not say so: that it may have happened is seen by how full the list is.
  const bool told = world.session->server_version() >= 140000;
  CHECK(
      has_reason(judgement, told ? "pg_stat_statements evicted entries: raise" : "pg_stat_statements is nearly full"));
}

TEST_CASE("a crash of the server cuts the coverage of statements", "[usage]") {
  Repaired repaired;
  UsageWorld world;
  world.sample();
  world.watched_for_a_day();
  server().crash_primary();
  world.session = world.connect("switchback test");
  world.sample();
  const Judgement judgement = world.verdict();
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "statements on primary: seen for"));
  CHECK_FALSE(has_reason(judgement, "sessions on primary"));
}

TEST_CASE("statements that are hidden cut it, with the GRANT that shows them", "[usage]") {
  UsageWorld world;
  world.sample();
  world.run(
      "DO $$ BEGIN CREATE ROLE blinkered LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "GRANT USAGE ON SCHEMA switchback TO blinkered; GRANT ALL ON ALL TABLES IN SCHEMA switchback TO blinkered");
  const auto own = std::move(world.session);
  world.session = world.connect("switchback test", server().as(world.uri, "blinkered"));
  world.sample();
  own->exec("UPDATE switchback.usage_coverage SET since = since - interval '1 day'");
  const Judgement judgement = world.verdict();
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "GRANT pg_read_all_stats TO \"blinkered\""));
  // Seen again: what was missed in between stays missed.
  world.session = world.connect("switchback test");
  world.sample();
  CHECK(has_reason(world.verdict(), "statements on primary: seen for"));
}

TEST_CASE("sessions of others are seen without rights to statistics", "[usage]") {
  UsageWorld world;
  world.request.image_before = "shop:v41";
  world.run(
      "DO $$ BEGIN CREATE ROLE blinkered LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "GRANT USAGE ON SCHEMA switchback TO blinkered; GRANT ALL ON ALL TABLES IN SCHEMA switchback TO blinkered");
  const auto old = world.connect("shop:v41");
  world.session = world.connect("switchback test", server().as(world.uri, "blinkered"));
  world.sample();
  CHECK(has_reason(world.verdict(), "session of shop:v41"));
}

TEST_CASE("a role whose statements are not tracked cuts it", "[usage]") {
  UsageWorld world;
  world.run(
      "DO $$ BEGIN CREATE ROLE untracked; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "ALTER ROLE untracked SET pg_stat_statements.track = 'none'");
  world.sample();
  world.watched_for_a_day();
  const Judgement judgement = world.verdict();
  world.run("ALTER ROLE untracked RESET pg_stat_statements.track");
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "statements of untracked are not all counted"));
}

TEST_CASE("without pg_stat_statements the remedy is named", "[usage]") {
  UsageWorld world;
  world.run("DROP EXTENSION pg_stat_statements");
  world.sample();
  CHECK(has_reason(world.verdict(), "CREATE EXTENSION pg_stat_statements"));
  world.run("CREATE SCHEMA monitoring; CREATE EXTENSION pg_stat_statements SCHEMA monitoring");
  world.sample();
  world.watched_for_a_day();
  world.sample();
  const Judgement judgement = world.verdict();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unused);
}

TEST_CASE("a gap of more than 5 minutes cuts sessions, and counters bridge it", "[usage]") {
  UsageWorld world;
  world.sample();
  world.watched_for_a_day();
  world.run("UPDATE switchback.usage_coverage SET until = until - interval '301 seconds'");
  world.sample();
  const Judgement judgement = world.verdict();
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "sessions on primary: seen for"));
  CHECK_FALSE(has_reason(judgement, "statements on primary"));
}

TEST_CASE("a view that begins to read the column brings back statements that were of no interest", "[usage]") {
  UsageWorld world;
  world.run("CREATE VIEW public.ids AS SELECT id FROM public.users");
  world.application("SELECT count(*) FROM ids");
  world.sample();
  world.watched_for_a_day();
  CHECK(world.verdict().verdict == Verdict::unused);
  world.run("CREATE OR REPLACE VIEW public.ids AS SELECT id, full_name FROM public.users");
  world.application("SELECT count(*) FROM ids");
  world.sample();
  CHECK(has(against(world.gather(), "statements"), "through the view ids"));
}

TEST_CASE("external readers are unknown until the plan names them as checked", "[usage][external]") {
  UsageWorld world;
  CHECK(against(world.gather(), "external").empty());
  const std::string slot = "cdc_" + world.uri.substr(world.uri.rfind('/') + 1);
  world.run("CREATE PUBLICATION everything FOR ALL TABLES");
  world.run("CREATE PUBLICATION others FOR TABLE switchback.meta");
  world.run("CREATE EXTENSION IF NOT EXISTS postgres_fdw; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw");
  world.run("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
  const StructureEvidence evidence = world.gather();
  world.request.checked = {"everything", slot, "elsewhere"};
  const StructureEvidence checked = world.gather();
  world.run("SELECT pg_drop_replication_slot('" + slot + "')");
  const auto external = against(evidence, "external");
  CHECK(external.size() == 3);
  CHECK(has(external, "unknown: publication everything publishes all tables"));
  CHECK(has(external, "unknown: logical slot " + slot));
  CHECK(has(external, "unknown: foreign server elsewhere"));
  CHECK(against(checked, "external").empty());
}

namespace {

/// What was noted of standbys, as if it had been seen that much earlier.
void standbys_seen_earlier(UsageWorld& world, int seconds) {
  world.run(
      "UPDATE switchback.usage_coverage c SET marks = c.marks || jsonb_build_object('standbys', (SELECT "
      "jsonb_agg(one || jsonb_build_object('seen', (one->>'seen')::bigint - " +
      std::to_string(seconds) +
      " * 1000)) FROM jsonb_array_elements(c.marks->'standbys') AS one)) WHERE jsonb_array_length(c.marks->'standbys') "
      "> 0");
}

const std::string unsampled = "not sampled (no connection configured)";

}  // namespace

TEST_CASE("a replica is sampled where there is a connection, and unknown where there is none", "[usage][replica]") {
  Repaired repaired;
  UsageWorld world;
  world.request.without_queries.clear();
  server().await_replica();
  const std::string name = world.session->exec("SELECT application_name FROM pg_stat_replication").text(0, 0);
  world.sample();
  world.watched_for_a_day();
  const Judgement unseen = world.verdict();
  CAPTURE(unseen.reasons);
  CHECK(unseen.verdict == Verdict::unknown);
  CHECK(has_reason(unseen, "statements on " + name + ": " + unsampled));
  CHECK(has(unseen.missing, "health: { replicas: [ { name: " + name + ", connect: … } ] }"));
  CHECK(has(unseen.missing, "{ name: " + name + ", queries: { none: reason } }"));

  const auto replica = world.connect("switchback test", server().on_replica(world.uri));
  world.request.replicas = {{name, replica.get(), ""}};
  world.sample();
  world.watched_for_a_day();
  // What ran on it before that nobody has seen.
  CHECK(has_reason(world.verdict(), "statements on " + name + ": " + unsampled + ", last seen "));
  standbys_seen_earlier(world, 3601);
  CHECK(world.verdict().verdict == Verdict::unused);
  world.connect("report", server().on_replica(world.uri))->exec("SELECT max(full_name) FROM public.users");
  world.sample();
  const Judgement used = world.verdict();
  CHECK(used.verdict == Verdict::used);
  CHECK(has_reason(used, "statements on " + name + ": SELECT max(full_name) FROM public.users"));
}

TEST_CASE("a replica on which no queries run, as the configuration says, is clear, with the reason",
          "[usage][replica]") {
  UsageWorld world;
  world.request.without_queries = {{"replica", "only for failover"}};
  world.sample();
  world.watched_for_a_day();
  const Judgement judgement = world.verdict();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unused);
  bool said = false;
  for (const Observation& one : judgement.findings)
    said |= one.server == "replica" &&
            one.detail == unsampled + "; the configuration says that no queries run on it: only for failover";
  CHECK(said);
}

TEST_CASE(
    "a standby that was there and is gone is unknown until the window has passed it, one that only receives is "
    "none",
    "[usage][replica]") {
  UsageWorld world;
  world.sample();
  world.watched_for_a_day();
  {
    const FakeStandby receives(world.uri, "keeps_wal", false);
    const FakeStandby replays(world.uri, "brief");
    REQUIRE(eventually(30s, [&] {
      world.sample();
      return has_reason(world.verdict(), "statements on brief: " + unsampled);
    }));
    REQUIRE(server().sql(world.uri, "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'keeps_wal'") ==
            "1");
  }
  REQUIRE(eventually(30s, [&] {
    return server().sql(world.uri, "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'brief'") == "0";
  }));
  world.sample();
  const Judgement gone = world.verdict();
  CAPTURE(gone.reasons);
  CHECK(gone.verdict == Verdict::unknown);
  CHECK(has_reason(gone, "statements on brief: " + unsampled + ", last seen "));
  CHECK_FALSE(has_reason(gone, "keeps_wal"));
  standbys_seen_earlier(world, 3601);
  world.sample();
  const Judgement passed = world.verdict();
  CAPTURE(passed.reasons);
  CHECK(passed.verdict == Verdict::unused);
}

TEST_CASE("a slot that keeps rows for a standby that is away is one that may have run queries", "[usage][replica]") {
  Repaired repaired;
  UsageWorld world;
  world.request.without_queries.clear();
  {
    const SystemSetting feedback(Server::replica, "hot_standby_feedback", "on");
    REQUIRE(eventually(30s, [&] {
      return server().sql(world.uri, "SELECT xmin IS NOT NULL FROM pg_replication_slots WHERE slot_name = 'replica'") ==
             "t";
    }));
    server().stop_replica();
    REQUIRE(eventually(30s, [&] {
      return server().sql(world.uri, "SELECT active FROM pg_replication_slots WHERE slot_name = 'replica'") == "f";
    }));
    world.sample();
    CHECK(has(against(world.gather(), "statements"), "unknown: " + unsampled));
    server().start_replica();
  }
}

TEST_CASE("a role that may not see who follows the server does not know whether one runs queries", "[usage][replica]") {
  UsageWorld world;
  world.request.without_queries.clear();
  world.run(
      "DO $$ BEGIN CREATE ROLE sees_little; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT USAGE ON SCHEMA "
      "switchback TO sees_little; GRANT ALL ON ALL TABLES IN SCHEMA switchback TO sees_little; GRANT SELECT ON "
      "public.users TO sees_little; SET ROLE sees_little");
  world.sample();
  CHECK(has(against(world.gather(), "statements"),
            unsampled + "; whether it is one that runs queries is hidden from this role -> GRANT pg_monitor"));
  world.run("RESET ROLE");
}

TEST_CASE("two samplers at once lose nothing", "[usage]") {
  UsageWorld world;
  world.sample();
  const auto other = world.connect("switchback other");
  for (int i = 0; i < 5; ++i) {
    world.sample();
    world.usage->sample(*other, world.request);
  }
  world.watched_for_a_day();
  CHECK(world.verdict().verdict == Verdict::unused);
}
