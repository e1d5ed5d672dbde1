/// What the catalog says of one table: everything that steps, sync, backfill and contract decide on.
/// Filled by src/postgres/catalog.cpp; all SQL fragments are as the server deparses them, fully qualified.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/sql.hpp"

namespace switchback {

struct ColumnFacts {
  int number = 0;  ///< attnum
  std::string name;
  std::string type;  ///< format_type with typmod, qualified: `text`, `numeric(10,2)`, `public.mood`
  bool not_null = false;
  std::optional<std::string> default_value;  ///< pg_get_expr; not for generated columns
  bool default_volatile = false;
  bool identity = false;
  bool generated = false;
  bool bitwise_equality =
      true;  ///< equal by the type's default operator means the same bytes; false: json, citext, numeric, float …
  std::optional<std::string> collation;  ///< qualified, only when not the type's own
  std::optional<std::string> comment;
  std::vector<std::string> grants;  ///< complete GRANT statements of column privileges
  std::int32_t statistics_target = -1;
  std::vector<std::string> enum_values;  ///< of an enum or an array of one, in order
};

struct IndexFacts {
  TableName name;
  std::string definition;            ///< pg_get_indexdef
  std::vector<std::string> columns;  ///< key columns by name; empty string for an expression
  bool unique = false;
  bool primary = false;
  bool valid = false;
  bool partial = false;
  bool immediate = true;
  std::optional<std::string> constraint;  ///< name of the constraint it belongs to
  std::vector<int> mentions;              ///< attnums anywhere in it: keys, INCLUDE, expressions, predicate
};

struct ConstraintFacts {
  std::string name;
  char type = 'c';         ///< pg_constraint.contype
  std::string definition;  ///< pg_get_constraintdef
  std::vector<std::string> columns;
  bool validated = true;
};

struct TriggerFacts {
  std::string name;
  std::string definition;
  bool before_row_write = false;  ///< BEFORE ROW trigger for INSERT or UPDATE
  bool update_row = false;        ///< fires for UPDATE, row level
};

/// A key a cursor can walk: unique, not null, immediate, whole.
struct KeyFacts {
  std::string index;
  std::vector<std::string> columns;
  std::vector<std::string> types;
};

struct TableFacts {
  std::uint32_t oid = 0;
  TableName name;
  char kind = 'r';  ///< relkind: r, p (partitioned)
  std::string owner;
  bool row_security = false;  ///< relrowsecurity
  bool row_security_forced = false;
  double rows_estimate = 0;  ///< reltuples over all leaves, 0 when never analysed
  std::int64_t bytes = 0;    ///< heap of all leaves
  std::vector<ColumnFacts> columns;
  std::vector<IndexFacts> indexes;
  std::vector<ConstraintFacts> constraints;
  std::vector<TriggerFacts> triggers;      ///< users' own; ours and internal ones are left out
  std::vector<std::string> partition_key;  ///< columns of the partition key, here or in any parent
  std::vector<TableName> branches;         ///< partitioned tables below this one, upper ones first
  std::map<TableName, TableName> parents;  ///< of every branch and leaf: the table that it is a partition of
  std::vector<TableName> leaves;           ///< plain tables that hold the rows: itself, or all leaf partitions
  std::optional<KeyFacts> key;  ///< what the backfill walks: the primary key, else the narrowest usable unique key

  const ColumnFacts* column(std::string_view column_name) const;
};

}  // namespace switchback
