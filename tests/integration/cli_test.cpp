#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/process/child.hpp"

using namespace switchback;
using nlohmann::json;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr const char* good_plan = R"(plan: rename-mail
images: { before: "shop:v41", after: "shop:v42" }
expand:
  - add_column: { table: users, name: email, type: text }
migrate:
  - backfill: { table: users, set: { email: mail }, reverse: { mail: email } }
contract:
  approvals: 2
  steps:
    - drop_column: { table: users, name: mail }
)";

/// A folder of its own, the binary, and what the environment says.
class Shell {
 public:
  Shell() {
    std::string pattern = (fs::temp_directory_path() / "switchback-cli-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    const char* binary = std::getenv("SWITCHBACK_BINARY");
    REQUIRE(binary != nullptr);
    binary_ = binary;
  }
  ~Shell() { fs::remove_all(folder_); }
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(fs::path(folder_) / name) << text;
    return name;
  }
  process::Outcome operator()(const std::vector<std::string>& words) const {
    process::Command command;
    command.argv = {binary_};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.directory = folder_;
    command.environment = environment;
    return process::run(command, 60s);
  }
  std::map<std::string, std::optional<std::string>> environment{{"DATABASE_URL", std::nullopt},
                                                                {"SWITCHBACK_ENVIRONMENT", std::nullopt}};

 private:
  std::string folder_;
  std::string binary_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A database with a journal and the plan rename-mail resting in `state`, as if it had been driven there.
struct Started {
  std::string uri = tests::server().fresh_database();
  Shell shell;
  explicit Started(const std::string& state = "migrated") {
    shell.environment["DATABASE_URL"] = uri;
    postgres::ConnectOptions options;
    options.database = uri;
    const auto session = postgres::connect(options);
    engine::ensure_journal(*session);
    session->exec(
        "INSERT INTO switchback.plan (name, hash, text, long_form, file, environment, state, takes_away, image_before,"
        " image_after, system_identifier, timeline) VALUES ('rename-mail', $2::text, $1::text, $1::text, 'plan.yaml',"
        " 'production', $3::text, true, 'shop:v41', 'shop:v42', '7', 1)",
        {good_plan, sha256_hex(good_plan), state});
  }
};

}  // namespace

TEST_CASE("wrong usage exits with 64 and names what is nearest", "[cli]") {
  const Shell shell;
  const auto [words, hint] = GENERATE(table<std::vector<std::string>, std::string>(
      {{{"statsu"}, "did you mean switchback status?"},
       {{"run", "plan.yaml", "--aprove", "x"}, "did you mean --approve?"},
       {{"--databse", "x", "status"}, "did you mean --database?"},
       {{"run"}, "switchback run --help"},
       {{"config", "sohw"}, "did you mean switchback config show?"},
       {{"status", "-o", "xml"}, "table, json"},
       {{"status", "one", "two"}, "switchback status --help"},
       {{"run", "plan.yaml", "--to", "contractd"}, "did you mean contracted?"},
       {{"run", "plan.yaml", "--despite", "usage"}, "say why"},
       {{"run", "plan.yaml", "--despite", "everything", "--reason", "x"}, "usage"},
       {{"rollback", "x", "--to", "hidden"}, "migrated"},
       {{"quarantine", "x", "lits"}, "did you mean list?"},
       {{"set", "x", "lock_timeout"}, "switchback set NAME"}}));
  const auto outcome = shell(words);
  CAPTURE(words, outcome.err);
  CHECK(outcome.exit_code == 64);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("switchback: error: "));
  CHECK(has(outcome.err, hint));
}

TEST_CASE("without a command the help is shown as a fault, asked for it is data", "[cli]") {
  const Shell shell;
  CHECK(shell({}).exit_code == 64);
  const auto help = shell({"--help"});
  CHECK(help.exit_code == 0);
  CHECK(help.err.empty());
  for (const char* command :
       {"init", "validate", "explain", "run", "status", "pause", "resume", "set", "approve", "verify", "quarantine",
        "usage", "rollback", "restore", "history", "config", "image", "gate", "sandbox"}) {
    CAPTURE(command);
    CHECK(has(help.out, std::string("\n  ") + command + " "));
    const auto own = shell({command, "--help"});
    CHECK(own.exit_code == 0);
    CHECK(has(own.out, "Example:\n  switchback "));
    CHECK(has(own.out, "Next:\n  "));
  }
  CHECK(shell({"--version"}).out.starts_with("switchback "));
}

TEST_CASE("a database that cannot be reached exits with 8 and no password", "[cli]") {
  const Shell shell;
  const auto outcome = shell({"status", "-d", "postgresql://u:geheim@127.0.0.1:1/db"});
  CHECK(outcome.exit_code == 8);
  CHECK(has(outcome.err, "switchback: error: cannot connect to database db at 127.0.0.1:1"));
  CHECK(has(outcome.err, "\nhint: "));
  CHECK_FALSE(has(outcome.err, "geheim"));
  CHECK(outcome.out.empty());

  const auto object = shell({"-o", "json", "status", "-d", "host=127.0.0.1 port=1"});
  CHECK(object.exit_code == 8);
  const json error = json::parse(object.err);
  CHECK(error.at("code") == 8);
  for (const char* key : {"message", "hint", "sqlstate", "file", "line", "column"}) CHECK(error.contains(key));
}

TEST_CASE("the flags that go everywhere are heard in front of a command and behind it", "[cli]") {
  const Started started("migrated");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"-o", "json", "status"},
                                                {"status", "-o", "json"},
                                                {"status", "--output=json"},
                                                {"--output", "json", "status", "rename-mail"}}) {
    const auto outcome = started.shell(words);
    CHECK(outcome.exit_code == 0);
    CHECK(json::parse(outcome.out).at("plans").at(0).at("state") == "migrated");
  }
}

TEST_CASE("missing rights exit with 8 and say which GRANT gives them", "[cli]") {
  auto& server = tests::server();
  const Started started;
  server.sql(started.uri, "DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  const std::string uri = server.as(started.uri, "stranger");
  const auto refused = started.shell({"status", "-d", uri});
  CHECK(refused.exit_code == 8);
  CHECK(has(refused.err, "SQLSTATE 42501"));
  CHECK(has(refused.err, "GRANT USAGE ON SCHEMA switchback TO \"stranger\""));

  server.sql(
      started.uri,
      "GRANT USAGE ON SCHEMA switchback TO stranger; GRANT SELECT ON ALL TABLES IN SCHEMA switchback TO stranger");
  CHECK(started.shell({"status", "-d", uri}).exit_code == 0);
  const auto writing = started.shell({"pause", "rename-mail", "-d", uri});
  CHECK(writing.exit_code == 8);
  CHECK(has(writing.err, "INSERT, UPDATE"));
  server.sql(started.uri, "GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA switchback TO stranger");
  CHECK(started.shell({"pause", "rename-mail", "-d", uri}).exit_code == 0);

  const auto init = started.shell({"init", "-d", server.as(server.fresh_database(), "stranger")});
  CHECK(init.exit_code == 8);
  CHECK(has(init.err, "GRANT CREATE ON DATABASE"));
}

TEST_CASE("without a journal, status says how to make one, and init makes it once", "[cli]") {
  Shell shell;
  shell.environment["DATABASE_URL"] = tests::server().fresh_database();
  const auto before = shell({"status"});
  CHECK(before.exit_code == 4);
  CHECK(has(before.err, "switchback init"));
  CHECK(json::parse(shell({"init", "-o", "json"}).out).at("changed") == true);
  CHECK(json::parse(shell({"init", "-o", "json"}).out).at("changed") == false);
  const auto after = shell({"status"});
  CHECK(after.exit_code == 0);
  CHECK(has(after.out, "no plan has been started"));
  CHECK(shell({"history"}).exit_code == 0);
}

TEST_CASE("a plan nobody knows exits with 4, in every command that names one", "[cli]") {
  const Started started;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"status", "rename-male"},
                                                {"pause", "rename-male"},
                                                {"resume", "rename-male"},
                                                {"set", "rename-male", "lock_timeout=1s"},
                                                {"approve", "rename-male"},
                                                {"verify", "rename-male"},
                                                {"usage", "rename-male"},
                                                {"rollback", "rename-male"},
                                                {"restore", "rename-male"},
                                                {"history", "rename-male"},
                                                {"quarantine", "rename-male", "list"}}) {
    const auto outcome = started.shell(words);
    CAPTURE(words.front(), outcome.err);
    CHECK(outcome.exit_code == 4);
    CHECK(has(outcome.err, "did you mean rename-mail?"));
  }
}

TEST_CASE("a broken plan exits with 4 and shows every place", "[cli]") {
  const Shell shell;
  shell.file("broken.yaml", "plan: x\nexpandd: []\nmigrate: 5\n");
  shell.file("good.yaml", good_plan);
  for (const char* command : {"validate", "run", "explain"}) {
    const auto outcome = shell({command, "broken.yaml"});
    CAPTURE(command, outcome.err);
    CHECK(outcome.exit_code == 4);
    CHECK(has(outcome.err, "broken.yaml:2:1: error: "));
    CHECK(has(outcome.err, "broken.yaml:3:10: error: "));
    const json error = json::parse(shell({command, "broken.yaml", "-o", "json"}).err);
    CHECK(error.at("code") == 4);
    CHECK(error.at("file") == "broken.yaml");
    CHECK(error.at("line") == 2);
    CHECK(error.at("column") == 1);
    CHECK(error.at("diagnostics").size() == 2);
  }
  CHECK(shell({"run", "nowhere.yaml"}).exit_code == 4);

  const auto both = shell({"validate", "good.yaml", "broken.yaml", "-o", "json"});
  CHECK(both.exit_code == 4);
  const json document = json::parse(both.out);
  CHECK(document.at("files").at(0).at("valid") == true);
  CHECK(document.at("files").at(0).at("hash") == "sha256:" + sha256_hex(good_plan));
  CHECK(document.at("files").at(1).at("valid") == false);
  CHECK(shell({"validate", "good.yaml"}).exit_code == 0);
}

TEST_CASE("config show says where each value came from, and shows no password", "[cli]") {
  Shell shell;
  shell.file("switchback.yaml", "lock_timeout: 3s\nlease: 20s\n");
  shell.environment["SWITCHBACK_LEASE"] = "30s";
  const auto outcome = shell({"config", "show", "-o", "json", "-d", "host=h password=geheim"});
  REQUIRE(outcome.exit_code == 0);
  std::map<std::string, json> settings;
  const json document = json::parse(outcome.out);
  for (const json& one : document.at("settings")) settings[one.at("key").get<std::string>()] = one;
  CHECK(settings["lock_timeout"].at("value") == "3s");
  CHECK(settings["lock_timeout"].at("origin") == "file");
  CHECK(has(settings["lock_timeout"].at("source"), "switchback.yaml:1"));
  CHECK(settings["lease"].at("value") == "30s");
  CHECK(settings["lease"].at("origin") == "environment");
  CHECK(settings["lease"].at("source") == "SWITCHBACK_LEASE");
  CHECK(settings["database"].at("origin") == "flag");
  CHECK(settings["environment"].at("value") == "production");
  CHECK_FALSE(has(outcome.out + outcome.err, "geheim"));
  CHECK(has(outcome.err, "a password in --database"));

  shell.environment["SWITCHBACK_LEASE"] = "soon";
  const auto wrong = shell({"config", "show"});
  CHECK(wrong.exit_code == 4);
  CHECK(has(wrong.err, "SWITCHBACK_LEASE: lease: \"soon\" is not a duration"));
  CHECK(shell({"config", "show", "-c", "nowhere.yaml"}).exit_code == 4);
}

TEST_CASE("contract in production needs the plan's hash, in development a yes is enough", "[cli]") {
  Shell shell;
  shell.file("plan.yaml", good_plan);
  // Whoever gets past the question fails at the database, and changes nothing.
  shell.environment["DATABASE_URL"] = "host=127.0.0.1 port=1";
  const std::string hash = sha256_hex(good_plan);
  const auto code = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"run", "plan.yaml", "--to", "contracted"});
    return shell(words).exit_code;
  };
  for (const char* environment : {"production", "staging"}) {
    CAPTURE(environment);
    shell.environment["SWITCHBACK_ENVIRONMENT"] = environment;
    CHECK(code({}) == 9);
    CHECK(code({"--yes"}) == 9);
    CHECK(code({"--approve", hash}) == 9);
    CHECK(code({"--yes", "--approve", std::string(12, '0')}) == 9);
    CHECK(code({"--yes", "--approve", hash.substr(0, 11)}) == 64);
    CHECK(code({"--yes", "--approve", hash.substr(0, 12)}) == 8);
    CHECK(code({"--yes", "--approve", "sha256:" + hash}) == 8);
  }
  const auto refused = shell({"run", "plan.yaml", "--to", "hidden"});
  CHECK(has(refused.err, "switchback run plan.yaml --to hidden --yes --approve " + hash.substr(0, 12)));
  shell.environment["SWITCHBACK_ENVIRONMENT"] = "development";
  CHECK(code({}) == 9);
  CHECK(code({"--yes"}) == 8);
  CHECK(shell({"run", "plan.yaml", "--to", "migrated"}).exit_code == 8);
}

TEST_CASE("pause and resume work while no runner is up", "[cli]") {
  const Started started;
  const auto paused = started.shell({"pause", "rename-mail", "--reason", "lunch", "-o", "json"});
  CHECK(paused.exit_code == 0);
  CHECK(json::parse(paused.out).at("plans").at(0).at("hold").at("kind") == "operator");
  CHECK(has(started.shell({"status", "rename-mail"}).out, "lunch"));
  CHECK(started.shell({"resume", "rename-mail"}).exit_code == 0);
  const auto again = started.shell({"resume", "rename-mail"});
  CHECK(again.exit_code == 0);
  CHECK(has(again.err, "is not paused"));
  const auto history = started.shell({"history", "rename-mail", "-o", "json"});
  CHECK(std::count(history.out.begin(), history.out.end(), '\n') == 2);
}

TEST_CASE("set takes live settings only, and for as long as it is told", "[cli]") {
  const Started started;
  CHECK(started.shell({"set", "rename-mail", "lease=10s"}).exit_code == 4);
  CHECK(started.shell({"set", "rename-mail", "lock_timeout=soon"}).exit_code == 4);
  CHECK(has(started.shell({"set", "rename-mail", "batch.target=10ms"}).err, "did you mean backfill.batch.target?"));
  CHECK(started.shell({"set", "rename-mail", "lock_timeout=1s", "--for", "ever"}).exit_code == 64);
  // One that does not fit keeps the others from being set as well.
  CHECK(started.shell({"set", "rename-mail", "lock_timeout=1s", "backfill.batch.target=x"}).exit_code == 4);
  CHECK(started.shell({"history", "-o", "json"}).out.empty());
  const auto set = started.shell(
      {"set", "rename-mail", "backfill.batch.target=10ms", "lock_timeout=1s", "--for", "1h", "-o", "json"});
  CHECK(set.exit_code == 0);
  CHECK(json::parse(set.out).at("settings").size() == 2);
  CHECK(has(json::parse(set.out).at("settings").at(0).at("source"), "until"));
}

TEST_CASE("approvals count roles, not words", "[cli]") {
  auto& server = tests::server();
  const Started started;
  server.sql(started.uri,
             "DO $$ BEGIN CREATE ROLE reviewer LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
             "GRANT USAGE ON SCHEMA switchback TO reviewer;"
             "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA switchback TO reviewer");
  const auto approve = [&](const std::string& uri) {
    return json::parse(started.shell({"approve", "rename-mail", "--phase", "contract", "-o", "json", "-d", uri}).out);
  };
  CHECK(approve(started.uri).at("approvals") == 0);  // who registered the plan
  CHECK(approve(server.as(started.uri, "reviewer")).at("approvals") == 1);
  const json again = approve(server.as(started.uri, "reviewer"));
  CHECK(again.at("approvals") == 1);
  CHECK(again.at("needed") == 2);
  CHECK(again.at("open") == json::array({"person"}));
}

TEST_CASE("rows in quarantine are listed, and accepted by key or number with a reason", "[cli]") {
  const Started started;
  tests::server().sql(started.uri,
                      "INSERT INTO switchback.quarantine (plan_id, step, relation, key, sqlstate, message) SELECT id, "
                      "'backfill', 'users', jsonb_build_object('id', n), '22P02', 'invalid input' FROM "
                      "switchback.plan, generate_series(1, 3) n");
  const json list = json::parse(started.shell({"quarantine", "rename-mail", "list", "-o", "json"}).out);
  REQUIRE(list.at("rows").size() == 3);
  CHECK(list.at("rows").at(0).at("key").at("id") == 1);
  CHECK(list.at("rows").at(0).at("status") == "open");

  CHECK(started.shell({"quarantine", "rename-mail", "accept", "--key", R"({"id": 1})"}).exit_code == 64);
  CHECK(started.shell({"quarantine", "rename-mail", "accept", "--reason", "x"}).exit_code == 64);
  // One key that fits nothing keeps the others open.
  CHECK(started
            .shell({"quarantine", "rename-mail", "accept", "--key", R"({"id": 1})", "--key", R"({"id": 9})", "--reason",
                    "test accounts"})
            .exit_code == 4);
  const std::string number = std::to_string(list.at("rows").at(2).at("id").get<int>());
  const auto accepted = started.shell({"quarantine", "rename-mail", "accept", "--key", R"({"id": 1})", "--key", number,
                                       "--reason", "test accounts", "-o", "json"});
  REQUIRE(accepted.exit_code == 0);
  const json rows = json::parse(accepted.out).at("rows");
  CHECK(rows.at(0).at("status") == "accepted");
  CHECK(rows.at(0).at("reason") == "test accounts");
  CHECK(rows.at(1).at("status") == "open");
  CHECK(rows.at(2).at("status") == "accepted");
}

TEST_CASE("a journal one version newer is shown and not written, two versions newer is refused", "[cli]") {
  const Started started;
  started.shell.file("plan.yaml", good_plan);
  const auto newer = [&](int by) {
    tests::server().sql(started.uri,
                        "UPDATE switchback.meta SET version = " + std::to_string(engine::journal_version() + by));
  };
  newer(1);
  for (const char* command : {"status", "history"}) CHECK(started.shell({command}).exit_code == 0);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "plan.yaml"}, {"init"}, {"pause", "rename-mail"}, {"approve", "rename-mail"}}) {
    const auto outcome = started.shell(words);
    CAPTURE(words.front());
    CHECK(outcome.exit_code == 1);
    CHECK(has(outcome.err, "use the newer switchback"));
  }
  newer(2);
  for (const char* command : {"status", "history"}) CHECK(started.shell({command}).exit_code == 1);
}

TEST_CASE("output that is piped has no colours, unless they are asked for", "[cli]") {
  const Started started;
  CHECK_FALSE(has(started.shell({"status"}).out, "\x1b"));
  CHECK(has(started.shell({"status", "--color", "always"}).out, "\x1b["));
  CHECK(started.shell({"status", "-q"}).err.empty());
}

TEST_CASE("a watch ends on the first signal", "[cli]") {
  const Started started;
  process::Command command;
  command.argv = {std::getenv("SWITCHBACK_BINARY"), "status", "--watch", "-d", started.uri};
  process::Child child(command);
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (child.out().empty() && std::chrono::steady_clock::now() < end) child.wait(20ms);
  CHECK(has(child.out(), "rename-mail  migrated"));
  child.signal(SIGINT);
  CHECK(child.wait(10s) == 130);
}

TEST_CASE("a standby shows what the primary knows, and refuses to write in words", "[cli]") {
  auto& server = tests::server();
  const Started started;
  server.await_replica();
  const std::string uri = server.on_replica(started.uri);
  CHECK(started.shell({"status", "-d", uri}).exit_code == 0);
  const auto outcome = started.shell({"pause", "rename-mail", "-d", uri});
  CHECK(outcome.exit_code != 0);
  CHECK(has(outcome.err, "primary"));
}
