#include "function_body.hpp"
#include "statement_walk.hpp"

namespace switchback::postgres {
namespace {

std::string_view text_of(const char* text) {
  return text ? std::string_view(text) : std::string_view{};
}

/// Kinds of ALTER TABLE whose name is not a column's.
bool names_no_column(PgQuery__AlterTableType kind) {
  switch (kind) {
    case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterConstraint:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_DropConstraint:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_ClusterOn:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableTrig:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableAlwaysTrig:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableReplicaTrig:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrig:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableRule:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableAlwaysRule:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableReplicaRule:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_DisableRule:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_SetTableSpace:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_SetAccessMethod:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool Walk::definition(const PgQuery__Node& statement, const Scope& outer) {
  switch (statement.node_case) {
    case PG_QUERY__NODE__NODE_DO_STMT:
      return body(statement.do_stmt->args, statement.do_stmt->n_args, "plpgsql");
    case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT: {
      const PgQuery__CreateFunctionStmt& made = *statement.create_function_stmt;
      children(base_of(&made), outer);
      return made.sql_body || body(made.options, made.n_options, "sql");
    }
    case PG_QUERY__NODE__NODE_CALL_STMT:
      children(base_of(&statement), outer);
      return true;
    default:
      if (!column_) return false;  // indexes and constraints are named in these in many ways
  }
  switch (statement.node_case) {
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
    case PG_QUERY__NODE__NODE_FETCH_STMT:
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
    case PG_QUERY__NODE__NODE_LISTEN_STMT:
    case PG_QUERY__NODE__NODE_NOTIFY_STMT:
    case PG_QUERY__NODE__NODE_UNLISTEN_STMT:
    case PG_QUERY__NODE__NODE_CREATE_ROLE_STMT:
    case PG_QUERY__NODE__NODE_GRANT_ROLE_STMT:
    case PG_QUERY__NODE__NODE_DROP_STMT:
    case PG_QUERY__NODE__NODE_LOCK_STMT:
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
    case PG_QUERY__NODE__NODE_REINDEX_STMT:
    case PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT:
    case PG_QUERY__NODE__NODE_EXECUTE_STMT:
      children(base_of(&statement), outer);
      return true;
    case PG_QUERY__NODE__NODE_COMMENT_STMT:
      comment(*statement.comment_stmt);
      return true;
    case PG_QUERY__NODE__NODE_GRANT_STMT:
      grant(*statement.grant_stmt);
      return true;
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
      analyze(*statement.vacuum_stmt);
      return true;
    case PG_QUERY__NODE__NODE_INDEX_STMT:
      index(*statement.index_stmt, outer);
      return true;
    case PG_QUERY__NODE__NODE_CREATE_STATS_STMT:
      statistics(*statement.create_stats_stmt, outer);
      return true;
    case PG_QUERY__NODE__NODE_CREATE_TRIG_STMT:
      trigger(*statement.create_trig_stmt, outer);
      return true;
    case PG_QUERY__NODE__NODE_RULE_STMT:
      rule(*statement.rule_stmt, outer);
      return true;
    case PG_QUERY__NODE__NODE_CREATE_POLICY_STMT: {
      const PgQuery__CreatePolicyStmt& made = *statement.create_policy_stmt;
      policy(made.table, made.qual, made.with_check, outer);
      return true;
    }
    case PG_QUERY__NODE__NODE_ALTER_POLICY_STMT: {
      const PgQuery__AlterPolicyStmt& made = *statement.alter_policy_stmt;
      policy(made.table, made.qual, made.with_check, outer);
      return true;
    }
    case PG_QUERY__NODE__NODE_CREATE_STMT:
      create_table(*statement.create_stmt, outer);
      return true;
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
      alter_table(*statement.alter_table_stmt, outer);
      return true;
    case PG_QUERY__NODE__NODE_CREATE_PUBLICATION_STMT: {
      const PgQuery__CreatePublicationStmt& made = *statement.create_publication_stmt;
      publication(made.pubobjects, made.n_pubobjects, outer);
      return true;
    }
    default:
      return false;
  }
}

/// `table` becomes the source of the expressions in a definition on it. True: it is the table.
bool Walk::on_table(const PgQuery__RangeVar* table, Scope& scope) {
  if (!table) return false;
  scope.sources.push_back(source_of(*table, scope, target_));
  return scope.sources.back().target;
}

void Walk::named(const char* name, bool ours, const std::string& how) {
  if (ours && text_of(name) == target_.name) use(how + " " + target_.name, false);
}
void Walk::named(PgQuery__Node* const* names, std::size_t count, bool ours, const std::string& how) {
  for (std::size_t i = 0; i < count; ++i)
    if (ours && string_of(names[i]) == target_.name) use(how + " " + target_.name, false);
}

/// New and old, as rules and triggers on `table` know them.
void Walk::rows_of(const PgQuery__RangeVar& table, Scope& scope) const {
  for (const char* alias : {"old", "new"}) {
    Source row = source_of(table, scope, target_);
    row.alias = alias;
    row.hidden = true;
    scope.sources.push_back(std::move(row));
  }
}

void Walk::grant(const PgQuery__GrantStmt& statement) {
  for (std::size_t i = 0; i < statement.n_objects; ++i) {
    if (statement.objects[i]->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) continue;
    Scope scope;
    const bool ours = on_table(statement.objects[i]->range_var, scope);
    for (std::size_t k = 0; k < statement.n_privileges; ++k)
      if (statement.privileges[k]->node_case == PG_QUERY__NODE__NODE_ACCESS_PRIV)
        named(statement.privileges[k]->access_priv->cols, statement.privileges[k]->access_priv->n_cols, ours,
              "a privilege on");
  }
}

/// COMMENT ON COLUMN schema.table.column; comments on anything else say nothing to the server.
void Walk::comment(const PgQuery__CommentStmt& statement) {
  if (statement.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN || !statement.object ||
      statement.object->node_case != PG_QUERY__NODE__NODE_LIST)
    return;
  const PgQuery__List& path = *statement.object->list;
  if (path.n_items < 2 || string_of(path.items[path.n_items - 1]) != target_.name) return;
  const std::string_view schema = path.n_items > 2 ? string_of(path.items[path.n_items - 3]) : std::string_view{};
  if (any_of_name(target_.relations, schema, string_of(path.items[path.n_items - 2])))
    use("a comment on " + target_.name, false);
}

void Walk::analyze(const PgQuery__VacuumStmt& statement) {
  for (std::size_t i = 0; i < statement.n_rels; ++i) {
    if (statement.rels[i]->node_case != PG_QUERY__NODE__NODE_VACUUM_RELATION) continue;
    const PgQuery__VacuumRelation& one = *statement.rels[i]->vacuum_relation;
    Scope scope;
    named(one.va_cols, one.n_va_cols, on_table(one.relation, scope), "ANALYZE of");
  }
}

void Walk::index_columns(PgQuery__Node* const* entries, std::size_t count, bool ours, const Scope& scope) {
  for (std::size_t i = 0; i < count; ++i) {
    if (entries[i]->node_case != PG_QUERY__NODE__NODE_INDEX_ELEM) continue;
    named(entries[i]->index_elem->name, ours, "an index on");
    children(base_of(entries[i]->index_elem), scope);
  }
}

void Walk::index(const PgQuery__IndexStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  const bool ours = on_table(statement.relation, scope);
  index_columns(statement.index_params, statement.n_index_params, ours, scope);
  index_columns(statement.index_including_params, statement.n_index_including_params, ours, scope);
  one(statement.where_clause, scope);
}

void Walk::statistics(const PgQuery__CreateStatsStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  bool ours = false;
  for (std::size_t i = 0; i < statement.n_relations; ++i)
    if (statement.relations[i]->node_case == PG_QUERY__NODE__NODE_RANGE_VAR)
      ours |= on_table(statement.relations[i]->range_var, scope);
  for (std::size_t i = 0; i < statement.n_exprs; ++i) {
    if (statement.exprs[i]->node_case != PG_QUERY__NODE__NODE_STATS_ELEM) continue;
    named(statement.exprs[i]->stats_elem->name, ours, "statistics on");
    one(statement.exprs[i]->stats_elem->expr, scope);
  }
}

void Walk::trigger(const PgQuery__CreateTrigStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  const bool ours = on_table(statement.relation, scope);
  named(statement.columns, statement.n_columns, ours, "a trigger of");
  // Among others, too: audit('{age,full_name}').
  for (std::size_t i = 0; ours && column_ && i < statement.n_args; ++i)
    if (mentions(string_of(statement.args[i]), target_.name))
      use("a trigger that is given the name " + target_.name, false);
  if (statement.relation) rows_of(*statement.relation, scope);
  one(statement.when_clause, scope);
}

void Walk::rule(const PgQuery__RuleStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  if (statement.relation) rows_of(*statement.relation, scope);
  one(statement.where_clause, scope);
  list(statement.actions, statement.n_actions, scope);
}

void Walk::policy(const PgQuery__RangeVar* table, const PgQuery__Node* qual, const PgQuery__Node* check,
                  const Scope& outer) {
  Scope scope{&outer, {}, {}};
  on_table(table, scope);
  one(qual, scope);
  one(check, scope);
}

void Walk::constraint(const PgQuery__Constraint& constraint, bool ours, const Scope& scope) {
  if (column_) {
    named(constraint.keys, constraint.n_keys, ours, "a constraint on");
    named(constraint.including, constraint.n_including, ours, "a constraint on");
    named(constraint.fk_attrs, constraint.n_fk_attrs, ours, "a constraint on");
    if (constraint.pktable) {
      Scope other;
      named(constraint.pk_attrs, constraint.n_pk_attrs, on_table(constraint.pktable, other), "a foreign key to");
    }
  }
  if (ours)
    for (std::size_t i = 0; i < constraint.n_exclusions; ++i)
      if (constraint.exclusions[i]->node_case == PG_QUERY__NODE__NODE_LIST)
        index_columns(constraint.exclusions[i]->list->items, constraint.exclusions[i]->list->n_items, ours, scope);
  one(constraint.raw_expr, scope);
  one(constraint.where_clause, scope);
}

/// Columns of a new table are its own, but for those it shares with a parent.
void Walk::create_table(const PgQuery__CreateStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  bool ours = false;
  for (std::size_t i = 0; i < statement.n_inh_relations; ++i)
    if (statement.inh_relations[i]->node_case == PG_QUERY__NODE__NODE_RANGE_VAR)
      ours |= on_table(statement.inh_relations[i]->range_var, scope);
  // It may be gone again before anybody has seen its name, and what read it is not known to read the table.
  if (ours && !statement.partbound) use("a table that inherits", false);
  for (std::size_t i = 0; i < statement.n_table_elts; ++i) {
    const PgQuery__Node& entry = *statement.table_elts[i];
    if (entry.node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
      constraint(*entry.constraint, ours, scope);
      continue;
    }
    if (entry.node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) named(entry.column_def->colname, ours, "an inherited");
    node(base_of(&entry), scope);
  }
  for (std::size_t i = 0; i < statement.n_constraints; ++i)
    if (statement.constraints[i]->node_case == PG_QUERY__NODE__NODE_CONSTRAINT)
      constraint(*statement.constraints[i]->constraint, ours, scope);
  if (statement.of_typename) node(base_of(statement.of_typename), scope);
  if (!statement.partspec) return;
  for (std::size_t i = 0; i < statement.partspec->n_part_params; ++i)
    if (statement.partspec->part_params[i]->node_case == PG_QUERY__NODE__NODE_PARTITION_ELEM)
      named(statement.partspec->part_params[i]->partition_elem->name, ours, "partitions by");
  children(base_of(statement.partspec), scope);
}

void Walk::alter_table(const PgQuery__AlterTableStmt& statement, const Scope& outer) {
  Scope scope{&outer, {}, {}};
  const bool ours = on_table(statement.relation, scope);
  for (std::size_t i = 0; i < statement.n_cmds; ++i) {
    if (statement.cmds[i]->node_case != PG_QUERY__NODE__NODE_ALTER_TABLE_CMD) continue;
    const PgQuery__AlterTableCmd& command = *statement.cmds[i]->alter_table_cmd;
    if (!names_no_column(command.subtype)) named(command.name, ours, "ALTER TABLE of");
    if (!command.def) continue;
    if (command.def->node_case == PG_QUERY__NODE__NODE_CONSTRAINT)
      constraint(*command.def->constraint, ours, scope);
    else
      node(base_of(command.def), scope);
  }
}

void Walk::publication(PgQuery__Node* const* objects, std::size_t count, const Scope& outer) {
  for (std::size_t i = 0; i < count; ++i) {
    if (objects[i]->node_case != PG_QUERY__NODE__NODE_PUBLICATION_OBJ_SPEC) continue;
    const PgQuery__PublicationTable* table = objects[i]->publication_obj_spec->pubtable;
    if (!table) continue;
    Scope scope{&outer, {}, {}};
    named(table->columns, table->n_columns, on_table(table->relation, scope), "a publication of");
    one(table->where_clause, scope);
  }
}

/// The text in AS '…' of a function or a block. False: in a language that is not read.
bool Walk::body(PgQuery__Node* const* options, std::size_t count, const char* language) {
  std::string spoken = language;
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    if (options[i]->node_case != PG_QUERY__NODE__NODE_DEF_ELEM || !options[i]->def_elem->arg) continue;
    const PgQuery__DefElem& option = *options[i]->def_elem;
    const PgQuery__Node* value = option.arg;
    if (value->node_case == PG_QUERY__NODE__NODE_LIST && value->list->n_items > 0) value = value->list->items[0];
    if (text_of(option.defname) == "as") text = string_of(value);
    if (text_of(option.defname) == "language") spoken = string_of(value);
  }
  if (spoken != "sql" && spoken != "plpgsql") return false;
  const StatementJudgement judged = judge_body(spoken, text, target_, {});
  if (judged.use == StatementUse::uses) use(judged.why);
  if (judged.use == StatementUse::ambiguous || judged.use == StatementUse::unparsed) use(judged.why, false);
  return true;
}

}  // namespace switchback::postgres
