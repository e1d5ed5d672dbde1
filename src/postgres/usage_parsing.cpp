#include "usage_parsing.hpp"

#include <vector>

#include "switchback/core/sql.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;

constexpr const char* settings_sql = R"sql(
SELECT COALESCE(r.rolname, ''), s.setdatabase <> 0, c
FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c
WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
  AND (s.setrole = 0 OR r.oid IS NOT NULL)
  AND (c LIKE 'search\_path=%' OR c LIKE 'standard\_conforming\_strings=%'))sql";

/// xmin is the version of a row: what is rewritten in place (CREATE OR REPLACE) shows by it. Not for pg_class and
/// pg_attribute, whose rows change for other reasons too.
constexpr const char* print_sql = R"sql(
WITH ours AS (
  SELECT oid FROM pg_catalog.pg_namespace
  WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'switchback')),
relations AS (SELECT c.* FROM pg_catalog.pg_class c JOIN ours ON ours.oid = c.relnamespace),
parts(part, line) AS (
  SELECT 'class', pg_catalog.concat_ws('/', oid, relname, relnamespace, relkind, reltype) FROM relations WHERE oid IS NOT NULL
  UNION ALL SELECT 'attribute', pg_catalog.concat_ws('/', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
      a.atthasdef, a.attgenerated, a.attidentity, a.attisdropped)
    FROM pg_catalog.pg_attribute a JOIN relations r ON r.oid = a.attrelid WHERE a.attnum > 0 AND r.relkind NOT IN ('i', 'I')
  UNION ALL SELECT 'rule', pg_catalog.concat_ws('/', w.oid, w.xmin) FROM pg_catalog.pg_rewrite w JOIN relations r ON r.oid = w.ev_class
  UNION ALL SELECT 'index', pg_catalog.concat_ws('/', x.indexrelid, x.indkey, x.indisunique, x.indisvalid)
    FROM pg_catalog.pg_index x JOIN relations r ON r.oid = x.indrelid
  UNION ALL SELECT 'constraint', pg_catalog.concat_ws('/', k.oid, k.xmin) FROM pg_catalog.pg_constraint k JOIN ours ON ours.oid = k.connamespace
  UNION ALL SELECT 'inherits', pg_catalog.concat_ws('/', i.inhrelid, i.inhparent) FROM pg_catalog.pg_inherits i JOIN relations r ON r.oid = i.inhrelid
  UNION ALL SELECT 'function', pg_catalog.concat_ws('/', p.oid, p.xmin) FROM pg_catalog.pg_proc p JOIN ours ON ours.oid = p.pronamespace
  UNION ALL SELECT 'type', pg_catalog.concat_ws('/', t.oid, t.typname, t.typtype, t.typbasetype, t.typelem, t.typrelid)
    FROM pg_catalog.pg_type t JOIN ours ON ours.oid = t.typnamespace
  UNION ALL SELECT 'operator', pg_catalog.concat_ws('/', o.oid, o.xmin) FROM pg_catalog.pg_operator o JOIN ours ON ours.oid = o.oprnamespace
  UNION ALL SELECT 'collation', pg_catalog.concat_ws('/', l.oid, l.xmin) FROM pg_catalog.pg_collation l JOIN ours ON ours.oid = l.collnamespace
  UNION ALL SELECT 'cast', pg_catalog.concat_ws('/', c.oid, c.xmin) FROM pg_catalog.pg_cast c WHERE c.oid >= 16384
  UNION ALL SELECT 'extension', pg_catalog.concat_ws('/', e.oid, e.xmin) FROM pg_catalog.pg_extension e
  UNION ALL SELECT 'schema', pg_catalog.concat_ws('/', n.oid, n.nspname) FROM pg_catalog.pg_namespace n JOIN ours USING (oid)
  UNION ALL SELECT 'settings', pg_catalog.concat_ws('/', s.setdatabase, s.setrole, s.setconfig::text) FROM pg_catalog.pg_db_role_setting s)
SELECT pg_catalog.md5(pg_catalog.string_agg(p.part || p.lines || p.sum, ' ' ORDER BY p.part)) FROM (
  SELECT part, pg_catalog.count(*)::text AS lines,
         pg_catalog.sum(pg_catalog.hashtextextended(line, 0)::numeric)::text AS sum
  FROM parts GROUP BY part) p)sql";

std::string resolved_path(const std::string& path, const std::string& role) {
  std::string out = path;
  const std::string own = role.empty() ? "pg_catalog" : quote_identifier(role);
  for (const std::string_view user : {"\"$user\"", "$user"})
    if (const std::size_t at = out.find(user); at != std::string::npos) return out.replace(at, user.size(), own);
  return out;
}

}  // namespace

RoleParsing::RoleParsing(ports::Session& source) {
  const Rows rows = source.exec(settings_sql);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string line = rows.text(i, 2);
    const std::size_t sign = line.find('=');
    sets_[{rows.text(i, 0), rows.boolean(i, 1)}][line.substr(0, sign)] = line.substr(sign + 1);
  }
  server_ = {{"search_path", "\"$user\", public"}, {"standard_conforming_strings", "on"}};
  // reset_val is the server's own where neither this role nor this database has a setting of its own.
  const Rows own = source.exec(
      "SELECT name, reset_val, current_user FROM pg_catalog.pg_settings "
      "WHERE name IN ('search_path', 'standard_conforming_strings')");
  for (std::size_t i = 0; i < own.size(); ++i) {
    bool special = false;
    for (const auto& [whose, set] : sets_)
      special |= (whose.first.empty() || whose.first == own.text(i, 2)) && set.contains(own.text(i, 0));
    if (!special) server_[own.text(i, 0)] = own.text(i, 1);
  }
}

Parsing RoleParsing::of(const std::string& role) const {
  const auto value = [&](const std::string& setting) {
    // The narrower one wins (documentation, "ALTER ROLE").
    const std::vector<std::pair<std::string, bool>> widening{{role, true}, {role, false}, {"", true}, {"", false}};
    for (const auto& whose : widening)
      if (const auto set = sets_.find(whose); set != sets_.end())
        if (const auto found = set->second.find(setting); found != set->second.end()) return found->second;
    return server_.at(setting);
  };
  return {resolved_path(value("search_path"), role), value("standard_conforming_strings") != "off"};
}

std::string schema_print(ports::Session& source) {
  return std::to_string(source.server_version()) + "/" + source.exec(print_sql).text(0, 0);
}

}  // namespace switchback::postgres
