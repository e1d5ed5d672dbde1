#include <algorithm>
#include <set>

#include "qualify.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/nearest.hpp"
#include "switchback/postgres/catalog.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;
using ports::Session;

constexpr std::string_view view_name = "pg_temp.\"~switchback_expression\"";

/// What the server made of an expression: its own text of it, and its parse tree.
struct Analysed {
  std::string definition;  ///< of the view, names qualified as under search_path pg_catalog
  std::string type;
  std::string tree;
  std::vector<std::string> distinct_schemas;  ///< of the operators behind NULLIF and DISTINCT FROM, in order
  std::set<std::string> meaning;              ///< functions and operators in it
};

[[noreturn]] void refuse(const TableFacts& table, const std::string& expression, const std::string& what,
                         const std::string& hint, const std::string& sqlstate = {}) {
  throw Error(Exit::invalid, Remedy::person,
              "the expression \"" + expression + "\" over " + shown(table.name) + " " + what, hint, sqlstate);
}

std::string without_severity(const Error& error) {
  std::string message = error.what();
  message = message.substr(0, message.find('\n'));
  constexpr std::string_view severity = "ERROR:  ";
  return message.starts_with(severity) ? message.substr(severity.size()) : message;
}

std::string columns_hint(const TableFacts& table, const std::string& message) {
  std::vector<std::string_view> known;
  for (const ColumnFacts& column : table.columns) known.push_back(column.name);
  const std::size_t start = message.find('"');
  const std::size_t end = start == std::string::npos ? start : message.find('"', start + 1);
  if (end != std::string::npos)
    if (const auto near = nearest(message.substr(start + 1, end - start - 1), known))
      return "did you mean \"" + *near + "\"?";
  std::string list;
  for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + shown(name);
  return "its columns are " + list;
}

/// Runs what the server may refuse because of the expression: that becomes the plan's fault, the rest stays what it is.
template <class Call>
void checked(const TableFacts& table, const std::string& expression, const std::string& target, Call call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string& state = error.sqlstate();
    if (!(state.starts_with("42") || state.starts_with("22") || state.starts_with("0A") || state.starts_with("54") ||
          state.starts_with("3F")) ||
        state == "42501")
      throw;
    const std::string message = without_severity(error);
    if (!target.empty())
      refuse(table, expression, "cannot be assigned to " + target + ": " + message,
             "write a cast that says how the value is to be converted", state);
    refuse(table, expression, "is not valid: " + message,
           state == "42703" ? columns_hint(table, message)
                            : "try it with: SELECT " + expression + " FROM " + shown(table.name),
           state);
  }
}

/// NULLIF and DISTINCT FROM name no operator in the text; the parse tree has its oid. Texts and trees have the same
/// order.
std::vector<std::string> distinct_schemas(Session& session, const std::string& tree) {
  const Rows rows = session.exec(
      "SELECT n.nspname FROM pg_catalog.regexp_matches($1, '[{](?:DISTINCTEXPR|NULLIFEXPR) :opno ([0-9]+)', 'g') "
      "WITH ORDINALITY AS m(found, place) JOIN pg_catalog.pg_operator o ON o.oid = m.found[1]::pg_catalog.oid "
      "JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace ORDER BY m.place",
      {tree});
  std::vector<std::string> schemas;
  for (std::size_t i = 0; i < rows.size(); ++i) schemas.push_back(rows.text(i, 0));
  return schemas;
}

std::set<std::string> meaning_of(Session& session, const std::string& tree) {
  const Rows rows = session.exec(
      "SELECT DISTINCT m[1] FROM pg_catalog.regexp_matches($1, ':((?:opno|funcid) [0-9]+)', 'g') AS m", {tree});
  std::set<std::string> meaning;
  for (std::size_t i = 0; i < rows.size(); ++i) meaning.insert(rows.text(i, 0));
  return meaning;
}

Analysed analyse(Session& session, const TableFacts& table, const std::string& expression) {
  // With two entries in FROM the server writes every column with its table's alias (varprefix in ruleutils.c).
  session.exec("CREATE OR REPLACE TEMPORARY VIEW \"~switchback_expression\" AS SELECT (" + expression +
               "\n) AS \"~x\" FROM " + quoted(table.name) + " AS " + quote_identifier(row_alias) +
               " CROSS JOIN (VALUES (1)) AS \"~switchback_one\"(\"~switchback_one\")");
  const std::string oid = "'" + std::string(view_name) + "'::pg_catalog.regclass";
  // One string, so that the search_path under which the names are written holds for all of it.
  const Rows rows =
      session.exec("SET LOCAL search_path = pg_catalog; SELECT pg_get_viewdef(" + oid +
                   "), format_type(a.atttypid, a.atttypmod), r.ev_action::text "
                   "FROM pg_attribute a JOIN pg_rewrite r ON r.ev_class = a.attrelid WHERE a.attrelid = " +
                   oid + " AND a.attnum = 1");
  Analysed result{rows.text(0, 0), rows.text(0, 1), rows.text(0, 2), {}, {}};
  result.distinct_schemas = distinct_schemas(session, result.tree);
  result.meaning = meaning_of(session, result.tree);
  return result;
}

/// Only the target list says what the expression is; the nodes of the rest of our own SELECT have none of these.
void refuse_what_is_not_of_one_row(Session& session, const TableFacts& table, const std::string& expression,
                                   const Analysed& analysed) {
  struct Forbidden {
    std::string_view node;
    const char* what;
  };
  constexpr Forbidden forbidden[] = {{"{AGGREF", "aggregates over rows"},
                                     {"{GROUPINGFUNC", "uses GROUPING"},
                                     {"{WINDOWFUNC", "uses a window function"},
                                     {"{SUBLINK", "has a subquery"},
                                     {"{NEXTVALUEEXPR", "draws from a sequence"}};
  for (const Forbidden& one : forbidden)
    if (analysed.tree.find(one.node) != std::string::npos)
      refuse(table, expression, one.what, "use the columns of the one row and functions that are not volatile");
  const Rows rows = session.exec(
      "SELECT DISTINCT p.oid::pg_catalog.regprocedure::pg_catalog.text, p.provolatile = 'v', p.proretset FROM "
      "pg_catalog.regexp_matches($1, ':(opno|funcid) ([0-9]+)', 'g') AS m "
      "LEFT JOIN pg_catalog.pg_operator o ON m[1] = 'opno' AND o.oid = m[2]::pg_catalog.oid "
      "JOIN pg_catalog.pg_proc p ON p.oid = CASE WHEN m[1] = 'funcid' THEN m[2]::pg_catalog.oid ELSE o.oprcode END "
      "WHERE p.provolatile = 'v' OR p.proretset",
      {analysed.tree});
  if (rows.empty()) return;
  if (rows.boolean(0, 1))
    refuse(table, expression, "calls the volatile function " + rows.text(0, 0),
           "a conversion must give the same value each time: use a stable or immutable function, or declare yours so "
           "if it is");
  refuse(table, expression, "calls " + rows.text(0, 0) + ", which returns a set",
         "use a function that returns one value");
}

std::vector<std::string> user_functions(Session& session, const std::string& tree) {
  const Rows rows = session.exec(
      "SELECT DISTINCT p.oid::pg_catalog.regprocedure::pg_catalog.text FROM "
      "pg_catalog.regexp_matches($1, ':(opno|funcid) ([0-9]+)', 'g') AS m "
      "LEFT JOIN pg_catalog.pg_operator o ON m[1] = 'opno' AND o.oid = m[2]::pg_catalog.oid "
      "JOIN pg_catalog.pg_proc p ON p.oid = CASE WHEN m[1] = 'funcid' THEN m[2]::pg_catalog.oid ELSE o.oprcode END "
      "WHERE p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace ORDER BY 1",
      {tree});
  std::vector<std::string> calls;
  for (std::size_t i = 0; i < rows.size(); ++i) calls.push_back(rows.text(i, 0));
  return calls;
}

QualifiedText qualify(const TableFacts& table, const std::string& expression, const Analysed& analysed) {
  try {
    return qualify_target(analysed.definition, analysed.distinct_schemas);
  } catch (const Unqualifiable& error) {
    refuse(table, expression,
           std::string("cannot be written down so that it means the same everywhere: ") + error.what(),
           "refer to columns one by one, and keep to syntax that PostgreSQL 15 has; or put it into a function and call "
           "that");
  }
}

void check_columns(const TableFacts& table, const std::string& expression, const std::vector<std::string>& columns) {
  for (const std::string& name : columns) {
    const ColumnFacts* column = table.column(name);
    if (!column)
      refuse(table, expression, "refers to " + shown(name) + ", which is no column of a user's",
             columns_hint(table, ""));
    if (column->generated)
      refuse(table, expression, "refers to the generated column " + shown(name),
             "a BEFORE trigger sees no value there yet: use the columns that it is generated from");
  }
}

/// The role's and database's own search_path, not the one that this session was given.
void use_default_search_path(Session& session) {
  session.exec(
      "SELECT pg_catalog.set_config('search_path', reset_val, true) FROM pg_catalog.pg_settings WHERE name = "
      "'search_path'");
}

}  // namespace

ResolvedExpression PostgresCatalog::resolve(Session& session, const TableFacts& table, const std::string& expression,
                                            const ColumnFacts* target) {
  if (expression.find("~switchback") != std::string::npos)
    refuse(table, expression, "contains ~switchback, which stands for things of switchback's own", "write it without");
  std::string problem;
  const Written written = look_at(expression, problem);
  if (written == Written::nothing)
    refuse(table, expression, problem == "is not one expression" ? problem : "is not valid SQL: " + problem,
           "write one SQL expression over the columns of the table", "42601");
  // A bare literal has no type of its own: in an assignment it takes the column's.
  const std::string typed =
      written == Written::constant && target ? "CAST((" + expression + "\n) AS " + target->type + ")" : expression;

  ports::Transaction transaction(session, ports::nested);  // rolled back: the view never exists for anybody else
  use_default_search_path(session);
  session.exec("SET LOCAL row_security = on");  // nothing is read; off would refuse to plan over a policy
  Analysed first;
  checked(table, expression, "", [&] { first = analyse(session, table, typed); });
  refuse_what_is_not_of_one_row(session, table, expression, first);
  const QualifiedText text = qualify(table, expression, first);
  check_columns(table, expression, text.columns);

  session.exec("DROP VIEW " + std::string(view_name));
  Analysed second;
  checked(table, expression, "", [&] { second = analyse(session, table, text.sql); });
  if (second.meaning != first.meaning || second.type != first.type ||
      qualify(table, expression, second).comparable != text.comparable)
    refuse(table, expression, "cannot be written down so that it means the same under every search_path",
           "qualify operators as OPERATOR(schema.=), write CASE WHEN a = b instead of CASE a WHEN b; or put it into a "
           "function");
  if (target)
    checked(table, expression, shown(table.name) + "." + shown(target->name) + " (" + target->type + ")", [&] {
      session.exec("EXPLAIN UPDATE " + quoted(table.name) + " AS " + quote_identifier(row_alias) + " SET " +
                   quote_identifier(target->name) + " = (" + text.sql + ")");
    });
  return {text.sql, text.columns, first.type, user_functions(session, first.tree)};
}

}  // namespace switchback::postgres
