#include "usage_reach.hpp"

#include <algorithm>
#include <cctype>

#include "switchback/postgres/closure.hpp"
#include "usage_objects.hpp"

namespace switchback::postgres {
namespace {

using ports::Dependent;
using ports::Rows;

/// The table, its partitions and children, and the parents that have the column too: one column in all of them.
constexpr const char* family_sql = R"sql(
WITH RECURSIVE own AS (
  SELECT COALESCE(x.indrelid, c.oid) AS oid
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
  WHERE n.nspname = $1 AND c.relname = $2),
down AS (SELECT oid FROM own UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN down d ON d.oid = i.inhparent),
up AS (SELECT oid FROM own UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN up u ON u.oid = i.inhrelid)
SELECT c.oid, n.nspname, c.relname, c.oid IN (SELECT oid FROM own),
       (SELECT pg_catalog.string_agg(a.attname, chr(1)) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid IN (SELECT oid FROM down)
   OR (c.oid IN (SELECT oid FROM up) AND ($3 = '' OR EXISTS (
        SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = $3 AND NOT a.attisdropped))))sql";

/// The key of a unique index or constraint, one row for each column.
constexpr const char* unique_key_sql = R"sql(
SELECT c.relname, COALESCE(a.attname, ''), x.indisprimary, false
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid AND x.indisunique
CROSS JOIN LATERAL pg_catalog.unnest(x.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k(attnum, place)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum AND k.attnum > 0
WHERE n.nspname = $1 AND c.relname = $2 AND k.place <= x.indnkeyatts ORDER BY k.place)sql";

/// The same of every unique index that goes along with a column, be it in its key, included, or in an expression; and
/// whether another one, which stays, keeps the same columns unique.
constexpr const char* keys_with_column_sql = R"sql(
WITH unique_index AS (
  SELECT x.*, c.relname, (x.indkey::pg_catalog.int2[])[0 : x.indnkeyatts - 1] AS key,
         a.attnum = ANY (x.indkey::pg_catalog.int2[]) OR EXISTS (
           SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = x.indexrelid
             AND d.refclassid = d.classid AND d.refobjid = x.indrelid AND d.refobjsubid = a.attnum) AS goes
  FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attname = $2
  WHERE x.indrelid = ANY ($1::oid[]) AND x.indisunique AND x.indisvalid)
SELECT x.relname, COALESCE(a.attname, ''), x.indisprimary, x.indexprs IS NULL AND EXISTS (
         SELECT FROM unique_index y WHERE y.indrelid = x.indrelid AND NOT y.goes AND y.indexprs IS NULL
           AND y.indpred IS NULL AND y.key @> x.key AND y.key <@ x.key)
FROM unique_index x
CROSS JOIN LATERAL pg_catalog.unnest(x.key) WITH ORDINALITY AS k(attnum, place)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum AND k.attnum > 0
WHERE x.goes ORDER BY x.relname, x.indexrelid, k.place)sql";

/// Every view that reads the tables, directly or through other views, with its definition.
constexpr const char* views_sql = R"sql(
WITH RECURSIVE reading(oid) AS (
  SELECT t::oid FROM pg_catalog.unnest($1::text[]) t
  UNION
  SELECT w.ev_class FROM reading r
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = r.oid
    AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid AND w.rulename = '_RETURN')
SELECT n.nspname, c.relname, pg_catalog.pg_get_viewdef(c.oid)
FROM reading r JOIN pg_catalog.pg_class c ON c.oid = r.oid AND c.relkind IN ('v', 'm')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'switchback')sql";

constexpr const char* relations_sql = R"sql(
SELECT n.nspname, c.relname, EXISTS (
  SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = $1 AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname <> 'pg_toast'
  -- of sessions' temporary tables only those that hide the table: the others come and go
  AND (n.nspname NOT LIKE 'pg\_temp\_%' OR c.relname = ANY ($2::text[])))sql";

std::set<std::string> split(const std::string& text) {
  std::set<std::string> parts;
  std::string part;
  for (const char c : text)
    if (c == '\1') {
      parts.insert(part);
      part.clear();
    } else {
      part += c;
    }
  if (!part.empty()) parts.insert(part);
  return parts;
}

/// One row for each column of a key: index, column, whether it is primary, whether another index does the same.
void add_keys(const Rows& rows, JudgeTarget& target) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (target.keys.empty() || target.keys.back().name != rows.text(i, 0))
      target.keys.push_back({rows.text(i, 0), {}, rows.boolean(i, 2)});
    if (!rows.boolean(i, 3)) target.keys.back().columns.push_back(rows.text(i, 1));
  }
}

/// Fills relations, own_columns, keys; returns the oids of the relations.
std::vector<std::string> find_table(ports::Session& session, const Structure& structure, JudgeTarget& target) {
  const bool column = structure.kind == Structure::Kind::column;
  const bool index = structure.kind == Structure::Kind::index;
  if (structure.kind == Structure::Kind::type || structure.kind == Structure::Kind::function) {
    find_object(session, structure, target);
    return {};
  }
  const Rows family = session.exec(family_sql, {structure.table.schema, index ? structure.name : structure.table.name,
                                                column ? structure.name : ""});
  std::vector<std::string> oids;
  for (std::size_t i = 0; i < family.size(); ++i) {
    if (!structure.becomes.empty() && !family.boolean(i, 3)) continue;  // partitions and parents keep their names
    oids.push_back(family.text(i, 0));
    target.relations.insert({family.text(i, 1), family.text(i, 2)});
    if (family.boolean(i, 3)) target.own_columns = split(family.text(i, 4));
  }
  if (is_moved(structure.kind)) return oids;
  // A unique constraint's index bears its name.
  add_keys(column ? session.exec(keys_with_column_sql, {array_literal(oids), structure.name})
                  : session.exec(unique_key_sql, {structure.table.schema, structure.name}),
           target);
  return oids;
}

void find_relations(ports::Session& session, JudgeTarget& target) {
  std::vector<std::string> names;
  for (const TableName& table : target.relations) names.push_back(table.name);
  const Rows rows = session.exec(relations_sql, {target.name, array_literal(names)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const TableName relation{rows.text(i, 0), rows.text(i, 1)};
    target.all_relations.insert(relation);
    if (rows.boolean(i, 2)) target.with_column.insert(relation);
  }
}

std::string schema_of(const Dependent& dependent) {
  const std::size_t dot = dependent.identity.find('.');
  const std::string schema = dot == std::string::npos ? "" : dependent.identity.substr(0, dot);
  return schema.size() > 1 && schema.front() == '"' ? schema.substr(1, schema.size() - 2) : schema;
}

bool is_view(const Dependent& dependent) {
  return dependent.kind == "view" || dependent.kind == "materialized view";
}
bool is_function(const Dependent& dependent) {
  return dependent.kind == "function" || dependent.kind == "procedure";
}

/// Whole-row references in views are not in pg_depend by column: their definitions are judged like statements. A view
/// found makes readers of that view readers too, so it goes on until nothing new is found.
void look_into_views(ports::Session& session, const std::vector<std::string>& tables, Reached& reached) {
  const Rows views = session.exec(views_sql, {array_literal(tables)});
  std::set<TableName> ambiguous;
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < views.size(); ++i) {
      const TableName view{views.text(i, 0), views.text(i, 1)};
      if (reached.target.views.contains(view) || ambiguous.contains(view)) continue;
      const StatementJudgement judged = judge_statement(views.text(i, 2), reached.target);
      if (judged.use == StatementUse::does_not) continue;
      const bool used = judged.use == StatementUse::uses;
      (used ? reached.target.views : ambiguous).insert(view);
      more |= used;
      reached.observations.push_back({"catalog", "primary", used ? Finding::used : Finding::unknown,
                                      "view " + shown(view) + ": " + judged.why, std::nullopt,
                                      "change or drop the view, or name what is meant with --despite usage"});
    }
  }
}

/// An index that the plan lets go along may be what tells subscribers of the table which row was changed: without it
/// the publisher refuses every UPDATE.
void look_for_identities(ports::Session& session, const Structure& column, Reached& reached) {
  for (const UniqueKey& key : reached.target.keys)
    for (Observation& one : duties(session, {Structure::Kind::index, {column.table.schema, ""}, key.name})) {
      if (one.detail.find("logical subscribers") == std::string::npos) continue;
      one.detail = "with it goes the index " + key.name + ": " + one.detail;
      reached.observations.push_back(std::move(one));
    }
}

Observation observed(const Dependent& dependent, const Allowed& allowed, bool renamed) {
  const std::string what = dependent.kind + " " + dependent.identity;
  const bool named = allowed.covers(dependent);
  Observation observation{"catalog", "primary", Finding::clear, what, std::nullopt, ""};
  switch (dependent.effect) {
    case Dependent::Effect::blocks:
      if (named) {
        observation.detail += " is taken away by the same plan";
        break;
      }
      observation.finding = Finding::used;
      observation.detail += " depends on it: a plain DROP is refused";
      observation.remedy = "change it so that it does without, or drop it";
      break;
    case Dependent::Effect::silent:
      observation.detail += " goes along with it";
      if (named) break;
      observation.finding = Finding::unknown;
      observation.detail += " without a word";
      if (renamed) observation.detail = what + " sends it under its name, which its subscribers look for";
      if (dependent.kind == "publication relation")
        observation.remedy = "see that its subscribers do without, then name it in the plan: external: { checked: [" +
                             dependent.name + "] }";
      else
        observation.remedy =
            "if that is meant, name it in the plan: contract: { allow_silent: [" + dependent.name + "] }";
      break;
    case Dependent::Effect::row:
      observation.finding = Finding::unknown;
      observation.detail += " is bound to the whole row of the table";
      observation.remedy = "see that it does without the column, then --despite usage --reason …";
      break;
  }
  return observation;
}

}  // namespace

std::string array_literal(const std::vector<std::string>& values) {
  std::string out = "{";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

bool Allowed::covers(const Dependent& dependent) const {
  return std::ranges::any_of(names, [&](const std::string& name) { return ports::named_by(dependent, name); }) ||
         std::ranges::any_of(structures, [&](const Structure& one) { return ports::belongs_to(dependent, one); }) ||
         ports::is_checked(dependent, checked);
}

Allowed allowed_by(const ports::UsageRequest& request) {
  Allowed allowed{request.allow_silent, request.structures, request.checked};
  std::vector<std::string>& names = allowed.names;
  for (const Structure& structure : request.structures) {
    const std::string table =
        shown(std::string_view(structure.table.schema)) + "." + shown(std::string_view(structure.table.name));
    switch (structure.kind) {  // as pg_identify_object writes them, so that nothing else of the name is meant
      case Structure::Kind::column:
        names.push_back(table + "." + shown(std::string_view(structure.name)));
        break;
      case Structure::Kind::index:
        names.push_back(shown(structure));
        break;
      case Structure::Kind::constraint:
        names.push_back(shown(std::string_view(structure.name)) + " on " + table);
        break;
      case Structure::Kind::table:
      case Structure::Kind::view:
      case Structure::Kind::type:
      case Structure::Kind::function:
        break;  // with all their parts: covers()
    }
  }
  return allowed;
}

namespace {

Reached reached(ports::Session& session, const Structure& structure, const Allowed& allowed) {
  Reached result;
  result.structure = shown(structure);
  result.closure = closure(session, structure);
  const bool renamed = structure.kind == Structure::Kind::constraint && structure.by_place;
  if (renamed) result.closure.dependents.clear();  // they know it by its number
  result.target.kind = structure.kind;
  result.target.name = structure.name;
  result.target.by_place = structure.by_place;
  const std::vector<std::string> tables = find_table(session, structure, result.target);
  find_relations(session, result.target);
  for (const Dependent& dependent : result.closure.dependents) {
    if (is_view(dependent)) result.target.views.insert({schema_of(dependent), dependent.name});
    if (is_function(dependent) && dependent.effect == Dependent::Effect::blocks)
      result.target.functions.insert({schema_of(dependent), dependent.name});
    result.observations.push_back(observed(dependent, allowed, !structure.becomes.empty()));
  }
  if (structure.by_place) result.target.keys.clear();  // their twins take their places
  if (structure.kind == Structure::Kind::column && !structure.by_place) {
    look_into_views(session, tables, result);
    look_for_whole_rows(session, tables, result);
    look_for_identities(session, structure, result);
  }
  if (structure.kind == Structure::Kind::column || renamed || !result.target.keys.empty())
    look_into_functions(session, result);
  if (is_moved(structure.kind)) look_into_bodies(session, result, allowed);
  if (structure.kind == Structure::Kind::index || (structure.kind == Structure::Kind::constraint && !renamed))
    for (Observation& one : duties(session, structure)) result.observations.push_back(std::move(one));
  if (std::none_of(result.observations.begin(), result.observations.end(),
                   [](const Observation& one) { return one.source == "catalog"; }))
    result.observations.push_back({"catalog", "primary", Finding::clear, "nothing depends on it", std::nullopt, ""});
  return result;
}

}  // namespace

std::vector<Reached> reached(ports::Session& session, const ports::UsageRequest& request) {
  const Allowed allowed = allowed_by(request);
  std::vector<Reached> all;
  for (const Structure& structure : request.structures) all.push_back(reached(session, structure, allowed));
  return all;
}

}  // namespace switchback::postgres
