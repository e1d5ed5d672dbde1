/// A primary key under another column: a wider integer takes the place of a column that is in it, and of those that
/// foreign keys point from. Pure: what is refused, the names, the order of locks; src/engine/rekeying.cpp acts.
///
/// A table has one primary key, and its index goes with it. So at each turn of the names another index stands ready: on
/// the way to the hide one on the new columns, which becomes the key, and one on the old ones, which becomes it again
/// should the plan be turned back. Both are built beforehand, without a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/change.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

/// A foreign key, of this table or another, that points at this one.
struct ReferenceFacts {
  std::string constraint;
  TableName table;                      ///< whose constraint it is
  std::vector<std::string> columns;     ///< of that table
  std::vector<std::string> referenced;  ///< of this one, as many
};

/// What the catalog says of a table's key beside its TableFacts.
struct KeySurroundings {
  std::vector<ReferenceFacts> referenced_by;
  char replica_identity = 'd';             ///< relreplident: d (primary key), i (an index), f, n
  std::optional<std::string> publication;  ///< one that sends the table's updates or deletes
  bool inherits = false;                   ///< a partition, or inherits from a table, or is inherited from
};

/// As TableLookup.
using KeyLookup = std::function<std::optional<KeySurroundings>(const TableName&)>;
/// expand_changes() that finds what refers to keys. Without it a key goes over alone, and the check against the
/// database says what would stay behind.
Plan expand_changes(Plan plan, const TableLookup& lookup, const KeyLookup& keys);

/// 2, 4 or 8 for smallint, integer and bigint by any of their names; 0 for every other type.
int integer_bytes(std::string_view type);
/// The greatest number that so many bytes hold.
std::string integer_greatest(int bytes);
std::string integer_least(int bytes);

const IndexFacts* primary_key_of(const TableFacts& table);
bool in_primary_key(const TableFacts& table, std::string_view column);

struct KeyObjection {
  std::string why;   ///< "is in …": the column is named before it
  std::string hint;  ///< what to do instead
};
/// What keeps a column of the primary key, or one that refers to it, from getting the wider type `to`.
std::optional<KeyObjection> rekey_objection(const TableFacts& table, const KeySurroundings& around,
                                            const ColumnFacts& column, const std::string& to);

/// A column of another table, or of the same, that a foreign key points from to `column`.
struct ReferringColumn {
  std::string constraint;
  TableName table;
  std::string column;
};
std::vector<ReferringColumn> referring_to(const KeySurroundings& around, std::string_view column);

/// The indexes that stand ready: on the new columns until the hide, on the old ones while they are hidden.
std::string key_twin_name(std::string_view plan, std::string_view key);
std::string key_spare_name(std::string_view plan, std::string_view key);
/// An index like the primary key's, under `name`, on the columns that replace its own (`twin`), or on these themselves.
CreateIndex index_like_key(const Plan& plan, const TableFacts& table, const std::string& name, bool twin);

/// The CHECK that proves, while a plan is turned back, that the old column has every row's value:
/// `_switchback_<plan>_<column>_same`.
std::string same_check_name(std::string_view plan, std::string_view column);

/// A foreign key that points at a replaced column: it goes before the key that it rests on, and comes back to the
/// other.
struct PointingKey {
  TableName table;
  std::string name;
  std::string definition;  ///< as the server writes it
  bool validated = false;
  std::optional<std::string> comment;
};
std::string drop_constraint_sql(const TableName& table, const std::string& name);
/// The same under the same name, NOT VALID: the names in it stand for the other columns by then. And its comment.
std::vector<std::string> point_again_sql(const PointingKey& key);
std::string validate_constraint_sql(const TableName& table, const std::string& name);
/// PRIMARY KEY of an index whose columns are NOT NULL: reads nothing.
std::string take_key_sql(const TableName& table, const std::string& name, const std::string& index);

/// A table to be locked, and those of the others that its foreign keys point at.
struct LockedTable {
  TableName name;
  std::uint32_t oid = 0;
  std::vector<std::uint32_t> points_at;
};
/// Referenced tables before those that refer to them, then by oid; where they refer to each other, by oid. Whoever has
/// checked a foreign key holds the referenced table until its transaction ends: once that is locked, the others are
/// nearly always free.
std::vector<LockedTable> lock_order(std::vector<LockedTable> tables);

}  // namespace switchback
