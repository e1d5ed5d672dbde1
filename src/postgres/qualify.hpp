/// Text that the server deparsed, made independent of any search_path; with libpg_query (the grammar of PostgreSQL 15).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace switchback::postgres {

/// The text uses syntax that libpg_query does not know, or that cannot be written without a look-up.
struct Unqualifiable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct QualifiedText {
  std::string sql;
  std::string comparable;            ///< the same, but for what the server adds when it deparses `sql` again
  std::vector<std::string> columns;  ///< of the row, in order of appearance
};

/// What stands first in the target list of `select`, which the server has deparsed under search_path pg_catalog: so
/// every name without a schema is one of pg_catalog, and is now written so. NULLIF, IS [NOT] DISTINCT FROM and
/// CASE x WHEN look an operator up by name, wherever it lives; they are spelled with OPERATOR() instead, with the
/// schemas given in `distinct_schemas` for the first two, in the order of the text (empty: pg_catalog).
/// Column references must be `"~switchback_row".column`. Throws Unqualifiable.
QualifiedText qualify_target(const std::string& select, const std::vector<std::string>& distinct_schemas);

/// A column's default as pg_get_expr gives it. Where it is a call of switchback.omit, the value that stands for;
/// empty for NULL. Throws Unqualifiable.
std::string qualify_default(const std::string& text);

/// What a user wrote: one expression and nothing else.
enum class Written { expression, constant, nothing };
/// `problem`: the parser's complaint, when it is not an expression.
Written look_at(const std::string& text, std::string& problem);

}  // namespace switchback::postgres
