#include "switchback/core/change.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "change_enum.hpp"
#include "change_parts.hpp"
#include "change_steps.hpp"
#include "change_tighten.hpp"
#include "change_type.hpp"
#include "switchback/core/batched.hpp"
#include "switchback/core/error.hpp"

namespace switchback {

using namespace changing;

namespace {

bool take_literal(std::string_view& text) {
  if (text.empty()) return false;
  const bool escaped = text.size() > 1 && (text.front() == 'E' || text.front() == 'e') && text[1] == '\'';
  if (escaped) text.remove_prefix(1);
  if (text.front() == '\'') {
    const std::size_t length = quoted_length(text, escaped);
    if (length == std::string_view::npos) return false;
    text.remove_prefix(length);
    return true;
  }
  if (text.front() == '-' || text.front() == '+') text.remove_prefix(1);
  if (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0) {
    std::size_t length = 0;
    while (length < text.size() && (std::isdigit(static_cast<unsigned char>(text[length])) != 0 || text[length] == '.'))
      ++length;
    text.remove_prefix(length);
    return text.empty() || !word_character(text.front());
  }
  const std::string word = lower(take_word(text));
  return word == "true" || word == "false" || word == "null";
}

/// A type name behind `::`, with its modifier and brackets.
bool take_type(std::string_view& text) {
  constexpr std::array more_words = {"precision", "varying", "with", "without", "time", "zone"};
  skip_spaces(text);
  while (true) {
    if (!text.empty() && text.front() == '"') {
      const std::size_t length = quoted_length(text, false);
      if (length == std::string_view::npos) return false;
      text.remove_prefix(length);
    } else if (take_word(text).empty()) {
      return false;
    }
    if (text.empty() || text.front() != '.') break;
    text.remove_prefix(1);
  }
  while (true) {
    skip_spaces(text);
    std::string_view rest = text;
    if (text.starts_with('(')) {
      const std::size_t end = text.find_first_not_of("0123456789, ", 1);
      if (end == std::string_view::npos || text[end] != ')') return false;
      text.remove_prefix(end + 1);
    } else if (text.starts_with("[]")) {
      text.remove_prefix(2);
    } else if (const auto word = lower(take_word(rest)); std::ranges::find(more_words, word) != more_words.end()) {
      text = rest;
    } else {
      return true;
    }
  }
}

// --- the kinds of change
// ----------------------------------------------------------------------------------------

}  // namespace

void refuse_change(const Plan& plan, Place place, const std::string& message, const std::string& hint) {
  const std::string at =
      plan.file.empty() ? "" : plan.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
  throw Error(Exit::invalid, Remedy::person, at + message, hint);
}

void put_step(std::vector<Step>& steps, Place place, Action action) {
  steps.push_back({std::move(action), place});
}

void put_backfill(Plan& plan, Place place, Backfill backfill) {
  for (Step& step : plan.migrate)
    if (auto* there = std::get_if<Backfill>(&step.action); there && there->table == backfill.table) {
      there->set.insert(there->set.end(), backfill.set.begin(), backfill.set.end());
      there->reverse.insert(there->reverse.end(), backfill.reverse.begin(), backfill.reverse.end());
      if (!there->reverse_none) there->reverse_none = backfill.reverse_none;
      if (there->reverse_none && !there->reverse.empty())
        refuse_change(plan, place, "one change of " + shown(backfill.table) + " has a reverse, and another has none",
                      "give each a plan of its own: their columns share one sync");
      return;
    }
  put_step(plan.migrate, place, std::move(backfill));
}

SqlBatched evaluated_default(const ChangeAddColumn& add) {
  const std::string column = quote_identifier(add.name);
  SqlBatched fill;
  fill.table = add.table;
  fill.run = "UPDATE " + quoted(add.table) + " AS t SET " + column + " = (" + *add.default_value + ") WHERE " +
             std::string(batch_rows) + " AND t." + column + " IS NULL";
  fill.irreversible = "the values go with their column";
  return fill;
}

namespace {

void expand_add(Plan& plan, const ChangeAddColumn& add, Place place) {
  const bool constant = add.default_value && is_constant(*add.default_value);
  if (add.fill && add.default_value)
    refuse_change(plan, place, "add_column: fill and default exclude one another",
                  "use fill for a value from the row, default for one that new rows get as well");
  if (constant || (!add.fill && !add.default_value)) {
    if (add.not_null && !constant)
      refuse_change(plan, place, "add_column: not_null needs a default or a fill",
                    "add default: \"''\" or fill: an expression over the row");
    put_step(plan.expand, place, AddColumn{add.table, add.name, add.type, add.default_value, add.not_null, {}});
    return;
  }
  put_step(plan.expand, place, AddColumn{add.table, add.name, add.type, {}, false, {}});
  if (add.default_value) {
    // Set apart from ADD COLUMN, which would rewrite the table to evaluate it for each row.
    put_step(plan.expand, place, SetDefault{add.table, add.name, *add.default_value});
    put_step(plan.migrate, place, evaluated_default(add));
  } else {
    Backfill backfill;
    backfill.table = add.table;
    backfill.set = {{add.name, *add.fill}};
    put_backfill(plan, place, std::move(backfill));
  }
  if (add.not_null) put_step(plan.contract.steps, place, SetNotNull{add.table, add.name});
}

class Rename {
 public:
  Rename(Plan& plan, const ChangeRenameColumn& rename, Place place, const TableFacts& facts, const ColumnFacts& column)
      : plan_(plan),
        columns_{rename.table, rename.from, rename.to},
        place_(place),
        facts_(facts),
        column_(column),
        taken_(names_on(facts)) {}

  void refuse_what_cannot_be_copied() const {
    if (const std::string why = cannot_be_copied(facts_, column_); !why.empty())
      refuse_change(plan_, place_, "rename_column: " + shown(columns_.table) + "." + shown(columns_.from) + " " + why,
                    "write the plan in its long form; `switchback explain --yaml` shows one for other columns");
  }

  void copy_indexes() {
    for (const IndexFacts& index : facts_.indexes) {
      if (!mentions(index, column_)) continue;
      plan_.contract.allow_silent.push_back(index.name.name);
      if (!index.valid) continue;  // an unfinished build: nothing rests on it
      CreateIndex twin = twin_index(index, columns_, twin_name(index.name.name, columns_, taken_));
      // A deferrable constraint, and one of a partitioned table, cannot be made of an index that is there.
      twin.constraint = index.constraint.has_value() && index.immediate && facts_.kind != 'p';
      put_step(plan_.migrate, place_, std::move(twin));
    }
  }

  /// CHECK and FOREIGN KEY constraints are rules of the contract, as one that is added is: enforced when hiding,
  /// validated before the drop. What was not validated, or says more than a rule can, is carried over as it is, NOT
  /// VALID.
  void copy_constraints() {
    for (const ConstraintFacts& constraint : facts_.constraints) {
      if (!mentions(constraint, column_)) continue;
      if (std::ranges::find(plan_.contract.allow_silent, constraint.name) == plan_.contract.allow_silent.end())
        plan_.contract.allow_silent.push_back(constraint.name);
      if (constraint.type != 'c' && constraint.type != 'f') continue;
      const std::string name = twin_name(constraint.name, columns_, taken_);
      if (auto rule = constraint.validated ? as_rule(constraint, name) : std::nullopt)
        put_step(plan_.contract.steps, place_, std::move(*rule));
      else
        copy_as_it_is(constraint, name);
    }
  }

 private:
  std::optional<Action> as_rule(const ConstraintFacts& constraint, const std::string& name) const {
    if (constraint.type == 'f') return as_foreign_key(constraint, name);
    constexpr std::string_view head = "CHECK (";
    const std::string_view definition = constraint.definition;
    if (!definition.starts_with(head) || !definition.ends_with(')')) return std::nullopt;  // NO INHERIT
    const std::string_view check = definition.substr(head.size(), definition.size() - head.size() - 1);
    return AddCheck{columns_.table, renamed(check, columns_.from, columns_.to), name};
  }

  std::optional<Action> as_foreign_key(const ConstraintFacts& constraint, const std::string& name) const {
    auto key = foreign_key(constraint.definition);
    if (!key || facts_.kind == 'p') return std::nullopt;
    key->table = columns_.table;
    key->columns = constraint.columns;
    std::ranges::replace(key->columns, columns_.from, columns_.to);
    key->name = name;
    return *key;
  }

  void copy_as_it_is(const ConstraintFacts& constraint, const std::string& name) {
    const auto [own, referenced] = split_at(constraint.definition, " REFERENCES ");
    std::string definition = renamed(own, columns_.from, columns_.to) + std::string(referenced);
    if (!definition.ends_with(" NOT VALID")) definition += " NOT VALID";
    const std::string table = "ALTER TABLE " + quoted(columns_.table);
    put_step(plan_.contract.steps, place_,
             Sql{table + " ADD CONSTRAINT " + quote_identifier(name) + " " + definition,
                 table + " DROP CONSTRAINT " + quote_identifier(name),
                 {}});
  }

  Plan& plan_;
  Twins columns_;
  Place place_;
  const TableFacts& facts_;
  const ColumnFacts& column_;
  std::set<std::string> taken_;
};

void expand_rename(Plan& plan, const ChangeRenameColumn& rename, Place place, const TableLookup& lookup) {
  put_step(plan.expand, place, AddColumn{rename.table, rename.to, {}, {}, false, rename.from});
  Backfill backfill;
  backfill.table = rename.table;
  backfill.set = {{rename.to, shown(rename.from)}};
  backfill.reverse = {{rename.from, shown(rename.to)}};
  put_backfill(plan, place, std::move(backfill));
  if (const auto facts = lookup ? lookup(rename.table) : std::nullopt) {
    const auto column = std::ranges::find(facts->columns, rename.from, &ColumnFacts::name);
    if (column == facts->columns.end())
      refuse_change(plan, place, "rename_column: " + shown(rename.table) + " has no column " + shown(rename.from),
                    "look at its columns with \\d " + shown(rename.table));
    if (column->default_volatile)
      refuse_change(plan, place,
                    "rename_column: the default of " + shown(rename.from) +
                        " differs from call to call, so the two columns would differ in rows that name neither",
                    "write the long form, with `master: old` or `master: new` in its backfill");
    Rename copy(plan, rename, place, *facts, *column);
    copy.refuse_what_cannot_be_copied();
    copy.copy_indexes();
    copy.copy_constraints();
    if (column->not_null) put_step(plan.contract.steps, place, SetNotNull{rename.table, rename.to});
  }
  put_step(plan.contract.steps, place, DropColumn{rename.table, rename.from, {}});
}

/// An index on the new column takes the name of one that goes with a replaced column: that cannot be dropped as well.
void refuse_dropped_twins(const Plan& plan) {
  for (const Step& step : plan.contract.steps) {
    const auto* replace = std::get_if<ReplaceColumn>(&step.action);
    for (const Step& other : plan.contract.steps) {
      const auto* index = std::get_if<DropIndex>(&other.action);
      if (replace == nullptr || index == nullptr || index->name.schema != replace->table.schema) continue;
      if (std::ranges::any_of(replace->names, [&](const auto& pair) { return pair.first == index->name.name; }))
        refuse_change(plan, other.place,
                      "drop_index: " + shown(index->name) + " is an index of " + shown(replace->table) + "." +
                          shown(std::string_view(replace->column)) +
                          ", which this plan replaces: one on the new column takes its name",
                      "drop it in a plan before this one");
    }
  }
}

}  // namespace

bool is_constant(std::string_view sql) {
  skip_spaces(sql);
  if (!take_literal(sql)) return false;
  skip_spaces(sql);
  while (sql.starts_with("::")) {
    sql.remove_prefix(2);
    if (!take_type(sql)) return false;
    skip_spaces(sql);
  }
  return sql.empty();
}

Plan expand_changes(Plan plan, const TableLookup& lookup) {
  const std::vector<Change> changes = std::exchange(plan.changes, {});
  for (const Change& change : changes) {
    if (const auto* add = std::get_if<ChangeAddColumn>(&change.what)) {
      expand_add(plan, *add, change.place);
    } else if (const auto* drop = std::get_if<ChangeDropColumn>(&change.what)) {
      put_step(plan.contract.steps, change.place, DropColumn{drop->table, drop->name, drop->born_since});
    } else if (const auto* split = std::get_if<ChangeSplitColumn>(&change.what)) {
      expand_split(plan, *split, change.place);
    } else if (const auto* merge = std::get_if<ChangeMergeColumns>(&change.what)) {
      expand_merge(plan, *merge, change.place);
    } else if (const auto* one = std::get_if<ChangeStep>(&change.what)) {
      expand_step(plan, *one, change.place);
    } else if (const auto* renamed = std::get_if<ChangeRenameTable>(&change.what)) {
      CreateView view;
      view.name = {renamed->table.schema, renamed->to};
      view.like = renamed->table;
      put_step(plan.expand, change.place, std::move(view));
      put_step(plan.contract.steps, change.place, RenameTable{renamed->table, renamed->to});
    } else if (const auto* values = std::get_if<ChangeReplaceEnum>(&change.what)) {
      expand_enum(plan, *values, change.place, lookup);
    } else if (const auto* type = std::get_if<ChangeType>(&change.what)) {
      expand_type(plan, *type, change.place, lookup);
    } else if (const auto* tighten = std::get_if<ChangeTighten>(&change.what)) {
      expand_tighten(plan, *tighten, change.place, lookup);
    } else {
      expand_rename(plan, std::get<ChangeRenameColumn>(change.what), change.place, lookup);
    }
  }
  refuse_dropped_twins(plan);
  if (!changes.empty() && plan.contract.steps.empty()) plan.contract = {};  // there is nothing to observe and to soak
  return plan;
}

}  // namespace switchback
