#include "switchback/postgres/usage_json.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace switchback::postgres {
namespace {

using json = nlohmann::ordered_json;

json time_of(const std::optional<Instant>& instant) {
  return instant ? json(iso_time(*instant)) : json(nullptr);
}

json observation(const Observation& one) {
  return json{{"source", one.source},
              {"server", one.server},
              {"finding", name(one.finding)},
              {"detail", one.detail},
              {"last_seen", time_of(one.last_seen)},
              {"remedy", one.remedy}};
}

json observations(const std::vector<Observation>& all) {
  json list = json::array();
  for (const Observation& one : all) list.push_back(observation(one));
  return list;
}

json document(std::string_view plan, const std::vector<Judgement>& judgements) {
  json structures = json::array();
  for (const Judgement& judgement : judgements)
    structures.push_back(
        {{"structure", judgement.structure},
         {"verdict", name(judgement.verdict)},
         {"window",
          {{"from", iso_time(judgement.from)}, {"to", iso_time(judgement.to)}, {"covered", judgement.covered}}},
         {"findings", observations(judgement.findings)},
         {"reasons", judgement.reasons}});
  return json{{"schema_version", 1}, {"plan", plan}, {"structures", structures}};
}

/// Texts of statements come as the server has them, which need not be valid UTF-8 in a database of SQL_ASCII.
std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string usage_json(std::string_view plan, const std::vector<Judgement>& judgements) {
  return dumped(document(plan, judgements));
}

std::string sealed_document(std::string_view plan, const std::vector<Judgement>& judgements,
                            const std::vector<StructureEvidence>& evidence) {
  json sealed = document(plan, judgements);
  sealed["evidence"] = json::array();
  for (const StructureEvidence& one : evidence) {
    json coverage = json::array();
    for (const Coverage& stretch : one.coverage)
      coverage.push_back({{"source", stretch.source},
                          {"server", stretch.server},
                          {"from", time_of(stretch.from)},
                          {"to", time_of(stretch.to)},
                          {"cut_by", stretch.cut_by}});
    sealed["evidence"].push_back(
        {{"structure", one.structure}, {"observations", observations(one.observations)}, {"coverage", coverage}});
  }
  return dumped(sealed);
}

std::string iso_time(Instant instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(instant - day)};
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02ld:%02ld:%02ldZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<long>(time.hours().count()), static_cast<long>(time.minutes().count()),
                static_cast<long>(time.seconds().count()));
  return text;
}

}  // namespace switchback::postgres
