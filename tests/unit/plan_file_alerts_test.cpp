#include "catch.hpp"
#include "switchback/plan_file/config_reader.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

using Kind = AlertSource::Kind;

std::vector<std::string> said_of(const ReadConfig& read) {
  std::vector<std::string> found;
  for (const Diagnostic& d : read.diagnostics)
    found.push_back(std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.message);
  return found;
}

}  // namespace

TEST_CASE("every kind of alert source is read, with its defaults", "[plan_file][config][alerts]") {
  const ReadConfig read = read_config(
      "alerts:\n"
      "  - alertmanager: { url: \"http://alerts:9093\", match: ['alertname=~\"Postgres.*Lag\"'], required: false, "
      "clear: 2m }\n"
      "  - prometheus: { url: \"https://prometheus\", query: \"up == 0\", ca: ca.pem, token_env: TOKEN }\n"
      "  - http: { url: \"http://shop/health\", expect: 204, every: 1s, timeout: 500ms }\n"
      "  - sql: { run: \"select true\", on: replica r2 }\n"
      "  - exec: { run: [df-free, 20%] }\n"
      "  - file: hold\n"
      "  - file: { path: /run/hold, clear: 0s }\n",
      "conf/switchback.yaml");
  CHECK(said_of(read).empty());
  CHECK(read.values.empty());
  REQUIRE(read.alerts.size() == 7);
  const auto& [alertmanager, prometheus, http, sql, exec, file, long_file] = std::tie(
      read.alerts[0], read.alerts[1], read.alerts[2], read.alerts[3], read.alerts[4], read.alerts[5], read.alerts[6]);
  CHECK(alertmanager.kind == Kind::alertmanager);
  CHECK(alertmanager.match == std::vector<std::string>{"alertname=~\"Postgres.*Lag\""});
  CHECK_FALSE(alertmanager.required);
  CHECK(alertmanager.clear == 2min);
  CHECK(alertmanager.every == 5s);
  CHECK(alertmanager.timeout == 2s);
  CHECK(alertmanager.source == "conf/switchback.yaml:2:5");
  CHECK(prometheus.clear == 60s);
  CHECK(prometheus.required);
  CHECK(prometheus.token_env == "TOKEN");
  CHECK(path_from(prometheus.folder, prometheus.ca) == "conf/ca.pem");
  CHECK(http.expect == 204);
  CHECK(http.clear == 3s);
  CHECK(http.every == 1s);
  CHECK(http.timeout == 500ms);
  CHECK(sql.replica == "r2");
  CHECK(exec.argv == std::vector<std::string>{"df-free", "20%"});
  CHECK(file.every == 1s);
  CHECK(path_from(file.folder, file.path) == "conf/hold");
  CHECK(path_from(long_file.folder, long_file.path) == "/run/hold");
  CHECK(long_file.clear == 0s);
}

TEST_CASE("what is wrong with alert sources is said all at once, with places and hints",
          "[plan_file][config][alerts]") {
  const ReadConfig read = read_config(
      "alerts:\n"
      "  - alertmanger: { url: \"http://a\" }\n"
      "  - alertmanager: { url: \"http://me:secret@a\", mtach: [] }\n"
      "  - alertmanager: { match: [Lag] }\n"
      "  - prometheus: { url: \"http://a?query=up\" }\n"
      "  - http: { url: \"a/b\", expect: ok, every: 1ms, clear: soon, required: maybe }\n"
      "  - sql: { run: \"select true\", on: r2 }\n"
      "  - exec: { run: df-free }\n"
      "  - file: { name: hold }\n"
      "  - { file: hold, exec: { run: [a] } }\n"
      "  - file: hold\n"
      "  - file: hold\n"
      "  - {}\n"
      "  - http: {}\n"
      "  - http: {}\n",
      "c");
  CHECK(said_of(read) ==
        std::vector<std::string>{
            "2:5: an alert source has no key alertmanger",
            "3:26: url: \"http://***@a\" is not usable: it holds a user or a password: they belong into an environment "
            "variable, which token_env or url_env names",
            "3:48: alertmanager has no key mtach",
            "4:19: alertmanager needs url",
            "4:29: match: \"Lag\" is not a matcher: after the label's name = != =~ or !~ must follow",
            "5:17: prometheus needs query",
            "5:24: url must be that of the server, without a query",
            "6:18: url: \"a/b\" is not usable: it must begin with http:// or https://",
            "6:33: expect: \"ok\" is not a status from 200 to 599",
            "6:44: every: \"1ms\" must lie between 100ms and 1h",
            "6:56: clear: \"soon\" is not a duration: write 250ms, 2s, 5m or 1h",
            "6:72: required must be true or false",
            "7:36: on: \"r2\" must be primary or replica NAME",
            "8:18: run must be a list, this is text",
            "9:11: file needs path",
            "9:13: file has no key name",
            "10:5: an alert source is one of them, not both exec and file",
            "12:5: this alert source is given twice: file hold",
            "13:5: an alert source is empty",
            "14:11: http needs url",
            "15:11: http needs url"});
  CHECK(read.diagnostics[0].hint == "did you mean alertmanager?");
  CHECK(read.diagnostics[2].hint == "did you mean match?");
}

TEST_CASE("alerts are a list, and have no place in the environment or a plan", "[plan_file][config][alerts]") {
  CHECK(said_of(read_config("alerts: { file: hold }\n", "c")) ==
        std::vector<std::string>{"1:9: alerts must be a list, this is a map"});
  CHECK(said_of(read_config("alerts:\n", "c")) ==
        std::vector<std::string>{"1:1: alerts must be a list, this is empty"});
  CHECK(read_config("alert:\n  - file: hold\n", "c").diagnostics[0].hint == "did you mean alerts?");
}
