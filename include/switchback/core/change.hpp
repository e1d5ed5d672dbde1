/// The short form of a plan: whole changes, turned into the steps they stand for.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "switchback/core/plan.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

/// What the catalog says of a table; empty when there is none of that name (or none is reachable: what can be known
/// only from the catalog is then left out, and said so by nobody: the check against the database follows anyway).
using TableLookup = std::function<std::optional<TableFacts>(const TableName&)>;

/// Puts the steps of each of `plan.changes` behind those that the plan already has, phase by phase, and empties
/// `changes`. Throws Error(Exit::invalid) with the place in the file where a change cannot be expressed: a column to
/// rename that is not there, or one that takes part in a primary key. A plan without `changes` comes back as it was.
Plan expand_changes(Plan plan, const TableLookup& lookup);

/// Whether an index finds rows by these columns: they lead it, in any order, and it covers every row.
bool finds_by(const TableFacts& table, const std::vector<std::string>& columns);

/// What gives the rows that are there the default of a new column that is no literal. Whichever image inserts a row, it
/// gets the default: there is nothing to keep in step, and it may be another value for each row.
SqlBatched evaluated_default(const ChangeAddColumn& add);

/// A literal, with or without casts: what PostgreSQL 11 and later store once for all existing rows instead of
/// rewriting the table (ALTER TABLE, "Notes"). Says no when in doubt.
bool is_constant(std::string_view sql);

}  // namespace switchback
