#include "switchback/postgres/image_asking.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "parse_tree.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/footprint.hpp"
#include "switchback/postgres/statement_reads.hpp"
#include "usage_parsing.hpp"
#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

using ports::Preparation;
using ports::Rows;

/// Where this role may not look into a schema that the image looks into, names mean something else to it. A standby
/// gives no lock that a write would need.
bool can_ask(ports::Session& session, const Parsing& how) {
  if (!how.standard_strings) return false;  // the grammar that tells one statement from two takes them for on
  const Rows rows = session.exec(
      R"sql(
SELECT pg_catalog.pg_is_in_recovery() OR EXISTS (
  SELECT FROM pg_catalog.regexp_split_to_table($1, '\s*,\s*') s(part)
  JOIN pg_catalog.pg_namespace n ON n.nspname = pg_catalog.btrim(s.part, '"')
  WHERE NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')))sql",
      {how.search_path});
  return !rows.boolean(0, 0);
}

Preparation prepared(ports::Session& session, const std::string& text) {
  Preparation found;
  found.asked = true;
  try {
    session.exec("PREPARE switchback_gate AS " + text);
    session.exec("DEALLOCATE switchback_gate");
  } catch (const Error& error) {
    if (error.sqlstate().empty() || error.remedy() == Remedy::reconnect) throw;
    constexpr std::string_view severity = "ERROR:  ";
    const std::string message = error.what();
    found.code = error.sqlstate();
    found.message = message.substr(message.starts_with(severity) ? severity.size() : 0);
    found.message.erase(std::min(found.message.find('\n'), found.message.size()));
  }
  session.exec("ROLLBACK TO SAVEPOINT switchback_asked");  // its locks, too
  return found;
}

/// One statement of a kind that can be prepared, by two readings of it: nothing else may get to the server in its
/// company.
std::string preparable_alone(const std::string& text) {
  const std::string found = preparable(text);
  if (found.empty()) return "";
  const ParseTree tree(found);
  return tree.root() && tree.root()->n_stmts == 1 ? found : "";
}

struct FunctionBody {
  TableName name;
  std::string language, text;
};

/// Those that the names can mean, wherever they are: which schema search_path finds first is not looked at.
std::vector<FunctionBody> bodies_of(ports::Session& session, const std::vector<TableName>& functions) {
  std::vector<std::string> names;
  names.reserve(functions.size());
  for (const TableName& one : functions) names.push_back(one.name);
  const Rows rows = session.exec(
      "SELECT n.nspname, p.proname, l.lanname, p.prosrc FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON "
      "n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE p.proname = ANY ($1::name[]) "
      "AND "
      "l.lanname IN ('sql', 'plpgsql') AND p.prosrc <> '' AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
      "AND "
      "n.nspname NOT LIKE 'switchback%' ORDER BY p.oid",
      {array_literal(names)});
  std::vector<FunctionBody> bodies;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const TableName name{rows.text(row, 0), rows.text(row, 1)};
    for (const TableName& one : functions)
      if (one.name == name.name && (one.schema.empty() || one.schema == name.schema)) {
        bodies.push_back({name, rows.text(row, 2), rows.text(row, 3)});
        break;
      }
  }
  return bodies;
}

KnownColumns columns_of(ports::Session& session, const std::set<TableName>& tables,
                        const std::vector<PlanEffect::Column>& taken) {
  std::vector<std::string> schemas, names;
  for (const TableName& table : tables) {
    schemas.push_back(table.schema);
    names.push_back(table.name);
  }
  const Rows rows = session.exec(
      "SELECT n.nspname, c.relname, a.attname FROM ROWS FROM (pg_catalog.unnest($1::name[]), "
      "pg_catalog.unnest($2::name[])) w(schema, name) JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema JOIN "
      "pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name JOIN pg_catalog.pg_attribute a ON "
      "a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2, a.attnum",
      {array_literal(schemas), array_literal(names)});
  KnownColumns known;
  for (std::size_t row = 0; row < rows.size(); ++row)
    known[{rows.text(row, 0), rows.text(row, 1)}].push_back(rows.text(row, 2));
  for (const PlanEffect::Column& one : taken)
    if (const auto table = known.find(one.table); table != known.end()) note_once(table->second, one.name);
  return known;
}

Footprint needs_of(ports::Session& session, const FunctionBody& body, const std::vector<PlanEffect::Column>& taken) {
  std::set<TableName> tables;
  for (const TableUse& use : needs_of_body(body.language, body.text, {}).tables) tables.insert(use.table);
  if (tables.empty()) return needs_of_body(body.language, body.text, {});
  return needs_of_body(body.language, body.text, columns_of(session, tables, taken));
}

}  // namespace

std::vector<Preparation> ImageAsking::prepare(ports::Session& session, const std::vector<std::string>& texts,
                                              const std::string& role) {
  std::vector<Preparation> answers(texts.size());
  const Parsing how = RoleParsing(session).of(role);
  if (texts.empty() || !can_ask(session, how)) return answers;
  session.exec("SAVEPOINT switchback_asking");
  session.exec(
      "SELECT pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('standard_conforming_strings', "
      "'on', true), pg_catalog.set_config('lock_timeout', '200ms', true)",
      {how.search_path});
  session.exec("SAVEPOINT switchback_asked");
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (const std::string text = preparable_alone(texts[i]); !text.empty()) answers[i] = prepared(session, text);
  session.exec("ROLLBACK TO SAVEPOINT switchback_asking");
  session.exec("RELEASE SAVEPOINT switchback_asking");
  return answers;
}

std::vector<ImageSurroundings::Called> ImageAsking::called(ports::Session& session,
                                                           const std::vector<TableName>& functions,
                                                           const std::vector<PlanEffect::Column>& taken) {
  std::vector<ImageSurroundings::Called> found;
  for (const TableName& function : functions) {
    ImageSurroundings::Called called{function, {}};
    std::set<TableName> seen{function};
    for (std::vector<TableName> next{function}; !next.empty();) {
      std::vector<TableName> calls;
      for (const FunctionBody& body : bodies_of(session, next)) {
        const Footprint needs = needs_of(session, body, taken);
        for (const TableName& one : needs.functions)
          if (seen.insert(one).second) calls.push_back(one);
        called.needs = merged(std::move(called.needs), needs);
      }
      next = std::move(calls);
    }
    if (!called.needs.tables.empty()) found.push_back(std::move(called));
  }
  return found;
}

}  // namespace switchback::postgres
