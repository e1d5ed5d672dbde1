#include "switchback/core/inverse.hpp"

#include <algorithm>

#include "change_enum.hpp"
#include "change_steps.hpp"
#include "inverse_definitions.hpp"
#include "server_names.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/making_sql.hpp"
#include "switchback/core/rule.hpp"
#include "switchback/core/setting_sql.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/core/swap.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/work.hpp"

namespace switchback {
namespace {

using Column = std::pair<TableName, std::string>;

std::string shown_column(const Column& column) {
  return shown(column.first) + "." + shown(column.second);
}

template <class List, class Value>
bool contains(const List& list, const Value& value) {
  return std::ranges::find(list, value) != list.end();
}

template <class List>
void append(List& all, List more) {
  std::ranges::move(more, std::back_inserter(all));
}

std::optional<std::string> expression_of(const ColumnExpressions& expressions, const std::string& column) {
  for (const auto& [name, sql] : expressions)
    if (name == column) return sql;
  return std::nullopt;
}

class Inverting {
 public:
  Inverting(const Plan& plan, const InverseFacts& facts)
      : plan_(plan), facts_(facts), made_(made_again(without_replaced(facts))) {
    for (const Step& step : plan.contract.steps)
      if (const auto* replace = std::get_if<ReplaceColumn>(&step.action)) replaced_.push_back(replace);
    for (const Step& step : plan.expand)
      if (const auto* add = std::get_if<AddColumn>(&step.action); add && !takes_a_place(add->table, add->name))
        added_.emplace_back(add->table, add->name);
    for (const Step& step : plan.contract.steps)
      if (const auto* drop = std::get_if<DropColumn>(&step.action)) dropped_.emplace_back(drop->table, drop->name);
  }

  Inverse run() {
    refuse_unknown();
    head();
    read_phase(plan_.contract.steps, {});
    read_phase(plan_.migrate, migrate_work(plan_), "migrate");
    read_phase(plan_.expand, expand_work(plan_), "expand");
    columns();
    types();
    backfills();
    silent();
    put_together();
    if (out_.plan.expand.empty() && out_.plan.migrate.empty() && out_.plan.contract.steps.empty() &&
        out_.plan.changes.empty())
      throw Error(Exit::refused, Remedy::person, plan_.name + " left nothing that a plan could undo",
                  out_.look.empty() ? "" : out_.look.front());
    return std::move(out_);
  }

 private:
  // --- what there is to know -----------------------------------------------------------------------------------

  void refuse_unknown() const {
    for (const WholeTaken& one : facts_.wholes)
      if (one.object.kind == Structure::Kind::table && one.now.empty() && !one.object.part)
        throw Error(
            Exit::refused, Remedy::person,
            "the table " + one.object.identity + " was purged: nothing here knows how it was made any more",
            "restore it from a backup; then write the plan that undoes the rest of " + plan_.name + " without it");
    for (const Column& column : dropped_)
      if (!lost(column))
        throw Error(Exit::refused, Remedy::person, "the journal does not say how " + shown_column(column) + " was made",
                    "write the plan that adds it again: switchback validate and explain help with it");
  }

  const LostColumn* lost(const Column& column) const {
    const auto found = std::ranges::find_if(made_.columns, [&](const LostColumn& one) {
      return Column{one.table, one.name} == column;
    });
    return found == made_.columns.end() ? nullptr : &*found;
  }

  void head() {
    Plan& plan = out_.plan;
    plan.name = inverse_name(plan_.name, facts_.names);
    plan.description = "Undoes " + plan_.name + (plan_.description.empty() ? "." : ": " + plan_.description);
    plan.rolls_forward = RollsForward{plan_.name, plan_.hash};
    plan.images = {plan_.images.after, plan_.images.before};
    plan.external_checked = plan_.external_checked;
    plan.readers = plan_.readers;
    plan.settings = plan_.settings;
  }

  // --- the steps, the last first -------------------------------------------------------------------------------

  void read_phase(const std::vector<Step>& steps, const std::vector<Work>& work, const std::string& phase = {}) {
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      const std::vector<std::string>* undo = nullptr;
      for (const Work& one : work)
        if (contains(one.steps, &*step))
          if (const auto found = facts_.undo.find({phase, one.ordinal}); found != facts_.undo.end())
            undo = &found->second;
      read(step->action, undo);
    }
  }

  void read(const Action& action, const std::vector<std::string>* undo) {
    if (const auto* sql = std::get_if<Sql>(&action)) return invert(*sql);
    if (const auto* index = std::get_if<CreateIndex>(&action)) return invert(*index);
    if (const auto* value = std::get_if<SetDefault>(&action)) return invert(*value, undo);
    if (const auto* relaxed = std::get_if<DropNotNull>(&action)) return invert(*relaxed, undo);
    if (const auto* strict = std::get_if<SetNotNull>(&action)) return invert(*strict);
    if (const auto* fix = std::get_if<Fix>(&action)) return invert(*fix);
    if (const auto* unique = std::get_if<AddUnique>(&action); unique != nullptr && unique->index)
      drops_.push_back({DropIndex{{unique->table.schema, constraint_name(plan_.name, *unique)}}, {}});
    else if (const auto rule = rule_of(action))
      drops_.push_back({DropConstraint{table_of(*rule), constraint_name(plan_.name, *rule)}, {}});
    if (const auto* table = std::get_if<CreateTable>(&action)) drops_.push_back({DropTable{table->name}, {}});
    if (const auto* view = std::get_if<CreateView>(&action); view != nullptr && !takes_its_name(view->name))
      drops_.push_back({DropView{view->name}, {}});
    if (const auto* renamed = std::get_if<RenameTable>(&action))
      out_.plan.changes.push_back({ChangeRenameTable{{renamed->table.schema, renamed->to}, renamed->table.name}, {}});
    if (const auto* type = std::get_if<CreateEnum>(&action); type && !takes_a_name(type->name)) drops_.push_back({DropType{type->name}, {}});
    if (const auto* value = std::get_if<AddEnumValue>(&action))
      out_.look.push_back("the value " + quote_literal(value->value) + " of the enum " + shown(value->type) +
                          " stays: PostgreSQL cannot take it away. See that nothing writes it any more");
    if (const auto* comment = std::get_if<SetComment>(&action)) return invert(*comment, undo);
    if (const auto* rename = std::get_if<RenameIndex>(&action))
      out_.plan.expand.push_back({RenameIndex{{rename->name.schema, rename->to}, rename->name.name}, {}});
    if (const auto* rename = std::get_if<RenameConstraint>(&action))
      undone_.push_back({RenameConstraint{rename->table, rename->to, rename->name}, {}});
    if (const auto* exclusion = std::get_if<AddExclusion>(&action))
      drops_.push_back({DropConstraint{exclusion->table, exclusion_name(*exclusion)}, {}});
    if (const auto* drop = std::get_if<DropDefault>(&action)) return invert(*drop);
    if (std::holds_alternative<SetStorageParameters>(action) || std::holds_alternative<SetReplicaIdentity>(action) ||
        std::holds_alternative<SetStatistics>(action) || std::holds_alternative<SetStorage>(action))
      return invert_setting(action, undo);
    if (const auto* batched = std::get_if<SqlBatched>(&action)) return invert(*batched);
    if (const auto* add = std::get_if<AddColumn>(&action); add && !takes_a_place(add->table, add->name))
      drops_.push_back({DropColumn{add->table, add->name, {}}, {}});
    // drop_…: what made_again() has of it; backfill: with the columns it fills; verify: nothing to undo
  }

  /// Whether a table has got the name since.
  bool takes_its_name(const TableName& view) const {
    return std::ranges::any_of(plan_.contract.steps, [&](const Step& step) {
      const auto* renamed = std::get_if<RenameTable>(&step.action);
      return renamed != nullptr && TableName{renamed->table.schema, renamed->to} == view;
    });
  }

  void invert(const Sql& sql) {
    const std::string what = describe(sql);
    if (!sql.undo) {
      out_.look.push_back("nothing here undoes `" + what +
                          "`, which is irreversible: " + sql.irreversible.value_or("no reason was given") +
                          ". Where something has to be done about it, add a step");
    } else if (const auto drop = facts_.as_drop_step ? facts_.as_drop_step(*sql.undo) : std::nullopt) {
      drops_.push_back({*drop, {}});
    } else {
      auto& place = facts_.bears_both && facts_.bears_both(*sql.undo) ? out_.plan.expand : undone_;
      place.push_back({Sql{*sql.undo, sql.run, {}}, {}});
    }
  }

  void invert(const CreateIndex& index) {
    if (makes_table(plan_, index.table)) return;  // it goes along
    const auto goes_over = [&](const ReplaceColumn* replace) {
      return std::ranges::find(replace->names, index_name(index), &std::pair<std::string, std::string>::second) !=
             replace->names.end();
    };
    if (std::ranges::any_of(replaced_, goes_over)) return;
    const bool goes_along = std::ranges::any_of(added_, [&](const Column& column) {
      if (column.first != index.table) return false;
      return index.definition ? has_word(behind(*index.definition, " USING "), column.second)
                              : std::ranges::any_of(index.columns, [&](const std::string& key) {
                                  return key == column.second || (key.starts_with('(') && has_word(key, column.second));
                                });
    });
    if (!goes_along) drops_.push_back({DropIndex{{index.table.schema, index_name(index)}}, {}});
  }

  void invert(const SetDefault& value, const std::vector<std::string>* undo) {
    const Column column{value.table, value.column};
    if (contains(added_, column)) return;
    if (undo == nullptr || undo->empty() || contains(dropped_, column)) {
      out_.look.push_back("the default that " + shown_column(column) + " had before is not known: it keeps " +
                          value.default_value);
      return;
    }
    const std::string again = "ALTER TABLE " + quoted(value.table) + " ALTER COLUMN " + quote_identifier(value.column) +
                              " SET DEFAULT (" + value.default_value + ")";
    undone_.push_back({Sql{undo->front(), again, {}}, {}});
  }

  void invert(const DropDefault& drop) {
    for (const KnownDefinition& one : facts_.definitions)
      if (one.kind == "turned" && one.structure == describe(drop))
        if (const auto value = behind(one.definition, " SET DEFAULT "); !value.empty()) {
          out_.plan.expand.push_back({SetDefault{drop.table, drop.column, std::string(value)}, {}});
          return;
        }
    out_.look.push_back("the default that " + shown_column({drop.table, drop.column}) +
                        " had is not known: add a set_default");
  }

  void invert_setting(const Action& action, const std::vector<std::string>* undo) {
    if (const TableName* table = table_of(action); table && makes_table(plan_, *table)) return;
    std::string back;
    for (const std::string& sql : undo ? *undo : std::vector<std::string>{}) back += (back.empty() ? "" : ";\n") + sql;
    if (back.empty()) {
      out_.look.push_back("what " + describe(action) + " has changed is not known: it stays as it is");
      return;
    }
    std::string again;
    for (const std::string& sql : setting_sql(action)) again += (again.empty() ? "" : ";\n") + sql;
    out_.plan.expand.push_back({Sql{back, again, {}}, {}});
  }

  void invert(const SqlBatched& batched) {
    if (batched.undo)
      out_.plan.migrate.push_back({SqlBatched{batched.table, *batched.undo, batched.run, {}, batched.batch}, {}});
    else
      out_.look.push_back("nothing here undoes `" + describe(batched) +
                          "`, which is irreversible: " + batched.irreversible.value_or("no reason was given"));
  }

  void invert(const SetComment& comment, const std::vector<std::string>* undo) {
    if (makes_table(plan_, comment.name) || contains(added_, Column{comment.name, comment.part})) return;
    if (undo == nullptr || undo->empty()) {
      out_.look.push_back("the comment that " + describe(comment) + " has replaced is not known: it keeps the new one");
      return;
    }
    out_.plan.expand.push_back({Sql{undo->front(), set_comment_sql(comment, {}).sql.front(), {}}, {}});
  }

  void invert(const DropNotNull& relaxed, const std::vector<std::string>* undo) {
    const Column column{relaxed.table, relaxed.column};
    if (undo != nullptr && undo->empty()) return;  // it was nullable before
    if (undo == nullptr)
      out_.look.push_back("whether " + shown_column(column) + " was NOT NULL before is not known: it is made so again");
    strict_.push_back(column);
  }

  void invert(const Fix& fix) {
    out_.lost.push_back("rows that broke " + shown(fix.rule) + " stay as they were mended, or deleted");
  }

  void invert(const SetNotNull& strict) {
    const Column column{strict.table, strict.column};
    // On its way out, it must not fail what an image writes that does not know it.
    if (contains(added_, column) || contains(made_.relaxed, column))
      relaxed_.push_back({DropNotNull{strict.table, strict.column}, {}});
  }

  // --- the columns that come back ------------------------------------------------------------------------------

  const Backfill* backfill_of(const TableName& table) const {
    for (const Step& step : plan_.migrate)
      if (const auto* one = std::get_if<Backfill>(&step.action); one != nullptr && one->table == table) return one;
    return nullptr;
  }

  std::string kept_in(const TableName& table) const {
    for (const KeptArchive& one : facts_.archives)
      if (one.relation == shown(table))
        return "in the archive " + one.archive_table + (one.keep_until.empty() ? "" : " until " + one.keep_until) +
               ", from where `switchback restore " + plan_.name + "` brings them back; then in backups alone";
    const bool dropped = facts_.state == State::contracted || facts_.state == State::done;
    return dropped ? "in backups alone" : "in the archive that the contract makes";
  }

  void columns() {
    for (const Column& name : dropped_) {
      const LostColumn& column = *lost(name);
      const Backfill* backfill = backfill_of(column.table);
      const auto reverse = backfill != nullptr ? expression_of(backfill->reverse, column.name) : std::nullopt;
      AddColumn add{column.table, column.name, column.type, column.default_value, false, {}};
      bool strict = column.not_null || contains(strict_, name);
      if (!reverse && strict && column.default_value) {
        add.not_null = true;
        strict = false;
      }
      out_.plan.expand.push_back({add, {}});
      std::erase(strict_, name);
      if (strict) strict_.push_back(name);
      if (reverse)
        out_.lost.push_back(shown_column(name) + " is filled with " + *reverse +
                            ". Values as they were when it was dropped, where that does not say them, are " +
                            kept_in(column.table) +
                            (backfill->where ? ". Rows of which " + *backfill->where + " is not true stay empty" : ""));
      else
        without_heir(name, column, strict);
    }
  }

  // --- the columns that change their type back -----------------------------------------------------------------

  bool takes_a_place(const TableName& table, const std::string& column) const {
    return std::ranges::any_of(replaced_,
                               [&](const ReplaceColumn* one) { return one->table == table && one->with == column; });
  }
  bool gives_its_place(const TableName& table, const std::string& column) const {
    return std::ranges::any_of(replaced_,
                               [&](const ReplaceColumn* one) { return one->table == table && one->column == column; });
  }

  /// What is recorded of the columns that were replaced, under their tombstone names, comes along with change_type.
  static InverseFacts without_replaced(InverseFacts facts) {
    std::erase_if(facts.definitions, [](const KnownDefinition& one) {
      return one.kind != "taken" && one.definition.find("_switchback_") != std::string::npos &&
             one.definition.find("_not_null") == std::string::npos;
    });
    return facts;
  }

  std::string old_type(const ReplaceColumn& replace) const {
    const std::string hidden = quote_identifier(tombstone_name(plan_.name, replace.column));
    for (const KnownDefinition& one : facts_.definitions)
      if (const std::string_view type = behind(one.definition, " ADD COLUMN " + hidden + " ");
          one.kind == "column" && !type.empty())
        return std::string(type);
    const auto table = std::ranges::find(facts_.tables, replace.table, &TableFacts::name);
    const ColumnFacts* column = table == facts_.tables.end() ? nullptr : table->column(replace.column);
    if (!column || facts_.state != State::migrated)
      throw Error(Exit::refused, Remedy::person,
                  "the journal does not say of which type " + shown_column({replace.table, replace.column}) + " was",
                  "write the plan that changes it back: change_type");
    return column->type;
  }

  /// Whether another type has lost its name to that one.
  bool takes_a_name(const TableName& type) const {
    return std::ranges::any_of(replaced_types(plan_), [&](const ReplaceType* one) {
      return TableName{one->type.schema, one->with} == type;
    });
  }

  /// The type that a column was of; one that was replaced comes back under the name that the new one had at first.
  std::string type_before(const ReplaceColumn& replace) const {
    std::string type = old_type(replace);
    for (const ReplaceType* one : replaced_types(plan_))
      for (const TableName& name : {hidden_type(plan_, *one), one->type})
        if (type == shown(std::string_view(name.schema)) + "." + shown(std::string_view(name.name)))
          return quoted(TableName{one->type.schema, one->with});
    return type;
  }

  /// The values that a replaced enum had, as the fill of a column of it names them.
  void replaced_enums() {
    for (const ReplaceType* one : replaced_types(plan_)) {
      std::optional<std::vector<std::string>> values;
      for (const ReplaceColumn* column : replaced_)
        if (const Backfill* backfill = backfill_of(column->table);
            backfill && !values && type_before(*column) == quoted(TableName{one->type.schema, one->with}))
          if (const auto fill = expression_of(backfill->set, column->with)) values = changing::values_in_fill(*fill);
      if (!values)
        throw Error(Exit::refused, Remedy::person,
                    "which values the enum " + shown(one->type) + " had cannot be told from " + plan_.name,
                    "write the plan that changes it back: replace_enum");
      out_.plan.expand.push_back({CreateEnum{{one->type.schema, one->with}, *values}, {}});
      undone_.push_back({*one, {}});
    }
  }

  void types() {
    replaced_enums();
    for (const ReplaceColumn* replace : replaced_) {
      ChangeType back{replace->table, replace->column, type_before(*replace), {}, {}, {}};
      const Backfill* backfill = backfill_of(replace->table);
      const auto fill = backfill ? expression_of(backfill->reverse, replace->column) : std::nullopt;
      const auto reverse = backfill ? expression_of(backfill->set, replace->with) : std::nullopt;
      if (fill) back.fill = changing::renamed(*fill, replace->with, replace->column);
      if (reverse) back.reverse = *reverse;
      out_.lost.push_back("values of " + shown_column({replace->table, replace->column}) + " that " + back.to +
                          " cannot hold: they are listed, and hold the plan. Values as they were before are " +
                          kept_in(replace->table));
      out_.plan.changes.push_back({std::move(back), {}});
    }
  }

  void without_heir(const Column& name, const LostColumn& column, bool strict) {
    std::optional<std::string> fill;
    for (const Step& step : plan_.contract.steps)
      if (const auto* drop = std::get_if<DropColumn>(&step.action);
          drop != nullptr && Column{drop->table, drop->name} == name)
        fill = drop->born_since;
    std::string rows = column.default_value ? "its default, " + *column.default_value : "NULL";
    if (fill) {
      rows = *fill;
    } else if (strict) {
      fill = "NULL";
      out_.look.push_back("FILL IN what the rows get in " + shown_column(name) +
                          ", which is NOT NULL: no expression is known, NULL stands in its place, and holds the "
                          "contract");
    }
    if (fill) fills_.emplace_back(name, *fill);
    out_.lost.push_back("the values of " + shown_column(name) + ": rows get " + rows +
                        ". Those it had when it was dropped are " + kept_in(column.table));
  }

  // --- the copy ------------------------------------------------------------------------------------------------

  void backfills() {
    std::vector<TableName> tables;
    for (const Column& column : dropped_)
      if (!contains(tables, column.first)) tables.push_back(column.first);
    for (const TableName& table : tables) {
      Backfill inverse;
      if (const Backfill* backfill = backfill_of(table)) inverse = turned_round(*backfill);
      inverse.table = table;
      for (const auto& [column, sql] : fills_)
        if (column.first == table) inverse.set.emplace_back(column.second, sql);
      if (!inverse.set.empty()) migrate_.push_back({inverse, {}});
    }
    for (const Step& step : plan_.migrate)
      if (const auto* backfill = std::get_if<Backfill>(&step.action)) look_at_leftovers(*backfill);
  }

  Backfill turned_round(const Backfill& backfill) const {
    Backfill inverse;
    inverse.batch = backfill.batch;
    inverse.user_triggers = backfill.user_triggers;
    for (const auto& expression : backfill.reverse)
      if (contains(dropped_, Column{backfill.table, expression.first})) inverse.set.push_back(expression);
    if (inverse.set.empty()) return inverse;
    inverse.reverse = backfill.set;
    inverse.where = backfill.where;
    inverse.exact = backfill.exact;
    inverse.on_error = backfill.on_error;
    if (backfill.master) inverse.master = *backfill.master == Master::old_side ? Master::new_side : Master::old_side;
    return inverse;
  }

  void look_at_leftovers(const Backfill& backfill) {
    for (const auto& [column, sql] : backfill.reverse)
      if (!contains(dropped_, Column{backfill.table, column}) && !gives_its_place(backfill.table, column))
        out_.look.push_back(shown_column({backfill.table, column}) +
                            " is still there, but nothing keeps it right since " + plan_.name +
                            " has ended: compare it with " + sql + " before the contract takes that away");
    for (const auto& [column, sql] : backfill.set)
      if (!contains(added_, Column{backfill.table, column}) && !takes_a_place(backfill.table, column))
        out_.look.push_back("what " + shown_column({backfill.table, column}) + " held before " + plan_.name +
                            " filled it with " + sql + " is in backups alone");
  }

  // --- what goes -----------------------------------------------------------------------------------------------

  /// Dependents that go with the dropped columns.
  void silent() {
    std::vector<std::string>& names = out_.plan.contract.allow_silent;
    const auto note = [&](const std::string& name) {
      if (!contains(names, name)) names.push_back(name);
    };
    for (const Column& column : added_) {
      const auto table = std::ranges::find(facts_.tables, column.first, &TableFacts::name);
      if (table == facts_.tables.end()) continue;
      const ColumnFacts* facts = table->column(column.second);
      for (const IndexFacts& index : table->indexes)
        if (facts != nullptr && contains(index.mentions, facts->number)) note(index.name.name);
      for (const ConstraintFacts& constraint : table->constraints)
        if (constraint.type != 'n' && contains(constraint.columns, column.second)) note(constraint.name);
    }
    for (const WholeTaken& one : facts_.wholes)
      if (one.object.kind == Structure::Kind::table && !one.object.part)
        out_.lost.push_back(one.object.identity + " is taken out of its archive with all its rows: this has to be " +
                            "expanded before " + plan_.name + " is done, which purges what is still hidden");
    for (const Column& column : added_)
      out_.lost.push_back(shown_column(column) + " goes: in the contract, archived as long as `archive` says");
  }

  void put_together() {
    Plan& plan = out_.plan;
    std::vector<Step> expand = std::move(made_.before_columns);
    append(expand, std::move(plan.expand));
    if (!made_.extras.empty()) {
      std::string run;
      for (const std::string& statement : made_.extras) run += (run.empty() ? "" : ";\n") + statement;
      expand.push_back({Sql{run, {}, "it goes with the columns"}, {}});
    }
    append(expand, std::move(relaxed_));
    plan.expand = std::move(expand);
    append(plan.migrate, std::move(migrate_));
    append(plan.migrate, std::move(made_.indexes));
    append(plan.migrate, std::move(made_.late));
    Contract& contract = plan.contract;
    contract.steps = std::move(made_.enforced);
    for (const Column& column : strict_) contract.steps.push_back({SetNotNull{column.first, column.second}, {}});
    append(contract.steps, std::move(made_.at_last));
    append(contract.steps, std::move(undone_));
    append(contract.steps, std::move(drops_));
    if (!contract.steps.empty() || !plan.changes.empty()) {
      contract.observe = plan_.contract.observe;
      contract.soak = plan_.contract.soak;
      contract.approvals = plan_.contract.approvals;
      contract.brownout = plan_.contract.brownout;
      // A reason for keeping none was a reason for the other side.
      if (plan_.contract.archive && plan_.contract.archive->keep) contract.archive = plan_.contract.archive;
    }
    append(out_.look, std::move(made_.look));
    append(out_.afterwards, std::move(made_.afterwards));
  }

  const Plan& plan_;
  const InverseFacts& facts_;
  MadeAgain made_;
  std::vector<Column> added_;
  std::vector<Column> dropped_;
  std::vector<const ReplaceColumn*> replaced_;
  std::vector<Column> strict_;  ///< NOT NULL again
  std::vector<std::pair<Column, std::string>> fills_;
  std::vector<Step> relaxed_;
  std::vector<Step> migrate_;
  std::vector<Step> undone_;
  std::vector<Step> drops_;
  Inverse out_;
};

}  // namespace

Inverse inverse_of(const Plan& plan, const InverseFacts& facts) {
  return Inverting(plan, facts).run();
}

std::string inverse_name(std::string_view name, const std::set<std::string>& taken) {
  constexpr std::size_t longest = 63;
  const bool undoes = name.starts_with("undo-");
  const bool redoes = name.starts_with("redo-");
  const std::string stem =
      std::string(undoes ? "redo-" : "undo-") + std::string(undoes || redoes ? name.substr(5) : name);
  std::string found = stem.substr(0, longest);
  for (int number = 2; taken.contains(found); ++number) {
    const std::string end = "-" + std::to_string(number);
    found = stem.substr(0, longest - end.size()) + end;
  }
  return found;
}

}  // namespace switchback
