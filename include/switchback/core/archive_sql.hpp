/// The archive of what contract drops, as SQL text. Pure.
///
/// One table for each plan and table: k0, k1 … the key, v0, v1 … the old values, new_hash over the new side, gone for a
/// row that was deleted while the archive was being filled. From before its first batch to the drop, triggers write
/// every change of the table into it, so that it may be copied in batches without a lock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/contract_sql.hpp"

namespace switchback {

std::string archive_name(const TakenTable& table);      ///< `switchback."archive_<plan id>_<oid>"`
std::string archive_relation(const TakenTable& table);  ///< the same without schema and quotes
std::string archive_trigger_prefix(
    std::int64_t plan_id);  ///< `~switchback_archive_<plan id>`: all its triggers begin so

/// Settings under which values are written as text and hashed, as a list of `name`, `value`: every session and every
/// function that hashes uses these, so that equal rows give equal hashes whatever the application has set.
std::string format_settings(std::string_view verb);  ///< verb "SET": clauses of a function; "SET LOCAL": statements
/// sha256, as bytea, over a list of values. Under format_settings only.
std::string side_hash_sql(const std::string& values);
/// The same over the new side of `row`.
std::string new_side_hash_sql(const std::vector<SyncColumn>& new_side, std::string_view row);
/// CREATE TABLE, its indexes and comments. Values have TakenColumn::value_type: a row that is gone has none, which a
/// domain may forbid. Keys have the collations of the table's own, because both are walked side by side.
std::string archive_table_sql(const TakenTable& table);
/// Function and triggers that follow every change while the archive is filled. SHARE ROW EXCLUSIVE on the table.
/// `leaves`: of a partitioned table, all of them (TRUNCATE of one leaf fires that leaf's triggers only).
std::string archive_triggers_sql(const TakenTable& table, const std::vector<TableName>& leaves);
/// The small triggers that stay after the drop: a deleted row, and one whose key changed, leave the archive.
std::string keeper_triggers_sql(const TakenTable& table, const std::vector<TableName>& leaves);
/// Triggers and function. `leaves`: all that are there now.
std::string archive_triggers_drop_sql(const TakenTable& table, const std::vector<TableName>& leaves);

/// Copies up to $n rows of one leaf behind the cursor. Parameters: the cursor's key values (none when `first`), then
/// the limit. Returns one row with the last key's values as text and the number of rows read; no row at the end.
std::string archive_copy_sql(const TakenTable& table, const TableName& leaf, bool first);
/// The key that ends a range of $n rows behind the cursor; no row when less is left. Parameters as above.
std::string archive_bound_sql(const TakenTable& table, bool first);
/// Compares table and archive between two keys in one statement, hence in one snapshot. Parameters: cursor (unless
/// `first`), bound (unless `last`). Returns rows of the table, rows that differ, checksum (numeric), a differing key.
std::string archive_compare_sql(const TakenTable& table, bool first, bool last);
/// Takes up to $1 rows that are gone out of the archive; never waits for a writer.
std::string archive_sweep_sql(const TakenTable& table);

/// The schema-qualified comparison of the key's i-th column: ` OPERATOR("pg_catalog".=) `.
std::string key_operator(const TakenTable& table, std::size_t i, std::string_view symbol);

}  // namespace switchback
