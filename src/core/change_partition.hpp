/// partition_table: a plain table becomes a partitioned one, by a copy that takes its place.
#pragma once

#include "switchback/core/change.hpp"

namespace switchback::changing {

/// Puts its steps behind those of the plan. Error(Exit::invalid) naming what of the table cannot go over.
void expand_partition(Plan& plan, const ChangePartition& change, Place place, const TableLookup& lookup);

}  // namespace switchback::changing
