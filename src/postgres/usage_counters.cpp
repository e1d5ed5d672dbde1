#include "usage_counters.hpp"

#include <chrono>
#include <map>

#include "switchback/core/sql.hpp"
#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

using nlohmann::json;
using ports::Rows;
using ports::Session;

/// $3: the name is that of a constraint of the table $2, whose index is meant (a foreign key's is another table's).
constexpr const char* counted_sql = R"sql(
WITH RECURSIVE tree(oid) AS (
  SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND $3 = '' AND c.relname = $2
  UNION ALL
  SELECT k.conindid FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND k.conname = $3 AND k.contype IN ('p', 'u', 'x')
  UNION ALL
  SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON t.oid = i.inhparent)
SELECT c.oid, c.oid::pg_catalog.regclass::text FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid
WHERE c.relkind IN ('i', 'r') ORDER BY 1)sql";

/// Scans of an index; of a table scans, its indexes' among them (for a table pg_stat_get_numscans counts sequential
/// ones), and rows written. %: when the last scan was.
constexpr const char* read_sql = R"sql(
SELECT o.oid, 'scans', sum(pg_catalog.pg_stat_get_numscans(r.oid))::bigint, max(%)
FROM pg_catalog.unnest($1::oid[]) AS o(oid) JOIN pg_catalog.pg_class c ON c.oid = o.oid
CROSS JOIN LATERAL (
  SELECT o.oid UNION ALL SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = o.oid) AS r
GROUP BY o.oid
UNION ALL
SELECT o.oid, 'rows written', pg_catalog.pg_stat_get_tuples_inserted(o.oid) +
  pg_catalog.pg_stat_get_tuples_updated(o.oid) + pg_catalog.pg_stat_get_tuples_deleted(o.oid), NULL::timestamptz
FROM pg_catalog.unnest($1::oid[]) AS o(oid) JOIN pg_catalog.pg_class c ON c.oid = o.oid WHERE c.relkind = 'r')sql";

Rows read(Session& server, const std::vector<std::string>& oids) {
  std::string sql = read_sql;
  // pg_stat_all_tables.last_seq_scan and last_idx_scan are this function's, from PostgreSQL 16 on.
  sql.replace(sql.find('%'), 1,
              server.server_version() >= 160000 ? "pg_catalog.pg_stat_get_lastscan(r.oid)" : "NULL::timestamptz");
  return server.exec(sql, {array_literal(oids)});
}

/// Before 15 a standby counts from nothing after every restart, and its statistics bear the time of it.
json marks_of(Session& server) {
  const Rows rows = server.exec(
      "SELECT (SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()), "
      "(SELECT stats_reset FROM pg_catalog.pg_stat_bgwriter), pg_catalog.current_setting('track_counts')");
  return json{{"reset", rows.text(0, 0)}, {"server_reset", rows.text(0, 1)}, {"track_counts", rows.text(0, 2)}};
}

std::vector<std::string> moved(const Recorded& before, const json& now) {
  std::vector<std::string> cuts;
  if (before.marks.contains("blind") || !before.looked) return cuts;
  if (before.marks.value("reset", "") != now.value("reset", "")) cuts.push_back("the database's statistics were reset");
  if (before.marks.value("server_reset", "") != now.value("server_reset", ""))
    cuts.push_back("the server's statistics were reset, or it crashed");
  return cuts;
}

/// For how long after a tolerated read a rise of scans may be its: a backend tells what it scanned when its transaction
/// has ended (pgstat_report_stat), and a dump is one transaction.
constexpr std::chrono::hours tolerated_for{24};

}  // namespace

std::vector<Counted> counted(Session& session, const std::vector<Structure>& structures) {
  std::vector<Counted> all;
  for (const Structure& structure : structures) {
    if (structure.by_place) continue;  // it stays, and may be used as ever
    const bool constraint = structure.kind == Structure::Kind::constraint;
    const bool index = structure.kind == Structure::Kind::index;
    if (!index && !constraint && structure.kind != Structure::Kind::table) continue;
    if (!structure.becomes.empty()) continue;  // read under the other name it counts as well
    const Rows rows = session.exec(counted_sql, {structure.table.schema, index ? structure.name : structure.table.name,
                                                 constraint ? structure.name : ""});
    for (std::size_t i = 0; i < rows.size(); ++i) all.push_back({shown(structure), rows.text(i, 0), rows.text(i, 1)});
  }
  return all;
}

void sample_counters(CoverageJournal& coverage, Session& server, const std::string& name,
                     const std::vector<Counted>& all) {
  if (all.empty()) return;
  const std::string now = coverage.clock();
  const Recorded before = coverage.recorded("counters", name);
  json marks = marks_of(server);
  if (marks.value("track_counts", "on") != "on")
    return coverage.blind(
        "counters", name, before,
        {"track_counts is off: nothing is counted", "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();"});
  std::vector<std::string> cuts = moved(before, marks);

  using Counter = std::pair<std::string, std::string>;  // oid, what it counts
  std::map<Counter, std::int64_t> known;
  const Rows recorded = coverage.journal().exec(
      "SELECT relation, what, value FROM switchback.usage_counter WHERE plan_id = $1::bigint AND server = $2",
      {coverage.plan(), name});
  for (std::size_t i = 0; i < recorded.size(); ++i)
    known[{recorded.text(i, 0), recorded.text(i, 1)}] = recorded.integer(i, 2);
  std::vector<std::string> oids;
  oids.reserve(all.size());
  for (const Counted& one : all) oids.push_back(one.oid);
  const Rows rows = read(server, oids);

  bool fell = false;
  bool anew = false;
  json counts = json::array();
  for (const Counted& one : all) {
    bool there = false;  // not on a standby that has not replayed its making yet
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows.text(i, 0) != one.oid) continue;
      there = true;
      const auto was = known.find({one.oid, rows.text(i, 1)});
      anew |= was == known.end();
      fell |= was != known.end() && rows.integer(i, 2) < was->second;
      counts.push_back({{"structure", one.structure},
                        {"relation", one.oid},
                        {"what", rows.text(i, 1)},
                        {"name", one.name},
                        {"value", rows.integer(i, 2)},
                        {"last", rows.at(i, 3) ? json(rows.text(i, 3)) : json()}});
    }
    anew |= !there;
  }
  if (before.looked && fell) cuts.push_back("counters fell: they were reset");
  if (before.looked && anew) cuts.push_back("some of what is counted was made since");
  coverage.journal().exec(R"sql(
INSERT INTO switchback.usage_counter AS c (plan_id, server, structure, relation, what, name, value, rose_at)
SELECT $1::bigint, $2, x.structure, x.relation, x.what, x.name, x.value, NULL
FROM pg_catalog.jsonb_to_recordset($3::jsonb)
  AS x(structure text, relation text, what text, name text, value bigint, last timestamptz)
ON CONFLICT (plan_id, server, structure, relation, what) DO UPDATE SET value = excluded.value, name = excluded.name,
  rose_at = CASE WHEN excluded.value > c.value OR (excluded.value < c.value AND excluded.value > 0)
    THEN COALESCE((SELECT x.last FROM pg_catalog.jsonb_to_recordset($3::jsonb)
                     AS x(structure text, relation text, what text, last timestamptz)
                   WHERE x.structure = c.structure AND x.relation = c.relation AND x.what = c.what),
                  pg_catalog.clock_timestamp())
    ELSE c.rose_at END)sql",
                          {coverage.plan(), name, dumped(counts)});
  coverage.seen("counters", name, now, before, std::move(marks), std::move(cuts));
}

std::vector<Observation> counters(Session& session, std::int64_t plan, const std::string& structure,
                                  const std::map<std::string, Instant>& tolerated) {
  const Rows rows = session.exec(
      "SELECT server, name, what, value, (EXTRACT(epoch FROM rose_at)::numeric * 1000)::bigint FROM "
      "switchback.usage_counter WHERE plan_id = $1::bigint AND structure = $2 ORDER BY rose_at DESC NULLS LAST, "
      "server, "
      "name, what",
      {std::to_string(plan), structure});
  std::vector<Observation> observations;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Observation one{"counters",     rows.text(i, 0),
                    Finding::clear, rows.text(i, 1) + " counts " + rows.text(i, 3) + " " + rows.text(i, 2),
                    std::nullopt,   ""};
    if (!rows.at(i, 4)) {
      one.detail += ", and the count has not risen";
    } else {
      one.detail += ", and the count rose";
      one.last_seen = Instant{std::chrono::milliseconds{rows.integer(i, 4)}};
      const auto read = tolerated.find(one.server);
      if (rows.text(i, 2) == "scans" && read != tolerated.end() && *one.last_seen <= read->second + tolerated_for) {
        one.detail += ": explained by tolerated reads";
      } else {
        one.finding = Finding::used;
        one.remedy = "see which statements it serves: EXPLAIN, or pg_stat_statements";
      }
    }
    observations.push_back(std::move(one));
  }
  return observations;
}

}  // namespace switchback::postgres
