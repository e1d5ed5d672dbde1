/// Names in SQL that the server has written, taken apart. Private to the core.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/sql.hpp"

namespace switchback {

/// The identifiers of the dotted name that `sql` begins with, unquoted; `length`: of the name in `sql`.
std::vector<std::string> name_parts(std::string_view sql, std::size_t* length = nullptr);
/// Of `schema.table`, or of the table of `schema.table.column`.
TableName table_in(const std::vector<std::string>& parts);
/// What stands behind `word` in `sql`, from its first place; empty: it is not in it.
std::string_view behind(std::string_view sql, std::string_view word);
/// Whether `sql` has `name` in it as a word of its own: good enough to tell what an index is on.
bool has_word(std::string_view sql, std::string_view name);

}  // namespace switchback
