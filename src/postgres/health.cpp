#include "switchback/postgres/health.hpp"

#include <algorithm>
#include <functional>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"

namespace switchback::postgres {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds table_period{5000};

std::string grant_monitor(ports::Session& session) {
  return "GRANT pg_monitor TO " + session.exec("SELECT pg_catalog.quote_ident(current_user)").text(0, 0);
}

std::string joined(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

constexpr const char* too_long = "the server took too long to answer";

/// One signal's own reading: what fails in it makes it unknown, and no other. But where the server does not answer in
/// time (`slow`), the rest is not asked either: the heartbeat waits for all of this. `unanswered`: what to say then.
Signal guarded(ports::Session& session, bool& slow, const Signal& unanswered, const std::function<Signal()>& read) {
  if (slow) return unanswered;
  try {
    return read();
  } catch (const Error& error) {
    if (error.remedy() == Remedy::reconnect || error.remedy() == Remedy::in_doubt) throw;
    slow = error.sqlstate() == "57014";
    if (slow) return unanswered;
    Signal failed = unanswered;
    failed.reason = failed.name + " cannot be read: " + error.what();
    if (error.sqlstate() == "42501") failed.reason += ": " + grant_monitor(session);
    return failed;
  }
}

constexpr const char* slots_query = R"sql(
SELECT s.slot_name, coalesce(s.wal_status, ''), s.safe_wal_size, p.setting::bigint
FROM pg_catalog.pg_settings p LEFT JOIN pg_catalog.pg_replication_slots s ON true
WHERE p.name = 'max_slot_wal_keep_size' ORDER BY s.slot_name
)sql";

constexpr const char* archiver_query = R"sql(
SELECT pg_catalog.current_setting('archive_mode'),
       CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN last_failed_wal END,
       last_archived_wal, pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()),
       (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size'),
       pg_catalog.has_function_privilege('pg_catalog.pg_ls_archive_statusdir()', 'EXECUTE')
FROM pg_catalog.pg_stat_archiver
)sql";

/// Of other roles' sessions a role without pg_read_all_stats sees that they are there, and nothing of what they do.
/// Background processes belong to no role.
constexpr const char* commits_query = R"sql(
SELECT pg_catalog.current_setting('synchronous_standby_names') <> '',
       pg_catalog.count(*) FILTER (WHERE query = '<insufficient privilege>' AND usesysid IS NOT NULL),
       pg_catalog.string_agg(pid || ' ' || coalesce(query_start, backend_start), ',') FILTER (WHERE wait_event = 'SyncRep')
FROM pg_catalog.pg_stat_activity
)sql";

constexpr const char* active_query = R"sql(
SELECT pg_catalog.count(*) FILTER (WHERE state = 'active' AND backend_type = 'client backend'
                                         AND application_name NOT LIKE 'switchback %'),
       pg_catalog.count(*) FILTER (WHERE query = '<insufficient privilege>' AND usesysid IS NOT NULL)
FROM pg_catalog.pg_stat_activity
)sql";

/// pg_locks shows everybody's locks to everybody. waitstart came with 14, and is empty for a moment.
constexpr const char* waiters_query = R"sql(
SELECT w.pid, 'pid ' || w.pid || coalesce(' (' || nullif(coalesce(nullif(a.application_name, ''), a.usename::text), '') || ')', ''),
       w.seconds, w.behind
FROM (SELECT l.pid, max(%s) AS seconds,
             (SELECT pg_catalog.array_to_string(pg_catalog.array_agg(b), ',')
              FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) AS b WHERE b = ANY ($1::int[])) AS behind
      FROM pg_catalog.pg_locks l WHERE NOT l.granted GROUP BY l.pid) w
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid
WHERE w.behind IS NOT NULL ORDER BY w.seconds DESC NULLS LAST
)sql";

/// The ages against the table's own autovacuum_freeze_max_age, which can only be lower than the server's; a table's
/// TOAST is vacuumed with it. The trigger is the documentation's formula ("The Autovacuum Daemon"), capped since 18.
constexpr const char* tables_query = R"sql(
, leaf AS (
  SELECT oid FROM named WHERE oid IS NOT NULL
  UNION SELECT p.relid::oid FROM named CROSS JOIN LATERAL pg_catalog.pg_partition_tree(named.oid) p),
server AS (
  SELECT pg_catalog.current_setting('autovacuum_freeze_max_age')::float8 AS xids,
         pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::float8 AS multixacts,
         pg_catalog.current_setting('autovacuum_vacuum_threshold')::float8 AS base,
         pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::float8 AS scale,
         nullif(pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1) AS most,
         pg_catalog.current_setting('autovacuum')::bool AS is_on)
SELECT n.nspname, c.relname,
       greatest(greatest(pg_catalog.age(c.relfrozenxid), pg_catalog.age(t.relfrozenxid))
                  / least(server.xids, own.xids),
                greatest(pg_catalog.mxid_age(c.relminmxid), pg_catalog.mxid_age(t.relminmxid))
                  / least(server.multixacts, own.multixacts)),
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum v JOIN pg_catalog.pg_stat_activity a USING (pid)
               WHERE v.datname = pg_catalog.current_database() AND v.relid IN (c.oid, c.reltoastrelid)
                 AND a.query LIKE '%(to prevent wraparound)%'),
       coalesce(s.n_dead_tup, 0),
       least(coalesce(own.base, server.base) + coalesce(own.scale, server.scale) * greatest(c.reltuples, 0),
             coalesce(own.most, server.most)),
       server.is_on AND coalesce(own.is_on, true)
FROM leaf JOIN pg_catalog.pg_class c USING (oid) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN server
LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid
CROSS JOIN LATERAL (
  SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_freeze_max_age')::float8 AS xids,
         max(option_value) FILTER (WHERE option_name = 'autovacuum_multixact_freeze_max_age')::float8 AS multixacts,
         max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold')::float8 AS base,
         max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor')::float8 AS scale,
         nullif(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_max_threshold')::float8, -1) AS most,
         max(option_value) FILTER (WHERE option_name = 'autovacuum_enabled')::bool AS is_on
  FROM pg_catalog.pg_options_to_table(c.reloptions)) own
WHERE c.relkind IN ('r', 'm') ORDER BY 1, 2
)sql";

/// A walsender's backend_xmin is its standby's (hot_standby_feedback), and counts for every database.
constexpr const char* holders_query = R"sql(
SELECT words FROM (
  SELECT greatest(pg_catalog.age(backend_xmin), pg_catalog.age(backend_xid)) AS age,
         'pid ' || pid || ' (' || coalesce(nullif(application_name, ''), usename, '?') || ', ' || coalesce(state, backend_type, '?')
         || ') has a snapshot that is ' || pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - xact_start) || ' old' AS words
  FROM pg_catalog.pg_stat_activity
  WHERE pid <> pg_catalog.pg_backend_pid() AND datname = pg_catalog.current_database() AND xact_start IS NOT NULL
    AND backend_type <> 'walsender' AND application_name NOT LIKE 'switchback %' AND query NOT LIKE 'autovacuum: %'
  UNION ALL
  SELECT pg_catalog.age(backend_xmin), 'replica ' || application_name || ' keeps rows for its own queries (hot_standby_feedback)'
  FROM pg_catalog.pg_stat_replication
  UNION ALL
  SELECT pg_catalog.age(transaction), 'prepared transaction ' || gid || ' of ' || owner || ' is open since ' || pg_catalog.date_trunc('second', prepared)
  FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database()
  UNION ALL
  SELECT pg_catalog.age(xmin), 'slot ' || slot_name || ' keeps rows' || CASE WHEN active THEN '' ELSE ' and nobody reads it' END
  FROM pg_catalog.pg_replication_slots WHERE xmin IS NOT NULL
) holder WHERE age IS NOT NULL ORDER BY age DESC LIMIT 1
)sql";

/// Some settings are worth nothing on a primary, and replay functions fail there.
constexpr const char* replica_query = R"sql(
SELECT pg_catalog.pg_is_in_recovery(),
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_is_wal_replay_paused() END,
       pg_catalog.pg_last_wal_replay_lsn(), pg_catalog.pg_last_wal_receive_lsn(),
       (SELECT setting <> '0' FROM pg_catalog.pg_settings WHERE name = 'recovery_min_apply_delay')
)sql";

std::vector<int> numbers_of(const std::string& list) {
  std::vector<int> numbers;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    numbers.push_back(std::stoi(list.substr(at, comma - at)));
    at = comma + 1;
  }
  return numbers;
}

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

}  // namespace

std::vector<Signal> HealthSampler::sample(ports::Session& session, Monotonic now, const HealthLimits& limits,
                                          const Asked& asked) {
  std::vector<Signal> signals;
  const auto take = [&](std::string_view name, Signal::Kind kind, SignalPolicy policy, auto read) {
    if (policy == SignalPolicy::ignore) return;
    signals.push_back(guarded(session, slow_, unreadable_signal(now, name, kind, policy, too_long), read));
  };
  const auto gauge = [&](std::string_view name, bool is_on, auto read) {
    take(name, Signal::Kind::gauge, is_on ? SignalPolicy::required : SignalPolicy::ignore, read);
  };
  constexpr auto budget = Signal::Kind::budget;
  slow_ = false;
  take("slots", budget, limits.slots, [&] { return slots(session, now, limits); });
  take("wal_archiving", budget, limits.wal_archiving, [&] { return archiving(session, now, limits); });
  take("sync_rep", budget, limits.sync_rep, [&] { return sync_rep(session, now, limits); });
  gauge("active_sessions", limits.active_sessions > 0, [&] { return active_sessions(session, now, limits); });
  gauge("checkpoints", limits.checkpoints_requested > 0, [&] { return checkpoints(session, now, limits); });
  to_cancel_.clear();
  gauge("waiters", true, [&] { return waiters(session, now, limits, asked.workers); });
  if (now >= tables_due_) {
    tables_due_ = now + table_period;
    of_tables_ = tables(session, now, limits, asked.tables);
  }
  signals.insert(signals.end(), of_tables_.begin(), of_tables_.end());
  return signals;
}

Signal HealthSampler::slots(ports::Session& session, Monotonic now, const HealthLimits& limits) {
  const auto rows = session.exec(slots_query);
  std::vector<SlotReading> slots;
  const std::int64_t megabytes = rows.integer(0, 3);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows.at(i, 0)) continue;
    slots.push_back({rows.text(i, 0), rows.text(i, 1), std::nullopt});
    if (rows.at(i, 2)) slots.back().safe = rows.integer(i, 2);
  }
  return judge_slots(now, slots, megabytes < 0 ? -1 : megabytes * 1024 * 1024, limits);
}

Signal HealthSampler::archiving(ports::Session& session, Monotonic now, const HealthLimits& limits) {
  const auto rows = session.exec(archiver_query);
  ArchiveBacklog reading{rows.text(0, 1), 0, {}};
  if (rows.text(0, 0) == "off") return judge_archiving(now, {{}, 0, {}}, limits);
  const std::int64_t segment = rows.integer(0, 4);
  if (rows.boolean(0, 5)) {
    // A statement of its own: naming the function at all needs the right to call it.
    reading.waiting =
        segment * session
                      .exec(
                          "SELECT pg_catalog.count(*) FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE "
                          "'%.ready'")
                      .integer(0, 0);
  } else {
    reading.waiting = wal_between(rows.text(0, 2), rows.text(0, 3), segment);
    if (!reading.waiting)
      reading.unreadable = "nothing was archived yet, so how much waits is not known: " + grant_monitor(session);
  }
  return judge_archiving(now, reading, limits);
}

Signal HealthSampler::sync_rep(ports::Session& session, Monotonic now, const HealthLimits& limits) {
  const auto rows = session.exec(commits_query);
  const auto waiting = parts_of(rows.text(0, 2));
  SyncRepReading reading;
  reading.sessions = static_cast<int>(waiting.size());
  reading.longest = commits_.observe(now, waiting);
  if (rows.boolean(0, 0) && rows.integer(0, 1) > 0)
    reading.unreadable = "what other roles' sessions wait for is hidden: " + grant_monitor(session);
  return judge_sync_rep(now, reading, limits);
}

Signal HealthSampler::active_sessions(ports::Session& session, Monotonic now, const HealthLimits& limits) {
  const auto rows = session.exec(active_query);
  const bool hidden = rows.integer(0, 1) > 0;
  return judge_active_sessions(
      now, rows.integer(0, 0),
      hidden ? "what other roles' sessions do is hidden: " + grant_monitor(session) : std::string(), limits);
}

Signal HealthSampler::checkpoints(ports::Session& session, Monotonic now, const HealthLimits& limits) {
  const auto rows = session.exec(session.server_version() >= 170000
                                     ? "SELECT num_timed, num_requested FROM pg_catalog.pg_stat_checkpointer"
                                     : "SELECT checkpoints_timed, checkpoints_req FROM pg_catalog.pg_stat_bgwriter");
  const CheckpointCounts total{rows.integer(0, 0), rows.integer(0, 1)};
  return judge_checkpoints(now, checkpoint_log_.observe(now, total, limits.checkpoints_window), limits);
}

Signal HealthSampler::waiters(ports::Session& session, Monotonic now, const HealthLimits& limits,
                              const std::vector<int>& workers) {
  WaitersReading reading;
  std::map<int, Monotonic> still;
  for (const LockWaiter& waiter : lock_waiters(session, workers)) {
    const auto before = waiting_since_.find(waiter.pid);
    const Monotonic since = std::min(now - waiter.time, before == waiting_since_.end() ? now : before->second);
    still.emplace(waiter.pid, since);
    const auto time = std::chrono::duration_cast<milliseconds>(now - since);
    ++reading.sessions;
    if (reading.who.empty() || time > reading.longest) {
      reading.longest = time;
      reading.who = waiter.who;
    }
    if (time > limits.waiters_cancel) to_cancel_.insert(to_cancel_.end(), waiter.behind.begin(), waiter.behind.end());
  }
  waiting_since_ = std::move(still);
  std::ranges::sort(to_cancel_);
  to_cancel_.erase(std::unique(to_cancel_.begin(), to_cancel_.end()), to_cancel_.end());
  return judge_waiters(now, reading, limits);
}

std::vector<Signal> HealthSampler::tables(ports::Session& session, Monotonic now, const HealthLimits& limits,
                                          const std::vector<TableName>& tables) {
  if (tables.empty()) return {};
  std::string named;
  for (const TableName& table : tables)
    named += (named.empty() ? "" : ", ") + ("(pg_catalog.to_regclass(" + quote_literal(quoted(table)) + "))");
  const std::string query = "WITH named(oid) AS (VALUES " + named + ")" + tables_query;
  std::vector<TableReading> readings;
  std::vector<Signal> signals;
  const auto add = [&](std::string_view name, bool is_on, const std::function<Signal()>& read) {
    const Signal unanswered = unreadable_signal(now, name, Signal::Kind::gauge, SignalPolicy::required, too_long);
    if (is_on) signals.push_back(guarded(session, slow_, unanswered, read));
  };
  const auto read = [&] {
    if (!readings.empty()) return;
    const auto rows = session.exec(query);
    for (std::size_t i = 0; i < rows.size(); ++i)
      readings.push_back({shown(TableName{rows.text(i, 0), rows.text(i, 1)}), rows.number(i, 2), rows.boolean(i, 3),
                          rows.integer(i, 4), rows.number(i, 5), rows.boolean(i, 6)});
  };
  add("wraparound", limits.wraparound_age > 0, [&] {
    read();
    return judge_wraparound(now, readings, limits);
  });
  add("dead_rows", limits.dead_rows_factor > 0, [&] {
    read();
    const bool bad = std::ranges::any_of(readings, [&](const auto& table) { return has_dead_rows(table, limits); });
    return judge_dead_rows(now, readings, bad ? oldest_xmin_holder(session) : std::string(), limits);
  });
  return signals;
}

std::vector<LockWaiter> lock_waiters(ports::Session& session, const std::vector<int>& holders) {
  if (holders.empty()) return {};
  std::string query = waiters_query;
  const std::string since = session.server_version() >= 140000
                                ? "extract(epoch FROM pg_catalog.clock_timestamp() - l.waitstart)"
                                : "NULL::float8";
  query.replace(query.find("%s"), 2, since);
  const auto rows = session.exec(query, {"{" + joined(holders) + "}"});
  std::vector<LockWaiter> waiters;
  for (std::size_t i = 0; i < rows.size(); ++i)
    waiters.push_back({static_cast<int>(rows.integer(i, 0)), rows.text(i, 1),
                       milliseconds(static_cast<std::int64_t>(rows.number(i, 2) * 1000)), numbers_of(rows.text(i, 3))});
  return waiters;
}

std::string oldest_xmin_holder(ports::Session& session) {
  const auto rows = session.exec(holders_query);
  if (!rows.empty()) return rows.text(0, 0);
  const bool hidden = session
                          .exec(
                              "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE query = '<insufficient "
                              "privilege>' AND usesysid IS NOT NULL)")
                          .boolean(0, 0);
  return hidden ? "other roles' sessions are hidden: " + grant_monitor(session) : std::string();
}

DirectReplica read_replica(ports::Session& session, const std::string& name, Monotonic now) {
  DirectReplica replica;
  replica.name = name;
  replica.at = now;
  try {
    const auto rows = session.exec(replica_query);
    replica.paused = rows.boolean(0, 1);
    replica.replayed = parse_lsn(rows.text(0, 2));
    replica.flushed = parse_lsn(rows.text(0, 3));
    replica.delayed = rows.boolean(0, 4);
    if (!rows.boolean(0, 0)) replica.unreadable = "is no replica (any more): it is not in recovery";
  } catch (const Error& error) {
    if (error.remedy() == Remedy::reconnect) throw;
    replica.unreadable = std::string("cannot be read: ") + error.what();
  }
  return replica;
}

}  // namespace switchback::postgres
