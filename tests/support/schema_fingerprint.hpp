/// What a database is made of, without the order of columns.
#pragma once

#include <string>

namespace switchback::tests {

/// One line for each thing outside of switchback's own schemas, sorted: tables, columns, indexes, constraints, views,
/// types, functions, sequences, triggers, policies and statistics objects, with types, defaults, NOT NULL, collations,
/// storage, statistics targets, owners, rights, comments. Left out: the place of a column, and what switchback keeps
/// for itself (its marker columns, its triggers).
std::string schema_fingerprint(const std::string& uri);

/// The lines that only one of the two has, with - and +; empty: they are the same.
std::string fingerprint_difference(const std::string& before, const std::string& after);

}  // namespace switchback::tests
