#include "switchback/core/fence.hpp"

#include <algorithm>

#include "switchback/core/image_name.hpp"

namespace switchback {
namespace {

std::string joined(const std::vector<std::string>& reasons) {
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "" : "; ") + reason;
  return text;
}

const RegisteredImage* registered(const HorizonFacts& facts, const std::string& name) {
  const auto found = std::ranges::find(facts.images, name, &RegisteredImage::name);
  return found == facts.images.end() ? nullptr : &*found;
}

const HorizonImage* find(const std::vector<HorizonImage>& images, const std::string& name) {
  const auto found = std::ranges::find(images, name, &HorizonImage::name);
  return found == images.end() ? nullptr : &*found;
}

/// Sessions of the role that show themselves as `other`.
bool logs_in_as(const HorizonFacts& facts, const HorizonRules& rules, const std::string& other,
                const std::string& role) {
  return std::ranges::any_of(facts.sessions, [&](const LiveSessions& one) {
    return one.role == role && one.application == live_name(rules.live_application, other);
  });
}

}  // namespace

std::string login_role(const RegisteredImage& image, const HorizonRules& rules) {
  if (!image.footprint.role.empty()) return image.footprint.role;
  return rules.live_role.empty() ? "" : live_name(rules.live_role, image.name);
}

std::optional<FenceRefusal> fence_refusal(const HorizonFacts& facts, const HorizonRules& rules, Instant now,
                                          const std::string& image, const std::string& role) {
  HorizonFacts without_sessions = facts;
  without_sessions.sessions.clear();
  const RegisteredImage* mine = registered(facts, image);
  const std::vector<HorizonImage> quiet = horizon(without_sessions, rules, now);
  if (const HorizonImage* kept = find(quiet, image))
    return FenceRefusal{image + " is in the horizon: " + joined(kept->reasons),
                        "when nobody goes back to it: switchback image retire " + image + " --reason …"};
  const std::vector<HorizonImage> all = horizon(facts, rules, now);
  if (const HorizonImage* runs = find(all, image); runs && !(mine && mine->retired))
    return FenceRefusal{image + " runs: " + joined(runs->reasons),
                        "take it out of service first, or switchback image retire " + image + " --reason …"};
  for (const HorizonImage& other : all) {
    if (other.name == image) continue;
    const RegisteredImage* known = registered(facts, other.name);
    RegisteredImage unregistered;
    unregistered.name = other.name;
    const std::string its_role = login_role(known ? *known : unregistered, rules);
    if (its_role == role || logs_in_as(facts, rules, other.name, role))
      return FenceRefusal{
          "role " + role + " is also that of " + other.name + ", which is in the horizon: " + joined(other.reasons),
          "only an image with a role of its own can be fenced"};
    if (its_role.empty())
      return FenceRefusal{
          "which role " + other.name + " logs in as is not known, and it is in the horizon: " + joined(other.reasons),
          "say it: role: in its manifest (switchback image add), or the setting images.live.role"};
  }
  return std::nullopt;
}

}  // namespace switchback
