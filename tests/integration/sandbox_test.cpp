#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

#include "catch.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/process/child.hpp"
#include "switchback/process/sandbox.hpp"

using namespace switchback;
using namespace switchback::process;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A folder that does not exist, and a sandbox in it that goes when the test ends.
class Place {
 public:
  explicit Place(const std::string& name)
      : dir_((fs::temp_directory_path() / ("switchback-place-" + std::to_string(getpid()) + "-" + name)).string()) {}
  ~Place() {
    try {
      sandbox_down(dir_);
    } catch (const std::exception&) {
    }
    fs::remove_all(dir_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  const std::string& dir() const { return dir_; }
  SandboxOptions options() const {
    SandboxOptions result;
    result.dir = dir_;
    result.fsync = false;
    return result;
  }

 private:
  std::string dir_;
};

bool port_answers(const SandboxInfo& info, const std::string& uri) {
  try {
    return sandbox_sql(info, uri, "select 1") == "1";
  } catch (const Error&) {
    return false;
  }
}

std::size_t processes_under(const std::string& dir) {
  std::size_t count = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const fs::path folder = fs::read_symlink(entry.path() / "cwd", error);
    if (!error && folder.string().starts_with(dir + "/")) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a sandbox comes up with a streaming replica, says so again, and goes without a trace", "[sandbox]") {
  const Place place("whole");
  CHECK_FALSE(sandbox_status(place.dir()).exists);
  const SandboxInfo info = sandbox_up(place.options());
  CHECK_FALSE(info.already_up);
  CHECK(sandbox_sql(info, info.primary_uri(), "show wal_level") == "logical");
  CHECK(sandbox_sql(info, info.primary_uri(), "show max_connections") == "100");
  CHECK(sandbox_sql(info, info.primary_uri(), "select current_user, pg_is_in_recovery()") == "postgres|f");
  CHECK(sandbox_sql(info, info.replica_uri(), "select pg_is_in_recovery()") == "t");
  CHECK(sandbox_sql(info, info.primary_uri(), "select slot_type, active from pg_replication_slots") == "physical|t");
  CHECK(sandbox_sql(info, info.primary_uri(), "select count(*) > 0 from pg_stat_statements") == "t");
  CHECK(sandbox_sql(info, "host=" + info.sockets + " port=" + std::to_string(info.primary_port) + " user=postgres",
                    "select 1") == "1");

  const SandboxInfo again = sandbox_up(place.options());
  CHECK(again.already_up);
  CHECK(again.primary_uri() == info.primary_uri());

  const SandboxStatus status = sandbox_status(place.dir());
  CHECK(status.primary);
  CHECK(status.replica);
  CHECK(status.streaming);

  CHECK(sandbox_down(place.dir()));
  CHECK_FALSE(fs::exists(place.dir()));
  CHECK_FALSE(port_answers(info, info.primary_uri()));
  CHECK_FALSE(port_answers(info, info.replica_uri()));
  CHECK(processes_under(place.dir()) == 0);
  CHECK_FALSE(sandbox_down(place.dir()));
}

TEST_CASE("a folder that is not a sandbox is neither used nor removed", "[sandbox]") {
  const Place place("foreign");
  fs::create_directory(place.dir());
  std::ofstream(fs::path(place.dir()) / "precious") << "data";
  for (const auto& call : {std::function<void()>([&] { sandbox_up(place.options()); }),
                           std::function<void()>([&] { sandbox_down(place.dir()); }),
                           std::function<void()>([&] { sandbox_status(place.dir()); })}) {
    try {
      call();
      FAIL("was not refused");
    } catch (const Error& error) {
      CHECK(error.exit() == Exit::refused);
    }
  }
  CHECK(fs::exists(fs::path(place.dir()) / "precious"));
}

TEST_CASE("a sandbox whose making was killed is made anew by the next call", "[sandbox][fault]") {
  const Place place("killed");
  for (const auto delay : {30ms, 300ms, 700ms, 1200ms}) {
    CAPTURE(delay.count());
    const pid_t maker = fork();
    if (maker == 0) {
      try {
        sandbox_up(place.options());
      } catch (...) {
      }
      _exit(0);
    }
    usleep(static_cast<useconds_t>(delay.count() * 1000));  // any instant will do
    kill(maker, SIGKILL);
    waitpid(maker, nullptr, 0);
    const SandboxInfo info = sandbox_up(place.options());
    CHECK(sandbox_status(place.dir()).streaming);
    REQUIRE(sandbox_down(place.dir()));
    CHECK(processes_under(place.dir()) == 0);
    CHECK_FALSE(port_answers(info, info.primary_uri()));
  }
}

TEST_CASE("a sandbox whose servers died keeps its data when it is started again", "[sandbox][fault]") {
  const Place place("died");
  const SandboxInfo info = sandbox_up(place.options());
  sandbox_sql(info, info.primary_uri(), "create table kept as select 1 as one");
  signal_server(info, Server::primary, SIGKILL);
  signal_server(info, Server::replica, SIGKILL);
  const SandboxInfo again = sandbox_up(place.options());
  CHECK_FALSE(again.already_up);
  CHECK(sandbox_sql(again, again.primary_uri(), "select one from kept") == "1");
  CHECK(sandbox_status(place.dir()).streaming);
}

TEST_CASE("a frozen server is removed all the same", "[sandbox][fault]") {
  const Place place("frozen");
  const SandboxInfo info = sandbox_up(place.options());
  signal_server(info, Server::primary, SIGSTOP);
  signal_server(info, Server::replica, SIGSTOP);
  CHECK(sandbox_down(place.dir()));
  CHECK(processes_under(place.dir()) == 0);
}

TEST_CASE("two calls at once make one sandbox", "[sandbox]") {
  const Place place("twice");
  auto first = std::async(std::launch::async, [&] { return sandbox_up(place.options()); });
  auto second = std::async(std::launch::async, [&] { return sandbox_up(place.options()); });
  const SandboxInfo one = first.get();
  const SandboxInfo two = second.get();
  CHECK(one.primary_uri() == two.primary_uri());
  CHECK(one.already_up != two.already_up);
}

TEST_CASE("a folder too deep for a socket gets none and works over loopback", "[sandbox]") {
  const Place place(std::string(90, 'x'));
  const SandboxInfo info = sandbox_up(place.options());
  CHECK(info.sockets.empty());
  CHECK(sandbox_sql(info, info.primary_uri(), "select 1") == "1");
}

TEST_CASE("the test server gives each test a database, pauses its replica and survives a crash", "[support]") {
  tests::TestServer& machine = tests::server();
  const tests::Repaired repaired;
  const std::string database = machine.fresh_database();
  CHECK(database != machine.fresh_database());
  machine.sql(database, "create table t as select 1 as one");
  machine.await_replica();
  CHECK(machine.sql(machine.on_replica(database), "select one from t") == "1");

  machine.pause_replay();
  machine.sql(database, "insert into t values (2)");
  CHECK(machine.sql(machine.on_replica(database), "select count(*) from t") == "1");
  machine.resume_replay();
  machine.await_replica();
  CHECK(machine.sql(machine.on_replica(database), "select count(*) from t") == "2");

  machine.crash_primary();
  CHECK(machine.sql(database, "select count(*) from t") == "2");
  machine.stop_replica();
  CHECK(machine.sql(database, "select active from pg_replication_slots") == "f");
  machine.start_replica();
  CHECK(machine.sql(database, "select active from pg_replication_slots") == "t");
}
