// Clients behind a transaction pooler, as a real PgBouncer tells them.
#include "switchback/postgres/pgbouncer.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "alert_servers.hpp"
#include "catch.hpp"
#include "plan_view.hpp"
#include "switchback/core/error.hpp"
#include "switchback/process/installation.hpp"
#include "tool.hpp"
#include "traffic.hpp"
#include "usage_world.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// A PgBouncer in transaction mode before one database of the primary, which it calls `shop`.
class PgBouncer {
 public:
  explicit PgBouncer(const std::string& uri) : port_(free_port()) {
    const auto account = process::unprivileged_account();
    const fs::path home = folder_.path();
    std::ofstream(home / "users.txt") << "\"postgres\" \"\"\n\"stats\" \"\"\n\"nobody\" \"\"\n";
    std::ofstream(home / "pgbouncer.ini")
        << "[databases]\nshop = host=127.0.0.1 port=" << server().sandbox().primary_port
        << " dbname=" << uri.substr(uri.rfind('/') + 1)
        << "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port_
        << "\nunix_socket_dir =\nauth_type = trust\nauth_file = " << (home / "users.txt").string()
        << "\nstats_users = stats\npool_mode = transaction\n";
    if (account) {
      for (const auto& entry : {home, home / "users.txt", home / "pgbouncer.ini"})
        REQUIRE(chown(entry.c_str(), account->uid, account->gid) == 0);
    }
    process::Command command;
    command.argv = {"/usr/sbin/pgbouncer", (home / "pgbouncer.ini").string()};
    command.account = account;
    command.directory = home;
    command.die_with_us = true;
    child_ = std::make_unique<process::Child>(command);
    const bool up = eventually(30s, [&] {
      try {
        postgres::pooler_clients(console(), "any", 2s);
        return true;
      } catch (const Error&) {
        return false;
      }
    });
    INFO(child_->err());
    REQUIRE(up);
  }

  /// `more`: further keys, as `password=…`.
  std::string console(const std::string& user = "stats", const std::string& more = "") const {
    return "host=127.0.0.1 port=" + std::to_string(port_) + " user=" + user + more;
  }
  std::string uri() const { return "postgresql://postgres@127.0.0.1:" + std::to_string(port_) + "/shop"; }
  std::string name() const { return "127.0.0.1:" + std::to_string(port_); }
  void stop() {
    child_->signal(SIGTERM);
    child_->wait(10s);
  }
  void freeze() { child_->signal(SIGSTOP); }
  void thaw() { child_->signal(SIGCONT); }

 private:
  Folder folder_;
  int port_;
  std::unique_ptr<process::Child> child_;
};

/// A client that keeps its connection to the pooler and does nothing: no server session is its own.
std::unique_ptr<process::Child> client(const PgBouncer& pooler, const std::string& name) {
  return std::make_unique<process::Child>(
      process::Command{.argv = {process::find_installation().bin + "/psql", "-X", "-d",
                                pooler.uri() + "?application_name=" + name, "-c", "SELECT 1", "-c", "\\! sleep 600"},
                       .die_with_us = true});
}

}  // namespace

TEST_CASE("clients of a transaction pooler are seen by their own names", "[usage][pgbouncer]") {
  UsageWorld world;
  const PgBouncer pooler(world.uri);
  const auto old = client(pooler, "shop:v41");
  const std::string database = world.uri.substr(world.uri.rfind('/') + 1);
  std::vector<postgres::PoolerClient> clients;
  REQUIRE(eventually(30s, [&] {
    clients = postgres::pooler_clients(pooler.console(), database, 3s);
    return !clients.empty();
  }));
  CHECK(clients[0].role == "postgres");
  CHECK(clients[0].application == "shop:v41");
  CHECK(clients[0].address == "127.0.0.1");
  CHECK(postgres::pooler_clients(pooler.console(), "another", 3s).empty());

  world.request.image_before = "shop:v41";
  world.request.poolers = {{pooler.name(), pooler.console()}};
  CHECK(has_reason(world.verdict(), "pgbouncer on " + pooler.name() + ": seen for "));
  world.sample();
  world.watched_for_a_day();
  const Judgement used = world.verdict();
  CHECK(used.verdict == Verdict::used);
  CHECK(has_reason(used, "pgbouncer on " + pooler.name() + ": session of shop:v41, role postgres"));
  world.run("UPDATE switchback.usage_session SET last_seen = last_seen - interval '61 minutes'");
  const Judgement gone = world.verdict();
  CAPTURE(gone.reasons);
  CHECK(gone.verdict == Verdict::unused);
}

TEST_CASE("a pooler that cannot be asked is unknown, and cuts after five minutes", "[usage][pgbouncer][coverage]") {
  UsageWorld world;
  PgBouncer pooler(world.uri);
  world.request.poolers = {{pooler.name(), pooler.console()}};
  world.sample();
  world.watched_for_a_day();
  REQUIRE(world.verdict().verdict == Verdict::unused);
  pooler.freeze();
  const auto asked = std::chrono::steady_clock::now();
  world.sample();
  CHECK(std::chrono::steady_clock::now() - asked < 10s);
  const Judgement frozen = world.verdict();
  CHECK(frozen.verdict == Verdict::unknown);
  CHECK(has_reason(frozen, "pgbouncer on " + pooler.name() + ": cannot be read now: PgBouncer at " + pooler.name() +
                               ": does not answer in time"));
  pooler.thaw();
  world.sample();
  CHECK(world.verdict().verdict == Verdict::unused);
  world.run("UPDATE switchback.usage_coverage SET until = until - interval '301 seconds' WHERE source = 'pgbouncer'");
  world.sample();
  CHECK(has_reason(world.verdict(), "pgbouncer on " + pooler.name() + ": seen for "));
  CHECK(has_reason(world.verdict(), "nobody looked for more than 5 minutes"));
  pooler.stop();
  world.sample();
  CHECK(has_reason(world.verdict(), "cannot be read now: PgBouncer at "));
}

TEST_CASE("a pooler that does not let us ask says so without a password", "[usage][pgbouncer]") {
  UsageWorld world;
  const PgBouncer pooler(world.uri);
  const auto refused = [](const std::string& connection) {
    try {
      postgres::pooler_clients(connection, "any", 3s);
    } catch (const Error& error) {
      return std::string(error.what()) + " / " + error.hint();
    }
    return std::string("nothing refused");
  };
  const std::string not_allowed = refused(pooler.console("nobody", " password=geheim"));
  CAPTURE(not_allowed);
  CHECK(has(not_allowed, "PgBouncer at " + pooler.name() + ": "));
  CHECK_FALSE(has(not_allowed, "geheim"));
  CHECK(has(refused(world.uri), "it must be PgBouncer's admin console"));
  CHECK(has(refused("no=such key='geheim"), "not a connection string"));
  CHECK_FALSE(has(refused("no=such key='geheim"), "geheim"));
}

TEST_CASE("usage asks the poolers of the configuration", "[usage][pgbouncer][cli]") {
  const std::string uri = server().fresh_database();
  const PgBouncer pooler(uri);
  Tool tool(uri, Tool::default_configuration() +
                     "images:\n  live: { application_name: \"{name}/{tag}\" }\n  pgbouncer: [\"" + pooler.console() +
                     "\"]\n");
  make_users(uri, 100);
  tool.plan(split_plan("split"));
  const auto migrated = tool.run({"run", "plan.yaml"});
  INFO(migrated.err);
  REQUIRE(migrated.exit_code == 0);
  const auto old = client(pooler, "shop/v41");
  process::Outcome usage;
  CHECK(eventually(30s, [&] {
    usage = tool.run({"usage", "split"});
    return has(usage.out, "session of shop/v41, role postgres");
  }));
  INFO(usage.out);
  CHECK(has(usage.out, "pgbouncer on " + pooler.name()));
}
