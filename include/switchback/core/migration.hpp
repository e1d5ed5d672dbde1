/// A migration in plain SQL as it was written, statement by statement: what each does to which structure. Pure data;
/// src/postgres reads it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "switchback/core/plan.hpp"

namespace switchback {

/// SQL over a row of one table; the columns it names are bare.
struct RowExpression {
  std::string sql;
  std::set<std::string> columns;  ///< that it names
  bool bare = false;              ///< it is a column's name and nothing else
  bool is_null_test = false;      ///< `column IS NULL` of its one column
};

namespace ddl {

/// `odd` here and below: the words that no step has a key for; empty when there are none.
struct NewTable {
  CreateTable table;
  std::string odd;
};
struct NewColumn {
  TableName table;
  std::string name;
  std::string type;
  std::optional<std::string> default_value;
  bool not_null = false;
  std::vector<Rule> rules;  ///< CHECK, UNIQUE, REFERENCES of the column itself
  std::string definition;   ///< all of it, without the name
  std::string odd;
};
struct GoneColumn {
  TableName table;
  std::string name;
  bool cascade = false;
};
struct RenamedColumn {
  TableName table;
  std::string from;
  std::string to;
};
struct RenamedTable {
  TableName table;
  std::string to;
};
struct RetypedColumn {
  TableName table;
  std::string column;
  std::string type;
  std::optional<RowExpression> conversion;  ///< USING; empty also where it only casts the column
};
struct Nullability {
  TableName table;
  std::string column;
  bool not_null = false;
};
struct ColumnDefault {
  TableName table;
  std::string column;
  std::optional<std::string> value;  ///< empty: DROP DEFAULT
};
struct NewConstraint {
  TableName table;
  std::optional<Rule> rule;            ///< where one says it all
  std::optional<AddExclusion> exclusion;  ///< likewise
  std::string name;          ///< given, or as the server makes it
  std::string definition;    ///< `CONSTRAINT name …`, without NOT VALID
  std::string using_index;   ///< of ADD CONSTRAINT … USING INDEX
  bool primary = false;
  std::string odd;
};
struct GoneConstraint {
  TableName table;
  std::string name;
  bool cascade = false;
};
struct ValidatedConstraint {
  TableName table;
  std::string name;
};
struct NewIndex {
  CreateIndex index;
};
/// DROP of one thing that has a step of its own.
struct Gone {
  Action step;  ///< DropIndex, DropTable, DropView, DropType or DropFunction
  bool cascade = false;
};
/// CREATE TYPE … AS ENUM, ADD VALUE, CREATE VIEW, COMMENT ON, SET (fillfactor …), REPLICA IDENTITY, RENAME of an index
/// or constraint: a step says all of it.
struct OneStep {
  Action step;
};
struct UpdatedRows {
  TableName table;
  std::vector<std::pair<std::string, RowExpression>> set;
  std::optional<RowExpression> where;
  std::string odd;  ///< then neither `set` nor `where` says all of it
};
/// What has no step of its own.
struct Other {
  std::string what;                         ///< "CREATE FUNCTION"
  std::optional<std::string> undo;          ///< where it shows
  std::optional<std::string> irreversible;  ///< why it needs none
  bool rows = false;                        ///< it is about rows: INSERT, DELETE …
  std::optional<TableName> table;           ///< whose rows
};
/// It does nothing that a plan has to do.
struct PassedOver {
  std::string why;
};
struct Unread {
  std::string why;
};

}  // namespace ddl

struct MigrationStatement {
  std::variant<ddl::NewTable, ddl::NewColumn, ddl::GoneColumn, ddl::RenamedColumn, ddl::RenamedTable,
               ddl::RetypedColumn, ddl::Nullability, ddl::ColumnDefault, ddl::NewConstraint, ddl::GoneConstraint,
               ddl::ValidatedConstraint, ddl::NewIndex, ddl::Gone, ddl::OneStep, ddl::UpdatedRows, ddl::Other,
               ddl::PassedOver, ddl::Unread>
      what;
  std::string sql;  ///< this alone, as a statement of its own
  Place place;      ///< of its first word
};

}  // namespace switchback
