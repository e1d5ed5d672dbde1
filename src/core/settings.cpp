#include "switchback/core/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>

#include "switchback/core/error.hpp"
#include "switchback/core/hours.hpp"
#include "switchback/core/nearest.hpp"
#include "switchback/core/units.hpp"

namespace switchback {
namespace {

using std::chrono::milliseconds;

constexpr std::array specs = {
    SettingSpec{"environment", "production", "production|staging|development",
                "how much is asked before anything destructive", false, false},
    SettingSpec{"database", "", "text", "connection string or URI, as libpq takes it", false, false},
    SettingSpec{"lock_timeout", "2s", "duration", "how long a statement may wait for a lock, and others behind it",
                true, true},
    SettingSpec{"lease", "15s", "duration", "how long a silent runner keeps its plan", false, false},
    SettingSpec{"contract.observe", "24h", "duration", "how long the old side must have been seen unused", true, false},
    SettingSpec{"contract.soak", "72h", "duration", "how long the old side stays hidden before it is dropped", true,
                false},
    SettingSpec{"contract.archive", "30d", "duration", "how long the archive of what was dropped is kept", true, false},
    SettingSpec{"contract.approvals", "0", "integer", "how many roles must approve the contract phase", true, false},
    SettingSpec{"backfill.workers", "1", "integer", "how many connections a backfill uses", true, true},
    SettingSpec{"backfill.gentle", "off", "boolean", "short batches with long rests: the least that others notice",
                true, true},
    SettingSpec{"backfill.hours", "", "hours", "the times of the day in which a backfill may run", true, true},
    SettingSpec{"backfill.batch.target", "25ms", "duration", "how long a batch should take to execute", true, true},
    SettingSpec{"backfill.batch.max_wal", "1MB", "bytes", "how much WAL a batch may write", true, true},
    SettingSpec{"backfill.synchronous_commit", "on", "boolean", "whether batches wait for their commit to be flushed",
                true, true},
    SettingSpec{"backfill.quarantine.rows", "100", "integer", "rows that may fail to convert before the plan holds",
                true, true},
    SettingSpec{"backfill.quarantine.share", "0.1%", "percent", "the same as a share of the table's rows", true, true},
    SettingSpec{"backfill.user_triggers", "", "fire|skip", "what a backfill does about the table's own triggers", true,
                false},
    SettingSpec{"health.grace", "15s", "duration", "how long a signal may be unreadable before it holds", true, true},
    SettingSpec{"health.replication_lag.target", "500ms", "duration", "lag towards which the backfill is slowed", true,
                true},
    SettingSpec{"health.replication_lag.limit", "1s", "duration", "lag over which the backfill holds", true, true},
    SettingSpec{"health.replication_lag.clear", "3s", "duration", "how long the lag must stay under its target", true,
                true},
    SettingSpec{"health.replicas.*", "required", "required|optional|ignore",
                "what a replica that lags or cannot be read means", true, true},
    SettingSpec{"backup.none", "", "text", "why this database needs no backup before a contract", true, false},
};

/// What a duration may be, where not everything from nothing to a century makes sense.
struct Bounds {
  std::string_view key;
  milliseconds least;
  milliseconds most;
  std::string_view why;
};
constexpr milliseconds year{365LL * 24 * 3600 * 1000};
constexpr std::array bounds = {
    Bounds{"lock_timeout", milliseconds(1), std::chrono::hours(1),
           "without a limit one lock would stop the application"},
    Bounds{"lease", milliseconds(1000), std::chrono::hours(1), "a runner renews it every third of this time"},
    Bounds{"backfill.batch.target", milliseconds(1), std::chrono::minutes(1), "row locks last as long as a batch"},
    Bounds{"health.replication_lag.limit", milliseconds(1), year, "a lag is never below nothing"},
};

std::optional<double> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 100)) return std::nullopt;
  return value / 100;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "on" || text == "true" || text == "yes") return true;
  if (text == "off" || text == "false" || text == "no") return false;
  return std::nullopt;
}

std::vector<std::string_view> choices(std::string_view form) {
  std::vector<std::string_view> result;
  while (true) {
    const std::size_t bar = form.find('|');
    result.push_back(form.substr(0, bar));
    if (bar == std::string_view::npos) return result;
    form.remove_prefix(bar + 1);
  }
}

std::optional<std::string> duration_misfit(std::string_view key, std::string_view value) {
  const auto duration = parse_duration(value);
  if (!duration) return "is not a duration: write 250ms, 2s, 5m, 24h or 30d";
  if (*duration > 100 * year) return "is over a century";
  if (key.starts_with("contract.") && duration->count() % 1000 != 0) return "must be whole seconds";
  const auto bound = std::ranges::find(bounds, key, &Bounds::key);
  if (bound == bounds.end() || (*duration >= bound->least && *duration <= bound->most)) return std::nullopt;
  return "must lie between " + format_duration(bound->least) + " and " + format_duration(bound->most) + ": " +
         std::string(bound->why);
}

std::optional<std::string> integer_misfit(std::string_view key, std::string_view value) {
  const auto number = parse_integer(value);
  const bool workers = key == "backfill.workers";
  const std::int64_t most = key == "contract.approvals" ? 100 : workers ? 64 : std::numeric_limits<std::int64_t>::max();
  if (!number || *number < 0) return "is not a whole number, 0 or more";
  if (workers && *number == 0) return "must be 1 or more: switchback pause is what stops a backfill";
  if (*number > most) return "is more than " + std::to_string(most);
  return std::nullopt;
}

std::optional<std::string> choice_misfit(std::string_view form, std::string_view value) {
  const auto allowed = choices(form);
  if (std::ranges::find(allowed, value) != allowed.end()) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < allowed.size(); ++i)
    text += (i == 0 ? "" : i + 1 == allowed.size() ? " or " : ", ") + std::string(allowed[i]);
  return "must be " + text;
}

milliseconds duration(std::string_view text) {
  return parse_duration(text).value_or(milliseconds(0));
}
std::chrono::seconds seconds(std::string_view text) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration(text));
}

Environment environment(std::string_view text) {
  if (text == "staging") return Environment::staging;
  return text == "development" ? Environment::development : Environment::production;
}

ReplicaPolicy replica_policy(std::string_view text) {
  if (text == "optional") return ReplicaPolicy::optional;
  return text == "ignore" ? ReplicaPolicy::ignore : ReplicaPolicy::required;
}

/// One key of the registry put into its typed place. `text` fits: misfit() has been asked.
using Assign = void (*)(Settings&, std::string_view text);
struct Assignment {
  std::string_view key;
  Assign assign;
};
constexpr std::array assignments = {
    Assignment{"environment", [](Settings& s, std::string_view text) { s.environment = environment(text); }},
    Assignment{"database", [](Settings& s, std::string_view text) { s.database = text; }},
    Assignment{"lock_timeout", [](Settings& s, std::string_view text) { s.lock_timeout = duration(text); }},
    Assignment{"lease", [](Settings& s, std::string_view text) { s.lease = duration(text); }},
    Assignment{"contract.observe", [](Settings& s, std::string_view text) { s.observe = seconds(text); }},
    Assignment{"contract.soak", [](Settings& s, std::string_view text) { s.soak = seconds(text); }},
    Assignment{"contract.archive", [](Settings& s, std::string_view text) { s.archive = seconds(text); }},
    Assignment{"contract.approvals",
               [](Settings& s, std::string_view text) { s.approvals = static_cast<int>(*parse_integer(text)); }},
    Assignment{"backfill.workers",
               [](Settings& s, std::string_view text) { s.workers = static_cast<int>(*parse_integer(text)); }},
    Assignment{"backfill.gentle", [](Settings& s, std::string_view text) { s.gentle = *parse_boolean(text); }},
    Assignment{"backfill.hours", [](Settings& s, std::string_view text) { s.hours = *parse_hours(text); }},
    Assignment{"backfill.batch.target", [](Settings& s, std::string_view text) { s.batch_target = duration(text); }},
    Assignment{"backfill.batch.max_wal",
               [](Settings& s, std::string_view text) { s.batch_max_wal = *parse_bytes(text); }},
    Assignment{"backfill.synchronous_commit",
               [](Settings& s, std::string_view text) { s.synchronous_commit = *parse_boolean(text); }},
    Assignment{"backfill.quarantine.rows",
               [](Settings& s, std::string_view text) { s.quarantine_rows = *parse_integer(text); }},
    Assignment{"backfill.quarantine.share",
               [](Settings& s, std::string_view text) { s.quarantine_share = *parse_percent(text); }},
    Assignment{
        "backfill.user_triggers",
        [](Settings& s,
           std::string_view text) { s.user_triggers = text == "fire" ? UserTriggers::fire : UserTriggers::skip; }},
    Assignment{"health.grace", [](Settings& s, std::string_view text) { s.health_grace = duration(text); }},
    Assignment{"health.replication_lag.target",
               [](Settings& s, std::string_view text) { s.lag_target = duration(text); }},
    Assignment{"health.replication_lag.limit",
               [](Settings& s, std::string_view text) { s.lag_limit = duration(text); }},
    Assignment{"health.replication_lag.clear",
               [](Settings& s, std::string_view text) { s.lag_clear = duration(text); }},
    Assignment{"backup.none", [](Settings& s, std::string_view text) { s.backup_none = text; }},
};
static_assert(assignments.size() + 1 == specs.size(), "health.replicas.* is the one key that is assigned by its name");

std::string where(const SettingValue& value) {
  return value.source.empty() ? "" : value.source + ": ";
}

void assign(Settings& settings, const SettingValue& value) {
  constexpr std::string_view replicas = "health.replicas.";
  if (value.key.starts_with(replicas)) {
    settings.replicas[value.key.substr(replicas.size())] = replica_policy(value.value);
    return;
  }
  const auto assignment = std::ranges::find(assignments, value.key, &Assignment::key);
  if (assignment == assignments.end()) throw Error(Exit::failed, Remedy::bug, "no place for setting " + value.key);
  assignment->assign(settings, value.value);
}

}  // namespace

std::span<const SettingSpec> setting_specs() {
  return specs;
}

const SettingSpec* setting_spec(std::string_view key) {
  const auto matches = [key](const SettingSpec& spec) {
    if (!spec.key.ends_with(".*")) return spec.key == key;
    const std::string_view stem = spec.key.substr(0, spec.key.size() - 1);
    return key.starts_with(stem) && key.size() > stem.size();
  };
  const auto found = std::ranges::find_if(specs, matches);
  return found == specs.end() ? nullptr : &*found;
}

std::optional<std::string> nearest_setting(std::string_view key) {
  std::vector<std::string_view> keys;
  keys.reserve(specs.size());
  for (const SettingSpec& spec : specs) keys.push_back(spec.key);
  if (auto found = nearest(key, keys)) return found;
  // `target` or `lag.limit`: the tail of exactly one known key.
  const auto tail = [key](std::string_view known) { return known.ends_with("." + std::string(key)); };
  if (key.empty() || std::ranges::count_if(keys, tail) != 1) return std::nullopt;
  return std::string(*std::ranges::find_if(keys, tail));
}

std::optional<std::string> misfit(std::string_view key, std::string_view value) {
  const SettingSpec* spec = setting_spec(key);
  if (spec == nullptr) {
    const auto near = nearest_setting(key);
    return "is not a setting" + (near ? ": did you mean " + *near + "?" : std::string());
  }
  if (spec->form == "duration") return duration_misfit(key, value);
  if (spec->form == "integer") return integer_misfit(key, value);
  if (spec->form == "bytes") {
    const auto bytes = parse_bytes(value);
    if (!bytes) return "is not a size: write 500kB, 1MB or 64MiB";
    return *bytes > 0 ? std::nullopt : std::optional<std::string>("must be more than nothing");
  }
  if (spec->form == "percent" && !parse_percent(value)) return "is not a share: write 0.1% or 20%";
  if (spec->form == "boolean" && !parse_boolean(value)) return "must be on or off";
  if (spec->form == "hours" && !parse_hours(value))
    return "is not a list of hours: write \"22:00-06:00 Europe/Berlin, 12:00-13:00\"";
  if (spec->form == "text" && value.empty()) return "must not be empty";
  if (spec->form.find('|') != std::string_view::npos) return choice_misfit(spec->form, value);
  return std::nullopt;
}

Settings resolve(std::span<const SettingValue> values) {
  std::vector<const SettingValue*> ordered;
  for (const SettingValue& value : values) {
    if (const auto why = misfit(value.key, value.value))
      throw Error(Exit::invalid, Remedy::person, where(value) + value.key + ": \"" + value.value + "\" " + *why,
                  "`switchback config show` lists every setting with its value and where it came from");
    ordered.push_back(&value);
  }
  std::ranges::stable_sort(ordered, {}, [](const SettingValue* value) { return value->origin; });
  Settings settings;
  for (const SettingValue* value : ordered) assign(settings, *value);
  // A limit set below the target means it: the backfill then goes from full speed to holding.
  settings.lag_target = std::min(settings.lag_target, settings.lag_limit);
  return settings;
}

std::string_view name(Environment environment) {
  switch (environment) {
    case Environment::production:
      return "production";
    case Environment::staging:
      return "staging";
    case Environment::development:
      return "development";
  }
  return "production";
}

}  // namespace switchback
