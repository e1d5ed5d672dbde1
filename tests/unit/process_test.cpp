#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "switchback/process/child.hpp"
#include "switchback/process/installation.hpp"

using namespace switchback;
using namespace switchback::process;
using namespace std::chrono_literals;

namespace {
Command shell(const std::string& script) {
  return {.argv = {"sh", "-c", script}};
}
}  // namespace

TEST_CASE("a child's exit code and both outputs are told apart", "[process]") {
  const Outcome outcome = run(shell("echo out; echo err >&2; exit 7"), 10s);
  CHECK(outcome.exit_code == 7);
  CHECK_FALSE(outcome.ok());
  CHECK(outcome.out == "out\n");
  CHECK(outcome.err == "err\n");
}

TEST_CASE("a child reads its input to the end and may say more than a pipe holds", "[process]") {
  Command command = shell("cat; head -c 3000000 /dev/zero | tr '\\0' x");
  command.input = "hello";
  const Outcome outcome = run(command, 20s);
  REQUIRE(outcome.ok());
  CHECK(outcome.out.size() == 3'000'005);
  CHECK(outcome.out.starts_with("hellox"));
}

TEST_CASE("a child past its deadline is killed with everything it started", "[process]") {
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = run(shell("sleep 60 & echo $!; wait"), 300ms);
  CHECK(outcome.timed_out);
  CHECK(outcome.exit_code == 128 + SIGKILL);
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
  const pid_t grandchild = std::stoi(outcome.out);
  const auto end = std::chrono::steady_clock::now() + 10s;
  const auto alive = [&] {  // an orphan stays visible until init collects it: a zombie counts as dead
    std::ifstream in("/proc/" + std::to_string(grandchild) + "/stat");
    std::string text;
    std::getline(in, text);
    const std::size_t name_end = text.rfind(") ");
    return name_end != std::string::npos && text.at(name_end + 2) != 'Z';
  };
  while (alive() && std::chrono::steady_clock::now() < end) usleep(10'000);
  CHECK_FALSE(alive());
}

TEST_CASE("the environment of a child can be added to and taken from", "[process]") {
  setenv("SWITCHBACK_TEST_GIVEN", "1", 1);
  Command command = shell("echo ${SWITCHBACK_TEST_GIVEN-none} $SWITCHBACK_TEST_NEW");
  command.environment = {{"SWITCHBACK_TEST_GIVEN", std::nullopt}, {"SWITCHBACK_TEST_NEW", "two words"}};
  CHECK(run(command, 10s).out == "none two words\n");
}

TEST_CASE("a program that is not there, or cannot be run, is an error that names it", "[process]") {
  CHECK_THROWS_WITH(Child({.argv = {"no-such-program-at-all"}}), Catch::Contains("no-such-program-at-all"));
  CHECK_THROWS_WITH(Child({.argv = {"sh", "-c", "true"}, .directory = "/no/such/folder"}),
                    Catch::Contains("No such file"));
}

TEST_CASE("a signal ends a child, and how it ended is known", "[process]") {
  Child child(shell("exec sleep 60"));
  CHECK(child.running());
  CHECK_FALSE(child.wait(10ms));
  child.signal(SIGTERM);
  CHECK(child.wait(10s) == 128 + SIGTERM);
  CHECK_FALSE(child.running());
}

TEST_CASE("root's children can run as another account without root's groups", "[process]") {
  const auto account = unprivileged_account();
  if (geteuid() != 0) {
    CHECK_FALSE(account);
    return;
  }
  REQUIRE(account);
  Command command = shell("id -u; id -G");
  command.account = account;
  command.directory = "/";
  CHECK(run(command, 10s).out == std::to_string(account->uid) + "\n" + std::to_string(account->gid) + "\n");
}

TEST_CASE("the version of a PostgreSQL is read from what it says of itself", "[process]") {
  CHECK(read_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").version == "15.18");
  CHECK(read_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").major == 15);
  CHECK(read_version("postgres (PostgreSQL) 17beta1\n").major == 17);
  CHECK(read_version("something else 15").major == 0);
}

TEST_CASE("the newest PostgreSQL is chosen, and one before 13 is refused by name", "[process]") {
  const Installation old{"/a", "12.22", 12};
  const Installation middle{"/b", "15.1", 15};
  const Installation newest{"/c", "17.0", 17};
  CHECK(choose_installation({old, newest, middle}).bin == "/c");
  CHECK_THROWS_WITH(choose_installation({old}), Catch::Contains("12.22"));
  CHECK_THROWS_AS(choose_installation({}), Error);
}
