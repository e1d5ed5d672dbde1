#include "usage_counters.hpp"

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

/// Scans of an index; of a table scans and rows written. Of tables pg_stat_get_numscans counts sequential scans, so
/// their indexes' are added.
constexpr const char* read_sql = R"sql(
SELECT o.oid, pg_catalog.pg_stat_get_numscans(o.oid) + CASE c.relkind WHEN 'i' THEN 0 ELSE
    pg_catalog.pg_stat_get_tuples_inserted(o.oid) + pg_catalog.pg_stat_get_tuples_updated(o.oid) +
    pg_catalog.pg_stat_get_tuples_deleted(o.oid) + COALESCE((
      SELECT sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)) FROM pg_catalog.pg_index i WHERE i.indrelid = o.oid), 0)
  END::bigint
FROM pg_catalog.unnest($1::oid[]) AS o(oid) JOIN pg_catalog.pg_class c ON c.oid = o.oid)sql";

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

}  // namespace

std::vector<Counted> counted(Session& session, const std::vector<Structure>& structures) {
  std::vector<Counted> all;
  for (const Structure& structure : structures) {
    const bool index = structure.kind == Structure::Kind::index;
    if (!index && structure.kind != Structure::Kind::constraint) continue;
    const Rows rows = session.exec(counted_sql, {structure.table.schema, index ? structure.name : structure.table.name,
                                                 index ? "" : structure.name});
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

  std::map<std::string, std::int64_t> known;
  const Rows recorded = coverage.journal().exec(
      "SELECT relation, value FROM switchback.usage_counter WHERE plan_id = $1::bigint AND server = $2",
      {coverage.plan(), name});
  for (std::size_t i = 0; i < recorded.size(); ++i) known[recorded.text(i, 0)] = recorded.integer(i, 1);
  std::vector<std::string> oids;
  oids.reserve(all.size());
  for (const Counted& one : all) oids.push_back(one.oid);
  std::map<std::string, std::int64_t> read;
  const Rows rows = server.exec(read_sql, {array_literal(oids)});
  for (std::size_t i = 0; i < rows.size(); ++i) read[rows.text(i, 0)] = rows.integer(i, 1);

  bool fell = false;
  bool anew = false;
  json counts = json::array();
  for (const Counted& one : all) {
    const auto value = read.find(one.oid);
    if (value == read.end()) {  // a standby that has not replayed its making yet
      anew = true;
      continue;
    }
    const auto was = known.find(one.oid);
    anew |= was == known.end();
    fell |= was != known.end() && value->second < was->second;
    counts.push_back(
        {{"structure", one.structure}, {"relation", one.oid}, {"name", one.name}, {"value", value->second}});
  }
  if (before.looked && fell) cuts.push_back("counters fell: they were reset");
  if (before.looked && anew) cuts.push_back("some of what is counted was made since");
  coverage.journal().exec(R"sql(
INSERT INTO switchback.usage_counter AS c (plan_id, server, structure, relation, name, value, rose_at)
SELECT $1::bigint, $2, x.structure, x.relation, x.name, x.value, NULL
FROM pg_catalog.jsonb_to_recordset($3::jsonb) AS x(structure text, relation text, name text, value bigint)
ON CONFLICT (plan_id, server, structure, relation) DO UPDATE SET value = excluded.value, name = excluded.name,
  rose_at = CASE WHEN excluded.value > c.value OR (excluded.value < c.value AND excluded.value > 0)
    THEN pg_catalog.clock_timestamp() ELSE c.rose_at END)sql",
                          {coverage.plan(), name, dumped(counts)});
  coverage.seen("counters", name, now, before, std::move(marks), std::move(cuts));
}

std::vector<Observation> counters(Session& session, std::int64_t plan, const std::string& structure) {
  const Rows rows = session.exec(
      "SELECT server, name, value, (EXTRACT(epoch FROM rose_at)::numeric * 1000)::bigint FROM switchback.usage_counter "
      "WHERE plan_id = $1::bigint AND structure = $2 ORDER BY rose_at DESC NULLS LAST, server, name",
      {std::to_string(plan), structure});
  std::vector<Observation> observations;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string count = rows.text(i, 1) + " counts " + rows.text(i, 2) + " uses";
    if (rows.at(i, 3))
      observations.push_back({"counters", rows.text(i, 0), Finding::used, count + ", and the count rose",
                              Instant{std::chrono::milliseconds{rows.integer(i, 3)}},
                              "see which statements it serves: EXPLAIN, or pg_stat_statements"});
    else
      observations.push_back(
          {"counters", rows.text(i, 0), Finding::clear, count + ", and the count has not risen", std::nullopt, ""});
  }
  return observations;
}

}  // namespace switchback::postgres
