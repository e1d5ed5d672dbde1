#include "gate_checks.hpp"

#include <algorithm>

#include "switchback/core/shell_word.hpp"

namespace switchback::gating {
namespace {

const RegisteredImage* registered(const GateFacts& facts, const std::optional<std::string>& name) {
  if (!name) return nullptr;
  const auto found = std::ranges::find(facts.images, *name, &RegisteredImage::name);
  return found == facts.images.end() ? nullptr : &*found;
}

}  // namespace

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

const CatalogColumn* find(const CatalogTable& table, std::string_view name) {
  const auto found = std::ranges::find(table.columns, name, &CatalogColumn::name);
  return found == table.columns.end() ? nullptr : &*found;
}

bool takes_now(const GatePlan& plan) {
  return plan.state && image_safety(*plan.state, plan.takes_away).before != Safety::works;
}

std::string in_state(const GatePlan& plan) {
  return plan.name + " is " + plan.state_name;
}

std::string shown_table(const TableName& table) {
  return shown(std::string_view(table.schema)) + "." + shown(std::string_view(table.name));
}

std::string shown_column(const TableName& table, std::string_view column) {
  return shown_table(table) + "." + shown(column);
}

bool in_force(const GatePlan& plan) {
  return !plan.state || (*plan.state != State::planned && *plan.state != State::rolled_back);
}

Remedy remedy_of(const GatePlan& plan) {
  if (!plan.state) return {};
  switch (*plan.state) {
    case State::planned:
    case State::rolled_back:
    case State::rolling_back:
    case State::expanding:
    case State::expanded:
    case State::migrating:
      return {"switchback run " + shell_word(plan.file), plan.forward_seconds};
    case State::hiding:
    case State::hidden:
    case State::contracting:
    case State::contracted:
    case State::unhiding:
    case State::restoring:
      if (!plan.back_seconds) return {};
      return {"switchback restore " + plan.name, plan.back_seconds};
    case State::migrated:
    case State::done:
      return {};
  }
  return {};
}

std::vector<GateReason> Checks::found() {
  for (const TableUse& use : image_.footprint.tables) table(use);
  const auto found = facts_.surroundings.find(image_.name);
  surroundings(found == facts_.surroundings.end() ? ImageSurroundings{} : found->second);
  for (const GatePlan& one : facts_.plans) plan(one);
  for (const std::string& unclear : image_.footprint.unclear)
    doubt("", "what it needs is not clear: " + unclear, nullptr,
          "name the tables and columns under `tables` in the manifest of " + image_.name);
  return std::move(reasons_);
}

void Checks::refuse(const std::string& structure, const std::string& why, const GatePlan* plan) {
  const Remedy remedy = plan ? remedy_of(*plan) : Remedy{};
  std::string text = why;
  if (plan && plan->state == State::done && plan->takes_away) text += ", and its archive is gone: only a backup helps";
  if (plan && takes_now(*plan) && plan->state != State::done && !plan->back_seconds)
    text += "; it cannot be turned back as things are: switchback rollback " + plan->name + " --dry-run says why";
  reasons_.push_back({structure, text, plan ? plan->name : "", remedy.command, remedy.seconds, false});
}

void Checks::doubt(const std::string& structure, const std::string& why, const GatePlan* plan,
                   const std::string& remedy) {
  reasons_.push_back({structure, why, plan ? plan->name : "", remedy, std::nullopt, true});
}

bool Checks::has_reason_of(const GatePlan& plan) const {
  return std::ranges::any_of(reasons_, [&](const GateReason& one) { return one.plan == plan.name; });
}

/// As the plan names it, else by age: what is older than the image before is before the change, too.
Side Checks::side_of(const GatePlan& plan) const {
  if (plan.images.before == image_.name) return Side::before;
  if (plan.images.after == image_.name) return Side::after;
  if (const RegisteredImage* before = registered(facts_, plan.images.before))
    if (is_older(image_, *before) == true) return Side::before;
  if (const RegisteredImage* after = registered(facts_, plan.images.after))
    if (const bool deployed = image_.first_deployed && after->first_deployed;
        (deployed || going_on_ || image_.footprint.partial) && is_older(*after, image_) == true)
      return Side::after;
  return Side::unknown;
}

/// What the table of states says of the image, where its footprint has not said it already: of an image that the plan
/// names, and of one of which nothing is known but what plans say.
void Checks::plan(const GatePlan& plan) {
  if (in_force(plan) && !plan.effect.unknown.empty()) {
    doubt("", "the plan does what this switchback does not know: " + plan.effect.unknown.front(), &plan,
          "ask a newer switchback");
    return;
  }
  if (!plan.state) {
    doubt("", "the plan is in state '" + plan.state_name + "', which this switchback does not know", &plan,
          "ask a newer switchback");
    return;
  }
  if (has_reason_of(plan)) return;
  const ImageSafety safety = image_safety(*plan.state, plan.takes_away);
  const Side side = side_of(plan);
  const bool named = plan.images.before == image_.name || plan.images.after == image_.name;
  const bool sql_hides = plan.effect.contract_sql && safety.before != Safety::works;
  if (!named && !image_.footprint.partial && !sql_hides) return;
  if (side == Side::unknown) {
    // Nothing of the plan is there: whether the image needs it is what its own plans say.
    const bool untouched = *plan.state == State::planned || *plan.state == State::rolled_back;
    if (!untouched && (safety.before != Safety::works || (safety.after != Safety::works && !sql_hides)))
      doubt("", plan.name + " is " + plan.state_name + ", and what the image needs of it is not known", &plan,
            "switchback image add " + image_.name + " --manifest FILE");
    return;
  }
  const bool unsynced =
      plan.state == State::done && side == Side::before && image_.footprint.partial && !plan.effect.synced.empty();
  if (!unsynced && (side == Side::before ? safety.before : safety.after) == Safety::works) return;
  refuse("",
         std::string("it is ") + (side == Side::before ? "before" : "after") + " the change, and " + plan.name +
             " is " + plan.state_name,
         &plan);
}

}  // namespace switchback::gating
