#include "switchback/core/table_facts.hpp"

#include <algorithm>

namespace switchback {

const ColumnFacts* TableFacts::column(std::string_view column_name) const {
  const auto found = std::ranges::find(columns, column_name, &ColumnFacts::name);
  return found == columns.end() ? nullptr : &*found;
}

}  // namespace switchback
