/// A plan as the user declared it: three phases of steps. Pure data; src/plan_file reads it.
///
/// Names here are already folded as SQL folds them (unquoted: lower case); they are quoted again when SQL is written.
/// SQL expressions and types are kept exactly as written; the server resolves them when the plan starts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "switchback/core/alerts.hpp"
#include "switchback/core/sql.hpp"

namespace switchback {

/// Where something stands in the plan file; 1-based. {0, 0}: the engine made it.
struct Place {
  int line = 0;
  int column = 0;
  bool operator==(const Place&) const = default;
};

using ColumnExpressions = std::vector<std::pair<std::string, std::string>>;  ///< column, SQL; in the order written

struct BatchLimits {
  std::optional<std::chrono::milliseconds> target;  ///< execution time a batch should take
  std::optional<std::int64_t> max_wal;              ///< bytes of WAL a batch may write
  bool operator==(const BatchLimits&) const = default;
};

enum class OnError { record, reject };
enum class UserTriggers { fire, skip };
enum class Master { old_side, new_side };

// --- steps -----------------------------------------------------------------------------------------------------

struct AddColumn {
  TableName table;
  std::string name;
  std::string type;                          ///< empty: that of `like`
  std::optional<std::string> default_value;  ///< SQL
  bool not_null = false;
  /// Default, comment, statistics target and column grants of this column, and without `type` its type and collation.
  std::optional<std::string> like;
};
/// How an index keeps one of its keys, where that is not the default of the key's type.
struct IndexKey {
  std::string key;  ///< as in CreateIndex::columns
  std::optional<std::string> collation;
  std::optional<std::string> opclass;  ///< both as SQL names them, with a schema where needed
  bool descending = false;
  std::optional<bool> nulls_first;  ///< empty: last, with `descending` first
};
struct CreateIndex {
  TableName table;
  std::vector<std::string> columns;  ///< column names, or expressions in parentheses
  std::vector<IndexKey> keys;        ///< those of `columns` that are kept in a way of their own
  std::optional<std::string> where;
  bool unique = false;
  std::string method = "btree";
  std::optional<std::string> name;  ///< else made from table and columns, as the server would
  std::vector<std::string> include;
  bool nulls_not_distinct = false;        ///< of a unique index (PostgreSQL 15): two NULLs are twins
  ColumnExpressions with;                 ///< storage parameters: fillfactor …
  std::optional<std::string> definition;  ///< a whole CREATE INDEX text (from the catalog); wins over the rest
  bool constraint = false;                ///< then a UNIQUE constraint of the same name is made of it
};
struct DropNotNull {
  TableName table;
  std::string column;
};
struct SetDefault {
  TableName table;
  std::string column;
  std::string default_value;  ///< SQL
};
struct DropDefault {
  TableName table;
  std::string column;
};
struct RenameIndex {
  TableName name;
  std::string to;
};
struct RenameConstraint {
  TableName table;
  std::string name;
  std::string to;
};
/// fillfactor, autovacuum_… of a table or an index.
struct SetStorageParameters {
  TableName name;
  bool index = false;     ///< else a table
  ColumnExpressions set;  ///< parameter, value as SQL; an empty value: the default again
};
/// What tells subscribers which row was changed.
enum class Identity { primary_key, full, nothing, index };
struct SetReplicaIdentity {
  TableName table;
  Identity identity = Identity::primary_key;
  std::string index;  ///< with Identity::index, in the table's schema
};
struct SetStatistics {
  TableName table;
  std::string column;
  int target = -1;  ///< -1: as default_statistics_target says
};
/// How values that are long are kept, from then on.
struct SetStorage {
  TableName table;
  std::string column;
  std::optional<std::string> storage;      ///< plain, external, extended, main
  std::optional<std::string> compression;  ///< pglz, lz4, default (PostgreSQL 14)
};
/// A statement over every row of a table, a range of its key at a time.
struct SqlBatched {
  TableName table;
  std::string run;  ///< one UPDATE, DELETE or INSERT … SELECT with `{rows}` in its WHERE: the range, over the alias `t`
  std::optional<std::string> undo;          ///< likewise
  std::optional<std::string> irreversible;  ///< the reason, where there is no undo
  BatchLimits batch;
};
struct Sql {
  std::string run;
  std::optional<std::string> undo;
  std::optional<std::string> irreversible;  ///< the reason, where there is no undo
};
struct Backfill {
  TableName table;
  ColumnExpressions set;                    ///< forward: new column from old columns
  ColumnExpressions reverse;                ///< old column from new columns
  std::optional<std::string> reverse_none;  ///< `reverse: { none: reason }`
  std::optional<std::string> where;
  BatchLimits batch;
  bool exact = false;
  OnError on_error = OnError::record;
  std::optional<UserTriggers> user_triggers;
  std::optional<Master> master;
};
struct Verify {
  TableName table;
  std::string check;
};
struct SetNotNull {
  TableName table;
  std::string column;
};
struct AddCheck {
  TableName table;
  std::string check;                ///< SQL over the row
  std::optional<std::string> name;  ///< else constraint_name (core/rule.hpp)
};
/// What a foreign key does to the rows that refer to one that goes or changes.
enum class KeyAction { no_action, restrict_, cascade, set_null, set_default };
struct AddForeignKey {
  TableName table;
  std::vector<std::string> columns;
  TableName referenced;
  std::vector<std::string> referenced_columns;  ///< as many as `columns`
  KeyAction on_delete = KeyAction::no_action;
  KeyAction on_update = KeyAction::no_action;
  std::optional<std::string> name;
};
struct AddUnique {
  TableName table;
  std::vector<std::string> columns;
  std::optional<std::string> name;
  bool index = false;  ///< a unique index does it, no constraint is made of that
};
/// No two rows for which all the operators say true. Its index can only be built under a lock.
struct AddExclusion {
  TableName table;
  std::string method = "gist";
  ColumnExpressions elements;  ///< column or expression in parentheses, operator
  std::optional<std::string> where;
  std::optional<std::string> name;  ///< else made from table and columns, as the server would
  std::optional<std::string> lock;  ///< why writers may be kept out for as long as the index takes
};
/// What rows must keep to once the contract has tightened it.
using Rule = std::variant<SetNotNull, AddCheck, AddForeignKey, AddUnique>;
/// Mends the rows that break a rule, in batches: sets columns, or deletes them.
struct Fix {
  TableName table;
  Rule rule;  ///< of the same table
  ColumnExpressions set;
  bool remove = false;  ///< then `set` is empty
  BatchLimits batch;
};
struct DropColumn {
  TableName table;
  std::string name;
  std::optional<std::string> born_since;  ///< SQL; what rows born after the drop get when the column is restored
};
/// Another column takes the place of one, under its name.
struct ReplaceColumn {
  TableName table;
  std::string column;
  std::string with;
  /// Indexes and unique constraints of `column`, each with its twin on `with`, which takes its name.
  std::vector<std::pair<std::string, std::string>> names;
};
struct DropIndex {
  TableName name;
};
struct DropConstraint {
  TableName table;
  std::string name;
};
struct DropTable {
  TableName name;  ///< with its partitions
};
struct DropView {
  TableName name;  ///< of a view or a materialized view
};
struct DropType {
  TableName name;  ///< of an enum, a composite or range type, or a domain
};
/// Its name goes to nobody, and the table bears another one in the same schema. Until then a view bears that: a
/// `create_view` of this plan with `like` of the table.
struct RenameTable {
  TableName table;
  std::string to;
};
/// Another type takes the name of an enum, which no column is of any more when the contract is done.
struct ReplaceType {
  TableName type;
  std::string with;  ///< in the same schema
};
struct DropFunction {
  TableName name;         ///< of a function or procedure
  std::string arguments;  ///< types as DROP FUNCTION takes them: "integer, public.mood"; empty: it has none
};

struct CreateTable {
  TableName name;
  ColumnExpressions columns;                ///< name, and the rest as CREATE TABLE has it: "bigint NOT NULL DEFAULT 0"
  std::vector<std::string> primary_key;     ///< column names
  std::vector<std::string> constraints;     ///< as CREATE TABLE has them: "CHECK (qty > 0)"
  std::optional<std::string> partition_by;  ///< "RANGE (placed_at)"
  ColumnExpressions partitions;  ///< name in the table's schema, bounds: "FOR VALUES IN ('de')", or "DEFAULT"
};
struct CreateEnum {
  TableName name;
  std::vector<std::string> values;
};
struct AddEnumValue {
  TableName type;
  std::string value;
  std::optional<std::string> before, after;  ///< of which value; one of the two, or neither: at the end
};
struct CreateView {
  TableName name;
  std::string query;  ///< SQL; empty with `like`
  /// A table: the view has its columns, grants and comments, is written through, and minds the policies of the table.
  std::optional<TableName> like;
  /// With `like`: the column of the table that the view shows under a name. That one is not shown under its own.
  std::vector<std::pair<std::string, std::string>> columns;
  std::vector<std::string> without;  ///< with `like`: columns of the table that the view has not
};
/// On what a comment stands. `part`: the column's or constraint's name.
enum class Commented { table, column, constraint, view, index, type };
struct SetComment {
  Commented what = Commented::table;
  TableName name;
  std::string part;
  std::string comment;
};

using Action =
    std::variant<AddColumn, CreateIndex, DropNotNull, SetDefault, Sql, Backfill, Verify, SetNotNull, DropColumn,
                 ReplaceColumn, DropIndex, DropConstraint, DropTable, DropView, DropType, DropFunction, Fix, AddCheck,
                 AddForeignKey, AddUnique, CreateTable, CreateEnum, AddEnumValue, CreateView, SetComment, DropDefault,
                 RenameIndex, RenameConstraint, SetStorageParameters, SetReplicaIdentity, SetStatistics, SetStorage,
                 SqlBatched, AddExclusion, RenameTable, ReplaceType>;

struct Step {
  Action action;
  Place place;
};

/// "add_column", "backfill" …: the key in YAML, the word in journal and log.
std::string_view kind(const Action& action);
/// One line for people: "add_column users.first_name".
std::string describe(const Action& action);
/// The table a step works on, or nothing for `sql` and for what drops a thing by its own name.
const TableName* table_of(const Action& action);

// --- short form ------------------------------------------------------------------------------------------------

struct ChangeAddColumn {
  TableName table;
  std::string name;
  std::string type;
  std::optional<std::string> default_value;
  std::optional<std::string> fill;
  bool not_null = false;
};
struct ChangeDropColumn {
  TableName table;
  std::string name;
  std::optional<std::string> born_since;
};
struct ChangeRenameColumn {
  TableName table;
  std::string from;
  std::string to;
};
struct ChangeRenameTable {
  TableName table;
  std::string to;  ///< in the same schema
};
/// set_not_null, add_check, add_foreign_key, add_unique: one rule, and how rows that break it are mended.
struct ChangeTighten {
  Rule rule;
  ColumnExpressions set;  ///< neither `set` nor `remove`: they are listed, and the plan holds
  bool remove = false;
};
/// One column becomes several; `into` has an expression over the row for each.
struct ChangeSplitColumn {
  TableName table;
  std::string from;
  ColumnExpressions into;
  ColumnExpressions types;             ///< of the new columns; text where none is given
  std::optional<std::string> reverse;  ///< the old column from the new ones
  std::optional<std::string> reverse_none;
};
/// Several columns become one.
struct ChangeMergeColumns {
  TableName table;
  std::vector<std::string> from;
  std::string into;
  std::string type;
  std::string fill;           ///< the new column from the old ones
  ColumnExpressions reverse;  ///< the old columns from the new one
  std::optional<std::string> reverse_none;
};
/// A change that is one step, in the phase where it belongs.
struct ChangeStep {
  std::string_view phase;  ///< "expand", "migrate" or "contract"
  Action action;
};
struct ChangeType {
  TableName table;
  std::string column;
  std::string to;                      ///< type
  std::optional<std::string> fill;     ///< of the column as it is; left out: the column, as an assignment converts it
  std::optional<std::string> reverse;  ///< of the column as it is then, under the same name
  /// SQL; where the old column's default is none of the new type. Left out: that of the old column.
  std::optional<std::string> default_value;
};
/// An enum gets other values: a new type, to which every column of the old one in `tables` changes.
struct ChangeReplaceEnum {
  TableName type;
  std::vector<std::string> values;  ///< the new ones, in order
  ColumnExpressions becomes;        ///< old value, new value; one that is left out keeps its name
  ColumnExpressions reverse;        ///< new value, old value; where `becomes` does not say, or says several
  std::vector<TableName> tables;
};
using WholeChange = std::variant<ChangeAddColumn, ChangeDropColumn, ChangeRenameColumn, ChangeSplitColumn,
                                 ChangeMergeColumns, ChangeStep, ChangeTighten, ChangeType, ChangeRenameTable, ChangeReplaceEnum>;
struct Change {
  WholeChange what;
  Place place;
};

// --- the plan --------------------------------------------------------------------------------------------------

struct Archive {
  std::optional<std::chrono::seconds> keep;  ///< empty with `none`
  std::optional<std::string> none;           ///< the reason for keeping no archive
};

struct Contract {
  std::optional<std::chrono::seconds> observe;  ///< empty: from the settings
  std::optional<std::chrono::seconds> soak;
  std::optional<Archive> archive;
  std::optional<int> approvals;
  std::optional<std::vector<std::chrono::seconds>> brownout;  ///< stretches; none of them: no brownout
  std::vector<std::string> allow_silent;                      ///< dependents that a drop takes along, named
  std::vector<Step> steps;
};

struct Images {
  std::optional<std::string> before;  ///< the newest image that needs the old side
  std::optional<std::string> after;   ///< the oldest image that works on the new side
};

/// Who may read whole rows (SELECT *, a dump) of what the contract takes away: it bears a column less.
struct TolerantReader {
  std::optional<std::string> role;         ///< one of the two is given
  std::optional<std::string> application;  ///< application_name
  bool operator==(const TolerantReader&) const = default;
};

/// The plan that this one undoes: its name, and its text by the first 12 or more hex digits of the SHA-256.
struct RollsForward {
  std::string plan;
  std::string hash;
  bool operator==(const RollsForward&) const = default;
};

struct Plan {
  std::string name;
  std::string description;
  std::optional<RollsForward> rolls_forward;
  std::vector<std::string> requires_plans;
  Images images;
  std::vector<std::string> external_checked;  ///< external readers (slots, publications …) that a person has checked
  std::vector<TolerantReader> readers;        ///< `readers: [ { role: dump, star: tolerated } ]`
  std::vector<Change> changes;                ///< short form; empty once expanded (core/change.hpp)
  std::vector<Step> expand;
  std::vector<Step> migrate;
  Contract contract;
  std::vector<AlertSource> turn_back;                         ///< what unhides it by itself, and holds its backfill
  std::vector<std::string> smoke;                             ///< SQL that is run, read-only, right after turning back
  std::vector<std::pair<std::string, std::string>> settings;  ///< dotted key, value: narrower than the configuration

  std::string file;  ///< path as given, for messages
  std::string text;  ///< the bytes of the file
  std::string hash;  ///< sha256 of text, 64 lower-case hex digits
};

/// Whether the plan makes that table itself.
bool makes_table(const Plan& plan, const TableName& table);
/// Whether contract has anything to do.
bool takes_away(const Plan& plan);
const std::vector<Step>& steps_of(const Plan& plan, std::string_view phase);

}  // namespace switchback
