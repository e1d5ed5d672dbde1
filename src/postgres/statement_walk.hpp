/// The walk over the parse tree of one text, kind of statement by kind of statement.
#pragma once

#include <string>
#include <string_view>

#include "statement_names.hpp"

namespace switchback::postgres {

/// The first certain use ends nothing: the walk is cheap, and keeps one reason of each kind.
class Walk {
 public:
  Walk(const JudgeTarget& target, const Surroundings& around)
      : target_(target),
        around_(around),
        column_(target.kind == Structure::Kind::column),
        names_(target, around.in_function) {}

  StatementJudgement judge(const PgQuery__ParseResult& tree, std::string_view text);

 private:
  void node(const ProtobufCMessage* message, const Scope& scope);
  void children(const ProtobufCMessage* message, const Scope& scope);
  void list(PgQuery__Node* const* nodes, std::size_t count, const Scope& scope);
  void one(const PgQuery__Node* child, const Scope& scope) {
    if (child) node(base_of(child), scope);
  }

  // --- queries (statement_walk.cpp) ---------------------------------------------------------------------------
  void with(const PgQuery__WithClause* clause, Scope& scope);
  void select(const PgQuery__SelectStmt& statement, const Scope& outer, bool stars_count);
  void grouped(const PgQuery__SelectStmt& statement, const Scope& scope);
  void by_output(const PgQuery__Node& entry, const std::set<std::string>& outputs, const Scope& scope);
  void from(PgQuery__Node* const* items, std::size_t count, Scope& scope);
  void range(const PgQuery__RangeVar& variable, Scope& scope);
  void item(const PgQuery__Node& entry, Scope& scope);
  void function(const PgQuery__RangeFunction& entry, Scope& scope);
  void table_function(const PgQuery__RangeTableFunc& entry, Scope& scope);
  void join(const PgQuery__JoinExpr& entry, Scope& scope);
  void inside_item(const PgQuery__Node& entry, const Scope& scope);

  // --- writes (statement_writes.cpp) --------------------------------------------------------------------------
  bool written(const PgQuery__RangeVar* relation, Scope& scope);
  void assigned(PgQuery__Node* const* entries, std::size_t count, bool to_target, const Scope& scope, const char* how);
  void returning(PgQuery__Node* const* entries, std::size_t count, const Scope& scope);
  void insert(const PgQuery__InsertStmt& statement, const Scope& outer);
  void inferred(const PgQuery__InferClause& infer, bool ours, const Scope& scope);
  void arbiter(const PgQuery__OnConflictClause& conflict, bool certain);
  void update(const PgQuery__UpdateStmt& statement, const Scope& outer);
  void remove(const PgQuery__DeleteStmt& statement, const Scope& outer);
  void merge(const PgQuery__MergeStmt& statement, const Scope& outer);
  void copy(const PgQuery__CopyStmt& statement, const Scope& outer);

  // --- everything else (statement_definitions.cpp) ------------------------------------------------------------
  /// True: the statement is of a kind whose every mention of a column has been looked at. False: nothing was done.
  bool definition(const PgQuery__Node& statement, const Scope& outer);
  bool on_table(const PgQuery__RangeVar* table, Scope& scope);
  void named(PgQuery__Node* const* names, std::size_t count, bool ours, const std::string& how);
  void named(const char* name, bool ours, const std::string& how);
  void rows_of(const PgQuery__RangeVar& table, Scope& scope) const;
  void grant(const PgQuery__GrantStmt& statement);
  void comment(const PgQuery__CommentStmt& statement);
  void analyze(const PgQuery__VacuumStmt& statement);
  void index(const PgQuery__IndexStmt& statement, const Scope& outer);
  void index_columns(PgQuery__Node* const* entries, std::size_t count, bool ours, const Scope& scope);
  void statistics(const PgQuery__CreateStatsStmt& statement, const Scope& outer);
  void trigger(const PgQuery__CreateTrigStmt& statement, const Scope& outer);
  void rule(const PgQuery__RuleStmt& statement, const Scope& outer);
  void policy(const PgQuery__RangeVar* table, const PgQuery__Node* qual, const PgQuery__Node* check,
              const Scope& outer);
  void create_table(const PgQuery__CreateStmt& statement, const Scope& outer);
  void alter_table(const PgQuery__AlterTableStmt& statement, const Scope& outer);
  void constraint(const PgQuery__Constraint& constraint, bool ours, const Scope& scope);
  void publication(PgQuery__Node* const* objects, std::size_t count, const Scope& outer);
  bool body(PgQuery__Node* const* options, std::size_t count, const char* language);

  /// A table named where no query reads it: VACUUM, LOCK, DDL.
  void elsewhere(const PgQuery__RangeVar& variable, const Scope& scope) {
    const Source source = source_of(variable, scope, target_);
    names_.through_view(variable, source, scope);
    names_.relation(variable, source);
  }
  void use(const std::string& why, bool certain = true) { names_.use(why, certain); }
  void use_place(const std::string& why, bool certain) { names_.use_place(why, certain); }

  template <class Message>
  static const Message& as(const ProtobufCMessage* message) {
    return *reinterpret_cast<const Message*>(message);
  }

  const JudgeTarget& target_;
  const Surroundings& around_;
  const bool column_;
  Names names_;
  bool not_understood_ = false;
};

}  // namespace switchback::postgres
