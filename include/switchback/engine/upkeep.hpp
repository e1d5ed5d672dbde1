/// What a backfill leaves behind: dead rows, and a table that has grown.
#pragma once

#include <cstdint>
#include <string>

#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// In bytes, with all partitions: the tables with what is toasted, and their indexes.
struct TableSize {
  std::int64_t table = 0;
  std::int64_t indexes = 0;
};
TableSize size_of(ports::Session& session, const TableName& table);

/// "9,000 rows in 2 s of work, 3 in quarantine; table 4.1 MB, was 3.0 MB; indexes 1.2 MB, was 1.1 MB"
std::string backfill_report(ports::Session& session, PlanId plan, const TableName& table, const TableSize& before);

/// VACUUM (ANALYZE) of the leaves of which a tenth or more is dead rows and that autovacuum does not look after, at the
/// pace that autovacuum would have: what comes after (index builds, the comparison) reads less, and later writes find
/// the room. One whose VACUUM is cancelled is left. `backfill.vacuum: off` leaves all of them.
Stop vacuum_where_it_pays(Workbench& bench, const TableName& table);

}  // namespace switchback::engine
