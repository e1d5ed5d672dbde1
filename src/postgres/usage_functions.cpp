#include <algorithm>
#include <cctype>

#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;

/// Functions of users whose text holds one of the names, or that are triggers of the tables. BEGIN ATOMIC bodies
/// (prosqlbody) have no text: pg_depend knows those.
constexpr const char* functions_sql = R"sql(
SELECT n.nspname, p.proname, l.lanname, p.prosrc,
       EXISTS (SELECT FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
               JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
               WHERE g.tgfoid = p.oid AND NOT g.tgisinternal AND g.tgname NOT LIKE '~switchback%'
                 AND pg_catalog.concat(s.nspname, chr(1), c.relname) = ANY ($2::text[])) AS attached,
       pg_catalog.concat(n.nspname, '.', p.proname, '(', pg_catalog.pg_get_function_identity_arguments(p.oid), ')')
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'switchback') AND l.lanname NOT IN ('c', 'internal')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                  AND d.objid = p.oid AND d.deptype = 'e')
  AND (EXISTS (SELECT FROM pg_catalog.unnest($1::text[]) t WHERE pg_catalog.strpos(pg_catalog.lower(p.prosrc), pg_catalog.lower(t)) > 0)
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgfoid = p.oid AND NOT g.tgisinternal))
ORDER BY 1, 2)sql";

struct Body {
  TableName name;
  std::string language;
  std::string text;
  bool attached = false;  ///< trigger function of the table
  std::string identity;
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

bool is_name(const Token& token, const std::string& name) {
  if (token.kind == Token::Kind::word) return token.text == name;
  return token.kind == Token::Kind::quoted_name && token.text == name;
}

bool is_word(const std::vector<Token>& tokens, std::size_t i, std::string_view word) {
  return i < tokens.size() && tokens[i].kind == Token::Kind::word && tokens[i].text == word;
}
bool is_sign(const std::vector<Token>& tokens, std::size_t i, std::string_view sign) {
  return i < tokens.size() && tokens[i].kind == Token::Kind::other && tokens[i].text == sign;
}

/// What the words of a PL/pgSQL body say. Names in strings count too: they may be parts of what EXECUTE runs.
struct Words {
  bool column = false;
  bool table = false;     ///< the table, or a view through which the column is read
  bool executes = false;  ///< EXECUTE
  bool star = false;      ///< SELECT *, t.*, %ROWTYPE: a whole row of something
  bool record = false;    ///< NEW or OLD as a whole, but for RETURN and assignments to it
};

Words words_of(const std::vector<Token>& tokens, const JudgeTarget& target) {
  Words words;
  const std::set<std::string> tables = target.watched();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    const bool text = token.kind == Token::Kind::string;
    words.column |= text ? mentions(token.text, target.name) : is_name(token, target.name);
    words.table |=
        text ? mentions_any(token.text, tables)
             : std::any_of(tables.begin(), tables.end(), [&](const auto& one) { return is_name(token, one); });
    words.executes |= is_word(tokens, i, "execute");
    words.star |= is_word(tokens, i, "rowtype");
    if (is_sign(tokens, i, "*") && i > 0)
      words.star |= is_sign(tokens, i - 1, ".") || is_sign(tokens, i - 1, ",") || is_word(tokens, i - 1, "select") ||
                    is_word(tokens, i - 1, "returning") || is_word(tokens, i - 1, "query");
    if (is_word(tokens, i, "insert") && is_word(tokens, i + 1, "into")) {
      // INSERT INTO table VALUES or SELECT: no column list.
      std::size_t after = i + 3;
      if (is_sign(tokens, after, ".")) after += 2;
      words.star |= is_word(tokens, after, "values") || is_word(tokens, after, "select");
    }
    const bool record = is_word(tokens, i, "new") || is_word(tokens, i, "old");
    if (!record) continue;
    const bool field = is_sign(tokens, i + 1, ".") && !is_sign(tokens, i + 2, "*");
    const bool harmless = (i > 0 && is_word(tokens, i - 1, "return")) || is_word(tokens, i + 1, "is") ||
                          (i + 1 < tokens.size() && (tokens[i + 1].text == ":=" || tokens[i + 1].text == "="));
    words.record |= !field && !harmless;
  }
  return words;
}

/// PL/pgSQL is told by its words, not parsed: libpg_query's parser of it aborts the process on some bodies, and a word
/// that is missing is proof enough. Not seen: a table or column name put together at run time from pieces.
BodyFinding judge_plpgsql(const Body& body, const JudgeTarget& target) {
  const std::vector<Token> tokens = tokens_of(body.text);
  if (tokens.empty()) return {Finding::unknown, "its body cannot be read"};
  const Words words = words_of(tokens, target);
  if (body.attached && words.column) return {Finding::used, "a trigger function of the table names " + target.name};
  if (body.attached && words.record)
    return {Finding::unknown, "a trigger function of the table uses NEW or OLD as a whole row"};
  if (words.table && words.column) return {Finding::unknown, "names the table and " + target.name};
  if (words.table && words.executes) return {Finding::unknown, "names the table and runs a text it builds (EXECUTE)"};
  if (words.column && words.executes)
    return {Finding::unknown, "names " + target.name + " and runs a text it builds (EXECUTE)"};
  if (words.table && words.star) return {Finding::unknown, "names the table and takes whole rows"};
  return {};
}

BodyFinding judge_body(const Body& body, const Reached& reached) {
  const JudgeTarget& target = reached.target;
  const bool of_row = std::any_of(reached.closure.dependents.begin(), reached.closure.dependents.end(),
                                  [&](const ports::Dependent& one) {
                                    return one.effect == ports::Dependent::Effect::row &&
                                           one.identity.starts_with(shown(std::string_view(body.name.schema)) + "." +
                                                                    shown(std::string_view(body.name.name)) + "(");
                                  });
  if (of_row && mentions(body.text, target.name))
    return {Finding::used, "takes or gives the table's row and names " + target.name};
  if (body.language == "plpgsql") return judge_plpgsql(body, target);
  if (body.language == "sql") {
    const StatementJudgement judged = judge_statement(body.text, target);
    if (judged.use == StatementUse::uses) return {Finding::used, judged.why};
    if (judged.use != StatementUse::does_not) return {Finding::unknown, judged.why};
    return {};
  }
  if (mentions_any(body.text, target.watched()))
    return {Finding::unknown, "is in " + body.language + " and names the table"};
  if (body.attached) return {Finding::unknown, "is in " + body.language + " and a trigger function of the table"};
  return {};
}

std::vector<Body> candidates(ports::Session& session, const JudgeTarget& target) {
  std::vector<std::string> names{lowered(target.name), "u&\""};
  for (const std::string& name : target.watched()) names.push_back(lowered(name));
  std::vector<std::string> tables;
  for (const TableName& table : target.relations) tables.push_back(table.schema + '\1' + table.name);
  const Rows rows = session.exec(functions_sql, {array_literal(names), array_literal(tables)});
  std::vector<Body> bodies;
  for (std::size_t i = 0; i < rows.size(); ++i)
    bodies.push_back(
        {{rows.text(i, 0), rows.text(i, 1)}, rows.text(i, 2), rows.text(i, 3), rows.boolean(i, 4), rows.text(i, 5)});
  return bodies;
}

}  // namespace

void look_into_functions(ports::Session& session, Reached& reached) {
  std::size_t looked_at = 0;
  std::set<TableName> found;
  for (const Body& body : candidates(session, reached.target)) {
    ++looked_at;
    const BodyFinding judged = judge_body(body, reached);
    if (body.language == "sql" && judged.finding != Finding::used) reached.sql_functions.insert(body.name);
    if (judged.finding == Finding::clear) continue;
    if (judged.finding == Finding::used) found.insert(body.name);
    reached.observations.push_back({"functions", "primary", judged.finding,
                                    "function " + body.identity + " " + judged.why, std::nullopt,
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
