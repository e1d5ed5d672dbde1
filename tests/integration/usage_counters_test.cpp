// Counters of indexes: a rise is a use, on whichever server; a reset is no quiet.
#include "catch.hpp"
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
