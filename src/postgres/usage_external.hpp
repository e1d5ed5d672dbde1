/// Readers of the table that no statement and no session here shows.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::postgres {

/// Logical slots, publications, subscriptions, foreign servers and pg_cron jobs: unknown until `checked` names them.
/// `relations`: the table and its partitions. Not seen: a foreign server elsewhere that points here (its queries are
/// sessions and statements here like any other).
std::vector<Observation> external_readers(ports::Session& session, const std::set<TableName>& relations,
                                          const std::vector<std::string>& checked);

/// Standbys that nobody samples. Their queries cannot be seen from the primary: one that sends hot_standby_feedback is
/// set up to run queries, and unknown; one that does not is noted, no more. `configured`: names of those that there is
/// a connection for; each accounts for one standby and is then taken off.
std::vector<Observation> unsampled_standbys(ports::Session& session, std::vector<std::string>& configured);

/// What follows a standby: application_name and slot of each.
std::vector<std::pair<std::string, std::string>> followers(ports::Session& standby);
/// Those of them that nobody samples are unknown: what they send upstream is not told from the standby's own.
std::vector<Observation> unsampled_followers(const std::string& standby,
                                             const std::vector<std::pair<std::string, std::string>>& following,
                                             std::vector<std::string>& configured);

}  // namespace switchback::postgres
