/// What contract takes away, and the SQL that hides it, drops it and lets the sync function follow. Pure: facts in,
/// text out; src/engine/hiding.cpp acts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

/// A column that the plan drops.
struct TakenColumn {
  std::string name;        ///< as the application knows it; of one that is replaced: as `hidden`
  std::string hidden;      ///< tombstone_name(plan, name)
  std::string type;        ///< qualified, with typmod
  std::string value_type;  ///< the same with domains replaced by what they are made of; empty: type
  bool bitwise_equality = true;
  std::optional<std::string> default_value;
  bool default_volatile = false;
  std::optional<std::string> born_since;  ///< as in the plan
};

/// Everything that one plan drops of one table, and what its archive is made of. Recorded when it is hidden
/// (engine::store_definitions), because after the drop the catalog knows nothing of it any more.
struct TakenTable {
  std::int64_t plan_id = 0;
  std::string plan;
  std::uint32_t oid = 0;
  TableName name;
  bool partitioned = false;
  KeyFacts key;                            ///< of the archive's rows
  std::vector<std::string> key_operators;  ///< schema of each key type's comparison operators; empty: all in pg_catalog
  std::vector<TakenColumn> columns;
  std::vector<SyncColumn> new_side;  ///< what the archive's hash covers; empty for a column dropped without heir
};

using Renames = std::vector<std::pair<std::string, std::string>>;  ///< from, to

/// One entry for each table of which the plan drops columns. `facts` may be from before or after hiding: a column is
/// found under either name, one that is replaced under its tombstone's alone: `facts` are from after the swap then, and
/// `sync` too. Error(Exit::invalid) for a table without a usable key, a column that is part of that key, a
/// generated one, or one that is not there. A table that `facts` lacks is left out.
std::vector<TakenTable> taken_tables(std::int64_t plan_id, const Plan& plan, const std::vector<TableFacts>& facts,
                                     const std::vector<std::pair<TableName, SyncPlan>>& sync);

/// Old name to tombstone name of every column taken.
Renames hiding_names(const TakenTable& table);
Renames unhiding_names(const TakenTable& table);
/// The same plan's sync, or another's on the same table, with columns under other names: sides, expressions, `where`.
SyncPlan with_names(SyncPlan sync, const Renames& names);

/// `ALTER TABLE … RENAME COLUMN`, one statement a column.
std::vector<std::string> rename_sql(const TableName& table, const Renames& names);

/// Out of reach by name alone: an index or a constraint goes on working until it is dropped. SHARE UPDATE EXCLUSIVE on
/// the index (PostgreSQL 12+), ACCESS EXCLUSIVE on the constraint's table.
std::string rename_index_sql(const TableName& index, std::string_view to);
std::string rename_constraint_sql(const TableName& table, std::string_view from, std::string_view to);

/// The CHECK that stands for NOT NULL until it is validated: `_switchback_<plan>_<column>_not_null`.
std::string not_null_check_name(std::string_view plan, std::string_view column);
std::string enforce_not_null_sql(std::string_view plan, const TableName& table, std::string_view column);
std::string release_not_null_sql(std::string_view plan, const TableName& table, std::string_view column);
/// SHARE UPDATE EXCLUSIVE while it reads the table; readers and writers go on.
std::string validate_not_null_sql(std::string_view plan, const TableName& table, std::string_view column);
/// SET NOT NULL, proved by the validated CHECK, so that nothing is read (PostgreSQL 12+), and the CHECK goes: two
/// statements.
std::vector<std::string> settle_not_null_sql(std::string_view plan, const TableName& table, std::string_view column);

/// `DROP COLUMN … RESTRICT` of a tombstone.
std::string drop_column_sql(const TableName& table, const std::string& hidden);
/// The marker column goes, after every trigger that names it.
std::string drop_marker_sql(const TableName& table, std::string_view plan);

}  // namespace switchback
