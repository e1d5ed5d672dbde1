/// change_type: a column of another type takes the place of one, under its name.
#pragma once

#include "switchback/core/change.hpp"

namespace switchback::changing {

/// Puts its steps behind those of the plan. Error(Exit::invalid) naming what about the column cannot go over.
void expand_type(Plan& plan, const ChangeType& change, Place place, const TableLookup& lookup);

}  // namespace switchback::changing
