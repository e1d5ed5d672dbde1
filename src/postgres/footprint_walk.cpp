#include "footprint_walk.hpp"
#include "statement_scope.hpp"

namespace switchback::postgres {
namespace {

std::string alias_of(const PgQuery__Alias* alias) {
  return alias && alias->aliasname ? alias->aliasname : "";
}

}  // namespace

void FootprintWalk::unclear(const std::string& what) {
  note_once(footprint_.unclear, label_ + ": " + what);
}

void FootprintWalk::statement(const PgQuery__Node& node) {
  const Level nothing;
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
    case PG_QUERY__NODE__NODE_INSERT_STMT:
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
    case PG_QUERY__NODE__NODE_DELETE_STMT:
    case PG_QUERY__NODE__NODE_MERGE_STMT:
    case PG_QUERY__NODE__NODE_COPY_STMT:
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
    case PG_QUERY__NODE__NODE_CALL_STMT:
      return one(&node, nothing);
    case PG_QUERY__NODE__NODE_DO_STMT:
      return block(*node.do_stmt);
    case PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT:
      if (node.refresh_mat_view_stmt->relation) table_of(*node.refresh_mat_view_stmt->relation);
      return;
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
      return maintained(*node.vacuum_stmt);
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
      return whole(node.truncate_stmt->relations, node.truncate_stmt->n_relations);
    case PG_QUERY__NODE__NODE_LOCK_STMT:
      return whole(node.lock_stmt->relations, node.lock_stmt->n_relations);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      if (!is_temporary(node.create_table_as_stmt->into ? node.create_table_as_stmt->into->rel : nullptr))
        unclear("it makes a table");
      return one(node.create_table_as_stmt->query, nothing);
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
    case PG_QUERY__NODE__NODE_FETCH_STMT:
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
    case PG_QUERY__NODE__NODE_LISTEN_STMT:
    case PG_QUERY__NODE__NODE_NOTIFY_STMT:
    case PG_QUERY__NODE__NODE_UNLISTEN_STMT:
    case PG_QUERY__NODE__NODE_DISCARD_STMT:
    case PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT:
    case PG_QUERY__NODE__NODE_EXECUTE_STMT:
      return;
    case PG_QUERY__NODE__NODE_CREATE_STMT:
      if (is_temporary(node.create_stmt->relation)) return;
      return unclear("it makes a table");
    case PG_QUERY__NODE__NODE_DROP_STMT:
      if (drops_temporary(*node.drop_stmt)) return;
      return unclear("it drops something");
    default:
      unclear("what it needs is told from queries and writes only");
  }
}

bool FootprintWalk::is_temporary(const PgQuery__RangeVar* table) {
  return table && table->relpersistence && std::string_view(table->relpersistence) == "t";
}

bool FootprintWalk::drops_temporary(const PgQuery__DropStmt& statement) const {
  if (statement.remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) return false;
  for (std::size_t i = 0; i < statement.n_objects; ++i) {
    const PgQuery__Node& name = *statement.objects[i];
    if (name.node_case != PG_QUERY__NODE__NODE_LIST || name.list->n_items != 1 ||
        !known_.contains({"pg_temp", std::string(string_of(name.list->items[0]))}))
      return false;
  }
  return true;
}

void FootprintWalk::whole(PgQuery__Node* const* tables, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (tables[i]->node_case == PG_QUERY__NODE__NODE_RANGE_VAR) table_of(*tables[i]->range_var);
}

void FootprintWalk::maintained(const PgQuery__VacuumStmt& statement) {
  for (std::size_t i = 0; i < statement.n_rels; ++i) {
    if (statement.rels[i]->node_case != PG_QUERY__NODE__NODE_VACUUM_RELATION) continue;
    const PgQuery__VacuumRelation& relation = *statement.rels[i]->vacuum_relation;
    const auto table = relation.relation ? table_of(*relation.relation) : std::nullopt;
    for (std::size_t k = 0; table && k < relation.n_va_cols; ++k)
      read(*table, std::string(string_of(relation.va_cols[k])));
  }
}

/// What a DO block runs is told as far as its body can be read.
void FootprintWalk::block(const PgQuery__DoStmt& statement) {
  std::string language = "plpgsql";
  std::string body;
  for (std::size_t i = 0; i < statement.n_args; ++i) {
    if (statement.args[i]->node_case != PG_QUERY__NODE__NODE_DEF_ELEM) continue;
    const PgQuery__DefElem& option = *statement.args[i]->def_elem;
    const std::string_view key = option.defname ? option.defname : "";
    if (key == "language") language = string_of(option.arg);
    if (key == "as") body = string_of(option.arg);
  }
  Footprint needs = needs_of_body(language, body, known_);
  for (std::string& why : needs.unclear) why = label_ + ": " + why;
  needs.statements.clear();
  footprint_ = merged(std::move(footprint_), needs);
}

void FootprintWalk::one(const PgQuery__Node* node, const Level& level) {
  if (node) visit(base_of(node), level);
}

void FootprintWalk::list(PgQuery__Node* const* nodes, std::size_t count, const Level& level) {
  for (std::size_t i = 0; i < count; ++i) one(nodes[i], level);
}

void FootprintWalk::children(const ProtobufCMessage* message, const Level& level) {
  for_each_child(message, [&](const ProtobufCMessage* child) { visit(child, level); });
}

void FootprintWalk::visit(const ProtobufCMessage* message, const Level& level) {
  if (SWITCHBACK_IS(message, select_stmt)) return select(as<PgQuery__SelectStmt>(message), level);
  if (SWITCHBACK_IS(message, insert_stmt)) return insert(as<PgQuery__InsertStmt>(message), level);
  if (SWITCHBACK_IS(message, update_stmt)) return update(as<PgQuery__UpdateStmt>(message), level);
  if (SWITCHBACK_IS(message, delete_stmt)) return remove(as<PgQuery__DeleteStmt>(message), level);
  if (SWITCHBACK_IS(message, merge_stmt)) return merge(as<PgQuery__MergeStmt>(message), level);
  if (SWITCHBACK_IS(message, copy_stmt)) return copy(as<PgQuery__CopyStmt>(message), level);
  if (SWITCHBACK_IS(message, column_ref)) return reference(as<PgQuery__ColumnRef>(message), level);
  if (SWITCHBACK_IS(message, sub_link)) return sub_link(as<PgQuery__SubLink>(message), level);
  if (SWITCHBACK_IS(message, a__indirection) && field_of_row(as<PgQuery__AIndirection>(message))) return;
  if (SWITCHBACK_IS(message, func_call)) call(as<PgQuery__FuncCall>(message));
  if (SWITCHBACK_IS(message, type_cast)) cast(as<PgQuery__TypeCast>(message));
  if (SWITCHBACK_IS(message, type_name)) type(as<PgQuery__TypeName>(message));
  children(message, level);
}

/// EXISTS (SELECT * …) asks for no column.
void FootprintWalk::sub_link(const PgQuery__SubLink& link, const Level& level) {
  const bool exists = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK && link.subselect &&
                      link.subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT;
  if (!exists) return children(base_of(&link), level);
  select(*link.subselect->select_stmt, level, Stars::nothing);
}

/// Those of ORDER BY, GROUP BY and DISTINCT ON. A bare name that the select list gives is that output, or, in GROUP BY,
/// may be one: with or without a column of that name.
void FootprintWalk::by_outputs(PgQuery__Node* const* items, std::size_t count, const Level& level) {
  for (std::size_t i = 0; i < count; ++i) {
    const PgQuery__Node* item = items[i];
    if (item->node_case == PG_QUERY__NODE__NODE_SORT_BY) item = item->sort_by->node;
    const bool bare = item && item->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && item->column_ref->n_fields == 1;
    if (!bare || !level.outputs.contains(std::string(string_of(item->column_ref->fields[0])))) one(items[i], level);
  }
}

void FootprintWalk::select(const PgQuery__SelectStmt& statement, const Level& outer, Stars stars) {
  Level level;
  level.outer = &outer;
  with(statement.with_clause, level);
  if (statement.larg || statement.rarg) {
    for (const PgQuery__SelectStmt* arm : {statement.larg, statement.rarg})
      if (arm) select(*arm, level, stars);
    // ORDER BY of a set operation goes by the names of its output.
    const PgQuery__SelectStmt* first = &statement;
    while (first->larg) first = first->larg;
    for (std::size_t i = 0; i < first->n_target_list; ++i) level.outputs.insert(output_name(first->target_list[i]));
    by_outputs(statement.sort_clause, statement.n_sort_clause, level);
    one(statement.limit_count, level);
    one(statement.limit_offset, level);
    return;
  }
  from(statement.from_clause, statement.n_from_clause, level);
  if (statement.into_clause && !is_temporary(statement.into_clause->rel)) unclear("SELECT INTO makes a table");
  for (std::size_t i = 0; i < statement.n_target_list; ++i)
    if (stars == Stars::count || !is_star(statement.target_list[i])) one(statement.target_list[i], level);
  list(statement.values_lists, statement.n_values_lists, level);
  one(statement.where_clause, level);
  one(statement.having_clause, level);
  list(statement.window_clause, statement.n_window_clause, level);
  one(statement.limit_count, level);
  one(statement.limit_offset, level);
  for (std::size_t i = 0; i < statement.n_target_list; ++i) level.outputs.insert(output_name(statement.target_list[i]));
  by_outputs(statement.distinct_clause, statement.n_distinct_clause, level);
  by_outputs(statement.group_clause, statement.n_group_clause, level);
  by_outputs(statement.sort_clause, statement.n_sort_clause, level);
}

void FootprintWalk::outputs_of(const PgQuery__Node* query, From& into) {
  into.any_output = true;
  if (!query) return;
  PgQuery__Node* const* entries = nullptr;
  std::size_t count = 0;
  if (query->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
    const PgQuery__SelectStmt* select = query->select_stmt;
    while (select->larg) select = select->larg;
    entries = select->target_list;
    count = select->n_target_list;
    if (select->n_values_lists > 0) return;
  } else if (query->node_case == PG_QUERY__NODE__NODE_INSERT_STMT) {
    entries = query->insert_stmt->returning_list;
    count = query->insert_stmt->n_returning_list;
  } else if (query->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT) {
    entries = query->update_stmt->returning_list;
    count = query->update_stmt->n_returning_list;
  } else if (query->node_case == PG_QUERY__NODE__NODE_DELETE_STMT) {
    entries = query->delete_stmt->returning_list;
    count = query->delete_stmt->n_returning_list;
  } else {
    return;
  }
  into.any_output = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string output = output_name(entries[i]);
    if (output == "*" || output.empty())
      into.any_output = true;
    else
      into.outputs.insert(output);
  }
}

void FootprintWalk::rename(const PgQuery__Alias* alias, From& into) {
  if (!alias || alias->n_colnames == 0) return;
  for (std::size_t i = 0; i < alias->n_colnames; ++i) into.outputs.insert(std::string(string_of(alias->colnames[i])));
  into.any_output = true;  // those behind the list keep their names
}

/// FROM users AS u (a, b): the first columns, whatever they are called. They and those between are all read, since
/// names move on to the next column when one of them goes.
void FootprintWalk::rename_columns(const TableName& table, const PgQuery__Alias& alias, From& into) {
  if (alias.n_colnames == 0) return;
  const auto columns = known_.find(table);
  if (columns == known_.end() || columns->second.size() < alias.n_colnames) return read_all(table);
  for (std::size_t i = 0; i < alias.n_colnames; ++i) {
    read(table, columns->second[i]);
    into.outputs.insert(std::string(string_of(alias.colnames[i])));
  }
}

void FootprintWalk::with(const PgQuery__WithClause* clause, Level& level) {
  for (std::size_t i = 0; clause && i < clause->n_ctes; ++i) {
    if (clause->ctes[i]->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR) continue;
    const PgQuery__CommonTableExpr& query = *clause->ctes[i]->common_table_expr;
    From entry;
    entry.alias = query.ctename ? query.ctename : "";
    outputs_of(query.ctequery, entry);
    for (std::size_t k = 0; k < query.n_aliascolnames; ++k)
      entry.outputs.insert(std::string(string_of(query.aliascolnames[k])));
    // A recursive one names itself.
    if (clause->recursive) level.queries.push_back(entry);
    one(query.ctequery, level);
    if (!clause->recursive) level.queries.push_back(entry);
  }
}

void FootprintWalk::from(PgQuery__Node* const* items, std::size_t count, Level& level) {
  for (std::size_t i = 0; i < count; ++i)
    if (items[i]) item(*items[i], level);
}

void FootprintWalk::item(const PgQuery__Node& node, Level& level) {
  if (node.node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) return join(*node.join_expr, level);
  if (node.node_case == PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE) {
    const PgQuery__RangeTableSample& sample = *node.range_table_sample;
    list(sample.args, sample.n_args, level);
    one(sample.repeatable, level);
    return item(*sample.relation, level);
  }
  From entry;
  if (node.node_case == PG_QUERY__NODE__NODE_RANGE_VAR) {
    const PgQuery__RangeVar& variable = *node.range_var;
    entry.alias = variable.alias ? alias_of(variable.alias) : variable.relname;
    if (const From* query =
            variable.schemaname && *variable.schemaname ? nullptr : with_query(variable.relname, level)) {
      entry.outputs = query->outputs;
      entry.any_output = query->any_output;
    } else {
      entry.table = table_of(variable);
      entry.any_output = !entry.table.has_value();  // of the system catalogs
      if (entry.table && variable.alias) rename_columns(*entry.table, *variable.alias, entry);
    }
    if (!entry.table) rename(variable.alias, entry);
  } else if (node.node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT) {
    entry.alias = alias_of(node.range_subselect->alias);
    outputs_of(node.range_subselect->subquery, entry);
    rename(node.range_subselect->alias, entry);
    one(node.range_subselect->subquery, level);
  } else if (node.node_case == PG_QUERY__NODE__NODE_RANGE_FUNCTION) {
    entry.alias = alias_of(node.range_function->alias);
    entry.any_output = true;
    rename(node.range_function->alias, entry);
    list(node.range_function->functions, node.range_function->n_functions, level);
  } else {
    entry.any_output = true;
    children(base_of(&node), level);
  }
  level.from.push_back(std::move(entry));
}

void FootprintWalk::join(const PgQuery__JoinExpr& join, Level& level) {
  const std::size_t first = level.from.size();
  if (join.larg) item(*join.larg, level);
  if (join.rarg) item(*join.rarg, level);
  const std::size_t end = level.from.size();
  for (std::size_t i = first; i < end; ++i) {
    if (!level.from[i].table) continue;
    if (join.is_natural) read_all(*level.from[i].table);
    for (std::size_t k = 0; k < join.n_using_clause; ++k) {
      const std::string column(string_of(join.using_clause[k]));
      if (knows(*level.from[i].table, column) || end - first == 2) read(*level.from[i].table, column);
    }
  }
  one(join.quals, level);
  if (join.alias) {  // what it gives out is everything below it
    From entry;
    entry.alias = alias_of(join.alias);
    entry.any_output = true;
    for (std::size_t i = first; i < end; ++i)
      if (level.from[i].table) read_all(*level.from[i].table);
    level.from.push_back(std::move(entry));
  }
}

#undef SWITCHBACK_IS

}  // namespace switchback::postgres
