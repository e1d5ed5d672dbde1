#include "gate_objects.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace switchback::engine {
namespace {

using nlohmann::json;

TableName object_in(const ports::Rows& rows, std::size_t row) {
  return {rows.text(row, 1), rows.text(row, 2)};
}

void ask_for(json& wanted, const RegisteredImage& image, const std::vector<TableName>& names, const char* kind) {
  for (const TableName& one : names)
    wanted.push_back({{"image", image.name},
                      {"role", image.footprint.role},
                      {"schema", one.schema},
                      {"name", one.name},
                      {"kind", kind}});
}

/// `wanted`: the objects of $1. `path`: where bare names are looked for, as new sessions of the role have it: the
/// narrowest setting wins (documentation, "ALTER ROLE"). What a session sets by itself is not known.
constexpr std::string_view wanted_on_path = R"sql(
WITH wanted AS MATERIALIZED (
  SELECT * FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS w(image pg_catalog.text, role pg_catalog.name,
    schema pg_catalog.text, name pg_catalog.name, kind pg_catalog.text)
), path AS MATERIALIZED (
  SELECT u.role, ARRAY(
    SELECT CASE part WHEN '$user' THEN u.role ELSE part::pg_catalog.name END
    FROM pg_catalog.regexp_split_to_table(COALESCE((
      SELECT pg_catalog.substr(c, 13) FROM pg_catalog.pg_db_role_setting s
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c
      WHERE c LIKE 'search\_path=%' AND (s.setrole = 0 OR r.rolname = u.role) AND (s.setdatabase = 0 OR s.setdatabase =
        (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
      ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1), '"$user",public'), '\s*,\s*') p(raw)
    CROSS JOIN LATERAL pg_catalog.btrim(raw, ' "') b(part)
    UNION SELECT 'pg_catalog') AS schemas
  FROM (SELECT DISTINCT role FROM wanted) u
)
)sql";

/// Of several functions of one name any may be meant: only when none may be called is that certain.
constexpr std::string_view denied_named = R"sql(
, named AS (
  SELECT w.image, w.kind, w.schema AS written, w.name, r.oid AS role, p.oid AS function, c.oid AS sequence
  FROM wanted w JOIN path USING (role) JOIN pg_catalog.pg_roles r ON r.rolname = w.role
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema OR w.schema = '' AND n.nspname = ANY (path.schemas)
  LEFT JOIN pg_catalog.pg_proc p ON w.kind = 'function' AND p.pronamespace = n.oid AND p.proname = w.name
  LEFT JOIN pg_catalog.pg_class c ON w.kind = 'sequence' AND c.relnamespace = n.oid AND c.relname = w.name
    AND c.relkind = 'S'
)
SELECT image, written, name, 'FUNCTION ' || min(function::pg_catalog.regprocedure::pg_catalog.text), 'EXECUTE'
FROM named WHERE function IS NOT NULL
GROUP BY image, written, name
HAVING NOT pg_catalog.bool_or(pg_catalog.has_function_privilege(role, function, 'EXECUTE'))
UNION ALL
SELECT image, written, name, 'SEQUENCE ' || sequence::pg_catalog.regclass::pg_catalog.text, 'USAGE'
FROM named WHERE sequence IS NOT NULL AND NOT pg_catalog.has_sequence_privilege(role, sequence, 'USAGE, UPDATE')
ORDER BY 1, 2, 3)sql";

/// Sequences that the defaults of columns draw from which an INSERT leaves out.
constexpr std::string_view denied_defaults = R"sql(
SELECT i.image, s.nspname, q.relname, 'SEQUENCE ' || q.oid::pg_catalog.regclass::pg_catalog.text, 'USAGE'
FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS i(image pg_catalog.text, role pg_catalog.name,
  schema pg_catalog.name, name pg_catalog.name, given pg_catalog.jsonb)
JOIN pg_catalog.pg_roles r ON r.rolname = i.role
JOIN pg_catalog.pg_namespace n ON n.nspname = i.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = i.name
JOIN pg_catalog.pg_attrdef e ON e.adrelid = c.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = e.adnum
  AND NOT i.given ? a.attname::pg_catalog.text
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
JOIN pg_catalog.pg_class q ON q.oid = d.refobjid AND q.relkind = 'S'
JOIN pg_catalog.pg_namespace s ON s.oid = q.relnamespace
WHERE NOT pg_catalog.has_sequence_privilege(r.oid, q.oid, 'USAGE, UPDATE')
ORDER BY 1, 2, 3)sql";

}  // namespace

void find_absent(ports::Session& session, const std::vector<RegisteredImage>& images, Surroundings& found) {
  json wanted = json::array();
  for (const RegisteredImage& image : images) {
    ask_for(wanted, image, image.footprint.functions, "function");
    ask_for(wanted, image, image.footprint.types, "type");
    ask_for(wanted, image, image.footprint.relations, "relation");
    ask_for(wanted, image, image.footprint.sequences, "sequence");
  }
  if (wanted.empty()) return;
  const auto rows = session.exec(std::string(wanted_on_path) + R"sql(
SELECT w.image, w.schema, w.name, w.kind, f.elsewhere > 0
FROM wanted w JOIN path p USING (role) CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE n.nspname = w.schema OR w.schema = '' AND n.nspname = ANY (p.schemas)) AS here,
         count(*) FILTER (WHERE w.schema = '' AND n.nspname NOT LIKE 'switchback%') AS elsewhere
  FROM pg_catalog.pg_namespace n WHERE n.oid IN (
    SELECT pronamespace FROM pg_catalog.pg_proc WHERE w.kind = 'function' AND proname = w.name
    UNION ALL SELECT typnamespace FROM pg_catalog.pg_type WHERE w.kind = 'type' AND typname = w.name
    UNION ALL SELECT relnamespace FROM pg_catalog.pg_class
    WHERE (w.kind = 'relation' OR w.kind = 'sequence' AND relkind = 'S') AND relname = w.name)) f
WHERE f.here = 0 ORDER BY 1, 2, 3)sql",
                                 {wanted.dump()});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ImageSurroundings& mine = found[rows.text(row, 0)];
    const std::string kind = rows.text(row, 3);
    auto& list = kind == "function"   ? mine.absent_functions
                 : kind == "type"     ? mine.absent_types
                 : kind == "relation" ? mine.absent_relations
                                      : mine.absent_sequences;
    list.push_back({object_in(rows, row), rows.boolean(row, 4)});
  }
}

void find_attributes(ports::Session& session, const LiveCatalog& catalog, const std::vector<RegisteredImage>& images,
                     Surroundings& found) {
  json wanted = json::array();
  for (const RegisteredImage& image : images)
    for (const TableUse& use : image.footprint.tables)
      if (const auto table = catalog.find(use.table); table != catalog.end())
        for (const std::string& name : use.reads)
          if (std::ranges::find(table->second.columns, name, &CatalogColumn::name) == table->second.columns.end())
            wanted.push_back(
                {{"image", image.name}, {"schema", use.table.schema}, {"name", use.table.name}, {"function", name}});
  if (wanted.empty()) return;
  const auto rows = session.exec(R"sql(
SELECT DISTINCT w.image, w.schema, w.name, w.function
FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS w(image pg_catalog.text, schema pg_catalog.name,
  name pg_catalog.name, function pg_catalog.name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN pg_catalog.pg_proc p ON p.proname = w.function AND p.pronargs = 1 AND p.proargtypes[0] = c.reltype
JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace AND f.nspname NOT LIKE 'switchback%')sql",
                                 {wanted.dump()});
  for (std::size_t row = 0; row < rows.size(); ++row)
    found[rows.text(row, 0)].attributes.push_back({object_in(rows, row), rows.text(row, 3)});
}

void find_denied_objects(ports::Session& session, const std::vector<RegisteredImage>& images, Surroundings& found) {
  json wanted = json::array();
  json inserts = json::array();
  for (const RegisteredImage& image : images) {
    if (image.footprint.role.empty()) continue;
    ask_for(wanted, image, image.footprint.functions, "function");
    ask_for(wanted, image, image.footprint.sequences, "sequence");
    for (const TableUse& use : image.footprint.tables)
      if (use.insert != InsertForm::none && !use.writes_all)
        inserts.push_back({{"image", image.name},
                           {"role", image.footprint.role},
                           {"schema", use.table.schema},
                           {"name", use.table.name},
                           {"given", use.supplies}});
  }
  json roles = json::array();
  for (const RegisteredImage& image : images)
    if (!image.footprint.role.empty()) roles.push_back({{"image", image.name}, {"role", image.footprint.role}});
  if (roles.empty()) return;
  const auto strangers = session.exec(
      "SELECT w.image FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS w(image pg_catalog.text, role "
      "pg_catalog.name) WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = w.role)",
      {roles.dump()});
  for (std::size_t row = 0; row < strangers.size(); ++row) found[strangers.text(row, 0)].no_role = true;
  const auto denied = [&](const ports::Rows& rows) {
    for (std::size_t row = 0; row < rows.size(); ++row)
      found[rows.text(row, 0)].denied_objects.push_back({rows.text(row, 3), rows.text(row, 4), object_in(rows, row)});
  };
  if (!wanted.empty()) denied(session.exec(std::string(wanted_on_path) + std::string(denied_named), {wanted.dump()}));
  if (!inserts.empty()) denied(session.exec(std::string(denied_defaults), {inserts.dump()}));
}

}  // namespace switchback::engine
