#include "usage_external.hpp"

#include <algorithm>

#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;
using ports::Session;

/// What names a subscription. Up to PostgreSQL 13 its oid in pg_subscription is for superusers, later subconninfo only;
/// pg_subscription_rel is everyone's.
constexpr std::string_view subscription_name =
    "(SELECT s.subname::text FROM pg_catalog.pg_subscription s WHERE s.oid = r.srsubid)";
constexpr std::string_view subscription_number = "r.srsubid::text";

/// Kind, name, what it may do. %s: what names a subscription.
constexpr const char* readers_sql = R"sql(
SELECT 'logical slot' AS kind, slot_name::text AS name,
       'decodes every change of the database' || CASE WHEN active THEN '' ELSE ' (nobody is connected to it)' END AS what
FROM pg_catalog.pg_replication_slots
WHERE slot_type = 'logical' AND database = pg_catalog.current_database()
UNION ALL
SELECT 'publication', p.pubname::text,
       CASE WHEN p.puballtables THEN 'publishes all tables' ELSE 'publishes the table' END
FROM pg_catalog.pg_publication p
WHERE p.puballtables OR EXISTS (
  SELECT FROM pg_catalog.pg_publication_tables t
  WHERE t.pubname = p.pubname AND pg_catalog.concat(t.schemaname, chr(1), t.tablename) = ANY ($1::text[]))
UNION ALL
SELECT DISTINCT 'subscription', %s, 'writes the table'
FROM pg_catalog.pg_subscription_rel r JOIN pg_catalog.pg_class c ON c.oid = r.srrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE pg_catalog.concat(n.nspname, chr(1), c.relname) = ANY ($1::text[])
UNION ALL
SELECT 'foreign server', f.srvname::text, 'links this database with another, where foreign tables may name its columns'
FROM pg_catalog.pg_foreign_server f
ORDER BY 1, 2)sql";

Observation observed(const std::string& kind, const std::string& name, const std::string& what,
                     const std::vector<std::string>& checked) {
  Observation observation{"external", "primary", Finding::clear, kind + " " + name + " " + what, std::nullopt, ""};
  if (std::find(checked.begin(), checked.end(), name) != checked.end()) {
    observation.detail += "; the plan says that it was checked";
    return observation;
  }
  observation.finding = Finding::unknown;
  observation.remedy = "see that it does without, then name it in the plan: external: { checked: [" + name + "] }";
  return observation;
}

void cron_jobs(Session& session, const std::vector<std::string>& checked, std::vector<Observation>& observations) {
  const Rows there = session.exec(
      "SELECT pg_catalog.to_regclass('cron.job') IS NOT NULL AND pg_catalog.has_schema_privilege('cron', 'usage') "
      "AND pg_catalog.has_table_privilege('cron.job', 'select') FROM pg_catalog.pg_extension WHERE extname = "
      "'pg_cron'");
  if (there.empty()) return;
  if (!there.boolean(0, 0)) {
    observations.push_back(observed("extension", "pg_cron", "is there, and its jobs cannot be read", checked));
    return;
  }
  const Rows jobs = session.exec(
      "SELECT COALESCE(pg_catalog.to_jsonb(j)->>'jobname', 'job ' || j.jobid), pg_catalog.left(j.command, 200) FROM "
      "cron.job j "
      "WHERE j.active AND COALESCE(pg_catalog.to_jsonb(j)->>'jobname', '') NOT LIKE 'switchback brownout %' ORDER BY "
      "j.jobid");
  for (std::size_t i = 0; i < jobs.size(); ++i)
    observations.push_back(observed("pg_cron job", jobs.text(i, 0), "runs: " + jobs.text(i, 1), checked));
}

}  // namespace

std::vector<Observation> external_readers(Session& session, const std::set<TableName>& relations,
                                          const std::vector<std::string>& checked) {
  std::vector<std::string> tables;
  tables.reserve(relations.size());
  for (const TableName& table : relations) tables.push_back(table.schema + '\1' + table.name);
  const bool named =
      session.exec("SELECT pg_catalog.has_column_privilege('pg_catalog.pg_subscription', 'oid', 'SELECT')")
          .boolean(0, 0);
  std::string query = readers_sql;
  query.replace(query.find("%s"), 2, named ? subscription_name : subscription_number);
  const Rows rows = session.exec(query, {array_literal(tables)});
  std::vector<Observation> observations;
  for (std::size_t i = 0; i < rows.size(); ++i)
    observations.push_back(observed(rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), checked));
  cron_jobs(session, checked, observations);
  if (observations.empty())
    observations.push_back({"external", "primary", Finding::clear,
                            "no logical slot, publication, subscription, foreign server or pg_cron job", std::nullopt,
                            ""});
  return observations;
}

}  // namespace switchback::postgres
