#include "switchback/postgres/replication.hpp"

#include <algorithm>
#include <set>

namespace switchback::postgres {
namespace {

/// One row a walsender or a physical slot that was used. A replica is named by its slot, which outlives it, else by its
/// application_name. Logical walsenders are subscribers, not replicas. A base backup is neither.
constexpr const char* look = R"sql(
WITH senders AS (
  SELECT r.pid, r.application_name, r.state, r.replay_lsn, r.flush_lsn, r.reply_time,
         s.slot_name, s.slot_type
  FROM pg_catalog.pg_stat_replication r LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid)
SELECT pg_catalog.pg_current_wal_flush_lsn(), NULL, NULL, NULL, NULL, NULL, NULL, NULL
UNION ALL
SELECT NULL, coalesce(slot_name, application_name), application_name, coalesce(state, 'hidden'),
       coalesce(replay_lsn, flush_lsn), extract(epoch FROM pg_catalog.clock_timestamp() - reply_time), 'sender', flush_lsn
FROM senders WHERE slot_type IS DISTINCT FROM 'logical' AND state IS DISTINCT FROM 'backup'
UNION ALL
SELECT NULL, slot_name, slot_name, NULL, restart_lsn, NULL, 'slot', NULL
FROM pg_catalog.pg_replication_slots
WHERE slot_type = 'physical' AND NOT active AND restart_lsn IS NOT NULL AND NOT temporary
)sql";

}  // namespace

ReplicationSample ReplicationSampler::sample(ports::Session& session, Monotonic now,
                                             const std::vector<DirectReplica>& direct) {
  const auto delayed = [&](const std::string& name) {
    const auto found = std::ranges::find(direct, name, &DirectReplica::name);
    return found != direct.end() && found->delayed;
  };
  const auto rows = session.exec(look);
  ReplicationSample sample{now, {}, {}, parse_lsn(rows.text(0, 0))};
  if (sample.flushed) ring_.record(now, *sample.flushed);
  std::set<std::string> present;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    ReplicaReading replica{rows.text(i, 1), std::nullopt, {}, std::nullopt};
    present.insert(replica.name);
    if (rows.text(i, 6) == "slot") {
      replica.problem = "is not connected; its slot is left behind";
    } else if (rows.text(i, 3) == "hidden") {
      replica.problem = "cannot be read: GRANT pg_monitor TO " +
                        session.exec("SELECT pg_catalog.quote_ident(current_user)").text(0, 0);
    } else if (rows.text(i, 3) != "streaming") {
      replica.problem = "is in state " + rows.text(i, 3);
      seen_.emplace(replica.name, rows.text(i, 2));
    } else {
      seen_.emplace(replica.name, rows.text(i, 2));
      const auto position = parse_lsn(rows.text(i, delayed(replica.name) ? 7 : 4));
      // A reply older than 3 s says where the replica was, not where it is: only a lag that is over anyway is believed.
      if (position) replica.lag = ring_.lag(now, *position);
      replica.replayed = position;
      if (!position) replica.problem = "reports no position";
      if (replica.lag && rows.number(i, 5) > 3.0) {
        replica.lag = std::max(*replica.lag, std::chrono::milliseconds(static_cast<long>(rows.number(i, 5) * 1000)));
      }
    }
    sample.replicas.push_back(std::move(replica));
  }
  for (const DirectReplica& replica : direct) {
    const auto position = replica.delayed ? replica.flushed : replica.replayed;
    if (!position || !present.insert(replica.name).second) continue;
    sample.replicas.push_back({replica.name, ring_.lag(now, *position), {}});
  }
  for (const auto& [name, application] : seen_)
    if (!present.contains(name))
      sample.replicas.push_back({name, std::nullopt, "is not connected any more", std::nullopt});
  return sample;
}

void ReplicationSampler::nudge(ports::Session& session) {
  session.exec("SELECT pg_catalog.pg_logical_emit_message(false, 'switchback', '')");
}

}  // namespace switchback::postgres
