#include "switchback/postgres/closure.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "switchback/core/error.hpp"

namespace switchback::postgres {
namespace {

using ports::Closure;
using ports::Dependent;
using ports::Rows;

/// The structure as (catalog, oid, column number); a column also in every partition and inheriting table.
constexpr const char* column_seed = R"sql(
  family(oid) AS (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2
    UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN family f ON f.oid = i.inhparent),
  seed(c, o, s) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, a.attrelid, a.attnum::integer
    FROM family f JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid AND a.attname = $3 AND a.attnum > 0 AND NOT a.attisdropped))sql";
constexpr const char* index_seed = R"sql(
  seed(c, o, s) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, c.oid, 0
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $3 AND c.relkind IN ('i', 'I') AND $2::text IS NOT NULL))sql";
constexpr const char* constraint_seed = R"sql(
  seed(c, o, s) AS (
    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::oid, k.oid, 0
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND k.conname = $3))sql";

/// A table with its partitions, or a view; not tables that inherit: a drop refuses because of those.
constexpr const char* relation_seed = R"sql(
  family(oid) AS (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND $3::text IS NOT NULL
    UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN family f ON f.oid = i.inhparent
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition),
  seed(c, o, s) AS (SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, f.oid, 0 FROM family f))sql";
constexpr const char* type_seed = R"sql(
  seed(c, o, s) AS (
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, t.oid, 0
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = $1 AND t.typname = $2 AND $3::text IS NOT NULL))sql";
/// $3: the types of its arguments.
constexpr const char* function_seed = R"sql(
  seed(c, o, s) AS (
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, p.oid, 0 FROM pg_catalog.pg_proc p
    WHERE p.oid = pg_catalog.to_regprocedure(pg_catalog.format('%I.%I(%s)', $1::text, $2::text, $3::text))))sql";

/// Every edge of pg_depend that leads on from the seed. A view stands for its _RETURN rule, a column for its default or
/// generation expression. Column number 0 is the whole object, so all its columns' dependents follow.
constexpr const char* reach = R"sql(
  reach(c, o, s, pc, po, ps, kind) AS (
    SELECT c, o, s, 0::oid, 0::oid, 0, 's'::"char" FROM seed
    UNION
    SELECT n.c, n.o, n.s, r.c, r.o, r.s, d.deptype
    FROM reach r
    JOIN pg_catalog.pg_depend d ON d.refclassid = r.c AND d.refobjid = r.o AND (r.s = 0 OR d.refobjsubid = r.s)
    LEFT JOIN pg_catalog.pg_rewrite w
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid AND w.rulename = '_RETURN'
    LEFT JOIN pg_catalog.pg_attrdef f ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND f.oid = d.objid
    CROSS JOIN LATERAL (
      SELECT CASE WHEN w.oid IS NOT NULL OR f.oid IS NOT NULL
                  THEN 'pg_catalog.pg_class'::pg_catalog.regclass::oid ELSE d.classid END,
             COALESCE(w.ev_class, f.adrelid, d.objid), COALESCE(f.adnum::integer, d.objsubid)) AS n(c, o, s)
    WHERE (n.c, n.o, n.s) <> (r.c, r.o, r.s)),
  edges AS (
    SELECT c, o, s, pc, po, ps, kind FROM reach
    UNION ALL
    SELECT d.classid, d.objid, d.objsubid, q.c, q.o, q.s, 'r'
    FROM seed q JOIN pg_catalog.pg_type t ON t.typrelid = q.o AND q.s > 0
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
      AND d.refobjid IN (t.oid, t.typarray) AND d.deptype = 'n'
    UNION ALL  -- a table depends internally on the columns of its partition key (heap.c, StorePartitionKey)
    SELECT d.refclassid, d.refobjid, 0, q.c, q.o, q.s, 'n'
    FROM seed q JOIN pg_catalog.pg_depend d ON d.classid = q.c AND d.objid = q.o AND d.objsubid = q.s AND q.s > 0
      AND d.deptype = 'i' AND d.refclassid = q.c AND d.refobjid = q.o AND d.refobjsubid = 0
    UNION ALL  -- DROP INDEX is refused for the index of a constraint
    SELECT d.refclassid, d.refobjid, d.refobjsubid, q.c, q.o, q.s, 'n'
    FROM seed q JOIN pg_catalog.pg_depend d ON d.classid = q.c AND d.objid = q.o AND q.s = 0 AND d.deptype = 'i'
      AND d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
    WHERE q.c = 'pg_catalog.pg_class'::pg_catalog.regclass))sql";

constexpr const char* described = R"sql(
SELECT e.c, e.o, e.s, e.pc, e.po, e.ps, e.kind, i.type,
       COALESCE(k.conname, g.tgname, y.polname, b.pubname, p.proname, u.rulename, a.attname, i.name) AS name,
       COALESCE(i.identity, '') AS identity,
       CASE WHEN x.relkind IN ('i', 'I') AND e.s = 0 THEN pg_catalog.pg_get_indexdef(e.o)
            WHEN x.relkind = 'v' AND e.s = 0 THEN 'CREATE VIEW ' || i.identity || ' AS ' || pg_catalog.pg_get_viewdef(e.o)
            WHEN x.relkind = 'm' AND e.s = 0 THEN 'CREATE MATERIALIZED VIEW ' || i.identity || ' AS ' || pg_catalog.pg_get_viewdef(e.o)
            WHEN x.relkind = 'S' THEN 'CREATE SEQUENCE ' || i.identity || ';'
            WHEN k.conrelid > 0 THEN pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s;', k.conrelid::pg_catalog.regclass,
                                                   k.conname, pg_catalog.pg_get_constraintdef(k.oid))
            WHEN g.oid IS NOT NULL THEN pg_catalog.pg_get_triggerdef(g.oid)
            WHEN u.oid IS NOT NULL THEN pg_catalog.pg_get_ruledef(u.oid)
            WHEN p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid)
            WHEN e.c = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass THEN pg_catalog.pg_get_statisticsobjdef(e.o)
            ELSE '' END AS definition,
       -- what is not to be reported: our own, parts of TOAST tables, the column's own NOT NULL, triggers that enforce a foreign key
       COALESCE(i.schema IN ('switchback', 'pg_toast') OR g.tgisinternal OR g.tgname LIKE '~switchback%'
         OR COALESCE(k.conname, x.relname) LIKE '\_switchback\_%' OR k.contype = 'n'
         OR e.c = 'pg_catalog.pg_attrdef'::pg_catalog.regclass, false) AS left_out,
       -- what goes over to a column that takes the place of this one: what gives it numbers, and what points at it
       COALESCE(x.relkind = 'S' OR (k.contype = 'f' AND k.confrelid IN (SELECT q.o FROM seed q)), false) AS goes_over
FROM edges e
CROSS JOIN LATERAL pg_catalog.pg_identify_object(e.c, e.o, e.s) i
LEFT JOIN pg_catalog.pg_class x ON e.c = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.oid = e.o
LEFT JOIN pg_catalog.pg_attribute a ON x.oid IS NOT NULL AND a.attrelid = e.o AND a.attnum = e.s AND e.s > 0
LEFT JOIN pg_catalog.pg_constraint k ON e.c = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = e.o
LEFT JOIN pg_catalog.pg_trigger g ON e.c = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = e.o
LEFT JOIN pg_catalog.pg_policy y ON e.c = 'pg_catalog.pg_policy'::pg_catalog.regclass AND y.oid = e.o
LEFT JOIN pg_catalog.pg_rewrite u ON e.c = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND u.oid = e.o
LEFT JOIN pg_catalog.pg_proc p ON e.c = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = e.o
LEFT JOIN pg_catalog.pg_publication_rel l ON e.c = 'pg_catalog.pg_publication_rel'::pg_catalog.regclass AND l.oid = e.o
LEFT JOIN pg_catalog.pg_publication b ON b.oid = l.prpubid)sql";

using Node = std::tuple<std::string, std::string, std::string>;

struct Edge {
  Node node;
  Node parent;
  char kind = 'n';
  bool left_out = false;
  bool goes_over = false;
  Dependent dependent;
};

std::string seed_sql(Structure::Kind kind) {
  switch (kind) {
    case Structure::Kind::column:
      return column_seed;
    case Structure::Kind::index:
      return index_seed;
    case Structure::Kind::constraint:
      return constraint_seed;
    case Structure::Kind::table:
    case Structure::Kind::view:
      return relation_seed;
    case Structure::Kind::type:
      return type_seed;
    case Structure::Kind::function:
      return function_seed;
  }
  return column_seed;
}

std::vector<Edge> edges_of(ports::Session& session, const Structure& structure) {
  const Rows rows = session.exec("WITH RECURSIVE " + seed_sql(structure.kind) + "," + reach + described,
                                 {structure.table.schema, structure.table.name,
                                  structure.kind == Structure::Kind::function ? structure.arguments : structure.name});
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < rows.size(); ++i)
    edges.push_back({{rows.text(i, 0), rows.text(i, 1), rows.text(i, 2)},
                     {rows.text(i, 3), rows.text(i, 4), rows.text(i, 5)},
                     rows.text(i, 6).at(0),
                     rows.boolean(i, 11),
                     rows.boolean(i, 12),
                     {Dependent::Effect::blocks, rows.text(i, 7), rows.text(i, 8), rows.text(i, 9), rows.text(i, 10)}});
  return edges;
}

/// What goes with the seed under RESTRICT: whatever depends on it, or on what goes with it, by an edge other than 'n'.
/// One such edge is enough (the server ORs the flags of all edges of an object), as for a CHECK, which has both.
std::set<Node> going_along(const std::vector<Edge>& edges) {
  std::set<Node> gone;
  for (const Edge& edge : edges)
    if (edge.kind == 's') gone.insert(edge.node);
  for (bool more = true; more;) {
    more = false;
    for (const Edge& edge : edges)
      if (edge.kind != 'n' && edge.kind != 'r' && gone.contains(edge.parent)) more |= gone.insert(edge.node).second;
  }
  return gone;
}

/// What goes along with a dependent is not told beside it: the index of a view that reads the table.
std::set<Node> carried_along(const std::vector<Edge>& edges, const std::set<Node>& gone) {
  std::set<Node> carried;
  for (const Edge& edge : edges)
    if (edge.kind != 'n' && edge.kind != 'r' && edge.kind != 's' && !gone.contains(edge.node))
      carried.insert(edge.node);
  return carried;
}

/// What belongs to a table, view or type alone goes with it by nature and need not be named: indexes, constraints,
/// triggers, policies, rules, sequences, statistics; the columns that its own defaults and generated columns read. Its
/// place in a publication belongs to the publication.
bool is_its_own(const Structure& structure, const Edge& edge, const std::set<Node>& gone, const std::set<Node>& seeds) {
  if (!is_moved(structure.kind) || structure.kind == Structure::Kind::function) return false;
  const auto of_seed = [&](const Node& seed) {
    return std::get<0>(seed) == std::get<0>(edge.node) && std::get<1>(seed) == std::get<1>(edge.node);
  };
  if (std::any_of(seeds.begin(), seeds.end(), of_seed)) return true;
  return gone.contains(edge.node) && edge.dependent.kind != "publication relation";
}

/// What depends on a table follows it under its new name; subscribers look for the old one.
void leave_publications(Closure& closure) {
  std::erase_if(closure.dependents, [](const Dependent& one) { return one.kind != "publication relation"; });
}

}  // namespace

Closure closure(ports::Session& session, const Structure& structure) {
  const std::vector<Edge> edges = edges_of(session, structure);
  if (edges.empty())
    throw Error(Exit::drift, Remedy::person,
                "the " + std::string(name(structure.kind)) + " " + shown(structure) + " is not in the database",
                "somebody took it away or renamed it: compare with the plan, then switchback repair");
  const std::set<Node> gone = going_along(edges);
  const std::set<Node> carried = is_moved(structure.kind) ? carried_along(edges, gone) : std::set<Node>{};
  std::set<Node> parts;
  std::set<Node> seeds;
  std::map<Node, Dependent> found;
  for (const Edge& edge : edges)
    if (edge.kind == 'i' || edge.kind == 'P' || edge.kind == 'S' || edge.kind == 's') parts.insert(edge.node);
  for (const Edge& edge : edges)
    if (edge.kind == 's') seeds.insert(edge.node);
  for (const Edge& edge : edges) {
    if (edge.left_out || parts.contains(edge.node) || carried.contains(edge.node) ||
        is_its_own(structure, edge, gone, seeds) || (structure.by_place && edge.goes_over))
      continue;
    Dependent dependent = edge.dependent;
    // A generated column goes silently on 13 and 14 ('a'), and is refused since: a column is never taken along unasked.
    if (gone.contains(edge.node) && dependent.kind != "table column")
      dependent.effect = Dependent::Effect::silent;
    else if (edge.kind == 'r')
      dependent.effect = Dependent::Effect::row;
    const auto [place, fresh] = found.emplace(edge.node, dependent);
    if (!fresh && dependent.effect < place->second.effect) place->second = dependent;
  }
  Closure result;
  for (auto& [node, dependent] : found) result.dependents.push_back(std::move(dependent));
  std::sort(result.dependents.begin(), result.dependents.end(), [](const Dependent& a, const Dependent& b) {
    return std::tie(a.identity, a.kind) < std::tie(b.identity, b.kind);
  });
  if (!structure.becomes.empty()) leave_publications(result);
  return result;
}

}  // namespace switchback::postgres
