/// set_not_null, add_check, add_foreign_key and add_unique as whole changes. Private to core.
#pragma once

#include "switchback/core/change.hpp"

namespace switchback {

/// Migrate mends what offends, where the change says how, and contract tightens. A foreign key gets an index on its own
/// columns, unless there is one: without it every DELETE of a referenced row would read the whole table.
void expand_tighten(Plan& plan, const ChangeTighten& change, Place place, const TableLookup& lookup);

}  // namespace switchback
