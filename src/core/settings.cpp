#include "switchback/core/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>

#include "switchback/core/brownout.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/hours.hpp"
#include "switchback/core/nearest.hpp"
#include "switchback/core/units.hpp"

namespace switchback {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view policies = "required|optional|ignore";

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
    SettingSpec{"approve.expand", "", "words",
                "who must approve the expand phase, a role each: `person` is anybody but who registered the plan, "
                "another word a member of that group",
                false, false},
    SettingSpec{"approve.migrate", "", "words", "the same for the migrate phase", false, false},
    SettingSpec{"approve.contract", "", "words", "the same for the contract phase, beside contract.approvals", false,
                false},
    SettingSpec{"contract.brownout", "none", "stretches",
                "how long nobody may use the old columns, to see who complains, before they are hidden", true, false},
    SettingSpec{"brownout.log", "", "text",
                "where refusals are seen: `server`, or a csv or json log, or its folder, on the runner's machine",
                false, false},
    SettingSpec{"backfill.workers", "1", "integer", "how many connections a backfill uses", true, true},
    SettingSpec{"backfill.gentle", "off", "boolean", "short batches with long rests: the least that others notice",
                true, true},
    SettingSpec{"backfill.hours", "", "hours", "the times of the day in which a backfill may run", true, true},
    SettingSpec{"backfill.batch.target", "25ms", "duration", "how long a batch should take to execute", true, true},
    SettingSpec{"backfill.batch.max_wal", "1MB", "bytes", "how much WAL a batch may write", true, true},
    SettingSpec{"backfill.synchronous_commit", "on", "boolean", "whether batches wait for their commit to be flushed",
                true, true},
    SettingSpec{"backfill.vacuum", "on", "boolean",
                "whether a table that autovacuum does not look after is vacuumed after its backfill", true, true},
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
    SettingSpec{"health.replicas.*.connect", "", "text", "how the replica is reached, to read it directly", false,
                false},
    SettingSpec{"health.replicas.*.queries.none", "", "text",
                "why no queries run on the replica: usage evidence does without it", false, false},
    SettingSpec{"health.replicas.*", "required", policies, "what a replica that lags or cannot be read means", true,
                true},
    SettingSpec{"health.slots.safe_wal", "25%", "percent",
                "share of max_slot_wal_keep_size that must be left to every slot", true, true},
    SettingSpec{"health.slots.policy", "required", policies, "what slots that cannot be read mean", true, true},
    SettingSpec{"health.wal_archiving.backlog", "1GB", "bytes", "how much WAL may wait to be archived", true, true},
    SettingSpec{"health.wal_archiving.policy", "required", policies, "what archiving that cannot be read means", true,
                true},
    SettingSpec{"health.free_space.exec", "", "words", "command that prints what is free: `23%` or `120GB`", false,
                false},
    SettingSpec{"health.free_space.min", "20%", "percent or bytes", "how much must be free, as the command prints it",
                true, true},
    SettingSpec{"health.free_space.policy", "required", policies, "what a command that fails means", true, true},
    SettingSpec{"health.sync_rep.limit", "1s", "duration", "how long a commit may wait for a synchronous standby", true,
                true},
    SettingSpec{"health.sync_rep.policy", "required", policies, "what waits that cannot be read mean", true, true},
    SettingSpec{"health.waiters.slow", "1s", "duration", "how long a session may wait for a batch before it slows",
                true, true},
    SettingSpec{"health.waiters.cancel", "3s", "duration", "and before the batch is cancelled", true, true},
    SettingSpec{"health.active_sessions.limit", "0", "integer",
                "active sessions of others over which it slows; two a core is a good start, 0: not looked at", true,
                true},
    SettingSpec{"health.checkpoints.requested", "2", "integer",
                "requested checkpoints that slow it, when they outnumber timed ones; 0: not looked at", true, true},
    SettingSpec{"health.checkpoints.window", "5m", "duration", "the time over which checkpoints are counted", true,
                true},
    SettingSpec{"health.wraparound.age", "90%", "percent",
                "share of autovacuum_freeze_max_age over which a table of the plan slows it; 0%: not looked at", true,
                true},
    SettingSpec{"health.dead_rows.factor", "2", "integer",
                "dead rows that slow it, in times of what starts autovacuum; 0: not looked at", true, true},
    SettingSpec{"scratch", "", "text", "server on which schema clones are made; left out: a throwaway one, here", false,
                false},
    SettingSpec{"scratch.none", "", "text", "why no schema clone may be made", false, false},
    SettingSpec{"images.live.application_name", "{image}", "text",
                "how a session names its image; `{name}` and `{tag}` stand for what is around its last colon", false,
                false},
    SettingSpec{"images.live.role", "", "text", "the login role of an image, where each has one: `app_{tag}`", false,
                false},
    SettingSpec{"images.horizon_time", "7d", "duration", "how long after an image was replaced one may want it back",
                false, false},
    SettingSpec{"images.pgbouncer", "", "connections", "admin consoles of the poolers, to ask for their clients", false,
                false},
    SettingSpec{"backup.pgbackrest.stanza", "", "text",
                "whose newest backup must be younger than max_age before a drop, as `pgbackrest info` says", false,
                false},
    SettingSpec{"backup.barman.server", "", "text", "the same, as `barman list-backups` says", false, false},
    SettingSpec{"backup.command", "", "words", "command that ends with 0 when there is a backup to go back to", false,
                false},
    SettingSpec{"backup.max_age", "24h", "duration", "how old the newest backup may be", false, false},
    SettingSpec{"backup.none", "", "text", "why this database needs no backup before a contract", true, false},
    SettingSpec{"drill.required", "0s", "duration",
                "how old the last passed drill of a plan may be when it is run; 0s: none is asked for", true, false},
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
    Bounds{"health.waiters.slow", milliseconds(1), year, "a wait is never below nothing"},
    Bounds{"health.waiters.cancel", milliseconds(1), year, "a wait is never below nothing"},
    Bounds{"health.replication_lag.limit", milliseconds(1), year, "a lag is never below nothing"},
};

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
  if ((key.starts_with("contract.") || key == "drill.required") && duration->count() % 1000 != 0)
    return "must be whole seconds";
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

ReplicaPolicy policy(std::string_view text) {
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
    Assignment{"approve.expand", [](Settings& s, std::string_view text) { s.approve_expand = *parse_words(text); }},
    Assignment{"approve.migrate", [](Settings& s, std::string_view text) { s.approve_migrate = *parse_words(text); }},
    Assignment{"approve.contract", [](Settings& s, std::string_view text) { s.approve_contract = *parse_words(text); }},
    Assignment{"contract.brownout", [](Settings& s, std::string_view text) { s.brownout = *parse_stretches(text); }},
    Assignment{"brownout.log", [](Settings& s, std::string_view text) { s.brownout_log = text; }},
    Assignment{"backfill.workers",
               [](Settings& s, std::string_view text) { s.workers = static_cast<int>(*parse_integer(text)); }},
    Assignment{"backfill.gentle", [](Settings& s, std::string_view text) { s.gentle = *parse_boolean(text); }},
    Assignment{"backfill.hours", [](Settings& s, std::string_view text) { s.hours = *parse_hours(text); }},
    Assignment{"backfill.batch.target", [](Settings& s, std::string_view text) { s.batch_target = duration(text); }},
    Assignment{"backfill.batch.max_wal",
               [](Settings& s, std::string_view text) { s.batch_max_wal = *parse_bytes(text); }},
    Assignment{"backfill.synchronous_commit",
               [](Settings& s, std::string_view text) { s.synchronous_commit = *parse_boolean(text); }},
    Assignment{"backfill.vacuum", [](Settings& s, std::string_view text) { s.vacuum = *parse_boolean(text); }},
    Assignment{"backfill.quarantine.rows",
               [](Settings& s, std::string_view text) { s.quarantine_rows = *parse_integer(text); }},
    Assignment{"backfill.quarantine.share",
               [](Settings& s, std::string_view text) { s.quarantine_share = *parse_share(text); }},
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
    Assignment{"health.slots.safe_wal",
               [](Settings& s, std::string_view text) { s.health.slots_safe_wal = *parse_share(text); }},
    Assignment{"health.slots.policy", [](Settings& s, std::string_view text) { s.health.slots = policy(text); }},
    Assignment{"health.wal_archiving.backlog",
               [](Settings& s, std::string_view text) { s.health.wal_backlog = *parse_bytes(text); }},
    Assignment{"health.wal_archiving.policy",
               [](Settings& s, std::string_view text) { s.health.wal_archiving = policy(text); }},
    Assignment{"health.free_space.exec",
               [](Settings& s, std::string_view text) { s.health.free_space_exec = *parse_words(text); }},
    Assignment{"health.free_space.min",
               [](Settings& s, std::string_view text) { s.health.free_space_min = *parse_room(text); }},
    Assignment{"health.free_space.policy",
               [](Settings& s, std::string_view text) { s.health.free_space = policy(text); }},
    Assignment{"health.sync_rep.limit",
               [](Settings& s, std::string_view text) { s.health.sync_rep_limit = duration(text); }},
    Assignment{"health.sync_rep.policy", [](Settings& s, std::string_view text) { s.health.sync_rep = policy(text); }},
    Assignment{"health.waiters.slow",
               [](Settings& s, std::string_view text) { s.health.waiters_slow = duration(text); }},
    Assignment{"health.waiters.cancel",
               [](Settings& s, std::string_view text) { s.health.waiters_cancel = duration(text); }},
    Assignment{"health.active_sessions.limit",
               [](Settings& s, std::string_view text) { s.health.active_sessions = *parse_integer(text); }},
    Assignment{"health.checkpoints.requested",
               [](Settings& s, std::string_view text) { s.health.checkpoints_requested = *parse_integer(text); }},
    Assignment{"health.checkpoints.window",
               [](Settings& s, std::string_view text) { s.health.checkpoints_window = duration(text); }},
    Assignment{"health.wraparound.age",
               [](Settings& s, std::string_view text) { s.health.wraparound_age = *parse_share(text); }},
    Assignment{"health.dead_rows.factor",
               [](Settings& s, std::string_view text) { s.health.dead_rows_factor = *parse_integer(text); }},
    Assignment{"scratch", [](Settings& s, std::string_view text) { s.scratch = text; }},
    Assignment{"scratch.none", [](Settings& s, std::string_view text) { s.scratch_none = text; }},
    Assignment{"images.live.application_name", [](Settings& s, std::string_view text) { s.live_application = text; }},
    Assignment{"images.live.role", [](Settings& s, std::string_view text) { s.live_role = text; }},
    Assignment{"images.horizon_time", [](Settings& s, std::string_view text) { s.horizon_time = seconds(text); }},
    Assignment{"images.pgbouncer", [](Settings& s, std::string_view text) { s.pgbouncer = *parse_words(text); }},
    Assignment{"backup.pgbackrest.stanza", [](Settings& s, std::string_view text) { s.backup_pgbackrest = text; }},
    Assignment{"backup.barman.server", [](Settings& s, std::string_view text) { s.backup_barman = text; }},
    Assignment{"backup.command", [](Settings& s, std::string_view text) { s.backup_command = *parse_words(text); }},
    Assignment{"backup.max_age", [](Settings& s, std::string_view text) { s.backup_max_age = seconds(text); }},
    Assignment{"backup.none", [](Settings& s, std::string_view text) { s.backup_none = text; }},
    Assignment{"drill.required", [](Settings& s, std::string_view text) { s.drill_required = seconds(text); }},
};
static_assert(assignments.size() + 3 == specs.size(), "the keys with a free part are assigned by their names");

constexpr std::string_view replica_key = "health.replicas.";
constexpr std::string_view connect_key = ".connect";
constexpr std::string_view queries_none_key = ".queries.none";

/// The name of the replica in `health.replicas.NAME` with `what` behind it; empty for any other key.
std::string_view replica_in(std::string_view key, std::string_view what) {
  if (!key.starts_with(replica_key) || !key.ends_with(what)) return {};
  if (key.size() <= replica_key.size() + what.size()) return {};
  return key.substr(replica_key.size(), key.size() - replica_key.size() - what.size());
}

std::string where(const SettingValue& value) {
  return value.source.empty() ? "" : value.source + ": ";
}

void assign(Settings& settings, const SettingValue& value) {
  if (const std::string_view replica = replica_in(value.key, connect_key); !replica.empty()) {
    settings.replica_connect[std::string(replica)] = value.value;
    return;
  }
  if (const std::string_view replica = replica_in(value.key, queries_none_key); !replica.empty()) {
    settings.replica_queries_none[std::string(replica)] = value.value;
    return;
  }
  if (value.key.starts_with(replica_key)) {
    settings.replicas[value.key.substr(replica_key.size())] = policy(value.value);
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

bool is_family(const SettingSpec& spec) {
  return spec.key.find('*') != std::string_view::npos;
}

bool is_connection(std::string_view key) {
  return key == "database" || key == "scratch" || key == "images.pgbouncer" || !replica_in(key, connect_key).empty();
}

const SettingSpec* setting_spec(std::string_view key) {
  const auto matches = [key](const SettingSpec& spec) {
    if (!is_family(spec)) return spec.key == key;
    const std::size_t star = spec.key.find('*');
    const std::string_view before = spec.key.substr(0, star);
    const std::string_view after = spec.key.substr(star + 1);
    return key.size() > before.size() + after.size() && key.starts_with(before) && key.ends_with(after);
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
  if (spec->form == "percent" && !parse_share(value)) return "is not a share: write 0.1% or 20%";
  if (spec->form == "percent or bytes" && !parse_room(value)) return "is neither a share nor a size: write 20% or 50GB";
  if (spec->form == "words" && parse_words(value).value_or(std::vector<std::string>()).empty())
    return "is not a command: write a list of words, or a line with every quote closed";
  if (spec->form == "connections" && parse_words(value).value_or(std::vector<std::string>()).empty())
    return "is not a list of connection strings: write each in quotes";
  if (spec->form == "boolean" && !parse_boolean(value)) return "must be on or off";
  if (spec->form == "hours" && !parse_hours(value))
    return "is not a list of hours: write \"22:00-06:00 Europe/Berlin, 12:00-13:00\"";
  if (spec->form == "stretches" && !parse_stretches(value))
    return "is not a list of stretches of whole seconds, a day at most: write \"5s, 60s, 1h\", on or none";
  if (spec->form == "text" && value.empty()) return "must not be empty";
  if (spec->form.find('|') != std::string_view::npos) return choice_misfit(spec->form, value);
  return std::nullopt;
}

Settings resolve(std::span<const SettingValue> values) {
  std::vector<const SettingValue*> ordered;
  for (const SettingValue& value : values) {
    if (const auto why = misfit(value.key, value.value))
      throw Error(Exit::invalid, Remedy::person,
                  where(value) + value.key + ": " + (is_connection(value.key) ? "" : "\"" + value.value + "\" ") + *why,
                  "`switchback config show` lists every setting with its value and where it came from");
    // Whoever may write to the journal must not get by this what neither `set` nor a plan may say: a command, say.
    const SettingSpec& spec = *setting_spec(value.key);
    if ((value.origin == Origin::live && !spec.live) || (value.origin == Origin::plan && !spec.in_plan))
      throw Error(Exit::invalid, Remedy::person,
                  where(value) + value.key + " cannot be set " +
                      (value.origin == Origin::plan ? "by a plan" : "while a plan runs"),
                  "write it in switchback.yaml");
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
