/// A thing that a contract takes away, named the same in evidence, closure and messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/sql.hpp"

namespace switchback {

struct Structure {
  enum class Kind { column, index, constraint, table, view, type, function };
  Kind kind = Kind::column;
  TableName table;  ///< the table; for an index the caller does not know the table of: only `schema` counts; for a
                    ///< view, type or function: its own name
  std::string
      name;  ///< column, index or constraint, as it is named now (a hidden column: its tombstone); else `table`'s
  std::string arguments = {};  ///< of a function, as DROP FUNCTION takes them
  /// Of a column that another one replaces under its name: whoever names it goes on working, whoever counts columns
  /// does not. Of a constraint that gets another name: only whoever says its name uses it.
  bool by_place = false;
  /// Of a table that keeps everything but its name: the one that it takes. Only who says the old one uses it.
  std::string becomes = {};
  auto operator<=>(const Structure&) const = default;
};

/// `public.users.full_name` for columns and constraints, `public.users_full_name_idx` for what has a schema of its own,
/// `public.lowered(text)` for functions.
std::string shown(const Structure& structure);
std::string_view name(Structure::Kind kind);
/// Tables, views, types and functions: hidden by moving them into another schema.
bool is_moved(Structure::Kind kind);

/// What the drop steps of a contract take away, in the order written.
std::vector<Structure> structures_of(const std::vector<Step>& contract_steps);

}  // namespace switchback
