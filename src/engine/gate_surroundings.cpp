#include "switchback/engine/gate_surroundings.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "gate_objects.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// `used`: the tables of the footprints of the images in $1. `known`: rules they were registered against. `rule`: what
/// holds for rows of those tables: constraints but CHECK (… IS NOT NULL), which the columns tell (gating.cpp), unique
/// indexes that are no constraint's, and foreign keys of other tables.
constexpr std::string_view rules = R"sql(
WITH used AS MATERIALIZED (
  SELECT i.name AS image, i.met IS NOT NULL AS has_met, n.nspname AS schema, c.relname AS name, c.oid AS relation
  FROM switchback.image i
  CROSS JOIN LATERAL pg_catalog.jsonb_to_recordset(i.footprint -> 'tables')
    AS w(schema pg_catalog.name, "table" pg_catalog.name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w."table"
  WHERE $1::pg_catalog.jsonb ? i.name
), known AS MATERIALIZED (
  SELECT i.name AS image, k::pg_catalog.oid AS oid
  FROM switchback.image i CROSS JOIN LATERAL pg_catalog.jsonb_object_keys(i.met -> 'rules') k
  WHERE $1::pg_catalog.jsonb ? i.name
), rule AS MATERIALIZED (
  SELECT oid, conrelid AS relation, conname AS name, conkey::pg_catalog.int4[] AS numbers, false AS incoming,
         true AS is_constraint
  FROM pg_catalog.pg_constraint
  WHERE conrelid IN (SELECT relation FROM used) AND (contype IN ('p', 'u', 'x', 'f') OR contype = 'c' AND NOT (
    pg_catalog.array_length(conkey, 1) = 1 AND conbin::pg_catalog.text LIKE '{NULLTEST :arg {VAR %:nulltesttype 1 %'))
  UNION ALL
  SELECT oid, confrelid, conname, confkey::pg_catalog.int4[], true, true
  FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid IN (SELECT relation FROM used)
  UNION ALL
  SELECT x.indexrelid, x.indrelid, r.relname, x.indkey::pg_catalog.int2[]::pg_catalog.int4[], false, false
  FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class r ON r.oid = x.indexrelid
  WHERE x.indisunique AND x.indrelid IN (SELECT relation FROM used) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = x.indrelid AND k.conindid = x.indexrelid
    AND k.contype IN ('p', 'u', 'x'))
)
)sql";

/// Of rule `r` on table `u`, the same words for one that was made anew: `public.users CHECK (…)`.
constexpr std::string_view definition =
    "u.schema || '.' || u.name || ' ' || CASE WHEN r.is_constraint THEN pg_catalog.pg_get_constraintdef(r.oid) ELSE "
    "pg_catalog.pg_get_indexdef(r.oid) END";

TableName table_in(const ports::Rows& rows, std::size_t row, std::size_t first) {
  return {rows.text(row, first), rows.text(row, first + 1)};
}

std::string names_of(const std::vector<RegisteredImage>& images) {
  json names = json::array();
  for (const RegisteredImage& image : images) names.push_back(image.name);
  return names.dump();
}

/// What an image was registered against.
struct Met {
  std::set<std::string> definitions;
  std::map<TableName, std::set<std::string>> columns;
};

Met met_by(ports::Session& session, const std::string& image) {
  const auto rows = session.exec("SELECT met FROM switchback.image WHERE name = $1", {image});
  const json document = json::parse(rows.text(0, 0));
  Met met;
  const json rules_met = document.value("rules", json::object());
  for (const auto& [oid, text] : rules_met.items()) met.definitions.insert(text);
  const json columns = document.value("columns", json::array());
  for (const json& column : columns)
    met.columns[{column.value("schema", ""), column.value("table", "")}].insert(column.value("column", ""));
  return met;
}

/// What is known by its oid needs no definition: making one takes longer than all the rest. NOT IN, because that is
/// hashed whatever the planner takes the documents to hold.
void find_rules(ports::Session& session, const std::string& images, Surroundings& found) {
  const auto rows = session.exec(
      std::string(rules) + "SELECT u.image, u.schema, u.name, r.name, " + std::string(definition) +
          ", r.incoming, (SELECT pg_catalog.jsonb_agg(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = "
          "u.relation AND a.attnum = ANY (r.numbers)) FROM used u JOIN rule r USING (relation) WHERE u.has_met AND "
          "(u.image, r.oid) NOT IN (SELECT image, oid FROM known) ORDER BY 1, 2, 3, 4",
      {images});
  std::string of;
  Met met;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::string image = rows.text(row, 0);
    if (image != of) met = met_by(session, image);
    of = image;
    const TableName table = table_in(rows, row, 1);
    const std::string text = rows.text(row, 4);
    std::vector<std::string> columns;
    bool all_known = true;
    const json named = json::parse(rows.at(row, 6).value_or("[]"));
    for (const json& column : named) {
      columns.push_back(column);
      all_known = all_known && met.columns[table].contains(columns.back());
    }
    // A column that came later is used by an image that was written for it, and for what holds there.
    if (!all_known || met.definitions.contains(text)) continue;
    const std::string bare = text.substr(table.schema.size() + table.name.size() + 2);
    found[image].rules.push_back({table, rows.text(row, 3), bare, columns, rows.boolean(row, 5)});
  }
}

/// Values of enums and types of columns that are others than when the image was registered.
void find_changes(ports::Session& session, const std::string& images, Surroundings& found) {
  const auto rows = session.exec(
      R"sql(
SELECT i.name, k.schema, k."table", k."column", e.enumlabel, k.type
FROM switchback.image i
CROSS JOIN LATERAL pg_catalog.jsonb_to_recordset(i.met -> 'columns') AS k(schema pg_catalog.name,
  "table" pg_catalog.name, "column" pg_catalog.name, type pg_catalog.text, labels pg_catalog.jsonb)
JOIN pg_catalog.pg_namespace n ON n.nspname = k.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = k."table"
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = k."column" AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_enum e ON k.labels IS NOT NULL AND e.enumtypid = a.atttypid AND NOT k.labels ? e.enumlabel
WHERE $1::pg_catalog.jsonb ? i.name
AND (e.oid IS NOT NULL OR pg_catalog.format_type(a.atttypid, a.atttypmod) <> k.type)
ORDER BY 1, 2, 3, 4, e.enumsortorder)sql",
      {images});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ImageSurroundings& mine = found[rows.text(row, 0)];
    if (rows.at(row, 4))
      mine.labels.push_back({table_in(rows, row, 1), rows.text(row, 3), rows.text(row, 4)});
    else
      mine.types.push_back({table_in(rows, row, 1), rows.text(row, 3), rows.text(row, 5)});
  }
}

// --- rights ----------------------------------------------------------------------------------------------------

/// What the role needs at least. A column that is written, by an image that inserts without it, may be inserted or
/// updated: then either would do, and none is asked for.
void ask_for_rights(json& wanted, const RegisteredImage& image) {
  const auto want = [&](const TableName& table, const char* right, const std::vector<std::string>& columns) {
    wanted.push_back({{"image", image.name},
                      {"role", image.footprint.role},
                      {"schema", table.schema},
                      {"table", table.name},
                      {"columns", columns},
                      {"privilege", right}});
  };
  for (const TableUse& use : image.footprint.tables) {
    want(use.table, "USAGE", {""});
    want(use.table, "SELECT", use.reads);
    if (use.reads_all) want(use.table, "SELECT", {"*"});
    want(use.table, "INSERT", use.supplies);
    if (use.insert == InsertForm::none) want(use.table, "UPDATE", use.writes);
    if (use.deletes) want(use.table, "DELETE", {""});
  }
}

/// A privilege on the table is one on each column: columns are looked at only where that is not given.
void find_denied(ports::Session& session, const std::vector<RegisteredImage>& images, Surroundings& found) {
  json wanted = json::array();
  for (const RegisteredImage& image : images)
    if (!image.footprint.role.empty()) ask_for_rights(wanted, image);
  if (wanted.empty()) return;
  const auto rows = session.exec(
      R"sql(
WITH lacking AS MATERIALIZED (
  SELECT w.image, w.schema, w."table", w.columns, w.privilege, r.oid AS role, c.oid AS relation
  FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS w(image pg_catalog.text, role pg_catalog.name,
    schema pg_catalog.name, "table" pg_catalog.name, columns pg_catalog.jsonb, privilege pg_catalog.text)
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.role
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w."table"
  WHERE r.oid IS NULL OR CASE WHEN w.privilege = 'USAGE' THEN NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
    ELSE NOT pg_catalog.has_table_privilege(r.oid, c.oid, w.privilege) END
)
SELECT l.image, l.schema, l."table", k.name, l.privilege, l.role IS NULL
FROM lacking l CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(l.columns) k(name)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = l.relation AND a.attname = k.name AND NOT a.attisdropped
WHERE l.role IS NULL OR k.name = '' OR CASE
  WHEN k.name = '*' THEN EXISTS (SELECT FROM pg_catalog.pg_attribute x WHERE x.attrelid = l.relation AND x.attnum > 0
    AND NOT x.attisdropped AND NOT pg_catalog.has_column_privilege(l.role, l.relation, x.attnum, l.privilege))
  ELSE NOT pg_catalog.has_column_privilege(l.role, l.relation, a.attnum, l.privilege) END
ORDER BY 1, 2, 3, 4, 5)sql",
      {wanted.dump()});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ImageSurroundings& mine = found[rows.text(row, 0)];
    if (rows.boolean(row, 5))
      mine.no_role = true;
    else
      mine.denied.push_back({table_in(rows, row, 1), rows.text(row, 3), rows.text(row, 4)});
  }
}

}  // namespace

void remember_surroundings(ports::Session& session, const std::string& image) {
  session.exec(
      std::string(rules) +
          "UPDATE switchback.image SET met = pg_catalog.jsonb_build_object('rules', (SELECT "
          "coalesce(pg_catalog.jsonb_object_agg(r.oid::pg_catalog.text, " +
          std::string(definition) +
          "), '{}') FROM used u JOIN rule r USING (relation)), 'columns', (SELECT "
          "coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('schema', u.schema, 'table', u.name, "
          "'column', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'labels', (SELECT "
          "pg_catalog.jsonb_agg(e.enumlabel) FROM pg_catalog.pg_enum e WHERE e.enumtypid = a.atttypid))), '[]') "
          "FROM used u JOIN pg_catalog.pg_attribute a ON a.attrelid = u.relation AND a.attnum > 0 AND NOT "
          "a.attisdropped)) WHERE $1::pg_catalog.jsonb ? name",
      {json::array({image}).dump()});
}

Surroundings surroundings(ports::Session& session, const std::vector<RegisteredImage>& images) {
  Surroundings found;
  const std::string names = names_of(images);
  find_rules(session, names, found);
  find_changes(session, names, found);
  find_absent(session, images, found);
  find_denied(session, images, found);
  find_denied_objects(session, images, found);
  return found;
}

}  // namespace switchback::engine
