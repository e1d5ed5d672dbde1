/// A thing that a contract takes away, named the same in evidence, closure and messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/sql.hpp"

namespace switchback {

struct Structure {
  enum class Kind { column, index, constraint };
  Kind kind = Kind::column;
  TableName table;   ///< the table; for an index the caller does not know the table of: only `schema` counts
  std::string name;  ///< column, index or constraint, as it is named now (a hidden column: its tombstone)
  auto operator<=>(const Structure&) const = default;
};

/// `public.users.full_name` for columns and constraints, `public.users_full_name_idx` for indexes.
std::string shown(const Structure& structure);
std::string_view name(Structure::Kind kind);

/// What the drop_column, drop_index and drop_constraint steps of a contract take away, in the order written.
std::vector<Structure> structures_of(const std::vector<Step>& contract_steps);

}  // namespace switchback
