#include "switchback/engine/explaining.hpp"

#include <algorithm>
#include <optional>

#include "switchback/core/archive_sql.hpp"
#include "switchback/core/batched.hpp"
#include "switchback/core/brownout.hpp"
#include "switchback/core/contract_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/making_sql.hpp"
#include "switchback/core/rule_step.hpp"
#include "switchback/core/setting_sql.hpp"
#include "switchback/core/swap.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/taken_object.hpp"
#include "switchback/core/units.hpp"
#include "switchback/core/work.hpp"
#include "switchback/engine/moving.hpp"
#include "switchback/engine/resolved.hpp"
#include "switchback/engine/resolving.hpp"
#include "switchback/engine/statements.hpp"
#include "switchback/engine/turning_over.hpp"

namespace switchback::engine {
namespace {

class Explaining {
 public:
  Explaining(const Plan& plan, ports::Session* session, ports::Catalog* catalog, const Settings& settings)
      : plan_(plan), session_(session), catalog_(catalog), settings_(settings) {}

  Explained run() {
    Explained out{plan_.name, plan_.hash, {}, {}};
    started_ = session_ && already_started();
    if (session_ && !started_) resolved_ = resolve_plan(*session_, *catalog_, plan_, settings_);
    if (started_) resolved_ = resolved_from_json(require_plan(*session_, plan_.name).resolved);
    if (!session_)
      out.notes.push_back(
          "without a database: types and expressions as written, sync as a sketch; with --database everything is "
          "resolved");
    if (!expand_work(plan_).empty()) out.phases.push_back(expand_phase());
    if (!migrate_work(plan_).empty()) out.phases.push_back(migrate_phase());
    if (takes_away(plan_)) {
      out.phases.push_back(hide_phase());
      out.phases.push_back(archive_phase());
      out.phases.push_back(drop_phase());
    }
    for (const Step& step : plan_.expand)
      if (std::holds_alternative<AddColumn>(step.action)) {
        out.notes.push_back(
            "adding a column makes a prepared SELECT * fail once with \"cached plan must not change result type\", and "
            "stops logical subscribers of a published table until they have the column too");
        break;
      }
    for (const ReplaceColumn* replace : replaced())
      out.notes.push_back(
          "from the hide on " + shown(replace->table) + "." + shown(std::string_view(replace->column)) +
          " is another column, the last of the table: SELECT * shows it there, with its new type; a statement that was "
          "prepared before and returns it fails once with \"cached plan must not change result type\" (until it is "
          "prepared again), on unhide too; INSERT and COPY without a list of columns hold the hide. A value that the "
          "old "
          "type cannot hold is refused before the hide, by the column itself; after it, it is recorded (switchback "
          "quarantine), and an image from before the change must bear to read it. Which image does not, the plan says: "
          "images: { before: NAME }");
    for (const Step& step : plan_.contract.steps)
      if (const auto* renamed = std::get_if<RenameTable>(&step.action))
        out.notes.push_back(
            "until the hide " + shown(TableName{renamed->table.schema, renamed->to}) +
            " is a view: PostgreSQL refuses COPY of it or into it (COPY (SELECT …) TO works), ON CONFLICT ON "
            "CONSTRAINT, "
            "TRUNCATE, WHERE CURRENT OF, before 17 MERGE, and a foreign key to it; what looks for its primary key or "
            "sequence in the catalog finds none. Indexes, constraints, sequences and partitions keep their names");
    add_insert_notes(out);
    return out;
  }

 private:
  bool already_started() {
    if (!session_->exec("SELECT pg_catalog.to_regclass('switchback.plan') IS NOT NULL").boolean(0, 0)) return false;
    const auto found = find_plan(*session_, plan_.name);
    return found && found->state != State::rolled_back && found->hash == plan_.hash;
  }

  std::optional<TableFacts> facts_of(const TableName& table) {
    return catalog_ ? catalog_->table(*session_, table) : std::nullopt;
  }

  ColumnFacts column_of(const AddColumn& add) const {
    if (const ColumnFacts* found = resolved_.added(add.table, add.name)) return *found;
    ColumnFacts column;
    column.name = add.name;
    column.type = add.type.empty() ? "(type of " + add.like.value_or("") + ")" : add.type;
    column.not_null = add.not_null;
    if (add.default_value) column.default_value = "(" + *add.default_value + ")";
    return column;
  }

  StepSql columns_step(const Work& work) {
    std::vector<ColumnFacts> columns;
    for (const Step* step : work.steps) columns.push_back(column_of(std::get<AddColumn>(step->action)));
    const ResolvedSync* sync = work.sync ? resolved_.sync_of(work.table) : nullptr;
    StepSql out = add_columns_sql(work.table, columns, work.sync ? marker_name(plan_.name) : "");
    out.step = work.name + (work.sync ? ", with marker and sync" : "");
    if (!sync) return out;
    const SyncTable table{sync->oid, sync->table, {sync->sync}, false};
    out.sql.push_back(sync_function_sql(table));
    out.sql.push_back(sync_triggers_sql(table));
    out.undo.insert(out.undo.begin(), sync_drop_sql(sync->oid, sync->table));
    for (const ReplaceColumn* replace : replaced_in(plan_, work.table)) {
      if (!is_strict(*replace)) continue;
      for (std::string& one : relax_replaced_sql(plan_, *replace)) out.sql.push_back(std::move(one));
      out.undo.push_back("NOT NULL of " + shown(std::string_view(replace->column)) +
                         " again, by a CHECK that is validated first");
    }
    return out;
  }

  StepSql statement_step(const Step& step) { return statement_sql(session_, catalog_, step); }

  StepSql index_step(const Step& step) {
    const auto& index = std::get<CreateIndex>(step.action);
    const auto table = facts_of(index.table);
    return index_sql(index, table ? &*table : nullptr);
  }

  PhaseSql expand_phase() {
    PhaseSql phase{"expand", {}};
    int counters = 0;
    for (const Work& work : expand_work(plan_)) {
      if (work.kind == Work::Kind::counter) {
        const Rule rule = *rule_of(work.steps.front()->action);
        ++counters;
        phase.steps.push_back(counter_step(plan_, counters, rule, facts_of(rule, counters)));
      } else if (work.kind == Work::Kind::columns)
        phase.steps.push_back(columns_step(work));
      else
        phase.steps.push_back(work.kind == Work::Kind::index ? index_step(*work.steps.front())
                                                             : statement_step(*work.steps.front()));
    }
    for (StepSql& step : phase.steps) step.after = Safety::breaks;
    return phase;
  }

  StepSql backfill_step(const Work& work) {
    const auto& backfill = std::get<Backfill>(work.steps.front()->action);
    StepSql out;
    out.step = work.name;

    const ResolvedSync* sync = resolved_.sync_of(work.table);
    std::string set;
    if (sync) {
      set = fill_set_sql(sync->sync, "t");
    } else {
      for (const auto& [column, expression] : backfill.set) set += quote_identifier(column) + " = " + expression + ", ";
      set += quote_identifier(marker_name(plan_.name)) + " = 's'";
    }
    out.sql.push_back("UPDATE ONLY " + quoted(work.table) + " AS t SET " + set + " WHERE (a range of the key) AND t." +
                      quote_identifier(marker_name(plan_.name)) + " IS NULL");
    out.no_undo = "filled values stay until their columns go; the old side is not touched";
    out.lock = "ROW EXCLUSIVE";
    out.held =
        "row locks for one batch, about " + show_duration(backfill.batch.target.value_or(settings_.batch_target));
    out.scans = true;
    return out;
  }

  /// `number`: of the contract's rules, from 1.
  RuleFacts facts_of(const Rule& rule, int number) const {
    const auto at = static_cast<std::size_t>(number - 1);
    return at < resolved_.rules.size() ? resolved_.rules[at] : sketched(rule);
  }

  StepSql fix(const Fix& step, std::size_t number) const {
    if (number > resolved_.fixes.size()) return fix_step(step, sketched(step.rule), step.set);
    const ResolvedFix& fix = resolved_.fixes[number - 1];
    ColumnExpressions set;
    for (const auto& [column, expression] : fix.set) set.emplace_back(column, expression.in("t"));
    return fix_step(step, fix.facts, set);
  }

  PhaseSql migrate_phase() {
    PhaseSql phase{"migrate", {}};
    std::size_t fixes = 0;
    int rules = 0;
    for (const Work& work : migrate_work(plan_)) {
      switch (work.kind) {
        case Work::Kind::backfill:
          phase.steps.push_back(backfill_step(work));
          break;
        case Work::Kind::index:
          phase.steps.push_back(index_step(*work.steps.front()));
          break;
        case Work::Kind::fix:
          phase.steps.push_back(fix(std::get<Fix>(work.steps.front()->action), ++fixes));
          break;
        case Work::Kind::rule: {
          const Rule rule = *rule_of(work.steps.front()->action);
          ++rules;
          phase.steps.push_back(rule_check_step(rule, facts_of(rule, rules)));
          break;
        }
        case Work::Kind::batched:
          phase.steps.push_back(batched_step(std::get<SqlBatched>(work.steps.front()->action)));
          break;
        case Work::Kind::pairs:
        case Work::Kind::verify:
        case Work::Kind::compare:
          phase.steps.push_back(reading_step(work));
          break;
        default:
          phase.steps.push_back(statement_step(*work.steps.front()));
      }
    }
    for (StepSql& step : phase.steps) step.after = Safety::unsafe;
    return phase;
  }

  StepSql batched_step(const SqlBatched& step) const {
    return sql_batched_step(step, show_duration(step.batch.target.value_or(settings_.batch_target)));
  }

  StepSql reading_step(const Work& work) {
    StepSql out;
    out.step = work.name;
    if (work.kind == Work::Kind::pairs) {
      out.sql.push_back(exclusion_broken_sql(std::get<AddExclusion>(work.steps.front()->action)));
      out.no_undo =
          "reads only; the pairs that images write later are not counted, they are looked for again before "
          "the hide";
      out.lock = "ACCESS SHARE";
      out.held = "one statement";
      out.scans = true;
      return out;
    }
    std::string check = "both sides agree";
    if (work.kind == Work::Kind::verify) check = std::get<Verify>(work.steps.front()->action).check;
    out.sql.push_back("SELECT count(*) FILTER (WHERE (" + check + ") IS NOT TRUE) FROM ONLY " + quoted(work.table) +
                      " AS t WHERE (a range of the key)");
    if (const ResolvedSync* sync = resolved_.sync_of(work.table); sync && work.kind == Work::Kind::compare)
      out.sql.back() = "SELECT count(*) FILTER (WHERE (" + in_step_sql(sync->sync, "t") + ") IS NOT TRUE) FROM ONLY " +
                       quoted(work.table) + " AS t WHERE (a range of the key)";
    out.no_undo = "reads only";
    out.lock = "ACCESS SHARE";
    out.held = "one batch";
    out.scans = true;
    return out;
  }

  std::vector<const DropColumn*> dropped() const {
    std::vector<const DropColumn*> out;
    for (const Step& step : plan_.contract.steps)
      if (const auto* drop = std::get_if<DropColumn>(&step.action)) out.push_back(drop);
    return out;
  }

  std::vector<const ReplaceColumn*> replaced() const {
    std::vector<const ReplaceColumn*> out;
    for (const Step& step : plan_.contract.steps)
      if (const auto* replace = std::get_if<ReplaceColumn>(&step.action)) out.push_back(replace);
    return out;
  }

  /// NOT NULL, as far as it is known before: whether the column has it.
  bool is_strict(const ReplaceColumn& replace) {
    const auto facts = session_ ? facts_of(replace.table) : std::nullopt;
    const ColumnFacts* column = facts ? facts->column(replace.column) : nullptr;
    return column && column->not_null;
  }

  StepSql swap_step(const ReplaceColumn& replace) {
    std::vector<std::string> sql = swap_sql(plan_, replace);
    if (is_strict(replace)) sql.push_back(enforce_not_null_sql(plan_.name, replace.table, replace.column));
    StepSql out = contract_step("swap " + shown(replace.table) + "." + shown(std::string_view(replace.column)),
                                std::move(sql), swap_back_sql(plan_, replace), Safety::unsafe);
    out.held +=
        "; with them CHECK and FOREIGN KEY constraints of the column are added again, NOT VALID, and the sync "
        "function is turned round";
    return out;
  }

  StepSql swap_step(const ReplaceType& replace) const {
    StepSql out = contract_step("swap type " + shown(replace.type), swap_sql(plan_, replace),
                                swap_back_sql(plan_, replace), Safety::unsafe);
    out.lock = "none on a table";
    out.held += "; owner, comment and grants go over; the old type goes when the plan is done, with the archive";
    return out;
  }

  StepSql drop_replaced(const ReplaceColumn& replace) {
    std::vector<std::string> sql{drop_column_sql(replace.table, tombstone_name(plan_.name, replace.column))};
    if (is_strict(replace))
      for (std::string& one : settle_not_null_sql(plan_.name, replace.table, replace.column))
        sql.push_back(std::move(one));
    return contract_step("drop what " + shown(replace.table) + "." + shown(std::string_view(replace.column)) + " was",
                         std::move(sql), {"switchback restore " + plan_.name}, Safety::breaks);
  }

  static StepSql contract_step(std::string step, std::vector<std::string> sql, std::vector<std::string> undo,
                               Safety before) {
    StepSql out;
    out.step = std::move(step);
    out.sql = std::move(sql);
    out.undo = std::move(undo);
    out.lock = "ACCESS EXCLUSIVE";
    out.held = "milliseconds: the catalog alone changes";
    out.before = before;
    return out;
  }

  /// A sketch: what stands in the place of a grant depends on the grants at that moment.
  StepSql brownout_step(const BrownoutScope& scope, const Stretches& stretches) const {
    std::string columns;
    StepSql out;
    for (const DropColumn* drop : scope.columns) {
      columns += (columns.empty() ? "" : ", ") + shown(drop->table) + "." + shown(drop->name);
      const std::string table = quoted(drop->table);
      out.sql.push_back("REVOKE SELECT, INSERT, UPDATE, REFERENCES ON TABLE " + table +
                        " FROM (each role that has it)");
      out.sql.push_back("GRANT (the same) (every column but " + quote_identifier(drop->name) + ") ON TABLE " + table +
                        " TO (each of these roles)");
    }
    out.step = "brownout " + columns + ", for " + show_stretches(stretches);
    for (const std::string& left : scope.left_out) out.step += "; left out: " + left;
    out.undo = {"the privileges exactly as they were, after each stretch, and by a second process if the runner dies"};
    out.lock = "none on the table: rows of the catalog alone";
    out.held = "milliseconds";
    out.before = Safety::unsafe;
    return out;
  }

  /// As the database has them, or as the plan names them.
  std::vector<TakenObject> objects() {
    if (!session_ || started_) return written_objects(plan_);
    std::vector<TakenObject> found;
    for (const Step& step : plan_.contract.steps) {
      const auto* view = std::get_if<DropView>(&step.action);
      if (view && makes_view(plan_, view->name)) {  // it is not there yet
        Plan alone;
        alone.contract.steps = {step};
        for (TakenObject& object : written_objects(alone)) found.push_back(std::move(object));
        continue;
      }
      for (TakenObject& object : objects_of(*session_, step)) found.push_back(std::move(object));
    }
    return found;
  }

  static std::string in_hiding(const TakenObject& object, const std::string& schema) {
    std::string name = quoted({schema, object.name.name});
    if (object.kind == Structure::Kind::function) name += "(" + object.arguments + ")";
    return name;
  }

  StepSql rename_step(const TakenObject& object) {
    CreateView view;
    view.name = {object.name.schema, object.becomes};
    view.like = object.name;
    std::vector<std::string> undo{rename_back_sql(object)};
    for (std::string& sql : statement_sql(session_, catalog_, {view, {}}).sql) undo.push_back(std::move(sql));
    StepSql out = contract_step("rename " + object.identity + " to " + shown(std::string_view(object.becomes)),
                                rename_away_sql(object), std::move(undo), Safety::unsafe);
    out.held += "; the view first, as whoever writes through it locks it first";
    return out;
  }

  StepSql hide_object(const TakenObject& object) {
    if (!object.becomes.empty()) return rename_step(object);
    const std::string schema = hidden_schema(plan_.name, object.name.schema);
    std::vector<std::string> sql = make_hidden_schema_sql(plan_.name, object.name.schema);
    sql.push_back(move_sql(object, object.identity, schema));
    StepSql out = contract_step("hide " + object.identity, std::move(sql),
                                {move_sql(object, in_hiding(object, schema), object.name.schema)}, Safety::unsafe);
    if (object.kind == Structure::Kind::type || object.kind == Structure::Kind::function) out.lock = "none on a table";
    return out;
  }

  StepSql archive_object(const TakenObject& object) {
    const bool table = object.kind == Structure::Kind::table;
    StepSql out =
        contract_step("archive " + object.identity,
                      {!keeps_archive() ? "nothing: archive none, " + *plan_.contract.archive->none
                       : table          ? "nothing is copied: the hidden table is its own archive"
                               : "its definition, with owner, rights and comments, was recorded when it was hidden"},
                      {"it goes with unhide"}, Safety::unsafe);
    out.lock = "none";
    out.held = "not at all";
    return out;
  }

  StepSql drop_object(const TakenObject& object) {
    const bool table = object.kind == Structure::Kind::table;
    const std::string sql = drop_sql(object, in_hiding(object, hidden_schema(plan_.name, object.name.schema)));
    if (table && keeps_archive()) {
      StepSql out = contract_step("keep " + object.identity, {"nothing yet; when the archive's time is over: " + sql},
                                  {"switchback restore " + plan_.name}, Safety::breaks);
      out.lock = "none until then";
      return out;
    }
    StepSql out = contract_step("drop " + object.identity, {sql}, {}, Safety::breaks);
    if (table)
      out.no_undo = "no archive is kept of it: " + *plan_.contract.archive->none;
    else
      out.undo = {"switchback restore " + plan_.name};
    return out;
  }

  bool keeps_archive() const { return !(plan_.contract.archive && plan_.contract.archive->none); }

  PhaseSql hide_phase() {
    PhaseSql phase{"hide", {}};
    const Stretches stretches = plan_.contract.brownout.value_or(settings_.brownout);
    const BrownoutScope scope = brownout_scope(plan_);
    if (!stretches.empty() && !scope.columns.empty()) phase.steps.push_back(brownout_step(scope, stretches));
    for (const DropColumn* drop : dropped()) {
      const Renames away{{drop->name, tombstone_name(plan_.name, drop->name)}};
      const Renames back{{away.front().second, away.front().first}};
      phase.steps.push_back(contract_step("hide " + shown(drop->table) + "." + shown(drop->name),
                                          rename_sql(drop->table, away), rename_sql(drop->table, back),
                                          Safety::unsafe));
    }
    const std::vector<Rule> rules = rules_of(plan_);
    for (std::size_t i = 0; i < rules.size(); ++i)
      phase.steps.push_back(enforce_step(plan_, rules[i], facts_of(rules[i], static_cast<int>(i) + 1)));
    for (const ReplaceType* replace : replaced_types(plan_)) phase.steps.push_back(swap_step(*replace));
    for (const ReplaceColumn* replace : replaced()) phase.steps.push_back(swap_step(*replace));
    for (const Step& step : plan_.contract.steps) {
      if (const auto* index = std::get_if<DropIndex>(&step.action)) {
        const TableName hidden{index->name.schema, tombstone_name(plan_.name, index->name.name)};
        phase.steps.push_back(contract_step("hide " + shown(index->name), {rename_index_sql(index->name, hidden.name)},
                                            {rename_index_sql(hidden, index->name.name)}, Safety::unsafe));
        phase.steps.back().lock = "SHARE UPDATE EXCLUSIVE on the index";
      } else if (const auto* constraint = std::get_if<DropConstraint>(&step.action)) {
        const std::string hidden = tombstone_name(plan_.name, constraint->name);
        phase.steps.push_back(contract_step("hide " + shown(constraint->name) + " on " + shown(constraint->table),
                                            {rename_constraint_sql(constraint->table, constraint->name, hidden)},
                                            {rename_constraint_sql(constraint->table, hidden, constraint->name)},
                                            Safety::unsafe));
      }
    }
    for (const Step& step : plan_.contract.steps)
      if (is_turned_over(step.action)) phase.steps.push_back(turned_over_sql(started_ ? nullptr : session_, step));
    for (const TakenObject& object : objects()) phase.steps.push_back(hide_object(object));
    return phase;
  }

  PhaseSql archive_phase() {
    PhaseSql phase{"archive", {}};
    for (const TakenObject& object : objects())
      if (!object.part && object.becomes.empty()) phase.steps.push_back(archive_object(object));
    const bool none = plan_.contract.archive && plan_.contract.archive->none;
    std::vector<std::pair<TableName, std::string>> columns;
    for (const DropColumn* drop : dropped()) columns.emplace_back(drop->table, drop->name);
    for (const ReplaceColumn* replace : replaced()) columns.emplace_back(replace->table, replace->column);
    for (const auto& [table, column] : columns) {
      StepSql out = contract_step(
          "archive " + shown(table) + "." + shown(std::string_view(column)),
          {none ? "nothing: archive none, " + *plan_.contract.archive->none
                : "INSERT INTO switchback.archive_… SELECT key, " +
                      quote_identifier(tombstone_name(plan_.name, column)) + ", hash of the new side FROM " +
                      quoted(table) + " (in batches; triggers keep it right)"},
          {"the archive goes with unhide"}, Safety::unsafe);
      out.lock = "SHARE ROW EXCLUSIVE";
      out.held = "milliseconds, for the triggers; the copy itself locks nothing";
      out.scans = true;
      phase.steps.push_back(std::move(out));
    }
    for (const Rule& rule : rules_of(plan_))
      if (auto step = validate_step(plan_, rule)) phase.steps.push_back(std::move(*step));
    return phase;
  }

  PhaseSql drop_phase() {
    PhaseSql phase{"drop", {}};
    const std::vector<TakenObject> whole = objects();
    for (const TakenObject& object : whole)
      if (!object.part && object.late) phase.steps.push_back(drop_object(object));
    for (const Step& step : plan_.contract.steps) {
      if (const auto* sql = std::get_if<Sql>(&step.action)) {
        phase.steps.push_back(sql_sql(*sql));
      } else if (const auto* drop = std::get_if<DropColumn>(&step.action)) {
        phase.steps.push_back(contract_step("drop " + shown(drop->table) + "." + shown(drop->name),
                                            {"ALTER TABLE " + quoted(drop->table) + " DROP COLUMN " +
                                             quote_identifier(tombstone_name(plan_.name, drop->name)) + " RESTRICT"},
                                            {"switchback restore " + plan_.name}, Safety::breaks));
      } else if (const auto rule = rule_of(step.action)) {
        phase.steps.push_back(settle_step(plan_, *rule));
      } else if (const auto* replace = std::get_if<ReplaceColumn>(&step.action)) {
        phase.steps.push_back(drop_replaced(*replace));
      } else if (const auto* index = std::get_if<DropIndex>(&step.action)) {
        const TableName hidden{index->name.schema, tombstone_name(plan_.name, index->name.name)};
        phase.steps.push_back(contract_step(describe(step.action), {"DROP INDEX " + quoted(hidden) + " RESTRICT"},
                                            {"its stored definition, built concurrently"}, Safety::works));
      } else if (const auto* constraint = std::get_if<DropConstraint>(&step.action)) {
        phase.steps.push_back(
            contract_step(describe(step.action),
                          {"ALTER TABLE " + quoted(constraint->table) + " DROP CONSTRAINT " +
                           quote_identifier(tombstone_name(plan_.name, constraint->name)) + " RESTRICT"},
                          {"its stored definition, NOT VALID, then validated"}, Safety::works));
      }
    }
    for (const TakenObject& object : whole)
      if (!object.part && !object.late && object.becomes.empty()) phase.steps.push_back(drop_object(object));
    for (StepSql& step : phase.steps)
      if (step.before == Safety::works) step.before = Safety::breaks;
    return phase;
  }

  /// Where values cannot tell which side an INSERT supplied, and what can be done about it.
  void add_insert_notes(Explained& out) {
    if (!session_ || started_) return;
    for (const ResolvedSync& sync : resolved_.sync) {
      if (sync.sync.exact) continue;
      std::string row;
      for (const SyncColumn& column : sync.sync.old_side)
        row += (row.empty() ? "" : ", ") + ("(" + column.default_value.value_or("NULL") + ")::" + column.type) +
               " AS " + quote_identifier(column.name);
      std::string same;
      for (const SyncColumn& column : sync.sync.new_side)
        for (const auto& [name, expression] : sync.sync.forward)
          if (name == column.name)
            same += (same.empty() ? "" : " AND ") +
                    ("NOT (" +
                     differs_sql(column, "(" + expression.in("t") + ")",
                                 "(" + column.default_value.value_or("NULL") + ")::" + column.type) +
                     ")");
      if (row.empty() || same.empty()) continue;
      bool agrees = false;
      try {
        agrees = session_->exec("SELECT " + same + " FROM (SELECT " + row + ") AS t").boolean(0, 0);
      } catch (
          const Error&) {  // the default cannot be converted, or the expression reads other columns: it cannot be told
      }
      if (!agrees)
        out.notes.push_back(
            "an INSERT into " + shown(sync.table) +
            " that leaves both sides at their defaults cannot be told from one by the newer image: forward of the old "
            "defaults is not the new defaults; `exact: true` in the backfill tells them apart at a price");
    }
  }

  const Plan& plan_;
  ports::Session* session_;
  ports::Catalog* catalog_;
  const Settings& settings_;
  ResolvedPlan resolved_;
  bool started_ = false;
};

}  // namespace

Explained explain(const Plan& plan, ports::Session* session, ports::Catalog* catalog, const Settings& settings) {
  return Explaining(plan, session, catalog, settings).run();
}

}  // namespace switchback::engine
