/// What names in a statement mean for one structure, and what was found so far.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "statement_scope.hpp"

namespace switchback::postgres {

/// The first certain use ends nothing: one reason of each kind is kept.
class Names {
 public:
  Names(const JudgeTarget& target, bool in_function)
      : target_(target),
        column_(target.kind == Structure::Kind::column),
        relation_(target.kind == Structure::Kind::table || target.kind == Structure::Kind::view),
        in_function_(in_function) {}

  void use(const std::string& why, bool certain = true) {
    if (!target_.by_place) use_place(why, certain);
  }
  /// Where values go to columns by their order.
  void use_place(const std::string& why, bool certain);
  const std::string& uses() const { return uses_; }
  const std::string& ambiguous() const { return ambiguous_; }

  void reference(const PgQuery__ColumnRef& column, const Scope& scope);
  void through_view(const PgQuery__RangeVar& variable, const Source& source, const Scope& scope);
  void like(const PgQuery__TableLikeClause& clause, const Scope& scope);
  void call(const PgQuery__FuncCall& function);
  void type(const PgQuery__TypeName& named);
  /// The relation itself, where it is what goes.
  void relation(const PgQuery__RangeVar& variable, const Source& source);

 private:
  void everything(const Scope& scope);
  void bare(std::string_view wanted, const Scope& scope);
  void whole_row(const std::vector<std::string_view>& parts, const Scope& scope, const std::string& why);
  void qualified(const std::vector<std::string_view>& parts, const Scope& scope);

  const JudgeTarget& target_;
  const bool column_;
  const bool relation_;
  const bool in_function_;
  std::string uses_;
  std::string ambiguous_;
};

}  // namespace switchback::postgres
