/// Every setting, as a flat list of dotted keys; the same keys in switchback.yaml, in a plan, in `set` and (upper case,
/// dots as underscores, SWITCHBACK_ in front) in the environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/hours.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/units.hpp"

namespace switchback {

enum class Environment { production, staging, development };
enum class ReplicaPolicy { required, optional, ignore };
/// What a budget that cannot be read means: required holds after the grace, optional does not, ignore does not look.
using SignalPolicy = ReplicaPolicy;

/// Where each health signal but replication lag begins to be bad. Zero turns a gauge off.
struct HealthLimits {
  SignalPolicy slots = SignalPolicy::required;
  double slots_safe_wal = 0.25;  ///< of max_slot_wal_keep_size
  SignalPolicy wal_archiving = SignalPolicy::required;
  std::int64_t wal_backlog = 1'000'000'000;
  SignalPolicy free_space = SignalPolicy::required;
  std::vector<std::string> free_space_exec;  ///< argv of the probe; empty: none
  Room free_space_min{Room::Unit::share, 0.2};
  SignalPolicy sync_rep = SignalPolicy::required;
  std::chrono::milliseconds sync_rep_limit{1000};
  std::chrono::milliseconds waiters_slow{1000};
  std::chrono::milliseconds waiters_cancel{3000};
  std::int64_t active_sessions = 0;
  std::int64_t checkpoints_requested = 2;
  std::chrono::milliseconds checkpoints_window{300'000};
  double wraparound_age = 0.9;  ///< of autovacuum_freeze_max_age
  std::int64_t dead_rows_factor = 2;
  bool operator==(const HealthLimits&) const = default;
};

/// Typed values with their defaults. Made by resolve(); nobody parses text after that.
struct Settings {
  Environment environment = Environment::production;
  std::string database;  ///< anything libpq takes; empty: DATABASE_URL, PG*
  std::chrono::milliseconds lock_timeout{2000};
  std::chrono::milliseconds lease{15000};
  std::chrono::seconds observe{24 * 3600};
  std::chrono::seconds soak{72 * 3600};
  std::chrono::seconds archive{30 * 24 * 3600};
  int approvals = 0;
  std::vector<std::string> approve_expand;     ///< who must approve, one role each: `person`, or a group's name
  std::vector<std::string> approve_migrate;    ///< likewise
  std::vector<std::string> approve_contract;   ///< likewise; beside `approvals`
  std::vector<std::chrono::seconds> brownout;  ///< stretches; empty: none
  std::string brownout_log;                    ///< `server`, a file or a folder; empty: none
  int workers = 1;
  bool gentle = false;
  std::vector<Hours> hours;  ///< empty: at any time
  std::chrono::milliseconds batch_target{25};
  std::int64_t batch_max_wal = 1'000'000;
  bool synchronous_commit = true;
  bool vacuum = true;
  std::int64_t quarantine_rows = 100;
  double quarantine_share = 0.001;  ///< of the table's rows; whichever of the two is less
  std::optional<UserTriggers> user_triggers;
  std::chrono::milliseconds health_grace{15000};
  std::chrono::milliseconds lag_target{500};
  std::chrono::milliseconds lag_limit{1000};
  std::chrono::milliseconds lag_clear{3000};
  std::map<std::string, ReplicaPolicy> replicas;            ///< by application_name or slot; others are required
  std::map<std::string, std::string> replica_connect;       ///< connection strings; may hold passwords: never shown
  std::map<std::string, std::string> replica_queries_none;  ///< why no queries run on it, by name as above
  HealthLimits health;
  std::string scratch;  ///< connection string of the server for schema clones; empty: a sandbox. Never shown
  std::optional<std::string> scratch_none;   ///< `scratch: { none: reason }`: no clone may be made
  std::string live_application = "{image}";  ///< live_name() of it is a session's application_name
  std::string live_role;                     ///< and of this its role; empty: roles tell nothing
  std::chrono::seconds horizon_time{7 * 24 * 3600};
  std::vector<std::string> pgbouncer;       ///< connection strings; may hold passwords: never shown
  std::optional<std::string> backup_none;   ///< `backup: { none: reason }`
  std::string backup_pgbackrest;            ///< the stanza; empty: pgBackRest is not asked
  std::string backup_barman;                ///< the server as Barman names it; empty: Barman is not asked
  std::vector<std::string> backup_command;  ///< argv; empty: none
  std::chrono::seconds backup_max_age{24 * 3600};
  std::chrono::seconds drill_required{0};  ///< how old the last passed drill of a plan may be; 0: none is asked for
};

/// Where a value came from; narrower ones come later in this order and win.
enum class Origin { built_in, file, plan, environment_variable, flag, live };

struct SettingValue {
  std::string key;    ///< "backfill.batch.target"
  std::string value;  ///< as written
  Origin origin = Origin::built_in;
  std::string source;  ///< "switchback.yaml:4:3", "SWITCHBACK_LEASE", "set by alice until 12:00"; for people
};

/// One row of the registry: what may be set, and what it means.
struct SettingSpec {
  std::string_view key;  ///< `*` stands for a name that the user chooses: "health.replicas.*"
  std::string_view default_value;
  /// "duration", "bytes", "percent", "percent or bytes", "integer", "boolean", "hours", "stretches", "text", "words",
  /// "connections" or "a|b|c"
  std::string_view form;
  std::string_view meaning;  ///< one line
  bool in_plan;              ///< may stand in a plan
  bool live;                 ///< may be changed by `set` while a plan runs
};
std::span<const SettingSpec> setting_specs();
/// Whether the key has a free part: it then stands for any number of settings.
bool is_family(const SettingSpec& spec);
/// Whether the value is a connection string, or a list of them, which may hold passwords.
bool is_connection(std::string_view key);
const SettingSpec* setting_spec(std::string_view key);
/// The known key most like `key`, when one is near enough to be what was meant.
std::optional<std::string> nearest_setting(std::string_view key);

/// Why `value` does not fit `key`, in words; empty when it does.
std::optional<std::string> misfit(std::string_view key, std::string_view value);

/// Last value of each key wins; throws Error(Exit::invalid) naming key and source on the first misfit.
Settings resolve(std::span<const SettingValue> values);

std::string_view name(Environment environment);

}  // namespace switchback
