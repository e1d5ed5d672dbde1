#include <algorithm>

#include "gate_checks.hpp"

namespace switchback::gating {
namespace {

/// As the server infers it (plancat.c, infer_arbiter_indexes): the same columns, whatever their order. Whether an
/// expression or a predicate is the same one is not looked at. A deferrable one is refused when the statement runs.
bool fits(const CatalogKey& key, const ConflictTarget& target) {
  if (key.deferrable) return false;
  if (!target.constraint.empty()) return key.constraint == target.constraint;
  return key.unique && key.columns == target.columns && (!key.partial || target.predicate);
}

std::string shown_target(const ConflictTarget& target) {
  if (!target.constraint.empty()) return "ON CONFLICT ON CONSTRAINT " + shown(std::string_view(target.constraint));
  std::string list;
  for (const std::string& column : target.columns)
    list += (list.empty() ? "" : ", ") + (column.empty() ? "an expression" : shown(std::string_view(column)));
  return "ON CONFLICT (" + list + ")";
}

}  // namespace

/// By the constraint's name, else by what it takes in the table's schema.
const GatePlan* Checks::whoever_took(const TableName& table, const ConflictTarget& target) const {
  for (auto plan = facts_.plans.rbegin(); plan != facts_.plans.rend(); ++plan) {
    if (!takes_now(*plan)) continue;
    const bool its = std::ranges::any_of(plan->effect.takes_keys, [&](const TableName& key) {
      return key.schema == table.schema && (target.constraint.empty() || key.name == target.constraint);
    });
    const bool name = std::ranges::any_of(plan->effect.renames_keys, [&](const TableName& key) {
      return key.schema == table.schema && key.name == target.constraint;
    });
    const bool column = std::ranges::any_of(
        target.columns, [&](const std::string& one) { return names(plan->effect.takes, table, one); });
    if (its || name || column) return &*plan;
  }
  return nullptr;
}

/// What PostgreSQL does to no view: the image has to wait until the table itself has got the name.
void Checks::through_view(const TableUse& use, const CatalogTable& table) {
  if (!table.view) return;
  for (const GatePlan& plan : facts_.plans) {
    const auto stands_in = [&](const PlanEffect::Rename& one) {
      return TableName{one.table.schema, one.to} == use.table;
    };
    if (!plan.state || std::ranges::none_of(plan.effect.renames, stands_in)) continue;
    const std::string why = " a view, which the table's new name is until it is renamed: " + in_state(plan);
    if (use.insert == InsertForm::copy)
      refuse(shown_table(use.table), "the image copies into it, and that cannot be done to" + why, &plan);
    for (const ConflictTarget& target : use.conflicts)
      if (!target.constraint.empty())
        refuse(shown_table(use.table), shown_target(target) + " is not found through" + why, &plan);
  }
}

void Checks::conflicts(const TableUse& use, const CatalogTable& table) {
  if (!table.keys) return;
  for (const ConflictTarget& target : use.conflicts) {
    if (std::ranges::any_of(*table.keys, [&](const CatalogKey& key) { return fits(key, target); })) continue;
    const GatePlan* by = whoever_took(use.table, target);
    refuse(shown_table(use.table),
           shown_target(target) + " has no " + (target.constraint.empty() ? "unique index" : "constraint") +
               " that it can rest on" + (by ? ": " + in_state(*by) : ""),
           by);
  }
}

/// A literal NULL is certain. What comes in a parameter is not known, and only worth a note: the image after the change
/// may well write nothing but values.
void Checks::nulls(const TableUse& use, const CatalogTable& table) {
  for (const CatalogColumn& column : table.columns) {
    if (!column.not_null) continue;
    const GatePlan* by = nullptr;
    for (const GatePlan& plan : facts_.plans)
      if (takes_now(plan) && names(plan.effect.tightens, use.table, column.name)) by = &plan;
    const std::string shown = shown_column(use.table, column.name);
    if (contains(use.nulls, column.name))
      refuse(shown, "the image writes NULL there, and it takes none" + (by ? ": " + in_state(*by) : ""), by);
    else if (by && (use.writes_all || contains(use.writes, column.name)) && side_of(*by) != Side::after)
      notes_.push_back(shown + " takes no NULL: " + in_state(*by) +
                       "; the image writes there, and if that can be NULL, it fails");
  }
}

}  // namespace switchback::gating
