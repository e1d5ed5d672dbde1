/// Alert sources: what the configuration names beside the database that may hold the migrate phase. Pure.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/signals.hpp"

namespace switchback {

/// One entry of `alerts` in switchback.yaml.
struct AlertSource {
  enum class Kind { alertmanager, prometheus, http, sql, exec, file, health };
  Kind kind = Kind::file;
  std::string url;                 ///< alertmanager, prometheus, http
  std::vector<std::string> match;  ///< alertmanager: matchers, all of which an alert must fit; none: every alert
  std::string query;               ///< prometheus: PromQL; sql: one query; health: the signal's name
  int expect = 200;                ///< http
  std::string replica;             ///< sql: where to ask; empty: the primary
  std::vector<std::string> argv;   ///< exec: no shell
  std::string path;                ///< file: as given
  std::string folder;     ///< that of the configuration: relative paths of files, certificates and programs start here
  std::string ca;         ///< certificates to trust beside the system's
  std::string token_env;  ///< the environment variable that holds a bearer token, or `user:password`
  bool required = true;   ///< false: no hold when it cannot be read
  std::chrono::milliseconds clear{3000};
  std::chrono::milliseconds every{5000};
  std::chrono::milliseconds timeout{2000};
  std::string source;  ///< "switchback.yaml:9:5"; for people
};

constexpr std::string_view alert_kinds[] = {"alertmanager", "prometheus", "http", "sql", "exec", "file", "health"};
/// The database's own signals, as the settings under `health` and `replicas` judge them. They hold a backfill by
/// themselves; a plan may name them for turning back.
constexpr std::string_view health_signals[] = {"replication", "slots",    "wal_archiving",   "free_space",
                                               "sync_rep",    "waiters",  "active_sessions", "checkpoints",
                                               "wraparound",  "dead_rows"};
std::string_view name(AlertSource::Kind kind);
/// What `clear` and `every` are where the configuration does not say.
std::chrono::milliseconds default_clear(AlertSource::Kind kind);
std::chrono::milliseconds default_every(AlertSource::Kind kind);

/// "alertmanager http://alerts:9093 severity="page"": the name of its signal. Holds no password.
std::string name_of(const AlertSource& source);
/// The same with everything else that is set; for `config show`.
std::string description_of(const AlertSource& source);
/// The path as it is opened: relative ones from the configuration's folder.
std::string path_from(const std::string& folder, const std::string& path);

/// Why `text` is no matcher of Alertmanager (`name="value"`, also `!=`, `=~`, `!~`); empty when it is one.
std::string matcher_problem(std::string_view text);
/// The address that lists the active, not silenced, not inhibited alerts that fit the matchers.
std::string alerts_url(const AlertSource& source);
/// The address of an instant query.
std::string query_url(const AlertSource& source);

/// After so long without a new reading the last one says nothing any more.
std::chrono::milliseconds freshness(const AlertSource& source);
/// The signal that says how the source itself is; `reason` is empty when it is good.
Signal source_signal(const AlertSource& source, Monotonic at, Signal::State state, const std::string& reason);

/// One alert that fires.
struct FiringAlert {
  std::string fingerprint;
  std::map<std::string, std::string> labels;
  std::string summary;
};
/// `alert DiskFull {host="a", mount="/var"}`
std::string name_of(const FiringAlert& alert);

/// What successive answers of one Alertmanager mean. An alert stays in the list, good, until it has been absent from
/// every answer for `clear`; an answer that failed, or did not come for too long, starts that time again. Not thread
/// safe.
class AlertMemory {
 public:
  explicit AlertMemory(AlertSource source) : source_(std::move(source)) {}
  std::vector<Signal> answered(Monotonic at, const std::vector<FiringAlert>& firing);
  std::vector<Signal> unreadable(Monotonic at, const std::string& why);

 private:
  struct Known {
    std::string name;
    std::optional<Monotonic> absent_since;
  };
  Signal signal_of(const std::string& name, Monotonic at) const;

  AlertSource source_;
  std::map<std::string, Known> known_;  ///< by fingerprint
  std::optional<Monotonic> last_answer_;
};

/// Signals of the same name become one that says the worst of them: two Alertmanagers report one alert, one of them not
/// any more.
std::vector<Signal> merged(std::vector<Signal> signals);

}  // namespace switchback
