#include "switchback/http/answers.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"

namespace switchback::http {
namespace {

using Json = nlohmann::json;

[[noreturn]] void no_answer(const std::string& of) {
  throw Error(Exit::unreachable, Remedy::retry, "what it answers is not the list of " + of);
}

/// Text under `key`; empty where there is none.
std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

FiringAlert alert_of(const Json& entry) {
  FiringAlert alert;
  alert.fingerprint = entry.at("fingerprint").get<std::string>();
  alert.labels = entry.at("labels").get<std::map<std::string, std::string>>();
  const auto annotations = entry.find("annotations");
  if (annotations == entry.end() || !annotations->is_object()) return alert;
  alert.summary = text_at(*annotations, "summary");
  if (alert.summary.empty()) alert.summary = text_at(*annotations, "description");
  return alert;
}

/// Silenced or inhibited: left out by the question already, unless whoever answers does not know the parameters.
bool is_suppressed(const Json& entry) {
  const auto status = entry.find("status");
  return status != entry.end() && status->is_object() && text_at(*status, "state") == "suppressed";
}

std::string labels_of(const Json& sample) {
  std::string text;
  for (const auto& [label, value] : sample.at("metric").items())
    text += (text.empty() ? "" : ", ") + label + "=\"" + (value.is_string() ? value.get<std::string>() : "?") + "\"";
  return text.empty() ? "" : "{" + text + "} ";
}

QueryOutcome of_vector(const Json& samples, bool warned) {
  if (samples.empty() && warned)
    return {Signal::State::unknown, "the answer is empty, with a warning that it may lack something"};
  if (samples.empty()) return {Signal::State::good, ""};
  for (const Json& sample : samples)
    if (sample.at("value").at(1).get<std::string>() == "NaN")
      return {Signal::State::unknown, labels_of(sample) + "is NaN"};
  std::string reason = labels_of(samples.front()) + samples.front().at("value").at(1).get<std::string>();
  if (samples.size() > 1) reason += " and " + std::to_string(samples.size() - 1) + " more";
  return {Signal::State::bad, reason};
}

}  // namespace

std::vector<FiringAlert> alerts_in(std::string_view body) {
  const Json list = Json::parse(body, nullptr, false);
  if (!list.is_array()) no_answer("alerts");
  std::vector<FiringAlert> alerts;
  try {
    for (const Json& entry : list)
      if (!is_suppressed(entry)) alerts.push_back(alert_of(entry));
  } catch (const Json::exception&) {
    no_answer("alerts");
  }
  return alerts;
}

QueryOutcome outcome_in(std::string_view body) {
  const Json answer = Json::parse(body, nullptr, false);
  if (!answer.is_object()) return {Signal::State::unknown, "what it answers is no result of a query"};
  if (text_at(answer, "status") != "success") {
    const std::string error = text_at(answer, "error");
    return {Signal::State::unknown, error.empty() ? "the query failed" : error};
  }
  try {
    const std::string type = answer.at("data").at("resultType").get<std::string>();
    if (type != "vector")
      return {Signal::State::unknown,
              "the query gives a " + type + ", which is neither true nor false: compare a vector"};
    const auto warnings = answer.find("warnings");
    return of_vector(answer.at("data").at("result"), warnings != answer.end() && !warnings->empty());
  } catch (const Json::exception&) {
    return {Signal::State::unknown, "what it answers is no result of a query"};
  }
}

}  // namespace switchback::http
