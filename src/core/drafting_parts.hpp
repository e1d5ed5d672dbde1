/// What statements of a migration fold into, and the entries that come of it. Private to the drafting.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "switchback/core/draft.hpp"
#include "switchback/core/migration.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback::drafting {

/// One UPDATE of an added column.
struct Piece {
  RowExpression value;
  std::optional<RowExpression> where;
};

/// A column that the migration adds, with what its later statements do to it.
struct AddedColumn {
  ddl::NewColumn column;
  std::vector<Piece> pieces;
  std::optional<std::string> later_default;  ///< SET DEFAULT, behind ADD COLUMN
  bool drops_default = false;
  bool filled_elsewhere = false;  ///< by a statement that is not SQL over the row

  bool reads(const std::string& other) const;
  /// It is filled with that column as it is.
  bool copies(const std::string& other) const;
  /// What the UPDATEs leave in each row, as one expression over the other columns.
  std::string fill() const;
  std::vector<DraftEntry> entries() const;
  /// What is left to say of a column that a split or a merge makes: its default and NOT NULL.
  void put_what_follows(std::vector<DraftEntry>& entries) const;
};
/// Whether an UPDATE of an added column is SQL over the other columns, or can be made so.
bool can_fold(const AddedColumn& column, const RowExpression& value, const std::optional<RowExpression>& where);

/// One or several statements that make one thing; exactly one of the optionals is there until it is finished.
struct Unit {
  std::optional<CreateTable> made;
  std::optional<AddedColumn> added;
  std::optional<CreateIndex> index;
  std::optional<std::pair<TableName, std::string>> dropped;  ///< a column
  std::optional<DraftEntry> entry;

  std::vector<DraftEntry> entries;
  std::vector<std::string> comments;
  std::pair<TableName, std::string> constraint;  ///< that `entry` makes
  std::optional<std::pair<TableName, std::string>> undefaulted;  ///< whose default `entry` takes away
  std::optional<std::pair<TableName, std::string>> retyped;      ///< whose type `entry` changes
  Unit* undefaulting = nullptr;  ///< with `retyped`: what takes its default away, unless it is given another one
  std::string mend;                              ///< what an UPDATE puts where the column was NULL
  bool fresh = false;
  bool cancelled = false;
  Place place;
};

DraftEntry step(std::string phase, std::string kind, std::vector<Argument> arguments);
DraftEntry change(std::string kind, std::vector<Argument> arguments);
/// `sql` with its `run`; the undo follows.
DraftEntry sql_entry(std::string phase, std::string run);
/// The change that says the same as a step of the kinds that migrations make; of a foreign key without what it refers
/// to.
DraftEntry step_entry(const Action& action);

/// As the reader folds it back.
std::string name_of(const std::string& name);
std::string joined(const std::vector<std::string>& names);
/// "a, b and c".
std::string listed(const std::vector<std::string>& words);
/// On one line, and not all of a long one.
std::string in_short(const std::string& sql);
std::string create_index_text(const CreateIndex& index);
/// Indexes and constraints that go along with a column.
std::vector<std::string> dependents(const TableFacts& table, const ColumnFacts& column);

}  // namespace switchback::drafting
