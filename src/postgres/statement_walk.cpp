#include "statement_walk.hpp"

#include <algorithm>

#include "function_body.hpp"

namespace switchback::postgres {
namespace {

/// Queries and what wraps one.
bool is_query(const PgQuery__Node& statement) {
  switch (statement.node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
    case PG_QUERY__NODE__NODE_INSERT_STMT:
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
    case PG_QUERY__NODE__NODE_DELETE_STMT:
    case PG_QUERY__NODE__NODE_MERGE_STMT:
    case PG_QUERY__NODE__NODE_COPY_STMT:
      return true;
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
      return statement.explain_stmt->query && is_query(*statement.explain_stmt->query);
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
      return statement.prepare_stmt->query && is_query(*statement.prepare_stmt->query);
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
      return statement.declare_cursor_stmt->query && is_query(*statement.declare_cursor_stmt->query);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      return statement.create_table_as_stmt->query && is_query(*statement.create_table_as_stmt->query);
    case PG_QUERY__NODE__NODE_VIEW_STMT:
      return statement.view_stmt->query && is_query(*statement.view_stmt->query);
    default:
      return false;
  }
}

}  // namespace

StatementJudgement Walk::judge(const PgQuery__ParseResult& tree, std::string_view text) {
  for (std::size_t i = 0; i < tree.n_stmts; ++i) {
    const PgQuery__Node* statement = tree.stmts[i]->stmt;
    if (!statement) continue;
    Scope outermost;
    for (const std::string& row : around_.rows)
      outermost.sources.push_back({row, "", true, true, Owns::no, true, true});
    if (is_query(*statement)) {
      node(base_of(statement), outermost);
    } else if (is_moved(target_.kind) || !definition(*statement, outermost)) {
      node(base_of(statement), outermost);
      not_understood_ = true;
    }
  }
  if (!names_.uses().empty()) return {StatementUse::uses, names_.uses()};
  if (!names_.ambiguous().empty()) return {StatementUse::ambiguous, names_.ambiguous()};
  if (not_understood_ && token_mentions(tokens_of(text), {target_.name}))
    return {StatementUse::ambiguous,
            "a kind of statement that is not read more closely, and it has the name " + target_.name};
  return {StatementUse::does_not, ""};
}

void Walk::node(const ProtobufCMessage* message, const Scope& scope) {
  if (SWITCHBACK_IS(message, select_stmt)) return select(as<PgQuery__SelectStmt>(message), scope, true);
  if (SWITCHBACK_IS(message, insert_stmt)) return insert(as<PgQuery__InsertStmt>(message), scope);
  if (SWITCHBACK_IS(message, update_stmt)) return update(as<PgQuery__UpdateStmt>(message), scope);
  if (SWITCHBACK_IS(message, delete_stmt)) return remove(as<PgQuery__DeleteStmt>(message), scope);
  if (SWITCHBACK_IS(message, merge_stmt)) return merge(as<PgQuery__MergeStmt>(message), scope);
  if (SWITCHBACK_IS(message, copy_stmt)) return copy(as<PgQuery__CopyStmt>(message), scope);
  if (SWITCHBACK_IS(message, column_ref)) return names_.reference(as<PgQuery__ColumnRef>(message), scope);
  if (SWITCHBACK_IS(message, range_var)) return elsewhere(as<PgQuery__RangeVar>(message), scope);
  if (SWITCHBACK_IS(message, constraint) && !is_moved(target_.kind))
    return constraint(as<PgQuery__Constraint>(message), false, scope);
  if (SWITCHBACK_IS(message, locking_clause) || SWITCHBACK_IS(message, into_clause)) return;
  if (SWITCHBACK_IS(message, func_call)) names_.call(as<PgQuery__FuncCall>(message));
  if (SWITCHBACK_IS(message, type_name)) names_.type(as<PgQuery__TypeName>(message));
  if (SWITCHBACK_IS(message, table_like_clause)) names_.like(as<PgQuery__TableLikeClause>(message), scope);
  if (SWITCHBACK_IS(message, sub_link)) {
    const auto& link = as<PgQuery__SubLink>(message);
    // EXISTS (SELECT * …) evaluates no column.
    if (link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK && link.subselect &&
        link.subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
      return select(*link.subselect->select_stmt, scope, false);
  }
  children(message, scope);
}

void Walk::children(const ProtobufCMessage* message, const Scope& scope) {
  for_each_child(message, [&](const ProtobufCMessage* child) { node(child, scope); });
}
void Walk::list(PgQuery__Node* const* nodes, std::size_t count, const Scope& scope) {
  for (std::size_t i = 0; i < count; ++i)
    if (nodes[i]) node(base_of(nodes[i]), scope);
}

void Walk::with(const PgQuery__WithClause* clause, Scope& scope) {
  if (!clause) return;
  for (int pass = clause->recursive ? 0 : 1; pass < 2; ++pass)
    for (std::size_t i = 0; i < clause->n_ctes; ++i) {
      if (clause->ctes[i]->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR) continue;
      const PgQuery__CommonTableExpr& query = *clause->ctes[i]->common_table_expr;
      if (pass == 1) children(base_of(&query), scope);  // a query that is not recursive does not see its own name
      Owns owns = output_owns(query.ctequery, target_.name);
      if (query.n_aliascolnames > 0) {
        PgQuery__Alias alias = PG_QUERY__ALIAS__INIT;
        alias.n_colnames = query.n_aliascolnames;
        alias.colnames = query.aliascolnames;
        owns = renamed(owns, &alias, target_.name);
      }
      scope.with_queries[query.ctename ? query.ctename : ""] = owns;
    }
}

void Walk::select(const PgQuery__SelectStmt& statement, const Scope& outer, bool stars_count) {
  // Set operations compare whole rows, and ORDER BY 2 means the second column of a star.
  stars_count |= statement.op != PG_QUERY__SET_OPERATION__SETOP_NONE || statement.n_sort_clause > 0;
  Scope scope{&outer, {}, {}};
  with(statement.with_clause, scope);
  from(statement.from_clause, statement.n_from_clause, scope);
  std::set<std::string> outputs;
  for (std::size_t i = 0; i < statement.n_target_list; ++i) {
    outputs.insert(output_name(statement.target_list[i]));
    if (stars_count || output_name(statement.target_list[i]) != "*") one(statement.target_list[i], scope);
  }
  for (std::size_t i = 0; i < statement.n_sort_clause; ++i) by_output(*statement.sort_clause[i], outputs, scope);
  for (std::size_t i = 0; i < statement.n_distinct_clause; ++i)
    if (statement.distinct_clause[i]) by_output(*statement.distinct_clause[i], outputs, scope);
  one(statement.where_clause, scope);
  list(statement.group_clause, statement.n_group_clause, scope);
  grouped(statement, scope);
  one(statement.having_clause, scope);
  list(statement.window_clause, statement.n_window_clause, scope);
  list(statement.values_lists, statement.n_values_lists, scope);
  one(statement.limit_offset, scope);
  one(statement.limit_count, scope);
  if (statement.larg) select(*statement.larg, scope, stars_count);
  if (statement.rarg) select(*statement.rarg, scope, stars_count);
}

/// Columns that are neither grouped nor aggregated rest on the primary key (parse_agg.c, check_functional_grouping).
void Walk::grouped(const PgQuery__SelectStmt& statement, const Scope& scope) {
  const bool ours = std::ranges::any_of(scope.sources, [](const Source& one) { return one.target; });
  if (!ours || statement.n_group_clause == 0) return;
  std::set<std::string> names;
  const auto collect = [&](const auto& self, const ProtobufCMessage* message) -> void {
    if (SWITCHBACK_IS(message, column_ref)) {
      const auto& column = as<PgQuery__ColumnRef>(message);
      names.emplace(string_of(column.fields[column.n_fields - 1]));
    }
    for_each_child(message, [&](const ProtobufCMessage* child) { self(self, child); });
  };
  for (std::size_t i = 0; i < statement.n_group_clause; ++i) collect(collect, base_of(statement.group_clause[i]));
  for (const UniqueKey& key : target_.keys)
    if (key.primary && std::ranges::all_of(key.columns, [&](const std::string& one) { return names.contains(one); }))
      use("GROUP BY the primary key " + key.name, false);
}

/// A bare name in ORDER BY and DISTINCT ON is an output column first (SQL-92, as the server has it).
void Walk::by_output(const PgQuery__Node& entry, const std::set<std::string>& outputs, const Scope& scope) {
  const PgQuery__Node* value = entry.node_case == PG_QUERY__NODE__NODE_SORT_BY ? entry.sort_by->node : &entry;
  if (value && value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && value->column_ref->n_fields == 1 &&
      outputs.contains(std::string(string_of(value->column_ref->fields[0]))))
    return;
  node(base_of(&entry), scope);
}

void Walk::from(PgQuery__Node* const* items, std::size_t count, Scope& scope) {
  for (std::size_t i = 0; i < count; ++i)
    if (items[i]) item(*items[i], scope);
  for (std::size_t i = 0; i < count; ++i)
    if (items[i]) inside_item(*items[i], scope);
}

void Walk::range(const PgQuery__RangeVar& variable, Scope& scope) {
  Source source = source_of(variable, scope, target_);
  if (source.target && column_ && variable.alias && variable.alias->n_colnames > 0)
    use("a list of column aliases on " + std::string(variable.relname), source.certain);
  names_.through_view(variable, source, scope);
  names_.relation(variable, source);
  scope.sources.push_back(std::move(source));
}

void Walk::item(const PgQuery__Node& entry, Scope& scope) {
  switch (entry.node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
      return range(*entry.range_var, scope);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
      if (entry.range_table_sample->relation) item(*entry.range_table_sample->relation, scope);
      return;
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
      return join(*entry.join_expr, scope);
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT: {
      const PgQuery__RangeSubselect& query = *entry.range_subselect;
      scope.sources.push_back({query.alias && query.alias->aliasname ? query.alias->aliasname : "", "", false, true,
                               renamed(output_owns(query.subquery, target_.name), query.alias, target_.name), false});
      return;
    }
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
      return function(*entry.range_function, scope);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC:
      return table_function(*entry.range_table_func, scope);
    default:
      scope.sources.push_back({"", "", false, true, Owns::maybe, false});
  }
}

void Walk::function(const PgQuery__RangeFunction& entry, Scope& scope) {
  const std::string alias = entry.alias && entry.alias->aliasname ? entry.alias->aliasname : "";
  Owns owns = Owns::maybe;
  if (entry.alias && entry.alias->n_colnames > 0)  // scalar functions and unnest: the list names every column
    owns = renamed(Owns::no, entry.alias, target_.name);
  for (std::size_t i = 0; i < entry.n_coldeflist; ++i) {
    if (i == 0) owns = Owns::no;
    if (entry.coldeflist[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF &&
        entry.coldeflist[i]->column_def->colname == target_.name)
      owns = Owns::yes;
  }
  scope.sources.push_back({alias, "", false, true, owns, false});
}

/// XMLTABLE: its columns are all named.
void Walk::table_function(const PgQuery__RangeTableFunc& entry, Scope& scope) {
  Owns owns = Owns::no;
  for (std::size_t i = 0; i < entry.n_columns; ++i)
    if (entry.columns[i]->node_case == PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC_COL &&
        entry.columns[i]->range_table_func_col->colname == target_.name)
      owns = Owns::yes;
  scope.sources.push_back({entry.alias && entry.alias->aliasname ? entry.alias->aliasname : "", "", false, true,
                           renamed(owns, entry.alias, target_.name), false});
}

void Walk::join(const PgQuery__JoinExpr& entry, Scope& scope) {
  const std::size_t before = scope.sources.size();
  if (entry.larg) item(*entry.larg, scope);
  const std::size_t middle = scope.sources.size();
  if (entry.rarg) item(*entry.rarg, scope);
  Source whole;
  Owns others = Owns::no;
  bool left = false;
  bool right = false;
  for (std::size_t i = before; i < scope.sources.size(); ++i) {
    const Source& part = scope.sources[i];
    (i < middle ? left : right) |= part.target;
    whole.target |= part.target;
    if (part.target) whole.certain &= part.certain;
    if (!part.target) others = std::max(others, part.owns);
  }
  whole.owns = others;
  if (whole.target && column_) {
    for (std::size_t i = 0; i < entry.n_using_clause; ++i)
      if (string_of(entry.using_clause[i]) == target_.name) use("USING (" + target_.name + ")", whole.certain);
    if (entry.is_natural && (others != Owns::no || (left && right)))
      use("NATURAL JOIN over " + target_.name, (others == Owns::yes || (left && right)) && whole.certain);
  }
  if (entry.alias)
    for (std::size_t i = before; i < scope.sources.size(); ++i) {
      scope.sources[i].hidden = true;
      scope.sources[i].certain = false;
    }
  for (const PgQuery__Alias* alias : {entry.alias, entry.join_using_alias})
    if (alias && alias->aliasname && *alias->aliasname) {
      whole.alias = alias->aliasname;
      scope.sources.push_back(whole);
    }
}

/// Expressions and subqueries in an entry of FROM; the tables in it have been taken in already.
void Walk::inside_item(const PgQuery__Node& entry, const Scope& scope) {
  switch (entry.node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
      return;
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
      if (entry.range_table_sample->relation) inside_item(*entry.range_table_sample->relation, scope);
      return list(entry.range_table_sample->args, entry.range_table_sample->n_args, scope);
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
      if (entry.join_expr->larg) inside_item(*entry.join_expr->larg, scope);
      if (entry.join_expr->rarg) inside_item(*entry.join_expr->rarg, scope);
      return one(entry.join_expr->quals, scope);
    default:
      return node(base_of(&entry), scope);
  }
}

}  // namespace switchback::postgres
