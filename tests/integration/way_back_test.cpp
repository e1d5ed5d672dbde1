// The way below migrated takes the new side away: with the same care as contract takes the old one.
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using nlohmann::json;

TEST_CASE(
    "an image that runs on the new side refuses the way back below migrated by its name, and history has it when a "
    "person goes on",
    "[rollback][horizon]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 50);
  Tool tool(uri);
  tool.plan(split_plan("split"));
  const auto run = tool.run({"run", "plan.yaml"});
  INFO(run.err);
  REQUIRE(run.ok());
  PlanView view(uri);
  const auto session = application(uri, "shop:v42");

  const json dry = json::parse(tool.run({"rollback", "split", "--dry-run", "-o", "json"}).out);
  REQUIRE(dry.at("images").size() == 1);
  CHECK(has(dry.at("images").at(0).get<std::string>(), "shop:v42 needs public.users.first_name"));
  const auto refused = tool.run({"rollback", "split", "--yes"});
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, "shop:v42 needs public.users.first_name"));
  CHECK(has(refused.err, "--despite horizon --reason"));
  CHECK(view.state() == "migrated");

  // As deep as migrated both images work: nobody is in the way.
  CHECK(tool.run({"rollback", "split", "--yes", "--despite", "horizon"}).exit_code == 64);
  const auto despite = tool.run({"rollback", "split", "--yes", "--despite", "horizon", "--reason", "v42 is broken"});
  INFO(despite.err);
  CHECK(despite.ok());
  CHECK(view.state() == "rolled_back");
  CHECK(view.ask("SELECT reason FROM switchback.event WHERE kind = 'horizon_overridden'") == "v42 is broken");
  CHECK(has(view.ask("SELECT detail->>'passed_over' FROM switchback.event WHERE kind = 'horizon_overridden'"),
            "shop:v42 needs"));
}

TEST_CASE("once no image needs the new side any more, the way back below migrated is free", "[rollback][horizon]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 50);
  Tool tool(uri);
  tool.plan(split_plan("split"));
  REQUIRE(tool.run({"run", "plan.yaml"}).ok());
  const auto session = application(uri, "shop:v41");
  const auto back = tool.run({"rollback", "split", "--yes"});
  INFO(back.err);
  CHECK(back.ok());
  CHECK(PlanView(uri).state() == "rolled_back");
}
