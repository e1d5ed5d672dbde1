/// The server's own counters of indexes and tables: a rise proves use, and nothing else proves anything.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/core/structure.hpp"
#include "usage_coverage.hpp"

namespace switchback::postgres {

/// Something that counters of its own are kept of.
struct Counted {
  std::string structure;  ///< shown()
  std::string oid;        ///< the same on every standby
  std::string name;       ///< with its schema where it needs one
};

/// The indexes that stand for an index or a constraint (those of partitions, too), or the table and its partitions;
/// none for anything else. From the primary's catalog.
std::vector<Counted> counted(ports::Session& session, const std::vector<Structure>& structures);

/// Reads the counters of one server and records what rose since the look before.
void sample_counters(CoverageJournal& coverage, ports::Session& server, const std::string& name,
                     const std::vector<Counted>& all);

/// What rose, of one structure on any server, and what did not. Empty: no counters are kept of it. `tolerated`: when a
/// tolerated reader last read the table, by server; a rise of scans within a day after it is put down to it.
std::vector<Observation> counters(ports::Session& session, std::int64_t plan, const std::string& structure,
                                  const std::map<std::string, Instant>& tolerated);

}  // namespace switchback::postgres
