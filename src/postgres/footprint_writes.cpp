#include <algorithm>

#include "footprint_walk.hpp"

namespace switchback::postgres {
namespace {

std::vector<std::string> targets(PgQuery__Node* const* entries, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i)
    if (entries[i]->node_case == PG_QUERY__NODE__NODE_RES_TARGET && entries[i]->res_target->name)
      note_once(names, entries[i]->res_target->name);
  return names;
}

bool is_null(const PgQuery__Node* value) {
  while (value && value->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) value = value->type_cast->arg;
  return value && value->node_case == PG_QUERY__NODE__NODE_A_CONST && value->a_const->isnull;
}

ConflictTarget target_of(const PgQuery__InferClause& infer) {
  ConflictTarget target;
  if (infer.conname) target.constraint = infer.conname;
  target.predicate = infer.where_clause != nullptr;
  for (std::size_t i = 0; i < infer.n_index_elems; ++i)
    if (infer.index_elems[i]->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM) {
      const char* column = infer.index_elems[i]->index_elem->name;
      note_once(target.columns, column ? column : "");
    }
  std::ranges::sort(target.columns);
  return target;
}

/// How many values a row of the query has; nothing where a star hides it.
std::optional<std::size_t> width_of(const PgQuery__Node* query) {
  if (!query || query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return std::nullopt;
  const PgQuery__SelectStmt* select = query->select_stmt;
  while (select->larg) select = select->larg;
  if (select->n_values_lists > 0 && select->values_lists[0]->node_case == PG_QUERY__NODE__NODE_LIST)
    return select->values_lists[0]->list->n_items;
  for (std::size_t i = 0; i < select->n_target_list; ++i)
    if (is_star(select->target_list[i])) return std::nullopt;
  return select->n_target_list;
}

}  // namespace

bool is_star(const PgQuery__Node* entry) {
  if (entry->node_case != PG_QUERY__NODE__NODE_RES_TARGET || !entry->res_target->val) return false;
  const PgQuery__Node& value = *entry->res_target->val;
  return value.node_case == PG_QUERY__NODE__NODE_COLUMN_REF && value.column_ref->n_fields > 0 &&
         value.column_ref->fields[value.column_ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

std::optional<TableName> FootprintWalk::written(const PgQuery__RangeVar* variable, Level& level) {
  if (!variable) return std::nullopt;
  const auto table = table_of(*variable);
  From entry;
  entry.alias = variable->alias && variable->alias->aliasname ? variable->alias->aliasname : variable->relname;
  entry.table = table;
  level.from.push_back(std::move(entry));
  return table;
}

void FootprintWalk::inserted(const TableName& table, InsertForm form, const std::vector<std::string>& columns) {
  Footprint mine;
  TableUse& use = use_of(mine, table);
  use.insert = form;
  use.supplies = columns;
  use.writes = columns;
  if (form != InsertForm::named) use.positions = columns;
  footprint_ = merged(std::move(footprint_), mine);
}

void FootprintWalk::positional(const TableName& table, InsertForm form, std::optional<std::size_t> values) {
  const auto found = known_.find(table);
  if (found == known_.end())
    return unclear("which columns of " + shown(table) + " it writes by position: the table is not there yet");
  std::vector<std::string> columns;
  for (const std::string& column : found->second)
    if (!values || columns.size() < *values) columns.push_back(column);
  if (values && columns.size() < *values) return unclear("it writes more values than " + shown(table) + " has columns");
  inserted(table, form, columns);
}

void FootprintWalk::insert(const PgQuery__InsertStmt& statement, const Level& outer) {
  Level level;
  level.outer = &outer;
  with(statement.with_clause, level);
  one(statement.select_stmt, level);  // before its own table can be named
  const auto table = written(statement.relation, level);
  if (table && statement.n_cols > 0)
    inserted(*table, InsertForm::named, targets(statement.cols, statement.n_cols));
  else if (table && !statement.select_stmt)  // DEFAULT VALUES
    inserted(*table, InsertForm::named, {});
  else if (table)
    positional(*table, InsertForm::positional, width_of(statement.select_stmt));
  if (table && statement.n_cols > 0) nulls_of(statement, *table, targets(statement.cols, statement.n_cols));
  if (const auto columns = table ? known_.find(*table) : known_.end(); columns != known_.end() && statement.n_cols == 0)
    nulls_of(statement, *table, columns->second);
  if (statement.on_conflict_clause) conflict(*statement.on_conflict_clause, table, level);
  list(statement.returning_list, statement.n_returning_list, level);
}

void FootprintWalk::conflict(const PgQuery__OnConflictClause& clause, const std::optional<TableName>& table,
                             const Level& level) {
  Level set = level;
  From excluded;
  excluded.alias = "excluded";
  excluded.table = table;
  if (clause.infer) {
    if (table) {
      const ConflictTarget target = target_of(*clause.infer);
      for (const std::string& column : target.columns)
        if (!column.empty()) read(*table, column);
      note_once(use_of(footprint_, *table).conflicts, target);
    }
    children(base_of(clause.infer), level);
  }
  set.from.push_back(std::move(excluded));
  assigned(table, clause.target_list, clause.n_target_list, set);
  one(clause.where_clause, set);
}

void FootprintWalk::nulls_of(const PgQuery__InsertStmt& statement, const TableName& table,
                             const std::vector<std::string>& columns) {
  if (!statement.select_stmt || statement.select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return;
  const PgQuery__SelectStmt& values = *statement.select_stmt->select_stmt;
  for (std::size_t row = 0; row < values.n_values_lists; ++row) {
    if (values.values_lists[row]->node_case != PG_QUERY__NODE__NODE_LIST) continue;
    const PgQuery__List& list = *values.values_lists[row]->list;
    for (std::size_t i = 0; i < list.n_items && i < columns.size(); ++i)
      if (is_null(list.items[i])) note_once(use_of(footprint_, table).nulls, columns[i]);
  }
}

void FootprintWalk::assigned(const std::optional<TableName>& table, PgQuery__Node* const* entries, std::size_t count,
                             const Level& level) {
  for (const std::string& column : targets(entries, count))
    if (table) note_once(use_of(footprint_, *table).writes, column);
  for (std::size_t i = 0; i < count; ++i) {
    if (entries[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) continue;
    const PgQuery__ResTarget& set = *entries[i]->res_target;
    if (table && set.name && set.n_indirection == 0 && is_null(set.val))
      note_once(use_of(footprint_, *table).nulls, set.name);
    one(set.val, level);
  }
}

void FootprintWalk::update(const PgQuery__UpdateStmt& statement, const Level& outer) {
  Level level;
  level.outer = &outer;
  with(statement.with_clause, level);
  const auto table = written(statement.relation, level);
  from(statement.from_clause, statement.n_from_clause, level);
  assigned(table, statement.target_list, statement.n_target_list, level);
  one(statement.where_clause, level);
  list(statement.returning_list, statement.n_returning_list, level);
}

void FootprintWalk::remove(const PgQuery__DeleteStmt& statement, const Level& outer) {
  Level level;
  level.outer = &outer;
  with(statement.with_clause, level);
  if (const auto table = written(statement.relation, level)) use_of(footprint_, *table).deletes = true;
  from(statement.using_clause, statement.n_using_clause, level);
  one(statement.where_clause, level);
  list(statement.returning_list, statement.n_returning_list, level);
}

void FootprintWalk::merge(const PgQuery__MergeStmt& statement, const Level& outer) {
  Level level;
  level.outer = &outer;
  with(statement.with_clause, level);
  const auto table = written(statement.relation, level);
  if (statement.source_relation) item(*statement.source_relation, level);
  one(statement.join_condition, level);
  for (std::size_t i = 0; i < statement.n_merge_when_clauses; ++i) {
    if (statement.merge_when_clauses[i]->node_case != PG_QUERY__NODE__NODE_MERGE_WHEN_CLAUSE) continue;
    const PgQuery__MergeWhenClause& when = *statement.merge_when_clauses[i]->merge_when_clause;
    const bool inserts = when.command_type == PG_QUERY__CMD_TYPE__CMD_INSERT;
    if (table && inserts && when.n_target_list > 0)
      inserted(*table, InsertForm::named, targets(when.target_list, when.n_target_list));
    else if (table && inserts)
      positional(*table, InsertForm::positional, when.n_values);
    else
      assigned(table, when.target_list, when.n_target_list, level);
    if (table && when.command_type == PG_QUERY__CMD_TYPE__CMD_DELETE) use_of(footprint_, *table).deletes = true;
    one(when.condition, level);
    list(when.values, when.n_values, level);
  }
}

void FootprintWalk::copy(const PgQuery__CopyStmt& statement, const Level& outer) {
  Level level;
  level.outer = &outer;
  one(statement.query, level);
  const auto table = written(statement.relation, level);
  if (!table) return;
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < statement.n_attlist; ++i) columns.emplace_back(string_of(statement.attlist[i]));
  if (statement.is_from && columns.empty())
    positional(*table, InsertForm::copy, std::nullopt);
  else if (statement.is_from)
    inserted(*table, InsertForm::named, columns);
  else if (columns.empty())
    use_of(footprint_, *table).reads_all = true;
  for (const std::string& column : columns)
    if (!statement.is_from) read(*table, column);
  one(statement.where_clause, level);
}

}  // namespace switchback::postgres
