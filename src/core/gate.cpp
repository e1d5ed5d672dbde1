#include "switchback/core/gate.hpp"

#include <algorithm>

#include "gate_checks.hpp"
#include "switchback/core/image_name.hpp"

namespace switchback {
namespace {

const RegisteredImage* find(const GateFacts& facts, std::string_view name) {
  const auto found = std::ranges::find(facts.images, name, &RegisteredImage::name);
  return found == facts.images.end() ? nullptr : &*found;
}

GateVerdict verdict_of(const std::vector<GateReason>& reasons) {
  if (reasons.empty()) return GateVerdict::yes;
  const bool certain = std::ranges::any_of(reasons, [](const GateReason& one) { return !one.unknown; });
  return certain ? GateVerdict::no : GateVerdict::unknown;
}

/// A plan that names both knows it best; their times may be those of one registration.
bool older(const GateFacts& facts, const RegisteredImage& image, const RegisteredImage& than) {
  for (const GatePlan& plan : facts.plans) {
    if (plan.images.before == image.name && plan.images.after == than.name) return true;
    if (plan.images.before == than.name && plan.images.after == image.name) return false;
  }
  return is_older(image, than).value_or(false);
}

bool goes_back(const GateFacts& facts, const RegisteredImage& image) {
  return std::ranges::any_of(facts.running, [&](const std::string& name) {
    const RegisteredImage* runs = find(facts, name);
    return runs && runs->name != image.name && application_of(runs->name) == application_of(image.name) &&
           older(facts, image, *runs);
  });
}

/// A prepared SELECT * fails once when columns come or go under it.
void note_prepared_stars(const GateFacts& facts, const RegisteredImage& image, GateAnswer& answer) {
  if (!image.footprint.prepares_star) return;
  for (const GatePlan& plan : facts.plans) {
    const bool settled = plan.state == State::done || plan.state == State::contracted;
    const bool touches = std::ranges::any_of(image.footprint.tables, [&plan](const TableUse& use) {
      const auto on = [&use](const PlanEffect::Column& one) { return one.table == use.table; };
      return std::ranges::any_of(plan.effect.adds, on) || std::ranges::any_of(plan.effect.takes, on);
    });
    if (!settled && touches)
      answer.notes.push_back("it prepares SELECT *: each time " + plan.name +
                             " adds or renames columns, such a statement fails once (cached plan must not change "
                             "result type)");
  }
}

}  // namespace

std::string_view name(GateKind kind) {
  return kind == GateKind::deploy ? "deploy" : "rollback";
}

std::string_view name(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::yes:
      return "yes";
    case GateVerdict::no:
      return "no";
    case GateVerdict::unknown:
      return "unknown";
  }
  return "unknown";
}

GateAnswer gate(const GateFacts& facts, std::string_view image, GateKind kind) {
  GateAnswer answer;
  answer.skip_migrations = kind == GateKind::rollback;
  const RegisteredImage* asked = find(facts, image);
  if (!asked && !is_image_name(image)) {
    answer.reasons.push_back(
        {"", "nobody can have registered it: " + std::string(image_name_rule), "", "", std::nullopt, true});
  } else if (!asked) {
    answer.reasons.push_back({"", "nobody registered this image: what it needs is not known", "",
                              "switchback image add " + std::string(image) + " --manifest FILE", std::nullopt, true});
  } else {
    answer.skip_migrations = answer.skip_migrations || goes_back(facts, *asked);
    gating::Checks checks(facts, *asked, kind == GateKind::deploy);
    answer.reasons = checks.found();
    answer.notes = checks.notes();
    if (asked->retired) answer.notes.push_back("it is retired: " + *asked->retired);
    note_prepared_stars(facts, *asked, answer);
  }
  answer.verdict = verdict_of(answer.reasons);
  return answer;
}

std::vector<std::string> others_newest_first(const GateFacts& facts, std::string_view but) {
  std::vector<const RegisteredImage*> others;
  for (const RegisteredImage& other : facts.images)
    if (other.name != but && !other.retired && application_of(other.name) == application_of(but))
      others.push_back(&other);
  std::ranges::stable_sort(others, [&facts](const RegisteredImage* one, const RegisteredImage* two) {
    return is_older(*two, *one).value_or(older(facts, *two, *one));
  });
  std::vector<std::string> names;
  names.reserve(others.size());
  for (const RegisteredImage* one : others) names.push_back(one->name);
  return names;
}

std::vector<std::string> safe_images(const GateFacts& facts, std::string_view but) {
  std::vector<std::string> names = others_newest_first(facts, but);
  std::erase_if(names, [&facts](const std::string& name) {
    return !gating::Checks(facts, *find(facts, name), false).found().empty();
  });
  return names;
}

std::optional<std::int64_t> turn_back_seconds(State state, bool takes_away, double rows, double rate) {
  // Taking columns away and giving names back is catalog work: what counts is waiting for the lock. Restoring fills the
  // column again, at the rate at which the backfill went.
  constexpr std::int64_t catalog_work = 3;
  constexpr double usual_rate = 10'000.0;
  switch (state) {
    case State::planned:
    case State::rolled_back:
      return 0;
    case State::done:
      return takes_away ? std::nullopt : std::optional(catalog_work);
    case State::contracted:
    case State::restoring:
      return catalog_work + static_cast<std::int64_t>(rows / (rate > 0 ? rate : usual_rate));
    default:
      return catalog_work;
  }
}

}  // namespace switchback
