#include <algorithm>

#include "gate_checks.hpp"

namespace switchback::gating {
namespace {

/// Whether triggers keep the plan's two sides in step now, for every row that is written.
bool syncs(State state) {
  switch (state) {
    case State::expanded:
    case State::migrating:
    case State::migrated:
    case State::hiding:
    case State::hidden:
    case State::contracting:
    case State::unhiding:
      return true;
    case State::planned:
    case State::expanding:
    case State::contracted:
    case State::done:
    case State::restoring:
    case State::rolling_back:
    case State::rolled_back:
      return false;
  }
  return false;
}

bool not_made(State state) {
  return state == State::planned || state == State::expanding || state == State::rolling_back ||
         state == State::rolled_back;
}

}  // namespace

bool Checks::reaches(const TableName& planned, const TableName& used) const {
  if (planned == used) return true;
  const auto found = facts_.catalog.find(used);
  return found != facts_.catalog.end() &&
         std::ranges::find(found->second.ancestors, planned) != found->second.ancestors.end();
}

bool Checks::names(const std::vector<PlanEffect::Column>& columns, const TableName& table,
                   std::string_view column) const {
  return std::ranges::any_of(
      columns, [&](const PlanEffect::Column& one) { return one.name == column && reaches(one.table, table); });
}

bool Checks::is_attribute(const TableName& table, std::string_view name) const {
  const auto found = facts_.surroundings.find(image_.name);
  return found != facts_.surroundings.end() && switchback::names(found->second.attributes, table, name);
}

void Checks::table(const TableUse& use) {
  const auto found = facts_.catalog.find(use.table);
  if (found == facts_.catalog.end()) return absent_table(use);
  std::vector<std::string> needed = use.reads;
  for (const auto* list : {&use.writes, &use.supplies})
    for (const std::string& name : *list) note_once(needed, name);
  for (const std::string& name : needed) column(use, found->second, name);
  whole_rows(use);
  unsynced(use);
  inserts(use, found->second);
  through_view(use, found->second);
  conflicts(use, found->second);
  nulls(use, found->second);
  values(use, found->second);
}

void Checks::absent_table(const TableUse& use) {
  for (const GatePlan& plan : facts_.plans)
    if (std::ranges::find(plan.effect.takes_relations, use.table) != plan.effect.takes_relations.end() &&
        takes_now(plan))
      return refuse(shown_table(use.table), "it was taken away: " + in_state(plan), &plan);
  for (const GatePlan& plan : facts_.plans)
    if (std::ranges::find(plan.effect.makes_relations, use.table) != plan.effect.makes_relations.end() && plan.state &&
        not_made(*plan.state))
      return refuse(shown_table(use.table), "it is not there: " + in_state(plan), &plan);
  refuse(shown_table(use.table), "there is no such table or view, and no plan has taken it away", nullptr);
}

void Checks::column(const TableUse& use, const CatalogTable& table, const std::string& name) {
  const CatalogColumn* there = find(table, name);
  if (!there && is_attribute(use.table, name)) return;
  if (!there) return absent_column(use.table, name);
  present_column(use.table, name);
  for (const auto& [column, type] : use.types)
    if (column == name && type != there->type) {
      const GatePlan* by = whoever_swapped(use.table, name);
      refuse(shown_column(use.table, name),
             "it is of type " + there->type + ", the image takes it for " + type + (by ? ": " + in_state(*by) : ""),
             by);
    }
}

void Checks::absent_column(const TableName& table, const std::string& name) {
  const std::string shown = shown_column(table, name);
  // The latest plan first: it is the one to turn back first.
  for (auto plan = facts_.plans.rbegin(); plan != facts_.plans.rend(); ++plan) {
    if (!plan->state) continue;
    if (names(plan->effect.takes, table, name) && takes_now(*plan))
      return refuse(shown, "it is out of reach: " + in_state(*plan), &*plan);
    if (names(plan->effect.adds, table, name) && not_made(*plan->state))
      return refuse(shown, "it is not there: " + in_state(*plan), &*plan);
  }
  refuse(shown, "there is no such column, and no plan has taken it away", nullptr);
}

void Checks::present_column(const TableName& table, const std::string& name) {
  const std::string shown = shown_column(table, name);
  for (const GatePlan& plan : facts_.plans) {
    if (!plan.state) continue;
    const bool added = names(plan.effect.adds, table, name);
    const bool filled = names(plan.effect.fills, table, name);
    if (filled &&
        (*plan.state == State::expanding || *plan.state == State::expanded || *plan.state == State::migrating))
      refuse(shown, "rows are not filled yet: " + in_state(plan), &plan);
    if (added && *plan.state == State::rolling_back)
      refuse(shown, "it is being taken away again: " + in_state(plan), &plan);
    const bool moving =
        *plan.state == State::hiding || *plan.state == State::unhiding || *plan.state == State::restoring;
    const bool taken = names(plan.effect.takes, table, name);
    if (names(plan.effect.swaps, table, name) && takes_now(plan) && side_of(plan) == Side::before)
      refuse(shown, "a column of another type bears its name: " + in_state(plan), &plan);
    if (taken && moving) refuse(shown, "it is on its way: " + in_state(plan), &plan);
    if (taken && plan.browned)
      reasons_.push_back({shown, "a brownout has taken it from everybody, until its stretch is over", plan.name,
                          "switchback pause " + plan.name + " --reason rollback", 1, false});
  }
}

void Checks::whole_rows(const TableUse& use) {
  const bool counts = (use.reads_all && !image_.footprint.star_tolerated) || use.writes_all;
  if (!counts) return;
  for (const GatePlan& plan : facts_.plans) {
    if (!takes_now(plan)) continue;
    for (const PlanEffect::Column& taken : plan.effect.takes) {
      if (!reaches(taken.table, use.table)) continue;
      const std::string shown = shown_column(use.table, taken.name);
      const std::string why = "the image uses every column of the table, and " + in_state(plan);
      switch (side_of(plan)) {
        case Side::after:
          break;
        case Side::before:
          refuse(shown, why, &plan);
          break;
        case Side::unknown:
          doubt(shown, why + "; whether it is older than the change is not known", &plan);
      }
    }
  }
}

/// A plan that took nothing away has left both sides there, and its sync is gone: what one side's image writes, the
/// other's does not read.
void Checks::unsynced(const TableUse& use) {
  for (const GatePlan& plan : facts_.plans) {
    if (plan.state != State::done || plan.takes_away) continue;
    const Side side = side_of(plan);
    if (side == Side::after) continue;
    for (const SyncedColumns& pair : plan.effect.synced) {
      const auto uses = [&use](const std::string& column) {
        return contains(use.reads, column) || contains(use.writes, column);
      };
      if (!reaches(pair.table, use.table) || std::ranges::any_of(pair.new_side, uses)) continue;
      const auto old = std::ranges::find_if(pair.old_side, uses);
      if (old == pair.old_side.end()) continue;
      const std::string why =
          in_state(plan) + ", and nothing keeps it in step with " + pair.new_side.front() + " any more";
      if (side == Side::before)
        refuse(shown_column(use.table, *old), why, &plan);
      else
        doubt(shown_column(use.table, *old), why + "; whether the image is older than that is not known", &plan);
    }
  }
}

/// What an insert of the image gives a value to, by itself, by a default, and through sync: from one side of a pair to
/// the other, and on from there by the next plan's.
std::vector<std::string> Checks::filled(const TableUse& use) const {
  std::vector<std::string> columns = use.supplies;
  if (const auto table = facts_.catalog.find(use.table);
      use.insert != InsertForm::none && table != facts_.catalog.end())
    for (const CatalogColumn& column : table->second.columns)
      if (column.has_value) note_once(columns, column.name);
  const auto spread = [&columns](const std::vector<std::string>& from, const std::vector<std::string>& to) {
    if (std::ranges::none_of(from, [&](const std::string& one) { return contains(columns, one); })) return;
    for (const std::string& one : to) note_once(columns, one);
  };
  for (std::size_t before = 0; before != columns.size();) {
    before = columns.size();
    for (const GatePlan& plan : facts_.plans)
      for (const SyncedColumns& pair : plan.effect.synced) {
        if (!plan.state || !syncs(*plan.state) || !reaches(pair.table, use.table)) continue;
        spread(pair.old_side, pair.new_side);
        spread(pair.new_side, pair.old_side);
      }
  }
  return columns;
}

void Checks::inserts(const TableUse& use, const CatalogTable& table) {
  if (use.insert == InsertForm::none || image_.footprint.partial) return;
  if (use.insert != InsertForm::named) positions(use, table);
  if (use.writes_all) return;
  const std::vector<std::string> given = filled(use);
  for (const GatePlan& plan : facts_.plans)
    for (const PlanEffect::Column& column : plan.effect.undefaults)
      if (takes_now(plan) && reaches(column.table, use.table) && side_of(plan) != Side::after &&
          !contains(use.supplies, column.name))
        refuse(shown_column(use.table, column.name),
               "its default is gone, and the image's inserts leave it out: " + in_state(plan), &plan);
  for (const CatalogColumn& column : table.columns) {
    const bool ours = column.name.starts_with("_switchback_");
    if (!column.not_null || column.has_value || ours || contains(given, column.name)) continue;
    const GatePlan* by = nullptr;
    for (const GatePlan& plan : facts_.plans)
      if (takes_now(plan) && names(plan.effect.tightens, use.table, column.name)) by = &plan;
    refuse(shown_column(use.table, column.name),
           "it takes no NULL and has no default, and the image's inserts leave it out" +
               (by ? ": " + in_state(*by) : std::string("; where it never inserts, its manifest says insert: false")),
           by);
  }
}

/// The plan whose doing it is that the table's columns are not in the order they had.
const GatePlan* Checks::whoever_moved(const TableName& table) const {
  const GatePlan* last = nullptr;
  const auto concerns = [&](const std::vector<PlanEffect::Column>& columns) {
    return std::ranges::any_of(columns, [&](const PlanEffect::Column& one) { return reaches(one.table, table); });
  };
  for (const GatePlan& plan : facts_.plans)
    if (in_force(plan) && (concerns(plan.effect.takes) || concerns(plan.effect.adds) || concerns(plan.effect.swaps)))
      last = &plan;
  return last;
}

/// The plan that has put a column of another type under this name.
const GatePlan* Checks::whoever_swapped(const TableName& table, std::string_view column) const {
  const GatePlan* last = nullptr;
  for (const GatePlan& plan : facts_.plans)
    if (takes_now(plan) && names(plan.effect.swaps, table, column)) last = &plan;
  return last;
}

void Checks::positions(const TableUse& use, const CatalogTable& table) {
  const GatePlan* moved = whoever_moved(use.table);
  const std::string how = use.insert == InsertForm::copy ? "COPY" : "INSERT";
  if (use.positions.empty()) {
    if (moved)
      doubt(shown_table(use.table), how + " by position, into columns that are not known, and " + in_state(*moved),
            moved, "list the columns in order as `write` in the manifest of " + image_.name);
    return;
  }
  std::vector<std::string> now;
  for (const CatalogColumn& column : table.columns)
    if (!(use.insert == InsertForm::copy && column.generated)) now.push_back(column.name);
  const bool fits =
      use.insert == InsertForm::copy
          ? now == use.positions
          : now.size() >= use.positions.size() && std::equal(use.positions.begin(), use.positions.end(), now.begin());
  if (!fits)
    refuse(shown_table(use.table),
           "the image inserts by position (" + how + " without columns), and the columns have another order now" +
               (moved ? ": " + in_state(*moved) : ""),
           moved);
}

}  // namespace switchback::gating
