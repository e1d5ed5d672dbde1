#include "switchback/core/image.hpp"

#include <algorithm>

#include "switchback/core/image_name.hpp"
#include "switchback/core/units.hpp"

namespace switchback {
namespace {

/// NAMEDATALEN is 64: the server cuts application_name and role names there.
constexpr std::size_t longest_name = 63;

const RegisteredImage* registered(const std::vector<RegisteredImage>& images, std::string_view name) {
  const auto found = std::ranges::find(images, name, &RegisteredImage::name);
  return found == images.end() ? nullptr : &*found;
}

/// The image that a session's name spells out, where the pattern holds all of it.
std::optional<std::string> spelled_image(std::string_view pattern, std::string_view text) {
  constexpr std::string_view whole = "{image}";
  const std::size_t at = pattern.find(whole);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view front = pattern.substr(0, at);
  const std::string_view back = pattern.substr(at + whole.size());
  if (text.size() <= front.size() + back.size() || !text.starts_with(front) || !text.ends_with(back))
    return std::nullopt;
  const std::string_view image = text.substr(front.size(), text.size() - front.size() - back.size());
  const std::size_t colon = image.rfind(':');
  const bool reads_so =
      colon != std::string_view::npos && colon > 0 && colon + 1 < image.size() && is_image_name(image);
  return reads_so ? std::optional<std::string>(image) : std::nullopt;
}

bool is_named(std::string_view pattern, const std::string& image, const std::string& text) {
  return !pattern.empty() && live_name(pattern, image).substr(0, longest_name) == text;
}

class Horizon {
 public:
  Horizon(const HorizonFacts& facts, const HorizonRules& rules, Instant now)
      : facts_(facts), rules_(rules), now_(now) {}

  std::vector<HorizonImage> found() {
    for (const LiveSessions& sessions : facts_.sessions) look_at(sessions);
    for (const KeptReplicaSet& set : facts_.replica_sets) look_at(set);
    for (const Deployment& deployment : facts_.deployments) look_at(deployment);
    for (const RegisteredImage& image : facts_.images)
      if (image.pinned) add(image.name, false, "pinned: " + *image.pinned);
    std::vector<HorizonImage> result;
    for (auto& [name, image] : images_) result.push_back(std::move(image));
    return result;
  }

 private:
  void add(const std::string& name, bool live, const std::string& reason) {
    const RegisteredImage* known = registered(facts_.images, name);
    if (known && known->retired && !known->pinned && !live) return;
    HorizonImage& image = images_[name];
    image.name = name;
    image.known = known != nullptr;
    image.live = image.live || live;
    if (std::ranges::find(image.reasons, reason) == image.reasons.end()) image.reasons.push_back(reason);
  }

  void look_at(const LiveSessions& sessions) {
    const std::string count = std::to_string(sessions.count) + (sessions.count == 1 ? " session" : " sessions") +
                              " now" + (sessions.server.empty() ? "" : " on " + sessions.server) + ", ";
    bool found = false;
    for (const RegisteredImage& image : facts_.images) {
      if (is_named(rules_.live_application, image.name, sessions.application))
        add(image.name, true, count + "named " + sessions.application);
      else if (is_named(rules_.live_role, image.name, sessions.role) ||
               (!image.footprint.role.empty() && image.footprint.role == sessions.role))
        add(image.name, true, count + "role " + sessions.role);
      else
        continue;
      found = true;
    }
    if (found) return;
    if (const auto image = spelled_image(rules_.live_application, sessions.application))
      add(*image, true, count + "named " + sessions.application);
  }

  void look_at(const KeptReplicaSet& set) {
    const std::string image = image_of_reference(set.image, facts_.images);
    if (set.replicas > 0)
      add(image, true, "ReplicaSet " + set.name + " runs it, " + std::to_string(set.replicas) + " replicas");
    else
      add(image, false, "kubectl rollout undo can go back to it: ReplicaSet " + set.name);
  }

  std::string since(Instant at) const {
    const auto ago = std::chrono::duration_cast<std::chrono::seconds>(now_ - at);
    return ago.count() < 1 ? "just now" : show_duration(ago) + " ago";
  }

  /// What nobody replaced runs, however long ago it came; what was replaced lately is what one would go back to.
  void look_at(const Deployment& deployment) {
    if (deployment.replaced_at && now_ - *deployment.replaced_at > rules_.horizon_time) return;
    add(deployment.image, false,
        "deployed " + since(deployment.at) + (deployment.environment.empty() ? "" : " to " + deployment.environment) +
            (deployment.replaced_at ? ", replaced " + since(*deployment.replaced_at) : ""));
  }

  const HorizonFacts& facts_;
  const HorizonRules& rules_;
  Instant now_;
  std::map<std::string, HorizonImage> images_;
};

}  // namespace

std::vector<Deployment> last_deployments(const std::vector<Deployment>& all) {
  std::map<std::pair<std::string, std::string>, Deployment> last;
  for (const Deployment& one : all) {
    const auto [known, added] = last.try_emplace({one.environment, one.image}, one);
    if (!added && known->second.at < one.at) known->second.at = one.at;
  }
  std::vector<Deployment> found;
  for (auto& [key, one] : last) {
    one.replaced_at.reset();
    for (const Deployment& other : all) {
      if (other.environment != one.environment || other.image == one.image || other.at <= one.at) continue;
      if (application_of(other.image) != application_of(one.image)) continue;
      if (!one.replaced_at || other.at < *one.replaced_at) one.replaced_at = other.at;
    }
    found.push_back(std::move(one));
  }
  std::ranges::stable_sort(found, {}, &Deployment::at);
  return found;
}

std::vector<HorizonImage> horizon(const HorizonFacts& facts, const HorizonRules& rules, Instant now) {
  return Horizon(facts, rules, now).found();
}

std::string image_of_reference(std::string_view reference, const std::vector<RegisteredImage>& images) {
  const std::string_view tagged = reference.substr(0, reference.find('@'));
  if (registered(images, reference)) return std::string(reference);
  if (registered(images, tagged)) return std::string(tagged);
  const std::size_t slash = tagged.rfind('/');
  if (slash != std::string_view::npos)
    if (const RegisteredImage* image = registered(images, tagged.substr(slash + 1))) return image->name;
  return std::string(reference);
}

std::optional<bool> is_older(const RegisteredImage& image, const RegisteredImage& than) {
  const bool deployed = image.first_deployed && than.first_deployed;
  const Instant mine = deployed ? *image.first_deployed : image.registered_at;
  const Instant other = deployed ? *than.first_deployed : than.registered_at;
  if (mine == other) return std::nullopt;
  return mine < other;
}

}  // namespace switchback
