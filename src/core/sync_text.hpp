/// Pieces of SQL text that the files of the sync generator share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace switchback {

std::string joined(const std::vector<std::string>& parts, std::string_view by, std::string_view none);

/// A type as format_type writes it under search_path pg_catalog, so that no search_path changes its meaning: what has
/// no schema there is of pg_catalog.
std::string qualified_type(std::string_view type);

/// The type without the length that an explicit cast would cut to; for values that are assigned to the column next.
std::string assignable_type(std::string_view type);

}  // namespace switchback
