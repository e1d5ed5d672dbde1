/// What a way back below migrated takes with it: the new side's values that the old side does not carry. Counted and
/// named before, kept in a table while they go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/sync.hpp"
#include "switchback/core/work.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// The columns of one table that go.
struct GoingSide {
  std::vector<SyncColumn> columns;
  std::optional<SyncPlan> sync;  ///< what gave some of them their values from the old side
  bool marked = false;           ///< sync is on: a row that it has not marked holds nothing of its columns
};

struct LossCount {
  std::int64_t rows = 0;             ///< looked at
  std::int64_t lost = 0;             ///< rows with values that cannot be computed again from what stays
  std::vector<std::string> samples;  ///< keys of some, as JSON objects; at most 5
};
/// Rows whose values in `going` are not what forward gives of the old values there now, or, in columns that nothing is
/// computed for, neither the column's default nor what the backfill gives every row. Reads the whole table in
/// batches of `batch` rows, each a transaction of its own (the session must not be in one). A table without a key is
/// read at once, and has no samples.
LossCount losses(ports::Session& session, const TableFacts& table, const GoingSide& going, std::int64_t batch = 10000);

/// What turning back to `to` would lose, a line a table; empty: nothing. The session must not be in a transaction.
std::vector<std::string> rollback_losses(Workbench& bench, State to);

/// Before the columns of `work` are dropped: puts the rows that would lose values, key and values, into a table of the
/// journal's schema, in batches, and lets a trigger put what is written until the drop there as well.
Stop keep_going_side(Workbench& bench, const Work& work);
/// In the transaction that drops the columns, before that: the trigger goes, the table stays and is named in the
/// history; an empty one goes.
void settle_kept_side(Workbench& bench, ports::Session& session, const Work& work);

}  // namespace switchback::engine
