/// Does a statement use a structure? Told from its text by the PostgreSQL 15 grammar, without a
/// server. Errs towards "uses" and "ambiguous": `does_not` is said only of what was understood.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/structure.hpp"

namespace switchback::postgres {

/// A unique index: ON CONFLICT and GROUP BY can rest on it without naming all that it is made of.
struct UniqueKey {
  std::string name;                  ///< of the index, and of its constraint
  std::vector<std::string> columns;  ///< that it keeps unique; "" for an expression. None: another index does the same
  bool primary = false;
};

/// What the judge knows of the structure and of the database around it.
struct JudgeTarget {
  Structure::Kind kind = Structure::Kind::column;
  std::string name;                   ///< column, index or constraint
  std::set<TableName> relations;      ///< the table, and every partition, child and parent that has the same column
  std::set<std::string> own_columns;  ///< of the table
  std::set<TableName> views;          ///< views through which the structure is read
  std::set<TableName> functions;      ///< functions through which it is read
  std::set<TableName> all_relations;  ///< everything one can select from in the database
  std::set<TableName> with_column;    ///< of these, the ones with a column named `name`
  std::vector<UniqueKey> keys;        ///< an index or constraint that enforces uniqueness; those with the column
  TableName object;                   ///< a type or function: its own name
  bool namesakes = false;             ///< others of that name exist: overloaded, or in another schema
  bool takes_row = false;             ///< a function that can be called as `row.name` too
  bool by_place = false;              ///< only what counts the table's columns uses it: writes without a list of them

  /// Names of which a text must hold one to be worth parsing.
  std::set<std::string> watched() const;
};

/// Where a text stands that no client sent.
struct Surroundings {
  bool in_function = false;    ///< a qualifier that no FROM explains is a variable, and no table
  std::set<std::string> rows;  ///< variables that hold rows of the table: new and old in its trigger functions
};

enum class StatementUse { uses, does_not, ambiguous, unparsed };
std::string_view name(StatementUse use);

struct StatementJudgement {
  StatementUse use = StatementUse::does_not;
  std::string why;  ///< for uses and ambiguous: what in the statement; for unparsed: the parser's complaint
};

/// `text` may hold several statements, `$1` for constants, and be of any kind. Not seen: names made of string constants
/// at run time (EXECUTE format(…)); with pg_stat_statements.track = all the statement so made is judged by itself.
/// Thread-safe; takes a thread with a large stack of its own for long texts (deeply nested expressions).
StatementJudgement judge_statement(std::string_view text, const JudgeTarget& target, const Surroundings& around = {});

/// Whether `text` holds `identifier` as a word, in any case, also quoted; true for every text with Unicode escapes
/// (U&"…"), which can hide it.
bool mentions(std::string_view text, std::string_view identifier);
bool mentions_any(std::string_view text, const std::set<std::string>& identifiers);

/// The identifiers, key words, operators and string constants of a text, lower-cased unless quoted; comments left out.
/// Empty when the text cannot be scanned.
struct Token {
  enum class Kind { word, quoted_name, string, other };
  Kind kind = Kind::other;
  std::string text;  ///< without its quotes
};
std::vector<Token> tokens_of(std::string_view text);
/// Whether an identifier among them is one of the names, or a string constant holds one as a word.
bool token_mentions(const std::vector<Token>& tokens, const std::set<std::string>& names);

}  // namespace switchback::postgres
