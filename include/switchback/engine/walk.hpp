/// Goes through every row of a table in key order, batch after batch: each one fenced transaction that holds the rows'
/// work and the checkpoint, so that killed anywhere, cursor and rows agree.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "switchback/core/keyset.hpp"
#include "switchback/core/pacing.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// One batch as the work on it sees it.
struct WalkBatch {
  TableName leaf;                         ///< plain table that holds the rows
  std::string range;                      ///< SQL boolean over the alias `t`: the rows of this batch
  bool careful = false;                   ///< the batch failed on a value before: find the rows at fault
  std::optional<std::string> tally = {};  ///< what WalkCost::tally of this leaf's last batch was
};
struct WalkCost {
  std::int64_t wal_bytes = 0;
  std::int64_t rows_bad = 0;
  std::optional<std::string> tally = {};  ///< JSON, of this leaf up to and with this batch; kept in its checkpoint
};
using WalkWork = std::function<WalkCost(ports::Session&, const WalkBatch&)>;

struct WalkOptions {
  std::string step;  ///< "backfill users"; the checkpoint's name and what progress shows
  TableName table;
  KeyFacts key;
  BatchLimits limits;                              ///< narrower than the settings where given
  bool heed_health = true;                         ///< hold while a budget is exceeded
  std::function<std::optional<Hold>()> committed;  ///< after each batch's commit; a hold ends the walk
  std::vector<TableName> leaves = {};              ///< only these; empty: all of the table's
};

/// Leaves are read at the start; those finished before are skipped. Resumes where the journal says.
Stop walk(Workbench& bench, const WalkOptions& options, const WalkWork& work);

/// EXPLAIN executes the statement and counts its rows and its WAL (PostgreSQL 13).
WalkCost run_counted(ports::Session& session, const std::string& sql);

/// The key of the last of the next `rows` rows after `after`; empty: fewer than that are left.
std::optional<KeyValue> key_bound(ports::Session& session, const KeyFacts& key, const TableName& leaf,
                                  const std::optional<KeyValue>& after, long rows);
/// The rows behind `after` up to `upper`; careful.
WalkBatch range_of(const KeyFacts& key, const TableName& leaf, const std::optional<KeyValue>& after,
                   const std::optional<KeyValue>& upper);

/// The statement that lets comparisons of the key find its types' own operators, which an extension's type (citext) has
/// in another schema than pg_catalog; empty where that is not needed. pg_catalog stays first.
std::string key_search_path(ports::Session& session, const TableName& table, const KeyFacts& key,
                            std::string_view scope);

/// Rows done and bad over all leaves, as the checkpoints say.
struct WalkTotals {
  std::int64_t rows = 0;
  std::int64_t bad = 0;
};
WalkTotals walk_totals(ports::Session& session, PlanId plan, std::string_view step);
/// The tallies of all leaves.
std::vector<std::string> walk_tallies(ports::Session& session, PlanId plan, std::string_view step);
/// Whether the walk went on less than an hour ago.
bool walk_is_recent(ports::Session& session, PlanId plan, std::string_view step);
/// Forgets the checkpoints of a step, so that it starts from the first row; within the caller's transaction.
void forget_walk(ports::Session& session, PlanId plan, std::string_view step);

}  // namespace switchback::engine
