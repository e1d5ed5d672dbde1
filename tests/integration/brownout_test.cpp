// Privileges taken from everybody and given back, on a real server.
#include <random>

#include "catch.hpp"
#include "grants.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/brownout.hpp"
#include "tool.hpp"
#include "traffic.hpp"
#include "usage_world.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

const engine::Actor actor{"tester", "here"};

/// A table of users that bo_owner owns, and a plan that drops its full_name.
struct Browned : UsageWorld {
  DropColumn column{{"public", "users"}, "full_name", {}};

  explicit Browned(const std::string& grants = "") {
    make_grant_roles(uri);
    run("GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC; ALTER TABLE public.users OWNER TO bo_owner");
    if (!grants.empty()) run(grants);
  }

  std::int64_t begin(ports::Session* by = nullptr) {
    ports::Session& acting = by == nullptr ? *session : *by;
    ports::Transaction transaction(acting);
    const auto id = engine::begin_brownout(acting, actor, {request.plan, {&column}, 60s, "nobody"});
    transaction.commit();
    return id;
  }
  std::vector<std::string> undo(ports::Session* by = nullptr) {
    const auto undone = engine::undo_brownouts(by == nullptr ? *session : *by, actor, request.plan, false, "the test");
    REQUIRE(undone.size() == 1);
    return undone.front().notes;
  }
  std::unique_ptr<ports::Session> as(const std::string& role) const {
    return switchback::tests::application(server().as(uri, role), "shop:v42");
  }
};

std::string refused_with(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.sqlstate() + " " + error.what() + " -> " + error.hint();
  }
  return "not refused";
}

const std::vector<std::string> ways_to_grant{
    "",
    "GRANT SELECT, INSERT, UPDATE ON users TO bo_app; GRANT SELECT ON users TO PUBLIC; GRANT DELETE ON users TO "
    "\"bo_Odd one\"",
    "REVOKE ALL ON users FROM bo_owner",
    "GRANT SELECT (id, full_name) ON users TO bo_reader; GRANT UPDATE (full_name) ON users TO PUBLIC; GRANT SELECT "
    "(first_name) ON users TO bo_sub; GRANT ALL ON users TO bo_app; GRANT SELECT ON users TO bo_reader",
    "GRANT SELECT, UPDATE ON users TO bo_lead WITH GRANT OPTION; SET ROLE bo_lead; GRANT SELECT ON users TO bo_sub; "
    "GRANT UPDATE (first_name, full_name) ON users TO bo_reader; RESET ROLE; GRANT SELECT ON users TO bo_app",
    "GRANT SELECT (full_name, id) ON users TO bo_lead WITH GRANT OPTION; SET ROLE bo_lead; GRANT SELECT (full_name) ON "
    "users TO bo_sub; RESET ROLE; GRANT SELECT (full_name) ON users TO bo_app; REVOKE SELECT ON users FROM bo_owner",
};

}  // namespace

TEST_CASE("a brownout takes the column from everybody and nothing else, and is undone byte for byte", "[brownout]") {
  const auto& grants = GENERATE(from_range(ways_to_grant));
  CAPTURE(grants);
  Browned world("SET search_path = public; " + grants + "; RESET search_path");
  const std::string before = acl_bytes(world.uri);
  const std::string rights = rights_but(world.uri, "full_name");
  world.begin();
  CHECK_FALSE(anybody_may(world.uri, "full_name"));
  CHECK(rights_but(world.uri, "full_name") == rights);
  CHECK(world.undo().empty());
  CHECK(acl_bytes(world.uri) == before);
}

TEST_CASE("whatever the grants, they come back byte for byte", "[brownout]") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Browned world;
  const std::vector<std::string> roles{"bo_owner", "bo_app", "bo_reader", "\"bo_Odd one\"", "PUBLIC"};
  const std::vector<std::string> privileges{"SELECT", "INSERT", "UPDATE", "REFERENCES", "DELETE", "TRIGGER"};
  for (int round = 0; round < 25; ++round) {
    for (int i = 0; i < 4; ++i) {
      const std::string privilege = privileges[random() % privileges.size()];
      const bool column = random() % 2 == 0 && privilege != "DELETE" && privilege != "TRIGGER";
      const std::string on = privilege + (column ? (random() % 2 == 0 ? " (full_name)" : " (id, last_name)") : "") +
                             " ON TABLE public.users";
      const std::string role = roles[random() % roles.size()];
      if (random() % 3 == 0)
        world.run("REVOKE " + on + " FROM " + role + " CASCADE");
      else
        world.run("GRANT " + on + " TO " + role + (role != "PUBLIC" && random() % 4 == 0 ? " WITH GRANT OPTION" : ""));
    }
    const std::string before = acl_bytes(world.uri);
    const std::string rights = rights_but(world.uri, "full_name");
    CAPTURE(round, before);
    world.begin();
    REQUIRE_FALSE(anybody_may(world.uri, "full_name"));
    REQUIRE(rights_but(world.uri, "full_name") == rights);
    REQUIRE(world.undo().empty());
    REQUIRE(acl_bytes(world.uri) == before);
  }
}

TEST_CASE("partitions have privileges of their own, and lose and get them back as well", "[brownout]") {
  Browned world;
  world.run(
      "DROP TABLE public.users; CREATE TABLE public.users (id bigint, full_name text, first_name text) PARTITION BY "
      "RANGE "
      "(id); CREATE TABLE public.users_1 PARTITION OF public.users FOR VALUES FROM (0) TO (100); ALTER TABLE "
      "public.users "
      "OWNER TO bo_owner; GRANT SELECT ON public.users_1 TO bo_app");
  const std::string before = acl_bytes(world.uri);
  world.begin();
  CHECK_FALSE(anybody_may(world.uri, "full_name"));
  CHECK_THROWS_AS(world.as("bo_app")->exec("SELECT full_name FROM public.users_1"), Error);
  world.undo();
  CHECK(acl_bytes(world.uri) == before);
}

TEST_CASE(
    "a runner that is no superuser gives back what is explicit, and refuses what is implicit with the GRANT that "
    "helps",
    "[brownout]") {
  Browned world;
  world.run("GRANT USAGE ON SCHEMA switchback TO bo_owner; GRANT ALL ON ALL TABLES IN SCHEMA switchback TO bo_owner");
  const auto owner = application(server().as(world.uri, "bo_owner"), "switchback runner");
  const std::string before = acl_bytes(world.uri);
  const std::string refused = refused_with([&] { world.begin(owner.get()); });
  CHECK(has(refused, "implicit"));
  CHECK(has(refused, "GRANT SELECT ON TABLE \"public\".\"users\" TO \"bo_owner\""));
  CHECK(acl_bytes(world.uri) == before);
  CHECK(server().sql(world.uri, "SELECT count(*) FROM switchback.brownout") == "0");

  world.run(
      "GRANT SELECT ON TABLE public.users TO bo_owner; GRANT SELECT, UPDATE ON public.users TO bo_app, bo_reader");
  const std::string explicit_ones = acl_bytes(world.uri);
  world.begin(owner.get());
  CHECK_FALSE(anybody_may(world.uri, "full_name"));
  CHECK(world.undo(owner.get()).empty());
  CHECK(acl_bytes(world.uri) == explicit_ones);

  // Somebody else's grant cannot be made again by the owner.
  world.run(
      "GRANT SELECT ON public.users TO bo_lead WITH GRANT OPTION; SET ROLE bo_lead; GRANT SELECT ON public.users TO "
      "bo_sub; RESET ROLE");
  const std::string others = acl_bytes(world.uri);
  CHECK(has(refused_with([&] { world.begin(owner.get()); }), "could not be given back exactly"));
  CHECK(acl_bytes(world.uri) == others);
}

TEST_CASE("what somebody grants meanwhile is kept, what was there before is back, and both are said", "[brownout]") {
  Browned world("GRANT SELECT, UPDATE ON public.users TO bo_app; GRANT DELETE ON public.users TO bo_reader");
  const std::string rights = rights_but(world.uri, "");
  world.begin();
  world.run(
      "GRANT INSERT ON public.users TO bo_sub; REVOKE DELETE ON public.users FROM bo_reader; REVOKE ALL ON "
      "public.users FROM bo_app; GRANT SELECT (id) ON public.users TO bo_lead");
  const auto notes = world.undo();
  CHECK(has(notes, "INSERT on users was granted to \"bo_sub\" meanwhile: kept"));
  CHECK(has(notes, "DELETE on users was revoked from \"bo_reader\" meanwhile: kept"));
  CHECK(has(notes, "from \"bo_app\" meanwhile: what the role had before the brownout is back"));
  const auto may = [&](const std::string& role, const std::string& privilege) {
    return server().sql(world.uri, "SELECT has_table_privilege('" + role + "', 'users', '" + privilege + "')") == "t";
  };
  CHECK(may("bo_app", "SELECT"));
  CHECK(may("bo_app", "UPDATE"));
  CHECK(may("bo_sub", "INSERT"));
  CHECK_FALSE(may("bo_reader", "DELETE"));
  CHECK(server().sql(world.uri, "SELECT has_column_privilege('bo_lead', 'users', 'id', 'SELECT')") == "t");
  CHECK(server().sql(world.uri,
                     "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attacl IS NOT "
                     "NULL") == "1");  // that one grant on a column
  CHECK(has(server().sql(world.uri, "SELECT reason FROM switchback.event WHERE kind = 'brownout_undone'"), "bo_sub"));
}

TEST_CASE("a role or a column that goes meanwhile does not keep the rest from being given back", "[brownout]") {
  Browned world("GRANT SELECT ON public.users TO bo_app");
  server().sql(world.uri,
               "DROP ROLE IF EXISTS bo_short_lived; CREATE ROLE bo_short_lived; GRANT SELECT ON users TO "
               "bo_short_lived");
  world.begin();
  world.run(
      "DROP OWNED BY bo_short_lived; DROP ROLE bo_short_lived; ALTER TABLE public.users DROP COLUMN last_name; ALTER "
      "TABLE public.users ADD COLUMN later text; ALTER TABLE public.users RENAME TO people");
  world.undo();
  CHECK(server().sql(world.uri, "SELECT has_table_privilege('bo_app', 'people', 'SELECT')") == "t");
  CHECK(server().sql(world.uri,
                     "SELECT count(*) FROM pg_attribute WHERE NOT attisdropped AND attrelid = 'people'::regclass AND "
                     "attacl IS NOT "
                     "NULL") == "0");
}

TEST_CASE("prepared statements are bitten at once, without a lock on the table", "[brownout]") {
  Browned world("GRANT SELECT ON public.users TO bo_app");
  const auto app = world.as("bo_app");
  app->exec(
      "PREPARE old AS SELECT full_name FROM public.users WHERE id = $1; PREPARE new AS SELECT first_name, ctid, xmin "
      "FROM public.users WHERE id = $1");
  app->exec("EXECUTE old (1)");
  // A transaction of somebody else's that holds the table's strongest writing lock is not waited for.
  const auto other = world.connect("other");
  other->begin();
  other->exec("LOCK TABLE public.users IN SHARE ROW EXCLUSIVE MODE");
  world.session->begin();
  engine::begin_brownout(*world.session, actor, {world.request.plan, {&world.column}, 60s, "nobody"});
  CHECK(world.session
            ->exec("SELECT count(*) FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND relation = "
                   "'public.users'::regclass AND mode <> 'AccessShareLock'")
            .integer(0, 0) == 0);
  app->exec("EXECUTE old (1)");
  world.session->commit();
  other->rollback();
  CHECK(has(refused_with([&] { app->exec("EXECUTE old (1)"); }), "42501"));
  app->exec("EXECUTE new (1)");
  CHECK(has(refused_with([&] { world.as("bo_owner")->exec("SELECT full_name FROM public.users"); }), "42501"));
  world.undo();
  app->exec("EXECUTE old (1)");
}

TEST_CASE("there is one brownout at a time in a database, and a second beginning of the same does nothing",
          "[brownout]") {
  Browned world;
  const auto id = world.begin();
  CHECK(world.begin() == id);
  world.run(
      "INSERT INTO switchback.plan (name, hash, text, long_form, file, environment, takes_away, system_identifier, "
      "timeline) VALUES ('other', 'h', 't', 't', 'f', 'development', true, '1', 1)");
  const std::string refused = refused_with([&] {
    ports::Transaction transaction(*world.session);
    engine::begin_brownout(*world.session, actor, {world.request.plan + 1, {&world.column}, 60s, "nobody"});
  });
  CHECK(has(refused, "split has a brownout under way"));
  CHECK(engine::undo_brownouts(*world.session, actor, std::nullopt, true, "the test").empty());  // not overdue yet
  world.run("UPDATE switchback.brownout SET deadline = now() - interval '1 second'");
  CHECK(engine::undo_brownouts(*world.session, actor, std::nullopt, true, "the test").size() == 1);
}

TEST_CASE("a column of a foreign key is not browned out: its checks would refuse others", "[brownout]") {
  Browned world;
  world.run(
      "ALTER TABLE public.users ADD UNIQUE (full_name); CREATE TABLE public.orders (name text REFERENCES public.users "
      "(full_name))");
  const auto objections = engine::brownout_objections(*world.session, {&world.column});
  REQUIRE(objections.size() == 1);
  CHECK(has(objections.front(), "orders_name_fkey"));
}

TEST_CASE("the new image's writes go on while nobody may use the old column, and sync writes it still", "[brownout]") {
  make_grant_roles(server().uri());
  const std::string uri = server().fresh_database();
  make_users(uri, 100);
  Tool tool(uri);
  tool.plan(split_plan("split"));
  REQUIRE(tool.run({"run", "plan.yaml"}).exit_code == 0);
  server().sql(
      uri,
      "ALTER TABLE users OWNER TO bo_owner; GRANT SELECT, INSERT, UPDATE, DELETE ON users TO bo_app; GRANT USAGE "
      "ON SCHEMA public TO bo_app");
  const auto runner = application(uri, "switchback runner");
  const auto app = application(server().as(uri, "bo_app"), "shop:v42");
  app->exec(
      "SET search_path = public; PREPARE rename AS UPDATE users SET first_name = $2 WHERE id = $1 RETURNING id, "
      "first_name, last_name");
  const DropColumn column{{"public", "users"}, "full_name", {}};
  const engine::PlanId plan = runner->exec("SELECT id FROM switchback.plan").integer(0, 0);
  runner->begin();
  engine::begin_brownout(*runner, actor, {plan, {&column}, 60s, "nobody"});
  runner->commit();
  REQUIRE(has(refused_with([&] { app->exec("SELECT full_name FROM users"); }), "42501"));
  REQUIRE(has(refused_with([&] { app->exec("SELECT * FROM users"); }), "42501"));
  REQUIRE(has(refused_with([&] { app->exec("UPDATE users SET full_name = 'x'"); }), "42501"));

  app->exec("EXECUTE rename (1, 'Ann')");
  app->exec("UPDATE users SET email = 'e' WHERE id = 2");
  app->exec("INSERT INTO users (id, email, first_name, last_name) VALUES (1001, 'e', 'Bo', 'Ek') RETURNING id, email");
  app->exec(
      "INSERT INTO users (id, first_name, last_name) VALUES (3, 'Cy', 'Fu') ON CONFLICT (id) DO UPDATE SET "
      "first_name = excluded.first_name, last_name = excluded.last_name");
  app->exec("INSERT INTO users (id, first_name, last_name) VALUES (1002, 'Di', 'Go') ON CONFLICT DO NOTHING");
  app->exec("SELECT id, first_name FROM users WHERE id = 5 FOR UPDATE");
  app->exec("SELECT count(*) FROM users");
  app->exec("DELETE FROM users WHERE id = 6");
  engine::undo_brownouts(*runner, actor, plan, false, "the test");
  CHECK(server().sql(uri, "SELECT string_agg(full_name, ',' ORDER BY id) FROM users WHERE id IN (1, 3, 1001, 1002)") ==
        "Ann Last1,Cy Fu,Bo Ek,Di Go");
  CHECK(tool.run({"verify", "split"}).exit_code == 0);
}
