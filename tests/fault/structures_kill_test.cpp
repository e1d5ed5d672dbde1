#include <csignal>
#include <random>

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

  explicit Scene(const std::string& archive) {
    server().sql(
        uri,
        "CREATE EXTENSION pg_stat_statements SCHEMA public; CREATE TABLE carts (id bigserial PRIMARY KEY, name "
        "text); CREATE INDEX carts_name ON carts (name); INSERT INTO carts (name) SELECT 'n' || i FROM "
        "generate_series(1, 1000) i; CREATE TYPE mood AS ENUM ('sad'); CREATE VIEW names AS SELECT name FROM "
        "carts; GRANT SELECT ON names TO PUBLIC");
    tool.plan(
        "plan: take\nimages: { before: shop:v41, after: shop:v42 }\ncontract:\n  observe: 1s\n  soak: 0s\n  archive: " +
        archive +
        "\n  steps:\n    - drop_table: { name: carts }\n    - drop_view: { name: names }\n    - drop_type: { name: "
        "mood }\n");
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
  /// Kills the runner in the transaction that takes `table`, which somebody reads: with all that went before in it
  /// done.
  void kill_waiting_for(const std::string& table, const std::string& state) {
    const auto reader = application(uri, "shop:v42");
    reader->exec("BEGIN; LOCK TABLE " + table + " IN ACCESS SHARE MODE");
    const auto runner = tool.start(tool.run_to(state));
    const bool waits = eventually(60s, [&] {
      return view.ask("SELECT count(*) FROM pg_catalog.pg_locks l WHERE NOT l.granted AND l.relation = '" + table +
                      "'::pg_catalog.regclass AND l.mode = 'AccessExclusiveLock'") == "1";
    });
    runner->signal(SIGKILL);
    runner->wait(10s);
    INFO(runner->err());
    CHECK(waits);
    reader->exec("ROLLBACK");
  }
};

}  // namespace

TEST_CASE("a runner killed in the middle of hiding or dropping tables leaves all or nothing of it",
          "[fault][structures]") {
  Scene scene("{ none: a test }");
  const std::string before = schema_dump(scene.uri);
  scene.to({"run", "plan.yaml"}, "migrated");

  scene.kill_waiting_for("public.carts", "hidden");
  REQUIRE(eventually(10s, [&] { return schema_dump(scene.uri) == before; }));
  CHECK(scene.view.state() == "migrated");
  scene.to(scene.tool.run_to("hidden"), "hidden");

  scene.kill_waiting_for("\"switchback_hidden.take.public\".carts", "contracted");
  CHECK(scene.view.state() == "contracting");
  CHECK(server().sql(scene.uri, "SELECT count(*) FROM \"switchback_hidden.take.public\".names") == "1000");
  CHECK(server().sql(scene.uri, "SELECT count(*) FROM pg_type WHERE typname = 'mood'") == "1");
  scene.to({"rollback", "take", "--to", "migrated", "--yes"}, "migrated");
  CHECK(schema_dump(scene.uri) == before);
  scene.to(scene.tool.run_to("contracted"), "contracted");
  CHECK(server().sql(scene.uri, "SELECT count(*) FROM pg_class WHERE relname LIKE 'carts%' OR relname = 'names'") ==
        "0");
}

TEST_CASE("a table hidden, archived and restored by runners killed at any instant is the same at the end",
          "[fault][structures]") {
  Scene scene("30d");
  const std::string before = schema_dump(scene.uri);
  const std::string rows = server().sql(scene.uri, "SELECT md5(string_agg(c::text, ',' ORDER BY id)) FROM carts c");
  scene.to({"run", "plan.yaml"}, "migrated");
  std::mt19937 random(std::random_device{}());
  const auto drive = [&](const std::vector<std::string>& words, int kills, const std::string& state) {
    for (int i = 0; i < kills && scene.view.state() != state; ++i) {
      const auto runner = scene.tool.start(words);
      if (runner->wait(std::chrono::milliseconds(15 + random() % 2500))) continue;
      runner->signal(SIGKILL);
      runner->wait(10s);
    }
    scene.to(words, state);
  };
  for (int round = 0; round < 3; ++round) {
    drive(scene.tool.run_to("contracted"), 6, "contracted");
    drive({"restore", "take", "--yes"}, 6, "migrated");
    CHECK(schema_dump(scene.uri) == before);
    CHECK(server().sql(scene.uri, "SELECT md5(string_agg(c::text, ',' ORDER BY id)) FROM carts c") == rows);
  }
}
