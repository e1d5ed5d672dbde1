/// What sort of statement a text is, as far as a capture has to know.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace switchback::postgres {

/// Names of the temporary tables that the statements make.
std::set<std::string> temporary_tables_in(const std::vector<std::string>& statements);

/// What concerns the session and its transactions alone, by its first words: from PostgreSQL 17 on the server writes
/// names and values in it as $1 too, which the grammar of 15 does not take.
bool is_of_session(const std::string& text);

/// DO and CALL: with pg_stat_statements.track = all, what they run is counted by itself.
bool runs_others(const std::string& text);

}  // namespace switchback::postgres
