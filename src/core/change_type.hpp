/// change_type: a column of another type takes the place of one, under its name.
#pragma once

#include "switchback/core/rekey.hpp"

namespace switchback::changing {

/// Puts its steps behind those of the plan. Error(Exit::invalid) naming what about the column cannot go over.
void expand_type(Plan& plan, const ChangeType& change, Place place, const TableLookup& lookup, const KeyLookup& keys);

/// The same for a column of a primary key, or one that foreign keys point at: every column that refers to it goes over
/// with it.
void expand_key(Plan& plan, const ChangeType& change, Place place, const TableLookup& lookup, const KeyLookup& keys);

/// `<column>_new`, unlike any column that the table has.
std::string new_column_name(const std::string& column, const TableFacts* table);
/// Indexes of the column each get a twin on `to`, but the primary key's; they are the pairs that are returned. What
/// goes with the old column is named in the plan.
std::vector<std::pair<std::string, std::string>> put_twins(Plan& plan, Place place, const TableFacts& table,
                                                           const ColumnFacts& column, const std::string& to);

}  // namespace switchback::changing
