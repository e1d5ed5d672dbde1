/// Keeps columns of two tables equal, row by row, by triggers on both. Pure: the SQL.
///
/// One of the two is the base, the other the part: a row of the base has at most one of the part, and where it has none
/// its own columns may say so by being empty, which is to have their defaults. With `made` the part has a row wherever
/// the base is not empty; else rows of the part are the application's, and what the base has without one stays there.
///
/// A trigger carries no value over, it makes the other row what this one is now: what is equal is not written again, so
/// that nothing goes round in circles, and after another trigger has written the row once more it is still right.
///
/// Everybody locks the old side's row first and the new side's after it. Who writes the new side holds that row
/// already: its BEFORE trigger asks for the old side's again and again, without standing in the queue for it, for less
/// time than deadlock_timeout, and then fails by itself with 40001. So no deadlock ends the statement of an image that
/// writes the old side.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

struct PairSide {
  TableName table;
  std::vector<std::string> key;     ///< unique and not null; in the order of the other side's
  std::vector<SyncColumn> columns;  ///< under their names now; in the order of the other side's
  bool old = false;                 ///< what the contract takes away
};

struct Pair {
  std::int64_t plan_id = 0;
  int number = 1;  ///< of the plan's pairs
  PairSide base;
  PairSide part;
  bool made = false;  ///< rows of the part are made and deleted with the base's columns and rows
  std::chrono::milliseconds patience{300};
  /// While the old side is being restored it is written from the new one, and not the other way round.
  bool only_back = false;

  const PairSide& old_side() const { return base.old ? base : part; }
  const PairSide& new_side() const { return base.old ? part : base; }
};

/// Why these columns cannot be kept equal: what and, behind it, what to do; two empty texts: they can.
struct PairObjection {
  std::string what, hint;
};
/// Of a pair as the plan has it; `table` and `to` are what is, or will be, under the names that `names` gives columns
/// of the old side (a hidden one has its tombstone name).
PairObjection pair_objection(const PairTables& step, const TableFacts& table, const TableFacts& to,
                             const Renames& names = {});
/// One without objection.
Pair pair_from(const PairTables& step, const TableFacts& table, const TableFacts& to, const Renames& names = {});

/// Set while a trigger of a pair writes: the write probe takes that for no image's write.
inline constexpr std::string_view pair_setting = "switchback.pair";

/// The functions, in place of what was there: they are all that names columns, and follow a rename by being made again.
std::vector<std::string> pair_functions_sql(const Pair& pair);
/// Functions and triggers, in place of what was there. ACCESS EXCLUSIVE on both tables.
std::vector<std::string> pair_sql(const Pair& pair);
std::vector<std::string> pair_drop_sql(const Pair& pair);

/// What a comparison takes for right.
enum class PairSource { old_side, new_side };

/// A range of the base's key, SQL over the alias `t`, in `leaf`: makes the other side's rows equal, but for rows that
/// somebody is writing, which are the triggers' or the comparison's. Waits for nobody. One after the other.
std::vector<std::string> pair_fill_sql(const Pair& pair, PairSource source, const TableName& leaf,
                                       const std::string& range);
/// The base's keys, as text, of the rows of the range whose two sides differ.
std::string pair_differing_sql(const Pair& pair, const TableName& leaf, const std::string& range);
/// Makes one row's other side equal. `is_row`: SQL over the alias `t`, the base's key. One after the other: the first
/// two lock the rows.
std::vector<std::string> pair_mend_sql(const Pair& pair, PairSource source, const std::string& is_row);
/// The old side's keys, as text, of the rows of the range (over its alias `t`) whose columns have a value and no row to
/// go to. Empty where every one finds a row.
std::string pair_homeless_sql(const Pair& pair, const TableName& leaf, const std::string& range);
/// How many rows of the new side have a value that no row of the old side carries.
std::string pair_not_carried_sql(const Pair& pair);

}  // namespace switchback
