#include "switchback/core/alerts.hpp"

#include <algorithm>

#include "switchback/core/units.hpp"
#include "switchback/core/url.hpp"

namespace switchback {
namespace {

using std::chrono::milliseconds;
using Kind = AlertSource::Kind;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// One line, not endless: queries are written over many.
std::string in_one_line(std::string_view text) {
  constexpr std::size_t most = 120;
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  if (line.size() <= most) return line;
  std::size_t cut = most;
  while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0U) == 0x80U) --cut;  // not within a letter
  return line.substr(0, cut) + "…";
}

std::string without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

std::string subject_of(const AlertSource& source) {
  switch (source.kind) {
    case Kind::alertmanager:
      return masked_url(source.url) + (source.match.empty() ? "" : " " + joined(source.match));
    case Kind::prometheus:
      return in_one_line(source.query) + " at " + masked_url(source.url);
    case Kind::http:
      return masked_url(source.url);
    case Kind::sql:
      return (source.replica.empty() ? "" : "on replica " + source.replica + ": ") + in_one_line(source.query);
    case Kind::exec:
      return joined(source.argv);
    case Kind::file:
      return source.path;
    case Kind::health:
      return source.query;
  }
  return "";
}

std::string clear_words(const std::string& name, milliseconds clear) {
  return name + " has been clear for " + show_duration(clear);
}

/// The worse, the higher.
int badness(Signal::State state) {
  return state == Signal::State::bad ? 2 : state == Signal::State::unknown ? 1 : 0;
}

}  // namespace

std::string_view name(Kind kind) {
  return alert_kinds[static_cast<std::size_t>(kind)];
}

milliseconds default_clear(Kind kind) {
  return kind == Kind::alertmanager || kind == Kind::prometheus ? milliseconds(60'000) : milliseconds(3000);
}

milliseconds default_every(Kind kind) {
  return kind == Kind::file ? milliseconds(1000) : milliseconds(5000);
}

std::string name_of(const AlertSource& source) {
  return std::string(name(source.kind)) + " " + subject_of(source);
}

std::string description_of(const AlertSource& source) {
  std::string text = name_of(source);
  if (source.kind == Kind::http) text += "  expect " + std::to_string(source.expect);
  if (!source.required) text += "  not required";
  text += "  clear " + format_duration(source.clear) + "  every " + format_duration(source.every) + "  timeout " +
          format_duration(source.timeout);
  if (!source.ca.empty()) text += "  ca " + source.ca;
  if (!source.token_env.empty()) text += "  token from " + source.token_env;
  return text;
}

std::string path_from(const std::string& folder, const std::string& path) {
  return path.empty() || path.front() == '/' || folder.empty() ? path : folder + "/" + path;
}

std::string matcher_problem(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto part_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
  };
  std::size_t length = 0;
  while (length < text.size() && part_of_name(text[length])) ++length;
  if (length == 0 || (text.front() >= '0' && text.front() <= '9')) return "it must begin with a label's name";
  text.remove_prefix(length);
  while (text.starts_with(' ')) text.remove_prefix(1);
  for (const std::string_view relation : {"=~", "!~", "!=", "="})
    if (text.starts_with(relation)) {
      text.remove_prefix(relation.size());
      while (text.starts_with(' ')) text.remove_prefix(1);
      const bool opened = text.starts_with('"');
      const bool closed = text.size() > 1 && text.ends_with('"') && !text.ends_with("\\\"");
      return opened != closed ? "its quote is opened or closed only" : "";
    }
  return "after the label's name = != =~ or !~ must follow";
}

std::string alerts_url(const AlertSource& source) {
  std::string url =
      without_slash(source.url) + "/api/v2/alerts?active=true&silenced=false&inhibited=false&unprocessed=false";
  for (const std::string& matcher : source.match) url += "&filter=" + percent_encoded(matcher);
  return url;
}

std::string query_url(const AlertSource& source) {
  return without_slash(source.url) + "/api/v1/query?query=" + percent_encoded(source.query) +
         "&timeout=" + std::to_string(source.timeout.count()) + "ms";
}

milliseconds freshness(const AlertSource& source) {
  return 2 * (source.every + source.timeout);
}

Signal source_signal(const AlertSource& source, Monotonic at, Signal::State state, const std::string& reason) {
  const std::string name = name_of(source);
  Signal signal;
  signal.name = name;
  signal.state = state;
  if (state != Signal::State::good) signal.reason = name + (reason.empty() ? "" : ": " + reason);
  signal.clear = source.clear;
  // After a silence it may have lost its memory: until it has been told again it knows of no alert.
  signal.ends_when = source.kind == Kind::alertmanager ? name + " has answered for " + show_duration(source.clear)
                                                       : clear_words(name, source.clear);
  signal.required = source.required;
  signal.at = at;
  signal.fresh = freshness(source);
  return signal;
}

std::string name_of(const FiringAlert& alert) {
  std::string labels;
  std::string title;
  for (const auto& [label, value] : alert.labels)
    if (label == "alertname")
      title = value;
    else
      labels += (labels.empty() ? "" : ", ") + label + "=\"" + value + "\"";
  if (title.empty()) title = alert.fingerprint;
  return "alert " + title + (labels.empty() ? "" : " {" + labels + "}");
}

Signal AlertMemory::signal_of(const std::string& name, Monotonic at) const {
  Signal signal;
  signal.name = name;
  signal.clear = source_.clear;
  signal.ends_when = clear_words(name, source_.clear);
  signal.at = at;
  signal.fresh = freshness(source_);
  return signal;
}

std::vector<Signal> AlertMemory::answered(Monotonic at, const std::vector<FiringAlert>& firing) {
  // Whoever judges looks at its own times, and later than this: forgotten a little late, nothing is let go early.
  const milliseconds remembered = source_.clear + freshness(source_);
  const bool gap = !last_answer_ || at - *last_answer_ > freshness(source_);
  last_answer_ = at;
  std::vector<Signal> signals{source_signal(source_, at, Signal::State::good, "")};
  std::map<std::string, Known> known;
  for (const FiringAlert& alert : firing) {
    const std::string name = name_of(alert);
    known[alert.fingerprint] = {name, std::nullopt};
    signals.push_back(signal_of(name, at));
    signals.back().state = Signal::State::bad;
    signals.back().reason = name + " fires" + (alert.summary.empty() ? "" : ": " + in_one_line(alert.summary));
  }
  for (auto& [fingerprint, alert] : known_) {
    if (known.contains(fingerprint)) continue;
    if (!alert.absent_since || gap) alert.absent_since = at;
    if (at - *alert.absent_since > remembered) continue;
    signals.push_back(signal_of(alert.name, at));
    signals.back().state = Signal::State::good;
    known.emplace(fingerprint, alert);
  }
  known_ = std::move(known);
  return signals;
}

std::vector<Signal> AlertMemory::unreadable(Monotonic at, const std::string& why) {
  last_answer_.reset();
  std::vector<Signal> signals{source_signal(source_, at, Signal::State::unknown, why)};
  for (auto& [fingerprint, alert] : known_) {
    alert.absent_since.reset();
    signals.push_back(signal_of(alert.name, at));
    signals.back().reason = alert.name + " was firing; now " + name_of(source_) + " cannot be read";
    // What held goes on holding; the source itself says whether not being able to read it is a reason to hold.
    signals.back().required = false;
  }
  return signals;
}

std::vector<Signal> merged(std::vector<Signal> signals) {
  std::vector<Signal> result;
  for (Signal& signal : signals) {
    const auto same = std::ranges::find(result, signal.name, &Signal::name);
    if (same == result.end()) {
      result.push_back(std::move(signal));
      continue;
    }
    const milliseconds clear = std::max(same->clear, signal.clear);
    if (badness(signal.state) > badness(same->state)) *same = std::move(signal);
    same->clear = clear;
  }
  return result;
}

}  // namespace switchback
