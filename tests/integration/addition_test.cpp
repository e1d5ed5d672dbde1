// What a new column disturbs holds the expand phase before anything is added.
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
namespace fs = std::filesystem;

namespace {

const std::string plan_text = "plan: add\nchange:\n  - add_column: { table: users, name: phone, type: text }\n";

struct Shop {
  std::string uri = server().fresh_database();
  Tool tool{uri, Tool::default_configuration()};
  PlanView view{uri};
  Shop() {
    make_users(uri, 10);
    tool.plan(plan_text);
  }
  process::Outcome run(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"run", "plan.yaml"};
    words.insert(words.end(), more.begin(), more.end());
    return tool.run(words);
  }
  std::string phones() {
    return server().sql(uri,
                        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'phone'");
  }
};

/// A logical slot of this database, as a subscriber has one.
struct Slot {
  std::string uri;
  explicit Slot(std::string at) : uri(std::move(at)) {
    server().sql(uri, "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')");
  }
  ~Slot() { server().sql(uri, "SELECT pg_drop_replication_slot('cdc')"); }
};

}  // namespace

TEST_CASE("a column is not added to a table whose subscribers would stop, until the plan says that they are ready",
          "[expand][subscriber]") {
  Shop shop;
  server().sql(shop.uri, "CREATE PUBLICATION changes FOR TABLE users");
  const Slot slot(shop.uri);
  const auto held = shop.run();
  INFO(held.err);
  CHECK(held.exit_code == 6);
  CHECK(shop.view.hold_kind() == "subscriber");
  CHECK(has(shop.view.hold_reason(), "users is published by changes"));
  CHECK(has(shop.view.hold_reason(), "read through cdc"));
  CHECK(shop.view.state() == "planned");
  CHECK(shop.phones() == "0");

  SECTION("named in the plan") {
    shop.tool.plan(plan_text + "external: { checked: [changes] }\n");
    const auto mended = shop.tool.run({"repair", "add", "--plan", "plan.yaml", "--yes"});
    INFO(mended.err);
    REQUIRE(mended.exit_code == 0);
    CHECK(shop.run().exit_code == 0);
    CHECK(shop.phones() == "1");
  }
  SECTION("a publication with a list of columns sends no new ones") {
    server().sql(shop.uri, "DROP PUBLICATION changes; CREATE PUBLICATION changes FOR TABLE users (id, full_name)");
    CHECK(shop.run().exit_code == 0);
    CHECK(shop.phones() == "1");
  }
  SECTION("one for all tables sends them") {
    server().sql(shop.uri, "DROP PUBLICATION changes; CREATE PUBLICATION everything FOR ALL TABLES");
    CHECK(shop.run().exit_code == 6);
    CHECK(has(shop.view.hold_reason(), "everything"));
  }
}

TEST_CASE("a publication that nobody subscribes to holds nothing", "[expand][subscriber]") {
  Shop shop;
  server().sql(shop.uri, "CREATE PUBLICATION changes FOR ALL TABLES");
  CHECK(shop.run().exit_code == 0);
}

TEST_CASE("a column is not added under an image that keeps SELECT * prepared, until it says that it bears that",
          "[expand][horizon]") {
  Shop shop;
  REQUIRE(shop.tool.run({"init"}).exit_code == 0);
  const auto add = [&](const std::string& more) {
    std::ofstream(fs::path(shop.tool.folder()) / "m.yaml")
        << "image: shop:v41\ntables: { users: { read: ['*'] } }\nprepares_star: true\n" + more;
    const auto outcome = shop.tool.run({"image", "add", "--manifest", "m.yaml"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  };
  add("");
  REQUIRE(shop.tool.run({"image", "deployed", "shop:v41"}).exit_code == 0);
  const auto held = shop.run();
  INFO(held.err);
  CHECK(held.exit_code == 6);
  CHECK(shop.view.hold_kind() == "horizon");
  CHECK(has(shop.view.hold_reason(), "shop:v41 keeps SELECT * of users prepared"));
  CHECK(shop.phones() == "0");
  SECTION("its manifest says so") {
    add("star: tolerated\n");
    CHECK(shop.run().exit_code == 0);
  }
  SECTION("it is past the horizon") {
    REQUIRE(shop.tool.run({"image", "retire", "shop:v41", "--reason", "old"}).exit_code == 0);
    CHECK(shop.run().exit_code == 0);
  }
  SECTION("a person passes over it") {
    CHECK(shop.run({"--despite", "horizon", "--reason", "it retries"}).exit_code == 0);
    CHECK(shop.phones() == "1");
  }
}
