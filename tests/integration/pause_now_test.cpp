#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

/// 5 ms a row, so that its first batch takes many seconds.
constexpr const char* slow_plan = R"yaml(plan: slow
expand:
  - add_column: { table: users, name: lower_mail, type: text }
migrate:
  - backfill: { table: users, set: { lower_mail: "public.slowly(email)" }, reverse: { email: lower_mail } }
)yaml";

constexpr const char* slow_function =
    "CREATE FUNCTION public.slowly(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM "
    "pg_catalog.pg_sleep(0.005); RETURN lower($1); END $$";

struct Slow {
  std::string uri = server().fresh_database();
  PlanView view{uri};

  Slow() {
    make_users(uri, 12000);
    server().sql(uri, slow_function);
  }
  std::string batches() {
    return view.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND "
        "query LIKE '%UPDATE%slowly%' AND pid <> pg_backend_pid()");
  }
  std::string filled() { return view.ask("SELECT count(*) FROM public.users WHERE lower_mail IS NOT NULL"); }
};

}  // namespace

TEST_CASE("pause --now cancels the batch in flight, which leaves nothing behind and is done again later",
          "[backfill][pause]") {
  Slow scene;
  Tool tool(scene.uri);
  tool.plan(slow_plan);
  const auto run = tool.start({"run", "plan.yaml"});
  REQUIRE(eventually(60s, [&] { return scene.batches() == "1"; }));
  const auto paused = tool.run({"pause", "slow", "--now", "--reason", "checkout is slow"});
  REQUIRE(paused.exit_code == 0);
  CHECK_THAT(paused.err, Catch::Contains("what was in flight is cancelled"));
  CHECK(scene.batches() == "0");
  CHECK(scene.filled() == "0");
  REQUIRE(eventually(10s, [&] { return tool.status("slow").hold_kind == "operator"; }));
  CHECK(scene.batches() == "0");

  server().sql(scene.uri,
               "CREATE OR REPLACE FUNCTION public.slowly(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ "
               "SELECT lower($1) $$");
  REQUIRE(tool.run({"resume", "slow"}).exit_code == 0);
  REQUIRE(run->finish(60s).exit_code == 0);
  CHECK(scene.view.ask("SELECT count(*) FROM public.users WHERE lower_mail IS DISTINCT FROM lower(email)") == "0");
}

TEST_CASE("pause --now ends an index build, which is cleared away and built once the plan is resumed",
          "[expand][pause]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 2000);
  PlanView view(uri);
  const auto writer = application(uri, "shop:v41");
  writer->begin();
  writer->exec("UPDATE public.users SET email = 'x' WHERE id = 1");
  Tool tool(uri);
  tool.plan("plan: mail-index\nexpand:\n  - create_index: { table: users, columns: [email], name: users_email_idx }\n");
  const auto run = tool.start({"run", "plan.yaml"});
  const auto builds = [&] {
    return view.ask("SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()");
  };
  REQUIRE(eventually(60s, [&] { return builds() == "1"; }));
  // What has run for a second counts as in flight.
  REQUIRE(eventually(20s, [&] {
    return view.ask(
               "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE%INDEX CONCURRENTLY%' AND state = "
               "'active' AND query_start < clock_timestamp() - interval '1 s'") == "1";
  }));
  REQUIRE(tool.run({"pause", "mail-index", "--now"}).exit_code == 0);
  REQUIRE(eventually(10s, [&] { return tool.status("mail-index").hold_kind == "operator"; }));
  CHECK(builds() == "0");

  writer->rollback();
  REQUIRE(tool.run({"resume", "mail-index"}).exit_code == 0);
  REQUIRE(run->finish(60s).exit_code == 0);
  CHECK(view.ask("SELECT count(*) || ' ' || bool_and(i.indisvalid) FROM pg_index i JOIN pg_class c ON c.oid = "
                 "i.indexrelid WHERE c.relname LIKE 'users_email_idx%'") == "1 true");
}
