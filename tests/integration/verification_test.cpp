// What is looked at right after a plan was turned back, and what is kept of the side that goes.
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/postgres/session.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr int rows = 300;

struct TurnedBack {
  std::string uri = server().fresh_database();
  Tool tool{uri, Tool::default_configuration() + "environment: staging\n"};
  mutable PlanView view{uri};

  explicit TurnedBack(const std::string& more = {}) {
    make_users(uri, rows);
    tool.plan(more + split_plan("split"));
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  void run(const std::string& state) const {
    const auto outcome = tool.run(tool.run_to(state), 120s);
    INFO(outcome.err);
    REQUIRE(outcome.ok());
  }
  process::Outcome back(const std::string& to) const {
    return tool.run({"rollback", "split", "--to", to, "--yes", "--despite", "loss", "--reason", "a test", "-o", "json"},
                    120s);
  }
  json recorded() const {
    return json::parse(
        view.ask("SELECT detail FROM switchback.event WHERE kind = 'verified' ORDER BY id DESC LIMIT 1"));
  }
  void add_image(const std::string& manifest) const {
    REQUIRE(tool.run({"init"}).ok());
    std::ofstream(tool.folder() + "/m.yaml") << manifest;
    const auto added = tool.run({"image", "add", "--manifest", "m.yaml"});
    INFO(added.err);
    REQUIRE(added.ok());
  }
  std::string times_verified() const {
    return view.ask("SELECT count(*) FROM switchback.event WHERE kind = 'verified'");
  }
};

}  // namespace

TEST_CASE("after a restore both sides are compared, smoke tests run and the images asked, on record",
          "[verification]") {
  TurnedBack plan("smoke:\n  - SELECT full_name FROM users LIMIT 1\n  - SELECT count(*) = 300 FROM users\n");
  plan.add_image("image: shop:v41\ntables:\n  users: { read: [id, full_name], write: [full_name], insert: false }\n");
  plan.run("contracted");
  const auto outcome = plan.back("migrated");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  const json found = json::parse(outcome.out).at("verified");
  CHECK(found == plan.recorded());
  CHECK(found.at("failed") == false);
  CHECK(found.at("state") == "migrated");
  REQUIRE(found.at("tables").size() == 1);
  const json& users = found.at("tables").at(0);
  CHECK(users.at("rows") == rows);
  CHECK(users.at("compared").at("wrong") == 0);
  REQUIRE(users.at("sides").size() == 2);
  CHECK(users.at("sides").at(0).at("columns") == json{"full_name"});
  CHECK(found.at("smoke").size() == 2);
  CHECK(found.at("smoke").at(1).at("error").is_null());
  CHECK(found.at("images").at(0) ==
        json{{"image", "shop:v41"}, {"verdict", "yes"}, {"reasons", json::array()}, {"wrong", false}});

  // The old side's sum is that of the values, whichever way they came to be there.
  REQUIRE(plan.back("rolled_back").exit_code == 0);
  const json after = plan.recorded();
  CHECK(after.at("state") == "rolled_back");
  CHECK(after.at("tables").at(0).at("sides").at(0) == users.at("sides").at(0));
  CHECK(after.at("tables").at(0).at("sides").size() == 1);
  CHECK_FALSE(after.at("tables").at(0).contains("compared"));
  plan.sql("UPDATE users SET full_name = 'Other' WHERE id = 1");
  plan.run("migrated");
  REQUIRE(plan.back("rolled_back").exit_code == 0);
  CHECK(plan.recorded().at("tables").at(0).at("sides").at(0).at("checksum") != users.at("sides").at(0).at("checksum"));
}

TEST_CASE("a smoke test that fails or answers false, a wrong row and an image that breaks end the command with 1",
          "[verification]") {
  TurnedBack plan("smoke:\n  - SELECT gone FROM users\n  - SELECT count(*) > 1000 FROM users\n  - DELETE FROM users\n");
  plan.add_image("image: shop:v41\ntables:\n  users: { read: [id, nickname] }\n");
  plan.run("migrated");
  REQUIRE(plan.tool
              .run({"run", "plan.yaml", "--to", "hidden", "--wait", "--yes", "--approve", plan.tool.plan_hash(),
                    "--despite", "horizon", "--reason", "a test"},
                   120s)
              .ok());
  plan.sql(
      "SET session_replication_role = replica; ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET first_name "
      "= 'Crooked' WHERE id = 7; ALTER TABLE users ENABLE TRIGGER USER");
  const auto outcome = plan.back("migrated");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK(plan.view.state() == "migrated");
  const json found = plan.recorded();
  CHECK(found.at("failed") == true);
  CHECK(found.at("tables").at(0).at("compared").at("wrong") == 1);
  CHECK(found.at("tables").at(0).at("compared").at("samples") == json{R"({"id": 7})"});
  CHECK(has(found.at("smoke").at(0).at("error").get<std::string>(), "42703"));
  CHECK(found.at("smoke").at(1).at("error") == "it answers false");
  CHECK(has(found.at("smoke").at(2).at("error").get<std::string>(), "25006"));  // read-only
  // A column that the image never had: said, and no fault of the way back.
  CHECK(found.at("images").at(0).at("verdict") == "no");
  CHECK(found.at("images").at(0).at("wrong") == false);
  CHECK(has(outcome.err, "not all is right"));
  CHECK(plan.sql("SELECT count(*) FROM users") == std::to_string(rows));
}

TEST_CASE("a runner killed between the arrival and the look leaves the look to the same command", "[verification]") {
  TurnedBack plan("smoke:\n  - SELECT pg_advisory_lock_shared(77)\n");
  plan.run("migrated");
  const auto gate = postgres::connect({.database = plan.uri});
  gate->exec("SELECT pg_advisory_lock(77)");
  const auto runner = plan.tool.start({"rollback", "split", "--to", "expanded", "--yes"});
  REQUIRE(eventually(30s, [&] {
    return plan.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 77") == "1";
  }));
  CHECK(plan.view.state() == "expanded");
  runner->signal(SIGKILL);
  REQUIRE(runner->wait(10s));
  gate->exec("SELECT pg_advisory_unlock(77)");
  CHECK(plan.times_verified() == "0");
  CHECK(eventually(60s, [&] { return plan.back("expanded").exit_code == 0; }));  // 7 while the lease still runs
  CHECK(plan.times_verified() == "1");
  CHECK(plan.back("expanded").exit_code == 0);
  CHECK(plan.times_verified() == "1");
}

TEST_CASE("what the old side does not carry is kept in a table when the new side goes, also what writers add meanwhile",
          "[verification]") {
  TurnedBack plan;
  plan.tool.plan(std::regex_replace(split_plan("split"), std::regex("\n *- (create_index|set_not_null):[^\n]*"), ""));
  plan.run("migrated");
  plan.sql("UPDATE users SET first_name = 'Ann Lee', last_name = 'B' WHERE id = 3");  // comes back as Ann, Lee B
  plan.sql("UPDATE users SET first_name = 'Ann', last_name = 'B' WHERE id = 4");      // comes back as it is
  const auto preview = plan.tool.run({"rollback", "split", "--dry-run"});
  CHECK(has(preview.out, R"(1 of 300 rows of users)"));
  CHECK(has(preview.out, R"({"id": 3})"));
  CHECK(plan.tool.run({"rollback", "split", "--yes"}).exit_code == 3);

  // The drop of the columns waits for this reader; a writer comes in between.
  const auto reader = postgres::connect({.database = plan.uri});
  reader->exec("BEGIN");
  reader->exec("SELECT FROM public.users LIMIT 1");
  const auto runner = plan.tool.start({"rollback", "split", "--yes", "--despite", "loss", "--reason", "a test"});
  REQUIRE(eventually(60s, [&] {
    return plan.sql(
               "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname LIKE "
               "'~switchback_keep%'") == "1";
  }));
  REQUIRE(eventually(60s, [&] { return plan.view.hold_kind() == "lock"; }));
  plan.sql("UPDATE users SET first_name = 'Zoë Maria', last_name = 'C' WHERE id = 5");
  reader->exec("COMMIT");
  CHECK(runner->wait(60s) == 0);
  CHECK(plan.view.state() == "rolled_back");
  const std::string kept = plan.view.ask("SELECT detail->>'kept_in' FROM switchback.event WHERE kind = 'kept'");
  CHECK(plan.sql("SELECT string_agg(id || ' ' || first_name || '/' || last_name, ', ' ORDER BY id) FROM " + kept) ==
        "3 Ann Lee/B, 5 Zoë Maria/C");
  CHECK(plan.sql("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal") == "0");
  CHECK(plan.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'switchback'::regnamespace AND proname ~ "
                 "'^(keep|lost)_'") == "0");
}

TEST_CASE("a column without a backfill is counted and kept as well, also of a plan that is done", "[verification]") {
  const std::string uri = server().fresh_database();
  server().sql(uri, "CREATE TABLE users (id bigint PRIMARY KEY); INSERT INTO users SELECT generate_series(1, 50)");
  Tool tool(uri, Tool::default_configuration() + "environment: staging\n");
  tool.plan(
      "plan: add\nchange:\n  - add_column: { table: users, name: phone, type: text }\n  - add_column: { table: users, "
      "name: tier, type: text, default: \"'std'\", not_null: true }\n");
  REQUIRE(tool.run({"run", "plan.yaml"}).ok());
  PlanView view(uri);
  REQUIRE(view.state() == "done");
  server().sql(uri, "UPDATE users SET phone = '1' WHERE id = 1; UPDATE users SET tier = 'gold' WHERE id = 2");
  const auto refused = tool.run({"rollback", "add", "--yes"});
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, "2 of 50 rows"));
  REQUIRE(tool.run({"rollback", "add", "--yes", "--despite", "loss", "--reason", "a test"}).ok());
  // Each step has its own table; what nothing was lost of has none.
  const std::string kept =
      view.ask("SELECT string_agg(detail->>'kept_in', ' ' ORDER BY id) FROM switchback.event WHERE kind = 'kept'");
  INFO(kept);
  CHECK(view.ask("SELECT count(*) FROM switchback.event WHERE kind = 'kept'") != "0");
  CHECK(server().sql(
            uri,
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname IN ('phone', 'tier')") ==
        "0");
}

TEST_CASE("turning back says who still uses the new side, and is refused while a view rests on it", "[verification]") {
  TurnedBack plan;
  plan.run("migrated");
  plan.sql("CREATE VIEW greetings AS SELECT first_name FROM users");
  const auto refused = plan.tool.run({"rollback", "split", "--yes"});
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, "view public.greetings uses public.users.first_name"));
  CHECK(plan.view.state() == "migrated");
  plan.sql("DROP VIEW greetings");
  plan.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public; SELECT last_name FROM users WHERE id = 1");
  const auto way = json::parse(plan.tool.run({"rollback", "split", "--dry-run", "-o", "json"}).out);
  INFO(way.dump(2));
  CHECK(way.at("uses").size() >= 1);
  CHECK(has(way.at("uses").dump(), "public.users.last_name"));
  REQUIRE(plan.back("rolled_back").exit_code == 0);
}

TEST_CASE("what a contract's sql took from a column is put back once the column is there again", "[verification]") {
  TurnedBack plan;
  plan.sql("ALTER TABLE users ADD CONSTRAINT named CHECK (full_name <> '')");
  std::string text = split_plan("split");
  const std::string steps = "  steps:\n";
  text = std::regex_replace(text, std::regex("allow_silent: \\["), "allow_silent: [named, ");
  REQUIRE(text.find(steps) != std::string::npos);
  text.insert(
      text.find(steps) + steps.size(),
      "    - sql: { run: ALTER TABLE users DROP CONSTRAINT named, undo: \"ALTER TABLE users ADD CONSTRAINT named "
      "CHECK (full_name <> '') NOT VALID\" }\n");
  plan.tool.plan(text);
  plan.run("contracted");
  REQUIRE(plan.back("migrated").exit_code == 0);
  CHECK(plan.sql("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'named'") ==
        "CHECK ((full_name <> ''::text)) NOT VALID");
}
