/// What a step does to the database, as text: run by the stepper, shown by explain. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/replay.hpp"
#include "switchback/core/state.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

struct StepSql {
  std::string step;               ///< describe(action)
  std::vector<std::string> sql;   ///< in order
  std::vector<std::string> undo;  ///< in order; empty with `no_undo`
  std::string no_undo;            ///< why there is none
  std::string lock;               ///< strongest table lock, in the server's words: "ACCESS EXCLUSIVE"
  std::string held;               ///< how long, in words: "milliseconds, catalog only"
  bool rewrites = false;
  bool scans = false;
  bool transactional = true;      ///< false: CREATE INDEX CONCURRENTLY and its kind
  Safety before = Safety::works;  ///< the older image while and after it
  Safety after = Safety::works;
};

/// `ALTER TABLE … ADD COLUMN …` for each column as the server resolved it, in one statement, then comments and grants.
/// With `marker`: the marker column too.
StepSql add_columns_sql(const TableName& table, const std::vector<ColumnFacts>& columns, const std::string& marker);
/// The index's name: as written, else `<table>_<columns>_idx`.
std::string index_name(const CreateIndex& index);
/// Makes the unique constraint of the index; under ACCESS EXCLUSIVE, without reading anything.
std::string constraint_of_index_sql(const CreateIndex& index);
/// One statement, built concurrently. Into `on` when the table is partitioned: that leaf, under `name`.
std::string create_index_sql(const CreateIndex& index, const TableName& on, const std::string& name);
StepSql index_sql(const CreateIndex& index, const TableFacts* table);
/// `was`: the column as it is before, for the way back; null when there is no database to ask.
StepSql drop_not_null_sql(const DropNotNull& step, const ColumnFacts* was);
StepSql set_default_sql(const SetDefault& step, const ColumnFacts* was);
StepSql sql_sql(const Sql& step);

/// A partitioned table and the partitioned tables below it, upper ones first.
std::vector<TableName> branches_of(const TableFacts& table);
/// The index on one part of a partitioned table: itself, a branch or a leaf.
TableName part_index(const CreateIndex& index, const TableFacts& table, const TableName& part);
/// Every index that the step makes: one, or one for each branch and leaf, upper ones first.
std::vector<TableName> index_parts(const CreateIndex& index, const std::optional<TableFacts>& table);
/// Makes the (empty) index on a branch and attaches it to the one above, in one transaction.
std::vector<std::string> branch_index_sql(const CreateIndex& index, const TableFacts& table, const TableName& branch);
/// Attaches a part's index to that of the table it is a partition of; does nothing when it is attached.
std::string attach_index_sql(const CreateIndex& index, const TableFacts& table, const TableName& part);

/// The name of the index on one leaf of a partitioned table.
std::string leaf_index_name(const std::string& index, const TableName& leaf);

struct PhaseSql {
  std::string phase;  ///< expand, migrate, hide, archive, drop
  std::vector<StepSql> steps;
};

/// An image that one may still have to run, and what the contract means to it.
struct ExplainedImage {
  std::string image;
  std::vector<std::string> because;  ///< why one may have to run it
  std::vector<std::string> needs;    ///< what holds the contract; empty: nothing
  bool unknown = false;              ///< nothing of that is certain
  std::string next;                  ///< the command that ends it
  std::vector<ReplayedStatement> statements;
  bool by_text = false;  ///< the statements were judged by their parse trees alone, the server was not asked
};

struct Explained {
  std::string plan;
  std::string hash;
  std::vector<PhaseSql> phases;
  std::vector<std::string> notes;  ///< what to know beforehand: ambiguous inserts, prepared stars, subscribers
  std::vector<ExplainedImage> images = {};
};

}  // namespace switchback
