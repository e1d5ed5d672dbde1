#include "alerts_reader.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <tuple>

#include "switchback/core/units.hpp"
#include "switchback/core/url.hpp"

namespace switchback::plan_file {
namespace {

using std::chrono::milliseconds;
using Kind = AlertSource::Kind;

/// What one kind of source is told, beside what all of them are.
std::vector<std::string_view> keys_of(Kind kind) {
  std::vector<std::string_view> keys;
  switch (kind) {
    case Kind::alertmanager:
      keys = {"url", "match", "ca", "token_env"};
      break;
    case Kind::prometheus:
      keys = {"url", "query", "ca", "token_env"};
      break;
    case Kind::http:
      keys = {"url", "expect", "ca", "token_env"};
      break;
    case Kind::sql:
      keys = {"run", "on"};
      break;
    case Kind::exec:
      keys = {"run"};
      break;
    case Kind::file:
      keys = {"path"};
      break;
    case Kind::health:
      return {};
  }
  keys.insert(keys.end(), {"required", "clear", "every", "timeout"});
  return keys;
}

class SourceReader {
 public:
  SourceReader(Findings& findings, const Value& map, AlertSource& source)
      : findings_(findings),
        source_(source),
        keys_(keys_of(source.kind)),
        fields_(findings, map, std::string(name(source.kind)), keys_) {}

  void read() {
    if (!fields_.is_map()) return;
    read_subject();
    source_.ca = fields_.text("ca").value_or("");
    source_.token_env = fields_.text("token_env").value_or("");
    source_.required = fields_.boolean("required").value_or(true);
    duration("clear", milliseconds(0), std::chrono::hours(24), source_.clear);
    duration("every", milliseconds(100), std::chrono::hours(1), source_.every);
    duration("timeout", milliseconds(100), std::chrono::minutes(1), source_.timeout);
  }

 private:
  void read_subject() {
    switch (source_.kind) {
      case Kind::alertmanager:
        url();
        matchers();
        return;
      case Kind::prometheus:
        url();
        source_.query = fields_.need_text("query");
        return;
      case Kind::http:
        url();
        status();
        return;
      case Kind::sql:
        source_.query = fields_.need_text("run");
        place_to_ask();
        return;
      case Kind::exec:
        if (const Value* run = fields_.need("run")) source_.argv = texts("run", *run);
        return;
      case Kind::file:
        source_.path = fields_.need_text("path");
        return;
      case Kind::health:
        return;
    }
  }

  void url() {
    source_.url = fields_.need_text("url");
    if (source_.url.empty()) return;
    const Value* value = fields_.find("url");
    const ParsedUrl parsed = parse_url(source_.url);
    if (!parsed.why_not.empty()) {
      findings_.error(value->place, "url: \"" + masked_url(source_.url) + "\" is not usable: " + parsed.why_not);
    } else if (source_.kind != Kind::http && source_.url.find('?') != std::string::npos) {
      findings_.error(
          value->place, "url must be that of the server, without a query",
          source_.kind == Kind::alertmanager ? "alerts are chosen with match" : "the query goes into query");
    }
  }

  void matchers() {
    const Value* match = fields_.find("match");
    if (match == nullptr) return;
    const Values values(findings_);
    for (const Value& item : values.list("match", *match)) {
      const auto written = values.text("match", item);
      if (!written) continue;
      if (const std::string why = matcher_problem(*written); !why.empty())
        findings_.error(item.place, "match: \"" + *written + "\" is not a matcher: " + why,
                        R"(as in 'severity="page"' or 'alertname=~"Postgres.*"')");
      source_.match.push_back(*written);
    }
  }

  void status() {
    const auto written = fields_.text("expect");
    if (!written) return;
    const auto [end, error] = std::from_chars(written->data(), written->data() + written->size(), source_.expect);
    if (error != std::errc{} || end != written->data() + written->size() || source_.expect < 200 ||
        source_.expect > 599)
      findings_.error(fields_.find("expect")->place, "expect: \"" + *written + "\" is not a status from 200 to 599");
  }

  void place_to_ask() {
    constexpr std::string_view replica = "replica ";
    const auto written = fields_.text("on");
    if (!written || *written == "primary") return;
    if (written->starts_with(replica)) source_.replica = written->substr(replica.size());
    if (source_.replica.empty())
      findings_.error(fields_.find("on")->place, "on: \"" + *written + "\" must be primary or replica NAME");
  }

  std::vector<std::string> texts(std::string_view key, const Value& value) {
    std::vector<std::string> result;
    const Values values(findings_);
    for (const Value& item : values.list(key, value))
      if (auto text = values.text(key, item)) result.push_back(*std::move(text));
    return result;
  }

  void duration(std::string_view key, milliseconds least, milliseconds most, milliseconds& into) {
    const auto written = fields_.text(key);
    if (!written) return;
    const auto parsed = parse_duration(*written);
    const Place place = fields_.find(key)->place;
    if (!parsed)
      findings_.error(place, std::string(key) + ": \"" + *written + "\" is not a duration: write 250ms, 2s, 5m or 1h");
    else if (*parsed < least || *parsed > most)
      findings_.error(place, std::string(key) + ": \"" + *written + "\" must lie between " + format_duration(least) +
                                 " and " + format_duration(most));
    else
      into = *parsed;
  }

  Findings& findings_;
  AlertSource& source_;
  std::vector<std::string_view> keys_;
  Fields fields_;
};

std::optional<Kind> kind_of(Findings& findings, const Value& item, const Fields& fields) {
  std::optional<Kind> kind;
  for (std::size_t i = 0; i < std::size(alert_kinds); ++i) {
    if (fields.find(alert_kinds[i]) == nullptr) continue;
    if (kind) {
      findings.error(item.place,
                     "an alert source is one of them, not both " + std::string(name(*kind)) + " and " +
                         std::string(alert_kinds[i]),
                     "begin another one with `- `");
      return std::nullopt;
    }
    kind = static_cast<Kind>(i);
  }
  if (!kind && fields.is_map() && item.node->entries.empty())
    findings.error(item.place, "an alert source is empty", "it is one of " + enumerated(alert_kinds));
  return kind;
}

/// `- file: hold` says all there is to say.
bool is_short_file(const AlertSource& source, const Value& value) {
  return source.kind == Kind::file && value.node->kind == Node::Kind::scalar;
}

/// `- health: wal_archiving`: how it is judged stands in the settings.
std::string health_signal(Findings& findings, const Value& value) {
  const auto written = Values(findings).text("health", value);
  if (!written) return "";
  if (std::ranges::find(health_signals, *written) == std::end(health_signals))
    findings.error(value.place, "health: there is no signal " + *written, "it is one of " + enumerated(health_signals));
  return *written;
}

bool asks_the_same(const AlertSource& a, const AlertSource& b) {
  const bool says_what = !a.url.empty() || !a.query.empty() || !a.argv.empty() || !a.path.empty();
  return says_what && std::tie(a.kind, a.url, a.match, a.query, a.replica, a.argv, a.path) ==
                          std::tie(b.kind, b.url, b.match, b.query, b.replica, b.argv, b.path);
}

}  // namespace

std::vector<AlertSource> read_alerts(Findings& findings, const Value& list, const std::string& file,
                                     std::string_view key) {
  std::vector<AlertSource> sources;
  const Values values(findings);
  for (const Value& item : values.list(key, list)) {
    const Fields fields(findings, item, "an alert source", alert_kinds);
    const auto kind = kind_of(findings, item, fields);
    if (!kind) continue;
    AlertSource source;
    source.kind = *kind;
    source.clear = default_clear(*kind);
    source.every = default_every(*kind);
    source.folder = std::filesystem::path(file).parent_path().string();
    source.source = file + ":" + std::to_string(item.place.line) + ":" + std::to_string(item.place.column);
    const Value& value = *fields.find(name(*kind));
    if (source.kind == Kind::health && key == "alerts")
      findings.error(item.place, "alerts: the database's own signals hold a plan without being named",
                     "settings under health say how each is judged; a plan's turn_back may name one");
    else if (source.kind == Kind::health)
      source.query = health_signal(findings, value);
    else if (is_short_file(source, value))
      source.path = values.text("file", value).value_or("");
    else
      SourceReader(findings, value, source).read();
    if (std::ranges::any_of(sources, [&](const AlertSource& other) { return asks_the_same(other, source); }))
      findings.error(item.place, "this alert source is given twice: " + name_of(source), "keep one");
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace switchback::plan_file
