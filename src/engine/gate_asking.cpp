#include "gate_asking.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "switchback/core/error.hpp"
#include "switchback/engine/gating.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// Refusals that leave no doubt even of a statement that the server has never taken: no such column, type or collation,
/// a value for a generated column or an identity that is always generated, a view that takes no writes.
constexpr std::array<std::string_view, 4> evident{"42703", "42704", "428C9", "55000"};

/// The same statement may be taken later: a lock that is held, a server in want of something, a right of ours.
bool may_pass(const ports::Preparation& one) {
  return remedy_of(one.code) == Remedy::retry || one.code == "42501";
}

void add_bodies(ports::Session& session, GateFacts& facts, const RegisteredImage& image, ports::ImageAsking& asking) {
  std::vector<PlanEffect::Column> taken;
  bool any = false;
  for (const GatePlan& plan : facts.plans) {
    if (!plan.state || image_safety(*plan.state, plan.takes_away).before == Safety::works) continue;
    any = any || !plan.effect.takes.empty() || !plan.effect.takes_relations.empty();
    taken.insert(taken.end(), plan.effect.takes.begin(), plan.effect.takes.end());
  }
  if (!any || image.footprint.functions.empty()) return;
  ImageSurroundings& its = facts.surroundings[image.name];
  its.called = asking.called(session, image.footprint.functions, taken);
  std::set<TableName> more;
  for (const ImageSurroundings::Called& one : its.called)
    for (const TableUse& use : one.needs.tables)
      if (!facts.catalog.contains(use.table)) more.insert(use.table);
  if (!more.empty()) facts.catalog.merge(live_catalog(session, more));
}

void add_refusals(ports::Session& session, GateFacts& facts, const RegisteredImage& image, ports::ImageAsking& asking) {
  const Footprint& footprint = image.footprint;
  const auto answers = asking.prepare(session, footprint.statements, footprint.role);
  ImageSurroundings& its = facts.surroundings[image.name];
  its.asked = std::ranges::any_of(answers, &ports::Preparation::asked);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const ports::Preparation& one = answers[i];
    if (one.code.empty()) continue;
    const bool taken_once = std::ranges::find(footprint.prepared, i) != footprint.prepared.end();
    if (taken_once || std::ranges::find(evident, one.code) != evident.end())
      its.refused.push_back({footprint.statements[i], one.message, !may_pass(one)});
  }
}

}  // namespace

void ask_closer(ports::Session& session, GateFacts& facts, const RegisteredImage& image, ports::ImageAsking& asking) {
  add_bodies(session, facts, image, asking);
  if (image.footprint.statements.empty()) return;
  if (gate(facts, image.name, GateKind::rollback).verdict != GateVerdict::no)
    add_refusals(session, facts, image, asking);
}

void remember_prepared(ports::Session& session, const std::string& image, ports::ImageAsking& asking) {
  const auto images = registered_images(session, std::set<std::string>{image});
  const auto found = std::ranges::find(images, image, &RegisteredImage::name);
  if (found == images.end() || found->footprint.statements.empty()) return;
  std::vector<std::size_t> prepared = found->footprint.prepared;
  {
    ports::Transaction transaction(session, "READ ONLY");
    const auto answers = asking.prepare(session, found->footprint.statements, found->footprint.role);
    for (std::size_t i = 0; i < answers.size(); ++i)
      if (answers[i].asked && answers[i].code.empty()) note_once(prepared, i);
  }
  std::ranges::sort(prepared);
  // Of the same statements only: somebody may have registered it again meanwhile.
  session.exec(
      "UPDATE switchback.image SET footprint = footprint || pg_catalog.jsonb_build_object('prepared', $2::jsonb) WHERE "
      "name = $1 AND footprint -> 'statements' = $3::jsonb",
      {image, json(prepared).dump(),
       json(found->footprint.statements).dump(-1, ' ', false, json::error_handler_t::replace)});
}

}  // namespace switchback::engine
