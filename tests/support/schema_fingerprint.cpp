#include "schema_fingerprint.hpp"

#include <set>
#include <sstream>

#include "server.hpp"

namespace switchback::tests {
namespace {

constexpr const char* lines_sql = R"sql(
WITH ns AS (
  SELECT oid, nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'switchback') AND nspname NOT LIKE 'switchback\_hidden.%'
), own AS (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), rel AS (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS shown FROM pg_class c JOIN ns n ON n.oid = c.relnamespace
  WHERE NOT EXISTS (SELECT FROM own WHERE classid = 'pg_class'::regclass AND objid = c.oid)
), col AS (
  SELECT a.*, rel.shown || '.' || quote_ident(a.attname) AS name, rel.relowner FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid
  WHERE a.attnum > 0 AND NOT a.attisdropped AND rel.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attname NOT LIKE '\_switchback\_%'
)
SELECT 'relation ' || shown || ' ' || relkind::text || ' owner ' || relowner::regrole || ' ' || relpersistence::text || relrowsecurity || relforcerowsecurity || relreplident::text
       || ' ' || coalesce(array_to_string(reloptions, ','), '') || coalesce(' ' || pg_get_expr(relpartbound, oid), '')
       || coalesce((SELECT ' of ' || string_agg(inhparent::regclass::text, ',' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = rel.oid), '')
       || ' comment ' || coalesce(obj_description(oid, 'pg_class'), '')
  FROM rel WHERE relkind <> 'c'
UNION ALL
SELECT 'right ' || shown || ' ' || x.grantee::regrole || ' ' || x.privilege_type || ' ' || x.is_grantable
  FROM rel CROSS JOIN LATERAL aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 'S' ELSE 'r' END::"char", relowner))) x WHERE relkind NOT IN ('i', 'I', 'c')
UNION ALL
SELECT 'column ' || name || ' ' || format_type(atttypid, atttypmod) || ' collation ' || attcollation::regcollation || ' default '
       || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END || ' ' || attidentity::text || attgenerated::text || attstorage::text
       || ' statistics ' || coalesce(attstattarget, -1) || ' compression ' || coalesce(to_jsonb(col) ->> 'attcompression', '') || ' ' || coalesce(array_to_string(attoptions, ','), '') || ' comment ' || coalesce(col_description(attrelid, attnum), '')
  FROM col LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND d.adnum = attnum
UNION ALL
SELECT 'right ' || name || ' ' || x.grantee::regrole || ' ' || x.privilege_type || ' ' || x.is_grantable FROM col CROSS JOIN LATERAL aclexplode(attacl) x
UNION ALL
SELECT 'index ' || pg_get_indexdef(i.indexrelid) || ' ' || indisvalid || indisclustered || indisreplident || ' comment ' || coalesce(obj_description(i.indexrelid, 'pg_class'), '')
       || coalesce((SELECT ' statistics ' || string_agg(attnum || ':' || attstattarget, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = i.indexrelid AND attstattarget >= 0), '')
  FROM pg_index i JOIN rel ON rel.oid = i.indexrelid
UNION ALL
SELECT 'constraint ' || conname || ' on ' || coalesce(rel.shown, contypid::regtype::text) || ' ' || pg_get_constraintdef(k.oid) || ' comment ' || coalesce(obj_description(k.oid, 'pg_constraint'), '')
  FROM pg_constraint k JOIN ns ON ns.oid = connamespace LEFT JOIN rel ON rel.oid = conrelid WHERE contype <> 'n'
UNION ALL
SELECT 'view ' || shown || ' ' || pg_get_viewdef(oid) FROM rel WHERE relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence ' || shown || ' ' || (s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)::text || ' of ' || CASE WHEN a.attname IS NULL THEN '' ELSE format('%s.%s', d.refobjid::regclass, a.attname) END
  FROM rel JOIN pg_sequence s ON s.seqrelid = rel.oid
  LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = rel.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
UNION ALL
SELECT 'type ' || t.oid::regtype || ' ' || typtype::text || ' owner ' || typowner::regrole || ' '
       || coalesce((SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), '') || ' ' || coalesce(format_type(nullif(typbasetype, 0), typtypmod), '')
       || coalesce(typdefault, '') || typnotnull || ' comment ' || coalesce(obj_description(t.oid, 'pg_type'), '')
  FROM pg_type t JOIN ns ON ns.oid = typnamespace WHERE typtype IN ('e', 'd', 'r') OR typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')
UNION ALL
SELECT 'right ' || t.oid::regtype || ' ' || x.grantee::regrole || ' ' || x.privilege_type
  FROM pg_type t JOIN ns ON ns.oid = typnamespace CROSS JOIN LATERAL aclexplode(coalesce(typacl, acldefault('T', typowner))) x WHERE typtype IN ('e', 'd', 'r')
UNION ALL
SELECT 'function ' || pg_get_functiondef(p.oid) || ' owner ' || proowner::regrole || ' comment ' || coalesce(obj_description(p.oid, 'pg_proc'), '')
  FROM pg_proc p JOIN ns ON ns.oid = pronamespace WHERE prokind IN ('f', 'p') AND NOT EXISTS (SELECT FROM own WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
UNION ALL
SELECT 'right ' || p.oid::regprocedure || ' ' || x.grantee::regrole || ' ' || x.privilege_type
  FROM pg_proc p JOIN ns ON ns.oid = pronamespace CROSS JOIN LATERAL aclexplode(coalesce(proacl, acldefault('f', proowner))) x
  WHERE NOT EXISTS (SELECT FROM own WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
UNION ALL
SELECT 'rule ' || pg_get_ruledef(w.oid) || ' ' || ev_enabled::text FROM pg_rewrite w JOIN rel ON rel.oid = ev_class WHERE rulename <> '_RETURN'
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(g.oid) || ' ' || tgenabled::text || ' comment ' || coalesce(obj_description(g.oid, 'pg_trigger'), '') FROM pg_trigger g JOIN rel ON rel.oid = tgrelid
  WHERE NOT tgisinternal AND tgname NOT LIKE '~%switchback%' AND tgname NOT LIKE '\_switchback%' AND tgname NOT LIKE '!switchback%'
UNION ALL
SELECT 'policy ' || polname || ' on ' || rel.shown || ' ' || polcmd::text || polpermissive || ' to ' || array_to_string(polroles::regrole[], ',') || ' '
       || coalesce(pg_get_expr(polqual, polrelid), '') || ' check ' || coalesce(pg_get_expr(polwithcheck, polrelid), '') FROM pg_policy JOIN rel ON rel.oid = polrelid
UNION ALL
SELECT 'published ' || rel.shown || ' by ' || b.pubname FROM pg_publication_rel p JOIN pg_publication b ON b.oid = p.prpubid JOIN rel ON rel.oid = p.prrelid
UNION ALL
SELECT 'statistics ' || split_part(d.text, ' ON ', 1) || ' ON ' || (SELECT string_agg(part, ', ' ORDER BY part) FROM regexp_split_to_table(substring(d.text FROM ' ON (.*) FROM '), ', ') part)
       || ' FROM ' || stxrelid::regclass || ' owner ' || stxowner::regrole || ' target ' || coalesce((to_jsonb(s) ->> 'stxstattarget')::int, -1)
       || ' comment ' || coalesce(obj_description(s.oid, 'pg_statistic_ext'), '') FROM pg_statistic_ext s JOIN ns ON ns.oid = stxnamespace CROSS JOIN LATERAL pg_get_statisticsobjdef(s.oid) d(text)
ORDER BY 1)sql";

std::set<std::string> lines(const std::string& text) {
  std::istringstream in(text);
  std::set<std::string> found;
  for (std::string line; std::getline(in, line);) found.insert(line);
  return found;
}

}  // namespace

std::string schema_fingerprint(const std::string& uri) {
  // On one line each, whatever a definition has in it.
  return server().sql(uri, "SELECT string_agg(translate(line, E'\\n', ' '), E'\\n') FROM (" + std::string(lines_sql) +
                               ") AS one(line)");
}

std::string apparatus(const std::string& uri) {
  return server().sql(uri, R"sql(
SELECT coalesce(string_agg(line, E'\n' ORDER BY line), '') FROM (
  SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE 'switchback\_hidden.%'
  UNION ALL
  SELECT 'relation ' || n.nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname LIKE 'switchback%' AND relkind IN ('r', 'p', 'v', 'm') AND relname NOT LIKE 'kept\_%'
  UNION ALL
  SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = to_regnamespace('switchback')
  UNION ALL
  SELECT 'column ' || attrelid::regclass || '.' || attname FROM pg_attribute WHERE attname ~ 'switchback' AND NOT attisdropped AND attrelid >= 16384
  UNION ALL
  SELECT 'trigger ' || tgname || ' on ' || tgrelid::regclass || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal AND tgname ~ 'switchback'
  UNION ALL
  SELECT 'constraint ' || conname || ' on ' || conrelid::regclass FROM pg_constraint WHERE conname ~ 'switchback'
  UNION ALL
  SELECT 'index ' || indexrelid::regclass FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relname ~ 'switchback' OR NOT indisvalid
) AS one(line))sql");
}

std::string fingerprint_difference(const std::string& before, const std::string& after) {
  const std::set<std::string> was = lines(before);
  const std::set<std::string> is = lines(after);
  std::string text;
  for (const std::string& line : was)
    if (!is.contains(line)) text += "- " + line + "\n";
  for (const std::string& line : is)
    if (!was.contains(line)) text += "+ " + line + "\n";
  return text;
}

}  // namespace switchback::tests
