/// create_index, and what an index's key may be. Private to the step reader.
#pragma once

#include <optional>
#include <string>

#include "making_reader.hpp"

namespace switchback::plan_file {

Action read_create_index(const Source& source);

/// A column's name, or an expression in parentheses, as an index keeps it. `key` names it in messages.
std::optional<std::string> read_index_key(Findings& findings, std::string_view key, const Value& value);
/// Storage parameters with their values; `reset`: a null is taken too, as an empty value.
ColumnExpressions read_storage_parameters(Findings& findings, std::string_view key, const Value& map, bool reset);

}  // namespace switchback::plan_file
