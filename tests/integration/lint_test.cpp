// lint against a real schema: the rules that look at one, what it leaves behind, and how it ends.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "catch.hpp"
#include "schema_fingerprint.hpp"
#include "server.hpp"
#include "source_folder.hpp"
#include "switchback/core/lint.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path folder = source_folder() / "plans" / "lint";

std::string content(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// A database of its own, the binary, and the plan that is linted in it.
struct Scene {
  std::string uri = server().fresh_database();
  Tool tool{uri, "environment: production\n"};

  explicit Scene(const std::string& sql = {}) {
    if (!sql.empty()) server().sql(uri, sql);
  }
  process::Outcome lint(std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"lint", "plan.yaml", "-d", uri};
    words.insert(words.end(), more.begin(), more.end());
    return tool.run(words);
  }
  /// Rule and severity of all that is found.
  std::set<std::pair<std::string, std::string>> findings() const {
    const auto outcome = lint({"--format", "json"});
    INFO(outcome.err << outcome.out);
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 4));
    std::set<std::pair<std::string, std::string>> found;
    const json parsed = json::parse(outcome.out);
    for (const auto& file : parsed.at("files"))
      for (const auto& one : file.at("findings")) found.emplace(one.at("rule"), one.at("severity"));
    return found;
  }
  bool finds(std::string_view rule) const {
    return std::ranges::any_of(findings(), [&](const auto& one) { return one.first == rule; });
  }
};

constexpr const char* rename_plan =
    "plan: rename-mail\nimages: { before: \"shop:v41\" }\nexpand:\n  - add_column: { table: users, name: email, type: "
    "text }\nmigrate:\n  - backfill: { table: users, set: { email: mail }, reverse: { mail: email } }\n";
constexpr const char* users_table =
    "CREATE TABLE users (id bigint PRIMARY KEY, mail text); INSERT INTO users SELECT i, 'm' || i FROM "
    "generate_series(1, 100) i;";

}  // namespace

TEST_CASE("no lint rule that looks at a schema is silent on its bad plan, or speaks on its good one", "[lint]") {
  for (const LintRule& rule : lint_rules()) {
    const fs::path here = folder / rule.id;
    if (!fs::exists(here / "schema.sql")) continue;
    CAPTURE(rule.id);
    const std::string schema = content(here / "schema.sql");
    Scene bad(schema + content(here / "bad.sql"));
    bad.tool.plan(content(here / "bad.yaml"));
    CHECK(bad.finds(rule.id));
    Scene good(schema + content(here / "good.sql"));
    good.tool.plan(content(here / "good.yaml"));
    for (const auto& [found, severity] : good.findings()) {
      CHECK(found != rule.id);
      INFO(found);
      CHECK(severity != "error");
    }
  }
}

TEST_CASE("lint ends with 0, with 4 for errors, with --strict for warnings too, and with 8 without its database",
          "[lint]") {
  Scene scene(std::string(users_table) + "ALTER TABLE users SET (autovacuum_enabled = off)");
  scene.tool.plan(rename_plan);
  CHECK(scene.lint().exit_code == 0);
  CHECK(scene.lint({"--strict"}).exit_code == 4);
  CHECK(scene.lint({"--format", "sarif"}).out.find("autovacuum-off") != std::string::npos);
  CHECK(scene.lint({"--format", "github"}).out.starts_with("::warning file=plan.yaml,line=6"));
  CHECK(scene.tool.run({"lint", "plan.yaml", "--strict"}).exit_code == 0);            // the file alone is clean
  CHECK(scene.tool.run({"lint", "plan.yaml", "--live", "--strict"}).exit_code == 4);  // DATABASE_URL names it
  CHECK(scene.tool.run({"lint", "plan.yaml", "-d", "host=127.0.0.1 port=1 dbname=x"}).exit_code == 8);
  scene.tool.plan("plan: p\nexpnd: []\n");
  const auto broken = scene.lint();
  CHECK(broken.exit_code == 4);
  CHECK(broken.out.find("plan.yaml:2:1: error: ") != std::string::npos);
  CHECK(broken.out.find("[plan-file]") != std::string::npos);
  CHECK(scene.tool.run({"lint", "--explain", "exact-mod"}).exit_code == 64);
  CHECK(scene.tool.run({"lint", "--explain", "exact-mode"}).out == content(folder / "exact-mode" / "README.md"));
  CHECK(scene.tool.run({"lint", "--rules"}).out.find("autovacuum-off") != std::string::npos);
  CHECK(scene.tool.run({"lint"}).exit_code == 64);
}

TEST_CASE("lint against a database leaves nothing behind, and runs nothing of the plan", "[lint]") {
  Scene scene(std::string(users_table) +
              "CREATE TABLE ran (at timestamptz); CREATE FUNCTION noted(text) RETURNS text LANGUAGE plpgsql "
              "STABLE AS $$ BEGIN PERFORM pg_notify('x', 'y'); RAISE EXCEPTION 'it ran'; END $$;");
  scene.tool.plan(
      "plan: quiet\nexpand:\n  - add_column: { table: users, name: email, type: text }\n  - create_view: { name: v, "
      "query: \"SELECT id, email FROM users\" }\n  - create_table: { name: made, columns: { id: bigint }, primary_key: "
      "[id] }\n  - sql: { run: \"CREATE SCHEMA extra\", undo: \"DROP SCHEMA extra\" }\nmigrate:\n  - backfill: { "
      "table: users, set: { email: noted(mail) }, reverse: { none: x } }\n  - create_index: { table: users, columns: "
      "[email] }\n  - sql: { run: \"INSERT INTO ran VALUES (now())\", undo: \"DELETE FROM ran WHERE at IS NOT NULL\" "
      "}\n");
  const std::string before = schema_fingerprint(scene.uri);
  const auto outcome = scene.lint();
  INFO(outcome.err << outcome.out);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("it ran") == std::string::npos);
  CHECK(schema_fingerprint(scene.uri) == before);
  CHECK(server().sql(scene.uri, "SELECT count(*) FROM ran") == "0");
  CHECK(server().sql(scene.uri, "SELECT count(*) FROM pg_namespace WHERE nspname = 'switchback'") == "0");
}

TEST_CASE("what the server would refuse is found before run does", "[lint]") {
  Scene scene(std::string(users_table) + "CREATE TYPE mood AS ENUM ('calm'); CREATE INDEX taken ON users (mail);");
  const auto refused = [&](const std::string& steps, const std::string& words) {
    scene.tool.plan("plan: refused\n" + steps);
    const auto outcome = scene.lint();
    INFO(steps << outcome.err << outcome.out);
    CHECK(outcome.exit_code == 4);
    CHECK(outcome.out.find("[cannot-run]") != std::string::npos);
    CHECK(outcome.out.find(words) != std::string::npos);
  };
  refused("expand:\n  - create_index: { table: users, columns: [mial] }\n", "\"mial\" does not exist");
  refused("expand:\n  - create_index: { table: users, columns: [mail], name: taken }\n", "already");
  refused("expand:\n  - create_index: { table: users, columns: [mail], method: gin }\n", "no default operator class");
  refused("expand:\n  - create_view: { name: v, query: \"SELECT nothing FROM users\" }\n",
          "\"nothing\" does not exist");
  refused("expand:\n  - create_table: { name: t, columns: { id: bigntt } }\n", "\"bigntt\" does not exist");
  refused("expand:\n  - create_enum: { name: mood, values: [a] }\n", "already");
  refused("expand:\n  - set_default: { table: users, column: id, default: \"'x'\" }\n", "invalid input syntax");
  refused("expand:\n  - drop_not_null: { table: users, column: id }\n", "primary key");
  refused("migrate:\n  - sql: { run: \"UPDATE users SET gone = 1 WHERE id = 1\", undo: \"SELECT 1\" }\n", "\"gone\"");
  refused("expand:\n  - add_column: { table: user, name: a, type: text }\n", "no table");
  // What the plan itself makes first is there by then.
  scene.tool.plan(
      "plan: made\nexpand:\n  - create_enum: { name: size, values: [s, m] }\n  - create_table: { name: made, columns: "
      "{ id: bigint, size: size }, primary_key: [id] }\n  - create_index: { table: made, columns: [size] }\n  - "
      "create_view: { name: v_made, query: \"SELECT id FROM made\" }\n");
  const auto outcome = scene.lint();
  INFO(outcome.out);
  CHECK(outcome.exit_code == 0);
}

TEST_CASE("lint sees subscribers, images and plans of the database it looks at", "[lint]") {
  Scene scene(std::string(users_table) + "CREATE PUBLICATION users_out FOR TABLE users;");
  server().sql(scene.uri, "SELECT pg_create_logical_replication_slot('lint_cdc', 'pgoutput')");
  scene.tool.plan(rename_plan);
  const bool subscriber = scene.finds("subscriber-not-ready");
  server().sql(scene.uri, "SELECT pg_drop_replication_slot('lint_cdc')");
  CHECK(subscriber);
  CHECK_FALSE(scene.finds("subscriber-not-ready"));
  std::ofstream(scene.tool.folder() + "/manifest.yaml")
      << "image: shop:v41\ntables: { users: { read: ['*'], write: [id], insert: positional } }\nprepares_star: true\n";
  REQUIRE(scene.tool.run({"init"}).exit_code == 0);
  const auto added = scene.tool.run({"image", "add", "--manifest", "manifest.yaml"});
  INFO(added.err);
  REQUIRE(added.exit_code == 0);
  REQUIRE(scene.tool.run({"image", "pin", "shop:v41", "--reason", "a test"}).exit_code == 0);
  CHECK(scene.finds("prepared-star"));
  CHECK(scene.finds("standby-not-sampled") == false);  // the plan takes nothing away
  // A plan that is under way is not held against the schema that it has changed.
  REQUIRE(scene.tool.run({"run", "plan.yaml", "--despite", "horizon", "--reason", "a test"}).exit_code == 0);
  CHECK_FALSE(scene.finds("cannot-run"));
  scene.tool.plan(std::string(rename_plan) + "# changed\n");
  CHECK(scene.finds("cannot-run"));
  scene.tool.plan(
      "plan: next\nrequires: [rename-mail]\nexpand:\n  - add_column: { table: users, name: x, type: text }\n");
  CHECK_FALSE(scene.finds("unknown-requirement"));
  scene.tool.plan(
      "plan: other\nexpand:\n  - add_column: { table: users, name: y, type: text }\nmigrate:\n  - backfill: { "
      "table: users, set: { y: mail }, reverse: { mail: y } }\n");
  CHECK(scene.finds("cannot-run"));  // two live plans change users.mail
}
