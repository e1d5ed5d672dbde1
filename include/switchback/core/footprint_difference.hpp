/// What one footprint needs that another does not. Pure.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/footprint.hpp"

namespace switchback {

/// One thing that is needed: `users.email read`, `users read *`, `orders insert positional`.
struct Need {
  TableName table;
  std::string what;
  bool operator==(const Need&) const = default;
};

/// For people.
std::string shown(const Need& need);

/// What `one` needs beyond `other`, in its order. `*` in the other one is every column; a table of which nothing more
/// is known is a need of its own.
std::vector<Need> needs_beyond(const Footprint& one, const Footprint& other);

}  // namespace switchback
