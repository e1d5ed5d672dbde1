#include "switchback/http/answers.hpp"

#include "catch.hpp"
#include "switchback/core/error.hpp"

using namespace switchback;
using http::alerts_in;
using http::outcome_in;

TEST_CASE("the alerts of an Alertmanager's answer are read with fingerprint, labels and summary", "[alerts]") {
  const auto alerts = alerts_in(R"([
    {"annotations": {"summary": "90 % of /var"}, "endsAt": "2026-01-31T02:05:00.000Z", "fingerprint": "9a1b",
     "receivers": [{"name": "default"}], "startsAt": "2026-01-31T02:00:00.000Z",
     "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"}, "updatedAt": "2026-01-31T02:00:00.000Z",
     "generatorURL": "", "labels": {"alertname": "DiskFull", "instance": "db1"}},
    {"annotations": {"description": "slow"}, "fingerprint": "2", "status": {"state": "unprocessed"}, "labels": {}},
    {"annotations": {}, "fingerprint": "3", "status": {"state": "suppressed"}, "labels": {"alertname": "Silenced"}}
  ])");
  REQUIRE(alerts.size() == 2);
  CHECK(alerts[0].fingerprint == "9a1b");
  CHECK(alerts[0].labels == std::map<std::string, std::string>{{"alertname", "DiskFull"}, {"instance", "db1"}});
  CHECK(alerts[0].summary == "90 % of /var");
  CHECK(alerts[1].summary == "slow");
  CHECK(alerts_in("[]").empty());
}

TEST_CASE("what is no list of alerts is an error, never an empty list", "[alerts]") {
  for (const char* body : {"", "{}", "null", "<html>", "[1]", R"([{"labels": {}}])", R"([{"fingerprint": "1"}])",
                           R"([{"fingerprint": 1, "labels": {}}])", R"([{"fingerprint": "1", "labels": {"a": 1}}])",
                           R"([{"fingerprint": "1", "labels": {)"}) {
    CAPTURE(body);
    CHECK_THROWS_AS(alerts_in(body), Error);
  }
}

namespace {
http::QueryOutcome vector_of(const std::string& samples, const std::string& more = "") {
  return outcome_in(R"({"status": "success", "data": {"resultType": "vector", "result": [)" + samples + "]}" + more +
                    "}");
}
}  // namespace

TEST_CASE("a query is true when it gives a sample, whatever its value, and false when it gives none", "[alerts]") {
  CHECK(vector_of("").state == Signal::State::good);
  const auto one = vector_of(R"({"metric": {"instance": "db1"}, "value": [1.5, "7.25"]})");
  CHECK(one.state == Signal::State::bad);
  CHECK(one.reason == R"({instance="db1"} 7.25)");
  CHECK(vector_of(R"({"metric": {}, "value": [1, "0"]})").state == Signal::State::bad);
  CHECK(vector_of(R"({"metric": {}, "value": [1, "+Inf"]}, {"metric": {}, "value": [1, "2"]})").reason ==
        "+Inf and 1 more");
}

TEST_CASE("a query that gives NaN, no vector, a warned empty answer or an error says nothing", "[alerts]") {
  const auto unknown = Signal::State::unknown;
  CHECK(vector_of(R"({"metric": {}, "value": [1, "7"]}, {"metric": {"a": "b"}, "value": [1, "NaN"]})").reason ==
        R"({a="b"} is NaN)");
  CHECK(vector_of(R"({"metric": {}, "value": [1, "NaN"]})").state == unknown);
  CHECK(vector_of("", R"(, "warnings": ["a store is down"])").state == unknown);
  CHECK(vector_of(R"({"metric": {}})").state == unknown);
  CHECK(outcome_in(R"({"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}})").state == unknown);
  const auto refused = outcome_in(R"({"status": "error", "errorType": "bad_data", "error": "parse error at char 3"})");
  CHECK(refused.state == unknown);
  CHECK(refused.reason == "parse error at char 3");
  for (const char* body : {"", "[]", "{}", "<html>", R"({"status": "success"})", R"({"status": "success", "data": 1})"})
    CHECK(outcome_in(body).state == unknown);
}
