#include "switchback/core/drafting.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "drafting_parts.hpp"
#include "switchback/core/rule.hpp"

namespace switchback {

using namespace drafting;

namespace {

using Column = std::pair<TableName, std::string>;

constexpr std::string_view no_default = "NULL";  ///< until the one that comes is read

std::string named(const Column& column) {
  return shown(column.first) + "." + shown(std::string_view(column.second));
}

TableName dropped_name(const Action& step) {
  if (const auto* index = std::get_if<DropIndex>(&step)) return index->name;
  if (const auto* table = std::get_if<DropTable>(&step)) return table->name;
  if (const auto* view = std::get_if<DropView>(&step)) return view->name;
  if (const auto* type = std::get_if<DropType>(&step)) return type->name;
  return std::get<DropFunction>(step).name;
}

/// Statements in order, folded into what they make together.
class Drafter {
 public:
  explicit Drafter(const DraftingFacts& facts) : facts_(facts) {}

  Drafted draft(const std::vector<MigrationStatement>& statements) {
    for (const MigrationStatement& statement : statements) {
      statement_ = &statement;
      std::visit([this](const auto& what) { take(what); }, statement.what);
    }
    join_conversions();
    for (Unit& unit : units_) leave_default(unit);
    for (Unit& unit : units_) finish(unit);
    return std::move(result_);
  }

 private:
  // --- one statement

  void take(const ddl::PassedOver& passed) { note("passed over: " + passed.why); }
  void take(const ddl::Unread& unread) {
    note("cannot be read: " + unread.why);
    if (statement_->sql.empty()) return;
    DraftEntry entry = sql_entry("contract", statement_->sql);
    entry.arguments.push_back({"undo", left_to_fill_in("what takes this back; and whether it may stand here: it could "
                                                       "not be read (" +
                                                       unread.why + ")")});
    put(std::move(entry));
  }

  void take(const ddl::NewTable& made) {
    if (!made.odd.empty()) {
      comment_ = made.odd + " is nothing that create_table has a key for";
      ddl::Other other;
      other.what = "CREATE TABLE";
      if (made.odd != "IF NOT EXISTS") other.undo = "DROP TABLE " + shown(made.table.name);
      return take(other);
    }
    Unit& unit = start();
    unit.made = made.table;
    unit.fresh = gone_.contains("relation " + shown(made.table.name));
  }

  void take(const ddl::NewColumn& column) {
    if (CreateTable* made = made_table(column.table); made != nullptr && column.rules.empty()) {
      made->columns.emplace_back(column.name, column.definition);
      return fold(*unit_of(column.table));
    }
    if (!column.odd.empty()) return take_odd_column(column);
    Unit& unit = start();
    unit.added = AddedColumn{column, {}, {}, false};
    unit.fresh = gone_.contains("column " + named({column.table, column.name}));
    for (const Rule& rule : column.rules) put(rule_entry(rule));
  }

  void take_odd_column(const ddl::NewColumn& column) {
    const bool rewrites = column.odd != "a deferrable constraint" && !column.odd.starts_with("a constraint");
    const std::string undo =
        "ALTER TABLE " + shown(column.table) + " DROP COLUMN " + shown(std::string_view(column.name));
    note(named({column.table, column.name}) + ": " + column.odd +
         (rewrites ? " cannot be added in phases: the server rewrites the table, and nobody can read it meanwhile"
                   : " cannot be added with the column: add the column without it, and the constraint by a statement "
                     "of its own"));
    DraftEntry entry = sql_entry("contract", statement_->sql);
    entry.arguments.push_back(
        {"undo", left_to_fill_in("only if the table may be locked while it is rewritten: " + undo)});
    put(std::move(entry));
  }

  void take(const ddl::GoneColumn& gone) {
    if (CreateTable* made = made_table(gone.table)) {
      std::erase_if(made->columns, [&](const auto& column) { return column.first == gone.name; });
      return fold(*unit_of(gone.table));
    }
    if (Unit* unit = added({gone.table, gone.name})) {
      note(named({gone.table, gone.name}) + " is added and dropped by this file: it is left out");
      unit->cancelled = true;
      return;
    }
    note_cascade(gone.cascade);
    Unit& unit = start();
    unit.dropped = Column{gone.table, gone.name};
    gone_.insert("column " + named({gone.table, gone.name}));
  }

  void take(const ddl::RenamedColumn& rename) {
    if (CreateTable* made = made_table(rename.table)) {
      for (auto& column : made->columns)
        if (column.first == rename.from) column.first = rename.to;
      return fold(*unit_of(rename.table));
    }
    if (Unit* unit = added({rename.table, rename.from})) {
      unit->added->column.name = rename.to;
      return fold(*unit);
    }
    put(change("rename_column",
               {{"table", shown(rename.table)}, {"from", name_of(rename.from)}, {"to", name_of(rename.to)}}));
    gone_.insert("column " + named({rename.table, rename.from}));
  }

  void take(const ddl::RenamedTable& rename) {
    if (CreateTable* made = made_table(rename.table)) {
      Unit& unit = *unit_of(rename.table);
      made->name.name = rename.to;
      return fold(unit);
    }
    gone_.insert("relation " + shown(rename.table));
    if (facts_.has_change("rename_table"))
      return put(change("rename_table", {{"table", shown(rename.table)}, {"to", name_of(rename.to)}}));
    note(shown(rename.table) + " gets another name: both images cannot use one table under two names here");
    DraftEntry entry = sql_entry("contract", statement_->sql);
    entry.arguments.push_back({"undo", left_to_fill_in("only if the image before is gone by then: ALTER TABLE " +
                                                       shown(TableName{rename.table.schema, rename.to}) +
                                                       " RENAME TO " + name_of(rename.table.name))});
    put(std::move(entry));
  }

  void take(const ddl::RetypedColumn& retyped) {
    if (Unit* unit = added({retyped.table, retyped.column}); unit != nullptr && unit->added->pieces.empty()) {
      unit->added->column.type = retyped.type;
      return fold(*unit);
    }
    const Column changed{retyped.table, retyped.column};
    Unit* const undefaulted = find([&](const Unit& unit) { return unit.undefaulted == changed; });
    DraftEntry entry = change(
        "change_type", {{"table", shown(retyped.table)}, {"column", name_of(retyped.column)}, {"to", retyped.type}});
    if (retyped.conversion) {
      const auto facts = lookup(retyped.table);
      const ColumnFacts* column = facts ? facts->column(retyped.column) : nullptr;
      entry.arguments.push_back({"fill", retyped.conversion->sql});
      entry.arguments.push_back(
          {"reverse", left_to_fill_in("the old " + shown(std::string_view(retyped.column)) +
                                      (column != nullptr ? ", " + column->type + "," : "") + " of the new one, " +
                                      retyped.type + ", as SQL over the row")});
    }
    // DROP DEFAULT, TYPE, SET DEFAULT: one change, if the last of them comes.
    if (undefaulted != nullptr) entry.arguments.push_back({"default", std::string(no_default)});
    if (undefaulted != nullptr) take_comments_of(*undefaulted, entry);
    put(std::move(entry));
    units_.back().retyped = changed;
    if (undefaulted != nullptr) units_.back().undefaulting = undefaulted;
  }

  void take(const ddl::Nullability& change_of) {
    const Column column{change_of.table, change_of.column};
    if (CreateTable* made = made_table(column.first); made != nullptr && change_of.not_null) {
      for (auto& [name, definition] : made->columns)
        if (name == column.second) definition += " NOT NULL";
      return fold(*unit_of(column.first));
    }
    if (Unit* unit = added(column)) {
      unit->added->column.not_null = change_of.not_null;
      return fold(*unit);
    }
    if (!change_of.not_null)
      return put(change("drop_not_null", {{"table", shown(column.first)}, {"column", name_of(column.second)}}));
    DraftEntry entry = change("set_not_null", {{"table", shown(column.first)}, {"column", name_of(column.second)}});
    if (const auto mended = mends_.find(column); mended != mends_.end()) {
      Unit& unit = units_[mended->second];
      entry.arguments.push_back({"fix", unit.mend});
      unit.cancelled = true;
      take_comments_of(unit, entry);
    } else {
      entry.comments.emplace_back("fix: SQL for rows where it is NULL; without it they are listed, and the plan holds");
    }
    put(std::move(entry));
  }

  void take(const ddl::ColumnDefault& change_of) {
    const Column column{change_of.table, change_of.column};
    if (Unit* unit = added(column)) {
      AddedColumn& added_column = *unit->added;
      if (change_of.value) {
        added_column.later_default = *change_of.value;
        added_column.drops_default = false;
      } else {
        added_column.drops_default = added_column.column.default_value || added_column.later_default;
        added_column.later_default.reset();
      }
      return fold(*unit);
    }
    if (change_of.value && give_default(column, *change_of.value)) return;
    if (change_of.value)
      return put(
          change("change_default",
                 {{"table", shown(column.first)}, {"column", name_of(column.second)}, {"default", *change_of.value}}));
    put(drop_default(column, default_in_database(column)));
    units_.back().undefaulted = column;
  }

  /// A column whose type this file changes is given its default with that.
  bool give_default(const Column& column, const std::string& value) {
    Unit* const unit = find([&](const Unit& one) { return one.retyped == column; });
    if (unit == nullptr || unit->undefaulting == nullptr) return false;
    for (Argument& argument : unit->entry->arguments)
      if (argument.key == "default") argument.value = value;
    std::exchange(unit->undefaulting, nullptr)->cancelled = true;
    fold(*unit);
    return true;
  }

  /// Where no default came after all, the one before is dropped first, by a plan of its own.
  static void leave_default(Unit& unit) {
    if (unit.undefaulting == nullptr) return;
    std::erase_if(unit.entry->arguments, [](const Argument& argument) { return argument.key == "default"; });
  }

  void take(const ddl::NewConstraint& made) {
    if (CreateTable* table = made_table(made.table); table != nullptr && made.using_index.empty()) {
      table->constraints.push_back(made.definition);
      return fold(*unit_of(made.table));
    }
    if (!made.using_index.empty())
      if (Unit* index = index_unit(made.table, made.using_index); index != nullptr && index->index->unique &&
                                                                  !made.primary && !index->index->columns.empty() &&
                                                                  !index->index->where) {
        index->cancelled = true;
        DraftEntry entry = rule_entry(AddUnique{made.table, index->index->columns, made.name});
        take_comments_of(*index, entry);
        return put_constraint(made, std::move(entry));
      }
    if (made.rule) return put_constraint(made, rule_entry(*made.rule));
    if (made.exclusion) return put_constraint(made, step_entry(*made.exclusion));
    DraftEntry entry = sql_entry("contract", statement_->sql);
    if (!made.name.empty())
      entry.arguments.push_back(
          {"undo", "ALTER TABLE " + shown(made.table) + " DROP CONSTRAINT " + name_of(made.name)});
    else
      entry.arguments.push_back({"undo", left_to_fill_in("ALTER TABLE " + shown(made.table) +
                                                         " DROP CONSTRAINT the name that the server gave it")});
    if (!made.odd.empty()) entry.comments.push_back(made.odd + " is nothing that a step has a key for:");
    entry.comments.emplace_back("neither counted nor mended beforehand, and rows are read under its lock");
    if (made.primary) note("a primary key is made in contract, under a lock while every row is read");
    put_constraint(made, std::move(entry));
  }

  void put_constraint(const ddl::NewConstraint& made, DraftEntry entry) {
    put(std::move(entry));
    units_.back().constraint = {made.table, made.name};
  }

  void take(const ddl::GoneConstraint& gone) {
    for (Unit& unit : units_)
      if (!unit.cancelled && unit.constraint == Column{gone.table, gone.name}) {
        note("constraint " + name_of(gone.name) + " is made and dropped by this file: it is left out");
        unit.cancelled = true;
        return;
      }
    note_cascade(gone.cascade);
    put(change("drop_constraint", {{"table", shown(gone.table)}, {"name", name_of(gone.name)}}));
  }

  void take(const ddl::ValidatedConstraint& validated) {
    for (Unit& unit : units_)
      if (!unit.cancelled && unit.constraint == Column{validated.table, validated.name}) return fold(unit);
    DraftEntry entry = sql_entry("contract", statement_->sql);
    entry.arguments.push_back({"irreversible", "what is enforced stays so; only that it was checked is known then"});
    put(std::move(entry));
  }

  void take(const ddl::NewIndex& made) {
    Unit& unit = start();
    unit.index = made.index;
  }

  void take(const ddl::Gone& gone) {
    if (const auto* index = std::get_if<DropIndex>(&gone.step))
      for (Unit& unit : units_)
        if (!unit.cancelled && unit.index && unit.index->name == index->name.name) {
          note("index " + shown(index->name) + " is made and dropped by this file: it is left out");
          unit.cancelled = true;
          return;
        }
    const auto* table = std::get_if<DropTable>(&gone.step);
    if (table != nullptr && made_table(table->name) != nullptr) {
      note(shown(table->name) + " is made and dropped by this file: it is left out");
      unit_of(table->name)->cancelled = true;
      return;
    }
    note_cascade(gone.cascade);
    const bool relation =
        !std::holds_alternative<DropType>(gone.step) && !std::holds_alternative<DropFunction>(gone.step);
    const TableName name = dropped_name(gone.step);
    gone_.insert((relation ? "relation " : "type ") + shown(name));
    DraftEntry entry = change(std::string(kind(gone.step)), {{"name", shown(name)}});
    if (const auto* function = std::get_if<DropFunction>(&gone.step);
        function != nullptr && !function->arguments.empty())
      entry.arguments.push_back({"arguments", function->arguments});
    put(std::move(entry));
  }

  void take(const ddl::OneStep& one) {
    const TableName* const table = table_of(one.step);
    if (table != nullptr && made_table(*table) != nullptr && !std::holds_alternative<SetComment>(one.step)) {
      DraftEntry entry = sql_entry("expand", statement_->sql);
      entry.arguments.push_back({"irreversible", "it goes with the table"});
      return put(std::move(entry));
    }
    DraftEntry entry = step_entry(one.step);
    for (const Argument& argument : entry.arguments)
      if (argument.key == "name" && entry.kind.starts_with("create_"))
        entry.fresh = gone_.contains((entry.kind == "create_view" ? "relation " : "type ") +
                                     std::get<std::string>(argument.value));
    put(std::move(entry));
  }

  void take(const ddl::UpdatedRows& rows) {
    const bool folds = rows.odd.empty() && std::ranges::all_of(rows.set, [&](const auto& one) {
                         const Unit* unit = added({rows.table, one.first});
                         return unit != nullptr && can_fold(*unit->added, one.second, rows.where);
                       });
    if (folds && !rows.set.empty()) {
      for (const auto& [column, expression] : rows.set) {
        Unit& unit = *added({rows.table, column});
        unit.added->pieces.push_back({expression, rows.where});
        fold(unit);
      }
      return;
    }
    if (rows.set.size() == 1 && rows.odd.empty() && rows.where && rows.where->is_null_test &&
        rows.where->columns.contains(rows.set.front().first) && made_table(rows.table) == nullptr) {
      mends_[{rows.table, rows.set.front().first}] = units_.size();
      put(rows_entry("UPDATE", rows.table, {}));
      units_.back().mend = rows.set.front().second.sql;
      return;
    }
    std::string undo;
    const bool all_added = std::ranges::all_of(rows.set, [&](const auto& one) {
      return added({rows.table, one.first}) != nullptr;
    });
    if (all_added)
      for (const auto& [column, expression] : rows.set) {
        undo += (undo.empty() ? "UPDATE " + shown(rows.table) + " SET " : ", ") + name_of(column) + " = NULL";
        added({rows.table, column})->added->filled_elsewhere = true;
      }
    DraftEntry entry = rows_entry("UPDATE", rows.table, undo.empty() ? std::nullopt : std::optional(undo));
    if (all_added)
      entry.comments.push_back("Its " + (rows.odd.empty() ? std::string("SET") : rows.odd) +
                               " is not SQL over the row alone: what the image before writes afterwards is not filled");
    put(std::move(entry));
  }

  void take(const ddl::Other& other) {
    if (other.rows && other.table && made_table(*other.table) != nullptr && other.what == "INSERT")
      return put(rows_entry(other.what, *other.table, "DELETE FROM " + shown(*other.table)));
    if (other.rows) return put(rows_entry(other.what, other.table.value_or(TableName{}), other.undo));
    const bool early = facts_.bears_both(statement_->sql);
    DraftEntry entry = sql_entry(early ? "expand" : "contract", statement_->sql);
    if (other.irreversible)
      entry.arguments.push_back({"irreversible", *other.irreversible});
    else
      entry.arguments.push_back(
          {"undo", other.undo.value_or(left_to_fill_in("SQL that takes this " + other.what + " back"))});
    put(std::move(entry));
  }

  // --- what statements fold into

  CreateTable* made_table(const TableName& table) {
    Unit* unit = unit_of(table);
    return unit == nullptr ? nullptr : &*unit->made;
  }
  Unit* unit_of(const TableName& table) {
    return find([&](const Unit& unit) { return unit.made && unit.made->name == table; });
  }
  Unit* added(const Column& column) {
    return find([&](const Unit& unit) {
      return unit.added && unit.added->column.table == column.first && unit.added->column.name == column.second;
    });
  }
  Unit* index_unit(const TableName& table, const std::string& name) {
    return find([&](const Unit& unit) { return unit.index && unit.index->table == table && unit.index->name == name; });
  }
  template <class Condition>
  Unit* find(Condition condition) {
    const auto found =
        std::ranges::find_if(units_, [&](const Unit& unit) { return !unit.cancelled && condition(unit); });
    return found == units_.end() ? nullptr : &*found;
  }

  Unit& start() {
    units_.emplace_back();
    fold(units_.back());
    return units_.back();
  }
  void put(DraftEntry entry) {
    Unit& unit = start();
    unit.entry = std::move(entry);
  }
  /// Notes in `unit` that this statement is a part of it.
  void fold(Unit& unit) {
    if (unit.comments.empty()) unit.place = statement_->place;
    unit.comments.push_back("line " + std::to_string(statement_->place.line) + ": " + in_short(statement_->sql));
    if (!comment_.empty()) unit.comments.push_back(std::exchange(comment_, {}));
  }
  static void take_comments_of(const Unit& unit, DraftEntry& entry) {
    entry.comments.insert(entry.comments.begin(), unit.comments.begin(), unit.comments.end());
  }

  void note(const std::string& message) { result_.notes.push_back({statement_->place, message}); }
  void note_cascade(bool cascade) {
    if (cascade) comment_ = "CASCADE is not kept: what depends on it holds the plan until it is dropped or named";
  }

  std::optional<TableFacts> lookup(const TableName& table) const {
    return facts_.lookup ? facts_.lookup(table) : std::nullopt;
  }

  // --- entries

  DraftEntry rule_entry(const Rule& rule) const {
    DraftEntry entry = step_entry(action_of(rule));
    if (const auto* key = std::get_if<AddForeignKey>(&rule)) {
      std::vector<std::string> columns = key->referenced_columns;
      if (columns.empty())
        if (const auto facts = lookup(key->referenced); facts && facts->key) columns = facts->key->columns;
      entry.arguments.push_back(
          {"references", columns.empty() ? left_to_fill_in(shown(key->referenced) + "(its primary key's columns)")
                                         : shown(key->referenced) + "(" + joined(columns) + ")"});
      if (key->on_delete != KeyAction::no_action)
        entry.arguments.push_back({"on_delete", std::string(name(key->on_delete))});
      if (key->on_update != KeyAction::no_action)
        entry.arguments.push_back({"on_update", std::string(name(key->on_update))});
    }
    entry.comments.emplace_back("without fix, rows in the way are listed and the plan holds");
    return entry;
  }

  DraftEntry drop_default(const Column& column, const std::optional<std::string>& before) const {
    if (facts_.has_change("drop_default"))
      return change("drop_default", {{"table", shown(column.first)}, {"column", name_of(column.second)}});
    const std::string alter = "ALTER TABLE " + shown(column.first) + " ALTER COLUMN " + name_of(column.second);
    DraftEntry entry = sql_entry("contract", alter + " DROP DEFAULT");
    entry.arguments.push_back({"undo", alter + " SET DEFAULT " + before.value_or("")});
    if (!before)
      entry.arguments.back().value =
          left_to_fill_in(alter + " SET DEFAULT what it was before (with -d it is looked up)");
    return entry;
  }
  std::optional<std::string> default_in_database(const Column& column) const {
    const auto facts = lookup(column.first);
    const ColumnFacts* found = facts ? facts->column(column.second) : nullptr;
    return found != nullptr ? found->default_value : std::nullopt;
  }

  DraftEntry rows_entry(const std::string& what, const TableName& table, const std::optional<std::string>& undo) const {
    DraftEntry entry = sql_entry(facts_.bears_both(statement_->sql) ? "migrate" : "contract", statement_->sql);
    entry.arguments.push_back(
        {"undo", undo.value_or(left_to_fill_in("SQL that takes this " + what +
                                               (table.name.empty() ? "" : " of " + shown(table)) +
                                               " back; or write irreversible: and why nothing needs to"))});
    entry.comments.emplace_back("one statement: its rows are locked until it ends");
    return entry;
  }

  // --- what only shows at the end

  /// Columns that are dropped and that others are filled from: the two sides are kept in step until contract.
  void join_conversions() {
    std::set<TableName> tables;
    for (const Unit& unit : units_)
      if (unit.dropped && !unit.cancelled) tables.insert(unit.dropped->first);
    for (const TableName& table : tables) {
      Conversion conversion{table, {}, {}};
      for (Unit& unit : units_) {
        const bool dropped = unit.dropped && !unit.cancelled && unit.dropped->first == table;
        if (!dropped) continue;
        const bool feeds = std::ranges::any_of(units_, [&](const Unit& other) {
          return other.added && !other.cancelled && other.added->column.table == table &&
                 other.added->reads(unit.dropped->second);
        });
        if (feeds) conversion.dropped.push_back(&unit);
      }
      for (Unit& unit : units_)
        if (unit.added && !unit.cancelled && unit.added->column.table == table &&
            std::ranges::any_of(conversion.dropped,
                                [&](const Unit* one) { return unit.added->reads(one->dropped->second); }))
          conversion.added.push_back(&unit);
      if (!conversion.dropped.empty()) join(conversion);
    }
  }

  struct Conversion {
    TableName table;
    std::vector<Unit*> dropped;
    std::vector<Unit*> added;
  };

  void join(const Conversion& conversion) const {
    Unit& first = *conversion.added.front();
    ColumnExpressions set;
    ColumnExpressions types;
    std::vector<std::string> made;
    for (const Unit* unit : conversion.added) {
      const AddedColumn& column = *unit->added;
      set.emplace_back(name_of(column.column.name), column.fill());
      types.emplace_back(name_of(column.column.name), column.column.type);
      made.push_back(shown(std::string_view(column.column.name)));
    }
    ColumnExpressions reverse;
    for (const Unit* unit : conversion.dropped) {
      const std::string& old = unit->dropped->second;
      const auto copy =
          std::ranges::find_if(conversion.added, [&](const Unit* one) { return one->added->copies(old); });
      reverse.emplace_back(name_of(old), copy != conversion.added.end()
                                             ? name_of((*copy)->added->column.name)
                                             : left_to_fill_in(shown(std::string_view(old)) + " of " + listed(made) +
                                                               ", as SQL over the row; or reverse: { none: reason }"));
    }
    DraftEntry entry;
    if (conversion.dropped.size() == 1) {
      entry = change("split_column", {{"table", shown(conversion.table)},
                                      {"from", reverse.front().first},
                                      {"into", set},
                                      {"types", types},
                                      {"reverse", reverse.front().second}});
    } else if (conversion.added.size() == 1) {
      std::vector<std::string> from;
      for (const auto& [column, sql] : reverse) from.push_back(column);
      entry = change("merge_columns", {{"table", shown(conversion.table)},
                                       {"from", from},
                                       {"into", set.front().first},
                                       {"type", types.front().second},
                                       {"fill", set.front().second},
                                       {"reverse", reverse}});
    } else {
      first.entries = several_to_several(conversion, set, types, reverse);
    }
    if (first.entries.empty()) first.entries.push_back(std::move(entry));
    for (const Unit* unit : conversion.added) unit->added->put_what_follows(first.entries);
    for (const Unit* unit : conversion.dropped)
      for (std::string& name : dependents_of(*unit->dropped))
        first.entries.front().allow_silent.push_back(std::move(name));
    for (const auto* units : {&conversion.added, &conversion.dropped})
      for (Unit* unit : *units) {
        if (unit == &first) continue;
        for (const std::string& comment : unit->comments)
          if (std::ranges::find(first.comments, comment) == first.comments.end()) first.comments.push_back(comment);
        unit->cancelled = true;
      }
    first.added.reset();
  }

  /// Indexes and constraints that go along with a column, as far as there is a database to look at.
  std::vector<std::string> dependents_of(const Column& column) const {
    const auto facts = lookup(column.first);
    const ColumnFacts* found = facts ? facts->column(column.second) : nullptr;
    return found != nullptr ? dependents(*facts, *found) : std::vector<std::string>{};
  }

  static std::vector<DraftEntry> several_to_several(const Conversion& conversion, const ColumnExpressions& set,
                                                    const ColumnExpressions& types, const ColumnExpressions& reverse) {
    std::vector<DraftEntry> entries;
    for (const auto& [column, type] : types)
      entries.push_back(
          step("expand", "add_column", {{"table", shown(conversion.table)}, {"name", column}, {"type", type}}));
    entries.push_back(
        step("migrate", "backfill", {{"table", shown(conversion.table)}, {"set", set}, {"reverse", reverse}}));
    for (const auto& [column, sql] : reverse)
      entries.push_back(step("contract", "drop_column", {{"table", shown(conversion.table)}, {"name", column}}));
    return entries;
  }

  void finish(Unit& unit) {
    if (unit.cancelled) return;
    if (unit.made) unit.entries = {step_entry(*unit.made)};
    if (unit.added) unit.entries = entries_of(*unit.added);
    if (unit.index) unit.entries = {index_entry(*unit.index)};
    if (unit.dropped) unit.entries = dropped_entries(*unit.dropped);
    if (unit.entry) unit.entries = {*unit.entry};
    bool first = true;
    for (DraftEntry& entry : unit.entries) {
      entry.place = unit.place;
      entry.fresh = entry.fresh || unit.fresh;
      if (first) entry.comments.insert(entry.comments.begin(), unit.comments.begin(), unit.comments.end());
      first = false;
      result_.entries.push_back(std::move(entry));
    }
  }

  std::vector<DraftEntry> entries_of(const AddedColumn& added_column) const {
    std::vector<DraftEntry> entries = added_column.entries();
    if (!added_column.drops_default) return entries;
    const Column column{added_column.column.table, added_column.column.name};
    entries.push_back(drop_default(column, added_column.column.default_value));
    return entries;
  }

  DraftEntry index_entry(const CreateIndex& index) {
    const bool made =
        unit_of(index.table) != nullptr || std::ranges::any_of(index.columns, [&](const std::string& column) {
          return added({index.table, column}) != nullptr;
        });
    if (!index.unique || made) return step_entry(index);
    const bool plain =
        !index.where && !index.definition && index.include.empty() && index.method == "btree" &&
        std::ranges::none_of(index.columns, [](const std::string& column) { return column.starts_with('('); });
    if (plain) {
      DraftEntry entry = rule_entry(AddUnique{index.table, index.columns, index.name, true});
      entry.comments.emplace_back("what the image before writes may break it: it is built in contract");
      return entry;
    }
    CreateIndex whole = index;
    DraftEntry entry = sql_entry("contract", index.definition.value_or(create_index_text(whole)));
    entry.arguments.push_back({"undo", index.name
                                           ? "DROP INDEX " + shown(TableName{index.table.schema, *index.name})
                                           : left_to_fill_in("DROP INDEX and the name that the server gave it")});
    entry.comments.emplace_back(
        "a unique index with WHERE or expressions tightens what the image before may write: neither "
        "counted nor mended beforehand, and it keeps writers out while it is built");
    return entry;
  }

  std::vector<DraftEntry> dropped_entries(const Column& column) const {
    std::vector<DraftEntry> entries;
    DraftEntry drop = change("drop_column", {{"table", shown(column.first)}, {"name", name_of(column.second)}});
    const auto facts = lookup(column.first);
    const ColumnFacts* found = facts ? facts->column(column.second) : nullptr;
    if (found != nullptr && found->not_null && !found->default_value) {
      entries.push_back(change("drop_not_null", {{"table", shown(column.first)}, {"column", name_of(column.second)}}));
      drop.arguments.push_back({"born_since", left_to_fill_in("SQL: what rows born after the drop get when " +
                                                              named(column) + " is restored, which is NOT NULL")});
    }
    if (found == nullptr)
      drop.comments.emplace_back(
          "not looked up (-d URI does): NOT NULL, and indexes and constraints that go along, which "
          "are named under contract: allow_silent");
    else
      drop.allow_silent = dependents(*facts, *found);
    entries.push_back(std::move(drop));
    return entries;
  }

  const DraftingFacts& facts_;
  const MigrationStatement* statement_ = nullptr;
  std::string comment_;  ///< for the next unit
  std::deque<Unit> units_;
  std::map<Column, std::size_t> mends_;  ///< UPDATEs of rows where the column is NULL
  std::set<std::string> gone_;           ///< names that are taken away
  Drafted result_;
};

}  // namespace

Drafted draft_migration(const std::vector<MigrationStatement>& statements, const DraftingFacts& facts) {
  return Drafter(facts).draft(statements);
}

}  // namespace switchback
