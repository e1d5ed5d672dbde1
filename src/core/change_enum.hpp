/// replace_enum: the steps of a new type, and of every column that changes to it. Private to the changes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/change.hpp"

namespace switchback::changing {

/// create_enum under a working name, change_type of each column, and replace_type at the end. Refused: a value that
/// becomes nothing, and what names values of the type and cannot be carried over.
void expand_enum(Plan& plan, const ChangeReplaceEnum& change, Place place, const TableLookup& lookup);

/// The old values, as the fill of a column names them one after another; nothing where it was written otherwise.
std::optional<std::vector<std::string>> values_in_fill(const std::string& fill);

}  // namespace switchback::changing
