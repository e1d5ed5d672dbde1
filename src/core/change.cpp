#include "switchback/core/change.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "change_partition.hpp"
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
      put_step(plan_.migrate, place_, twin_index(index, columns_, twin_name(index.name.name, columns_, taken_)));
    }
  }

  /// CHECK and FOREIGN KEY are carried over NOT VALID: enforced for what is written from then on, and true of what is
  /// there, since sync has kept the new column equal to one under the same constraint.
  void copy_constraints() {
    for (const ConstraintFacts& constraint : facts_.constraints) {
      if (!mentions(constraint, column_)) continue;
      if (std::ranges::find(plan_.contract.allow_silent, constraint.name) == plan_.contract.allow_silent.end())
        plan_.contract.allow_silent.push_back(constraint.name);
      if (constraint.type != 'c' && constraint.type != 'f') continue;
      const auto [own, referenced] = split_at(constraint.definition, " REFERENCES ");
      std::string definition = renamed(own, columns_.from, columns_.to) + std::string(referenced);
      if (!definition.ends_with(" NOT VALID")) definition += " NOT VALID";
      const std::string table = "ALTER TABLE " + quoted(columns_.table);
      const std::string name = quote_identifier(twin_name(constraint.name, columns_, taken_));
      put_step(plan_.contract.steps, place_,
               Sql{std::string(table).append(" ADD CONSTRAINT ").append(name).append(" ").append(definition),
                   std::string(table).append(" DROP CONSTRAINT ").append(name),
                   {}});
    }
  }

 private:
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
    } else if (const auto* type = std::get_if<ChangeType>(&change.what)) {
      expand_type(plan, *type, change.place, lookup);
    } else if (const auto* partition = std::get_if<ChangePartition>(&change.what)) {
      expand_partition(plan, *partition, change.place, lookup);
    } else if (const auto* tighten = std::get_if<ChangeTighten>(&change.what)) {
      expand_tighten(plan, *tighten, change.place, lookup);
    } else {
      expand_rename(plan, std::get<ChangeRenameColumn>(change.what), change.place, lookup);
    }
  }
  if (!changes.empty() && plan.contract.steps.empty()) plan.contract = {};  // there is nothing to observe and to soak
  return plan;
}

}  // namespace switchback
