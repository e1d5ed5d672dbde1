#include "switchback/core/horizon.hpp"

#include <algorithm>

#include "gate_checks.hpp"
#include "switchback/core/sync.hpp"

namespace switchback {
namespace {

GatePlan* plan_in(GateFacts& facts, const std::string& name) {
  const auto found = std::ranges::find(facts.plans, name, &GatePlan::name);
  return found == facts.plans.end() ? nullptr : &*found;
}

CatalogColumn* column_in(CatalogTable& table, const std::string& name) {
  const auto found = std::ranges::find(table.columns, name, &CatalogColumn::name);
  return found == table.columns.end() ? nullptr : &*found;
}

/// What the plan adds is there, and what it takes away still bears its name: as at migrated, whatever it is now.
GateFacts before_contract(GateFacts facts, const GatePlan& plan) {
  if (!plan_in(facts, plan.name)) facts.plans.push_back(plan);
  GatePlan& here = *plan_in(facts, plan.name);
  here.state = State::migrated;
  here.state_name = name(State::migrated);
  for (const PlanEffect::Column& taken : plan.effect.takes) {
    const auto table = facts.catalog.find(taken.table);
    if (table == facts.catalog.end()) continue;
    if (CatalogColumn* hidden = column_in(table->second, tombstone_name(plan.name, taken.name)))
      hidden->name = taken.name;
  }
  for (const PlanEffect::Column& added : plan.effect.adds) {
    const auto table = facts.catalog.find(added.table);
    if (table == facts.catalog.end() || column_in(table->second, added.name)) continue;
    CatalogColumn column;
    column.name = added.name;
    table->second.columns.push_back(column);
  }
  return facts;
}

GateFacts after_contract(GateFacts facts, const GatePlan& plan) {
  GatePlan& here = *plan_in(facts, plan.name);
  here.state = State::contracted;
  here.state_name = "contracted then";
  for (const PlanEffect::Column& taken : plan.effect.takes)
    if (const auto table = facts.catalog.find(taken.table); table != facts.catalog.end())
      std::erase_if(table->second.columns, [&](const CatalogColumn& one) { return one.name == taken.name; });
  for (const TableName& relation : plan.effect.takes_relations) facts.catalog.erase(relation);
  for (const PlanEffect::Column& tightened : plan.effect.tightens)
    if (const auto table = facts.catalog.find(tightened.table); table != facts.catalog.end())
      if (CatalogColumn* column = column_in(table->second, tightened.name)) column->not_null = true;
  return facts;
}

/// Taken by the plan, and named by the image.
bool is_named(const GatePlan& plan, const Footprint& footprint, const std::string& structure) {
  for (const TableUse& use : footprint.tables) {
    for (const TableName& one : plan.effect.takes_relations)
      if (one == use.table && gating::shown_table(one) == structure) return true;
    for (const PlanEffect::Column& one : plan.effect.takes) {
      if (one.table != use.table || gating::shown_column(one.table, one.name) != structure) continue;
      for (const auto* list : {&use.reads, &use.writes, &use.supplies})
        if (std::ranges::find(*list, one.name) != list->end()) return true;
    }
  }
  return false;
}

const RegisteredImage* find(const GateFacts& facts, const std::string& name) {
  const auto found = std::ranges::find(facts.images, name, &RegisteredImage::name);
  return found == facts.images.end() ? nullptr : &*found;
}

std::string add_command(const std::string& image) {
  return "switchback image add " + image + " --manifest FILE";
}

std::string next_for(const HorizonImage& image, const RegisteredImage* known, const HorizonObjection& objection) {
  if (!known) return add_command(image.name);
  if (objection.unknown()) {
    const auto told = std::ranges::find_if(objection.needs, [](const GateReason& one) { return !one.remedy.empty(); });
    return told == objection.needs.end() ? add_command(image.name) : told->remedy;
  }
  if (image.live) return "once a newer one runs in its place, switchback image retire " + image.name + " --reason TEXT";
  if (known->pinned) return "switchback image unpin " + image.name;
  return "switchback image retire " + image.name + " --reason TEXT, once nobody goes back to it";
}

/// What an image says of one plan: what it needs before and after its contract, and the difference.
class Objecting {
 public:
  Objecting(const GateFacts& facts, const GatePlan& plan)
      : plan_(plan), before_(before_contract(facts, plan)), after_(after_contract(before_, plan)) {}

  std::vector<GateReason> needs(const std::string& name) const {
    const RegisteredImage* image = find(before_, name);
    if (!image) return {{"", "nobody registered it: what it needs is not known", "", "", std::nullopt, true}};
    const std::vector<GateReason> anyway = gating::Checks(before_, *image).found();
    std::vector<GateReason> all = gating::Checks(after_, *image).found();
    std::erase_if(all, [&](const GateReason& one) {
      return std::ranges::find(anyway, one) != anyway.end() && !is_unclear(*image, one);
    });
    for (GateReason& one : all) {
      if (!one.unknown) one.remedy.clear();  // restoring what is not gone yet
      one.remedy_seconds.reset();
      if (!one.unknown && is_named(plan_, image->footprint, one.structure)) one.why.clear();
    }
    return all;
  }

 private:
  /// Statements of which it is not known what they need.
  static bool is_unclear(const RegisteredImage& image, const GateReason& reason) {
    return reason.unknown && reason.plan.empty() && reason.structure.empty() && !image.footprint.unclear.empty();
  }

  const GatePlan& plan_;
  GateFacts before_, after_;
};

std::string needed(const GateReason& reason) {
  if (reason.why.empty()) return "needs " + reason.structure;
  return std::string(reason.unknown ? "may need what goes: " : "") +
         (reason.structure.empty() ? "" : reason.structure + ": ") + reason.why;
}

}  // namespace

bool HorizonObjection::unknown() const {
  return std::ranges::all_of(needs, &GateReason::unknown);
}

std::vector<HorizonObjection> horizon_objections(const GateFacts& facts, const GatePlan& plan,
                                                 const std::vector<HorizonImage>& horizon) {
  const Objecting objecting(facts, plan);
  std::vector<HorizonObjection> objections;
  for (const HorizonImage& image : horizon) {
    HorizonObjection objection{image.name, image.reasons, objecting.needs(image.name), ""};
    if (objection.needs.empty()) continue;
    objection.next = next_for(image, find(facts, image.name), objection);
    objections.push_back(std::move(objection));
  }
  return objections;
}

std::string shown(const HorizonObjection& objection) {
  std::string needs, because;
  for (const GateReason& one : objection.needs) needs += (needs.empty() ? "" : "; ") + needed(one);
  for (const std::string& one : objection.because) because += (because.empty() ? "" : "; ") + one;
  return objection.image + " " + needs + " (" + because + "): " + objection.next;
}

}  // namespace switchback
