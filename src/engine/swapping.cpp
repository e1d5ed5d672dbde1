#include "switchback/engine/swapping.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "switchback/core/error.hpp"
#include "switchback/engine/restoring.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}

struct ColumnState {
  std::string number;
  bool not_null = false;
};

std::optional<ColumnState> column_state(ports::Session& session, const TableName& table, const std::string& column) {
  const auto rows = session.exec(
      "SELECT attnum, attnotnull FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname "
      "= "
      "$2 AND NOT attisdropped",
      {quoted(table), column});
  if (rows.empty()) return std::nullopt;
  return ColumnState{rows.text(0, 0), rows.boolean(0, 1)};
}

struct Constraint {
  std::string name;
  std::string definition;  ///< as the server writes it
  bool validated = false;
};

/// CHECK and FOREIGN KEY constraints of the table that a column is in, but switchback's own checks.
std::vector<Constraint> constraints_on(ports::Session& session, const TableName& table, const std::string& column) {
  const auto rows = session.exec(
      "SELECT k.conname, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated FROM pg_catalog.pg_constraint k JOIN "
      "pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attname = $2 AND a.attnum = ANY (k.conkey) WHERE "
      "k.conrelid = pg_catalog.to_regclass($1) AND k.contype IN ('c', 'f') AND k.conislocal AND k.conparentid = 0 "
      "ORDER "
      "BY k.conname",
      {quoted(table), column});
  std::vector<Constraint> found;
  for (std::size_t i = 0; i < rows.size(); ++i) found.push_back({rows.text(i, 0), rows.text(i, 1), rows.boolean(i, 2)});
  return found;
}

std::optional<bool> validity(ports::Session& session, const TableName& table, const std::string& constraint) {
  const auto rows = session.exec(
      "SELECT convalidated FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND conname = "
      "$2::pg_catalog.name",
      {quoted(table), constraint});
  if (rows.empty()) return std::nullopt;
  return rows.boolean(0, 0);
}

bool is_own(const Constraint& constraint) {
  return constraint.name.starts_with("_switchback_");
}

std::string hidden_of(const Plan& plan, const ReplaceColumn& step) {
  return tombstone_name(plan.name, step.column);
}

/// The new column's constraints that stand for one of the old column, which is hidden beside it.
std::vector<Constraint> successors(ports::Session& session, const Plan& plan, const ReplaceColumn& step) {
  std::vector<Constraint> found;
  for (Constraint& one : constraints_on(session, step.table, step.column)) {
    if (is_own(one)) continue;
    const auto old_one = validity(session, step.table, tombstone_name(plan.name, one.name));
    if (!old_one) continue;
    found.push_back(std::move(one));
  }
  return found;
}

void swap_in(ports::Session& session, const Plan& plan, const ReplaceColumn& step) {
  const std::string hidden = hidden_of(plan, step);
  if (column_state(session, step.table, hidden)) return;
  session.exec("LOCK TABLE " + quoted(step.table) + " IN ACCESS EXCLUSIVE MODE");
  const auto old_column = column_state(session, step.table, step.column);
  if (!old_column || !column_state(session, step.table, step.with))
    throw Error(Exit::drift, Remedy::person,
                "there is no column " + shown(step.table) + "." +
                    shown(std::string_view(old_column ? step.with : step.column)) + " to swap",
                "see history for what changed it");
  const std::vector<Constraint> old_constraints = constraints_on(session, step.table, step.column);
  for (const std::string& sql : swap_sql(plan, step)) session.exec(sql);
  for (const Constraint& one : old_constraints) {
    if (is_own(one)) continue;
    session.exec(rename_constraint_sql(step.table, one.name, tombstone_name(plan.name, one.name)));
    // The server's text names the column; what bears that name now is the new one.
    session.exec(alter(step.table) + "ADD CONSTRAINT " + quote_identifier(one.name) + " " + one.definition +
                 (one.definition.ends_with(" NOT VALID") ? "" : " NOT VALID"));
  }
  if (validity(session, step.table, either_check_name(plan.name, step.column)))
    session.exec(enforce_not_null_sql(plan.name, step.table, step.column));
}

void swap_back(ports::Session& session, const Plan& plan, const ReplaceColumn& step) {
  if (!column_state(session, step.table, hidden_of(plan, step))) return;
  session.exec("LOCK TABLE " + quoted(step.table) + " IN ACCESS EXCLUSIVE MODE");
  for (const Constraint& one : successors(session, plan, step)) {
    session.exec(alter(step.table) + "DROP CONSTRAINT " + quote_identifier(one.name));
    session.exec(rename_constraint_sql(step.table, tombstone_name(plan.name, one.name), one.name));
  }
  session.exec(release_not_null_sql(plan.name, step.table, step.column));
  // Settled by a drop that has been taken back: forward may give NULL again.
  if (validity(session, step.table, either_check_name(plan.name, step.column)))
    session.exec(alter(step.table) + "ALTER COLUMN " + quote_identifier(step.column) + " DROP NOT NULL");
  for (const std::string& sql : swap_back_sql(plan, step)) session.exec(sql);
}

std::uint32_t oid_of(ports::Session& session, const TableName& table) {
  return static_cast<std::uint32_t>(
      session.exec("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", {quoted(table)}).integer(0, 0));
}

std::vector<const ReplaceColumn*> replaced(const Plan& plan) {
  std::vector<const ReplaceColumn*> steps;
  for (const Step& step : plan.contract.steps)
    if (const auto* replace = std::get_if<ReplaceColumn>(&step.action)) steps.push_back(replace);
  return steps;
}

std::set<TableName> swapped_tables(const Plan& plan) {
  std::set<TableName> tables;
  for (const ReplaceColumn* step : replaced(plan)) tables.insert(step->table);
  return tables;
}

bool is_swapped(ports::Session& session, const Plan& plan, const TableName& table) {
  return column_state(session, table, hidden_of(plan, *replaced_in(plan, table).front())).has_value();
}

/// PL/pgSQL keeps the type that a column of NEW and OLD had when a session first ran an expression over it, and refuses
/// another one behind the same name (42804) until the function has changed: so each is written again as it is (our own
/// are anyway). One that belongs to somebody else and does not speak of the columns is left alone.
void refresh_trigger_functions(ports::Session& session, const Plan& plan, const TableName& table) {
  const auto functions = session.exec(
      R"sql(SELECT DISTINCT pg_catalog.format('%I.%I()', n.nspname, p.proname), p.procost, p.prosrc
FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
WHERE NOT g.tgisinternal AND n.nspname <> 'switchback' AND (g.tgrelid = $1::pg_catalog.oid OR g.tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass)))
ORDER BY 1)sql",
      {std::to_string(oid_of(session, table))});
  for (std::size_t i = 0; i < functions.size(); ++i) try {
      ports::Transaction one(session, ports::nested);
      one.exec("ALTER FUNCTION " + functions.text(i, 0) + " COST " + functions.text(i, 1));
      one.commit();
    } catch (const Error& error) {
      if (error.sqlstate() != "42501") throw;
      for (const ReplaceColumn* step : replaced_in(plan, table))
        if (functions.text(i, 2).find(step->column) != std::string::npos)
          throw Error(
              Exit::refused, Remedy::person,
              "the trigger function " + functions.text(i, 0) + " of " + shown(table) + " speaks of " +
                  shown(std::string_view(step->column)) +
                  ", and sessions that have run it would fail with 42804 when the type changes: " + error.what(),
              "let this role alter it, as its owner or a member of the owner; then the same command again",
              error.sqlstate());
    }
}

}  // namespace

void relax_replaced(ports::Session& session, const Plan& plan, const TableName& table) {
  for (const ReplaceColumn* step : replaced_in(plan, table)) {
    const auto column = column_state(session, table, step->column);
    if (!column || !column->not_null) continue;
    for (const std::string& sql : relax_replaced_sql(plan, *step)) session.exec(sql);
  }
}

void swap_in(ports::Session& session, const Plan& plan) {
  for (const TableName& table : swapped_tables(plan)) {
    if (is_swapped(session, plan, table)) continue;
    for (const ReplaceColumn* step : replaced_in(plan, table)) swap_in(session, plan, *step);
    rename_in_sync(session, oid_of(session, table), table, swap_names(plan, table));
    refresh_trigger_functions(session, plan, table);
  }
}

void swap_back(ports::Session& session, const Plan& plan) {
  for (const TableName& table : swapped_tables(plan)) {
    if (!is_swapped(session, plan, table)) continue;
    for (const ReplaceColumn* step : replaced_in(plan, table)) swap_back(session, plan, *step);
    rename_in_sync(session, oid_of(session, table), table, swap_back_names(plan, table));
    refresh_trigger_functions(session, plan, table);
  }
}

void validate_replaced(ports::Session& session, const Plan& plan, const ReplaceColumn& step) {
  if (validity(session, step.table, not_null_check_name(plan.name, step.column)) == false)
    session.exec(validate_not_null_sql(plan.name, step.table, step.column));
  for (const Constraint& one : successors(session, plan, step))
    if (!one.validated && validity(session, step.table, tombstone_name(plan.name, one.name)) == true)
      session.exec(alter(step.table) + "VALIDATE CONSTRAINT " + quote_identifier(one.name));
}

std::vector<std::string> replaced_objections(ports::Session& session, const Plan& plan, const ReplaceColumn& step) {
  std::vector<std::string> objections;
  const std::string column = shown(step.table) + "." + shown(std::string_view(step.column));
  if (validity(session, step.table, either_check_name(plan.name, step.column)) &&
      validity(session, step.table, not_null_check_name(plan.name, step.column)) != true)
    objections.push_back("not null of " + column + " is not validated");
  for (const Constraint& one : successors(session, plan, step))
    if (!one.validated && validity(session, step.table, tombstone_name(plan.name, one.name)) == true)
      objections.push_back("the constraint " + shown(std::string_view(one.name)) + " on " + column +
                           " is not validated");
  return objections;
}

void settle_replaced(ports::Session& session, const Plan& plan, const ReplaceColumn& step) {
  if (!validity(session, step.table, not_null_check_name(plan.name, step.column))) return;
  for (const std::string& sql : settle_not_null_sql(plan.name, step.table, step.column)) session.exec(sql);
}

Stop make_not_null_again(Workbench& bench) {
  for (const ReplaceColumn* step : replaced(bench.plan())) {
    const std::string either = either_check_name(bench.plan().name, step->column);
    bool relaxed = false;
    Stop stop = bench.outside_transaction(
        [&](ports::Session& session) { relaxed = validity(session, step->table, either).has_value(); });
    if (!stop.ok()) return stop;
    if (!relaxed) continue;
    const auto transactions = gentle_not_null_sql(bench.plan().name, step->table, step->column);
    for (std::size_t i = 0; i < transactions.size(); ++i) {
      try {
        stop = bench.in_transaction([&](ports::Session& session) {
          if (!validity(session, step->table, either)) return;
          const bool checked =
              validity(session, step->table, not_null_check_name(bench.plan().name, step->column)).has_value();
          if (i > 0 || !checked)
            for (const std::string& sql : transactions[i]) session.exec(sql);
          if (i + 1 == transactions.size())
            session.exec(alter(step->table) + "DROP CONSTRAINT " + quote_identifier(either));
          record_shapes(bench);
        });
      } catch (const Error& error) {
        if (error.remedy() != Remedy::data) throw;
        return Stop::held({HoldKind::violation,
                           std::string(error.what()) + ": rows of " + shown(step->table) +
                               " have values that the old type of " + shown(std::string_view(step->column)) +
                               " cannot hold",
                           "they are mended (switchback quarantine " + bench.plan().name +
                               " list names them), then the same command again",
                           {}});
      }
      if (!stop.ok()) return stop;
    }
  }
  return Stop::arrived();
}

}  // namespace switchback::engine
