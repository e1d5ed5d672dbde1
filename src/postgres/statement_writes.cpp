#include <algorithm>

#include "statement_walk.hpp"

namespace switchback::postgres {

/// The table that a statement writes, as the first source of a new scope.
bool Walk::written(const PgQuery__RangeVar* relation, Scope& scope) {
  if (!relation) return false;
  range(*relation, scope);
  return scope.sources.back().target;
}

/// Columns assigned by SET, or listed by INSERT.
void Walk::assigned(PgQuery__Node* const* entries, std::size_t count, bool to_target, const Scope& scope,
                    const char* how) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!entries[i] || entries[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) continue;
    const PgQuery__ResTarget& entry = *entries[i]->res_target;
    if (to_target && column_ && entry.name && entry.name == target_.name)
      use(how + (" " + target_.name), scope.sources.front().certain);
    list(entry.indirection, entry.n_indirection, scope);
    one(entry.val, scope);
  }
}

/// From PostgreSQL 18 on, old and new stand for the written row there, unless something in FROM is called so.
void Walk::returning(PgQuery__Node* const* entries, std::size_t count, const Scope& scope) {
  if (count == 0) return;
  Scope with_rows{&scope, scope.sources, {}};
  const auto taken = [&](std::string_view alias) {
    return std::any_of(scope.sources.begin(), scope.sources.end(),
                       [&](const Source& one) { return one.alias == alias; });
  };
  for (const char* alias : {"old", "new"}) {
    if (taken(alias)) continue;
    Source row = scope.sources.front();
    row.alias = alias;
    row.hidden = true;
    with_rows.sources.push_back(row);
  }
  list(entries, count, with_rows);
}

void Walk::insert(const PgQuery__InsertStmt& statement, const Scope& outer) {
  Scope queries{&outer, {}, {}};
  with(statement.with_clause, queries);
  Scope scope{&queries, {}, {}};
  const bool ours = written(statement.relation, scope);
  if (ours && column_ && statement.n_cols == 0 && statement.select_stmt)
    use_place("INSERT without a column list", scope.sources.front().certain);
  assigned(statement.cols, statement.n_cols, ours, scope, "INSERT of");
  one(statement.select_stmt, queries);
  returning(statement.returning_list, statement.n_returning_list, scope);
  if (!statement.on_conflict_clause) return;
  Source excluded = scope.sources.front();
  excluded.alias = "excluded";
  const PgQuery__OnConflictClause& conflict = *statement.on_conflict_clause;
  if (ours) arbiter(conflict, excluded.certain);
  if (conflict.infer) inferred(*conflict.infer, ours, scope);
  // Inside SET a bare name is the table's, never excluded's.
  Scope set{&scope, {}, {}};
  set.sources.push_back(scope.sources.front());
  scope.sources.push_back(excluded);
  assigned(conflict.target_list, conflict.n_target_list, ours, set, "ON CONFLICT … SET");
  one(conflict.where_clause, set);
}

void Walk::inferred(const PgQuery__InferClause& infer, bool ours, const Scope& scope) {
  for (std::size_t i = 0; ours && column_ && i < infer.n_index_elems; ++i)
    if (infer.index_elems[i]->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM && infer.index_elems[i]->index_elem->name &&
        infer.index_elems[i]->index_elem->name == target_.name)
      use("ON CONFLICT (" + target_.name + ")", scope.sources.front().certain);
  children(base_of(&infer), scope);
}

/// What ON CONFLICT rests on: the index or constraint itself, or one that goes along with the column.
void Walk::arbiter(const PgQuery__OnConflictClause& conflict, bool certain) {
  const PgQuery__InferClause* infer = conflict.infer;
  if (infer && infer->conname && *infer->conname) {
    const std::string named = infer->conname;
    if ((!column_ && named == target_.name) ||
        std::ranges::find(target_.keys, named, &UniqueKey::name) != target_.keys.end())
      names_.use_place("ON CONFLICT ON CONSTRAINT " + named, certain);  // one that is renamed, too
    return;
  }
  if (target_.keys.empty()) return;
  if (!infer) {
    if (!column_) use("ON CONFLICT DO NOTHING relies on every unique index", false);
    return;
  }
  std::set<std::string> inferred;
  for (std::size_t i = 0; i < infer->n_index_elems; ++i)
    if (infer->index_elems[i]->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM)
      inferred.insert(infer->index_elems[i]->index_elem->name ? infer->index_elems[i]->index_elem->name : "");
  for (const UniqueKey& key : target_.keys)
    if (inferred == std::set<std::string>(key.columns.begin(), key.columns.end()))
      use("ON CONFLICT infers " + key.name, certain && !inferred.contains(""));
}

void Walk::update(const PgQuery__UpdateStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  with(statement.with_clause, scope);
  const bool ours = written(statement.relation, scope);
  from(statement.from_clause, statement.n_from_clause, scope);
  assigned(statement.target_list, statement.n_target_list, ours, scope, "UPDATE … SET");
  one(statement.where_clause, scope);
  returning(statement.returning_list, statement.n_returning_list, scope);
}

void Walk::remove(const PgQuery__DeleteStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  with(statement.with_clause, scope);
  written(statement.relation, scope);
  from(statement.using_clause, statement.n_using_clause, scope);
  one(statement.where_clause, scope);
  returning(statement.returning_list, statement.n_returning_list, scope);
}

void Walk::merge(const PgQuery__MergeStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  with(statement.with_clause, scope);
  const bool ours = written(statement.relation, scope);
  if (statement.source_relation) {
    item(*statement.source_relation, scope);
    inside_item(*statement.source_relation, scope);
  }
  one(statement.join_condition, scope);
  for (std::size_t i = 0; i < statement.n_merge_when_clauses; ++i) {
    if (statement.merge_when_clauses[i]->node_case != PG_QUERY__NODE__NODE_MERGE_WHEN_CLAUSE) continue;
    const PgQuery__MergeWhenClause& when = *statement.merge_when_clauses[i]->merge_when_clause;
    if (ours && column_ && when.n_target_list == 0 && when.n_values > 0)
      use_place("MERGE … INSERT without a column list", scope.sources.front().certain);
    assigned(when.target_list, when.n_target_list, ours, scope, "MERGE sets");
    one(when.condition, scope);
    list(when.values, when.n_values, scope);
  }
}

void Walk::copy(const PgQuery__CopyStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  one(statement.query, scope);
  if (!written(statement.relation, scope)) return;
  const bool certain = scope.sources.front().certain;
  if (column_ && statement.n_attlist == 0 && statement.is_from) use_place("COPY without a column list", certain);
  if (column_ && statement.n_attlist == 0 && !statement.is_from) use("COPY without a column list", certain);
  for (std::size_t i = 0; column_ && i < statement.n_attlist; ++i)
    if (string_of(statement.attlist[i]) == target_.name) use("COPY of " + target_.name, certain);
  one(statement.where_clause, scope);
}

}  // namespace switchback::postgres
