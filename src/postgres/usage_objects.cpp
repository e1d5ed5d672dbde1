#include "usage_objects.hpp"

#include <algorithm>
#include <array>

namespace switchback::postgres {
namespace {

using ports::Rows;

constexpr const char* function_namesakes = R"sql(
SELECT EXISTS (SELECT FROM pg_catalog.pg_proc o WHERE o.proname = p.proname AND o.oid <> p.oid),
       p.pronargs = 1 AND (SELECT t.typtype FROM pg_catalog.pg_type t WHERE t.oid = p.proargtypes[0]) = 'c'
FROM pg_catalog.pg_proc p WHERE p.oid = pg_catalog.to_regprocedure(pg_catalog.format('%I.%I(%s)', $1::text, $2::text, $3::text)))sql";

constexpr const char* type_namesakes = R"sql(
SELECT count(*) > 1, false FROM pg_catalog.pg_type t WHERE t.typname = $2 AND $1::text IS NOT NULL AND $3::text IS NOT NULL)sql";

/// One row for each duty: whether it is one in any case, what it is.
constexpr const char* duties_sql = R"sql(
WITH x AS (
  SELECT i.* FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $3 AND $2 = ''
  UNION ALL
  SELECT i.* FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND k.conname = $3)
SELECT true, 'tells logical subscribers which row was changed (replica identity)' FROM x WHERE indisreplident
UNION ALL SELECT false, 'tells logical subscribers which row was changed, where the table is published (replica identity of a primary key)'
  FROM x JOIN pg_catalog.pg_class t ON t.oid = x.indrelid AND t.relreplident = 'd' WHERE indisprimary
UNION ALL SELECT false, 'keeps rows unique: that nothing scans it does not say that nothing relies on it'
  FROM x WHERE indisunique AND $2 = ''
UNION ALL SELECT false, 'is what CLUSTER orders the table by' FROM x WHERE indisclustered)sql";

constexpr const char* bodies_sql = R"sql(
SELECT l.lanname, p.prosrc, i.identity
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0) i
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'switchback') AND l.lanname NOT IN ('c', 'internal')
  AND p.prosrc IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                  AND d.objid = p.oid AND d.deptype = 'e')
  AND EXISTS (SELECT FROM pg_catalog.unnest($1::text[]) t WHERE pg_catalog.strpos(pg_catalog.lower(p.prosrc), pg_catalog.lower(t)) > 0)
ORDER BY 3)sql";

bool is_relation(const JudgeTarget& target) {
  return target.kind == Structure::Kind::table || target.kind == Structure::Kind::view;
}

bool is_sign(const std::vector<Token>& tokens, std::size_t i, std::string_view sign) {
  return i < tokens.size() && tokens[i].kind == Token::Kind::other && tokens[i].text == sign;
}

/// The word before a name, schema left out.
std::string_view before(const std::vector<Token>& tokens, std::size_t i) {
  if (i >= 2 && is_sign(tokens, i - 1, ".")) i -= 2;
  return i == 0 ? std::string_view{} : std::string_view(tokens[i - 1].text);
}

/// A name where only a table, a function or a type can stand.
bool in_its_place(const std::vector<Token>& tokens, std::size_t i, const JudgeTarget& target) {
  constexpr std::array words = {"from", "join", "into", "update", "table", "only", "truncate", "lock"};
  if (is_relation(target)) return std::ranges::find(words, before(tokens, i)) != words.end();
  if (target.kind == Structure::Kind::function) return is_sign(tokens, i + 1, "(");
  return before(tokens, i) == "::";
}

struct BodyFinding {
  Finding finding = Finding::clear;
  std::string why;
};

/// PL/pgSQL is told by its words, not parsed: a word that is missing is proof enough.
BodyFinding judge_words(const std::string& body, const JudgeTarget& target) {
  const std::vector<Token> tokens = tokens_of(body);
  if (tokens.empty()) return {Finding::unknown, "its body cannot be read"};
  const std::set<std::string> names = target.watched();
  const bool executes = std::ranges::any_of(
      tokens, [](const Token& token) { return token.kind == Token::Kind::word && token.text == "execute"; });
  BodyFinding found;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == Token::Kind::string) {
      const bool looked_up = is_sign(tokens, i + 1, "::") || (i > 0 && is_sign(tokens, i - 1, "("));
      if ((executes || looked_up) && mentions_any(token.text, names))
        found = {Finding::unknown, "has its name in a text: " + token.text};
    } else if (token.kind != Token::Kind::other && names.contains(token.text)) {
      if (in_its_place(tokens, i, target) && !target.namesakes) return {Finding::used, "names " + token.text};
      if (target.kind != Structure::Kind::function || is_sign(tokens, i + 1, "(") || target.takes_row)
        found = {Finding::unknown, "has the name " + token.text};
    }
  }
  return found;
}

BodyFinding judge_body(const std::string& language, const std::string& body, const JudgeTarget& target) {
  if (language == "plpgsql") return judge_words(body, target);
  if (language == "sql") {
    const StatementJudgement judged = judge_statement(body, target);
    if (judged.use == StatementUse::does_not) return {};
    return {judged.use == StatementUse::uses ? Finding::used : Finding::unknown, judged.why};
  }
  return mentions_any(body, target.watched()) ? BodyFinding{Finding::unknown, "is in " + language + " and has the name"}
                                              : BodyFinding{};
}

}  // namespace

void find_object(ports::Session& session, const Structure& structure, JudgeTarget& target) {
  target.object = {structure.table.schema, structure.name};
  const Rows rows = session.exec(structure.kind == Structure::Kind::function ? function_namesakes : type_namesakes,
                                 {structure.table.schema, structure.name, structure.arguments});
  if (rows.empty()) return;  // the closure says that it is not there
  target.namesakes = rows.boolean(0, 0);
  target.takes_row = rows.boolean(0, 1);
}

std::vector<Observation> duties(ports::Session& session, const Structure& structure) {
  const bool index = structure.kind == Structure::Kind::index;
  const Rows rows =
      session.exec(duties_sql, {structure.table.schema, index ? "" : structure.table.name, structure.name});
  std::vector<Observation> found;
  for (std::size_t i = 0; i < rows.size(); ++i)
    found.push_back({"catalog", "primary", rows.boolean(i, 0) ? Finding::used : Finding::unknown,
                     "it " + rows.text(i, 1), std::nullopt,
                     "see that nothing relies on that, then --despite usage --reason …"});
  return found;
}

void look_into_bodies(ports::Session& session, Reached& reached, const Allowed& allowed) {
  std::vector<std::string> names{"u&\""};
  for (const std::string& name : reached.target.watched()) names.push_back(name);
  const Rows rows = session.exec(bodies_sql, {array_literal(names)});
  bool clear = true;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool goes_too = std::ranges::any_of(allowed.structures, [&](const Structure& one) {
      return one.kind == Structure::Kind::function && shown(one) == rows.text(i, 2);
    });
    if (goes_too || rows.text(i, 2) == reached.structure) continue;
    const BodyFinding judged = judge_body(rows.text(i, 0), rows.text(i, 1), reached.target);
    if (judged.finding == Finding::clear) continue;
    clear = false;
    reached.observations.push_back({"functions", "primary", judged.finding,
                                    "function " + rows.text(i, 2) + " " + judged.why, std::nullopt,
                                    "change it so that it does without, or drop it in the same plan"});
  }
  if (clear)
    reached.observations.push_back({"functions", "primary", Finding::clear,
                                    std::to_string(rows.size()) + " function bodies that could name it, none does",
                                    std::nullopt, ""});
}

}  // namespace switchback::postgres
