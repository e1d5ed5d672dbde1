#include "switchback/daemon/alert_poller.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using switchback::daemon::AlertPoller;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Kind = AlertSource::Kind;
using State = Signal::State;

AlertSource quick(Kind kind) {
  AlertSource source;
  source.kind = kind;
  source.every = 20ms;
  source.timeout = 200ms;
  return source;
}

/// A file that goes with the object.
struct Marker {
  std::string path;
  Marker() {
    std::random_device random;
    path = (std::filesystem::temp_directory_path() / ("switchback-alerts-" + std::to_string(random()))).string();
  }
  ~Marker() { std::filesystem::remove(path); }
  void make() const { std::ofstream(path) << "hold"; }
};

std::unique_ptr<ports::Session> nobody(const std::string&) {
  return nullptr;
}

}  // namespace

TEST_CASE("each source has said something when the poller stands, and says what is new", "[alerts]") {
  const Marker marker;
  AlertSource file = quick(Kind::file);
  file.path = marker.path;
  AlertSource exec = quick(Kind::exec);
  exec.argv = {"sh", "-c", "echo not today; exit 1"};
  exec.timeout = 10s;
  const AlertPoller poller({file, exec}, nobody);
  auto signals = poller.latest();
  REQUIRE(signals.size() == 2);
  CHECK(signals[0].state == State::good);
  CHECK(signals[1].state == State::bad);
  CHECK(signals[1].reason == "exec sh -c echo not today; exit 1: not today");
  marker.make();
  CHECK(eventually(10s, [&] { return poller.latest()[0].state == State::bad; }));
  CHECK(poller.latest()[0].reason == "file " + marker.path + ": it exists");
}

TEST_CASE("a source that hangs delays no other, and neither the beginning nor the end", "[alerts]") {
  const Marker marker;
  AlertSource file = quick(Kind::file);
  file.path = marker.path;
  AlertSource sql = quick(Kind::sql);
  sql.query = "select true";
  auto let_go = std::make_shared<std::promise<void>>();
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  const auto begin = Clock::now();
  {
    const AlertPoller poller({sql, file}, [held = let_go->get_future().share(), gone](const std::string&) {
      held.wait();
      *gone = true;
      return std::unique_ptr<ports::Session>();
    });
    CHECK(poller.latest()[0].state == State::unknown);
    CHECK(poller.latest()[0].reason == "sql select true: it has not answered yet");
    marker.make();
    CHECK(eventually(10s, [&] { return poller.latest()[1].state == State::bad; }));
  }
  CHECK(Clock::now() - begin < 8s);
  CHECK_FALSE(*gone);
  let_go->set_value();
  CHECK(eventually(10s, [&] { return gone->load(); }));
}

TEST_CASE("what cannot be asked is unknown, with why", "[alerts]") {
  AlertSource sql = quick(Kind::sql);
  sql.query = "select true";
  sql.replica = "r2";
  AlertSource exec = quick(Kind::exec);
  exec.argv = {"no-such-program"};
  AlertSource http = quick(Kind::http);
  http.url = "http://127.0.0.1:1/";
  http.token_env = "SWITCHBACK_NO_SUCH_VARIABLE";
  const AlertPoller poller({sql, exec, http}, nobody);
  const auto signals = poller.latest();
  REQUIRE(signals.size() == 3);
  for (const Signal& signal : signals) CHECK(signal.state == State::unknown);
  CHECK(signals[0].reason ==
        "sql on replica r2: select true: no connection is configured for replica r2 (health.replicas: connect)");
  CHECK(signals[1].reason == "exec no-such-program: cannot run no-such-program: no such program");
  CHECK(signals[2].reason ==
        "http http://127.0.0.1:1/: the environment variable SWITCHBACK_NO_SUCH_VARIABLE is not set, or not to a token");
}
