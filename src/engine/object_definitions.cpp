#include <string>
#include <vector>

#include "switchback/core/error.hpp"
#include "switchback/engine/moving.hpp"

namespace switchback::engine {
namespace {

// Each query gives the statements of one kind of thing in the order in which they run. $1: its oid.
constexpr const char* view_sql = R"sql(
WITH v AS (
  SELECT c.*, n.nspname, format('%I.%I', n.nspname, c.relname) AS name, CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END AS word
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid
), ix AS (
  SELECT i.*, x.relname, format('%I.%I', v.nspname, x.relname) AS index_name FROM v JOIN pg_index i ON i.indrelid = v.oid JOIN pg_class x ON x.oid = i.indexrelid
)
SELECT definition FROM (
  SELECT 10 AS step, 0::bigint AS place, 'CREATE ' || word || ' ' || name
      || CASE WHEN relkind = 'm' THEN coalesce((SELECT format(' USING %I', a.amname) FROM pg_am a WHERE a.oid = relam), '') ELSE '' END
      || coalesce((SELECT ' WITH (' || string_agg(format('%I=%L', option_name, option_value), ', ') || ')' FROM pg_options_to_table(reloptions)), '')
      || coalesce((SELECT format(' TABLESPACE %I', spcname) FROM pg_tablespace s WHERE s.oid = reltablespace), '')
      || ' AS ' || rtrim(pg_get_viewdef(oid), ';')
      || CASE WHEN relkind = 'v' THEN '' WHEN relispopulated THEN ' WITH DATA' ELSE ' WITH NO DATA' END AS definition
    FROM v
  UNION ALL SELECT 30, d.adnum, format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', name, a.attname, pg_get_expr(d.adbin, d.adrelid))
    FROM v JOIN pg_attrdef d ON d.adrelid = v.oid JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum = d.adnum
  UNION ALL SELECT 31, a.attnum, format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I SET STATISTICS %s', name, a.attname, a.attstattarget)
    FROM v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0 AND a.attstattarget >= 0 WHERE relkind = 'm'
  UNION ALL SELECT 32, a.attnum, format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I SET (%s)', name, a.attname, array_to_string(a.attoptions, ', '))
    FROM v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attoptions IS NOT NULL WHERE relkind = 'm'
  UNION ALL SELECT 33, a.attnum, format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I SET STORAGE %s', name, a.attname,
      CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END)
    FROM v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0 JOIN pg_type t ON t.oid = a.atttypid AND t.typstorage <> a.attstorage WHERE relkind = 'm'
  UNION ALL SELECT 40, 0, format('COMMENT ON %s %s IS %L', word, name, obj_description(oid, 'pg_class')) FROM v WHERE obj_description(oid, 'pg_class') IS NOT NULL
  UNION ALL SELECT 41, a.attnum, format('COMMENT ON COLUMN %s.%I IS %L', name, a.attname, col_description(v.oid, a.attnum))
    FROM v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0 WHERE col_description(v.oid, a.attnum) IS NOT NULL
  UNION ALL SELECT 50, r.oid, pg_get_ruledef(r.oid) FROM v JOIN pg_rewrite r ON r.ev_class = v.oid AND r.rulename <> '_RETURN'
  UNION ALL SELECT 51, r.oid, format('COMMENT ON RULE %I ON %s IS %L', r.rulename, name, obj_description(r.oid, 'pg_rewrite'))
    FROM v JOIN pg_rewrite r ON r.ev_class = v.oid WHERE obj_description(r.oid, 'pg_rewrite') IS NOT NULL
  UNION ALL SELECT 52, t.oid, pg_get_triggerdef(t.oid) FROM v JOIN pg_trigger t ON t.tgrelid = v.oid AND NOT t.tgisinternal
  UNION ALL SELECT 53, t.oid, format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname, name, obj_description(t.oid, 'pg_trigger'))
    FROM v JOIN pg_trigger t ON t.tgrelid = v.oid WHERE obj_description(t.oid, 'pg_trigger') IS NOT NULL
  UNION ALL SELECT 60, ix.indexrelid, pg_get_indexdef(ix.indexrelid) FROM ix
  UNION ALL SELECT 61, a.attnum, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', index_name, a.attnum, a.attstattarget)
    FROM ix JOIN pg_attribute a ON a.attrelid = ix.indexrelid AND a.attstattarget >= 0
  UNION ALL SELECT 62, ix.indexrelid, format('COMMENT ON INDEX %s IS %L', index_name, obj_description(ix.indexrelid, 'pg_class'))
    FROM ix WHERE obj_description(ix.indexrelid, 'pg_class') IS NOT NULL
  UNION ALL SELECT 63, 0, format('ALTER MATERIALIZED VIEW %s CLUSTER ON %I', v.name, ix.relname) FROM v JOIN ix ON ix.indisclustered
  UNION ALL SELECT 70, s.oid, pg_get_statisticsobjdef(s.oid) FROM v JOIN pg_statistic_ext s ON s.stxrelid = v.oid
) AS one ORDER BY step, place)sql";

constexpr const char* type_sql = R"sql(
WITH t AS (
  SELECT y.*, format('%I.%I', n.nspname, y.typname) AS name, CASE y.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END AS word
  FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace WHERE y.oid = $1::oid
), collations AS (SELECT l.oid, format(' COLLATE %I.%I', n.nspname, l.collname) AS clause, format('%I.%I', n.nspname, l.collname) AS name FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace)
SELECT definition FROM (
  SELECT 10 AS step, 0::bigint AS place, CASE typtype
      WHEN 'e' THEN 'CREATE TYPE ' || name || ' AS ENUM (' || coalesce((SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), '') || ')'
      WHEN 'c' THEN 'CREATE TYPE ' || name || ' AS (' || coalesce((
          SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || CASE WHEN a.attcollation <> 0 AND a.attcollation <> b.typcollation
                   THEN (SELECT clause FROM collations c WHERE c.oid = a.attcollation) ELSE '' END, ', ' ORDER BY a.attnum)
          FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')'
      WHEN 'd' THEN 'CREATE DOMAIN ' || name || ' AS ' || format_type(typbasetype, typtypmod)
          || CASE WHEN typcollation <> 0 AND typcollation <> (SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype)
                  THEN (SELECT clause FROM collations c WHERE c.oid = t.typcollation) ELSE '' END
          || coalesce(' DEFAULT ' || pg_get_expr(typdefaultbin, 'pg_type'::regclass), '') || CASE WHEN typnotnull THEN ' NOT NULL' ELSE '' END
      ELSE (SELECT 'CREATE TYPE ' || t.name || ' AS RANGE (SUBTYPE = ' || format_type(r.rngsubtype, NULL)
              || (SELECT format(', SUBTYPE_OPCLASS = %I.%I', n.nspname, o.opcname) FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE o.oid = r.rngsubopc)
              || CASE WHEN r.rngcollation <> 0 THEN (SELECT ', COLLATION = ' || c.name FROM collations c WHERE c.oid = r.rngcollation) ELSE '' END
              || CASE WHEN r.rngsubdiff <> 0 THEN (SELECT format(', SUBTYPE_DIFF = %I.%I', n.nspname, p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = r.rngsubdiff) ELSE '' END
              || coalesce((SELECT format(', MULTIRANGE_TYPE_NAME = %I.%I', n.nspname, m.typname) FROM pg_type m JOIN pg_namespace n ON n.oid = m.typnamespace
                           WHERE m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid), '') || ')'
            FROM pg_range r WHERE r.rngtypid = t.oid) END AS definition
    FROM t
  UNION ALL SELECT 20, k.oid, format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', name, k.conname, pg_get_constraintdef(k.oid))
    FROM t JOIN pg_constraint k ON k.contypid = t.oid AND k.contype = 'c'
  UNION ALL SELECT 21, k.oid, format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS %L', k.conname, name, obj_description(k.oid, 'pg_constraint'))
    FROM t JOIN pg_constraint k ON k.contypid = t.oid WHERE obj_description(k.oid, 'pg_constraint') IS NOT NULL
  UNION ALL SELECT 40, 0, format('COMMENT ON %s %s IS %L', word, name, obj_description(oid, 'pg_type')) FROM t WHERE obj_description(oid, 'pg_type') IS NOT NULL
  UNION ALL SELECT 41, a.attnum, format('COMMENT ON COLUMN %s.%I IS %L', name, a.attname, col_description(a.attrelid, a.attnum))
    FROM t JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 WHERE typtype = 'c' AND col_description(a.attrelid, a.attnum) IS NOT NULL
) AS one ORDER BY step, place)sql";

// Whoever made one of the same name in the meantime keeps it: CREATE, not CREATE OR REPLACE. What a body reads may be
// made later than the function.
constexpr const char* function_sql = R"sql(
SELECT definition FROM (
  SELECT 10 AS step, 'SET LOCAL check_function_bodies = off' AS definition
  UNION ALL SELECT 11, regexp_replace(pg_get_functiondef(p.oid), '^CREATE OR REPLACE ', 'CREATE ') FROM pg_proc p WHERE p.oid = $1::oid
  UNION ALL SELECT 40, format('COMMENT ON ROUTINE %s IS %L', i.identity, obj_description($1::oid, 'pg_proc'))
    FROM pg_identify_object('pg_proc'::regclass, $1::oid, 0) i WHERE obj_description($1::oid, 'pg_proc') IS NOT NULL
) AS one ORDER BY step)sql";

// Owner and rights: who holds what, as GRANTs; the defaults spelled out where nothing was ever granted.
constexpr const char* rights_sql = R"sql(
SELECT pg_get_userbyid(owner), CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, x.privilege_type, x.is_grantable
FROM (SELECT $owner AS owner, $acl AS acl FROM $catalog WHERE oid = $1::oid) o
LEFT JOIN LATERAL aclexplode(coalesce(acl, acldefault('$letter', owner))) WITH ORDINALITY AS x(grantor, grantee, privilege_type, is_grantable, place) ON true
ORDER BY x.place)sql";

constexpr const char* column_rights_sql = R"sql(
SELECT format('GRANT %s (%I) ON TABLE %I.%I TO %s%s', x.privilege_type, a.attname, n.nspname, c.relname,
              CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL aclexplode(a.attacl) x WHERE c.oid = $1::oid ORDER BY a.attnum, 1)sql";

/// How the catalog and GRANT speak of one kind of thing.
struct Manner {
  const char* catalog;
  const char* owner;
  const char* acl;
  const char* letter;    ///< of acldefault
  const char* word;      ///< of GRANT
  const char* regclass;  ///< finds the new one by its name
};

Manner manner_of(Structure::Kind kind) {
  if (kind == Structure::Kind::type) return {"pg_type", "typowner", "typacl", "T", "TYPE ", "to_regtype"};
  if (kind == Structure::Kind::function) return {"pg_proc", "proowner", "proacl", "f", "ROUTINE ", "to_regprocedure"};
  return {"pg_class", "relowner", "relacl", "r", "TABLE ", "to_regclass"};
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

/// What default privileges (ALTER DEFAULT PRIVILEGES) give to what is just made is taken off again.
std::string revoke_given(const Manner& manner, const std::string& identity) {
  std::string body =
      "DECLARE g record; BEGIN FOR g IN SELECT DISTINCT x.grantee FROM pg_catalog.$catalog o, "
      "pg_catalog.aclexplode(o.$acl) x WHERE o.oid = pg_catalog.$regclass(" +
      quote_literal(identity) + ") LOOP EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', " +
      quote_literal(manner.word + identity) +
      ", CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END); "
      "END LOOP; END";
  replace_all(body, "$catalog", manner.catalog);
  replace_all(body, "$acl", manner.acl);
  replace_all(body, "$regclass", manner.regclass);
  return "DO " + quote_literal(body);
}

std::vector<std::string> belongings(ports::Session& session, const TakenObject& object) {
  const Manner manner = manner_of(object.kind);
  std::string sql = rights_sql;
  replace_all(sql, "$owner", manner.owner);
  replace_all(sql, "$acl", manner.acl);
  replace_all(sql, "$catalog", manner.catalog);
  replace_all(sql, "$letter", manner.letter);
  const auto rows = session.exec(sql, {std::to_string(object.oid)});
  const std::string owner = quote_identifier(rows.text(0, 0));
  const std::string what = manner.word + object.identity;
  std::vector<std::string> out{"ALTER " + object.word + " " + object.identity + " OWNER TO " + owner,
                               revoke_given(manner, object.identity),
                               "REVOKE ALL ON " + what + " FROM PUBLIC, " + owner};
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows.at(i, 2))
      out.push_back("GRANT " + rows.text(i, 2) + " ON " + what + " TO " + rows.text(i, 1) +
                    (rows.boolean(i, 3) ? " WITH GRANT OPTION" : ""));
  if (object.kind != Structure::Kind::view) return out;
  const auto columns = session.exec(column_rights_sql, {std::to_string(object.oid)});
  for (std::size_t i = 0; i < columns.size(); ++i) out.push_back(columns.text(i, 0));
  return out;
}

}  // namespace

std::string object_definition(ports::Session& session, const TakenObject& object) {
  const char* sql = object.kind == Structure::Kind::type       ? type_sql
                    : object.kind == Structure::Kind::function ? function_sql
                                                               : view_sql;
  const auto rows = session.exec(sql, {std::to_string(object.oid)});
  std::string script;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows.at(i, 0))
      throw Error(Exit::invalid, Remedy::person,
                  "the server does not say how " + object.identity + " is made: it could not come back",
                  "drop it by sql, with an undo");
    std::string statement = rows.text(i, 0);
    while (!statement.empty() && (statement.back() == ';' || statement.back() == '\n')) statement.pop_back();
    script += statement + ";\n";
  }
  for (const std::string& statement : belongings(session, object)) script += statement + ";\n";
  return script;
}

}  // namespace switchback::engine
