#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;

namespace {

const std::vector<std::string> run{"run", "plan.yaml"};
const std::vector<std::string> look{"repair", "fill", "--plan", "plan.yaml"};
const std::vector<std::string> accept{"repair", "fill", "--plan", "plan.yaml", "--yes"};

/// A plan that fills one new column of users.
std::string fill_plan(const std::string& expression, const std::string& description = "a test") {
  return "plan: fill\ndescription: " + description +
         "\nexpand:\n  - add_column: { table: users, name: made, type: int }\nmigrate:\n  - backfill:\n      table: "
         "users\n      set: { made: \"" +
         expression + "\" }\n      reverse: { none: a test }\n";
}

struct Scene {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  PlanView view{uri};
  explicit Scene(const std::string& plan) {
    make_users(uri, 100);
    tool.plan(plan);
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
};

}  // namespace

TEST_CASE("an expression that could not convert rows is mended while the plan runs, and they are tried again",
          "[repair]") {
  Scene scene(fill_plan("100 / ((id - 3) * (id - 4))"));
  const auto held = scene.tool.run(run);
  INFO(held.err);
  REQUIRE(held.exit_code == 6);
  REQUIRE(scene.tool.status("fill").hold_kind == "quarantine");

  scene.tool.plan(fill_plan("100 / nullif((id - 3) * (id - 4), 0)"));
  CHECK(scene.tool.run(run).exit_code == 5);
  const auto shown = scene.tool.run(look);
  CHECK(shown.exit_code == 9);
  CHECK(has(shown.out,
            "the expression of users.made: 100 / ((id - 3) * (id - 4)), now 100 / nullif((id - 3) * (id - 4), 0)"));
  scene.tool.run({"quarantine", "fill", "retry"});
  CHECK(scene.sql("SELECT count(*) FROM switchback.quarantine WHERE status = 'open'") == "2");  // only looked

  const auto accepted = scene.tool.run(accept);
  INFO(accepted.err);
  REQUIRE(accepted.exit_code == 0);
  const auto again = scene.tool.run({"quarantine", "fill", "retry"});
  INFO(again.err);
  CHECK(again.exit_code == 0);
  const auto done = scene.tool.run(run);
  INFO(done.err);
  CHECK(done.exit_code == 0);
  CHECK(scene.tool.status("fill").state == "migrated");
  CHECK(scene.sql("SELECT count(*) FROM users WHERE made IS DISTINCT FROM 100 / nullif((id - 3) * (id - 4), 0)") ==
        "0");
  CHECK(scene.sql("SELECT count(*) FROM switchback.event WHERE kind = 'repair' AND reason LIKE '%users.made%'") == "1");
}

TEST_CASE("after a mended expression sync goes on with it for what the application writes", "[repair]") {
  Scene scene(fill_plan("100 / (length(email) - 3)"));
  REQUIRE(scene.tool.run(run).exit_code == 0);
  scene.sql("UPDATE users SET email = 'a@b' WHERE id = 1");  // cannot be converted: recorded, the write stands
  scene.tool.plan(fill_plan("coalesce(100 / nullif(length(email) - 3, 0), -1)"));
  const auto accepted = scene.tool.run(accept);
  INFO(accepted.err);
  REQUIRE(accepted.exit_code == 0);
  scene.sql("UPDATE users SET email = 'a@b' WHERE id = 2");
  CHECK(scene.sql("SELECT made FROM users WHERE id = 2") == "-1");
}

TEST_CASE("rows that a mended expression would have filled otherwise are found, and hold the plan", "[repair]") {
  Scene scene(fill_plan("100 / ((id - 3) * (id - 4))"));
  REQUIRE(scene.tool.run(run).exit_code == 6);
  scene.tool.plan(fill_plan("1 + 100 / nullif((id - 3) * (id - 4), 0)"));
  REQUIRE(scene.tool.run(accept).exit_code == 0);
  REQUIRE(scene.tool.run({"quarantine", "fill", "retry"}).exit_code == 0);
  const auto held = scene.tool.run(run);
  INFO(held.err);
  CHECK(held.exit_code == 6);
  CHECK(scene.tool.status("fill").hold_kind == "violation");
}

TEST_CASE("a mended expression may not read other columns, nor may other steps be changed", "[repair]") {
  Scene scene(fill_plan("100 / ((id - 3) * (id - 4))"));
  REQUIRE(scene.tool.run(run).exit_code == 6);
  scene.tool.plan(fill_plan("100 / (length(email) - 3)"));
  const auto other = scene.tool.run(look);
  CHECK(other.exit_code == 3);
  CHECK(has(other.err, "read or write other columns"));
  scene.tool.plan(fill_plan("no_such_function(id)"));
  CHECK(scene.tool.run(look).exit_code == 4);
  scene.tool.plan(fill_plan("100 / ((id - 3) * (id - 4))") + "  - verify: { table: users, check: id > 0 }\n");
  const auto more = scene.tool.run(look);
  CHECK(more.exit_code == 3);
  CHECK(has(more.err, "are not those that plan fill was started with"));
}

TEST_CASE("a plan file that differs in words alone is accepted, and a changed table shape as well", "[repair]") {
  Scene scene(fill_plan("id"));
  REQUIRE(scene.tool.run({"run", "plan.yaml", "--to", "expanded"}).exit_code == 0);
  scene.tool.plan(fill_plan("id", "other words"));
  CHECK(scene.tool.run(run).exit_code == 5);
  REQUIRE(scene.tool.run(accept).exit_code == 0);
  scene.sql("ALTER TABLE users ADD COLUMN by_hand int");
  CHECK(scene.tool.run(run).exit_code == 5);
  REQUIRE(scene.tool.run({"repair", "fill", "--yes"}).exit_code == 0);
  CHECK(scene.tool.run(run).exit_code == 0);
}
