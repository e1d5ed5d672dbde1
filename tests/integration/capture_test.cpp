// What an image needs, told from what it runs on a real server.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.hpp"
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

/// A database with users, orders and a journal, and a role of the image's own.
struct Captured {
  std::string uri = server().fresh_database();
  Tool tool{uri};

  Captured() {
    make_users(uri, 20);
    sql("DO $$ BEGIN CREATE ROLE capture_shop LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric, note text);"
        "CREATE FUNCTION owed(p_user bigint) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN "
        "RETURN (SELECT sum(total) FROM orders WHERE user_id = p_user); END $$;"
        "CREATE FUNCTION noted(p_user bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
        "RETURN (SELECT count(note) FROM orders WHERE id = p_user); END $$;"
        "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON users, orders TO capture_shop;"
        "REVOKE SELECT (note) ON orders FROM capture_shop");
    REQUIRE(tool.run({"init"}).exit_code == 0);
  }
  ~Captured() { server().sql(uri, "DROP OWNED BY capture_shop"); }

  void sql(const std::string& text) const { server().sql(uri, text); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(fs::path(tool.folder()) / name) << text;
    return name;
  }
  /// A test suite of psql scripts, as an image may have one.
  std::string suite(const std::string& script) const {
    file("tests.sql", script);
    const std::string name = "run-tests.sh";
    file(name, "#!/bin/sh\nset -e\n" + server().sandbox().bin + "/psql -X -q -v ON_ERROR_STOP=1 -f tests.sql\n");
    fs::permissions(fs::path(tool.folder()) / name, fs::perms::owner_all);
    return "./" + name;
  }
  process::Outcome capture(const std::string& script, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"image", "capture", "shop:v41", "--role", "capture_shop", "-o", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--", suite(script)});
    return tool.run(arguments);
  }
  json found(const std::string& script, std::vector<std::string> more = {}) const {
    const auto outcome = capture(script, std::move(more));
    INFO(outcome.err << outcome.out);
    REQUIRE(outcome.exit_code == 0);
    return json::parse(outcome.out);
  }
  std::string read(const std::string& name) const {
    std::ifstream in(fs::path(tool.folder()) / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

std::set<std::string> needs(const json& list) {
  std::set<std::string> all;
  for (const json& one : list) all.insert(one.at("table").get<std::string>() + " " + one.at("what").get<std::string>());
  return all;
}

/// `users.id` of everything read, `users.id!` of everything written.
std::set<std::string> columns(const json& report) {
  std::set<std::string> all;
  for (const json& use : report.at("tables")) {
    for (const json& column : use.at("read"))
      all.insert(use.at("table").get<std::string>() + "." + column.get<std::string>());
    for (const json& column : use.at("write"))
      all.insert(use.at("table").get<std::string>() + "." + column.get<std::string>() + "!");
  }
  return all;
}

const std::string shop_tests = R"sql(
BEGIN;
INSERT INTO users (id, full_name) VALUES (1001, 'Grace Hopper');
UPDATE users SET full_name = 'Ada King' WHERE id = 1001;
PREPARE by_name AS SELECT id FROM users WHERE full_name = $1 ORDER BY email;
EXECUTE by_name('Ada King');
DEALLOCATE by_name;
CREATE TEMP TABLE picked ON COMMIT DROP AS SELECT id FROM users LIMIT 1;
SELECT count(*) FROM picked;
COPY orders (id, user_id, total) FROM STDIN;
1	1001	12
\.
SELECT owed(1001);
DO $$ BEGIN UPDATE orders SET total = total + 1 WHERE id = 1; END $$;
ROLLBACK;
)sql";

}  // namespace

TEST_CASE("a capture of a test suite finds what a hand-written manifest lists, and more where that was wrong",
          "[capture]") {
  const Captured shop;
  // It forgets that users are sorted by email, all of orders, and lists a column that is not used any more.
  shop.file("m.yaml",
            "image: shop:v41\ntables:\n  users: { read: [id, full_name, nickname], write: [id, full_name] }\n");
  REQUIRE(shop.tool.run({"image", "add", "--manifest", "m.yaml"}).exit_code == 0);
  const json report = shop.found(shop_tests, {"--manifest-out", "captured.yaml"});
  CHECK(columns(report) == std::set<std::string>{"users.id", "users.full_name", "users.email", "users.id!",
                                                 "users.full_name!", "orders.id", "orders.user_id", "orders.total",
                                                 "orders.id!", "orders.user_id!", "orders.total!"});
  CHECK(report.at("unclear") == json::array());
  CHECK(report.at("registered") == true);
  CHECK(needs(report.at("beyond")) == std::set<std::string>{"users email read", "orders id read", "orders user_id read",
                                                            "orders total read", "orders id written",
                                                            "orders user_id written", "orders total written",
                                                            "orders insert named"});
  CHECK(needs(report.at("not_seen")) == std::set<std::string>{"users nickname read"});
  // What was there stays, so that the gate still knows of the column that no test needs.
  const json no = json::parse(shop.tool.run({"gate", "deploy", "shop:v41", "-o", "json"}).out);
  CHECK(has(no.dump(), "public.users.nickname"));
  const json anew = shop.found(shop_tests, {"--replace"});
  CHECK(columns(anew) == columns(report));
  CHECK(shop.tool.run({"gate", "deploy", "shop:v41"}).exit_code == 0);
  // Its statements are kept with it, and the manifest that was written registers the same.
  const auto kept = [&] {
    return server().sql(shop.uri, "SELECT footprint -> 'statements' FROM switchback.image WHERE name = 'shop:v41'");
  };
  CHECK(has(kept(), "PREPARE by_name AS SELECT id FROM users"));
  CHECK_FALSE(has(kept(), "ROLLBACK"));
  const auto added = shop.tool.run({"image", "add", "--manifest", "captured.yaml"});
  INFO(added.err << shop.read("captured.yaml"));
  REQUIRE(added.exit_code == 0);
  CHECK(has(kept(), "PREPARE by_name AS SELECT id FROM users"));
  CHECK(has(shop.tool.run({"history"}).out, "image_capture"));
}

TEST_CASE("what a function does with its owner's rights is captured with the role's statements", "[capture]") {
  const Captured shop;
  const json report = shop.found("SELECT noted(7);\n");
  CHECK(columns(report) == std::set<std::string>{"orders.id", "orders.note"});
}

TEST_CASE("a table that a search_path finds elsewhere is warned of", "[capture]") {
  const Captured shop;
  shop.sql(
      "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.parcels (id int); GRANT USAGE ON SCHEMA elsewhere TO "
      "capture_shop; GRANT SELECT ON elsewhere.parcels TO capture_shop");
  const auto outcome = shop.capture("SET search_path = elsewhere;\nSELECT id FROM parcels;\n");
  CHECK(outcome.exit_code == 0);
  CHECK(has(outcome.err, "parcels is not there now"));
}

TEST_CASE("a command that fails registers nothing unless that is asked for", "[capture]") {
  const Captured shop;
  const std::string fails = "SELECT id FROM users LIMIT 1;\nSELECT nothing FROM users;\n";
  const auto outcome = shop.capture(fails);
  CHECK(outcome.exit_code == 1);
  CHECK(has(outcome.err, "ended with exit code 3"));
  CHECK(has(outcome.err, "column \"nothing\" does not exist"));  // what the command says is shown
  CHECK(server().sql(shop.uri, "SELECT count(*) FROM switchback.image") == "0");
  CHECK(shop.capture(fails, {"--allow-failure"}).exit_code == 1);
  CHECK(server().sql(shop.uri, "SELECT source FROM switchback.image") == "capture");
}

TEST_CASE("a capture in which a statement may have been missed is refused", "[capture]") {
  const Captured shop;
  const auto refused = [&](const std::string& script, const std::string& why) {
    const auto outcome = shop.capture(script);
    INFO(outcome.err);
    CHECK(outcome.exit_code == 3);
    CHECK(has(outcome.err, why));
    CHECK(server().sql(shop.uri, "SELECT count(*) FROM switchback.image") == "0");
  };
  shop.sql("GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO capture_shop");
  refused("SELECT id FROM users LIMIT 1;\nSELECT 1 FROM pg_stat_statements_reset();\n", "reset");
  refused("SELECT id FROM users LIMIT 1;\nSELECT pg_stat_statements_reset();\nSELECT email FROM users LIMIT 1;\n",
          "meanwhile");
  {
    const SystemSetting setting(Server::primary, "pg_stat_statements.track", "top");
    refused("SELECT id FROM users LIMIT 1;\n", "ALTER SYSTEM SET pg_stat_statements.track = 'all'");
  }
  refused("\\q\n", "no statement of role capture_shop was seen");
  shop.sql("DROP EXTENSION pg_stat_statements");
  refused("SELECT id FROM users LIMIT 1;\n", "CREATE EXTENSION pg_stat_statements");
}

TEST_CASE("a capture during which the server evicted statements is refused", "[capture]") {
  const SystemSetting small(Server::primary, "pg_stat_statements.max", "100", true);
  const Captured shop;
  std::string script = "SELECT id FROM users LIMIT 1;\n";
  for (int i = 1; i <= 300; ++i) {
    script += "SELECT 1";
    for (int k = 0; k < i; ++k) script += ",1";
    script += ";\n";
  }
  const auto outcome = shop.capture(script);
  CHECK(outcome.exit_code == 3);
  CHECK(has(outcome.err, "raise pg_stat_statements.max"));
}

TEST_CASE("a role that is not there, hidden texts and wrong usage are named before anything runs", "[capture]") {
  const Captured shop;
  const std::string marker = (fs::path(shop.tool.folder()) / "ran").string();
  const auto outcome = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"image", "capture", "shop:v41"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = shop.tool.run(arguments);
    CHECK_FALSE(fs::exists(marker));
    return result;
  };
  const auto absent = outcome({"--role", "nobody_here", "--", "touch", marker});
  CHECK(absent.exit_code == 4);
  CHECK(has(absent.err, "CREATE ROLE \"nobody_here\" LOGIN"));
  CHECK(outcome({"--", "touch", marker}).exit_code == 64);
  CHECK(outcome({"--role", "capture_shop"}).exit_code == 64);
  CHECK(outcome({"--role", "capture_shop", "--for", "1s", "--", "touch", marker}).exit_code == 64);
  CHECK(outcome({"--role", "capture_shop", "--for", "soon"}).exit_code == 64);
  shop.sql("GRANT CREATE ON DATABASE " + shop.uri.substr(shop.uri.rfind('/') + 1) + " TO capture_shop");
  const auto hidden = outcome(
      {"--on", server().as(shop.uri, "capture_shop"), "--role", "capture_shop", "--dry-run", "--", "touch", marker});
  CHECK(hidden.exit_code == 3);
  CHECK(has(hidden.err, "GRANT pg_read_all_stats TO \"capture_shop\""));
}

TEST_CASE("the command gets the role's connection and no password of ours, and --on captures on another server",
          "[capture]") {
  const Captured shop;
  const std::string other = server().fresh_database();
  make_users(other, 5);
  server().sql(other, "GRANT SELECT ON users TO capture_shop");
  shop.file("show.sh", "#!/bin/sh\nenv > env.txt\n" + server().sandbox().bin +
                           "/psql -X -q -c 'SELECT email FROM users LIMIT 1' >/dev/null\n" + server().sandbox().bin +
                           "/psql -X -q \"$DATABASE_URL\" -c 'SELECT id FROM users LIMIT 1' >/dev/null\n");
  const auto run = [&](const std::string& environment) {
    return process::run({.argv = {"/bin/sh", "-c",
                                  environment +
                                      " exec \"$SWITCHBACK_BINARY\" image capture shop:v41 --role "
                                      "capture_shop --on '" +
                                      other + "' -o json -- /bin/sh show.sh"},
                         .directory = shop.tool.folder(),
                         .environment = {{"DATABASE_URL", shop.uri}}},
                        60s);
  };
  const auto outcome = run("PGPASSWORD=ours SWITCHBACK_CAPTURE_PASSWORD='the/role s'");
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(columns(json::parse(outcome.out)) == std::set<std::string>{"users.email", "users.id"});
  const std::string environment = shop.read("env.txt");
  CHECK(has(environment, "PGPASSWORD=the/role s\n"));
  CHECK(has(environment, "DATABASE_URL=postgresql://capture_shop:the%2Frole%20s@"));
  CHECK_FALSE(has(environment, "SWITCHBACK_CAPTURE_PASSWORD"));
  CHECK_FALSE(has(outcome.err + outcome.out, "the/role s"));
  CHECK(server().sql(shop.uri, "SELECT count(*) FROM switchback.image") == "1");
  REQUIRE(run("PGPASSWORD=ours").exit_code == 0);
  CHECK_FALSE(has(shop.read("env.txt"), "PGPASSWORD"));
}

TEST_CASE("the live traffic of a role is captured for a while", "[capture]") {
  const Captured shop;
  const auto session = application(server().as(shop.uri, "capture_shop"), "shop:v41");
  session->exec("SELECT id FROM public.users LIMIT 1");  // before: not seen to run meanwhile
  const auto watching = shop.tool.start(
      {"image", "capture", "shop:v41", "--role", "capture_shop", "--for", "3s", "--dry-run", "-o", "json"});
  // Until it is done, so that it runs within the time whenever that begins.
  while (watching->running()) session->exec("SELECT email FROM public.users LIMIT 1");
  INFO(watching->err());
  CHECK(watching->wait(1s) == 0);
  CHECK(columns(json::parse(watching->out())) == std::set<std::string>{"users.email"});
  CHECK(server().sql(shop.uri, "SELECT count(*) FROM switchback.image") == "0");
}
