#include <algorithm>

#include "gate_checks.hpp"
#include "switchback/core/excerpt.hpp"

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

/// `object` as an image names it, without a schema where it leaves that to search_path.
bool any_named(const std::vector<TableName>& taken, const TableName& object) {
  return std::ranges::any_of(taken, [&](const TableName& one) {
    return one.name == object.name && (object.schema.empty() || one.schema == object.schema);
  });
}

std::string may_not(const std::string& role) {
  return "the role " + role + ", as which the image runs, may not: GRANT ";
}

}  // namespace

std::string shown_object(const TableName& object) {
  return object.schema.empty() ? shown(std::string_view(object.name)) : shown_table(object);
}

const TableUse* Checks::use_of_table(const TableName& table) const {
  const auto found = std::ranges::find(image_.footprint.tables, table, &TableUse::table);
  return found == image_.footprint.tables.end() ? nullptr : &*found;
}

void Checks::surroundings(const ImageSurroundings& found) {
  if (found.no_role) refuse("", "the role " + image_.footprint.role + ", as which it runs, is not there", nullptr);
  for (const ImageSurroundings::Denied& one : found.denied) denied(one);
  for (const ImageSurroundings::DeniedObject& one : found.denied_objects)
    refuse(shown_object(one.name),
           may_not(image_.footprint.role) + one.privilege + " ON " + one.object + " TO " +
               quote_identifier(image_.footprint.role) + " lets it",
           nullptr);
  for (const auto& one : found.absent_functions) absent_object(one, "function", &PlanEffect::takes_functions);
  for (const auto& one : found.absent_types) absent_object(one, "type", &PlanEffect::takes_types);
  for (const auto& one : found.absent_relations) absent_object(one, "relation", &PlanEffect::takes_relations);
  for (const auto& one : found.absent_sequences) absent_object(one, "sequence", &PlanEffect::takes_relations);
  for (const ImageSurroundings::Called& one : found.called) called(one);
  overloads(found);
  for (const ImageSurroundings::Refusal& one : found.refused) refused(one);
  if (image_.footprint.partial) return;
  for (const ImageSurroundings::Rule& one : found.rules) rule(one);
  for (const ImageSurroundings::Changed& one : found.labels) label(one);
  for (const ImageSurroundings::Changed& one : found.types) {
    const TableUse* use = use_of_table(one.table);
    const bool told =
        use && std::ranges::any_of(use->types, [&](const auto& type) { return type.first == one.column; });
    // Whoever does not bear it, its plan says: images: { before: … }.
    if (whoever_swapped(one.table, one.column)) continue;
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
         may_not(image_.footprint.role) + object + " TO " + quote_identifier(image_.footprint.role) + " lets it",
         nullptr);
}

/// What is there in a schema in which the image may look after all is only gone when a plan has taken it.
void Checks::absent_object(const ImageSurroundings::Absent& absent, std::string_view kind,
                           std::vector<TableName> PlanEffect::*taken) {
  const TableName& object = absent.object;
  for (auto plan = facts_.plans.rbegin(); plan != facts_.plans.rend(); ++plan)
    if (takes_now(*plan) && any_named(plan->effect.*taken, object))
      return refuse(shown_object(object), "it is out of reach: " + in_state(*plan), &*plan);
  if (!absent.elsewhere)
    refuse(shown_object(object), "there is no such " + std::string(kind) + ", and no plan has taken it away", nullptr);
}

/// One of several functions of a name was taken: which of them the image calls only the server can tell, from its
/// statements.
void Checks::overloads(const ImageSurroundings& found) {
  if (found.asked) return;
  for (const TableName& function : image_.footprint.functions) {
    if (std::ranges::find(found.absent_functions, function, &ImageSurroundings::Absent::object) !=
        found.absent_functions.end())
      continue;
    for (const GatePlan& plan : facts_.plans)
      if (takes_now(plan) && any_named(plan.effect.takes_functions, function))
        doubt(shown_object(function),
              in_state(plan) + ", which took one of several of that name: which of them the image calls is not known",
              &plan, "switchback image add " + image_.name + " --manifest FILE, with its statements");
  }
}

/// The plan is told by the name in the server's message.
void Checks::refused(const ImageSurroundings::Refusal& refusal) {
  if (!refusal.certain)
    return doubt("", "whether the server takes " + excerpt(refusal.statement) + " is not known: " + refusal.message,
                 nullptr, "ask again");
  const auto in_message = [&](const std::string& name) { return refusal.message.find(name) != std::string::npos; };
  const auto any_in_message = [&](const auto& names) {
    return std::ranges::any_of(names, [&](const auto& one) { return in_message(one.name); });
  };
  const GatePlan* by = nullptr;
  for (const GatePlan& plan : facts_.plans) {
    const PlanEffect& effect = plan.effect;
    if (takes_now(plan) && (any_in_message(effect.takes) || any_in_message(effect.takes_relations) ||
                            any_in_message(effect.takes_functions) || any_in_message(effect.takes_types) ||
                            any_in_message(effect.takes_keys)))
      by = &plan;
  }
  refuse("",
         "the server does not take " + excerpt(refusal.statement) + ": " + refusal.message +
             (by ? ": " + in_state(*by) : ""),
         by);
}

/// What a function's body needs of columns that a plan has taken. A body that is wrong otherwise was so before.
void Checks::called(const ImageSurroundings::Called& called) {
  for (const TableUse& use : called.needs.tables) {
    const auto table = facts_.catalog.find(use.table);
    for (auto plan = facts_.plans.rbegin(); plan != facts_.plans.rend(); ++plan) {
      if (!takes_now(*plan)) continue;
      const std::string why = "it is out of reach: " + in_state(*plan) + ", and the function " +
                              shown_object(called.function) + " needs it";
      if (table == facts_.catalog.end()) {
        if (any_named(plan->effect.takes_relations, use.table)) refuse(shown_table(use.table), why, &*plan);
        continue;
      }
      for (const PlanEffect::Column& taken : plan->effect.takes)
        if (reaches(taken.table, use.table) && !find(table->second, taken.name) &&
            (contains(use.reads, taken.name) || contains(use.writes, taken.name)))
          refuse(shown_column(use.table, taken.name), why, &*plan);
    }
  }
}

}  // namespace switchback::gating
