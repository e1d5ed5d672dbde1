// Statements of images, replayed on a schema clone with what a contract takes and without.
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "clone_scene.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Scene {
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};

  explicit Scene(const std::string& scratch) : tool(uri, Tool::default_configuration() + "scratch: " + scratch + "\n") {
    make_users(uri, 50);
    server().sql(uri, R"sql(
CREATE FUNCTION shout(who bigint) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
  RETURN (SELECT upper(full_name) FROM public.users WHERE id = who); END $$;
CREATE FUNCTION everyone() RETURNS SETOF public.users LANGUAGE plpgsql AS $$ BEGIN
  RETURN QUERY EXECUTE 'SELECT * FROM public.' || 'us' || 'ers'; END $$;)sql");
    tool.plan(split_plan("split"));
    call({"init"});
  }
  void call(const std::vector<std::string>& words) const {
    const auto outcome = tool.run(words);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  void add(const std::string& image, const std::vector<std::string>& statements) const {
    std::ofstream(fs::path(tool.folder()) / "m.yaml") << json{{"image", image}, {"statements", statements}}.dump();
    call({"image", "add", "--manifest", "m.yaml"});
    call({"image", "deployed", image, "--environment", image});
  }
  json explained() const {
    const auto outcome = tool.run({"explain", "plan.yaml", "-o", "json"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return json::parse(outcome.out);
  }
  static json image_in(const json& explained, const std::string& name) {
    for (const json& one : explained.at("images"))
      if (one.at("image") == name) return one;
    return {};
  }
};

const std::map<std::string, std::string> outcomes{
    {"SELECT full_name FROM users WHERE id = $1", "breaks"},
    {"SELECT id, email FROM users WHERE id = $1", "ok"},
    {"UPDATE users SET email = $1 WHERE id = $2", "ok"},
    {"SELECT * FROM users WHERE id = $1", "other result"},
    {"SELECT row_to_json(u) FROM users u", "breaks"},  // the server sees nothing in it
    {"INSERT INTO users VALUES ($1, $2)", "breaks"},   // nor here: it takes fewer values
    {"SELECT shout($1)", "breaks"},                    // nor in a body
    {"SELECT * FROM everyone()", "other result"},      // its text says nothing
    {"COPY users TO STDOUT", "other result"},
};

std::string quoted_uri(const std::string& uri) {
  return "\"" + uri + "\"";
}

}  // namespace

TEST_CASE("explain says of each image's statements what becomes of them, by their text and by the server", "[replay]") {
  Scene scene(quoted_uri(cloner()));
  std::vector<std::string> statements;
  for (const auto& [statement, outcome] : outcomes) statements.push_back(statement);
  scene.add("shop:v41", statements);
  scene.add("shop:v42", {"SELECT id, first_name FROM users"});
  const json explained = scene.explained();
  const json v41 = Scene::image_in(explained, "shop:v41");
  INFO(v41.dump(1));
  REQUIRE(v41.at("answer") == "breaks");
  REQUIRE(v41.at("statements").size() == outcomes.size());
  for (const json& one : v41.at("statements")) {
    const std::string statement = one.at("statement");
    CAPTURE(statement, one.dump());
    CHECK(one.at("outcome") == outcomes.at(statement));
    CHECK(one.at("why").is_null() == (one.at("outcome") == "ok"));
  }
  // Its columns are not there yet, and nobody says that the contract takes them.
  CHECK(Scene::image_in(explained, "shop:v42").at("answer") == "works");
  CHECK(clone_databases().empty());
  CHECK(server().sql(scene.uri,
                     "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = "
                     "'full_name'") == "1");
  const std::string text = scene.tool.run({"explain", "plan.yaml"}).out;
  CHECK(has(text, "images that one may still have to run, once contracted"));
  CHECK(has(text, "shop:v41: breaks"));
  CHECK(has(text, "replayed: 2 of 9 statements are the same without"));
}

TEST_CASE("where no clone may be made, the parse tree's word stands alone, and that is said", "[replay]") {
  Scene scene("{ none: nothing may leave it }");
  std::vector<std::string> statements;
  for (const auto& [statement, outcome] : outcomes) statements.push_back(statement);
  scene.add("shop:v41", statements);
  const json explained = scene.explained();
  const json v41 = Scene::image_in(explained, "shop:v41");
  INFO(explained.at("notes").dump(1) << v41.dump(1));
  for (const json& one : v41.at("statements")) {
    const std::string statement = one.at("statement");
    CAPTURE(statement, one.dump());
    CHECK(one.at("outcome") == (has(statement, "everyone") ? "ok" : outcomes.at(statement)));
  }
  CHECK(has(explained.at("notes").dump(), "the images' statements could not be replayed by the server"));
  CHECK(has(explained.at("notes").dump(), "nothing may leave it"));
}

TEST_CASE("a statement of which no manifest's columns tell holds the contract by its text", "[replay]") {
  Scene scene(quoted_uri(cloner()));
  server().sql(scene.uri, "DROP FUNCTION shout(bigint)");
  scene.add("shop:v40", {"SELECT count(*) FROM everyone()", "SELECT * FROM everyone()"});  // older than the plan's
  scene.call({"run", "plan.yaml"});
  const auto held =
      scene.tool.run({"run", "plan.yaml", "--to", "hidden", "--yes", "--approve", scene.tool.plan_hash()});
  const std::string reason = scene.view.hold_reason();
  INFO(reason);
  CHECK(held.exit_code == 6);
  CHECK(scene.view.hold_kind() == "horizon");
  CHECK(has(reason, "shop:v40 SELECT * FROM everyone() has another result: gives [\"id\", "));
  CHECK_FALSE(has(reason, "count(*)"));
  CHECK(has(reason, "switchback image retire shop:v40"));
}

TEST_CASE("an image that calls the function that stays does not wait for its namesake that goes", "[replay]") {
  Scene scene(quoted_uri(cloner()));
  server().sql(scene.uri, "CREATE FUNCTION shout(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)'");
  scene.tool.plan(
      "plan: quiet\nimages: { before: shop:v0, after: shop:v9 }\ncontract:\n  steps:\n    - drop_function: { name: "
      "shout, arguments: text }\n");
  scene.add("shop:v40", {"SELECT shout(email) FROM users"});
  scene.add("shop:v41", {"SELECT shout(1)"});
  const json explained = scene.explained();
  INFO(explained.at("images").dump(1));
  CHECK(Scene::image_in(explained, "shop:v40").at("answer") == "breaks");
  CHECK(Scene::image_in(explained, "shop:v41").at("answer") == "works");
}

TEST_CASE("a view that goes and a materialized one that goes are both gone from what is replayed", "[replay]") {
  Scene scene(quoted_uri(cloner()));
  server().sql(
      scene.uri,
      "CREATE VIEW report AS SELECT id FROM users; CREATE MATERIALIZED VIEW kept_report AS SELECT id FROM users");
  scene.tool.plan(
      "plan: reports\ncontract:\n  steps:\n    - drop_view: { name: report }\n    - drop_view: { name: kept_report "
      "}\n");
  const std::vector<std::string> statements{"SELECT id FROM report", "SELECT id FROM kept_report",
                                            "SELECT id FROM users"};
  scene.add("shop:v41", statements);
  const json explained = scene.explained();
  INFO(explained.dump(1));
  const json v41 = Scene::image_in(explained, "shop:v41");
  CHECK_FALSE(has(explained.at("notes").dump(), "could not be replayed"));
  REQUIRE(v41.at("statements").size() == 3);
  for (const json& one : v41.at("statements"))
    CHECK(one.at("outcome") == (has(one.at("statement").get<std::string>(), "report") ? "breaks" : "ok"));
}
