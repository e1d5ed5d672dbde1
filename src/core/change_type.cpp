#include "change_type.hpp"

#include <algorithm>

#include "change_parts.hpp"
#include "change_steps.hpp"

namespace switchback::changing {
namespace {

/// `<column>_new`, unlike any column that the table has.
std::string new_column_name(const std::string& column, const TableFacts* table) {
  std::string name = fit_name(column + "_new");
  for (int number = 2; table != nullptr && table->column(name) != nullptr; ++number)
    name = fit_name(column + "_new" + std::to_string(number));
  return name;
}

class Retyping {
 public:
  Retyping(Plan& plan, const ChangeType& change, Place place, const TableFacts& facts, const ColumnFacts& column)
      : plan_(plan), change_(change), place_(place), facts_(facts), column_(column) {}

  void refuse_what_cannot_go_over() const {
    const std::string why = cannot_be_copied(facts_, column_);
    if (why == "is in the primary key" || why == "is an identity column")
      stop(why,
           "a key has others that point at it: build the new key in a plan of its own (a new column, backfilled, with "
           "its unique index), move what points at it, and swap by hand in a maintenance window");
    if (!why.empty()) stop(why, "move the rows to a table made anew, in a plan of its own");
    if (column_.default_volatile)
      stop(
          "has a default that differs from call to call (a sequence, say), so the two columns would differ in rows "
          "that "
          "name neither",
          "take the default away for the time of the plan and let the application give the value; or write the long "
          "form, with `master: old` in its backfill");
    for (const IndexFacts& index : facts_.indexes)
      if (mentions(index, column_) && index.constraint && (!index.immediate || facts_.kind == 'p'))
        stop("is in the unique constraint " + shown(std::string_view(*index.constraint)) +
                 (facts_.kind == 'p' ? " of a partitioned table" : ", which is deferrable"),
             "such a constraint cannot be made of an index that is there: make it a plain unique index first");
    for (const Step& step : plan_.contract.steps)
      if (const auto* other = std::get_if<ReplaceColumn>(&step.action); other && other->table == change_.table)
        refuse_shared_with(*facts_.column(other->column));
    for (const ConstraintFacts& constraint : facts_.constraints)
      if (constraint.type == 'f' && mentions(constraint, column_) && facts_.kind == 'p')
        stop("is in the foreign key " + shown(std::string_view(constraint.name)) + " of a partitioned table",
             "such a one cannot be added without reading the rows under a lock: drop it for the time of the plan");
  }

  std::vector<std::pair<std::string, std::string>> copy_indexes(const std::string& to) {
    std::vector<std::pair<std::string, std::string>> names;
    std::set<std::string> taken = names_on(facts_);
    const Twins columns{change_.table, change_.column, to};
    for (const IndexFacts& index : facts_.indexes) {
      if (!mentions(index, column_)) continue;
      note_silent(index.name.name);
      if (!index.valid) continue;  // an unfinished build: nothing rests on it
      CreateIndex twin = twin_index(index, columns, twin_name(index.name.name, columns, taken));
      twin.constraint = index.constraint.has_value();
      names.emplace_back(index.name.name, *twin.name);
      put_step(plan_.migrate, place_, std::move(twin));
    }
    for (const ConstraintFacts& constraint : facts_.constraints)
      if (mentions(constraint, column_)) note_silent(constraint.name);
    return names;
  }

 private:
  [[noreturn]] void stop(const std::string& why, const std::string& hint) const {
    refuse_change(plan_, place_,
                  "change_type: " + shown(change_.table) + "." + shown(std::string_view(change_.column)) + " " + why,
                  hint);
  }
  /// One twin of an index takes its place, and that has the new column of one alone.
  void refuse_shared_with(const ColumnFacts& other) const {
    const auto both = [&](const auto& structure) { return mentions(structure, column_) && mentions(structure, other); };
    std::string shared;
    for (const IndexFacts& index : facts_.indexes)
      if (both(index)) shared = "index " + shown(std::string_view(index.name.name));
    for (const ConstraintFacts& constraint : facts_.constraints)
      if (both(constraint)) shared = "constraint " + shown(std::string_view(constraint.name));
    if (!shared.empty())
      stop("is in the " + shared + " together with " + shown(std::string_view(other.name)) +
               ", whose type this plan changes too",
           "change them one after another, in a plan each");
  }
  void note_silent(const std::string& name) {
    std::vector<std::string>& names = plan_.contract.allow_silent;
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }

  Plan& plan_;
  const ChangeType& change_;
  Place place_;
  const TableFacts& facts_;
  const ColumnFacts& column_;
};

}  // namespace

void expand_type(Plan& plan, const ChangeType& change, Place place, const TableLookup& lookup) {
  const auto facts = lookup ? lookup(change.table) : std::nullopt;
  const ColumnFacts* column = facts ? facts->column(change.column) : nullptr;
  if (facts && column == nullptr)
    refuse_change(plan, place,
                  "change_type: " + shown(change.table) + " has no column " + shown(std::string_view(change.column)),
                  "look at its columns with \\d " + shown(change.table));
  const std::string to = new_column_name(change.column, facts ? &*facts : nullptr);
  ReplaceColumn replace{change.table, change.column, to, {}};
  put_step(plan.expand, place, AddColumn{change.table, to, change.to, change.default_value, false, change.column});
  Backfill backfill;
  backfill.table = change.table;
  // Left out, it is an assignment: what the server converts only when asked to is asked for, and nothing is cut.
  backfill.set = {{to, change.fill.value_or(shown(std::string_view(change.column)))}};
  backfill.reverse = {
      {change.column, change.reverse ? renamed(*change.reverse, change.column, to) : shown(std::string_view(to))}};
  put_backfill(plan, place, std::move(backfill));
  if (column != nullptr) {
    Retyping retyping(plan, change, place, *facts, *column);
    retyping.refuse_what_cannot_go_over();
    replace.names = retyping.copy_indexes(to);
  }
  put_step(plan.contract.steps, place, std::move(replace));
}

}  // namespace switchback::changing
