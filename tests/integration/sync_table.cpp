#include "sync_table.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::tests {
namespace {

bool contains(const std::vector<SyncColumn>& side, const std::string& name) {
  return std::ranges::find(side, name, &SyncColumn::name) != side.end();
}

void put(std::vector<SyncColumn>& side, const TableFacts& facts, const std::string& name) {
  if (!contains(side, name)) side.push_back(sync_column(*facts.column(name)));
}

SyncPlan resolved(ports::Session& session, const TableFacts& facts, const PlanText& text) {
  postgres::PostgresCatalog catalog;
  SyncPlan plan;
  plan.plan = text.name;
  plan.marker = marker_name(text.name);
  plan.reject = text.reject;
  plan.exact = text.exact;
  plan.new_side_wins_insert = text.new_side_wins_insert;
  for (const auto& [column, sql] : text.set) {
    plan.forward.emplace_back(column, catalog.resolve(session, facts, sql, facts.column(column)));
    put(plan.new_side, facts, column);
  }
  for (const auto& [column, sql] : text.reverse)
    plan.reverse.emplace_back(column, catalog.resolve(session, facts, sql, facts.column(column)));
  for (const auto& [column, expression] : plan.forward)
    for (const std::string& name : expression.columns) put(plan.old_side, facts, name);
  for (const auto& [column, expression] : plan.reverse) put(plan.old_side, facts, column);
  for (const auto& [column, expression] : plan.reverse)
    for (const std::string& name : expression.columns)
      if (!contains(plan.old_side, name)) put(plan.new_side, facts, name);
  if (text.where) plan.where = catalog.resolve(session, facts, *text.where);
  return plan;
}

}  // namespace

SyncedTable::SyncedTable(std::string uri, TableName name) : uri_(std::move(uri)), session_(connect()) {
  sync_.name = std::move(name);
  session_->exec("CREATE SCHEMA IF NOT EXISTS switchback");
  session_->exec("GRANT USAGE ON SCHEMA switchback TO PUBLIC");
  sync_.oid = static_cast<std::uint32_t>(session_->exec("SELECT '" + quoted_name() + "'::regclass::oid").integer(0, 0));
}

std::unique_ptr<ports::Session> SyncedTable::connect(const std::string& options) const {
  auto session = postgres::connect({.database = uri_, .application_name = "test", .row_security_off = false});
  session->exec("SET search_path = public");
  if (!options.empty()) session->exec(options);
  return session;
}

SyncPlan& SyncedTable::plan(const std::string& name) {
  return *std::ranges::find(sync_.plans, name, &SyncPlan::plan);
}

void SyncedTable::add_plan(const PlanText& text) {
  postgres::PostgresCatalog catalog;
  std::string alter =
      "ALTER TABLE " + quoted_name() + " ADD COLUMN " + quote_identifier(marker_name(text.name)) + " \"char\"";
  for (const auto& [column, type] : text.add) alter += ", ADD COLUMN " + quote_identifier(column) + " " + type;
  // Resolving needs the columns and a transaction of its own, so they come into being twice.
  auto scratch = connect();
  scratch->exec("CREATE SCHEMA IF NOT EXISTS scratch; CREATE TABLE scratch.shape (LIKE " + quoted_name() +
                " INCLUDING ALL)");
  std::string widen = alter;
  widen.replace(widen.find(quoted_name()), quoted_name().size(), "scratch.shape");
  scratch->exec(widen);
  const TableFacts facts = *catalog.table(*scratch, {"scratch", "shape"});
  sync_.plans.push_back(resolved(*scratch, facts, text));
  scratch->exec("DROP TABLE scratch.shape");

  ports::Transaction transaction(*session_);
  session_->exec("SET LOCAL search_path = public, pg_catalog; " + alter);
  session_->exec(sync_function_sql(sync_) + sync_triggers_sql(sync_));
  if (text.exact) session_->exec(exact_defaults_sql(sync_, sync_.plans.back()));
  transaction.commit();
  session_->exec("SET search_path = public");
}

void SyncedTable::rename(const std::string& name, bool hidden) {
  SyncPlan& changed = plan(name);
  std::string sql;
  for (SyncColumn& column : changed.old_side) {
    const std::string to = hidden ? tombstone_name(name, column.name) : visible_.at(column.name);
    visible_[to] = column.name;
    sql += "ALTER TABLE " + quoted_name() + " RENAME " + quote_identifier(column.name) + " TO " + quote_identifier(to) +
           ";";
    for (SyncPlan& each : sync_.plans) {
      for (auto* expressions : {&each.forward, &each.reverse})
        for (auto& [target, expression] : *expressions) {
          if (target == column.name && &each == &changed) target = to;
          expression = renamed(expression, column.name, to);
        }
      if (each.where) each.where = renamed(*each.where, column.name, to);
    }
    column.name = to;
  }
  ports::Transaction transaction(*session_);
  session_->exec(sql + sync_function_sql(sync_));
  transaction.commit();
}

void SyncedTable::hide(const std::string& plan) {
  rename(plan, true);
}
void SyncedTable::unhide(const std::string& plan) {
  rename(plan, false);
}

void SyncedTable::backfill(const std::string& name, const std::string& condition) {
  const SyncPlan& filled = plan(name);
  const std::string marker = quote_identifier(filled.marker);
  const ports::Rows rows =
      session_->exec("SELECT ctid FROM " + quoted_name() + " WHERE " + marker + " IS NULL AND (" + condition + ")");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string here = " WHERE t.ctid = '" + rows.text(i, 0) + "' AND t." + marker + " IS NULL";
    const std::string update = "UPDATE " + quoted_name() + " AS t SET ";
    if (!failure(update + fill_set_sql(filled, "t") + here).empty()) session_->exec(update + marker + " = 'f'" + here);
  }
}

void SyncedTable::plant(const std::string& insert) {
  const std::string alter = "ALTER TABLE " + quoted_name();
  session_->exec("BEGIN; " + alter + " DISABLE TRIGGER \"~switchback_i\"; " + insert + "; " + alter +
                 " ENABLE ALWAYS TRIGGER \"~switchback_i\"; COMMIT");
}

std::string SyncedTable::row(const std::string& sql) {
  const ports::Rows rows = session_->exec(sql);
  if (rows.empty()) return "none";
  std::string out;
  for (const ports::Value& value : rows.rows[0]) out += value.value_or("-") + "|";
  out.pop_back();
  return out;
}

std::string SyncedTable::failure(const std::string& sql) {
  try {
    session_->exec(sql);
    return "";
  } catch (const Error& error) {
    return error.sqlstate();
  }
}

}  // namespace switchback::tests
