// What rolling back takes along, counted beforehand.
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using nlohmann::json;

TEST_CASE("what an image wrote into an added column that nothing else carries is counted before the column goes",
          "[rollback]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 50);
  server().sql(uri, "CREATE TABLE log (line text); INSERT INTO log SELECT 'l' FROM generate_series(1, 9)");
  Tool tool(uri);
  tool.plan(
      "plan: more\nexpand:\n  - add_column: { table: users, name: phone, type: json }\n  - add_column: { table: users, "
      "name: tier, type: text, default: \"'std'\", not_null: true }\n  - add_column: { table: log, name: level, type: "
      "integer }\n");
  const auto run = tool.run({"run", "plan.yaml"});
  INFO(run.err);
  REQUIRE(run.ok());
  PlanView view(uri);
  REQUIRE(view.state() == "done");
  const auto losses = [&] {
    return json::parse(tool.run({"rollback", "more", "--dry-run", "-o", "json"}).out).at("losses");
  };
  server().sql(uri, "INSERT INTO users (id, full_name) VALUES (51, 'Old Image')");
  CHECK(losses().empty());

  server().sql(uri,
               "UPDATE users SET phone = '[1]' WHERE id = 3; UPDATE users SET tier = 'gold' WHERE id IN (3, 51); "
               "UPDATE log SET level = 2");
  CHECK(losses() == json{"2 of 51 rows of users hold values of their own in phone, tier: {\"id\": 3}, {\"id\": 51}",
                         "9 of 9 rows of log hold values of their own in level"});
  const auto refused = tool.run({"rollback", "more", "--yes"});
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, "--despite loss --reason"));
  CHECK(view.state() == "done");
  CHECK(tool.run({"rollback", "more", "--yes", "--despite", "loss", "--reason", "a test"}).ok());
  CHECK(view.state() == "rolled_back");
  CHECK(view.ask("SELECT count(*) FROM pg_catalog.pg_attribute WHERE attname IN ('phone', 'tier', 'level') AND "
                 "attrelid IN ('public.users'::regclass, 'public.log'::regclass)") == "0");
}
