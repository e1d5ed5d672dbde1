#include "switchback/engine/resolving.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "resolving_rules.hpp"
#include "resolving_settings.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/making_sql.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/engine/moving.hpp"
#include "switchback/engine/shown_table.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/swapping.hpp"

namespace switchback::engine {
namespace {

[[noreturn]] void refuse(const Plan& plan, const Place& place, const std::string& what, const std::string& hint = {}) {
  throw Error(Exit::invalid, Remedy::person, at(plan, place) + what, hint);
}

/// A temporary table shaped as the user's will be after expand: types, defaults and expressions are tried out on it.
class Shape {
 public:
  Shape(ports::Session& session, const TableName& table) : session_(session) {
    drop();
    session_.exec("CREATE TEMPORARY TABLE \"~switchback_shape\" (LIKE " + quoted(table) +
                  " INCLUDING DEFAULTS INCLUDING GENERATED)");
    name_ = {session_.exec("SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = pg_catalog.pg_my_temp_schema()")
                 .text(0, 0),
             "~switchback_shape"};
  }
  ~Shape() {
    try {
      drop();
    } catch (const std::exception&) {  // it goes with the session
    }
  }
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;

  void add(const AddColumn& column, const TableFacts& table) {
    const ColumnFacts* like = column.like ? table.column(*column.like) : nullptr;
    const bool same_type = like && column.type.empty();
    const std::string sql = "ALTER TABLE " + quoted(name_) + " ADD COLUMN " + quote_identifier(column.name) + " " +
                            (same_type ? like->type : column.type) +
                            (same_type && like->collation ? " COLLATE " + *like->collation : "") +
                            (column.default_value          ? " DEFAULT (" + *column.default_value + ")"
                             : like && like->default_value ? " DEFAULT " + *like->default_value
                                                           : "") +
                            (column.not_null ? " NOT NULL" : "");
    use_own_search_path(session_, false);
    try {
      session_.exec(sql);
    } catch (const Error&) {
      use_safe_search_path(session_);
      throw;
    }
    use_safe_search_path(session_);
  }
  const TableName& name() const { return name_; }

 private:
  void drop() { session_.exec("DROP TABLE IF EXISTS pg_temp.\"~switchback_shape\""); }
  ports::Session& session_;
  TableName name_;
};

/// The server speaks of the temporary table; the user knows only his own.
std::string without_shape(std::string text) {
  for (const std::string_view name : {"\"~switchback_shape\"", "~switchback_shape"})
    for (auto found = text.find(name); found != std::string::npos; found = text.find(name)) {
      auto begin = text.rfind("pg_temp", found);
      if (begin == std::string::npos || text.find_first_of(" ,(", begin) < found) begin = found;
      text.replace(begin, found + name.size() - begin, "the table");
    }
  return text;
}

/// Enums that the plan makes are there while it is looked at, for columns of them: in a transaction that is rolled back,
/// so that nobody else ever sees them. Begun only where the plan makes one.
class MadeTypes {
 public:
  MadeTypes(ports::Session& session, const Plan& plan) {
    for (const Step& step : plan.expand)
      if (const auto* made = std::get_if<CreateEnum>(&step.action)) {
        if (!transaction_) transaction_.emplace(session);
        session.exec(create_enum_sql(*made).sql.front());
      }
  }

 private:
  std::optional<ports::Transaction> transaction_;
};

class Resolving {
 public:
  Resolving(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const Settings& settings)
      : session_(session), catalog_(catalog), plan_(plan), settings_(settings) {}

  ResolvedPlan run() {
    for (const Step& step : plan_.expand) check_making(step);
    const MadeTypes made(session_, plan_);
    for (const TableName& table : tables_of(plan_)) resolve_table(table);
    for (const Step& step : plan_.contract.steps) check_contract_step(step);
    for (const auto* phase : {&plan_.expand, &plan_.migrate, &plan_.contract.steps})
      for (const Step& step : *phase)
        check_setting(session_, catalog_, plan_, out_, step,
                      [&](const Step& at, const std::string& what, const std::string& hint) {
                        refuse(plan_, at.place, what, hint);
                      });
    for (RuleFacts& rule : rules_) out_.rules.push_back(std::move(rule));
    for (ResolvedFix& fix : fixes_) out_.fixes.push_back(std::move(fix));
    return std::move(out_);
  }

  ResolvedSync run(const Step& step) {
    const auto& backfill = std::get<Backfill>(step.action);
    const auto table = catalog_.table(session_, backfill.table);
    if (!table) refuse(plan_, step.place, "there is no table " + shown(backfill.table));
    resolve_backfill(backfill, step.place, *table, *table);
    return std::move(out_.sync.back());
  }

 private:
  void resolve_table(const TableName& name) {
    const auto table = catalog_.table(session_, name);
    if (!table)
      refuse(plan_, first_place(name), "there is no table " + shown(name),
             "names are folded to lower case unless quoted, and are in schema public unless written schema.table");
    refuse_row_security(*table);
    Shape shape(session_, name);
    add_columns(shape, *table);
    auto shaped = catalog_.table(session_, shape.name());
    if (!shaped) throw Error(Exit::failed, Remedy::bug, "the temporary table is gone");
    for (const Step& step : plan_.expand)
      if (const auto* column = std::get_if<AddColumn>(&step.action); column && column->table == name)
        take_column(*column, step.place, *table, *shaped);
    for (const Step& step : plan_.expand) check_column_step(step, name, *shaped);
    for (const Step& step : plan_.migrate) {
      if (const auto* backfill = std::get_if<Backfill>(&step.action); backfill && backfill->table == name)
        resolve_backfill(*backfill, step.place, *table, *shaped);
      if (const auto* verify = std::get_if<Verify>(&step.action); verify && verify->table == name)
        out_.checks.push_back({name, verify->check, resolve(step.place, *shaped, verify->check, nullptr),
                               usable_key(*table, step.place)});
    }
    resolve_rules(*table, *shaped);
  }

  /// In the order of the plan, whatever the order of the tables.
  void resolve_rules(const TableFacts& table, const TableFacts& shaped) {
    std::size_t number = 0;
    for (const Step& step : plan_.contract.steps) {
      const auto rule = rule_of(step.action);
      if (!rule) continue;
      ++number;
      rules_.resize(std::max(rules_.size(), number));
      if (table_of(*rule) == table.name) rules_[number - 1] = resolve_rule(step, *rule, table, shaped);
    }
    number = 0;
    for (const Step& step : plan_.migrate) {
      const auto* fix = std::get_if<Fix>(&step.action);
      if (!fix) continue;
      ++number;
      fixes_.resize(std::max(fixes_.size(), number));
      if (fix->table != table.name) continue;
      ResolvedFix& out = fixes_[number - 1];
      out.facts = resolve_rule(step, fix->rule, table, shaped);
      out.facts.key = usable_key(table, step.place);
      for (const auto& [column, expression] : fix->set)
        out.set.emplace_back(column, resolve(step.place, shaped, expression, &target(step.place, shaped, column)));
    }
  }

  RuleFacts resolve_rule(const Step& step, const Rule& rule, const TableFacts& table, const TableFacts& shaped) {
    RuleFacts facts;
    const auto say = [&](const std::string& what, const std::string& hint) { refuse(plan_, step.place, what, hint); };
    if (const auto* check = std::get_if<AddCheck>(&rule)) {
      facts.check = resolve(step.place, shaped, check->check, nullptr);
      if (facts.check->type != "boolean")
        refuse(plan_, step.place, "the check " + check->check + " is of type " + facts.check->type + ", not boolean");
      for (const std::string& column : facts.check->columns)
        facts.columns.push_back(sync_column(*shaped.column(column)));
      check_rights({facts.check->calls.begin(), facts.check->calls.end()}, step.place, table, "which the check calls");
    }
    if (std::holds_alternative<Fix>(step.action))
      check_rule_columns(rule, shaped, say);
    else
      check_rule(session_, catalog_, plan_, rule, table, shaped, say);
    if (const auto* unique = std::get_if<AddUnique>(&rule))
      for (const std::string& column : unique->columns) facts.columns.push_back(sync_column(*shaped.column(column)));
    facts.key = table.key;
    facts.operator_schemas = operator_schemas(session_, rule, facts, shaped);
    return facts;
  }

  Place first_place(const TableName& name) {
    for (const auto* phase : {&plan_.expand, &plan_.migrate, &plan_.contract.steps})
      for (const Step& step : *phase)
        if (const TableName* table = table_of(step.action); table && *table == name) return step.place;
    return {};
  }

  void refuse_row_security(const TableFacts& table) {
    const auto active =
        session_.exec("SELECT pg_catalog.row_security_active($1::oid), current_user", {std::to_string(table.oid)});
    // With row_security off the function still says whether a policy would apply to this role.
    const auto applies = session_.exec(
        "SELECT c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls AND (c.relforcerowsecurity OR NOT "
        "pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE')) "
        "FROM pg_catalog.pg_class c, pg_catalog.pg_roles r WHERE c.oid = $1::oid AND r.rolname = current_user",
        {std::to_string(table.oid)});
    if (applies.boolean(0, 0) || active.boolean(0, 0))
      throw Error(Exit::unreachable, Remedy::person,
                  "row level security on " + shown(table.name) + " would hide rows from role " + active.text(0, 1) +
                      ": a backfill that skips rows would lose them",
                  "ALTER ROLE " + quote_identifier(active.text(0, 1)) +
                      " BYPASSRLS; or run as the table's owner (without FORCE ROW LEVEL SECURITY)",
                  "42501");
  }

  void add_columns(Shape& shape, const TableFacts& table) {
    for (const Step& step : plan_.expand) {
      const auto* column = std::get_if<AddColumn>(&step.action);
      if (!column || column->table != table.name) continue;
      if (table.column(column->name))
        refuse(plan_, step.place, "the table " + shown(table.name) + " already has a column " + shown(column->name),
               "choose another name for the new column");
      if (column->like && !table.column(*column->like))
        refuse(plan_, step.place, "the table " + shown(table.name) + " has no column " + shown(*column->like));
      try {
        shape.add(*column, table);
      } catch (const Error& error) {
        throw Error(Exit::invalid, Remedy::person,
                    at(plan_, step.place) + "column " + shown(column->name) + ": " + error.what(), error.hint(),
                    error.sqlstate());
      }
    }
  }

  void take_column(const AddColumn& column, const Place& place, const TableFacts& table, const TableFacts& shaped) {
    ColumnFacts facts = *shaped.column(column.name);
    if (column.not_null && (!facts.default_value || facts.default_volatile))
      refuse(plan_, place, "a NOT NULL column needs a constant default to be added without filling every row",
             "add it nullable, fill it in migrate, and set_not_null in contract; or give `fill` in the short form");
    if (facts.default_volatile)
      refuse(plan_, place, "the default of " + shown(column.name) + " is volatile: adding it would rewrite the table",
             "add the column without it, fill it in migrate, and set_default in expand for new rows");
    if (column.like) {
      const ColumnFacts* like = table.column(*column.like);
      facts.comment = like->comment;
      facts.statistics_target = like->statistics_target;
      facts.grants = like->grants;
      // Column privileges name the column; the same for the new one.
      for (std::string& grant : facts.grants)
        if (const auto found = grant.find(quote_identifier(like->name)); found != std::string::npos)
          grant.replace(found, quote_identifier(like->name).size(), quote_identifier(column.name));
    }
    out_.columns.push_back({column.table, std::move(facts)});
  }

  void check_column_step(const Step& step, const TableName& name, const TableFacts& shaped) {
    const std::string* column = nullptr;
    if (const auto* relax = std::get_if<DropNotNull>(&step.action); relax && relax->table == name)
      column = &relax->column;
    if (const auto* value = std::get_if<SetDefault>(&step.action); value && value->table == name)
      column = &value->column;
    if (column && !shaped.column(*column))
      refuse(plan_, step.place, "the table " + shown(name) + " has no column " + shown(*column));
  }

  bool is_there(const char* look_up, const TableName& name) {
    return session_.exec("SELECT pg_catalog." + std::string(look_up) + "($1) IS NOT NULL", {quoted(name)})
        .boolean(0, 0);
  }

  /// What is made must not be there yet; what is spoken of must be, or be made by a step before.
  void check_making(const Step& step) {
    const auto refuse_present = [&](const char* look_up, const char* what, const TableName& name) {
      if (is_there(look_up, name))
        refuse(plan_, step.place, "there is " + std::string(what) + " " + shown(name) + " already",
               "give the new one another name, or leave the step out");
    };
    if (const auto* table = std::get_if<CreateTable>(&step.action))
      refuse_present("to_regclass", "a table", table->name);
    if (const auto* view = std::get_if<CreateView>(&step.action)) {
      refuse_present("to_regclass", "a relation", view->name);
      refuse_present("to_regtype", "a type", view->name);
      if (view->like) check_like(*view, step);
    }
    if (const auto* type = std::get_if<CreateEnum>(&step.action)) refuse_present("to_regtype", "a type", type->name);
    if (const auto* value = std::get_if<AddEnumValue>(&step.action)) check_enum(*value, step.place);
    if (const auto* comment = std::get_if<SetComment>(&step.action))
      if (session_.exec(comment_query(*comment)).empty() && !makes_what(*comment))
        refuse(plan_, step.place, describe(step.action) + ": there is no such thing",
               "names are folded to lower case unless quoted");
  }

  void check_like(const CreateView& view, const Step& step) {
    if (const auto objection = view_objection(session_, view))
      refuse(plan_, step.place, describe(step.action) + ": " + objection->message, objection->hint);
    const auto table = catalog_.table(session_, *view.like);
    for (const std::string& column : named_columns(view))
      if (!table->column(column) && !out_.added(*view.like, column))
        refuse(plan_, step.place,
               describe(step.action) + ": the table " + shown(*view.like) + " has no column " +
                   shown(std::string_view(column)) + ", and expand does not add it");
  }

  bool makes_what(const SetComment& comment) const {
    return std::ranges::any_of(plan_.expand, [&](const Step& step) {
      if (const auto* add = std::get_if<AddColumn>(&step.action))
        return add->table == comment.name && add->name == comment.part;
      if (const auto* index = std::get_if<CreateIndex>(&step.action))
        return TableName{index->table.schema, index_name(*index)} == comment.name;
      if (const auto* view = std::get_if<CreateView>(&step.action)) return view->name == comment.name;
      if (const auto* type = std::get_if<CreateEnum>(&step.action)) return type->name == comment.name;
      return makes_table(plan_, comment.name);
    });
  }

  void check_enum(const AddEnumValue& step, const Place& place) {
    const auto values =
        session_.exec("SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = pg_catalog.to_regtype($1)",
                      {quoted(step.type)});
    if (values.empty())
      refuse(plan_, place, "there is no enum " + shown(step.type), "names are folded to lower case unless quoted");
    for (const auto& neighbour : {step.before, step.after}) {
      bool found = !neighbour;
      for (std::size_t i = 0; i < values.size(); ++i) found = found || values.text(i, 0) == *neighbour;
      if (!found) refuse(plan_, place, "the enum " + shown(step.type) + " has no value " + quote_literal(*neighbour));
    }
  }

  ResolvedExpression resolve(const Place& place, const TableFacts& shaped, const std::string& expression,
                             const ColumnFacts* target) {
    try {
      return catalog_.resolve(session_, shaped, expression, target);
    } catch (const Error& error) {
      if (error.exit() != Exit::invalid) throw;
      throw Error(Exit::invalid, Remedy::person, at(plan_, place) + without_shape(error.what()),
                  without_shape(error.hint()), error.sqlstate());
    }
  }

  KeyFacts usable_key(const TableFacts& table, const Place& place) {
    if (!table.key)
      refuse(plan_, place, "the table " + shown(table.name) + " has no key that batches can follow",
             "it needs a primary key, or a unique index over NOT NULL columns that is whole (no WHERE, no expression) "
             "and not deferrable");
    return *table.key;
  }

  void resolve_backfill(const Backfill& backfill, const Place& place, const TableFacts& table,
                        const TableFacts& shaped) {
    if (out_.sync_of(table.name))
      refuse(plan_, place, "there are two backfills of " + shown(table.name) + " in this plan",
             "write one, with all columns in its `set`");
    ResolvedSync sync;
    sync.table = table.name;
    sync.oid = table.oid;
    sync.key = usable_key(table, place);
    sync.batch = backfill.batch;
    sync.sync.plan = plan_.name;
    sync.sync.marker = marker_name(plan_.name);
    sync.sync.reject = backfill.on_error == OnError::reject;
    sync.sync.exact = backfill.exact;
    sync.sync.new_side_wins_insert = backfill.master == Master::new_side;
    std::set<std::string> old_columns;
    for (const auto& [column, expression] : backfill.set) {
      sync.sync.forward.emplace_back(column, resolve(place, shaped, expression, &target(place, shaped, column)));
      old_columns.insert(sync.sync.forward.back().second.columns.begin(),
                         sync.sync.forward.back().second.columns.end());
    }
    for (const auto& [column, expression] : backfill.reverse) {
      sync.sync.reverse.emplace_back(column, resolve(place, shaped, expression, &target(place, shaped, column)));
      old_columns.insert(column);
    }
    if (backfill.where) sync.sync.where = resolve(place, shaped, *backfill.where, nullptr);
    take_sides(sync, backfill, place, shaped, old_columns);
    choose_triggers(sync, backfill, place, table);
    check_relations(sync, backfill, place, table);
    check_rights(sync, place, table);
    out_.sync.push_back(std::move(sync));
  }

  const ColumnFacts& target(const Place& place, const TableFacts& shaped, const std::string& column) {
    const ColumnFacts* facts = shaped.column(column);
    if (!facts)
      refuse(plan_, place, "the table has no column " + shown(column) + ", and expand does not add it",
             "add_column in expand, or mend the name");
    if (facts->generated) refuse(plan_, place, shown(column) + " is a generated column: it cannot be written");
    return *facts;
  }

  void take_sides(ResolvedSync& sync, const Backfill& backfill, const Place& place, const TableFacts& shaped,
                  const std::set<std::string>& old_columns) {
    std::set<std::string> written;
    for (const auto& [column, expression] : backfill.set) {
      written.insert(column);
      sync.sync.new_side.push_back(sync_column(*shaped.column(column)));
    }
    const auto reversed = [&](const std::string& column) {
      return std::ranges::any_of(backfill.reverse, [&](const auto& pair) { return pair.first == column; });
    };
    for (const std::string& column : old_columns) {
      if (written.contains(column))
        refuse(plan_, place, shown(column) + " is on both sides: it is set, and what it is set from",
               "fill a column of its own");
      // A key is supplied by every image alike: it says nothing of which side was written.
      if (!reversed(column) && std::ranges::find(sync.key.columns, column) != sync.key.columns.end()) continue;
      sync.sync.old_side.push_back(sync_column(*shaped.column(column)));
    }
    for (const auto* side : {&sync.sync.old_side, &sync.sync.new_side})
      for (const SyncColumn& column : *side)
        if (column.default_volatile && !backfill.master)
          refuse(plan_, place,
                 "the default of " + shown(column.name) + " is volatile: whether an INSERT supplied it cannot be told",
                 "say which side wins on INSERT: `master: old` or `master: new`");
  }

  void choose_triggers(ResolvedSync& sync, const Backfill& backfill, const Place& place, const TableFacts& table) {
    const auto choice = backfill.user_triggers ? backfill.user_triggers : settings_.user_triggers;
    const auto fires =
        std::ranges::find_if(table.triggers, [](const TriggerFacts& trigger) { return trigger.update_row; });
    if (fires != table.triggers.end() && !choice)
      refuse(plan_, place,
             "the table " + shown(table.name) + " has a trigger " + shown(fires->name) +
                 " that would fire for every row filled",
             "choose: `user_triggers: fire` (updated_at and audit see every row) or `user_triggers: skip`");
    sync.user_triggers = choice.value_or(UserTriggers::fire);
    if (sync.user_triggers != UserTriggers::skip || fires == table.triggers.end()) return;
    for (const ConstraintFacts& constraint : table.constraints)
      if (constraint.type == 'f')
        for (const std::string& column : constraint.columns)
          if (std::ranges::any_of(sync.sync.new_side, [&](const SyncColumn& one) { return one.name == column; }))
            refuse(plan_, place,
                   "user_triggers: skip would also skip the foreign key " + shown(constraint.name) + " on " +
                       shown(column),
                   "use `user_triggers: fire`");
  }

  void check_relations(const ResolvedSync& sync, const Backfill& backfill, const Place& place,
                       const TableFacts& table) {
    for (const auto* side : {&sync.sync.old_side, &sync.sync.new_side})
      for (const SyncColumn& column : *side) {
        if (std::ranges::find(table.partition_key, column.name) != table.partition_key.end())
          refuse(plan_, place,
                 shown(column.name) + " is part of the partition key: sync cannot change it without moving the row");
        if (const ColumnFacts* facts = table.column(column.name); facts && facts->generated)
          refuse(plan_, place, shown(column.name) + " is a generated column: in a BEFORE trigger it is always NULL",
                 "write its expression over the columns it comes from");
      }
    for (const Step& step : plan_.contract.steps) {
      if (const auto* replace = std::get_if<ReplaceColumn>(&step.action); replace && replace->table == table.name)
        check_pair(*replace, step.place, sync, backfill);
      const auto* drop = std::get_if<DropColumn>(&step.action);
      if (!drop || drop->table != table.name) continue;
      const auto found = std::ranges::find(sync.sync.old_side, drop->name, &SyncColumn::name);
      if (found == sync.sync.old_side.end()) continue;
      const bool reversed =
          std::ranges::any_of(backfill.reverse, [&](const auto& pair) { return pair.first == drop->name; });
      if (!reversed && !backfill.reverse_none)
        refuse(plan_, step.place,
               "dropping " + shown(drop->name) +
                   ", which feeds a `set` without a `reverse`: a rollback after new writes would lose them",
               "give `reverse: { " + drop->name + ": … }`, or accept it with `reverse: { none: reason }`");
      const bool relaxed = std::ranges::any_of(plan_.expand, [&](const Step& one) {
        const auto* relax = std::get_if<DropNotNull>(&one.action);
        return relax && relax->table == table.name && relax->column == drop->name;
      });
      if (!reversed && found->not_null && !found->default_value && !relaxed)
        refuse(plan_, step.place,
               shown(drop->name) + " is NOT NULL without a default and has no reverse: the new image could not insert",
               "relax it in expand: `drop_not_null: { table: " + shown(table.name) + ", column: " + shown(drop->name) +
                   " }`");
    }
  }

  /// The column that takes the place is the heir of the one that gives it up: what is written to it comes back.
  void check_pair(const ReplaceColumn& replace, const Place& place, const ResolvedSync& sync,
                  const Backfill& backfill) {
    const auto on = [](const std::vector<SyncColumn>& side, const std::string& column) {
      return std::ranges::find(side, column, &SyncColumn::name) != side.end();
    };
    if (!on(sync.sync.new_side, replace.with) || !on(sync.sync.old_side, replace.column))
      refuse(plan_, place,
             "the backfill of " + shown(replace.table) + " does not fill " + shown(replace.with) + " from " +
                 shown(replace.column),
             "write both in it: `set: { " + replace.with + ": " + replace.column + " }`");
    const bool reversed =
        std::ranges::any_of(backfill.reverse, [&](const auto& pair) { return pair.first == replace.column; });
    if (!reversed && !backfill.reverse_none)
      refuse(plan_, place,
             "replacing " + shown(replace.column) + " without a `reverse`: a rollback after new writes would lose them",
             "give `reverse: { " + replace.column + ": … }`, or accept it with `reverse: { none: reason }`");
    replaced_.insert({replace.table, replace.column});
  }

  /// Sync runs with the rights of whoever writes: a right that is missing would quarantine row after row.
  void check_rights(const ResolvedSync& sync, const Place& place, const TableFacts& table) {
    std::set<std::string> calls;
    for (const auto* expressions : {&sync.sync.forward, &sync.sync.reverse})
      for (const auto& [column, expression] : *expressions)
        calls.insert(expression.calls.begin(), expression.calls.end());
    if (sync.sync.where) calls.insert(sync.sync.where->calls.begin(), sync.sync.where->calls.end());
    check_rights(calls, place, table, "which sync calls with the writer's rights");
  }

  void check_rights(const std::set<std::string>& calls, const Place& place, const TableFacts& table,
                    const std::string& why) {
    for (const std::string& call : calls) {
      const auto missing = session_.exec(R"sql(
SELECT r.rolname, n.nspname, pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
FROM pg_catalog.pg_roles r, pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid = $2::pg_catalog.regprocedure AND NOT r.rolsuper AND r.rolname !~ '^pg_'
  AND (pg_catalog.has_table_privilege(r.oid, $1::oid, 'INSERT, UPDATE') OR pg_catalog.has_any_column_privilege(r.oid, $1::oid, 'INSERT, UPDATE'))
  AND NOT (pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE') AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE'))
ORDER BY 1 LIMIT 1)sql",
                                         {std::to_string(table.oid), call});
      if (missing.empty()) continue;
      const std::string role = quote_identifier(missing.text(0, 0));
      refuse(
          plan_, place,
          "role " + missing.text(0, 0) + " writes " + shown(table.name) + " but may not execute " + call + ", " + why,
          missing.boolean(0, 2)
              ? "GRANT EXECUTE ON FUNCTION " + call + " TO " + role + ";"
              : "GRANT USAGE ON SCHEMA " + quote_identifier(missing.text(0, 1)) + " TO " + role + ";");
    }
  }

  void check_contract_step(const Step& step) {
    const TableName* name = table_of(step.action);
    if (const auto* type = std::get_if<ReplaceType>(&step.action)) return check_replaced(*type, step.place);
    if (!name || std::holds_alternative<RenameTable>(step.action)) {
      check_object(step);
      if (const auto* drop = std::get_if<DropIndex>(&step.action);
          drop && session_.exec("SELECT pg_catalog.to_regclass($1) IS NULL", {quoted(drop->name)}).boolean(0, 0))
        refuse(plan_, step.place, "there is no index " + shown(drop->name));
      return;
    }
    const auto table = catalog_.table(session_, *name);
    const auto known = [&](const std::string& column) {
      return (table && table->column(column)) || out_.added(*name, column);
    };
    if (const auto* drop = std::get_if<DropColumn>(&step.action)) {
      if (!known(drop->name))
        refuse(plan_, step.place, "the table " + shown(*name) + " has no column " + shown(drop->name));
      usable_key(*table, step.place);
      if (std::ranges::find(table->key->columns, drop->name) != table->key->columns.end())
        refuse(plan_, step.place,
               shown(drop->name) + " is part of the key " + shown(table->key->index) +
                   ": its rows could not be told apart in the archive");
      if (const ColumnFacts* column = table->column(drop->name); column && column->generated)
        refuse(plan_, step.place,
               shown(drop->name) + " is a generated column: drop it with `sql`, it holds nothing of its own");
    }
    if (const auto* replace = std::get_if<ReplaceColumn>(&step.action)) check_replaced(*replace, step.place, *table);
    if (const auto* drop = std::get_if<DropConstraint>(&step.action))
      if (std::ranges::none_of(table->constraints, [&](const ConstraintFacts& one) { return one.name == drop->name; }))
        refuse(plan_, step.place, "the table " + shown(*name) + " has no constraint " + shown(drop->name));
  }

  void check_replaced(const ReplaceColumn& replace, const Place& place, const TableFacts& table) {
    const ColumnFacts* column = table.column(replace.column);
    if (!column) refuse(plan_, place, "the table " + shown(table.name) + " has no column " + shown(replace.column));
    if (!replaced_.contains({replace.table, replace.column}))
      refuse(plan_, place,
             "no backfill of this plan keeps " + shown(replace.with) + " in step with " + shown(replace.column),
             "add a backfill of " + shown(table.name) + " with set and reverse");
    if (column->identity || column->generated)
      refuse(plan_, place,
             shown(replace.column) + " is " + (column->identity ? "an identity" : "a generated") +
                 " column, which cannot be replaced");
    for (const IndexFacts& index : table.indexes)
      if (index.primary && std::ranges::find(index.columns, replace.column) != index.columns.end())
        refuse(plan_, place, shown(replace.column) + " is in the primary key, which cannot be replaced by this step");
    if (std::ranges::find(table.key->columns, replace.column) != table.key->columns.end())
      refuse(plan_, place,
             shown(replace.column) + " is part of the key " + shown(std::string_view(table.key->index)) +
                 ": its rows could not be told apart in the archive");
    for (const auto& pair : replace.names)
      if (std::ranges::none_of(table.indexes, [&](const IndexFacts& index) { return index.name.name == pair.first; }))
        refuse(plan_, place, "the table " + shown(table.name) + " has no index " + shown(std::string_view(pair.first)));
  }

  void check_replaced(const ReplaceType& replace, const Place& place) {
    const auto rows = session_.exec("SELECT typtype, pg_catalog.pg_has_role(current_user, typowner, 'USAGE'), "
                                    "pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(typowner)) FROM pg_catalog.pg_type "
                                    "WHERE oid = pg_catalog.to_regtype($1)",
                                    {quoted(replace.type)});
    if (rows.empty() || rows.text(0, 0) != "e")
      refuse(plan_, place, "there is no enum " + shown(replace.type), "names are folded to lower case unless quoted");
    if (!rows.boolean(0, 1))
      throw Error(Exit::unreachable, Remedy::person,
                  at(plan_, place) + "the type " + shown(replace.type) + " belongs to " + rows.text(0, 2) +
                      ": only its owner renames it",
                  "GRANT " + rows.text(0, 2) + " TO the role that runs the plan", "42501");
    const bool made = std::ranges::any_of(plan_.expand, [&](const Step& step) {
      const auto* type = std::get_if<CreateEnum>(&step.action);
      return type != nullptr && type->name == TableName{replace.type.schema, replace.with};
    });
    if (!made)
      refuse(plan_, place, "the plan makes no type " + shown(std::string_view(replace.with)),
             "create_enum in expand, in the schema of " + shown(replace.type));
    const std::vector<std::string> users = other_users(session_, plan_, replace);
    if (users.empty()) return;
    std::string all;
    for (const std::string& user : users) all += (all.empty() ? "" : ", ") + user;
    refuse(plan_, place, "the type " + shown(replace.type) + " has users that this plan does not change: " + all,
           "name the tables of such columns in tables; take the other users away in a plan before");
  }

  /// What is taken whole must be there, and go into hiding and back.
  void check_object(const Step& step) {
    const auto* drop = std::get_if<DropView>(&step.action);
    if (drop && makes_view(plan_, drop->name)) return;  // it is not there yet
    try {
      for (const TakenObject& object : objects_of(session_, step))
        if (object.kind != Structure::Kind::table && !object.part) object_definition(session_, object);
    } catch (const Error& error) {
      if (error.exit() != Exit::invalid) throw;
      refuse(plan_, step.place, error.what(), error.hint());
    }
  }

  ports::Session& session_;
  ports::Catalog& catalog_;
  const Plan& plan_;
  const Settings& settings_;
  ResolvedPlan out_;
  std::vector<RuleFacts> rules_;
  std::vector<ResolvedFix> fixes_;
  std::set<std::pair<TableName, std::string>> replaced_;  ///< columns that have an heir
};

}  // namespace

std::string at(const Plan& plan, const Place& place) {
  if (place.line == 0) return "";
  return plan.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
}

ResolvedPlan resolve_plan(ports::Session& session, ports::Catalog& catalog, const Plan& plan,
                          const Settings& settings) {
  return Resolving(session, catalog, plan, settings).run();
}

ResolvedSync resolve_backfill(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const Step& step,
                              const Settings& settings) {
  return Resolving(session, catalog, plan, settings).run(step);
}

}  // namespace switchback::engine
