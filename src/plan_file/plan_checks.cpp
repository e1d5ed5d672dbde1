#include "plan_checks.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

namespace switchback::plan_file {
namespace {

using Column = std::pair<TableName, std::string>;

std::string shown_column(const Column& column) {
  return shown(column.first) + "." + shown(column.second);
}

/// Columns that something happens to, with the place where it first does; notes the second time.
class Once {
 public:
  Once(Findings& findings, std::string what, std::string hint)
      : findings_(findings), what_(std::move(what)), hint_(std::move(hint)) {}

  void note(const Column& column, Place place) {
    if (column.first.name.empty() || column.second.empty()) return;  // one that could not be read: noted already
    const auto [first, inserted] = seen_.emplace(column, place);
    if (!inserted)
      findings_.error(place,
                      shown_column(column) + " is " + what_ + ", first in line " + std::to_string(first->second.line),
                      hint_);
  }
  const Place* find(const Column& column) const {
    const auto found = seen_.find(column);
    return found == seen_.end() ? nullptr : &found->second;
  }

 private:
  Findings& findings_;
  std::string what_;
  std::string hint_;
  std::map<Column, Place> seen_;
};

/// Whether `sql` has `column` in it as a word of its own; good enough to tell what an index is meant for.
bool names(std::string_view sql, const std::string& column) {
  const std::string word = shown(std::string_view(column));
  const auto inner = [](char c) { return c == '_' || c == '$' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (std::size_t at = sql.find(word); at != std::string_view::npos; at = sql.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !inner(sql[at - 1])) && (end == sql.size() || !inner(sql[end]))) return true;
  }
  return false;
}

/// Whether a column of the index is made by this plan.
bool makes_any(const CreateIndex& index, const std::vector<Step>& expand) {
  return std::ranges::any_of(expand, [&](const Step& step) {
    if (const auto* table = std::get_if<CreateTable>(&step.action); table && table->name == index.table) return true;
    const auto* add = std::get_if<AddColumn>(&step.action);
    if (add == nullptr || add->table != index.table || add->name.empty()) return false;
    if (index.definition && names(*index.definition, add->name)) return true;
    return std::ranges::any_of(index.columns, [&](const std::string& column) {
      return column == add->name || (column.starts_with('(') && names(column, add->name));
    });
  });
}

void check_indexes(Findings& findings, const std::vector<Step>& steps, const std::vector<Step>& expand) {
  for (const Step& step : steps) {
    const auto* index = std::get_if<CreateIndex>(&step.action);
    if (index == nullptr || !index->unique || makes_any(*index, expand)) continue;
    findings.error(step.place,
                   "create_index: a unique index tightens what the old image may write: it has no place here unless a "
                   "column of it is made by this plan",
                   "build it without unique here");
  }
}

/// What a step drops as a whole, with the kind of step; a table and a view share their names.
std::optional<std::pair<std::string, TableName>> dropped_whole(const Action& action) {
  if (const auto* table = std::get_if<DropTable>(&action)) return {{"relation", table->name}};
  if (const auto* view = std::get_if<DropView>(&action)) return {{"relation", view->name}};
  if (const auto* type = std::get_if<DropType>(&action)) return {{"type", type->name}};
  if (const auto* function = std::get_if<DropFunction>(&action))
    return {{"function(" + function->arguments, function->name}};
  return std::nullopt;
}

/// What goes as a whole goes once, and nothing is done to its parts.
void check_whole(Findings& findings, const Plan& plan) {
  std::map<std::pair<std::string, TableName>, Place> seen;
  for (const Step& step : plan.contract.steps) {
    const auto whole = dropped_whole(step.action);
    if (!whole || whole->second.name.empty()) continue;
    const auto [first, inserted] = seen.emplace(*whole, step.place);
    if (!inserted)
      findings.error(step.place,
                     shown(whole->second) + " is dropped twice, first in line " + std::to_string(first->second.line),
                     "keep one");
  }
  for (const auto* phase : {&plan.expand, &plan.migrate, &plan.contract.steps})
    for (const Step& step : *phase) {
      const TableName* table = table_of(step.action);
      if (table == nullptr || !seen.contains({"relation", *table})) continue;
      findings.error(
          step.place,
          std::string(kind(step.action)) + " works on " + shown(*table) + ", which this plan drops as a whole",
          "leave one of the two steps out: the table goes with all that belongs to it");
    }
}

/// A table that the plan makes is as the plan wants it from the start.
void check_made(Findings& findings, const Plan& plan) {
  std::map<std::pair<std::string, TableName>, Place> seen;
  for (const Step& step : plan.expand) {
    std::optional<std::pair<std::string, TableName>> made;
    if (const auto* table = std::get_if<CreateTable>(&step.action)) made = {"relation", table->name};
    if (const auto* view = std::get_if<CreateView>(&step.action)) made = {"relation", view->name};
    if (const auto* type = std::get_if<CreateEnum>(&step.action)) made = {"type", type->name};
    if (!made || made->second.name.empty()) continue;
    const auto [first, inserted] = seen.emplace(*made, step.place);
    if (!inserted)
      findings.error(step.place,
                     shown(made->second) + " is made twice, first in line " + std::to_string(first->second.line),
                     "keep one");
  }
  for (const auto* phase : {&plan.expand, &plan.migrate, &plan.contract.steps})
    for (const Step& step : *phase) {
      const TableName* table = table_of(step.action);
      if (table == nullptr || !makes_table(plan, *table) || std::holds_alternative<CreateIndex>(step.action)) continue;
      findings.error(step.place,
                     std::string(kind(step.action)) + " works on " + shown(*table) + ", which is made by this plan",
                     "write it into create_table; it has no rows yet");
    }
}

/// Until its table is renamed a view bears the new name; nothing else is done to either meanwhile.
void check_renamed(Findings& findings, const Plan& plan) {
  for (const Step& step : plan.contract.steps) {
    const auto* renamed = std::get_if<RenameTable>(&step.action);
    if (renamed == nullptr || renamed->table.name.empty() || renamed->to.empty()) continue;
    const TableName becomes{renamed->table.schema, renamed->to};
    const bool stands_in = std::ranges::any_of(plan.expand, [&](const Step& one) {
      const auto* view = std::get_if<CreateView>(&one.action);
      return view != nullptr && view->name == becomes && view->like == renamed->table && view->columns.empty() &&
             view->without.empty();
    });
    if (!stands_in)
      findings.error(
          step.place, "rename_table: until the table is renamed a view must bear its new name, for the image after",
          "write under expand: `create_view: { name: " + shown(becomes) + ", like: " + shown(renamed->table) +
              " }`; or the short form, change: [ { rename_table: … } ]");
    for (const auto* phase : {&plan.expand, &plan.migrate, &plan.contract.steps})
      for (const Step& other : *phase) {
        const TableName* table = table_of(other.action);
        if (&other == &step || table == nullptr || (*table != renamed->table && *table != becomes)) continue;
        findings.error(other.place,
                       std::string(kind(other.action)) + " works on " + shown(*table) + ", which this plan renames",
                       "write it into a plan of its own, before or after this one");
      }
  }
}

void check_steps(Findings& findings, const Plan& plan) {
  Once added(findings, "added twice", "keep one");
  Once set(findings, "set by two backfills", "put both into one expression");
  Once reversed(findings, "set by two reverses", "put both into one expression");
  Once dropped(findings, "dropped twice", "keep one");
  for (const Step& step : plan.expand)
    if (const auto* add = std::get_if<AddColumn>(&step.action)) added.note({add->table, add->name}, step.place);
  for (const Step& step : plan.migrate) {
    const auto* backfill = std::get_if<Backfill>(&step.action);
    if (backfill == nullptr) continue;
    for (const auto& [column, sql] : backfill->set) set.note({backfill->table, column}, step.place);
    for (const auto& [column, sql] : backfill->reverse) reversed.note({backfill->table, column}, step.place);
  }
  for (const Step& step : plan.contract.steps) {
    if (const auto* replaced = std::get_if<ReplaceColumn>(&step.action)) {
      dropped.note({replaced->table, replaced->column}, step.place);
      dropped.note({replaced->table, replaced->with}, step.place);
      if (added.find({replaced->table, replaced->column}) != nullptr)
        findings.error(step.place,
                       shown_column({replaced->table, replaced->column}) + " is made by this plan and replaced by it",
                       "replace the old column");
    }
    const auto* drop = std::get_if<DropColumn>(&step.action);
    if (drop == nullptr) continue;
    const Column column{drop->table, drop->name};
    dropped.note(column, step.place);
    if (added.find(column) != nullptr || set.find(column) != nullptr)
      findings.error(step.place, shown_column(column) + " is made or filled by this plan and dropped by it as well",
                     "drop the old column, not the new one");
  }
  check_whole(findings, plan);
  check_made(findings, plan);
  check_renamed(findings, plan);
  check_indexes(findings, plan.expand, plan.expand);
  check_indexes(findings, plan.migrate, plan.expand);
}

const TableName* table_of(const WholeChange& change) {
  return std::visit(
      []<class ChangeKind>(const ChangeKind& one) -> const TableName* {
        if constexpr (requires { one.table; })
          return &one.table;
        else if constexpr (requires { one.tables; })
          return nullptr;  // several
        else if constexpr (requires { one.action; })
          return switchback::table_of(one.action);
        else
          return std::visit([](const auto& rule) { return &rule.table; }, one.rule);
      },
      change);
}

void check_renamed_alone(Findings& findings, const Plan& plan) {
  for (const Change& change : plan.changes) {
    const auto* renamed = std::get_if<ChangeRenameTable>(&change.what);
    if (renamed == nullptr || renamed->table.name.empty()) continue;
    for (const Change& other : plan.changes) {
      const TableName* table = table_of(other.what);
      if (&other == &change || table == nullptr ||
          (*table != renamed->table && *table != TableName{renamed->table.schema, renamed->to}))
        continue;
      findings.error(other.place, shown(*table) + " is renamed by this plan, and something else is done to it",
                     "write it into a plan of its own, before or after this one");
    }
  }
}

void check_changes(Findings& findings, const Plan& plan) {
  Once made(findings, "made twice", "keep one");
  Once taken(findings, "taken away twice", "keep one");
  for (const Change& change : plan.changes) {
    if (const auto* add = std::get_if<ChangeAddColumn>(&change.what)) made.note({add->table, add->name}, change.place);
    if (const auto* drop = std::get_if<ChangeDropColumn>(&change.what))
      taken.note({drop->table, drop->name}, change.place);
    if (const auto* type = std::get_if<ChangeType>(&change.what)) taken.note({type->table, type->column}, change.place);
    if (const auto* rename = std::get_if<ChangeRenameColumn>(&change.what)) {
      made.note({rename->table, rename->to}, change.place);
      taken.note({rename->table, rename->from}, change.place);
    }
    if (const auto* split = std::get_if<ChangeSplitColumn>(&change.what)) {
      for (const auto& [column, sql] : split->into) made.note({split->table, column}, change.place);
      taken.note({split->table, split->from}, change.place);
    }
    if (const auto* merge = std::get_if<ChangeMergeColumns>(&change.what)) {
      made.note({merge->table, merge->into}, change.place);
      for (const std::string& column : merge->from) taken.note({merge->table, column}, change.place);
    }
  }
  for (const Change& change : plan.changes)
    if (const auto* drop = std::get_if<ChangeDropColumn>(&change.what); drop && made.find({drop->table, drop->name}))
      findings.error(change.place, shown_column({drop->table, drop->name}) + " is both made and dropped by this plan",
                     {});
}

}  // namespace

void check_plan(Findings& findings, const Plan& plan) {
  check_steps(findings, plan);
  check_changes(findings, plan);
  check_renamed_alone(findings, plan);
}

}  // namespace switchback::plan_file
