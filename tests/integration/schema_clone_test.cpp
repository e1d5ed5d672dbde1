#include <signal.h>

#include <filesystem>

#include "catch.hpp"
#include "clone_scene.hpp"
#include "plan_view.hpp"
#include "switchback/core/error.hpp"
#include "switchback/daemon/schema_clone.hpp"
#include "switchback/postgres/usage.hpp"
#include "switchback/process/sandbox.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<ports::SchemaClone> clone_of(const std::string& uri, const std::string& scratch) {
  return daemon::make_schema_clone({.database = uri, .scratch = scratch, .declined = {}});
}

/// A state folder of this test's own: another one's throwaway servers are not counted.
class StateFolder {
 public:
  explicit StateFolder(const std::string& folder) {
    if (const char* before = std::getenv("XDG_STATE_HOME")) before_ = before;
    setenv("XDG_STATE_HOME", folder.c_str(), 1);
  }
  ~StateFolder() {
    if (before_)
      setenv("XDG_STATE_HOME", before_->c_str(), 1);
    else
      unsetenv("XDG_STATE_HOME");
  }
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  static int throwaway_servers() {
    int found = 0;
    std::error_code none;
    const auto folder = std::filesystem::path(process::default_sandbox_dir()).parent_path();
    for (const auto& entry : std::filesystem::directory_iterator(folder, none))
      found += entry.path().filename().string().starts_with("clone-") ? 1 : 0;
    return found;
  }

 private:
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("a clone has the schema and no rows, whatever the source's roles, extensions and names", "[clone]") {
  UsageWorld world;
  world.run(
      "DROP ROLE IF EXISTS someone_else; CREATE ROLE someone_else;"
      "CREATE SCHEMA \"Odd Schema\" AUTHORIZATION someone_else;"
      "CREATE TABLE \"Odd Schema\".\"Ta\"\"ble\" (\"Col, umn\" text);"
      "ALTER TABLE \"Odd Schema\".\"Ta\"\"ble\" OWNER TO someone_else; ALTER TABLE public.users ENABLE ROW LEVEL "
      "SECURITY;"
      "CREATE POLICY theirs ON public.users TO someone_else USING (true);"
      "CREATE TABLE public.events (id bigint, note text) PARTITION BY RANGE (id);"
      "CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM (0) TO (10);"
      "CREATE VIEW public.names AS SELECT full_name FROM public.users;"
      "CREATE FUNCTION public.f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.users'");
  {
    const auto clone = clone_of(world.uri, cloner());
    const ports::OpenClone open = clone->open(*world.session, "1");
    CAPTURE(open.why_not);
    REQUIRE(open.session);
    const auto one = [&](const std::string& sql) { return open.session->exec(sql).text(0, 0); };
    CHECK(one("SELECT count(*) FROM \"Odd Schema\".\"Ta\"\"ble\" WHERE \"Col, umn\" IS NULL") == "0");
    CHECK(one("SELECT count(*) FROM public.users") == "0");
    CHECK(one("SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.events'::regclass") == "1");
    CHECK(one("SELECT count(*) FROM public.names") == "0");
    CHECK(one("SELECT public.f()") == "0");
    CHECK(one("SELECT count(*) FROM pg_namespace WHERE nspname = 'switchback'") == "0");
    CHECK(one("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "f");
    // pg_stat_statements may be made by a superuser alone: it is not there, and said to be.
    CHECK(has(open.lacking, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"));
    CHECK(open.lacking.size() == 1);
  }
  CHECK(clone_databases().empty());
  server().sql(world.uri, "DROP OWNED BY someone_else CASCADE; DROP ROLE someone_else");
}

TEST_CASE("one clone serves until the schema is another one", "[clone]") {
  CloneWorld scene;
  const auto look = [&] {
    scene.world.application("SELECT first_name FROM users");
    scene.world.run("UPDATE switchback.usage_statement SET judged = '{}'");
    CHECK(scene.against_statements() == std::vector<std::string>{});
    REQUIRE(scene.clone->last.session);
    return clone_databases();
  };
  const std::string first = look();
  CHECK(first.size() > 0);
  CHECK(look() == first);
  scene.world.run(
      "INSERT INTO public.users (id, first_name) VALUES (1000, 'x'); ANALYZE public.users; CREATE TEMP TABLE t (id "
      "int)");
  CHECK(look() == first);
  for (const char* change :
       {"ALTER TABLE public.users ADD COLUMN phone text", "CREATE VIEW public.v AS SELECT 1 AS one",
        "CREATE OR REPLACE VIEW public.v AS SELECT 2 AS one", "CREATE UNIQUE INDEX one_phone ON public.users (phone)",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"}) {
    CAPTURE(change);
    const std::string before = clone_databases();
    scene.world.run(change);
    const std::string after = look();
    CHECK(after != before);
    CHECK(after.find(',') == std::string::npos);
  }
}

TEST_CASE("a database that a killed process left as a clone is cleared away, one in use is not", "[clone]") {
  UsageWorld world;
  const std::string left = "switchback_clone_00000000deadbeef";
  const std::string living = "switchback_clone_00000000cafecafe";
  const std::string other = "switchback_clone_of_mine";
  for (const std::string& name : {left, living}) server().sql(cloner(), "CREATE DATABASE " + name);
  server().sql(cloner(), "CREATE DATABASE " + other);
  std::string uri = cloner();
  const auto session = world.connect("another runner", uri.replace(uri.rfind('/') + 1, std::string::npos, living));
  const auto clone = clone_of(world.uri, cloner());
  REQUIRE(clone->open(*world.session, "1").session);
  CHECK(clone_databases().find(left) == std::string::npos);
  CHECK(clone_databases().find(living) != std::string::npos);
  CHECK(clone_databases().find(other) != std::string::npos);
  server().sql(server().uri(), "DROP DATABASE " + living + " WITH (FORCE)");
  server().sql(server().uri(), "DROP DATABASE " + other);
}

TEST_CASE("a clone that cannot be made is unknown, with the reason and what ends it", "[clone]") {
  UsageWorld world;
  const auto why = [&](const std::string& scratch) {
    const auto clone = clone_of(world.uri, scratch);
    const ports::OpenClone open = clone->open(*world.session, "1");
    CHECK(open.session == nullptr);
    CHECK_FALSE(open.remedy.empty());
    return open.why_not;
  };
  CHECK(why(server().uri()).find("is a superuser") != std::string::npos);
  cloner();
  server().sql(server().uri(), "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN");
  CHECK(why(server().as(server().uri(), "plain")).find("may not create databases") != std::string::npos);
  CHECK(why("host=127.0.0.1 port=1 password=geheim user=u").find("cannot connect") != std::string::npos);
  CHECK(why("host=127.0.0.1 port=1 password=geheim user=u").find("geheim") == std::string::npos);
  server().sql(server().uri(), "DROP ROLE plain");

  world.sample();
  world.watched_for_a_day();
  world.application("SELECT first_name FROM users");
  world.sample();
  const auto clone = clone_of(world.uri, "host=127.0.0.1 port=1 user=u");
  const auto usage = postgres::make_usage_source(clone.get());
  const auto findings = against(usage->gather(*world.session, world.request).at(0), "statements");
  CHECK(has(findings, "unknown: the server itself could not be asked, there is no schema clone: cannot connect"));
  // Not kept: once there is one, it is asked.
  CHECK(world.session->exec("SELECT count(*) FROM switchback.usage_statement WHERE judged <> '{}'").integer(0, 0) == 0);
}

TEST_CASE("where the configuration wants no clone the parse tree judges alone, on record", "[clone]") {
  UsageWorld world;
  world.sample();
  world.watched_for_a_day();
  world.application("SELECT first_name FROM users");
  world.sample();
  const auto clone =
      daemon::make_schema_clone({.database = world.uri, .scratch = cloner(), .declined = "nothing may leave it"});
  const StructureEvidence evidence =
      postgres::make_usage_source(clone.get())->gather(*world.session, world.request).at(0);
  CHECK(against(evidence, "statements").empty());
  CHECK(std::ranges::any_of(evidence.observations, [](const Observation& one) {
    return one.detail.find("nothing may leave it") != std::string::npos && one.finding == Finding::clear;
  }));
  CHECK(clone_databases().empty());
}

TEST_CASE("by default the clone is on a server of its own, which is gone at the end, also after a SIGKILL", "[clone]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 10);
  // An empty `scratch` is no setting: the line is for the tool alone, which else declines a clone.
  Tool tool(uri, Tool::default_configuration() + "# scratch: left out\n");
  const StateFolder state(tool.folder() + "/state");
  const auto throwaway_servers = &StateFolder::throwaway_servers;
  tool.plan(split_plan("split"));
  REQUIRE(tool.run({"run", "plan.yaml"}).ok());
  const std::string databases = server().sql(server().uri(), "SELECT count(*) FROM pg_database");
  server().sql(uri, "SELECT first_name FROM users");
  REQUIRE(tool.run({"usage", "split"}).exit_code == 0);
  server().sql(uri, "SELECT last_name FROM users");

  const int before = throwaway_servers();
  auto killed = tool.start({"usage", "split"});
  REQUIRE(eventually(60s, [&] { return throwaway_servers() > before || !killed->running(); }));
  REQUIRE(killed->running());
  killed->signal(SIGKILL);
  killed->wait(10s);
  CHECK(throwaway_servers() > before);

  const auto outcome = tool.run({"usage", "split"});
  CAPTURE(outcome.out, outcome.err);
  CHECK(outcome.ok());
  CHECK(outcome.out.find("could not be asked") == std::string::npos);
  CHECK(throwaway_servers() == 0);
  CHECK(server().sql(server().uri(), "SELECT count(*) FROM pg_database") == databases);
}

TEST_CASE("a contract hides once both judges clear what ran, and the nightly dump that the plan tolerates is on record",
          "[clone][contract]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 10);
  Tool tool(uri, Tool::default_configuration() + "scratch: '" + cloner() + "'\n");
  tool.plan(split_plan("split", "4s") + "readers: [ { role: postgres, star: tolerated } ]\n");
  REQUIRE(tool.run({"run", "plan.yaml"}).ok());
  const auto run = tool.start(tool.run_to("hidden"));
  REQUIRE(eventually(60s, [&] { return tool.status("split").hold_kind == "usage"; }));
  server().sql(uri, "SELECT email FROM users WHERE id = 1");
  server().sql(uri, "SELECT * FROM users WHERE id = 2");
  server().sql(uri, "COPY users TO STDOUT");
  const auto ended = run->wait(90s);
  CAPTURE(run->err());
  REQUIRE(ended == 0);
  CHECK(clone_databases().empty());
  const std::string document = server().sql(uri, "SELECT document FROM switchback.evidence");
  CAPTURE(document);
  CHECK(document.find("tolerated: SELECT * FROM users WHERE id = $1") != std::string::npos);
  CHECK(document.find("tolerated: COPY users TO STDOUT") != std::string::npos);
  CHECK(document.find("no schema clone") == std::string::npos);
}
