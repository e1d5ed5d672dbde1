/// What an image needs, told from its statements by the PostgreSQL 15 grammar.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/footprint.hpp"

namespace switchback::postgres {

/// Columns of each table and view that is there, in their order: what bare names are resolved by.
using KnownColumns = std::map<TableName, std::vector<std::string>>;

/// Every table and view that the statements name, and every type, which may be a table's row; without a schema it is
/// public's. Those of the system catalogs are left out, and so is what cannot be parsed.
std::set<TableName> tables_in(const std::vector<std::string>& statements);

/// Who sent a statement. In a function a name that no table has is a variable.
enum class StatementPlace { client, in_function };

/// Adds to `footprint` what each statement reads and writes. A column that `known` does not have is the image's all the
/// same (its plan may not have run yet) where it can only be of one table. What could not be told is in `unclear`, and
/// nothing is ever left out silently. Bare names that `known` has in pg_temp are temporary tables, of no concern.
void add_statements(Footprint& footprint, const std::vector<std::string>& statements, const KnownColumns& known,
                    StatementPlace place = StatementPlace::client);

/// What the body of a function or DO block needs, in `language` sql or plpgsql, others being unclear. Statements that
/// it builds at run time are unclear too.
Footprint needs_of_body(std::string_view language, const std::string& body, const KnownColumns& known);

}  // namespace switchback::postgres
