/// How far every replica is behind, from the primary's point of view.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "switchback/core/health.hpp"
#include "switchback/core/lag.hpp"
#include "switchback/core/pacing.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::postgres {

/// Samples pg_stat_replication and the physical slots. Not thread safe: one thread samples.
///
/// Expected are: who is streaming now, who was seen before by this process, and who has left a slot behind. One that is
/// expected and cannot be read has no lag, and a problem in words.
class ReplicationSampler {
 public:
  /// One query; a failure of the session is an Error. `direct`: what replicas said themselves. One that replays late by
  /// design (recovery_min_apply_delay) is judged by what it has flushed; one that the primary does not see, because it
  /// follows another replica, by what it has replayed.
  ReplicationSample sample(ports::Session& session, Monotonic now, const std::vector<DirectReplica>& direct = {});
  /// A little WAL that needs no transaction id and touches no table, so that idle replicas' replies stay fresh.
  void nudge(ports::Session& session);

 private:
  LagRing ring_;
  std::map<std::string, std::string> seen_;  ///< every replica ever streaming here: name, application_name
};

}  // namespace switchback::postgres
