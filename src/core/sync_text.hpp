/// Pieces of SQL text that the files of the sync generator share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/sync.hpp"

namespace switchback {

std::string joined(const std::vector<std::string>& parts, std::string_view by, std::string_view none);

/// A type as format_type writes it under search_path pg_catalog, so that no search_path changes its meaning: what has
/// no schema there is of pg_catalog.
std::string qualified_type(std::string_view type);

/// The type without the length that an explicit cast would cut to; for values that are assigned to the column next.
std::string assignable_type(std::string_view type);

/// In an expression of a restore: whether the new side still is what it was when the archive was made. It is followed
/// by a conversion for when it is not.
inline constexpr std::string_view archived_unchanged = "\"~archived\".unchanged";

/// The plan's share in parts that have no column in common, each with the plan's marker. Which side was written is
/// asked of each part by itself: an image that writes a column which only feeds one of them has not written the old
/// side of another.
std::vector<SyncPlan> independent_parts(const SyncPlan& plan);

}  // namespace switchback
