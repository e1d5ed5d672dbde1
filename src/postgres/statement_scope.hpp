/// Which sources a name in a statement can come from: name resolution as far as one column of one table needs it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "parse_tree.hpp"
#include "switchback/postgres/statement_judge.hpp"

namespace switchback::postgres {

/// Whether something that is not the table has a column of the wanted name.
enum class Owns { no, maybe, yes };

/// One entry of FROM, or the table that a statement writes.
struct Source {
  std::string alias;
  std::string schema;    ///< as written
  bool target = false;   ///< it is the table, or a join with it
  bool certain = true;   ///< false: the unqualified name may be a table of another schema
  Owns owns = Owns::no;  ///< for what is not the table
  bool hidden = false;   ///< part of a join that has an alias of its own
  bool record = false;   ///< a row of the table in a trigger, of which a mere mention reads nothing certain
};

struct Scope {
  const Scope* outer = nullptr;
  std::vector<Source> sources;
  std::map<std::string, Owns, std::less<>> with_queries;  ///< CTEs that can be named here

  const Owns* with_query(std::string_view wanted) const {
    for (const Scope* scope = this; scope; scope = scope->outer)
      if (const auto found = scope->with_queries.find(wanted); found != scope->with_queries.end())
        return &found->second;
    return nullptr;
  }
  /// The source an alias means. Inside a join that has an alias of its own its parts can still be named, outside they
  /// cannot: which it is, is not followed, so the table wins over what is not.
  const Source* named(std::string_view alias) const {
    for (const Scope* scope = this; scope; scope = scope->outer) {
      const Source* best = nullptr;
      const auto rank = [](const Source& one) { return (one.target ? 2 : 0) + (one.hidden ? 0 : 1); };
      for (const Source& source : scope->sources)
        if (source.alias == alias && (!best || rank(source) > rank(*best))) best = &source;
      if (best) return best;
    }
    return nullptr;
  }
};

/// What a plain reference to the wanted column can mean in `scope`.
struct Reach {
  enum class Answer { target, possibly, elsewhere } answer = Answer::elsewhere;
};
Reach unqualified(const Scope& scope);

/// The table a range variable names, seen from `scope`; empty alias: its own name.
Source source_of(const PgQuery__RangeVar& range, const Scope& scope, const JudgeTarget& target);
/// Whether the output of a query has the wanted column.
Owns output_owns(const PgQuery__Node* query, std::string_view column);
/// The same after `AS alias(columns)`.
Owns renamed(Owns owns, const PgQuery__Alias* alias, std::string_view column);
/// The name an entry of a select list has in the output; empty when it has none of its own. `*` for a star.
std::string output_name(const PgQuery__Node* entry);
bool any_of_name(const std::set<TableName>& names, std::string_view schema, std::string_view wanted);

}  // namespace switchback::postgres
