/// What a database is made of, without the order of columns.
#pragma once

#include <string>

namespace switchback::tests {

/// One line for each thing outside of switchback's own schemas, sorted: tables, columns, indexes, constraints, views,
/// types, functions, sequences, triggers, rules, policies and statistics objects, with types, defaults, NOT NULL,
/// collations, storage, compression, statistics targets (also of indexes' columns), owners, rights, comments. Left out:
/// the place of a column, and what switchback keeps for itself (its marker columns, its triggers).
std::string schema_fingerprint(const std::string& uri);

/// What the fingerprint leaves out because it is switchback's own, by name: its tables, functions, triggers, marker and
/// tombstone columns, checks, hidden schemas, archives; and indexes that are not valid.
std::string apparatus(const std::string& uri);

/// The lines that only one of the two has, with - and +; empty: they are the same.
std::string fingerprint_difference(const std::string& before, const std::string& after);

}  // namespace switchback::tests
