// Contract waits for images that one may still have to run.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/ports/session.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A plan at migrated, of users.full_name, which both images are registered for by the plan alone.
struct Shop {
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};

  explicit Shop(const std::string& plan = split_plan("split"),
                const std::string& configuration = Tool::default_configuration())
      : tool(uri, configuration) {
    make_users(uri, 200);
    tool.plan(plan);
    call({"run", "plan.yaml"});
  }
  void call(const std::vector<std::string>& words) const {
    const auto outcome = tool.run(words);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  void add(const std::string& image, const std::string& manifest) const {
    std::ofstream(fs::path(tool.folder()) / "m.yaml") << "image: " << image << "\n" << manifest;
    call({"image", "add", "--manifest", "m.yaml"});
  }
  /// With consent, until it holds for another reason than that the observation is short.
  process::Outcome to(const std::string& state, const std::vector<std::string>& more = {}) {
    process::Outcome outcome;
    std::vector<std::string> words{"run", "plan.yaml", "--to", state, "--yes", "--approve", tool.plan_hash()};
    words.insert(words.end(), more.begin(), more.end());
    eventually(60s, [&] {
      outcome = tool.run(words);
      return !has(view.hold_reason(), "seen for");
    });
    return outcome;
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  std::string hold() { return view.hold_kind() + ": " + view.hold_reason(); }
};

}  // namespace

TEST_CASE("an image of the horizon that needs the old column holds the contract by its name, until it is retired",
          "[horizon]") {
  Shop shop;
  shop.call({"image", "deployed", "shop:v41", "--environment", "prod"});
  shop.call({"image", "deployed", "shop:v42", "--environment", "prod"});
  CHECK(shop.to("hidden").exit_code == 6);
  INFO(shop.hold());
  CHECK(shop.view.state() == "migrated");
  CHECK(shop.view.hold_kind() == "horizon");
  CHECK(has(shop.hold(), "shop:v41 needs public.users.full_name (deployed "));
  CHECK(has(shop.hold(), "switchback image retire shop:v41 --reason TEXT"));
  CHECK_FALSE(has(shop.hold(), "shop:v42"));
  CHECK(has(shop.view.ask("SELECT hold->>'ends_when' FROM switchback.plan"), "--despite horizon"));
  // Meanwhile the observation has gone on: nothing else holds.
  CHECK_FALSE(has(shop.hold(), "seen for"));
  shop.call({"image", "retire", "shop:v41", "--reason", "loses orders"});
  const auto outcome = shop.to("hidden");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(shop.view.state() == "hidden");
}

TEST_CASE("a session or a ReplicaSet of an image that nobody registered holds the contract with the command for it",
          "[horizon]") {
  Shop shop;
  {
    const auto session = application(shop.uri, "shop:v39");
    CHECK(shop.to("hidden").exit_code == 6);
    INFO(shop.hold());
    CHECK(shop.view.hold_kind() == "horizon");
    CHECK(has(shop.hold(), "shop:v39 may need what goes"));
    CHECK(has(shop.hold(), "switchback image add shop:v39 --manifest FILE"));
    shop.add("shop:v39", "tables: { users: { read: [id, email], insert: false } }\n");
    shop.to("hidden");
    CHECK_FALSE(has(shop.hold(), "shop:v39"));
    CHECK(shop.view.state() == "hidden");
  }
  shop.call({"rollback", "split", "--to", "migrated", "--yes"});
  std::ofstream(fs::path(shop.tool.folder()) / "sets.json")
      << R"({"items": [{"kind": "ReplicaSet", "metadata": {"namespace": "prod", "name": "shop-7"}, "spec": {"replicas":
0, "template": {"spec": {"containers": [{"name": "shop", "image": "hub.example/shop:v38"}]}}}}]})";
  shop.call({"image", "sync", "--replicasets", "sets.json"});
  CHECK(shop.to("hidden").exit_code == 6);
  INFO(shop.hold());
  CHECK(has(shop.hold(), "hub.example/shop:v38 may need what goes"));
  CHECK(has(shop.hold(), "ReplicaSet prod/shop-7"));
}

TEST_CASE("an image deployed while the column is hidden holds the drop", "[horizon]") {
  Shop shop;
  REQUIRE(shop.to("hidden").exit_code == 0);
  shop.add("shop:v41", "tables: { users: { read: [id, full_name], insert: false } }\n");
  shop.call({"image", "deployed", "shop:v41"});
  CHECK(shop.to("contracted").exit_code == 6);
  INFO(shop.hold());
  CHECK(shop.view.state() == "hidden");
  CHECK(has(shop.hold(), "horizon: shop:v41 needs public.users.full_name"));
  CHECK(
      has(shop.view.ask("SELECT hold->>'ends_when' FROM switchback.plan"), "switchback rollback split --to migrated"));
  // The same one step later, just before the drop.
  shop.sql("UPDATE switchback.plan SET state = 'contracting'");
  CHECK(shop.to("contracted").exit_code == 6);
  CHECK(shop.view.state() == "contracting");
  CHECK(has(shop.hold(), "horizon: shop:v41 needs public.users.full_name"));
  CHECK(shop.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname LIKE "
                 "'\\_switchback%full_name' AND NOT attisdropped") == "1");
  shop.call({"image", "retire", "shop:v41", "--reason", "nobody goes back"});
  const auto outcome = shop.to("contracted");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  // The archive is the last way back.
  shop.call({"image", "pin", "shop:v41", "--reason", "Oslo"});
  shop.call({"image", "deployed", "shop:v41"});
  shop.sql("UPDATE switchback.archive SET keep_until = now()");
  CHECK(shop.to("done").exit_code == 6);
  CHECK(shop.view.state() == "contracted");
  CHECK(has(shop.hold(), "switchback image unpin shop:v41"));
}

TEST_CASE("the contract goes on despite the horizon when a person says so, and history has the images passed over",
          "[horizon]") {
  Shop shop;
  shop.call({"image", "pin", "shop:v41", "--reason", "Oslo"});
  CHECK(shop.to("hidden").exit_code == 6);
  CHECK(has(shop.hold(), "switchback image unpin shop:v41"));
  shop.call({"approve", "split", "--phase", "contract", "--despite", "horizon", "--reason", "Oslo is told"});
  const auto outcome = shop.to("contracted");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  const std::string history = shop.tool.run({"history", "split", "-o", "json"}).out;
  CHECK(has(history, "horizon_overridden"));
  CHECK(has(history, "Oslo is told"));
  CHECK(has(history, "shop:v41 needs public.users.full_name (pinned: Oslo)"));
}

TEST_CASE("a plan without images goes on where the registry tells of every image that one may have to run",
          "[horizon]") {
  const std::string text = split_plan("split");
  const std::string line = "images: { before: shop:v41, after: shop:v42 }\n";
  REQUIRE(has(text, line));
  Shop shop(std::string(text).erase(text.find(line), line.size()));
  shop.add("shop:v42", "tables: { users: { read: [id, first_name, last_name], insert: false } }\n");
  CHECK(shop.to("hidden").exit_code == 6);  // registered, and nobody said where it runs
  INFO(shop.hold());
  CHECK(has(shop.hold(), "no image is known to be in the horizon"));
  shop.call({"image", "deployed", "shop:v42"});
  const auto outcome = shop.to("hidden");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
}

TEST_CASE("an image that is connected to a standby alone is in the horizon of the contract", "[horizon][replica]") {
  Repaired repaired;
  const std::string name = server().sql(server().uri(), "SELECT application_name FROM pg_stat_replication");
  Shop shop(split_plan("split"), "contract: { observe: 1s, soak: 0s }\nhealth: { grace: 5s, replicas: [ { name: " +
                                     name + ", policy: optional, connect: \"" + server().replica_uri() + "\" } ] }\n");
  server().await_replica();
  const auto reader = application(server().on_replica(shop.uri), "shop:v39");
  CHECK(shop.to("hidden").exit_code == 6);
  INFO(shop.hold());
  CHECK(has(shop.hold(), "shop:v39 may need what goes"));
  CHECK(has(shop.hold(), "1 session now on " + name + ", named shop:v39"));
}

TEST_CASE("an application's deployment does not take another's image out of the horizon", "[horizon]") {
  Shop shop;
  shop.add("api:v8", "statements: ['SELECT id, full_name FROM users']\n");
  shop.add("web:v43", "statements: ['SELECT id, email FROM users']\n");
  shop.call({"image", "deployed", "api:v8", "--environment", "prod", "--at", "2020-01-01T00:00:00Z"});
  shop.call({"image", "deployed", "web:v43", "--environment", "prod", "--at", "2020-06-01T00:00:00Z"});
  CHECK(shop.to("hidden").exit_code == 6);
  INFO(shop.hold());
  CHECK(has(shop.hold(), "api:v8 needs public.users.full_name"));
}

TEST_CASE("an old image that was registered late is not taken for a new one because of that", "[horizon]") {
  Shop shop;
  shop.call({"image", "deployed", "shop:v42", "--environment", "prod"});
  const auto session = application(shop.uri, "shop:v38");
  shop.add("shop:v38", "statements: ['SELECT * FROM users WHERE id = $1']\n");
  CHECK(shop.to("hidden").exit_code == 6);
  INFO(shop.hold());
  CHECK(shop.view.state() == "migrated");
  CHECK(has(shop.hold(), "shop:v38"));
}

TEST_CASE("a sync that finds nothing leaves what the last one said, and says so", "[horizon]") {
  Shop shop;
  const auto sync = [&](const std::string& container) {
    std::ofstream(fs::path(shop.tool.folder()) / "rs.json")
        << R"({"kind": "List", "items": [{"kind": "ReplicaSet", "metadata": {"namespace": "prod", "name": "shop-1"}, "spec":
           {"replicas": 0, "template": {"spec": {"containers": [{"name": "shop", "image": "shop:v41"}]}}}}]})";
    return shop.tool.run({"image", "sync", "--replicasets", "rs.json", "--container", container});
  };
  REQUIRE(sync("shop").exit_code == 0);
  const auto nothing = sync("Shop");
  CHECK(nothing.exit_code == 4);
  CHECK(has(nothing.err, "no ReplicaSet with a container Shop"));
  CHECK(has(shop.tool.run({"image", "list", "--horizon"}).out, "ReplicaSet prod/shop-1"));
}
