/// Pieces of a migration's parse tree as text and as names. Private to the reader of migrations.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "editable_tree.hpp"
#include "switchback/core/migration.hpp"

namespace switchback::postgres::migration {

using Node = PgQuery__Node;

/// The statement as text, with every clause that it has.
std::string deparsed(const Node& statement);
std::string expression_text(Node* expression);
std::string type_text(PgQuery__TypeName& type);
/// ` COLLATE …`.
std::string collation_text(const PgQuery__CollateClause& collation);
/// A column's name and the rest of its definition.
std::pair<std::string, std::string> column_text(PgQuery__ColumnDef& column);
/// As CREATE TABLE has it.
std::string constraint_text(Node& constraint);
/// An expression over a row of the table `alias`: from its columns that name is taken off, in the tree too.
RowExpression row_expression(Node* expression, std::string_view alias);

bool is_column(const Node& node, std::string_view name);
bool has_subquery(const Node& node);

std::vector<std::string> strings(Node* const* list, std::size_t count);
TableName table_name(const PgQuery__RangeVar& relation, const std::string& schema);
/// Of a list of strings.
TableName table_name(Node* const* names, std::size_t count, const std::string& schema);

/// A statement that has no step of its own, with what takes it back where that shows.
ddl::Other other_of(Node& statement);
/// Where set_comment can say it.
std::optional<SetComment> comment_step(const PgQuery__CommentStmt& comment, const std::string& schema);

}  // namespace switchback::postgres::migration
