// Images that one may still have to run, and what the contract takes from them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/horizon.hpp"
#include "switchback/engine/gating.hpp"
#include "switchback/engine/guard.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/engine/replaying.hpp"

namespace switchback::engine {
namespace {

/// Images that only read may be connected to standbys alone. One that cannot be read is an unknown of usage evidence.
void add_standbys(Workbench& bench, HorizonFacts& known) {
  if (!bench.surroundings().standbys) return;
  const std::string database = bench.session().exec("SELECT pg_catalog.current_database()").text(0, 0);
  for (const ports::SampledServer& standby : bench.surroundings().standbys(database)) try {
      if (standby.session) add_sessions_on(known, standby.name, *standby.session);
    } catch (const Error&) {  // it broke since it was connected
    }
}

/// One line an image.
std::vector<std::string> objections_now(Workbench& bench) {
  ports::Session& session = bench.session();
  HorizonFacts known = horizon_facts(session);
  add_standbys(bench, known);
  const auto images = horizon(known, horizon_rules(bench.settings()), server_now(session));
  if (images.empty()) {
    if (bench.plan().images.before || bench.settings().environment == Environment::development) return {};
    return {
        "the plan does not say which image was the last to need the old side, and no image is known to be in the "
        "horizon: nobody knows whether one may still be run (images: { before: NAME } in the plan, or switchback image "
        "add and switchback image deployed)"};
  }
  const GateFacts facts = gate_facts(session, std::move(known.images));
  const auto plan = std::ranges::find(facts.plans, bench.plan().name, &GatePlan::name);
  // Once it is hidden, statements can be replayed no more: the names that they use are gone.
  ContractReplay replay;
  if (plan->state == State::migrated || plan->state == State::hiding) {
    ports::UsageRequest request = usage_request(bench, false);
    // What names a column that another one replaces finds that one.
    std::erase_if(request.structures, [](const Structure& one) { return one.by_place; });
    if (!request.structures.empty())
      replay = replay_images(session, bench.usage(), request, facts.images, images, bench.settings());
  }
  std::vector<std::string> lines;
  for (const HorizonObjection& one : horizon_objections(facts, *plan, images, replay)) lines.push_back(shown(one));
  if (!lines.empty() && !replay.remark.empty() && !replay.images.empty())
    lines.push_back("of the images' statements the parse tree alone has judged: " + replay.remark);
  return lines;
}

}  // namespace

std::optional<Hold> horizon_hold(Workbench& bench) {
  if (bench.despite("horizon")) return std::nullopt;
  std::vector<std::string> lines = objections_now(bench);
  if (lines.empty()) return std::nullopt;
  const std::string& plan = bench.plan().name;
  const bool hidden = bench.record().state != State::migrated;
  Hold hold{HoldKind::horizon,
            lines.front(),
            "every image of the horizon does without (switchback image list --horizon)" +
                std::string(hidden ? "; switchback rollback " + plan + " --to migrated gives it back" : "") +
                "; or switchback approve " + plan + " --phase contract --despite horizon --reason …",
            {}};
  if (lines.size() > 1) hold.reasons = std::move(lines);
  return hold;
}

std::vector<std::string> way_back_images(Workbench& bench) {
  ports::Session& session = bench.session();
  HorizonFacts known = horizon_facts(session);
  add_standbys(bench, known);
  const auto images = horizon(known, horizon_rules(bench.settings()), server_now(session));
  const GateFacts facts = gate_facts(session, std::move(known.images));
  const auto plan = std::ranges::find(facts.plans, bench.plan().name, &GatePlan::name);
  std::vector<std::string> lines;
  if (plan == facts.plans.end()) return lines;
  for (const HorizonObjection& one : way_back_objections(facts, *plan, images)) lines.push_back(shown(one));
  return lines;
}

void note_overridden_horizon(Workbench& bench) {
  const auto reason = bench.despite("horizon");
  if (!reason) return;
  const std::vector<std::string> lines = objections_now(bench);
  if (lines.empty()) return;
  bench.note("horizon_overridden", *reason, passed_over(lines));
}

std::string passed_over(const std::vector<std::string>& lines) {
  return nlohmann::json{{"passed_over", lines}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace switchback::engine
