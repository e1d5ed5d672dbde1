// What a contract means to each image that one may still have to run, before it is asked for.
#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/core/horizon.hpp"
#include "switchback/engine/explaining.hpp"
#include "switchback/engine/gating.hpp"
#include "switchback/engine/guard.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/engine/replaying.hpp"

namespace switchback::engine {
namespace {

/// As it is in the journal, or as it would be if it were started now.
GatePlan gate_plan(const GateFacts& facts, const Plan& plan) {
  const auto known = std::ranges::find(facts.plans, plan.name, &GatePlan::name);
  if (known != facts.plans.end() && known->state != State::rolled_back) return *known;
  GatePlan made;
  made.name = plan.name;
  made.file = plan.file;
  made.state = State::planned;
  made.state_name = name(State::planned);
  made.takes_away = takes_away(plan);
  made.images = plan.images;
  made.effect = effect_of(plan, {});
  made.back_seconds = turn_back_seconds(State::hidden, made.takes_away, 0, 0);
  return made;
}

/// The images that the plan names are registered when it is started.
void add_named(std::vector<RegisteredImage>& images, const GatePlan& plan, Instant now) {
  const auto add = [&](const std::optional<std::string>& image, const Footprint& footprint) {
    if (!image || std::ranges::find(images, *image, &RegisteredImage::name) != images.end()) return;
    RegisteredImage made;
    made.name = *image;
    made.registered_at = now;
    made.source = "plan";
    made.footprint = footprint;
    images.push_back(std::move(made));
  };
  add(plan.images.before, footprint_before(plan.effect));
  add(plan.images.after, footprint_after(plan.effect));
}

bool is_unhidden(const GatePlan& plan) {
  switch (plan.state.value_or(State::done)) {
    case State::planned:
    case State::expanding:
    case State::expanded:
    case State::migrating:
    case State::migrated:
    case State::rolling_back:
    case State::rolled_back:
      return true;
    case State::hiding:
    case State::hidden:
    case State::contracting:
    case State::contracted:
    case State::unhiding:
    case State::restoring:
    case State::done:
      return false;
  }
  return false;
}

ContractReplay replayed(ports::Session& session, ports::UsageSource& usage, const Plan& plan,
                        const std::vector<RegisteredImage>& registered, const std::vector<HorizonImage>& images,
                        const Settings& settings) {
  try {
    ports::UsageRequest request;
    request.structures = structures_now(session, plan, std::nullopt);
    std::erase_if(request.structures, [](const Structure& one) { return one.by_place; });
    if (request.structures.empty()) return {};
    return replay_images(session, usage, request, registered, images, settings);
  } catch (const Error& error) {
    if (error.exit() != Exit::drift) throw;
    return {{}, {}, error.what()};
  }
}

}  // namespace

void explain_images(Explained& out, const Plan& plan, ports::Session& session, ports::UsageSource& usage,
                    const Settings& settings) {
  const bool registry = session.exec("SELECT pg_catalog.to_regclass('switchback.image') IS NOT NULL").boolean(0, 0);
  if (!registry || !takes_away(plan)) return;
  const Instant now = server_now(session);
  HorizonFacts known = horizon_facts(session);
  const GatePlan own = gate_plan(gate_facts(session, {}), plan);
  add_named(known.images, own, now);
  const GateFacts facts = gate_facts(session, known.images);
  const std::vector<HorizonImage> images = horizon(known, horizon_rules(settings), now);
  ContractReplay replay;
  if (is_unhidden(own) && !images.empty()) replay = replayed(session, usage, plan, facts.images, images, settings);
  const bool stored = std::ranges::any_of(facts.images, [&](const RegisteredImage& one) {
    return !one.footprint.statements.empty() &&
           std::ranges::find(images, one.name, &HorizonImage::name) != images.end();
  });
  if (stored && !replay.remark.empty())
    out.notes.push_back("the images' statements could not be replayed by the server: " + replay.remark);
  const std::vector<HorizonObjection> objections = horizon_objections(facts, own, images, replay);
  for (const HorizonImage& image : images) {
    ExplainedImage one{image.name, image.reasons, {}, false, "", {}, !replay.remark.empty()};
    if (const auto of = replay.images.find(image.name); of != replay.images.end()) one.statements = of->second;
    const auto found = std::ranges::find(objections, image.name, &HorizonObjection::image);
    if (found != objections.end()) {
      for (const GateReason& need : found->needs) one.needs.push_back(shown_need(need));
      one.unknown = found->unknown();
      one.next = found->next;
    }
    out.images.push_back(std::move(one));
  }
}

}  // namespace switchback::engine
