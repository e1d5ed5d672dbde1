#include "switchback/engine/shown_table.hpp"

#include <algorithm>

namespace switchback::engine {
namespace {

/// $1: the table, $2: the view. Columns of other plans' sync are no one's to read.
constexpr const char* columns_sql = R"sql(
SELECT a.attname FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT LIKE '\_switchback\_%'
ORDER BY a.attnum)sql";

/// Whoever makes the view is given its owner's rights by the table's owner, default privileges are taken away, and what
/// is granted on the table is granted on it. chr(1): in the place of a column's name.
constexpr const char* rights_sql = R"sql(
WITH t AS (
  SELECT c.oid, c.relowner, c.relacl, c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)),
grants AS (
  SELECT 0 AS attnum, NULL::pg_catalog.name AS attname, x.* FROM t CROSS JOIN LATERAL pg_catalog.aclexplode(t.relacl) x
  UNION ALL
  SELECT a.attnum, a.attname, x.* FROM t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped
  CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) x),
named AS (
  SELECT g.attnum, g.attname, g.is_grantable, g.privilege_type, g.grantee,
         CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END AS role
  FROM grants g, t WHERE g.grantee <> t.relowner)
SELECT 1 AS step, 0 AS attnum, '' AS attname, '' AS role, pg_catalog.format('ALTER VIEW %s OWNER TO %I', $2::pg_catalog.text, pg_catalog.pg_get_userbyid(t.relowner))
FROM t WHERE pg_catalog.pg_get_userbyid(t.relowner) <> current_user
UNION ALL
SELECT DISTINCT 2, 0, '', r.role, pg_catalog.format('REVOKE ALL ON %s FROM %s', $2::pg_catalog.text, r.role)
FROM t JOIN pg_catalog.pg_default_acl d ON d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, t.relnamespace)
  AND pg_catalog.pg_get_userbyid(d.defaclrole) = current_user
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) x
CROSS JOIN LATERAL (SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS role) r
WHERE x.grantee <> t.relowner
UNION ALL
SELECT 3, n.attnum, COALESCE(n.attname::pg_catalog.text, ''), n.role,
  pg_catalog.format('GRANT %s ON %s TO %s%s',
    CASE WHEN n.attnum > 0 THEN pg_catalog.min(n.privilege_type) || ' (' || pg_catalog.chr(1) || ')'
         ELSE pg_catalog.string_agg(n.privilege_type, ', ' ORDER BY n.privilege_type) END,
    $2::pg_catalog.text, n.role, CASE WHEN n.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM named n GROUP BY n.attnum, n.attname, n.role, n.is_grantable, CASE WHEN n.attnum > 0 THEN n.privilege_type END
UNION ALL
SELECT 4, d.objsubid, COALESCE(a.attname::pg_catalog.text, ''), '',
  CASE WHEN d.objsubid = 0 THEN pg_catalog.format('COMMENT ON VIEW %s IS %L', $2::pg_catalog.text, d.description)
       ELSE pg_catalog.format('COMMENT ON COLUMN %s.', $2::pg_catalog.text) || pg_catalog.chr(1) || pg_catalog.format(' IS %L', d.description) END
FROM t JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = t.oid
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.objsubid AND d.objsubid > 0
ORDER BY 1, 2, 4, 5)sql";

/// Relation, owner, whether row level security is on, whether the view can be given to its owner (ALTER VIEW: he must
/// be able to make it, unless a superuser gives it; of a schema that is still to be made that is not known), whether it
/// is temporary.
constexpr const char* table_sql = R"sql(
SELECT c.relkind::pg_catalog.text, pg_catalog.pg_get_userbyid(c.relowner), c.relrowsecurity,
       pg_catalog.has_schema_privilege(c.relowner, n.oid, 'CREATE') OR pg_catalog.pg_get_userbyid(c.relowner) = current_user
         OR (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user), c.relpersistence = 't'
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $2
WHERE c.oid = pg_catalog.to_regclass($1))sql";

constexpr int first_with_invoker = 150000;

}  // namespace

std::optional<ShownTable> shown_table(ports::Session& session, const CreateView& step) {
  const auto columns = session.exec(columns_sql, {quoted(*step.like)});
  if (columns.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns.size(); ++i) names.push_back(columns.text(i, 0));
  ShownTable table;
  table.invoker = session.server_version() >= first_with_invoker;
  table.columns = shown_columns(step, names);
  const auto rights = session.exec(rights_sql, {quoted(*step.like), quoted(step.name)});
  for (std::size_t i = 0; i < rights.size(); ++i) {
    std::string sql = rights.text(i, 4);
    if (rights.integer(i, 1) > 0) {
      const auto shown =
          std::ranges::find(table.columns, rights.text(i, 2), &std::pair<std::string, std::string>::second);
      if (shown == table.columns.end()) continue;
      sql = with_column(std::move(sql), quote_identifier(shown->first));
    }
    table.rights.push_back(std::move(sql));
  }
  return table;
}

std::optional<ViewObjection> view_objection(ports::Session& session, const CreateView& step) {
  const std::string table = shown(*step.like);
  const auto found = session.exec(table_sql, {quoted(*step.like), step.name.schema});
  if (found.empty()) return ViewObjection{"there is no table " + table, "names are folded to lower case unless quoted"};
  if (found.text(0, 0) != "r" && found.text(0, 0) != "p")
    return ViewObjection{table + " is no table: a view like it could not be written through", "name a table"};
  if (found.boolean(0, 4)) return ViewObjection{table + " is temporary", "name a table that stays"};
  if (found.boolean(0, 2) && session.server_version() < first_with_invoker)
    return ViewObjection{
        table +
            " has row level security, and before PostgreSQL 15 a view reads with its owner's rights: its policies "
            "would let everybody through",
        "update the server first, or let the application go over to the new name by a view of its own, made by `sql`"};
  if (found.at(0, 3) && !found.boolean(0, 3))
    return ViewObjection{"the view is to belong to " + found.text(0, 1) + ", as " + table +
                             " does, who may not make anything in schema " + shown(std::string_view(step.name.schema)),
                         "GRANT CREATE ON SCHEMA " + quote_identifier(step.name.schema) + " TO " +
                             quote_identifier(found.text(0, 1)) + ";"};
  return std::nullopt;
}

std::vector<std::string> rights_of_its_own(ports::Session& session, const TableName& view, const TableName& table) {
  const auto rows = session.exec(R"sql(
WITH both_of AS (
  SELECT c.oid = pg_catalog.to_regclass($1) AS of_view, '' AS attname, x.grantee, x.privilege_type, x.is_grantable
  FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE c.oid IN (pg_catalog.to_regclass($1), pg_catalog.to_regclass($2)) AND x.grantee <> c.relowner
  UNION
  SELECT c.oid = pg_catalog.to_regclass($1), a.attname::pg_catalog.text, x.grantee, x.privilege_type, x.is_grantable
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
  CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) x
  WHERE c.oid IN (pg_catalog.to_regclass($1), pg_catalog.to_regclass($2)) AND x.grantee <> c.relowner)
SELECT CASE WHEN v.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(v.grantee)) END,
       v.privilege_type || CASE WHEN v.attname <> '' THEN pg_catalog.format(' (%I)', v.attname) ELSE '' END
FROM both_of v
WHERE v.of_view AND NOT EXISTS (
  SELECT FROM both_of t WHERE NOT t.of_view AND t.grantee = v.grantee AND t.privilege_type = v.privilege_type
    AND t.attname IN ('', v.attname) AND (t.is_grantable OR NOT v.is_grantable))
ORDER BY 1, 2)sql",
                                 {quoted(view), quoted(table)});
  std::vector<std::string> grants;
  for (std::size_t i = 0; i < rows.size(); ++i)
    grants.push_back("GRANT " + rows.text(i, 1) + " ON " + quoted(table) + " TO " + rows.text(i, 0));
  return grants;
}

}  // namespace switchback::engine
