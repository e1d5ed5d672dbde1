/// Images as the registry has them, and the horizon: those that one may still have to run. Pure.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/core/footprint.hpp"

namespace switchback {

/// The last one of an image to an environment.
struct Deployment {
  std::string image;
  std::string environment;
  Instant at;
  std::optional<Instant> replaced_at = {};  ///< another image of its application was deployed there since
};
/// The last one of each image to each environment, of all that there were; with what replaced them. One application
/// does not replace another.
std::vector<Deployment> last_deployments(const std::vector<Deployment>& all);

struct RegisteredImage {
  std::string name;
  Instant registered_at;
  std::string registered_by;
  std::string source;  ///< "manifest", "label", "capture" or "plan"
  Footprint footprint;
  std::optional<std::string> pinned;   ///< the reason
  std::optional<std::string> retired;  ///< the reason
  std::optional<Instant> first_deployed, last_deployed;
};

/// Sessions of the database that share name and role.
struct LiveSessions {
  std::string application;
  std::string role;
  std::int64_t count = 0;
  std::string server = {};  ///< the standby that they are on; empty: the primary
};

/// One ReplicaSet that a deployment can be undone to, as `image sync` read it.
struct KeptReplicaSet {
  std::string name;  ///< namespace/name
  std::string image;
  std::int64_t replicas = 0;
  Instant synced_at;
};

struct HorizonFacts {
  std::vector<RegisteredImage> images;
  std::vector<Deployment> deployments;
  std::vector<LiveSessions> sessions;
  std::vector<KeptReplicaSet> replica_sets;
};

/// How a session shows its image (settings images.live.*), and how long one may want back what was replaced.
struct HorizonRules {
  std::string live_application = "{image}";
  std::string live_role;  ///< empty: roles tell nothing
  std::chrono::seconds horizon_time{7 * 24 * 3600};
};

struct HorizonImage {
  std::string name;
  bool known = true;                 ///< false: nobody registered it, and what it needs is unknown
  bool live = false;                 ///< runs now
  std::vector<std::string> reasons;  ///< at least one
  bool operator==(const HorizonImage&) const = default;
};

/// Every image that one may still have to run, by name. A retired image is in it only while it runs, or is pinned. A
/// session whose name fits no registered image counts as one of its own when images are named whole (`{image}` in the
/// pattern) and the name reads as `name:tag`; other sessions are people and tools.
std::vector<HorizonImage> horizon(const HorizonFacts& facts, const HorizonRules& rules, Instant now);

/// The registered image that a reference of a container means: the same name, or the same behind the registry's path
/// (`registry.example/team/shop:v41` is `shop:v41`); a digest is left out. Without one, the reference as it is.
std::string image_of_reference(std::string_view reference, const std::vector<RegisteredImage>& images);

/// Which of two images is older: by their first deployment when both have one, else by registration. Empty when that
/// is the same instant.
std::optional<bool> is_older(const RegisteredImage& image, const RegisteredImage& than);

}  // namespace switchback
