/// The walk that finds which columns of which tables a statement reads and writes. Private to the adapter.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "parse_tree.hpp"
#include "switchback/postgres/footprint.hpp"

namespace switchback::postgres {

bool of_the_system(const TableName& name);
/// An entry of a select list that is `*` or `table.*`.
bool is_star(const PgQuery__Node* entry);

class FootprintWalk {
 public:
  FootprintWalk(Footprint& footprint, const KnownColumns& known, std::string label, StatementPlace place)
      : footprint_(footprint), known_(known), label_(std::move(label)), place_(place) {}

  void statement(const PgQuery__Node& node);

 private:
  /// One entry of FROM: a table, or a query with the names it gives out.
  struct From {
    std::string alias;
    std::optional<TableName> table;
    std::set<std::string> outputs;  ///< of a table: the names that an alias gives its columns
    bool any_output = false;        ///< its outputs are not all known
  };
  struct Level {
    const Level* outer = nullptr;
    std::vector<From> from;
    std::vector<From> queries;      ///< WITH
    std::set<std::string> outputs;  ///< names of the select list: what ORDER BY and GROUP BY may mean
  };

  // --- other statements (footprint_walk.cpp) ---
  static bool is_temporary(const PgQuery__RangeVar* table);
  bool drops_temporary(const PgQuery__DropStmt& statement) const;
  /// Tables that it takes whole, without a look at their columns.
  void whole(PgQuery__Node* const* tables, std::size_t count);
  void maintained(const PgQuery__VacuumStmt& statement);
  void block(const PgQuery__DoStmt& statement);

  // --- queries (footprint_walk.cpp) ---
  void visit(const ProtobufCMessage* message, const Level& level);
  void children(const ProtobufCMessage* message, const Level& level);
  void one(const PgQuery__Node* node, const Level& level);
  void list(PgQuery__Node* const* nodes, std::size_t count, const Level& level);
  enum class Stars { count, nothing };
  void select(const PgQuery__SelectStmt& statement, const Level& outer, Stars stars = Stars::count);
  void sub_link(const PgQuery__SubLink& link, const Level& level);
  void by_outputs(PgQuery__Node* const* items, std::size_t count, const Level& level);
  void with(const PgQuery__WithClause* clause, Level& level);
  void from(PgQuery__Node* const* items, std::size_t count, Level& level);
  void item(const PgQuery__Node& node, Level& level);
  void join(const PgQuery__JoinExpr& join, Level& level);
  static void outputs_of(const PgQuery__Node* query, From& into);
  static void rename(const PgQuery__Alias* alias, From& into);
  void rename_columns(const TableName& table, const PgQuery__Alias& alias, From& into);

  // --- functions, types and what strings name (footprint_objects.cpp) ---
  void call(const PgQuery__FuncCall& call);
  void cast(const PgQuery__TypeCast& cast);
  void type(const PgQuery__TypeName& type);
  std::optional<TableName> row_type(const PgQuery__TypeName& type) const;
  bool field_of_row(const PgQuery__AIndirection& indirection);

  // --- names (footprint_names.cpp) ---
  std::optional<TableName> table_of(const PgQuery__RangeVar& variable);
  const From* with_query(std::string_view name, const Level& level) const;
  const From* named(std::string_view alias, const Level& level) const;
  void reference(const PgQuery__ColumnRef& column, const Level& level);
  void bare(const std::string& name, const Level& level);
  void qualified(const std::vector<std::string>& parts, const Level& level);
  bool knows(const TableName& table, const std::string& column) const;
  void read(const TableName& table, const std::string& column);
  void read_all(const TableName& table);
  /// Of a statement in a function, when all of the tables are known.
  bool is_variable(const std::set<TableName>& tables) const;

  // --- writes (footprint_writes.cpp) ---
  std::optional<TableName> written(const PgQuery__RangeVar* variable, Level& level);
  void insert(const PgQuery__InsertStmt& statement, const Level& outer);
  void update(const PgQuery__UpdateStmt& statement, const Level& outer);
  void remove(const PgQuery__DeleteStmt& statement, const Level& outer);
  void merge(const PgQuery__MergeStmt& statement, const Level& outer);
  void copy(const PgQuery__CopyStmt& statement, const Level& outer);
  void assigned(const std::optional<TableName>& table, PgQuery__Node* const* entries, std::size_t count,
                const Level& level);
  void inserted(const TableName& table, InsertForm form, const std::vector<std::string>& columns);
  void conflict(const PgQuery__OnConflictClause& clause, const std::optional<TableName>& table, const Level& level);
  /// Columns that get a literal NULL in any row of VALUES; `columns` in the order of the values.
  void nulls_of(const PgQuery__InsertStmt& statement, const TableName& table, const std::vector<std::string>& columns);
  /// By position: so many values, into the first columns; nothing: as many as there are columns.
  void positional(const TableName& table, InsertForm form, std::optional<std::size_t> values);

  void unclear(const std::string& what);

  Footprint& footprint_;
  const KnownColumns& known_;
  std::string label_;  ///< "statement 3", for what is unclear
  StatementPlace place_;
};

}  // namespace switchback::postgres
