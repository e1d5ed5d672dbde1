#include "usage_reading.hpp"

#include <set>

#include "switchback/core/sql.hpp"
#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;
using ports::Session;

/// A placeholder of the same name in postgresql.conf is not in pg_settings: a row means the library is loaded. What
/// this role or session has for itself says nothing of the others': it reads as "the sampler's own".
std::map<std::string, std::string> settings_of(Session& session) {
  const Rows rows = session.exec(
      "SELECT name, CASE WHEN source IN ('user', 'database user', 'client', 'session') THEN 'the sampler''s own' ELSE "
      "setting END FROM pg_catalog.pg_settings WHERE name LIKE 'pg\\_stat\\_statements.%' OR name = "
      "'compute_query_id'");
  std::map<std::string, std::string> settings;
  for (std::size_t i = 0; i < rows.size(); ++i) settings[rows.text(i, 0)] = rows.text(i, 1);
  return settings;
}

Blindness why_blind(Session& session, const std::string& schema, const std::map<std::string, std::string>& settings) {
  if (schema.empty())
    return {"the extension pg_stat_statements is not in this database", "CREATE EXTENSION pg_stat_statements;"};
  const auto setting = [&](const char* wanted) {
    const auto found = settings.find(wanted);
    return found == settings.end() ? std::string() : found->second;
  };
  const std::string track = setting("pg_stat_statements.track");
  if (track.empty())
    return {"the library pg_stat_statements is not loaded",
            "add it to shared_preload_libraries, set pg_stat_statements.track = all, and restart the server"};
  if (track != "all")
    return {"pg_stat_statements.track is " + track + ": statements inside functions are not seen",
            "ALTER SYSTEM SET pg_stat_statements.track = 'all'; SELECT pg_reload_conf();"};
  if (setting("pg_stat_statements.track_utility") != "on")
    return {"pg_stat_statements.track_utility is " + setting("pg_stat_statements.track_utility") + ": COPY is not seen",
            "ALTER SYSTEM SET pg_stat_statements.track_utility = on; SELECT pg_reload_conf();"};
  if (const std::string computed = setting("compute_query_id"); computed == "off" || computed == "the sampler's own")
    return {"compute_query_id is " + computed + ": no statement is sure to be counted",
            "ALTER SYSTEM SET compute_query_id = 'auto'; SELECT pg_reload_conf();"};
  const Rows roles = session.exec(R"sql(
SELECT COALESCE(r.rolname, 'every role'), c FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c
WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
  AND (c LIKE 'pg\_stat\_statements.track=%' AND c <> 'pg_stat_statements.track=all'
    OR c LIKE 'pg\_stat\_statements.track\_utility=%' AND c NOT IN ('pg_stat_statements.track_utility=on', 'pg_stat_statements.track_utility=true')
    OR c LIKE 'compute\_query\_id=%' AND c NOT IN ('compute_query_id=on', 'compute_query_id=auto', 'compute_query_id=regress')))sql");
  if (!roles.empty())
    return {"statements of " + roles.text(0, 0) + " are not all counted: " + roles.text(0, 1),
            "ALTER ROLE … RESET that setting, or ALTER DATABASE … RESET it"};
  const Rows may =
      session.exec("SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage'), current_user");
  if (!may.boolean(0, 0))
    return {"the role " + may.text(0, 1) + " does not see other roles' statements",
            "GRANT pg_read_all_stats TO " + quote_identifier(may.text(0, 1)) + ";"};
  return {};
}

CounterMarks marks_of(Session& session, const std::string& schema, const std::map<std::string, std::string>& settings) {
  CounterMarks marks;
  if (session.server_version() >= 140000) {
    const Rows info =
        session.exec("SELECT dealloc, stats_reset FROM " + quote_identifier(schema) + ".pg_stat_statements_info");
    marks.dealloc = info.text(0, 0);
    marks.reset = info.text(0, 1);
  }
  const Rows server = session.exec(
      "SELECT (SELECT stats_reset FROM pg_catalog.pg_stat_bgwriter), pg_catalog.pg_postmaster_start_time()");
  marks.server_reset = server.text(0, 0);
  marks.server_start = server.text(0, 1);
  const auto save = settings.find("pg_stat_statements.save");
  marks.kept_over_restart = save == settings.end() || save->second == "on";
  return marks;
}

/// Before 14 the server does not say when it evicts entries: a table that is nearly full may just have done so.
Blindness nearly_full(Session& session, const StatementReading& reading,
                      const std::map<std::string, std::string>& settings) {
  if (session.server_version() >= 140000) return {};
  const auto most = settings.find("pg_stat_statements.max");
  const Rows entries =
      session.exec("SELECT count(*) FROM " + quote_identifier(reading.schema) + ".pg_stat_statements(false)");
  if (most == settings.end() || entries.number(0, 0) < 0.9 * std::stod(most->second)) return {};
  return {"pg_stat_statements is nearly full (" + entries.text(0, 0) + " of " + most->second +
              " entries), and this server does not say when it evicts some",
          "raise pg_stat_statements.max and restart the server"};
}

std::string key_of(Session& session) {
  return std::string("pg_catalog.concat_ws('/', s.userid, s.queryid, ") +
         (session.server_version() >= 140000 ? "s.toplevel)" : "true)");
}

}  // namespace

StatementReading read_statements(Session& session) {
  StatementReading reading;
  const Rows extension = session.exec(
      "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
      "WHERE e.extname = 'pg_stat_statements'");
  if (!extension.empty()) reading.schema = extension.text(0, 0);
  const auto settings = settings_of(session);
  reading.blind = why_blind(session, reading.schema, settings);
  if (reading.blind) return reading;
  // Marks before counts: what moves in between shows at the next look, against the marks of this one.
  reading.marks = marks_of(session, reading.schema, settings);
  reading.blind = nearly_full(session, reading, settings);
  if (reading.blind) return reading;
  // Thousands of rows at every look: what else there is of them is read when they are new.
  reading.counts =
      "SELECT CASE WHEN s.queryid IS NOT NULL THEN " + key_of(session) + " END AS key, s.calls AS calls FROM " +
      quote_identifier(reading.schema) +
      ".pg_stat_statements(false) s WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
      "pg_catalog.current_database())";
  return reading;
}

std::map<std::string, StatementText> read_texts(Session& session, const StatementReading& reading,
                                                const std::vector<std::string>& keys) {
  std::map<std::string, StatementText> texts;
  if (keys.empty()) return texts;
  const std::set<std::string> wanted(keys.begin(), keys.end());
  std::vector<std::string> queries;
  queries.reserve(keys.size());
  for (const std::string& key : keys) {
    const std::size_t start = key.find('/') + 1;
    queries.push_back(key.substr(start, key.find('/', start) - start));
  }
  const Rows rows = session.exec(
      "SELECT " + key_of(session) + ", s.query, COALESCE(r.rolname, s.userid::text) FROM " +
          quote_identifier(reading.schema) +
          ".pg_stat_statements(true) s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid WHERE s.queryid = ANY "
          "($1::bigint[]) AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
          "pg_catalog.current_database())",
      {array_literal(queries)});
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (wanted.contains(rows.text(i, 0))) texts[rows.text(i, 0)] = {rows.text(i, 2), rows.at(i, 1).value_or(lost_text)};
  return texts;
}

std::vector<SessionSeen> read_sessions(Session& session) {
  // Without pg_read_all_stats the kind of others' backends is NULL; name and role are shown to everyone.
  const Rows rows = session.exec(R"sql(
SELECT DISTINCT COALESCE(a.usename, ''), COALESCE(a.application_name, '')
FROM pg_catalog.pg_stat_activity a
WHERE a.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND a.pid <> pg_catalog.pg_backend_pid() AND COALESCE(a.backend_type, 'client backend') = 'client backend'
  AND COALESCE(a.application_name, '') NOT LIKE 'switchback%')sql");
  std::vector<SessionSeen> sessions;
  for (std::size_t i = 0; i < rows.size(); ++i) sessions.push_back({rows.text(i, 0), rows.text(i, 1)});
  return sessions;
}

}  // namespace switchback::postgres
