#include "change_pair.hpp"

#include <algorithm>
#include <set>

#include "change_parts.hpp"
#include "change_steps.hpp"

namespace switchback::changing {
namespace {

class GoingOver {
 public:
  GoingOver(Plan& plan, const ChangePair& change, Place place, const TableLookup& lookup)
      : plan_(plan), change_(change), place_(place) {
    if (!lookup) return;
    facts_ = lookup(change.table);
    if (change.what != GoOver::extract_table) to_ = lookup(change.to);
    if (facts_) taken_ = names_on(*facts_);
  }

  void run() {
    if (facts_)
      for (const std::string& column : change_.columns) known(column);
    if (change_.what == GoOver::extract_table)
      make_table();
    else
      for (const std::string& column : change_.columns) add_column(column);
    PairTables pair;
    pair.table = change_.table;
    pair.to = change_.to;
    pair.on = change_.on;
    pair.columns = change_.columns;
    if (change_.what == GoOver::extract_table) pair.rows = MakeRows::of_to;
    if (change_.what == GoOver::inline_table) pair.rows = MakeRows::of_table;
    // Either image's rows may be without a value now that the other one has a column for it.
    if (facts_)
      for (const std::string& column : change_.columns)
        if (known(column).not_null) put_step(plan_.expand, place_, DropNotNull{change_.table, column});
    put_step(plan_.migrate, place_, std::move(pair));
    if (facts_) copy_indexes();
    if (facts_ && change_.what == GoOver::move_column) copy_constraints();
    if (change_.what == GoOver::inline_table) {
      put_step(plan_.contract.steps, place_, DropTable{change_.table});
      return;
    }
    if (facts_ && change_.what == GoOver::move_column && known(change_.columns.front()).not_null && !is_there())
      put_step(plan_.contract.steps, place_, SetNotNull{change_.to, change_.columns.front()});
    for (const std::string& column : change_.columns)
      put_step(plan_.contract.steps, place_, DropColumn{change_.table, column, {}});
  }

 private:
  std::string_view word() const {
    return change_.what == GoOver::move_column     ? "move_column"
           : change_.what == GoOver::extract_table ? "extract_table"
                                                   : "inline_table";
  }
  [[noreturn]] void stop(const std::string& why, const std::string& hint) const {
    refuse_change(plan_, place_, std::string(word()) + ": " + why, hint);
  }

  const ColumnFacts& known(const std::string& column) const {
    const ColumnFacts* found = facts_->column(column);
    if (found == nullptr)
      stop("the table " + shown(change_.table) + " has no column " + shown(std::string_view(column)),
           "look at its columns with \\d " + shown(change_.table));
    return *found;
  }

  /// Whether the other table has the column already.
  bool is_there() const { return to_ && to_->column(change_.columns.front()) != nullptr; }

  void add_column(const std::string& column) {
    if (change_.what == GoOver::move_column && is_there()) return;
    AddColumn add{change_.to, column, {}, {}, false, column, change_.table};
    const ColumnFacts* facts = facts_ ? &known(column) : nullptr;
    if (change_.what == GoOver::inline_table && facts != nullptr && facts->default_value) {
      // A row that had none of the other table must not look as if it had one.
      add.type = facts->type + (facts->collation ? " COLLATE " + *facts->collation : "");
      add.like.reset();
      add.of.reset();
      put_step(plan_.expand, place_, std::move(add));
      if (facts->comment) put_comment(change_.to, column, *facts->comment);
      return;
    }
    put_step(plan_.expand, place_, std::move(add));
  }

  void put_comment(const TableName& table, const std::string& column, const std::string& comment) {
    put_step(plan_.expand, place_, SetComment{Commented::column, table, column, comment});
  }

  // --- the table that extract_table makes --------------------------------------------------------------------------

  std::string type_of(const std::string& name, const std::string& like) const {
    const auto given = std::ranges::find(change_.types, name, &ColumnExpressions::value_type::first);
    if (given != change_.types.end()) return given->second;
    if (!facts_)
      stop("without a database the type of " + shown(std::string_view(name)) + " is not known",
           "give types: { " + shown(std::string_view(name)) + ": text }");
    const ColumnFacts& column = known(like);
    return column.type + (column.collation ? " COLLATE " + *column.collation : "");
  }

  void make_table() {
    CreateTable made;
    made.name = change_.to;
    made.rights_of = change_.table;
    std::string key;
    std::string referenced;
    for (const auto& [to, table] : change_.on) {
      made.columns.emplace_back(to, type_of(to, table) + " NOT NULL");
      made.primary_key.push_back(to);
      key += (key.empty() ? "" : ", ") + quote_identifier(to);
      referenced += (referenced.empty() ? "" : ", ") + quote_identifier(table);
    }
    for (const std::string& name : change_.columns) {
      std::string definition = type_of(name, name);
      if (facts_ && known(name).default_value) definition += " DEFAULT " + *known(name).default_value;
      if (facts_ && known(name).not_null) definition += " NOT NULL";
      made.columns.emplace_back(name, definition);
    }
    made.constraints.push_back("FOREIGN KEY (" + key + ") REFERENCES " + quoted(change_.table) + " (" + referenced +
                               ") ON DELETE CASCADE ON UPDATE CASCADE");
    if (facts_)
      for (const ConstraintFacts& one : facts_->constraints)
        if ((one.type == 'c' || one.type == 'f') && all_go(one.columns)) {
          made.constraints.push_back("CONSTRAINT " + quote_identifier(name_there(one.name)) + " " + one.definition);
          plan_.contract.allow_silent.push_back(one.name);
        }
    put_step(plan_.expand, place_, std::move(made));
    if (!facts_) return;
    for (const std::string& name : change_.columns)
      if (known(name).comment) put_comment(change_.to, name, *known(name).comment);
  }

  // --- what belongs to the columns ---------------------------------------------------------------------------------

  bool all_go(const std::vector<std::string>& columns) const {
    return !columns.empty() && std::ranges::all_of(columns, [&](const std::string& column) {
      return std::ranges::find(change_.columns, column) != change_.columns.end();
    });
  }

  /// users_phone_idx becomes profiles_phone_idx.
  std::string name_there(const std::string& name) {
    const std::string prefix = change_.table.name + "_";
    std::string there = fit_name(name.starts_with(prefix) ? change_.to.name + "_" + name.substr(prefix.size())
                                                          : name + "_" + change_.to.name);
    for (int number = 1; taken_.contains(there); ++number) there = fit_name(there + std::to_string(number));
    taken_.insert(there);
    return there;
  }

  /// Those over these columns alone. One over others as well is a dependent that holds the hide, and is named there.
  void copy_indexes() {
    if (change_.what == GoOver::move_column && is_there()) return;
    for (const IndexFacts& index : facts_->indexes) {
      const bool only = !index.mentions.empty() && std::ranges::all_of(index.mentions, [&](int number) {
        return std::ranges::any_of(change_.columns,
                                   [&](const std::string& name) { return known(name).number == number; });
      });
      if (!only || index.primary) continue;
      if (change_.what != GoOver::inline_table) plan_.contract.allow_silent.push_back(index.name.name);
      if (!index.valid) continue;
      CreateIndex twin;
      twin.table = change_.to;
      std::ranges::copy_if(index.columns, std::back_inserter(twin.columns),
                           [](const std::string& key) { return !key.empty(); });
      twin.unique = index.unique;
      twin.name = name_there(index.name.name);
      twin.constraint = index.constraint.has_value();
      twin.definition = std::string(index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") +
                        quote_identifier(*twin.name) + " ON " + quoted(change_.to) +
                        std::string(split_at(index.definition, " USING ").second);
      put_step(plan_.migrate, place_, std::move(twin));
    }
  }

  /// NOT VALID: enforced for what is written from then on, and true of what is there, as it is in the old table.
  void copy_constraints() {
    for (const ConstraintFacts& one : facts_->constraints) {
      if ((one.type != 'c' && one.type != 'f') || !all_go(one.columns)) continue;
      plan_.contract.allow_silent.push_back(one.name);
      if (is_there()) continue;
      const std::string table = "ALTER TABLE " + quoted(change_.to);
      const std::string name = quote_identifier(name_there(one.name));
      put_step(plan_.contract.steps, place_,
               Sql{table + " ADD CONSTRAINT " + name + " " + one.definition +
                       (one.definition.ends_with(" NOT VALID") ? "" : " NOT VALID"),
                   table + " DROP CONSTRAINT " + name,
                   {}});
    }
  }

  Plan& plan_;
  const ChangePair& change_;
  Place place_;
  std::optional<TableFacts> facts_;  ///< of the old side
  std::optional<TableFacts> to_;
  std::set<std::string> taken_;
};

}  // namespace

void expand_pair(Plan& plan, const ChangePair& change, Place place, const TableLookup& lookup) {
  GoingOver(plan, change, place, lookup).run();
}

}  // namespace switchback::changing
