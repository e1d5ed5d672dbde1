#include "switchback/postgres/schema_facts.hpp"

#include <string_view>

namespace switchback::postgres {
namespace {

/// Grants in one order, with those spelled out that are the default.
constexpr std::string_view prelude = R"sql(
WITH ns AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace
  WHERE nspname <> 'switchback' AND nspname <> 'information_schema' AND nspname !~ '^pg_'
), extension AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), rel AS (
  SELECT c.*, pg_catalog.format('%I.%I', n.nspname, c.relname) AS full_name
  FROM pg_catalog.pg_class c JOIN ns n ON n.oid = c.relnamespace
  WHERE NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid)
)
)sql";

std::string grants(std::string_view acl, std::string_view kind, std::string_view owner) {
  return "coalesce(' grants ' || (SELECT pg_catalog.string_agg(CASE a.grantee WHEN 0 THEN 'public' ELSE "
         "pg_catalog.pg_get_userbyid(a.grantee) END || ':' || a.privilege_type || CASE WHEN a.is_grantable THEN '*' "
         "ELSE '' END, ',' ORDER BY a.grantee, a.privilege_type) FROM pg_catalog.aclexplode(coalesce(" +
         std::string(acl) + ", pg_catalog.acldefault('" + std::string(kind) + "', " + std::string(owner) +
         "))) a WHERE a.grantee <> " + std::string(owner) + "), '')";
}

std::string column_grants() {
  return "coalesce(' grants ' || (SELECT pg_catalog.string_agg(pg_catalog.pg_get_userbyid(g.grantee) || ':' || "
         "g.privilege_type, ',' ORDER BY g.grantee, g.privilege_type) FROM pg_catalog.aclexplode(a.attacl) g), '')";
}

std::string comment(std::string_view oid, std::string_view catalog) {
  return "coalesce(' comment ' || pg_catalog.obj_description(" + std::string(oid) + ", '" + std::string(catalog) +
         "'), '')";
}

/// One SELECT of object and definition a catalog.
std::string facts_sql() {
  const std::string owner = " || ' owner ' || pg_catalog.pg_get_userbyid(";
  std::string sql(prelude);
  sql += "SELECT 'schema ' || nspname, 'schema'" + owner + "nspowner) || " + grants("nspacl", "n", "nspowner") +
         " || " + comment("oid", "pg_namespace") + " FROM ns";
  sql +=
      "\nUNION ALL SELECT CASE relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN "
      "'sequence "
      "' WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'composite ' ELSE 'table ' END || full_name, "
      "relpersistence::text || coalesce(' with ' || pg_catalog.array_to_string(reloptions, ','), '') || CASE WHEN "
      "relrowsecurity THEN ' row security' ELSE '' END || CASE WHEN relforcerowsecurity THEN ' forced' ELSE '' END || "
      "coalesce(' bound ' || pg_catalog.pg_get_expr(relpartbound, oid), '') || CASE WHEN relkind IN ('v', 'm') THEN "
      "' as ' || pg_catalog.pg_get_viewdef(oid) ELSE '' END" +
      owner + "relowner) || " + grants("relacl", "r", "relowner") + " || " + comment("oid", "pg_class") +
      " FROM rel WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')";
  sql +=
      "\nUNION ALL SELECT 'column ' || r.full_name || '.' || pg_catalog.quote_ident(a.attname), "
      "pg_catalog.format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || "
      "coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') || CASE WHEN a.attidentity <> '' THEN ' "
      "identity ' || a.attidentity::text ELSE '' END || CASE WHEN a.attgenerated <> '' THEN ' generated' ELSE '' END "
      "|| CASE "
      "WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::pg_catalog.regcollation::text ELSE '' "
      "END || CASE WHEN a.attstattarget > 0 THEN ' statistics ' || a.attstattarget ELSE '' END || CASE WHEN "
      "a.attstorage <> t.typstorage THEN ' storage ' || a.attstorage::text ELSE '' END || " +
      column_grants() +
      " || coalesce(' comment ' || pg_catalog.col_description(a.attrelid, a.attnum), '') FROM rel r JOIN "
      "pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_catalog.pg_type "
      "t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum WHERE "
      "r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')";
  sql +=
      "\nUNION ALL SELECT 'constraint ' || c.conname || ' on ' || r.full_name, pg_catalog.pg_get_constraintdef(c.oid)"
      " || CASE WHEN c.convalidated THEN '' ELSE ' not validated' END || " +
      comment("c.oid", "pg_constraint") +
      " FROM rel r JOIN pg_catalog.pg_constraint c ON c.conrelid = r.oid WHERE c.contype <> 'n'";
  sql +=
      "\nUNION ALL SELECT 'index ' || r.full_name, pg_catalog.pg_get_indexdef(r.oid) || CASE WHEN i.indisvalid THEN "
      "'' ELSE ' invalid' END || CASE WHEN i.indisclustered THEN ' clustered' ELSE '' END || CASE WHEN "
      "i.indisreplident THEN ' replica identity' ELSE '' END || " +
      comment("r.oid", "pg_class") + " FROM rel r JOIN pg_catalog.pg_index i ON i.indexrelid = r.oid";
  sql +=
      "\nUNION ALL SELECT 'trigger ' || g.tgname || ' on ' || r.full_name, pg_catalog.pg_get_triggerdef(g.oid) || ' ' "
      "|| g.tgenabled::text || " +
      comment("g.oid", "pg_trigger") +
      " FROM rel r JOIN pg_catalog.pg_trigger g ON g.tgrelid = r.oid AND NOT g.tgisinternal";
  sql +=
      "\nUNION ALL SELECT 'rule ' || u.rulename || ' on ' || r.full_name, pg_catalog.pg_get_ruledef(u.oid) FROM rel r "
      "JOIN pg_catalog.pg_rewrite u ON u.ev_class = r.oid AND u.rulename <> '_RETURN'";
  sql +=
      "\nUNION ALL SELECT 'policy ' || p.polname || ' on ' || r.full_name, p.polcmd::text || p.polpermissive::text || "
      "p.polroles::text || coalesce(pg_catalog.pg_get_expr(p.polqual, r.oid), '') || "
      "coalesce(pg_catalog.pg_get_expr(p.polwithcheck, r.oid), '') FROM rel r JOIN pg_catalog.pg_policy p ON "
      "p.polrelid = r.oid";
  sql +=
      "\nUNION ALL SELECT 'function ' || p.oid::pg_catalog.regprocedure::text, CASE WHEN p.prokind = 'a' THEN "
      "'aggregate' ELSE pg_catalog.pg_get_functiondef(p.oid) END" +
      owner + "p.proowner) || " + grants("p.proacl", "f", "p.proowner") + " || " + comment("p.oid", "pg_proc") +
      " FROM pg_catalog.pg_proc p JOIN ns n ON n.oid = p.pronamespace WHERE NOT EXISTS (SELECT FROM extension e WHERE "
      "e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid)";
  sql +=
      "\nUNION ALL SELECT 'type ' || t.oid::pg_catalog.regtype::text, t.typtype::text || coalesce(' of ' || (SELECT "
      "pg_catalog.string_agg(v.enumlabel, ',' ORDER BY v.enumsortorder) FROM pg_catalog.pg_enum v WHERE v.enumtypid = "
      "t.oid), '') || CASE WHEN t.typtype = 'd' THEN ' ' || pg_catalog.format_type(t.typbasetype, t.typtypmod) || CASE "
      "WHEN t.typnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || t.typdefault, '') || coalesce((SELECT "
      "pg_catalog.string_agg(' ' || pg_catalog.pg_get_constraintdef(c.oid), '' ORDER BY c.conname) FROM "
      "pg_catalog.pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'), '') ELSE '' END" +
      owner + "t.typowner) || " + grants("t.typacl", "T", "t.typowner") + " || " + comment("t.oid", "pg_type") +
      " FROM pg_catalog.pg_type t JOIN ns n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'r') AND NOT "
      "EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)";
  sql +=
      "\nUNION ALL SELECT 'settings of sequence ' || r.full_name, q.seqtypid::pg_catalog.regtype::text || ' ' || "
      "q.seqstart || ' ' || q.seqincrement || ' ' || q.seqmin || ' ' || q.seqmax || ' ' || q.seqcycle FROM rel r JOIN "
      "pg_catalog.pg_sequence q ON q.seqrelid = r.oid";
  sql +=
      "\nUNION ALL SELECT 'statistics ' || pg_catalog.quote_ident(s.stxname), "
      "pg_catalog.pg_get_statisticsobjdef(s.oid) "
      "FROM pg_catalog.pg_statistic_ext s JOIN ns n ON n.oid = s.stxnamespace";
  return sql;
}

/// `ROW(a, b)::text`, of one column as it is, of none the empty text.
std::string row_text(const std::vector<std::string>& columns) {
  if (columns.empty()) return "''";
  std::string text = "ROW(";
  for (std::size_t i = 0; i < columns.size(); ++i) text += (i == 0 ? "" : ", ") + quote_identifier(columns[i]);
  return text + ")::text";
}

}  // namespace

SchemaFacts schema_facts(ports::Session& session) {
  SchemaFacts facts;
  const auto rows = session.exec(facts_sql());
  for (std::size_t i = 0; i < rows.size(); ++i) facts[rows.text(i, 0)] = rows.text(i, 1);
  return facts;
}

std::map<std::string, std::int64_t> table_files(ports::Session& session) {
  const auto rows =
      session.exec(std::string(prelude) +
                   "SELECT full_name, pg_catalog.pg_relation_filenode(oid)::bigint FROM rel WHERE relkind "
                   "IN ('r', 'm')");
  std::map<std::string, std::int64_t> files;
  for (std::size_t i = 0; i < rows.size(); ++i) files[rows.text(i, 0)] = rows.integer(i, 1);
  return files;
}

DrillRows drill_rows(ports::Session& session, const TableName& table, const std::vector<std::string>& key,
                     const std::vector<std::string>& rest, const std::vector<std::string>& old_side,
                     const std::vector<std::string>& new_side) {
  const std::string by =
      key.empty() ? "pg_catalog.row_number() OVER (ORDER BY " + row_text(rest) + ", " + row_text(old_side) + ")::text"
                  : row_text(key);
  const auto rows = session.exec("SELECT " + by + ", " + row_text(rest) + ", " + row_text(old_side) + ", " +
                                 row_text(new_side) + " FROM " + quoted(table));
  DrillRows all;
  for (std::size_t i = 0; i < rows.size(); ++i)
    all[rows.text(i, 0)] = {rows.text(i, 1), rows.text(i, 2), rows.text(i, 3)};
  return all;
}

}  // namespace switchback::postgres
