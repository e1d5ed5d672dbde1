#include "switchback/engine/evidence_document.hpp"

#include <ctime>
#include <nlohmann/json.hpp>

#include "switchback/engine/guard.hpp"

namespace switchback::engine {
namespace {

using json = nlohmann::ordered_json;

std::string shown_time(Instant at) {
  const std::time_t time = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(at));
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

json or_null(const std::optional<Instant>& at) {
  return at ? json(shown_time(*at)) : json(nullptr);
}

json of(const std::vector<Observation>& observations) {
  json list = json::array();
  for (const Observation& one : observations)
    list.push_back({{"source", one.source},
                    {"server", one.server},
                    {"finding", name(one.finding)},
                    {"detail", one.detail},
                    {"last_seen", or_null(one.last_seen)},
                    {"remedy", one.remedy.empty() ? json(nullptr) : json(one.remedy)}});
  return list;
}

json of(const std::vector<Coverage>& coverage) {
  json list = json::array();
  for (const Coverage& one : coverage)
    list.push_back({{"source", one.source},
                    {"server", one.server},
                    {"from", or_null(one.from)},
                    {"to", or_null(one.to)},
                    {"cut_by", one.cut_by.empty() ? json(nullptr) : json(one.cut_by)}});
  return list;
}

json verdict_of(const Judgement& one) {
  return {{"structure", one.structure},
          {"verdict", name(one.verdict)},
          {"window", {{"from", shown_time(one.from)}, {"to", shown_time(one.to)}, {"covered", one.covered}}}};
}

/// Texts of statements come as the server has them, which need not be valid UTF-8 in a database of SQL_ASCII.
std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json asked(Workbench& bench, const ports::UsageRequest& request) {
  json structures = json::array();
  for (const Structure& one : request.structures)
    structures.push_back({{"kind", name(one.kind)}, {"structure", shown(one)}});
  json standbys = json::array();
  for (const ports::SampledServer& one : request.replicas) standbys.push_back(one.name);
  json poolers = json::array();
  for (const ports::SampledPooler& one : request.poolers) poolers.push_back(one.name);
  return {{"window_seconds", observe_window(bench).count()},
          {"structures", structures},
          {"standbys", standbys},
          {"standbys_without_queries", request.without_queries},
          {"poolers", poolers},
          {"image_before", request.image_before ? json(*request.image_before) : json(nullptr)},
          {"allow_silent", request.allow_silent},
          {"checked", request.checked}};
}

json server_of(ports::Session& session) {
  const auto rows = session.exec(
      "SELECT pg_catalog.current_setting('server_version'), s.system_identifier, pg_catalog.current_database(), "
      "current_user FROM pg_catalog.pg_control_system() s");
  return {{"version", rows.text(0, 0)},
          {"system_identifier", rows.text(0, 1)},
          {"database", rows.text(0, 2)},
          {"role", rows.text(0, 3)}};
}

}  // namespace

std::string evidence_document(Workbench& bench, const ports::UsageRequest& request, Instant at,
                              const std::vector<Judgement>& judged, const std::vector<StructureEvidence>& evidence) {
  json structures = json::array();
  for (const Judgement& one : judged) {
    json structure = verdict_of(one);
    structure["findings"] = of(one.findings);
    structure["reasons"] = one.reasons;
    structure["shortfalls"] = one.shortfalls;
    structure["missing"] = one.missing;
    structures.push_back(std::move(structure));
  }
  json all = json::array();
  for (const StructureEvidence& one : evidence)
    all.push_back(
        {{"structure", one.structure}, {"observations", of(one.observations)}, {"coverage", of(one.coverage)}});
  const Actor& actor = bench.surroundings().actor;
  return dumped({{"schema_version", 1},
                 {"switchback", SWITCHBACK_VERSION},
                 {"plan", bench.plan().name},
                 {"hash", "sha256:" + bench.plan().hash},
                 {"state", name(bench.record().state)},
                 {"at", shown_time(at)},
                 {"by", {{"os_user", actor.os_user}, {"host", actor.host}}},
                 {"server", server_of(bench.session())},
                 {"request", asked(bench, request)},
                 {"structures", structures},
                 {"evidence", all}});
}

namespace {

std::optional<Instant> instant_from(const json& at) {
  if (at.is_null()) return std::nullopt;
  std::tm utc{};
  if (!strptime(at.get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc)) return std::nullopt;
  return Instant{std::chrono::seconds{timegm(&utc)}};
}

/// What may be null is empty.
std::string text_from(const json& text) {
  return text.is_null() ? "" : text.get<std::string>();
}

Judgement judgement_from(const json& from, const json& evidence) {
  Judgement one;
  one.structure = from.at("structure");
  for (const Verdict verdict : {Verdict::used, Verdict::unknown, Verdict::unused})
    if (from.at("verdict").get<std::string>() == name(verdict)) one.verdict = verdict;
  one.from = instant_from(from.at("window").at("from")).value_or(Instant{});
  one.to = instant_from(from.at("window").at("to")).value_or(Instant{});
  one.covered = from.at("window").at("covered");
  for (const json& found : from.at("findings")) {
    Observation observation{
        text_from(found.at("source")), text_from(found.at("server")),       Finding::unknown,
        text_from(found.at("detail")), instant_from(found.at("last_seen")), text_from(found.at("remedy"))};
    for (const Finding finding : {Finding::used, Finding::clear})
      if (found.at("finding").get<std::string>() == name(finding)) observation.finding = finding;
    one.findings.push_back(std::move(observation));
  }
  from.at("reasons").get_to(one.reasons);
  from.at("shortfalls").get_to(one.shortfalls);
  from.at("missing").get_to(one.missing);
  for (const json& found : evidence.at("coverage"))
    one.coverage.push_back({text_from(found.at("source")), text_from(found.at("server")),
                            instant_from(found.at("from")), instant_from(found.at("to")),
                            text_from(found.at("cut_by"))});
  return one;
}

}  // namespace

std::optional<UsageReport> sealed_report(Workbench& bench) {
  const auto rows = bench.session().exec(
      "SELECT document FROM switchback.evidence WHERE plan_id = $1 ORDER BY sealed_at DESC LIMIT 1",
      {std::to_string(bench.fence().plan)});
  if (rows.empty()) return std::nullopt;
  const json document = json::parse(rows.text(0, 0));
  UsageReport report{{}, rows.text(0, 0), true};
  const json& structures = document.at("structures");
  for (std::size_t i = 0; i < structures.size(); ++i)
    report.judged.push_back(judgement_from(structures[i], document.at("evidence").at(i)));
  return report;
}

std::string verdicts_document(const std::vector<Judgement>& judged) {
  json structures = json::array();
  for (const Judgement& one : judged) structures.push_back(verdict_of(one));
  return dumped({{"structures", structures}});
}

}  // namespace switchback::engine
