// Counters of indexes and tables: a rise is a use, on whichever server; a reset is no quiet.
#include "catch.hpp"
#include "switchback/process/child.hpp"
#include "switchback/process/installation.hpp"
#include "tool.hpp"
#include "usage_world.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

struct Indexed : UsageWorld {
  Indexed() {
    run("CREATE INDEX users_first_name_idx ON public.users (first_name); ANALYZE public.users");
    request.structures = {{Structure::Kind::index, {"public", "users"}, "users_first_name_idx"}};
    sample();
    watched_for_a_day();
  }
  static constexpr const char* scan = "SET enable_seqscan = off; SELECT count(*) FROM users WHERE first_name = 'Ada'";
  /// Backends tell what they counted when they end, or some time later.
  Judgement after_rise() {
    Judgement judgement;
    for (const auto end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;) {
      sample();
      judgement = verdict();
      if (judgement.verdict == Verdict::used) break;
    }
    return judgement;
  }
};

}  // namespace

TEST_CASE("a scan of an index is a use that its counter shows, until the window has passed it", "[usage][counters]") {
  Indexed world;
  const Judgement quiet = world.verdict();
  CAPTURE(quiet.reasons);
  CHECK(quiet.verdict == Verdict::unused);
  world.application(Indexed::scan);
  const Judgement used = world.after_rise();
  CHECK(used.verdict == Verdict::used);
  CHECK(has_reason(used, "counters on primary: public.users_first_name_idx counts "));
  world.run("UPDATE switchback.usage_counter SET rose_at = rose_at - interval '61 minutes'");
  const Judgement passed = world.verdict();
  CAPTURE(passed.reasons);
  CHECK(passed.verdict == Verdict::unused);
}

TEST_CASE("counters that were reset cut what they covered", "[usage][counters]") {
  Indexed world;
  world.application(Indexed::scan);
  REQUIRE(world.after_rise().verdict == Verdict::used);
  world.run("UPDATE switchback.usage_counter SET rose_at = NULL");
  const std::string how = GENERATE(
      "SELECT pg_stat_reset()", "SELECT pg_stat_reset_single_table_counters('public.users_first_name_idx'::regclass)");
  world.run(how);
  world.sample();
  const Judgement judgement = world.verdict();
  CAPTURE(judgement.reasons);
  CHECK(has_reason(judgement, "counters on primary: seen for "));
  CHECK(has_reason(judgement, "the database's statistics were reset"));
}

TEST_CASE("a counter that fell covers nothing of what was before, though no reset shows", "[usage][counters]") {
  Indexed world;
  REQUIRE(world.verdict().verdict == Verdict::unused);
  world.run("UPDATE switchback.usage_counter SET value = value + 3");
  world.sample();
  const Judgement judgement = world.verdict();
  CAPTURE(judgement.reasons);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(has_reason(judgement, "counters on primary: seen for "));
  CHECK(has_reason(judgement, "counters fell: they were reset"));
}

TEST_CASE("an index of a partition counts for the whole, and one made anew begins anew", "[usage][counters]") {
  UsageWorld world;
  world.run(
      "CREATE TABLE public.parts (id int, kind text) PARTITION BY RANGE (id);"
      "CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES FROM (0) TO (100);"
      "INSERT INTO public.parts SELECT g, 'k' || g FROM generate_series(1, 50) g;"
      "CREATE INDEX parts_kind_idx ON public.parts (kind); ANALYZE public.parts");
  world.request.structures = {{Structure::Kind::index, {"public", "parts"}, "parts_kind_idx"}};
  world.sample();
  world.watched_for_a_day();
  CHECK(world.verdict().verdict == Verdict::unused);
  world.application("SET enable_seqscan = off; SELECT count(*) FROM parts WHERE kind = 'k1'");
  bool rose = false;
  for (const auto end = std::chrono::steady_clock::now() + 20s; !rose && std::chrono::steady_clock::now() < end;) {
    world.sample();
    rose = has(against(world.gather(), "counters"), "parts_1_kind_idx counts ");
  }
  CHECK(rose);
  world.run(
      "CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (100) TO (200);"
      "UPDATE switchback.usage_counter SET rose_at = NULL");
  world.sample();
  CHECK(has_reason(world.verdict(), "some of what is counted was made since"));
}

TEST_CASE("a scan on a standby alone is a use there", "[usage][counters][replica]") {
  Repaired repaired;
  Indexed world;
  server().await_replica();
  const std::string name = world.session->exec("SELECT application_name FROM pg_stat_replication").text(0, 0);
  const auto replica = world.connect("switchback test", server().on_replica(world.uri));
  world.request.replicas = {{name, replica.get(), ""}};
  world.sample();
  world.watched_for_a_day();
  REQUIRE(world.verdict().verdict == Verdict::unused);
  {
    const auto reader = world.connect("report", server().on_replica(world.uri));
    reader->exec("SET enable_seqscan = off");
    reader->exec("SELECT count(*) FROM public.users WHERE first_name = 'Ada'");
  }
  const Judgement used = world.after_rise();
  CHECK(used.verdict == Verdict::used);
  CHECK(has_reason(used, "counters on " + name + ": public.users_first_name_idx counts "));
}

namespace {

/// A table that is to go, watched for a day.
struct Whole : UsageWorld {
  Whole() {
    request.structures = {{Structure::Kind::table, {"public", "users"}, "users"}};
    // Backends tell what they counted some time later: what made the table must be told before the first look.
    REQUIRE(eventually(30s, [&] {
      return session->exec("SELECT n_tup_ins FROM pg_stat_all_tables WHERE relid = 'public.users'::regclass")
                 .integer(0, 0) == 100;
    }));
    sample();
    watched_for_a_day();
    REQUIRE(verdict().verdict == Verdict::unused);
  }
  /// The counters' finding that holds `part`, once it shows: backends tell what they counted when they end, or later.
  std::optional<Observation> counted(const std::string& part) {
    std::optional<Observation> found;
    eventually(20s, [&] {
      sample();
      for (const Observation& one : gather().observations)
        if (one.source == "counters" && one.detail.find(part) != std::string::npos) found = one;
      return found.has_value();
    });
    if (!found)
      for (const Observation& one : gather().observations)
        if (one.source == "counters") UNSCOPED_INFO(one.detail);
    return found;
  }
};

/// Of a role of its own, so that it can be told by it.
void dump(const UsageWorld& world) {
  server().sql(world.uri,
               "DO $$ BEGIN CREATE ROLE dumper LOGIN SUPERUSER; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  const std::string programs = process::find_dump_programs(world.session->server_version() / 10000);
  const auto outcome =
      process::run({.argv = {programs + "/pg_dump", "-f", "/dev/null", "-d", server().as(world.uri, "dumper")}}, 60s);
  INFO(outcome.err);
  REQUIRE(outcome.ok());
}

}  // namespace

TEST_CASE("scans of a table and rows written to it are uses that its counters show, ANALYZE and VACUUM are none",
          "[usage][counters][structures]") {
  Whole world;
  world.run("ANALYZE public.users");
  world.run("VACUUM public.users");
  CHECK(world.counted("scans, and the count has not risen"));
  const Judgement quiet = world.verdict();
  CAPTURE(quiet.reasons);
  CHECK(quiet.verdict == Verdict::unused);

  const auto [sql, words] = GENERATE(table<std::string, std::string>(
      {{"SELECT count(*) FROM users", "scans, and the count rose"},
       {"SET enable_seqscan = off; SELECT 1 FROM users WHERE id = 7", "scans, and the count rose"},
       {"INSERT INTO users (id) VALUES (5001)", "rows written, and the count rose"}}));
  world.application(sql);
  const auto rose = world.counted(words);
  REQUIRE(rose);
  CHECK(rose->finding == Finding::used);
  CHECK(has_reason(world.verdict(), words));
  if (world.session->server_version() >= 160000 && words.find("scans") != std::string::npos) {
    const auto last = world.session->exec(
        "SELECT (EXTRACT(epoch FROM greatest(last_seq_scan, last_idx_scan))::numeric * 1000)::bigint FROM "
        "pg_stat_all_tables WHERE relid = 'public.users'::regclass");
    CHECK(rose->last_seen == Instant{std::chrono::milliseconds{last.integer(0, 0)}});
  }
}

TEST_CASE("a tolerated dump is no use of a table that goes, and its scans are put down to it, rows written are not",
          "[usage][counters][structures]") {
  Whole world;
  dump(world);
  const auto scanned = world.counted("scans, and the count rose");
  REQUIRE(scanned);
  CHECK(scanned->finding == Finding::used);
  const auto statements = against(world.gather(), "statements");
  CHECK(has(statements, "used: COPY public.users (id, full_name, first_name, last_name) TO stdout by role dumper"));
  CHECK(has(statements, "used: LOCK TABLE public.users IN ACCESS SHARE MODE by role dumper"));
  CHECK(has(statements, "if this is a dump, say so in the plan: readers: [ { role: dumper, star: tolerated } ]"));

  world.request.readers = {{"dumper", std::nullopt}};
  const Judgement tolerated = world.verdict();
  CAPTURE(tolerated.reasons);
  CHECK(tolerated.verdict == Verdict::unused);
  CHECK(world.counted("scans, and the count rose: explained by tolerated reads"));
  // Longer ago than a dump takes, it explains nothing.
  world.run("UPDATE switchback.usage_statement SET calls_rose_at = calls_rose_at - interval '25 hours'");
  CHECK(has(against(world.gather(), "counters"), "scans, and the count rose"));
  world.run("UPDATE switchback.usage_statement SET calls_rose_at = calls_rose_at + interval '25 hours'");

  // A star does not work without the table, whoever reads it.
  world.connect("dump", server().as(world.uri, "dumper"))->exec("SELECT * FROM public.users WHERE id = 7");
  world.sample();
  CHECK(has(against(world.gather(), "statements"), "used: SELECT * FROM public.users WHERE id = $1 by role dumper"));
  world.connect("dump", server().as(world.uri, "dumper"))->exec("DELETE FROM public.users WHERE id = 7");
  const auto written = world.counted("rows written, and the count rose");
  REQUIRE(written);
  CHECK(written->finding == Finding::used);
}
