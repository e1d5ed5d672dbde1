#include "switchback/engine/hiding.hpp"

#include <set>

#include "switchback/core/error.hpp"
#include "switchback/engine/archiver.hpp"
#include "switchback/engine/moving.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/swapping.hpp"
#include "switchback/engine/tightening.hpp"
#include "switchback/engine/turning_over.hpp"

namespace switchback::engine {
namespace {

bool has_column(ports::Session& session, const TableName& table, const std::string& column) {
  return !session
              .exec(
                  "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 "
                  "AND NOT "
                  "attisdropped",
                  {quoted(table), column})
              .empty();
}

struct NotNullState {
  bool column = false;     ///< attnotnull
  bool check = false;      ///< our CHECK is there
  bool validated = false;  ///< and holds for every row
};

NotNullState not_null_state(ports::Session& session, const Plan& plan, const SetNotNull& step) {
  const auto rows = session.exec(
      "SELECT a.attnotnull, k.oid IS NOT NULL, coalesce(k.convalidated, false) FROM pg_catalog.pg_attribute a LEFT "
      "JOIN "
      "pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.conname = $3 WHERE a.attrelid = "
      "pg_catalog.to_regclass($1) AND a.attname = $2 AND NOT a.attisdropped",
      {quoted(step.table), step.column, not_null_check_name(plan.name, step.column)});
  if (rows.empty())
    throw Error(Exit::drift, Remedy::person, "there is no column " + shown(step.table) + "." + shown(step.column),
                "see history for what changed it");
  return {rows.boolean(0, 0), rows.boolean(0, 1), rows.boolean(0, 2)};
}

bool has_index(ports::Session& session, const TableName& index) {
  return session.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {quoted(index)}).boolean(0, 0);
}

bool has_constraint(ports::Session& session, const TableName& table, const std::string& constraint) {
  return !session
              .exec(
                  "SELECT FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND conname = "
                  "$2::pg_catalog.name",
                  {quoted(table), constraint})
              .empty();
}

TableName tombstone_of(const Plan& plan, const DropIndex& index) {
  return {index.name.schema, tombstone_name(plan.name, index.name.name)};
}

/// Indexes and constraints between their names and their tombstones; what is not there under the first is left.
void rename_by_step(ports::Session& session, const Plan& plan, bool hide) {
  for (const Step& step : plan.contract.steps) {
    if (const auto* index = std::get_if<DropIndex>(&step.action)) {
      const TableName from = hide ? index->name : tombstone_of(plan, *index);
      const std::string to = hide ? tombstone_of(plan, *index).name : index->name.name;
      if (has_index(session, from)) session.exec(rename_index_sql(from, to));
    } else if (const auto* constraint = std::get_if<DropConstraint>(&step.action)) {
      const std::string hidden = tombstone_name(plan.name, constraint->name);
      const std::string& from = hide ? constraint->name : hidden;
      if (has_constraint(session, constraint->table, from))
        session.exec(rename_constraint_sql(constraint->table, from, hide ? hidden : constraint->name));
    }
  }
}

bool archives(const Plan& plan) {
  return !(plan.contract.archive && plan.contract.archive->none);
}

}  // namespace

void lock_from_above(ports::Session& session, const Plan& plan) {
  std::set<TableName> names;
  for (const Step& step : plan.contract.steps)
    // A table that is renamed has a view on it, which is locked first: it sees to that itself.
    if (const TableName* table = table_of(step.action); table && !std::holds_alternative<RenameTable>(step.action))
      if (session
              .exec("SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = "
                    "i.inhparent "
                    "WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p'))",
                    {quoted(*table)})
              .boolean(0, 0))
        names.insert(*table);
  for (const TableName& name : names) session.exec("LOCK TABLE " + quoted(name) + " IN ACCESS EXCLUSIVE MODE");
}

void hide(ports::Session& session, const Plan& plan, const std::vector<TakenTable>& tables) {
  for (const TakenTable& table : tables)
    for (const auto& [from, to] : hiding_names(table))
      if (!has_column(session, table.name, to))
        for (const std::string& sql : rename_sql(table.name, {{from, to}})) session.exec(sql);
  rename_by_step(session, plan, true);
  for (const Step& step : plan.contract.steps)
    if (const auto* not_null = std::get_if<SetNotNull>(&step.action)) {
      const NotNullState now = not_null_state(session, plan, *not_null);
      if (!now.column && !now.check) session.exec(enforce_not_null_sql(plan.name, not_null->table, not_null->column));
    }
  turn_over(session, plan);
}

void unhide(ports::Session& session, PlanId plan_id, const Plan& plan, const std::vector<TakenTable>& tables) {
  lock_from_above(session, plan);
  turn_back_over(session, plan_id);
  unhide_objects(session, plan_id, plan);
  rename_by_step(session, plan, false);
  for (const TakenTable& table : tables) {
    // Before the rename: the archive's trigger function names the tombstones, and a writer would meet it in between.
    drop_archive(session, table, "");
    for (const auto& [from, to] : unhiding_names(table))
      if (has_column(session, table.name, from))
        for (const std::string& sql : rename_sql(table.name, {{from, to}})) session.exec(sql);
  }
  release_rules(session, plan_id, plan);
  session.exec("DELETE FROM switchback.definition WHERE plan_id = $1", {std::to_string(plan_id)});
}

void validate(ports::Session& session, const Plan& plan, const SetNotNull& step) {
  const NotNullState now = not_null_state(session, plan, step);
  if (now.check && !now.validated) session.exec(validate_not_null_sql(plan.name, step.table, step.column));
}

std::vector<std::string> drop_objections(ports::Session& session, PlanId /*plan_id*/, const Plan& plan,
                                         const std::vector<TakenTable>& tables) {
  std::vector<std::string> objections;
  if (archives(plan))
    for (const TakenTable& table : tables)
      for (std::string& objection : archive_objections(session, table)) objections.push_back(std::move(objection));
  for (const Step& step : plan.contract.steps)
    if (const auto* not_null = std::get_if<SetNotNull>(&step.action)) {
      const NotNullState now = not_null_state(session, plan, *not_null);
      if (!now.column && !now.validated)
        objections.push_back("not null of " + shown(not_null->table) + "." + shown(not_null->column) +
                             (now.check ? " is not validated" : " is not enforced any more: its check was dropped"));
    } else if (const auto* replaced = std::get_if<ReplaceColumn>(&step.action)) {
      for (std::string& objection : replaced_objections(session, plan, *replaced))
        objections.push_back(std::move(objection));
    }
  for (std::string& objection : turned_over_objections(session, plan)) objections.push_back(std::move(objection));
  return objections;
}

void lock_for_drop(ports::Session& session, const Plan& plan, const std::vector<TakenTable>& tables) {
  std::set<TableName> names;
  for (const TakenTable& table : tables) names.insert(table.name);
  for (const Step& step : plan.contract.steps) {
    if (std::holds_alternative<RenameTable>(step.action)) continue;  // that is done
    if (const TableName* table = table_of(step.action)) names.insert(*table);
    if (const auto* foreign = std::get_if<AddForeignKey>(&step.action)) names.insert(foreign->referenced);
    if (const auto* index = std::get_if<DropIndex>(&step.action)) {
      const auto found = session.exec(
          "SELECT n.nspname, c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid "
          "JOIN "
          "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.indexrelid = pg_catalog.to_regclass($1)",
          {quoted(tombstone_of(plan, *index))});
      if (!found.empty()) names.insert({found.text(0, 0), found.text(0, 1)});
    }
  }
  for (const TableName& name : names) session.exec("LOCK TABLE " + quoted(name) + " IN ACCESS EXCLUSIVE MODE");
}

namespace {

/// An owned sequence goes with its column; restored, it must go on where it was, not where it was when it was hidden.
void record_sequences(ports::Session& session, const TableName& table, const Plan& plan, const std::string& hidden) {
  session.exec(R"(
INSERT INTO switchback.definition (plan_id, ordinal, kind, structure, definition)
SELECT p.id, (SELECT max(ordinal) FROM switchback.definition WHERE plan_id = p.id) + pg_catalog.row_number() OVER (ORDER BY c.oid),
  'sequence', pg_catalog.format('%I.%I', n.nspname, c.relname),
  pg_catalog.format('SELECT pg_catalog.setval(%L, %s)', pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_sequence_last_value(c.oid))
FROM switchback.plan p, pg_catalog.pg_attribute a
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'a'
JOIN pg_catalog.pg_class c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid AND c.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.name = $1 AND a.attrelid = pg_catalog.to_regclass($2) AND a.attname = $3 AND CASE c.relkind WHEN 'S' THEN pg_catalog.pg_sequence_last_value(c.oid) END IS NOT NULL)",
               {plan.name, quoted(table), hidden});
}

void drop_hidden(ports::Session& session, const Plan& plan, const TableName& name, const std::string& hidden,
                 const std::vector<TakenTable>& tables) {
  for (const TakenTable& table : tables)
    if (table.name == name && has_archive(session, table)) keep_archive(session, table);
  record_sequences(session, name, plan, hidden);
  session.exec(drop_column_sql(name, hidden));
}

}  // namespace

void drop_step(ports::Session& session, const Plan& plan, const Step& step, const std::vector<TakenTable>& tables) {
  if (const auto* column = std::get_if<DropColumn>(&step.action)) {
    drop_hidden(session, plan, column->table, tombstone_name(plan.name, column->name), tables);
  } else if (const auto* replaced = std::get_if<ReplaceColumn>(&step.action)) {
    drop_hidden(session, plan, replaced->table, tombstone_name(plan.name, replaced->column), tables);
    settle_replaced(session, plan, *replaced);
  } else if (const auto* not_null = std::get_if<SetNotNull>(&step.action)) {
    for (const std::string& sql : settle_not_null_sql(plan.name, not_null->table, not_null->column)) session.exec(sql);
  } else if (const auto* index = std::get_if<DropIndex>(&step.action)) {
    // It may have gone with its column.
    session.exec("DROP INDEX IF EXISTS " + quoted(tombstone_of(plan, *index)) + " RESTRICT");
  } else if (const auto* constraint = std::get_if<DropConstraint>(&step.action)) {
    session.exec("ALTER TABLE " + quoted(constraint->table) + " DROP CONSTRAINT IF EXISTS " +
                 quote_identifier(tombstone_name(plan.name, constraint->name)) + " RESTRICT");
  }
}

void end_drop(ports::Session& session, PlanId plan_id, const Plan& plan, const std::vector<TakenTable>& tables,
              std::chrono::seconds keep) {
  for (const TakenTable& table : tables) drop_marker(session, table.name, plan.name);
  session.exec(
      "UPDATE switchback.archive SET state = 'kept', keep_until = pg_catalog.clock_timestamp() + $2 * interval '1 "
      "second' WHERE plan_id = $1 AND state = 'verified'",
      {std::to_string(plan_id), std::to_string(keep.count())});
}

}  // namespace switchback::engine
