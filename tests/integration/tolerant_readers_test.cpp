#include "catch.hpp"
#include "clone_scene.hpp"

using namespace switchback;
using namespace switchback::tests;

namespace {

bool tolerated(const StructureEvidence& evidence, const std::string& what) {
  for (const Observation& one : evidence.observations)
    if (one.finding == Finding::clear && one.detail.starts_with("tolerated: " + what)) return true;
  return false;
}

TolerantReader by_role(const std::string& role) {
  return {role, std::nullopt};
}

}  // namespace

TEST_CASE("a tolerant reader's star does not count once replay has shown that it works without", "[usage][clone]") {
  CloneWorld scene;
  scene.world.application("SELECT * FROM users WHERE id = 1");
  auto findings = scene.against_statements();
  CHECK(has(findings, "used: SELECT * FROM users"));
  CHECK(has(findings, "readers: [ { role: postgres, star: tolerated } ]"));
  CHECK(scene.clone->opened == 0);  // a use needs no second judge

  scene.world.request.readers = {by_role("somebody")};
  CHECK(has(scene.against_statements(), "used: SELECT * FROM users"));
  scene.world.request.readers = {by_role("postgres")};
  const StructureEvidence evidence = scene.gather();
  CHECK(against(evidence, "statements").empty());
  CHECK(tolerated(evidence, "SELECT * FROM users WHERE id = $1 by role postgres"));
  CHECK(scene.clone->opened == 1);
  scene.gather();
  CHECK(scene.clone->opened == 1);
}

TEST_CASE("where no replay shows that it works without, a tolerant reader's star counts", "[usage][clone]") {
  CloneWorld scene;
  scene.world.request.readers = {by_role("postgres")};
  scene.world.application("SELECT * FROM users WHERE id = 1");
  scene.world.sample();
  const Judgement judgement = scene.world.verdict();  // the parse tree alone
  CHECK(judgement.verdict == Verdict::used);
  CHECK(has_reason(judgement, "it is not tolerated: no schema clone shows that it works without"));
  CHECK(against(scene.gather(), "statements").empty());
}

TEST_CASE("what does not work without, or takes rows as values, is not tolerated", "[usage][clone]") {
  CloneWorld scene;
  scene.world.request.readers = {by_role("postgres")};
  scene.world.application("SELECT *, lower(full_name) FROM users");
  scene.world.application("SELECT * FROM users UNION ALL SELECT 1::bigint, 'a', 'b', 'c'");
  scene.world.application("SELECT row_to_json(u) FROM users u");
  scene.world.application("INSERT INTO users SELECT id + 1000, full_name, first_name, last_name FROM users");
  const auto findings = scene.against_statements();
  CHECK(findings.size() == 4);
  CHECK(has(findings, "used: SELECT *, lower(full_name) FROM users"));
  CHECK(has(findings, "it does not work without, so it is not tolerated"));
  CHECK(has(findings, "UNION ALL"));
  CHECK(has(findings, "row_to_json"));
  CHECK(has(findings, "INSERT INTO users"));
}

TEST_CASE("a dump of all columns by a tolerant reader does not count, one of some columns does", "[usage][clone]") {
  CloneWorld scene;
  scene.world.application("COPY users (id, full_name, first_name, last_name) TO '/dev/null'");
  CHECK(has(scene.against_statements(), "if this is a dump, say so in the plan: readers:"));
  scene.world.request.readers = {by_role("postgres")};
  const StructureEvidence evidence = scene.gather();
  CHECK(against(evidence, "statements").empty());
  CHECK(tolerated(evidence, "COPY users (id, full_name, first_name, last_name)"));
  scene.world.application("COPY users (id, full_name) TO '/dev/null'");
  CHECK(has(scene.against_statements(), "used: COPY users (id, full_name) TO"));
}

TEST_CASE("the lock that pg_dump takes for the schema clone is no use of a table that goes", "[usage][clone]") {
  CloneWorld scene;
  scene.world.request.structures = {{Structure::Kind::table, {"public", "users"}, "users"}};
  scene.world.sample();
  scene.world.watched_for_a_day();
  scene.world.application("SELECT count(*) AS users FROM pg_class");
  CHECK(scene.against_statements().empty());
  REQUIRE(scene.clone->opened == 1);
  REQUIRE(server().sql(scene.world.uri,
                       "SELECT count(*) > 0 FROM pg_stat_statements WHERE query LIKE 'LOCK TABLE public.users%'") ==
          "t");
  CHECK(scene.against_statements().empty());
  // Another role's is.
  server().sql(scene.world.uri,
               "DO $$ BEGIN CREATE ROLE locker LOGIN SUPERUSER; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  scene.world.connect("by hand", server().as(scene.world.uri, "locker"))
      ->exec("BEGIN; LOCK TABLE public.users IN ACCESS SHARE MODE; COMMIT");
  CHECK(has(scene.against_statements(), "used: LOCK TABLE public.users IN ACCESS SHARE MODE by role locker"));
}

TEST_CASE("a reader told by its application is tolerated while every session of its role has that name",
          "[usage][clone]") {
  CloneWorld scene;
  server().sql(scene.world.uri,
               "DROP ROLE IF EXISTS exporter; CREATE ROLE exporter LOGIN; GRANT SELECT ON public.users TO exporter");
  scene.world.request.readers = {{std::nullopt, "nightly"}};
  const std::string uri = server().as(scene.world.uri, "exporter");
  {
    const auto nightly = scene.world.connect("nightly", uri);
    nightly->exec("SELECT * FROM public.users");
    CHECK(scene.against_statements().empty());
    const auto other = scene.world.connect("by hand", uri);
    CHECK(has(scene.against_statements(), "used: SELECT * FROM public.users by role exporter"));
  }
  server().sql(scene.world.uri, "DROP OWNED BY exporter; DROP ROLE exporter");
}
