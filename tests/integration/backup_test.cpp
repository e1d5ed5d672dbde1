// What is dropped can be had back from a backup: with the real pgBackRest.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/process/child.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A primary of its own whose WAL pgBackRest archives, and a stanza without a backup.
class BackedUp {
 public:
  BackedUp() : root_(fs::temp_directory_path() / ("switchback-backup-" + std::to_string(getpid()))) {
    fs::remove_all(root_);
    fs::create_directory(root_);
    fs::permissions(root_, fs::perms::all);
    process::SandboxOptions options;
    options.dir = (root_ / "sandbox").string();
    options.replica = false;
    sandbox_ = process::sandbox_up(options);
    std::ofstream(config())
        << "[global]\nrepo1-path=" << (root_ / "repo").string()
        << "\nrepo1-retention-full=2\nstart-fast=y\nlog-level-file=off\nlog-level-console=error\nlock-path="
        << (root_ / "lock").string() << "\n[main]\npg1-path=" << data().string()
        << "\npg1-port=" << sandbox_.primary_port << "\npg1-socket-path=" << sandbox_.sockets
        << "\npg1-user=postgres\n";
    for (const std::string& sql : {std::string("archive_mode = on"), "archive_command = 'pgbackrest --config=" +
                                                                         config() + " --stanza=main archive-push %p'"})
      process::sandbox_sql(sandbox_, sandbox_.primary_uri(), "ALTER SYSTEM SET " + sql);
    process::stop_server(sandbox_, process::Server::primary, process::StopMode::fast);
    process::start_server(sandbox_, process::Server::primary);
    pgbackrest({"stanza-create"});
    ::setenv("PGBACKREST_CONFIG", config().c_str(), 1);
  }
  ~BackedUp() {
    ::unsetenv("PGBACKREST_CONFIG");
    if (restored_) as_server({sandbox_.bin + "/pg_ctl", "-D", restored().string(), "-m", "immediate", "stop"});
    process::sandbox_down(sandbox_.dir);
    fs::remove_all(root_);
  }
  BackedUp(const BackedUp&) = delete;
  BackedUp& operator=(const BackedUp&) = delete;

  std::string uri() const { return sandbox_.primary_uri(); }
  std::string sql(const std::string& text) const { return process::sandbox_sql(sandbox_, uri(), text); }

  void pgbackrest(std::vector<std::string> words) const {
    words.insert(words.begin(), {"pgbackrest", "--config=" + config(), "--stanza=main"});
    const auto outcome = as_server(words);
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.ok());
  }

  /// Another server, as this one was at that restore point; what psql prints there.
  std::string at(const std::string& point, const std::string& text) {
    if (!restored_) {
      pgbackrest({"--pg1-path=" + restored().string(), "--type=name", "--target=" + point, "--target-action=promote",
                  "restore"});
      const std::string port = std::to_string(sandbox_.primary_port + 1);
      const auto started =
          as_server({sandbox_.bin + "/pg_ctl", "-D", restored().string(), "-w", "-t", "60", "-l",
                     (root_ / "restored.log").string(), "-o", "-p " + port + " -c archive_mode=off", "start"});
      INFO(started.out << started.err);
      REQUIRE(started.ok());
      restored_ = true;
    }
    const std::string uri =
        "postgresql://postgres@127.0.0.1:" + std::to_string(sandbox_.primary_port + 1) + "/postgres";
    // It takes connections as soon as it has enough of the log; it is there once it is promoted.
    REQUIRE(eventually(60s, [&] { return process::sandbox_sql(sandbox_, uri, "SELECT pg_is_in_recovery()") == "f"; }));
    return process::sandbox_sql(sandbox_, uri, text);
  }

 private:
  std::string config() const { return (root_ / "pgbackrest.conf").string(); }
  fs::path data() const { return fs::path(sandbox_.dir) / "primary"; }
  fs::path restored() const { return root_ / "restored"; }
  process::Outcome as_server(const std::vector<std::string>& words) const {
    process::Command command;
    command.argv = words;
    command.account = process::unprivileged_account();
    command.directory = root_.string();
    return process::run(command, 120s);
  }

  fs::path root_;
  process::SandboxInfo sandbox_;
  bool restored_ = false;
};

/// Barman with a sandbox of its own as server `main`, WAL streamed to it; no backup yet. It looks for its configuration
/// in HOME.
class BarmanHome {
 public:
  BarmanHome() : root_(fs::temp_directory_path() / ("switchback-barman-" + std::to_string(getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "home");
    fs::permissions(root_, fs::perms::all);
    process::SandboxOptions options;
    options.dir = (root_ / "sandbox").string();
    options.replica = false;
    sandbox_ = process::sandbox_up(options);
    const std::string conninfo =
        "host=127.0.0.1 port=" + std::to_string(sandbox_.primary_port) + " user=postgres dbname=postgres";
    std::ofstream(root_ / "home/.barman.conf")
        << "[barman]\nbarman_user = " << user() << "\nbarman_home = " << (root_ / "home").string()
        << "\nconfiguration_files_directory = " << (root_ / "none").string() << "\n[main]\ndescription = main\n"
        << "conninfo = " << conninfo << "\nstreaming_conninfo = " << conninfo
        << "\nbackup_method = postgres\nstreaming_archiver = on\nslot_name = barman\npath_prefix = " << sandbox_.bin
        << "\n";
    home_before_ = ::getenv("HOME") == nullptr ? "" : ::getenv("HOME");
    ::setenv("HOME", (root_ / "home").c_str(), 1);
    barman({"receive-wal", "--create-slot", "main"});
    process::Command receive;
    receive.argv = {"barman", "receive-wal", "main"};
    receiver_ = std::make_unique<process::Child>(receive);
  }
  ~BarmanHome() {
    receiver_.reset();
    ::setenv("HOME", home_before_.c_str(), 1);
    process::sandbox_down(sandbox_.dir);
    fs::remove_all(root_);
  }
  BarmanHome(const BarmanHome&) = delete;
  BarmanHome& operator=(const BarmanHome&) = delete;

  std::string uri() const { return sandbox_.primary_uri(); }
  void take_backup() const {
    barman({"switch-wal", "--force", "main"});
    REQUIRE(eventually(30s, [&] {
      barman({"archive-wal", "main"});
      return run({"barman", "check", "main"}).ok();
    }));
    barman({"backup", "--wait", "main"});
  }

 private:
  static std::string user() { return run({"id", "-un"}).out.substr(0, run({"id", "-un"}).out.find('\n')); }
  static process::Outcome run(const std::vector<std::string>& words) {
    process::Command command;
    command.argv = words;
    return process::run(command, 120s);
  }
  static void barman(std::vector<std::string> words) {
    words.insert(words.begin(), "barman");
    const auto outcome = run(words);
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.ok());
  }

  fs::path root_;
  process::SandboxInfo sandbox_;
  std::string home_before_;
  std::unique_ptr<process::Child> receiver_;
};

}  // namespace

TEST_CASE("a drop waits for a backup, and from its restore point the dropped column is had back", "[backup]") {
  if (!process::find_program("pgbackrest")) {
    WARN("no pgbackrest on this machine");
    return;
  }
  BackedUp server;
  make_users(server.uri(), 500);
  Tool tool(
      server.uri(),
      "contract: { observe: 1s, soak: 0s }\nbackup: { pgbackrest: { stanza: main } }\nscratch: { none: a test }\n");
  tool.plan(split_plan("split"));
  PlanView view(server.uri());
  const std::string before = server.sql("SELECT md5(string_agg(full_name, ',' ORDER BY id)) FROM users");

  const auto runner = tool.start(tool.run_to("contracted"));
  const bool held = eventually(90s, [&] { return view.hold_kind() == "backup"; });
  INFO(runner->err());
  REQUIRE(held);
  CHECK(has(view.hold_reason(), "no valid backups"));
  CHECK(view.state() == "contracting");
  server.pgbackrest({"--type=full", "backup"});
  CHECK(runner->wait(120s) == 0);
  CHECK(view.state() == "contracted");

  const std::string point = view.ask(
      "SELECT detail->>'name' FROM switchback.event WHERE kind = 'restore_point' AND detail->>'name' LIKE '% before "
      "drop'");
  REQUIRE(has(point, "before drop"));
  CHECK(view.ask("SELECT count(DISTINCT detail->>'name') FROM switchback.event WHERE kind = 'restore_point'") == "5");
  CHECK(view.ask("SELECT detail->>'timeline' FROM switchback.event WHERE kind = 'restore_point' LIMIT 1") == "1");
  // Hidden, under its tombstone name, and whole.
  CHECK(server.at(point, "SELECT state FROM switchback.plan") == "contracting");
  const std::string tombstone = server.at(point,
                                          "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = "
                                          "'users'::regclass AND attname LIKE '%full_name%'");
  CHECK(server.at(point, "SELECT md5(string_agg(" + tombstone + ", ',' ORDER BY id)) FROM users") == before);
}

TEST_CASE("a drop waits until Barman has a whole backup of this very server", "[backup]") {
  if (!process::find_program("barman")) {
    WARN("no barman on this machine");
    return;
  }
  const BarmanHome barman;
  const std::string uri = barman.uri();
  make_users(uri, 100);
  Tool tool(
      uri,
      "contract: { observe: 1s, soak: 0s }\nbackup: { barman: { server: main } }\nscratch: { none: a test }\nhealth: { "
      "replicas: [ { name: barman, policy: ignore } ] }\n");
  tool.plan(split_plan("split"));
  PlanView view(uri);
  const auto runner = tool.start(tool.run_to("contracted"));
  const bool held = eventually(90s, [&] { return view.hold_kind() == "backup"; });
  INFO(runner->err());
  REQUIRE(held);
  CHECK(has(view.hold_reason(), "barman"));
  barman.take_backup();
  CHECK(runner->wait(120s) == 0);
  CHECK(view.state() == "contracted");
}

TEST_CASE("a drop waits until the command of the configuration says that there is a backup", "[backup]") {
  const std::string uri = tests::server().fresh_database();
  make_users(uri, 10);
  Tool tool(uri,
            "contract: { observe: 1s, soak: 0s }\nbackup: { command: [sh, -c, \"test -e there || { echo no backup yet; "
            "exit 1; }\"] }\n");
  tool.plan(split_plan("split"));
  PlanView view(uri);
  const auto runner = tool.start(tool.run_to("contracted"));
  const bool held = eventually(90s, [&] { return view.hold_kind() == "backup"; });
  INFO(runner->err());
  REQUIRE(held);
  CHECK(has(view.hold_reason(), "ended with 1: no backup yet"));
  std::ofstream(fs::path(tool.folder()) / "there") << "yes";
  CHECK(runner->wait(60s) == 0);
  CHECK(view.state() == "contracted");
}
