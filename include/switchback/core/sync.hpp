/// The sync function: one BEFORE row trigger function per table that keeps the old and the new side of every live plan
/// right. Pure: facts in, SQL text out. The rules are in docs of src/core/sync.cpp and the README.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "switchback/core/sql.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

/// Stands for the row in a resolved expression: every column reference is written `"~switchback_row"."column"`.
/// Nothing a user writes contains it (the plan is refused otherwise), so replacing it is exact.
inline constexpr std::string_view row_alias = "~switchback_row";

/// A user's expression after the server has resolved it: operators, functions, types and collations qualified with
/// their schemas, columns prefixed with row_alias, constants cast.
struct ResolvedExpression {
  std::string sql;
  std::vector<std::string> columns;  ///< columns of the row that it reads
  std::string type;                  ///< its result type, qualified
  std::vector<std::string> calls;    ///< user functions it calls, `schema.name(args)`; writers need EXECUTE on them
  /// The same with row_alias replaced: `in("NEW")` → `NEW."full_name"`, `in("t")` for a query's alias.
  std::string in(std::string_view row) const;
};

struct SyncColumn {
  std::string name;  ///< the column's name now: a hidden one has its tombstone name
  std::string type;  ///< qualified, with typmod
  bool not_null = false;
  std::optional<std::string> default_value;  ///< deparsed, qualified; constant or stable
  bool bitwise_equality = true;
  bool default_volatile = false;  ///< nextval, random uuid, identity: a value cannot be told from its default
  int number = 0;                 ///< attnum; only exact mode needs it
};
SyncColumn sync_column(const ColumnFacts& column);

/// One plan's share of a table's sync.
struct SyncPlan {
  std::string plan;    ///< the plan's name
  std::string marker;  ///< marker_name(plan)
  std::vector<SyncColumn> old_side;
  std::vector<SyncColumn> new_side;
  std::vector<std::pair<std::string, ResolvedExpression>> forward;  ///< new column, from old columns
  std::vector<std::pair<std::string, ResolvedExpression>> reverse;  ///< old column, from new columns; may be empty
  /// Rows for which it is not true are marked in sync unconverted, and left alone while it is not true; a row for which
  /// it becomes true is converted then. Where it raises, the row is marked as a failed forward.
  std::optional<ResolvedExpression> where;
  bool reject = false;  ///< on_error: reject; a value that cannot be converted fails the statement that wrote it
  bool exact = false;
  bool new_side_wins_insert = false;  ///< master: new
  /// The marks for a failed conversion. Exchanged together with the sides while restoring, so that they mean the same
  /// when the sides are turned round again.
  char forward_failed = 'f';
  char reverse_failed = 'r';
};

/// All live plans of one table, in dependency order (a plan after those whose new side it reads).
struct SyncTable {
  std::uint32_t oid = 0;
  TableName name;
  std::vector<SyncPlan> plans;
  bool definer = false;  ///< while restoring: runs with its owner's rights, because it reads the archive
};

std::string marker_name(std::string_view plan);                              ///< `_switchback_<plan>`
std::string tombstone_name(std::string_view plan, std::string_view column);  ///< `_switchback_<plan>_<column>`
std::string sync_function_name(std::uint32_t table_oid);                     ///< `switchback."sync_<oid>"`, quoted
inline constexpr std::string_view sync_insert_trigger = "~switchback_i";
inline constexpr std::string_view sync_update_trigger = "~switchback_u";

/// The expression with a column of the row under another name: hidden, or visible again.
ResolvedExpression renamed(ResolvedExpression expression, std::string_view from, std::string_view to);

/// CREATE OR REPLACE FUNCTION …; one statement.
std::string sync_function_sql(const SyncTable& table);
/// DROP TRIGGER IF EXISTS / CREATE TRIGGER / ENABLE ALWAYS, for a table whose set of live plans changed (the WHEN of
/// the update trigger names every side column). ACCESS EXCLUSIVE (DROP TRIGGER takes it) until the transaction ends;
/// adding or dropping the marker takes the same.
std::string sync_triggers_sql(const SyncTable& table);
/// What removes triggers and function when the last plan goes.
std::string sync_drop_sql(std::uint32_t table_oid, const TableName& table);

/// `SET` list of a batch: every new column := forward, marker := 's'. The row is aliased `row`.
std::string fill_set_sql(const SyncPlan& plan, std::string_view row);
/// The same the other way round: every old column that reverse gives := reverse, marker := 's'.
std::string refill_old_set_sql(const SyncPlan& plan, std::string_view row);
/// True for a row whose two sides agree, by forward or by reverse, or which the application wrote on both sides ('b'),
/// or for which `where` is not true; false for an unfilled row; NULL for rows marked as failed ('f', 'r'), which are
/// counted apart. SQL boolean over `row`; raises what the expressions raise.
std::string in_step_sql(const SyncPlan& plan, std::string_view row);
/// The same by reverse alone: for a single row on which in_step_sql raises. A value that reverse gave may be one that
/// forward cannot convert; the row is right all the same.
std::string in_step_by_reverse_sql(const SyncPlan& plan, std::string_view row);

/// Exact mode: CREATE OR REPLACE of switchback.omit(), and the side columns' defaults turned into calls of it, which
/// note that a column was omitted. ports::Catalog reads such a default as the one it stands for.
std::string exact_defaults_sql(const SyncTable& table, const SyncPlan& plan);
/// Puts the defaults back that the columns had.
std::string exact_undo_sql(const SyncTable& table, const SyncPlan& plan);

/// "differs by image": true also where the type's own equality hides a difference. SQL boolean.
std::string differs_sql(const SyncColumn& column, std::string_view left, std::string_view right);

}  // namespace switchback
