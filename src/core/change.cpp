#include "switchback/core/change.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "change_parts.hpp"
#include "change_tighten.hpp"
#include "switchback/core/error.hpp"

namespace switchback {
namespace {

bool word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

void skip_spaces(std::string_view& text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
}

std::string_view take_word(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && word_character(text[length])) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

/// The length of the quoted piece that `text` begins with, its doubled quotes included; npos when it never ends.
std::size_t quoted_length(std::string_view text, bool backslashes) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (backslashes && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (i + 1 >= text.size() || text[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return std::string_view::npos;
}

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

// --- a column's name in SQL that the server deparsed ---------------------------------------------------------------

/// `sql` with each reference to column `from` written as `to`. Deparsed index and constraint texts name columns bare,
/// so a word behind a dot, a cast or COLLATE, or before a parenthesis or a dot, is something else of that name.
std::string renamed(std::string_view sql, const std::string& from, const std::string& to) {
  std::string result;
  std::string previous;  // the token before
  while (!sql.empty()) {
    std::string token(1, sql.front());
    bool same = false;
    if (sql.front() == '\'' || sql.front() == '"') {
      const std::size_t length = quoted_length(sql, sql.front() == '\'' && (previous == "E" || previous == "e"));
      token = std::string(sql.substr(0, length));
      same = token == quote_identifier(from);
    } else if (word_character(sql.front())) {
      std::string_view rest = sql;
      token = std::string(take_word(rest));
      same = lower(token) == from && shown(from) == from;
    }
    sql.remove_prefix(token.size());
    const bool elsewhere = previous == "." || previous == ":" || lower(previous) == "collate" || sql.starts_with('(') ||
                           sql.starts_with('.');
    result += same && !elsewhere ? shown(to) : token;
    if (token != " ") previous = token;
  }
  return result;
}

/// Splits at the first ` word ` that stands outside quotes; the word stays with the second half.
std::pair<std::string_view, std::string_view> split_at(std::string_view sql, std::string_view word) {
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] == '"' || sql[i] == '\'') {
      const std::size_t length = quoted_length(sql.substr(i), false);
      if (length == std::string_view::npos) break;
      i += length - 1;
    } else if (sql.substr(i).starts_with(word)) {
      return {sql.substr(0, i), sql.substr(i)};
    }
  }
  return {sql, {}};
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
  // Set apart from ADD COLUMN, which would rewrite the table to evaluate it for each row.
  if (add.default_value) put_step(plan.expand, place, SetDefault{add.table, add.name, *add.default_value});
  Backfill backfill;
  backfill.table = add.table;
  backfill.set = {{add.name, add.fill ? *add.fill : *add.default_value}};
  put_backfill(plan, place, std::move(backfill));
  if (add.not_null) put_step(plan.contract.steps, place, SetNotNull{add.table, add.name});
}

/// A name like `old_name` for the twin on the new column, unlike any in `taken`, where it is then put.
std::string twin_name(const std::string& old_name, const ChangeRenameColumn& rename, std::set<std::string>& taken) {
  std::string wanted = old_name + "_" + rename.to;
  if (const auto at = old_name.find(rename.from); at != std::string::npos)
    wanted = std::string(old_name).replace(at, rename.from.size(), rename.to);
  std::string name = fit_name(wanted);
  for (int number = 1; !taken.insert(name).second; ++number) name = fit_name(wanted + std::to_string(number));
  return name;
}

class Rename {
 public:
  Rename(Plan& plan, const ChangeRenameColumn& rename, Place place, const TableFacts& facts, const ColumnFacts& column)
      : plan_(plan), rename_(rename), place_(place), facts_(facts), column_(column) {
    for (const IndexFacts& index : facts.indexes) taken_.insert(index.name.name);
    for (const ConstraintFacts& constraint : facts.constraints) taken_.insert(constraint.name);
  }

  void refuse_what_cannot_be_copied() const {
    const std::string column = shown(rename_.table) + "." + shown(rename_.from);
    const std::string hint = "write the plan in its long form; `switchback explain --yaml` shows one for other columns";
    const auto stop = [&](const std::string& why) {
      refuse_change(plan_, place_, "rename_column: " + column + " " + why, hint);
    };
    if (column_.generated || column_.identity)
      stop(column_.generated ? "is a generated column" : "is an identity column");
    if (std::ranges::find(facts_.partition_key, rename_.from) != facts_.partition_key.end())
      stop("is in the partition key");
    for (const IndexFacts& index : facts_.indexes)
      if (index.primary && mentions(index)) stop("is in the primary key");
    for (const ConstraintFacts& constraint : facts_.constraints)
      if (constraint.type == 'x' && mentions(constraint))
        stop("is in the exclusion constraint " + shown(constraint.name));
  }

  void copy_indexes() {
    for (const IndexFacts& index : facts_.indexes) {
      if (!mentions(index)) continue;
      plan_.contract.allow_silent.push_back(index.name.name);
      if (!index.valid) continue;  // an unfinished build: nothing rests on it
      const std::string name = twin_name(index.name.name, rename_, taken_);
      const auto [head, tail] = split_at(index.definition, " USING ");
      const auto table = split_at(head, " ON ").second;
      CreateIndex create;
      create.table = rename_.table;
      for (const std::string& key : index.columns)
        if (!key.empty()) create.columns.push_back(key == rename_.from ? rename_.to : key);
      create.unique = index.unique;
      create.name = name;
      create.definition = std::string(index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") +
                          quote_identifier(name) + std::string(table) + renamed(tail, rename_.from, rename_.to);
      put_step(plan_.migrate, place_, std::move(create));
    }
  }

  /// CHECK and FOREIGN KEY are carried over NOT VALID: enforced for what is written from then on, and true of what is
  /// there, since sync has kept the new column equal to one under the same constraint.
  void copy_constraints() {
    for (const ConstraintFacts& constraint : facts_.constraints) {
      if (!mentions(constraint)) continue;
      if (std::ranges::find(plan_.contract.allow_silent, constraint.name) == plan_.contract.allow_silent.end())
        plan_.contract.allow_silent.push_back(constraint.name);
      if (constraint.type != 'c' && constraint.type != 'f') continue;
      const auto [own, referenced] = split_at(constraint.definition, " REFERENCES ");
      std::string definition = renamed(own, rename_.from, rename_.to) + std::string(referenced);
      if (!definition.ends_with(" NOT VALID")) definition += " NOT VALID";
      const std::string table = "ALTER TABLE " + quoted(rename_.table);
      const std::string name = quote_identifier(twin_name(constraint.name, rename_, taken_));
      put_step(plan_.contract.steps, place_,
               Sql{std::string(table).append(" ADD CONSTRAINT ").append(name).append(" ").append(definition),
                   std::string(table).append(" DROP CONSTRAINT ").append(name),
                   {}});
    }
  }

 private:
  bool mentions(const IndexFacts& index) const {
    return std::ranges::find(index.mentions, column_.number) != index.mentions.end() ||
           std::ranges::find(index.columns, rename_.from) != index.columns.end();
  }
  bool mentions(const ConstraintFacts& constraint) const {
    return std::ranges::find(constraint.columns, rename_.from) != constraint.columns.end();
  }

  Plan& plan_;
  const ChangeRenameColumn& rename_;
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
    } else if (const auto* tighten = std::get_if<ChangeTighten>(&change.what)) {
      expand_tighten(plan, *tighten, change.place, lookup);
    } else if (const auto* one = std::get_if<ChangeStep>(&change.what)) {
      expand_step(plan, *one, change.place);
    } else {
      expand_rename(plan, std::get<ChangeRenameColumn>(change.what), change.place, lookup);
    }
  }
  if (!changes.empty() && plan.contract.steps.empty()) plan.contract = {};  // there is nothing to observe and to soak
  return plan;
}

}  // namespace switchback
