/// Keeps a table equal to another one, row by row, by triggers on the one that is written. Pure: the SQL.
///
/// Only one of the two is written at a time, the one that bears the name the images know. Everybody locks its row first
/// and the other table's row after it: a writer because its trigger runs last, the copy because it locks a row before
/// it copies it. The trigger does not carry values over, it makes the other table's row what this one's row is now:
/// doing so twice, or after another trigger has written the row again, changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "switchback/core/sql.hpp"

namespace switchback {

struct Mirror {
  std::uint32_t oid = 0;  ///< of `from`
  TableName from;
  TableName to;
  std::vector<std::string> key;    ///< columns that tell a row in both tables
  std::vector<std::string> other;  ///< the columns beside, but generated ones
  /// While `to` is behind: a row that one of its unique constraints refuses is left for the comparison to find. Else
  /// the statement fails.
  bool lenient = false;
};

inline constexpr std::string_view mirror_row_trigger = "~switchback_m";
inline constexpr std::string_view mirror_truncate_trigger = "~switchback_n";

std::string mirror_function_name(std::uint32_t oid);  ///< `switchback."mirror_<oid>"`, quoted

/// CREATE OR REPLACE FUNCTION; with its owner's rights, since a role that writes `from` need not be able to write `to`.
std::string mirror_function_sql(const Mirror& mirror);
/// The function and its triggers, one statement each. SHARE ROW EXCLUSIVE on `from`.
std::vector<std::string> mirror_sql(const Mirror& mirror);
std::vector<std::string> mirror_drop_sql(const TableName& from, std::uint32_t oid);

/// Copies rows of `leaf`, a part of `from` or itself, that `to` has no row for; a row that somebody is just writing is
/// left out: the trigger or the comparison takes it over. `range`: SQL over the alias `t`. Waits for no writer.
std::string mirror_copy_sql(const Mirror& mirror, const TableName& leaf, const std::string& range);
/// The keys, as text, of the rows of `leaf` in the range that `to` has not, or has otherwise.
std::string mirror_differing_sql(const Mirror& mirror, const TableName& leaf, const std::string& range);
/// The keys, as text, of the rows of `leaf`, a part of `to`, that `from` has not.
std::string mirror_surplus_sql(const Mirror& mirror, const TableName& leaf, const std::string& range);
/// Makes the row of `to` what the row of `from` is. `is_row` is SQL over the alias `s`: the key is that one. To be run
/// one after the other: the first locks the row.
std::vector<std::string> mirror_mend_sql(const Mirror& mirror, const std::string& is_row);
/// Deletes the row of `to` whose row of `from` is gone. `is_row`: over the alias `t`.
std::vector<std::string> mirror_remove_sql(const Mirror& mirror, const std::string& is_row);

}  // namespace switchback
