/// The registry of images in the journal, and what the horizon is made of. Times are the database server's.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/image.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Adds the image, or gives the one that is there this footprint; with an event. `source`: "manifest" or "label".
void register_image(ports::Session& session, const Actor& actor, const std::string& name, const std::string& source,
                    const Footprint& footprint);

/// The images a plan names, with what the plan itself says of them: added where they are new, widened where nothing
/// but plans has told of them; one with a manifest stays as it is. In the caller's transaction.
void register_plan_images(ports::Session& session, const Actor& actor, const Images& images, const PlanEffect& effect);

/// With `only`, the footprints of those images alone, and of the others their role: footprints can be long.
std::vector<RegisteredImage> registered_images(ports::Session& session,
                                               const std::optional<std::set<std::string>>& only = std::nullopt);

/// A registered image whose name is much like this one, for diagnostics.
std::optional<std::string> nearest_image(ports::Session& session, const std::string& name);

/// `at`: as timestamptz reads it; empty: now. A retired image is taken back by it. False: nobody registered the
/// image, and it is on record all the same. Error(Exit::invalid) for what is no image's name.
bool record_deployment(ports::Session& session, const Actor& actor, const std::string& image,
                       const std::string& environment, const std::optional<std::string>& at);
/// The reason, or nothing to take it back; each with an event. False: there was no pin to take back.
/// Error(Exit::invalid) for an unknown image.
bool set_pinned(ports::Session& session, const Actor& actor, const std::string& image,
                const std::optional<std::string>& reason);
void retire(ports::Session& session, const Actor& actor, const std::string& image, const std::string& reason);

/// Replaces what the last sync of that cluster said.
void record_replica_sets(ports::Session& session, const Actor& actor, const std::string& cluster,
                         const std::vector<KeptReplicaSet>& sets);

HorizonRules horizon_rules(const Settings& settings);
/// Registry, deployments, replica sets, and who is connected to this database now (switchback itself left out). `only`
/// as in registered_images.
HorizonFacts horizon_facts(ports::Session& session, const std::optional<std::set<std::string>>& only = std::nullopt);
/// Adds who is connected to the same database on a standby.
void add_sessions_on(HorizonFacts& facts, const std::string& name, ports::Session& standby);
Instant server_now(ports::Session& session);

std::string to_json(const Footprint& footprint);
Footprint footprint_from_json(const std::string& json);
std::string to_json(const PlanEffect& effect);
PlanEffect effect_from_json(const std::string& json);

}  // namespace switchback::engine
