/// A whole schema as texts that compare: what a rehearsal holds a state to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "switchback/core/drill.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::postgres {

/// Everything users made, but for the schema `switchback` and what belongs to extensions: schemas, relations with
/// columns, defaults, constraints, indexes, triggers, rules, policies, views, functions, types, sequences, statistics
/// objects; with owners, grants and comments. Positions of columns are not looked at: PostgreSQL cannot give one back.
SchemaFacts schema_facts(ports::Session& session);

/// Of every plain table that is a user's, the file its rows are in: another one means that it was rewritten.
std::map<std::string, std::int64_t> table_files(ports::Session& session);

/// Rows of a table by the text of their key, else (no key) by their place in an order of the whole.
DrillRows drill_rows(ports::Session& session, const TableName& table, const std::vector<std::string>& key,
                     const std::vector<std::string>& rest, const std::vector<std::string>& old_side,
                     const std::vector<std::string>& new_side);

}  // namespace switchback::postgres
