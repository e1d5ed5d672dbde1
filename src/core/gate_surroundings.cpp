#include <algorithm>

#include "gate_checks.hpp"

namespace switchback::gating {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool writes(const TableUse& use, const std::string& column) {
  return use.writes_all || contains(use.writes, column) || contains(use.supplies, column);
}

bool reads(const TableUse& use, const std::string& column) {
  return use.reads_all || contains(use.reads, column);
}

}  // namespace

const TableUse* Checks::use_of_table(const TableName& table) const {
  const auto found = std::ranges::find(image_.footprint.tables, table, &TableUse::table);
  return found == image_.footprint.tables.end() ? nullptr : &*found;
}

void Checks::surroundings(const ImageSurroundings& found) {
  if (found.no_role) refuse("", "the role " + image_.footprint.role + ", as which it runs, is not there", nullptr);
  for (const ImageSurroundings::Denied& one : found.denied) denied(one);
  for (const TableName& object : found.absent_functions) absent_object(object, true);
  for (const TableName& object : found.absent_types) absent_object(object, false);
  if (image_.footprint.partial) return;
  for (const ImageSurroundings::Rule& one : found.rules) rule(one);
  for (const ImageSurroundings::Changed& one : found.labels) label(one);
  for (const ImageSurroundings::Changed& one : found.types) {
    const TableUse* use = use_of_table(one.table);
    const bool told =
        use && std::ranges::any_of(use->types, [&](const auto& type) { return type.first == one.column; });
    if (use && !told && (reads(*use, one.column) || writes(*use, one.column)))
      doubt(shown_column(one.table, one.column),
            "its type was " + one.what + " when the image was registered, and is another now", nullptr,
            "once the image works with that: switchback image add " + image_.name + " --manifest FILE, again");
  }
}

/// Whether an image's writes keep to a new rule cannot be told from columns. What sync makes of them neither, but that
/// is the plan's doing and decides nothing here.
void Checks::rule(const ImageSurroundings::Rule& rule) {
  const TableUse* use = use_of_table(rule.table);
  if (!use) return;
  const auto touched = [&](const std::string& column) { return writes(*use, column); };
  const std::vector<std::string> through_sync = filled(*use);
  const std::string what = rule.name + ", " + rule.definition + ", came since the image was registered";
  if ((rule.incoming && use->deletes) || std::ranges::any_of(rule.columns, touched))
    doubt(shown_table(rule.table),
          what + ": whether its " + (rule.incoming ? "deletes and changes of keys" : "writes") +
              " keep to it is not known",
          nullptr, "once they do: switchback image add " + image_.name + " --manifest FILE, again");
  else if (std::ranges::any_of(rule.columns, [&](const std::string& one) { return contains(through_sync, one); }))
    notes_.push_back(shown_table(rule.table) + ": " + what + ", and sync writes there what the image writes");
}

void Checks::label(const ImageSurroundings::Changed& label) {
  const TableUse* use = use_of_table(label.table);
  if (!use || !reads(*use, label.column)) return;
  // Where the manifest tells which values it knows, values() has judged.
  if (std::ranges::any_of(use->values, [&](const auto& known) { return known.first == label.column; })) return;
  doubt(shown_column(label.table, label.column),
        "the value " + label.what + " came since the image was registered: what it makes of it is not known", nullptr,
        "values: { " + label.column +
            ": [ … ] } in its manifest says which it knows; or, where it bears any, "
            "switchback image add " +
            image_.name + " --manifest FILE, again");
}

void Checks::values(const TableUse& use, const CatalogTable& table) {
  for (const auto& [name, known] : use.values) {
    const CatalogColumn* column = find(table, name);
    if (!column) continue;
    const std::string shown = shown_column(use.table, name);
    if (column->labels.empty()) {
      doubt(shown, "it is no enum, so that its values are not known", nullptr,
            "leave it out of `values` in the manifest of " + image_.name);
      continue;
    }
    std::vector<std::string> strange;
    std::vector<std::string> missing;
    for (const std::string& label : column->labels)
      if (!contains(known, label)) strange.push_back(label);
    for (const std::string& label : known)
      if (!contains(column->labels, label)) missing.push_back(label);
    if (!strange.empty() && reads(use, name))
      refuse(shown, "it can have values that the image does not know: " + listed(strange), nullptr);
    if (!missing.empty() && (writes(use, name) || reads(use, name)))
      refuse(shown, "its enum has not the values that the image uses: " + listed(missing), nullptr);
  }
}

void Checks::denied(const ImageSurroundings::Denied& denied) {
  const std::string structure = denied.column.empty() || denied.column == "*"
                                    ? shown_table(denied.table)
                                    : shown_column(denied.table, denied.column);
  const std::string object =
      denied.privilege == "USAGE"
          ? "USAGE ON SCHEMA " + quote_identifier(denied.table.schema)
          : denied.privilege +
                (denied.column.empty() || denied.column == "*" ? "" : " (" + quote_identifier(denied.column) + ")") +
                " ON " + quoted(denied.table);
  for (const GatePlan& plan : facts_.plans)
    if (plan.browned && names(plan.effect.takes, denied.table, denied.column)) return;  // present_column() says so
  refuse(structure,
         "the role " + image_.footprint.role + ", as which the image runs, may not: GRANT " + object + " TO " +
             quote_identifier(image_.footprint.role) + " lets it",
         nullptr);
}

void Checks::absent_object(const TableName& object, bool function) {
  const std::string shown = object.schema.empty() ? object.name : shown_table(object);
  for (auto plan = facts_.plans.rbegin(); plan != facts_.plans.rend(); ++plan) {
    const auto& taken = function ? plan->effect.takes_functions : plan->effect.takes_types;
    const bool its = std::ranges::any_of(taken, [&](const TableName& one) {
      return one.name == object.name && (object.schema.empty() || one.schema == object.schema);
    });
    if (its && takes_now(*plan)) return refuse(shown, "it is out of reach: " + in_state(*plan), &*plan);
  }
  refuse(shown, std::string("there is no such ") + (function ? "function" : "type") + ", and no plan has taken it away",
         nullptr);
}

}  // namespace switchback::gating
