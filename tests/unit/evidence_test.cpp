#include "switchback/core/evidence.hpp"

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

const Instant now{std::chrono::hours{24 * 365 * 50}};
const std::vector<std::string> required{"statements", "sessions"};

StructureEvidence covered_for(std::chrono::seconds time) {
  StructureEvidence evidence;
  evidence.structure = "public.users.full_name";
  for (const std::string& source : required) evidence.coverage.push_back({source, "primary", now - time, now, ""});
  return evidence;
}

Observation seen(Finding finding, std::optional<Instant> at) {
  return {"statements", "primary", finding, "what", at, ""};
}

}  // namespace

TEST_CASE("full coverage and nothing seen is unused", "[evidence]") {
  const Judgement judgement = judge(covered_for(24h), now, 24h, required);
  CHECK(judgement.verdict == Verdict::unused);
  CHECK(judgement.covered == 1.0);
  CHECK(judgement.reasons.empty());
  CHECK(judgement.from == now - 24h);
  CHECK(judgement.to == now);
}

TEST_CASE("a use within the window is used, whatever the coverage", "[evidence]") {
  StructureEvidence evidence;
  evidence.observations.push_back(seen(Finding::used, now - 23h));
  const Judgement judgement = judge(evidence, now, 24h, required);
  CHECK(judgement.verdict == Verdict::used);
  CHECK(judgement.findings.size() == 1);
  CHECK(judgement.reasons.at(0) == "statements on primary: what, last seen 23h ago");
}

TEST_CASE("a use before the window is none, and one without a time holds now", "[evidence]") {
  StructureEvidence evidence = covered_for(24h);
  evidence.observations.push_back(seen(Finding::used, now - 24h - 1ms));
  CHECK(judge(evidence, now, 24h, required).verdict == Verdict::unused);
  evidence.observations.push_back(seen(Finding::used, std::nullopt));
  CHECK(judge(evidence, now, 24h, required).verdict == Verdict::used);
}

TEST_CASE("an unknown blocks like a use, with its detail and remedy as the reason", "[evidence]") {
  StructureEvidence evidence = covered_for(24h);
  evidence.observations.push_back({"external", "primary", Finding::unknown, "slot cdc", std::nullopt, "name it"});
  const Judgement judgement = judge(evidence, now, 24h, required);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(judgement.reasons == std::vector<std::string>{"external on primary: slot cdc; name it"});
}

TEST_CASE("an unknown that ended before the window does not block for ever", "[evidence]") {
  StructureEvidence evidence = covered_for(24h);
  evidence.observations.push_back(seen(Finding::unknown, now - 25h));
  CHECK(judge(evidence, now, 24h, required).verdict == Verdict::unused);
}

TEST_CASE("each required source must cover the whole window on every server", "[evidence]") {
  StructureEvidence evidence = covered_for(24h);
  evidence.coverage.push_back({"sessions", "r1", now - 6h, now, "its statistics were reset"});
  const Judgement judgement = judge(evidence, now, 24h, required);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(judgement.covered == 0.25);
  REQUIRE(judgement.reasons.size() == 1);
  CHECK(judgement.reasons[0].starts_with("sessions on r1: seen for 6h"));
  CHECK(judgement.reasons[0].find("its statistics were reset") != std::string::npos);
}

TEST_CASE("a source nobody sampled covers nothing", "[evidence]") {
  StructureEvidence evidence = covered_for(24h);
  evidence.coverage.pop_back();
  const Judgement missing = judge(evidence, now, 24h, required);
  CHECK(missing.verdict == Verdict::unknown);
  CHECK(missing.covered == 0.0);
  evidence.coverage.push_back({"sessions", "primary", std::nullopt, std::nullopt, ""});
  CHECK(judge(evidence, now, 24h, required).verdict == Verdict::unknown);
  CHECK(judge(evidence, now, 24h, {"statements"}).verdict == Verdict::unused);
}

TEST_CASE("a last look that is too old covers only up to itself", "[evidence]") {
  StructureEvidence evidence = covered_for(48h);
  evidence.coverage[0].to = now - 15min;
  CHECK(judge(evidence, now, 24h, required).verdict == Verdict::unused);
  evidence.coverage[0].to = now - 15min - 1ms;
  const Judgement judgement = judge(evidence, now, 24h, required);
  CHECK(judgement.verdict == Verdict::unknown);
  CHECK(judgement.covered < 1.0);
  CHECK(judgement.covered > 0.98);
}

TEST_CASE("a short window wants a fresh look", "[evidence]") {
  CHECK(freshness(24h) == 15min);
  CHECK(freshness(8s) == 4s);
  StructureEvidence evidence = covered_for(1h);
  evidence.coverage[0].to = now - 5s;
  CHECK(judge(evidence, now, 8s, required).verdict == Verdict::unknown);
}

TEST_CASE("a window of no length still wants the sources sampled", "[evidence]") {
  CHECK(judge(covered_for(0s), now, 0s, required).verdict == Verdict::unused);
  CHECK(judge(StructureEvidence{}, now, 0s, required).verdict == Verdict::unknown);
}

TEST_CASE("a clock that was set is told from one that is slewed or was asked slowly", "[evidence]") {
  CHECK_FALSE(clock_step(60s, 60s, 0ms));
  CHECK_FALSE(clock_step(62s, 60s, 0ms));
  CHECK(clock_step(63s, 60s, 0ms) == 3s);
  CHECK_FALSE(clock_step(63s, 60s, 1s));
  CHECK(clock_step(-3h, 60s, 0ms) == -3h - 60s);
  CHECK_FALSE(clock_step(24h + 80s, 24h, 0ms));
  CHECK(clock_step(25h, 24h, 0ms) == 1h);
}
