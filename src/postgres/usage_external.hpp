/// Readers of the table that no statement and no session here shows.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::postgres {

/// Logical slots, publications, subscriptions, foreign servers and pg_cron jobs: unknown until `checked` names them.
/// `relations`: the table and its partitions. Not seen: a foreign server elsewhere that points here (its queries are
/// sessions and statements here like any other).
std::vector<Observation> external_readers(ports::Session& session, const std::set<TableName>& relations,
                                          const std::vector<std::string>& checked);

}  // namespace switchback::postgres
