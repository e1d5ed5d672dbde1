/// Standbys whose queries nobody sees: neither statements nor sessions of a standby are in the primary's statistics.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::postgres {

/// What follows a server and replays, by its walsender, or by a slot that keeps rows for it while it is away.
/// pg_receivewal and base backups never tell of a replay, and are none.
struct Standby {
  std::string application;
  std::string slot;
  bool hidden = false;  ///< whether it replays is not shown to this role
  /// As replication lag calls it, and health.replicas.
  const std::string& name() const { return slot.empty() ? application : slot; }
};
std::vector<Standby> standbys_of(ports::Session& server);

/// Adds those that nobody samples to what is kept of earlier looks (`kept`, as it was returned), with the time of this
/// one. `sampled`: names of those that there is a connection for; each accounts for one standby and is then taken off.
nlohmann::json with_unsampled(nlohmann::json kept, const std::vector<Standby>& there, std::vector<std::string>& sampled,
                              std::chrono::milliseconds now);

/// Each of them is unknown, at the time when it was last seen, unless `without_queries` says by its name why no queries
/// run on it. `upstream`: what it followed.
std::vector<Observation> unsampled_standbys(const std::string& upstream, const nlohmann::json& kept,
                                            const std::map<std::string, std::string>& without_queries);

}  // namespace switchback::postgres
