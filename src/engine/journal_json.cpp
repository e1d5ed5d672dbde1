#include "journal_json.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// The object in a jsonb column. Keys it does not have read as defaults: an older or newer journal may lack some.
std::optional<json> object_in(const ports::Value& text) {
  if (!text) return std::nullopt;
  json parsed = json::parse(*text, nullptr, false);
  if (!parsed.is_object())
    throw Error(Exit::failed, Remedy::person, "the journal holds something that is not a JSON object: " + *text,
                "somebody changed the tables of schema switchback by hand");
  return parsed;
}

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <class Number>
Number number_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<Number>() : Number{};
}

}  // namespace

std::optional<StoredHold> hold_from_json(const ports::Value& text) {
  const auto object = object_in(text);
  if (!object) return std::nullopt;
  StoredHold stored;
  stored.hold.kind = hold_kind_named(text_at(*object, "kind"));
  stored.hold.reason = text_at(*object, "reason");
  stored.hold.ends_when = text_at(*object, "ends_when");
  stored.since = text_at(*object, "since");
  if (const auto reasons = object->find("reasons"); reasons != object->end() && reasons->is_array())
    for (const json& reason : *reasons)
      if (reason.is_string()) stored.hold.reasons.push_back(reason.get<std::string>());
  return stored;
}

std::string hold_to_json(const Hold& hold, const std::string& since) {
  json object{{"kind", name(hold.kind)}, {"reason", hold.reason}, {"since", since}, {"ends_when", hold.ends_when}};
  if (!hold.reasons.empty()) object["reasons"] = hold.reasons;
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Pause> pause_from_json(const ports::Value& text) {
  const auto object = object_in(text);
  if (!object) return std::nullopt;
  return Pause{text_at(*object, "role"), text_at(*object, "reason"), text_at(*object, "at")};
}

std::optional<Progress> progress_from_json(const ports::Value& text) {
  const auto object = object_in(text);
  if (!object) return std::nullopt;
  Progress progress;
  progress.step = text_at(*object, "step");
  progress.rows_done = number_at<std::int64_t>(*object, "rows_done");
  progress.rows_estimate = number_at<std::int64_t>(*object, "rows_estimate");
  progress.rows_per_second = number_at<double>(*object, "rows_per_second");
  progress.batch_rows = number_at<std::int64_t>(*object, "batch_rows");
  progress.batch_ms = number_at<double>(*object, "batch_ms");
  progress.workers = number_at<int>(*object, "workers");
  if (const auto eta = object->find("eta_seconds"); eta != object->end() && eta->is_number())
    progress.eta_seconds = eta->get<std::int64_t>();
  progress.quarantined = number_at<std::int64_t>(*object, "quarantined");
  progress.worst_lag = text_at(*object, "worst_lag");
  if (const auto slowed = object->find("slowed_by"); slowed != object->end() && slowed->is_array())
    for (const json& reason : *slowed)
      if (reason.is_string()) progress.slowed_by.push_back(reason.get<std::string>());
  return progress;
}

std::string progress_to_json(const Progress& progress) {
  const json object{{"step", progress.step},
                    {"rows_done", progress.rows_done},
                    {"rows_estimate", progress.rows_estimate},
                    {"rows_per_second", progress.rows_per_second},
                    {"batch_rows", progress.batch_rows},
                    {"batch_ms", progress.batch_ms},
                    {"workers", progress.workers},
                    {"eta_seconds", progress.eta_seconds ? json(*progress.eta_seconds) : json()},
                    {"quarantined", progress.quarantined},
                    {"worst_lag", progress.worst_lag},
                    {"slowed_by", progress.slowed_by}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string iso(const std::string& expression) {
  return "pg_catalog.to_char(" + expression + R"( AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))";
}

}  // namespace switchback::engine
