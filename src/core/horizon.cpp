#include "switchback/core/horizon.hpp"

#include <algorithm>

#include "gate_checks.hpp"
#include "switchback/core/excerpt.hpp"
#include "switchback/core/sync.hpp"

namespace switchback {
namespace {

template <class Facts>
auto plan_in(Facts& facts, const std::string& name) {
  const auto found = std::ranges::find(facts.plans, name, &GatePlan::name);
  return found == facts.plans.end() ? nullptr : &*found;
}

CatalogColumn* column_in(CatalogTable& table, const std::string& name) {
  const auto found = std::ranges::find(table.columns, name, &CatalogColumn::name);
  return found == table.columns.end() ? nullptr : &*found;
}

/// The table and its partitions, as far as they are looked at.
std::vector<CatalogTable*> reached(GateFacts& facts, const TableName& table) {
  std::vector<CatalogTable*> tables;
  for (auto& [name, its] : facts.catalog)
    if (name == table || std::ranges::find(its.ancestors, table) != its.ancestors.end()) tables.push_back(&its);
  return tables;
}

/// What the plan adds is there, and what it takes away still bears its name: as at migrated, whatever it is now.
GateFacts before_contract(GateFacts facts, const GatePlan& plan) {
  if (!plan_in(facts, plan.name)) facts.plans.push_back(plan);
  GatePlan& here = *plan_in(facts, plan.name);
  here.state = State::migrated;
  here.state_name = name(State::migrated);
  for (const PlanEffect::Column& taken : plan.effect.takes) {
    const std::string tombstone = tombstone_name(plan.name, taken.name);
    for (CatalogTable* table : reached(facts, taken.table)) {
      if (CatalogColumn* hidden = column_in(*table, tombstone)) hidden->name = taken.name;
      if (!table->keys) continue;
      for (CatalogKey& key : *table->keys) {
        std::ranges::replace(key.columns, tombstone, taken.name);
        std::ranges::sort(key.columns);
      }
    }
  }
  for (const PlanEffect::Column& swapped : plan.effect.swaps)
    for (CatalogTable* table : reached(facts, swapped.table)) {
      CatalogColumn* hidden = column_in(*table, tombstone_name(plan.name, swapped.name));
      if (!hidden) continue;
      hidden->name = swapped.name;
      const auto newer =
          std::ranges::find(std::next(std::ranges::find(table->columns, swapped.name, &CatalogColumn::name)),
                            table->columns.end(), swapped.name, &CatalogColumn::name);
      if (newer != table->columns.end()) table->columns.erase(newer);
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

/// Functions and types that the plan takes, of each image that names them.
void take_objects(GateFacts& facts, const PlanEffect& effect) {
  const auto taken = [](const std::vector<TableName>& named, const std::vector<TableName>& takes) {
    std::vector<ImageSurroundings::Absent> both;
    for (const TableName& one : named)
      if (std::ranges::any_of(takes, [&](const TableName& its) {
            return its.name == one.name && (one.schema.empty() || its.schema == one.schema);
          }))
        both.push_back({one, false});
    return both;
  };
  for (const RegisteredImage& image : facts.images) {
    ImageSurroundings& its = facts.surroundings[image.name];
    its.absent_functions = taken(image.footprint.functions, effect.takes_functions);
    its.absent_types = taken(image.footprint.types, effect.takes_types);
  }
}

/// Indexes and constraints that the plan takes, and those of columns that it takes.
void take_keys(GateFacts& facts, const PlanEffect& effect) {
  for (auto& [table, its] : facts.catalog) {
    if (!its.keys) continue;
    const TableName& of = table;
    for (CatalogKey& key : *its.keys)
      if (std::ranges::find(effect.renames_keys, TableName{of.schema, key.constraint}) != effect.renames_keys.end())
        key.constraint.clear();
    std::erase_if(*its.keys, [&](const CatalogKey& key) {
      const auto named = [&](const TableName& one) {
        return one.schema == of.schema && (one.name == key.name || one.name == key.constraint);
      };
      return std::ranges::any_of(effect.takes_keys, named) ||
             std::ranges::any_of(key.columns, [&](const std::string& one) { return names(effect.takes, of, one); });
    });
  }
}

GateFacts after_contract(GateFacts facts, const GatePlan& plan) {
  take_objects(facts, plan.effect);
  take_keys(facts, plan.effect);
  GatePlan& here = *plan_in(facts, plan.name);
  here.state = State::contracted;
  here.state_name = "contracted then";
  for (const PlanEffect::Column& taken : plan.effect.takes)
    for (CatalogTable* table : reached(facts, taken.table))
      std::erase_if(table->columns, [&](const CatalogColumn& one) { return one.name == taken.name; });
  for (const PlanEffect::Column& swapped : plan.effect.swaps)  // the new one stands at the end
    for (CatalogTable* table : reached(facts, swapped.table))
      if (const auto column = std::ranges::find(table->columns, swapped.name, &CatalogColumn::name);
          column != table->columns.end())
        std::rotate(column, column + 1, table->columns.end());
  for (const PlanEffect::Rename& renamed : plan.effect.renames)
    if (const auto table = facts.catalog.find(renamed.table); table != facts.catalog.end())
      facts.catalog[{renamed.table.schema, renamed.to}] = table->second;
  for (const TableName& relation : plan.effect.takes_relations) facts.catalog.erase(relation);
  for (const PlanEffect::Column& tightened : plan.effect.tightens)
    for (CatalogTable* table : reached(facts, tightened.table))
      if (CatalogColumn* column = column_in(*table, tightened.name)) column->not_null = true;
  return facts;
}

GateFacts after_way_back(GateFacts facts, const GatePlan& plan) {
  GatePlan& here = *plan_in(facts, plan.name);
  here.state = State::rolled_back;
  here.state_name = "rolled back then";
  for (const TableName& relation : plan.effect.makes_relations) facts.catalog.erase(relation);
  for (const PlanEffect::Column& added : plan.effect.adds)
    if (const auto table = facts.catalog.find(added.table); table != facts.catalog.end())
      std::erase_if(table->second.columns, [&](const CatalogColumn& one) { return one.name == added.name; });
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
  Objecting(const GateFacts& facts, const GatePlan& plan, const ContractReplay& replay)
      : plan_(plan), replay_(replay), before_(before_contract(facts, plan)), after_(after_contract(before_, plan)) {}

  std::vector<GateReason> needs(const std::string& name) const {
    const RegisteredImage* image = find(before_, name);
    if (!image) return {{"", "nobody registered it: what it needs is not known", "", "", std::nullopt, true}};
    const std::vector<GateReason> anyway = gating::Checks(before_, *image, false).found();
    gating::Checks checks(after_, *image, false);
    std::vector<GateReason> all = checks.found();
    const auto replayed = replay_.images.find(name);
    const bool judged = replayed != replay_.images.end();  // each of its statements by itself
    std::erase_if(all, [&](const GateReason& one) {
      if (judged && (is_unclear(*image, one) || is_called(*image, one))) return true;
      return !is_unclear(*image, one) && std::ranges::find(anyway, one) != anyway.end();
    });
    for (GateReason& one : all) {
      if (!one.unknown) one.remedy.clear();  // restoring what is not gone yet
      one.remedy_seconds.reset();
      if (!one.unknown && is_named(plan_, image->footprint, one.structure)) one.why.clear();
    }
    const gating::Side side = checks.side_of(*plan_in(after_, plan_.name));
    if (judged)
      add_statements(replayed->second, *image, side, all);
    else if (side == gating::Side::unknown)
      for (const std::string& structure : replay_.beyond_manifests)
        all.push_back({structure, "manifests do not speak of it, and this one has no statements", "",
                       add_command(name) + ", with its statements", std::nullopt, true});
    return all;
  }

 private:
  static void add_statements(const std::vector<ReplayedStatement>& replayed, const RegisteredImage& image,
                             gating::Side side, std::vector<GateReason>& needs) {
    const bool bears_it = image.footprint.star_tolerated || side == gating::Side::after;
    for (const ReplayedStatement& one : replayed) {
      const bool shape = one.outcome == ReplayOutcome::shape;
      if (one.outcome == ReplayOutcome::ok || (shape && bears_it)) continue;
      const bool unknown = one.outcome == ReplayOutcome::unknown || (shape && side == gating::Side::unknown);
      needs.push_back(
          {"", excerpt(one.text) + (shape ? " has another result" : "") + ": " + one.why, "",
           unknown && shape ? "say star: tolerated in the manifest of " + image.name + " if it bears that" : "",
           std::nullopt, unknown});
    }
  }

  /// Statements of which it is not known what they need.
  static bool is_unclear(const RegisteredImage& image, const GateReason& reason) {
    return reason.unknown && reason.plan.empty() && reason.structure.empty() && !image.footprint.unclear.empty();
  }

  /// A function that its statements name: which of several of that name they call, the replay has told.
  bool is_called(const RegisteredImage& image, const GateReason& reason) const {
    const auto found = after_.surroundings.find(image.name);
    if (found == after_.surroundings.end() || reason.plan != plan_.name) return false;
    return std::ranges::any_of(found->second.absent_functions, [&](const ImageSurroundings::Absent& one) {
      return gating::shown_object(one.object) == reason.structure &&
             std::ranges::any_of(image.footprint.statements, [&](const std::string& text) {
               return text.find(one.object.name) != std::string::npos;
             });
    });
  }

  const GatePlan& plan_;
  const ContractReplay& replay_;
  GateFacts before_, after_;
};

}  // namespace

bool HorizonObjection::unknown() const {
  return std::ranges::all_of(needs, &GateReason::unknown);
}

std::vector<HorizonObjection> horizon_objections(const GateFacts& facts, const GatePlan& plan,
                                                 const std::vector<HorizonImage>& horizon,
                                                 const ContractReplay& replay) {
  const Objecting objecting(facts, plan, replay);
  std::vector<HorizonObjection> objections;
  for (const HorizonImage& image : horizon) {
    HorizonObjection objection{image.name, image.reasons, objecting.needs(image.name), ""};
    if (objection.needs.empty()) continue;
    objection.next = next_for(image, find(facts, image.name), objection);
    objections.push_back(std::move(objection));
  }
  return objections;
}

std::vector<HorizonObjection> way_back_objections(const GateFacts& facts, const GatePlan& plan,
                                                  const std::vector<HorizonImage>& horizon) {
  const GateFacts before = before_contract(facts, plan);
  const GateFacts after = after_way_back(before, plan);
  std::vector<HorizonObjection> objections;
  if (plan.effect.adds.empty()) return objections;  // an index has no name in an image
  for (const HorizonImage& one : horizon) {
    const RegisteredImage* image = find(facts, one.name);
    if (!one.live && !(image && image->pinned)) continue;
    HorizonObjection objection{one.name, one.reasons, {}, "deploy an image from before the change in its place first"};
    if (!image) {
      objection.needs = {{"", "nobody registered it: what it needs is not known", "", "", std::nullopt, true}};
    } else {
      const std::vector<GateReason> anyway = gating::Checks(before, *image, false).found();
      objection.needs = gating::Checks(after, *image, false).found();
      std::erase_if(objection.needs,
                    [&](const GateReason& need) { return std::ranges::find(anyway, need) != anyway.end(); });
      for (GateReason& need : objection.needs) {
        need.remedy.clear();
        if (!need.unknown && !need.structure.empty()) need.why.clear();  // it goes: that is all
      }
    }
    if (!objection.needs.empty()) objections.push_back(std::move(objection));
  }
  return objections;
}

std::string shown_need(const GateReason& need) {
  if (need.why.empty()) return "needs " + need.structure;
  return std::string(need.unknown ? "may need what goes: " : "") +
         (need.structure.empty() ? "" : need.structure + ": ") + need.why;
}

std::string shown(const HorizonObjection& objection) {
  constexpr std::size_t most = 3;
  std::string needs, because;
  for (std::size_t i = 0; i < std::min(most, objection.needs.size()); ++i)
    needs += (needs.empty() ? "" : "; ") + shown_need(objection.needs[i]);
  if (objection.needs.size() > most) needs += "; and " + std::to_string(objection.needs.size() - most) + " more";
  for (const std::string& one : objection.because) because += (because.empty() ? "" : "; ") + one;
  return objection.image + " " + needs + " (" + because + "): " + objection.next;
}

}  // namespace switchback
