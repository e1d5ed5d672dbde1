#include "switchback/core/alerts.hpp"

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

using State = Signal::State;

AlertSource alertmanager() {
  AlertSource source;
  source.kind = AlertSource::Kind::alertmanager;
  source.url = "http://alerts:9093/";
  source.clear = 60s;
  source.every = 5s;
  source.timeout = 2s;
  return source;
}

Monotonic after(std::chrono::milliseconds time) {
  return Monotonic(std::chrono::hours(1)) + time;
}

const FiringAlert disk_full{"f1", {{"alertname", "DiskFull"}, {"instance", "db1"}}, "90 % of /var"};
const FiringAlert too_slow{"f2", {{"alertname", "TooSlow"}}, ""};
const std::string disk_full_name = "alert DiskFull {instance=\"db1\"}";

/// Alertmanager and gate together, polled every five seconds.
struct Polled {
  AlertMemory memory{alertmanager()};
  SignalGate gate;
  std::chrono::milliseconds now{0};

  std::vector<std::string> next(const std::optional<std::vector<FiringAlert>>& firing) {
    now += 5s;
    const auto signals = firing ? memory.answered(after(now), *firing) : memory.unreadable(after(now), "refused");
    return gate.judge(after(now), signals, 15s).reasons;
  }
  /// Polls that find nothing, until nothing holds; how long that took.
  std::chrono::milliseconds until_let_go() {
    const auto from = now;
    while (!next(std::vector<FiringAlert>{}).empty() && now < from + 10min) {
    }
    return now - from;
  }
};

}  // namespace

TEST_CASE("an alert is named by all its labels, and its source by what it is asked", "[alerts]") {
  CHECK(name_of(disk_full) == disk_full_name);
  CHECK(name_of(too_slow) == "alert TooSlow");
  CHECK(name_of(FiringAlert{"f3", {{"a", "b"}}, ""}) == "alert f3 {a=\"b\"}");
  AlertSource source = alertmanager();
  CHECK(name_of(source) == "alertmanager http://alerts:9093/");
  source.match = {"severity=\"page\""};
  CHECK(name_of(source) == "alertmanager http://alerts:9093/ severity=\"page\"");
  source.kind = AlertSource::Kind::sql;
  source.query = "select\n  true";
  source.replica = "r2";
  CHECK(name_of(source) == "sql on replica r2: select true");
  source.query = std::string(119, 'a') + "ä and more";
  CHECK(name_of(source) == "sql on replica r2: " + std::string(119, 'a') + "…");
}

TEST_CASE("the address asks for active alerts that fit every matcher", "[alerts]") {
  AlertSource source = alertmanager();
  source.match = {R"(alertname=~"Postgres.*")", "severity=\"page\""};
  CHECK(alerts_url(source) ==
        "http://alerts:9093/api/v2/alerts?active=true&silenced=false&inhibited=false&unprocessed=false"
        "&filter=alertname%3D~%22Postgres.%2A%22&filter=severity%3D%22page%22");
  source.kind = AlertSource::Kind::prometheus;
  source.query = "up == 0";
  CHECK(query_url(source) == "http://alerts:9093/api/v1/query?query=up%20%3D%3D%200&timeout=2000ms");
}

TEST_CASE("a matcher has a label, a relation and a value", "[alerts]") {
  for (const char* text : {"a=\"b\"", "a=b", "a!=\"b\"", "a=~\"b.*\"", "a !~ \"b\"", "_a1=\"\"", "a=\"b \\\" c\""}) {
    CAPTURE(text);
    CHECK(matcher_problem(text).empty());
  }
  for (const char* text : {"", "a", "=\"b\"", "1a=\"b\"", "a>\"b\"", "a=\"b", "a=b\"", "a=\""}) {
    CAPTURE(text);
    CHECK_FALSE(matcher_problem(text).empty());
  }
}

TEST_CASE("each alert that fires is a signal of its own, beside the Alertmanager itself", "[alerts]") {
  AlertMemory memory(alertmanager());
  const auto signals = memory.answered(after(0s), {disk_full, too_slow});
  REQUIRE(signals.size() == 3);
  CHECK(signals[0].state == State::good);
  CHECK(signals[1].state == State::bad);
  CHECK(signals[1].name == disk_full_name);
  CHECK(signals[1].reason == disk_full_name + " fires: 90 % of /var");
  CHECK(signals[1].ends_when == disk_full_name + " has been clear for 1m");
  CHECK(signals[2].reason == "alert TooSlow fires");
}

TEST_CASE("an alert holds until it was absent from every answer for the clear time", "[alerts]") {
  Polled polled;
  CHECK(polled.next({{disk_full}}) == std::vector<std::string>{disk_full_name + " fires: 90 % of /var"});
  CHECK(polled.next(std::vector<FiringAlert>{}) ==
        std::vector<std::string>{disk_full_name + " has been clear for 0 s of 1m"});
  // The first of the answers that do not have it was five seconds before these.
  CHECK(polled.until_let_go() == 60s);
}

TEST_CASE("an alert that comes back while it clears starts the time again", "[alerts]") {
  Polled polled;
  polled.next({{disk_full}});
  for (int i = 0; i < 11; ++i) CHECK(polled.next(std::vector<FiringAlert>{}).size() == 1);
  polled.next({{disk_full}});
  CHECK(polled.until_let_go() == 65s);
}

TEST_CASE("an Alertmanager that cannot be read starts the clear time again, also when it comes back empty",
          "[alerts]") {
  Polled polled;
  polled.next({{disk_full}});
  for (int i = 0; i < 11; ++i) CHECK(polled.next(std::vector<FiringAlert>{}).size() == 1);
  CHECK_FALSE(polled.next(std::nullopt).empty());
  CHECK(polled.until_let_go() == 65s);
}

TEST_CASE("a pause in polling is no continuous clear", "[alerts]") {
  Polled polled;
  polled.next({{disk_full}});
  CHECK(polled.next(std::vector<FiringAlert>{}).size() == 1);
  polled.now += 10min;
  CHECK(polled.next(std::vector<FiringAlert>{}).size() == 1);
  CHECK(polled.until_let_go() == 60s);
}

TEST_CASE("an unreachable Alertmanager holds after the grace, and then until it has answered for the clear time",
          "[alerts]") {
  Polled polled;
  CHECK(polled.next(std::vector<FiringAlert>{}).empty());
  CHECK(polled.next(std::nullopt).empty());
  CHECK(polled.next(std::nullopt).empty());
  CHECK(polled.next(std::nullopt).empty());
  CHECK(polled.next(std::nullopt) == std::vector<std::string>{"alertmanager http://alerts:9093/: refused for 15 s"});
  CHECK(polled.until_let_go() == 65s);
}

TEST_CASE("an alert is forgotten once it has held nothing for long", "[alerts]") {
  AlertMemory memory(alertmanager());
  memory.answered(after(0s), {disk_full});
  std::size_t count = 0;
  for (std::chrono::seconds time = 5s; time <= 120s; time += 5s) count = memory.answered(after(time), {}).size();
  CHECK(count == 1);
}

TEST_CASE("one alert reported by two Alertmanagers is as bad as the worse of them says", "[alerts]") {
  Signal good;
  good.name = "a";
  good.state = State::good;
  good.clear = 60s;
  Signal bad = good;
  bad.state = State::bad;
  bad.clear = 3s;
  Signal unknown = good;
  unknown.state = State::unknown;
  Signal other;
  other.name = "b";
  const auto both = merged({good, other, bad, unknown});
  REQUIRE(both.size() == 2);
  CHECK(both[0].state == State::bad);
  CHECK(both[0].clear == 60s);
  CHECK(both[1].name == "b");
  CHECK(merged({good, unknown})[0].state == State::unknown);
}
