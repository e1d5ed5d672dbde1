// Who uses what a way back below migrated takes away.
#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/core/excerpt.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/guard.hpp"

namespace switchback::engine {
namespace {

/// The columns that expand added and that are there.
std::vector<Structure> new_side(Workbench& bench) {
  std::vector<Structure> columns;
  for (const Step& step : bench.plan().expand) {
    const auto* add = std::get_if<AddColumn>(&step.action);
    if (!add) continue;
    const auto table = bench.catalog().table(bench.session(), add->table);
    if (table && table->column(add->name)) columns.push_back({Structure::Kind::column, add->table, add->name});
  }
  return columns;
}

/// Where pg_stat_statements is; empty: not in this database.
std::string statements_schema(ports::Session& session) {
  const auto rows = session.exec(
      "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE "
      "e.extname = 'pg_stat_statements'");
  return rows.empty() ? "" : rows.text(0, 0);
}

struct Ran {
  std::string text, role;
  std::int64_t calls = 0;
};

/// Statements that name one of the columns, the most frequent first. The columns are younger than the plan, so these
/// ran since.
std::vector<Ran> statements_naming(ports::Session& session, const std::vector<Structure>& columns) {
  constexpr std::string_view most = "50";
  const std::string schema = statements_schema(session);
  if (schema.empty()) throw Error(Exit::failed, Remedy::person, "pg_stat_statements is not in this database");
  std::string names;
  for (const Structure& column : columns)
    names += (names.empty() ? "" : " OR ") +
             ("pg_catalog.strpos(pg_catalog.lower(s.query), pg_catalog.lower(" + quote_literal(column.name) + ")) > 0");
  const auto rows = session.exec(
      "SELECT s.query, pg_catalog.pg_get_userbyid(s.userid), s.calls FROM " +
      quoted(TableName{schema, "pg_stat_statements"}) +
      " s JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = pg_catalog.current_database() WHERE (" +
      names + ") AND pg_catalog.strpos(s.query, '/* switchback') = 0 ORDER BY s.calls DESC LIMIT " + std::string(most));
  std::vector<Ran> ran;
  for (std::size_t i = 0; i < rows.size(); ++i) ran.push_back({rows.text(i, 0), rows.text(i, 1), rows.integer(i, 2)});
  return ran;
}

bool made_by_plan(const Plan& plan, const ports::Dependent& dependent) {
  for (const auto* phase : {&plan.expand, &plan.migrate})
    for (const Step& step : *phase) {
      if (const auto* index = std::get_if<CreateIndex>(&step.action); index && named_by(dependent, index_name(*index)))
        return true;
      // It was made after the columns, and goes before them.
      if (const auto* view = std::get_if<CreateView>(&step.action);
          view && belongs_to(dependent, {Structure::Kind::view, view->name, view->name.name}))
        return true;
    }
  return false;
}

}  // namespace

std::vector<std::string> way_back_uses(Workbench& bench) {
  ports::UsageRequest request;
  request.plan = bench.fence().plan;
  request.structures = new_side(bench);
  if (request.structures.empty()) return {};
  std::vector<std::string> lines;
  try {
    const std::vector<Ran> ran = statements_naming(bench.session(), request.structures);
    std::vector<ports::ReplayText> texts;
    texts.reserve(ran.size());
    for (const Ran& one : ran) texts.push_back({one.text, one.role});
    if (texts.empty()) return {};
    const ports::Replay replayed = bench.usage().replay(bench.session(), request, texts);
    for (std::size_t i = 0; i < ran.size(); ++i) {
      const ReplayedStatement& one = replayed.statements.at(i);
      if (one.outcome == ReplayOutcome::ok) continue;
      lines.push_back(show_count(ran[i].calls) + (ran[i].calls == 1 ? " time by " : " times by ") + ran[i].role + ": " +
                      excerpt(ran[i].text) + (one.why.empty() ? "" : " (" + one.why + ")"));
    }
  } catch (const Error& error) {
    if (error.remedy() == Remedy::reconnect) throw;
    bench.session().rollback();
    lines.push_back(std::string("not known: ") + error.what());
  }
  return lines;
}

void refuse_while_depended_on(Workbench& bench) {
  for (const Structure& column : new_side(bench))
    for (const ports::Dependent& dependent : bench.usage().closure(bench.session(), column).dependents)
      if (dependent.effect == ports::Dependent::Effect::blocks && !made_by_plan(bench.plan(), dependent))
        throw Error(
            Exit::refused, Remedy::person,
            dependent.kind + " " + dependent.identity + " uses " + shown(column) + ", which turning back takes away",
            "drop or change it first, or stay at migrated, where both images work");
}

}  // namespace switchback::engine
