// Logins of images' roles, taken and given back on a real server.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

struct Fenced {
  std::string uri = server().fresh_database();
  Tool tool{uri};

  Fenced() {
    make_users(uri, 3);
    server().sql(uri,
                 "DO $$ BEGIN CREATE ROLE fence_v39; CREATE ROLE fence_v42; EXCEPTION WHEN duplicate_object THEN NULL; "
                 "END $$; ALTER ROLE fence_v39 LOGIN; ALTER ROLE fence_v42 LOGIN;"
                 "GRANT SELECT ON users TO fence_v39, fence_v42");
    REQUIRE(tool.run({"init"}).exit_code == 0);
    add("shop:v39", "fence_v39");
    add("shop:v42", "fence_v42");
    REQUIRE(tool.run({"image", "deployed", "shop:v39", "--at", "2020-01-01"}).exit_code == 0);
    REQUIRE(tool.run({"image", "deployed", "shop:v42", "--at", "2020-02-01"}).exit_code == 0);
  }
  ~Fenced() { server().sql(uri, "DROP OWNED BY fence_v39, fence_v42"); }
  void add(const std::string& image, const std::string& role) const {
    std::ofstream(std::filesystem::path(tool.folder()) / "m.yaml")
        << "image: " << image << "\nrole: " << role << "\ntables: { users: { read: [id] } }\n";
    REQUIRE(tool.run({"image", "add", "--manifest", "m.yaml"}).exit_code == 0);
  }
  process::Outcome fence(std::vector<std::string> more) const {
    more.insert(more.begin(), "fence");
    return tool.run(more);
  }
  /// A real login attempt; what the server says when it refuses.
  std::string login(const std::string& role) const {
    const auto outcome = process::run(
        {.argv = {server().sandbox().bin + "/psql", "-X", "-d", server().as(uri, role), "-Atc", "SELECT 1"}}, 30s);
    return outcome.ok() ? "in" : outcome.err;
  }
};

}  // namespace

TEST_CASE("the role of an image past the horizon cannot log in until the fence is taken back", "[fence]") {
  const Fenced shop;
  CHECK(shop.login("fence_v39") == "in");
  CHECK(shop.tool.run({"gate", "deploy", "shop:v39"}).exit_code == 0);
  CHECK(shop.fence({"shop:v39"}).exit_code == 64);  // without a reason
  const auto fenced = shop.fence({"shop:v39", "--reason", "loses orders", "-o", "json"});
  INFO(fenced.err);
  REQUIRE(fenced.exit_code == 0);
  CHECK(json::parse(fenced.out).at("role") == "fence_v39");
  CHECK(json::parse(fenced.out).at("changed") == true);
  CHECK(has(shop.login("fence_v39"), "not permitted to log in"));
  CHECK(shop.login("fence_v42") == "in");
  // The gate knows, and what it names makes it a yes.
  const json no = json::parse(shop.tool.run({"gate", "deploy", "shop:v39", "-o", "json"}).out);
  CHECK(no.at("answer") == "no");
  CHECK(no.at("reasons").at(0).at("remedy") == "switchback fence shop:v39 --undo");
  CHECK(json::parse(shop.fence({"shop:v39", "--reason", "again", "-o", "json"}).out).at("changed") == false);
  REQUIRE(shop.fence({"shop:v39", "--undo"}).exit_code == 0);
  CHECK(shop.login("fence_v39") == "in");
  CHECK(shop.tool.run({"gate", "deploy", "shop:v39"}).exit_code == 0);
  const std::string history = shop.tool.run({"history"}).out;
  CHECK(has(history, "loses orders"));
  CHECK(has(history, "image_unfence"));
}

TEST_CASE("a fence ends no session, and says which still run", "[fence]") {
  const Fenced shop;
  const auto session = application(server().as(shop.uri, "fence_v39"), "forgotten");
  const auto refused = shop.fence({"shop:v39", "--reason", "old"});
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, "switchback image retire shop:v39"));
  REQUIRE(shop.tool.run({"image", "retire", "shop:v39", "--reason", "old"}).exit_code == 0);
  const auto fenced = shop.fence({"shop:v39", "--reason", "old"});
  INFO(fenced.err);
  REQUIRE(fenced.exit_code == 0);
  CHECK(has(fenced.out, "forgotten"));
  CHECK(has(fenced.err, "1 of its sessions still run"));
  CHECK(session->exec("SELECT 1").text(0, 0) == "1");
  CHECK(has(shop.login("fence_v39"), "not permitted to log in"));
}

TEST_CASE("a role that may not alter roles is told what it needs, and nothing is on record", "[fence]") {
  const Fenced shop;
  server().sql(shop.uri,
               "DO $$ BEGIN CREATE ROLE fence_runner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
               "GRANT USAGE ON SCHEMA switchback TO fence_runner;"
               "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA switchback TO fence_runner");
  const Tool runner(server().as(shop.uri, "fence_runner"));
  const auto outcome = runner.run({"fence", "shop:v39", "--reason", "old"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 8);
  CHECK(has(outcome.err, "needs CREATEROLE"));
  CHECK(shop.login("fence_v39") == "in");
  CHECK(server().sql(shop.uri, "SELECT count(*) FROM switchback.image_fence") == "0");
  server().sql(shop.uri, "DROP OWNED BY fence_runner");
}

TEST_CASE("no login is taken that anything but a past image needs", "[fence]") {
  const Fenced shop;
  const auto refused = [&](const std::vector<std::string>& more, int exit_code, const std::string& why) {
    std::vector<std::string> arguments{"--reason", "x"};
    arguments.insert(arguments.begin(), more.begin(), more.end());
    const auto outcome = shop.fence(arguments);
    INFO(outcome.err);
    CHECK(outcome.exit_code == exit_code);
    CHECK(has(outcome.err, why));
    CHECK(shop.login("fence_v39") == "in");
    CHECK(shop.login("fence_v42") == "in");
  };
  refused({"shop:v42"}, 3, "shop:v42 is in the horizon");
  refused({"shop:v50"}, 4, "there is no image 'shop:v50'");
  refused({"shop:v39", "--role", "fence_v42"}, 4, "logs in as fence_v39");
  shop.add("shop:v42", "fence_v39");
  refused({"shop:v39"}, 3, "is also that of shop:v42");
  shop.add("shop:v42", "fence_v42");
  shop.add("shop:v39", "postgres");
  refused({"shop:v39"}, 3, "is a superuser");
  shop.add("shop:v39", "nobody_at_all");
  refused({"shop:v39"}, 4, "there is no role 'nobody_at_all'");
  shop.add("shop:v39", "fence_v39");
  server().sql(shop.uri, "CREATE TABLE theirs (); ALTER TABLE theirs OWNER TO fence_v39");
  refused({"shop:v39"}, 3, "owns 1 objects");
  server().sql(shop.uri, "DROP TABLE theirs");
  {
    const auto elsewhere = application(server().as(server().uri(), "fence_v39"), "another application");
    refused({"shop:v39"}, 3, "has sessions in other databases");
  }
  // Taken by somebody else: not ours to give back.
  server().sql(shop.uri, "ALTER ROLE fence_v39 NOLOGIN");
  CHECK(shop.fence({"shop:v39", "--undo"}).exit_code == 3);
  CHECK(has(shop.login("fence_v39"), "not permitted to log in"));
}
