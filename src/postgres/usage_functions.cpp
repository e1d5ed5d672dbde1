#include <algorithm>
#include <cctype>
#include <sstream>

#include "function_body.hpp"
#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;

/// Functions of users whose text holds one of the names, or that are triggers of the tables; with the names of the
/// transition tables that these triggers give them. BEGIN ATOMIC bodies (prosqlbody) have no text: pg_depend knows
/// those.
constexpr const char* functions_sql = R"sql(
SELECT n.nspname, p.proname, l.lanname, p.prosrc, g.attached,
       pg_catalog.concat(n.nspname, '.', p.proname, '(', pg_catalog.pg_get_function_identity_arguments(p.oid), ')'),
       g.transitions, EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                              AND d.objid = p.oid AND d.deptype = 'e')
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
CROSS JOIN LATERAL (
  SELECT count(*) > 0 AS attached,
         pg_catalog.concat_ws(chr(1), pg_catalog.string_agg(g.tgoldtable, chr(1)), pg_catalog.string_agg(g.tgnewtable, chr(1))) AS transitions
  FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
  JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
  WHERE g.tgfoid = p.oid AND NOT g.tgisinternal AND g.tgname NOT LIKE '~switchback%'
    AND pg_catalog.concat(s.nspname, chr(1), c.relname) = ANY ($2::text[])) g
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'switchback') AND l.lanname NOT IN ('c', 'internal')
  AND (EXISTS (SELECT FROM pg_catalog.unnest($1::text[]) t WHERE pg_catalog.strpos(pg_catalog.lower(p.prosrc), pg_catalog.lower(t)) > 0)
    OR g.attached)
ORDER BY 1, 2)sql";

struct Body {
  TableName name;
  std::string language;
  std::string text;
  bool attached = false;  ///< trigger function of the table
  std::string identity;
  std::set<std::string> transitions;  ///< names of its triggers' transition tables
  bool of_extension = false;
};

struct BodyFinding {
  Finding finding = Finding::clear;
  std::string why;
};

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return text;
}

/// In a trigger function of the table NEW and OLD are its rows, and so are those of a transition table.
BodyFinding finding_of(const Body& body, const JudgeTarget& target) {
  JudgeTarget here = target;
  for (const std::string& transition : body.transitions) here.relations.insert({"", transition});
  const std::set<std::string> rows = body.attached ? std::set<std::string>{"new", "old"} : std::set<std::string>{};
  const StatementJudgement judged = judge_body(body.language, body.text, here, rows);
  if (judged.use == StatementUse::does_not) return {};
  return {judged.use == StatementUse::uses ? Finding::used : Finding::unknown, judged.why};
}

bool of_row_type(const Body& body, const ports::Closure& closure) {
  const std::string start =
      shown(std::string_view(body.name.schema)) + "." + shown(std::string_view(body.name.name)) + "(";
  return std::any_of(closure.dependents.begin(), closure.dependents.end(), [&](const ports::Dependent& one) {
    return one.effect == ports::Dependent::Effect::row && one.identity.starts_with(start);
  });
}

BodyFinding judged(const Body& body, const Reached& reached) {
  const JudgeTarget& target = reached.target;
  // One that everybody has knows nothing of this table; an extension of the house may.
  if (body.of_extension && !body.attached && !mentions_any(body.text, target.watched())) return {};
  if (of_row_type(body, reached.closure) && mentions(body.text, target.name))
    return {Finding::used, "takes or gives the table's row and names " + target.name};
  if (body.language == "plpgsql" || body.language == "sql") return finding_of(body, target);
  if (mentions_any(body.text, target.watched()))
    return {Finding::unknown, "is in " + body.language + " and names the table"};
  if (body.attached) return {Finding::unknown, "is in " + body.language + " and a trigger function of the table"};
  return {};
}

std::set<std::string> names_in(const std::string& list) {
  std::set<std::string> names;
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, '\1');)
    if (!name.empty()) names.insert(name);
  return names;
}

std::vector<Body> candidates(ports::Session& session, const JudgeTarget& target) {
  std::vector<std::string> names{lowered(target.name), "u&\""};
  for (const std::string& name : target.watched()) names.push_back(lowered(name));
  std::vector<std::string> tables;
  for (const TableName& table : target.relations) tables.push_back(table.schema + '\1' + table.name);
  const Rows rows = session.exec(functions_sql, {array_literal(names), array_literal(tables)});
  std::vector<Body> bodies;
  for (std::size_t i = 0; i < rows.size(); ++i)
    bodies.push_back({{rows.text(i, 0), rows.text(i, 1)},
                      rows.text(i, 2),
                      rows.text(i, 3),
                      rows.boolean(i, 4),
                      rows.text(i, 5),
                      names_in(rows.text(i, 6)),
                      rows.boolean(i, 7)});
  return bodies;
}

}  // namespace

void look_into_functions(ports::Session& session, Reached& reached) {
  std::size_t looked_at = 0;
  std::set<TableName> found;
  for (const Body& body : candidates(session, reached.target)) {
    ++looked_at;
    const BodyFinding finding = judged(body, reached);
    if (finding.finding != Finding::used) reached.doubted_functions.insert(body.name);
    if (finding.finding == Finding::clear) continue;
    if (finding.finding == Finding::used) found.insert(body.name);
    reached.observations.push_back({"functions", "primary", finding.finding,
                                    "function " + body.identity + ": " + finding.why, std::nullopt,
                                    "change it so that it does without, or name it with --despite usage --reason …"});
  }
  reached.target.functions.merge(found);
  if (std::none_of(reached.observations.begin(), reached.observations.end(),
                   [](const Observation& one) { return one.source == "functions"; }))
    reached.observations.push_back({"functions", "primary", Finding::clear,
                                    std::to_string(looked_at) + " function bodies that could name it, none does",
                                    std::nullopt, ""});
}

}  // namespace switchback::postgres
