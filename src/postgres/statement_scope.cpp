#include "statement_scope.hpp"

#include <algorithm>

namespace switchback::postgres {
namespace {

Owns owner_by_catalog(std::string_view schema, std::string_view relation, const JudgeTarget& target) {
  bool all = true;
  bool none = true;
  bool known = false;
  for (const TableName& one : target.all_relations) {
    if (one.name != relation || (!schema.empty() && one.schema != schema)) continue;
    known = true;
    (target.with_column.contains(one) ? none : all) = false;
  }
  if (!known) return Owns::maybe;  // a temporary table, or one dropped since
  if (none) return Owns::no;
  return all ? Owns::yes : Owns::maybe;
}

bool has_column(const PgQuery__Alias& alias, std::string_view column) {
  for (std::size_t i = 0; i < alias.n_colnames; ++i)
    if (string_of(alias.colnames[i]) == column) return true;
  return false;
}

}  // namespace

Reach unqualified(const Scope& scope) {
  bool perhaps_elsewhere = false;
  for (const Scope* level = &scope; level; level = level->outer) {
    bool here = false;
    bool certain = true;
    Owns others = Owns::no;
    for (const Source& source : level->sources) {
      if (source.hidden) continue;  // the join it is part of stands for it
      here |= source.target;
      if (source.target) certain &= source.certain;
      others = std::max(others, source.owns);
    }
    // Both having it can only mean a merged column of USING or NATURAL: anything else the server refuses as ambiguous.
    if (here && certain && others != Owns::maybe && !perhaps_elsewhere) return {Reach::Answer::target};
    if (here) return {Reach::Answer::possibly};
    if (others == Owns::yes) return {Reach::Answer::elsewhere};
    perhaps_elsewhere |= others == Owns::maybe;
  }
  return {Reach::Answer::elsewhere};
}

bool any_of_name(const std::set<TableName>& names, std::string_view schema, std::string_view wanted) {
  return std::any_of(names.begin(), names.end(), [&](const TableName& one) {
    return one.name == wanted && (schema.empty() || one.schema == schema);
  });
}

Source source_of(const PgQuery__RangeVar& range, const Scope& scope, const JudgeTarget& target) {
  const std::string relation = range.relname ? range.relname : "";
  const std::string schema = range.schemaname ? range.schemaname : "";
  const bool aliased = range.alias && range.alias->aliasname && *range.alias->aliasname;
  Source source{aliased ? range.alias->aliasname : relation, schema, false, true, Owns::no, false};
  if (schema.empty()) {
    if (const Owns* query = scope.with_query(relation)) {
      source.owns = renamed(*query, range.alias, target.name);
      return source;
    }
  }
  source.target = any_of_name(target.relations, schema, relation);
  if (source.target && schema.empty())
    source.certain = std::none_of(target.all_relations.begin(), target.all_relations.end(), [&](const TableName& one) {
      return one.name == relation && !target.relations.contains(one);
    });
  if (!source.target) source.owns = renamed(owner_by_catalog(schema, relation, target), range.alias, target.name);
  return source;
}

Owns renamed(Owns owns, const PgQuery__Alias* alias, std::string_view column) {
  if (!alias || alias->n_colnames == 0) return owns;
  if (has_column(*alias, column)) return Owns::yes;
  return owns == Owns::no ? Owns::no : Owns::maybe;
}

std::string output_name(const PgQuery__Node* entry) {
  if (!entry || entry->node_case != PG_QUERY__NODE__NODE_RES_TARGET) return {};
  const PgQuery__ResTarget& target = *entry->res_target;
  if (target.name && *target.name) return target.name;
  const PgQuery__Node* value = target.val;
  while (value && value->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) value = value->type_cast->arg;
  if (!value) return {};
  if (value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && value->column_ref->n_fields > 0) {
    const PgQuery__Node* last = value->column_ref->fields[value->column_ref->n_fields - 1];
    return last->node_case == PG_QUERY__NODE__NODE_A_STAR ? "*" : std::string(string_of(last));
  }
  if (value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && value->func_call->n_funcname > 0)
    return std::string(string_of(value->func_call->funcname[value->func_call->n_funcname - 1]));
  if (value->node_case == PG_QUERY__NODE__NODE_A_INDIRECTION && value->a_indirection->n_indirection > 0) {
    const PgQuery__Node* last = value->a_indirection->indirection[value->a_indirection->n_indirection - 1];
    return last->node_case == PG_QUERY__NODE__NODE_A_STAR ? "*" : std::string(string_of(last));
  }
  return {};
}

Owns output_owns(const PgQuery__Node* query, std::string_view column) {
  const PgQuery__Node* const* list = nullptr;
  std::size_t count = 0;
  if (!query) return Owns::maybe;
  switch (query->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT: {
      const PgQuery__SelectStmt* select = query->select_stmt;
      while (select->larg) select = select->larg;  // a set operation takes its names from its first branch
      list = select->target_list;
      count = select->n_target_list;
      break;
    }
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      list = query->insert_stmt->returning_list;
      count = query->insert_stmt->n_returning_list;
      break;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      list = query->update_stmt->returning_list;
      count = query->update_stmt->n_returning_list;
      break;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      list = query->delete_stmt->returning_list;
      count = query->delete_stmt->n_returning_list;
      break;
    default:
      return Owns::maybe;
  }
  Owns owns = Owns::no;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string entry = output_name(list[i]);
    if (entry == column) return Owns::yes;
    if (entry == "*") owns = Owns::maybe;
  }
  return owns;
}

}  // namespace switchback::postgres
