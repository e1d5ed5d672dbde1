/// The write probe: triggers that note which session writes a column while it is observed. Pure: facts in, SQL out.
///
/// AFTER UPDATE OF, for each statement: it fires for a statement whose SET list (or ON CONFLICT … DO UPDATE, or MERGE)
/// names the column, whether or not a row was met, and not for what a BEFORE trigger such as sync's assigns (trigger.c,
/// TriggerEnabled looks at the columns of the target list). BEFORE INSERT, for each row, ahead of sync's, which fills
/// the column: it fires where the column is not what its default would be.
///
/// WHEN keeps the function from being called more than once for each session, role, application_name and period, by a
/// setting of the session that is undone with the transaction, as the note is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/sync.hpp"

namespace switchback {

struct ProbedColumn {
  std::int64_t plan_id = 0;
  TableName table;
  std::uint32_t oid = 0;  ///< of the table
  SyncColumn column;
  std::string structure;              ///< as evidence names it
  std::optional<std::string> marker;  ///< sync's: a row that bears it was moved between partitions, not inserted
  bool can_tell_inserts = true;       ///< false: the default is volatile, or rows move about without a marker
  std::chrono::seconds period{300};   ///< how long one note of a session stands for what it does
};

/// Sorts ahead of every other trigger of switchback's. `event`: 'u' or 'i'.
std::string probe_trigger_name(const ProbedColumn& column, char event);
std::string probe_function_name(std::int64_t plan_id);  ///< `switchback."probe_<plan>"`, quoted

/// CREATE OR REPLACE FUNCTION; one statement. It runs as its owner, writes one row of switchback.usage_write, waits for
/// nothing, and whatever happens in it, the application's statement goes on.
std::string probe_function_sql(std::int64_t plan_id);
/// Makes the column's triggers, in place of what was there. SHARE ROW EXCLUSIVE; ACCESS EXCLUSIVE where some were.
std::string probe_triggers_sql(const ProbedColumn& column);

/// How often a session notes that it still writes: often enough that a window ends on time, and at most every 5
/// minutes.
std::chrono::seconds probe_period(std::chrono::seconds window);

}  // namespace switchback
