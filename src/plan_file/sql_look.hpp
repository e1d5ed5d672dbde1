/// A look at SQL with PostgreSQL's own grammar, for what can be known without a database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/plan.hpp"

namespace switchback::plan_file {

struct SqlLook {
  std::optional<std::string> unparsed;  ///< libpg_query's message: unknown rather than wrong, its grammar is PG 15's
  bool empty = false;                   ///< no statement in it
  bool transaction_control = false;     ///< BEGIN, COMMIT, SAVEPOINT …
  bool opaque = false;                  ///< DO, CALL: what it does cannot be seen
  bool blocking_index = false;          ///< CREATE INDEX on a table that is not made here
  std::vector<std::string> refused;     ///< what takes away or tightens, in words
};

/// Statements that are meant for a phase in which both images run.
SqlLook look_at_sql(const std::string& statements);

/// Whether SQL may be run while both images run, as far as it shows: what cannot be parsed may not.
bool bears_both_images(const std::string& sql);

/// The drop step that takes away what `sql` takes away, one table or view without CASCADE, and keeps it for a while.
std::optional<Action> as_drop_step(const std::string& sql);

/// Empty when `sql` is one statement of that node of the parse tree ("CreateStmt"); else why not.
std::optional<std::string> why_not_one(const std::string& sql, std::string_view node);

/// Empty when `sql` is what sql_batched runs: one UPDATE or INSERT with `{rows}` in it, once; else why not.
std::optional<std::string> why_not_batched(const std::string& sql);

/// Whether the index that `sql` makes is unique; empty when it is not one CREATE INDEX (or cannot be parsed).
std::optional<bool> makes_unique_index(const std::string& sql);

/// The name of the first function that evaluating `expression` calls; now() and CURRENT_… do not count, the server
/// evaluates them once per statement. Empty also when the expression cannot be parsed.
std::optional<std::string> called_function(const std::string& expression);

}  // namespace switchback::plan_file
