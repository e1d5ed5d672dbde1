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

bool is_star(const PgQuery__Node* entry) {
  if (entry->node_case != PG_QUERY__NODE__NODE_RES_TARGET || !entry->res_target->val) return false;
  const PgQuery__Node& value = *entry->res_target->val;
  return value.node_case == PG_QUERY__NODE__NODE_COLUMN_REF && value.column_ref->n_fields > 0 &&
         value.column_ref->fields[value.column_ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
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

std::optional<TableName> FootprintWalk::written(const PgQuery__RangeVar* variable, Level& level) {
  if (!variable) return std::nullopt;
  const auto table = table_of(*variable, level);
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
  if (const PgQuery__OnConflictClause* conflict = statement.on_conflict_clause) {
    Level set = level;
    From excluded;
    excluded.alias = "excluded";
    excluded.table = table;
    if (conflict->infer) {
      for (std::size_t i = 0; table && i < conflict->infer->n_index_elems; ++i) {
        const PgQuery__Node& element = *conflict->infer->index_elems[i];
        if (element.node_case == PG_QUERY__NODE__NODE_INDEX_ELEM && element.index_elem->name &&
            *element.index_elem->name)
          read(*table, element.index_elem->name);
      }
      children(base_of(conflict->infer), level);
    }
    set.from.push_back(std::move(excluded));
    assigned(table, conflict->target_list, conflict->n_target_list, set);
    one(conflict->where_clause, set);
  }
  list(statement.returning_list, statement.n_returning_list, level);
}

void FootprintWalk::assigned(const std::optional<TableName>& table, PgQuery__Node* const* entries, std::size_t count,
                             const Level& level) {
  for (const std::string& column : targets(entries, count))
    if (table) note_once(use_of(footprint_, *table).writes, column);
  for (std::size_t i = 0; i < count; ++i)
    if (entries[i]->node_case == PG_QUERY__NODE__NODE_RES_TARGET) one(entries[i]->res_target->val, level);
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
