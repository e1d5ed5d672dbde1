#include <csignal>

#include "catch.hpp"
#include "plan_view.hpp"
#include "schema_dump.hpp"
#include "server.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

struct Scene {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  PlanView view{uri};

  Scene() {
    server().sql(
        uri,
        "CREATE EXTENSION pg_stat_statements SCHEMA public; CREATE TABLE users (id bigserial PRIMARY KEY, name "
        "text); INSERT INTO users (name) SELECT 'n' || i FROM generate_series(1, 1000) i; GRANT SELECT ON "
        "users TO PUBLIC");
    tool.plan(
        "plan: names\nimages: { before: shop:v41, after: shop:v42 }\nchange:\n  - rename_table: { table: users, to: "
        "accounts }\ncontract: { observe: 1s, soak: 0s }\n");
  }
  /// Again while the killed one's lease runs.
  void to(const std::vector<std::string>& words, const std::string& state) {
    process::Outcome outcome;
    REQUIRE(eventually(120s, [&] {
      outcome = tool.run(words);
      return outcome.exit_code != 7;
    }));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    REQUIRE(view.state() == state);
  }
  /// Kills the runner in the transaction that changes hands, while it waits behind somebody who reads `relation`: with
  /// all that went before in it done.
  void kill_waiting_for(const std::string& relation, const std::vector<std::string>& words) {
    const auto reader = application(uri, "shop:v42");
    reader->exec("BEGIN; SELECT FROM public." + relation + " WHERE id = 1");
    const auto runner = tool.start(words);
    const bool waits = eventually(60s, [&] {
      return view.ask(
                 "SELECT count(*) FROM pg_catalog.pg_locks l WHERE NOT l.granted AND l.relation IN "
                 "(to_regclass('public.users'), to_regclass('public.accounts')) AND l.mode = "
                 "'AccessExclusiveLock'") == "1";
    });
    runner->signal(SIGKILL);
    runner->wait(10s);
    INFO(runner->err());
    CHECK(waits);
    reader->exec("ROLLBACK");
  }
  /// Whoever comes in at any moment finds a table or view of that name.
  void always_there(const std::string& relation) const {
    CHECK(server().sql(uri, "SELECT count(*) FROM " + relation) == "1000");
  }
};

}  // namespace

TEST_CASE("a runner killed while it renames a table or gives it its name back leaves all or nothing of it",
          "[fault][rename_table]") {
  Scene scene;
  scene.to({"run", "plan.yaml"}, "migrated");
  const std::string migrated = schema_dump(scene.uri);
  const auto stays = [&](const std::string& dump, const std::string& state) {
    REQUIRE(eventually(10s, [&] { return schema_dump(scene.uri) == dump; }));
    CHECK(scene.view.state() == state);
  };
  for (const std::string relation : {"accounts", "users"}) {  // before the view goes; then between it and the table
    scene.kill_waiting_for(relation, scene.tool.run_to("hidden"));
    stays(migrated, "migrated");
    scene.always_there("users");
    scene.always_there("accounts");
  }
  scene.to(scene.tool.run_to("hidden"), "hidden");
  const std::string hidden = schema_dump(scene.uri);
  const std::vector<std::string> back{"rollback", "names", "--to", "migrated", "--yes"};
  scene.kill_waiting_for("accounts", back);
  REQUIRE(eventually(10s, [&] { return schema_dump(scene.uri) == hidden; }));
  scene.always_there("accounts");
  scene.to(back, "migrated");
  stays(migrated, "migrated");

  scene.to(scene.tool.run_to("contracted"), "contracted");
  scene.kill_waiting_for("accounts", back);
  scene.always_there("accounts");
  scene.to(back, "migrated");
  stays(migrated, "migrated");
}
