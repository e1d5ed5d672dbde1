/// move_column, extract_table, inline_table: columns go over to another table.
#pragma once

#include "switchback/core/change.hpp"

namespace switchback::changing {

void expand_pair(Plan& plan, const ChangePair& change, Place place, const TableLookup& lookup);

}  // namespace switchback::changing
