#include "switchback/postgres/statement_judge.hpp"

#include <pthread.h>

#include <functional>

#include "statement_names.hpp"
#include "switchback/core/sql.hpp"

namespace switchback::postgres {
namespace {

constexpr std::size_t longest_text = 200'000;
constexpr std::size_t longest_on_own_stack = 2'000;

#define SWITCHBACK_IS(message, kind) ((message)->descriptor == &pg_query__##kind##__descriptor)

/// Walks one text. The first certain use ends nothing: the walk is cheap, and keeps one reason of each kind.
class Walk {
 public:
  explicit Walk(const JudgeTarget& target)
      : target_(target), column_(target.kind == Structure::Kind::column), names_(target) {}

  StatementJudgement judge(const PgQuery__ParseResult& tree, std::string_view text) {
    for (std::size_t i = 0; i < tree.n_stmts; ++i) {
      const PgQuery__Node* statement = tree.stmts[i]->stmt;
      if (!statement) continue;
      const Scope outermost;
      node(base_of(statement), outermost);
      if (!understood(*statement)) not_understood_ = true;
    }
    if (!names_.uses().empty()) return {StatementUse::uses, names_.uses()};
    if (!names_.ambiguous().empty()) return {StatementUse::ambiguous, names_.ambiguous()};
    if (not_understood_ && mentions(text, target_.name) && !own_ddl(text))
      return {StatementUse::ambiguous,
              "a kind of statement that is not read more closely, and it has the name " + target_.name};
    return {StatementUse::does_not, ""};
  }

 private:
  /// Of several statements sent as one, only the first bears the mark. DDL of others does not name these.
  static bool own_ddl(std::string_view text) {
    return text.find("~switchback_") != std::string_view::npos ||
           text.find("\"_switchback_") != std::string_view::npos ||
           text.find("\"switchback\".") != std::string_view::npos;
  }

  static bool understood(const PgQuery__Node& statement) {
    switch (statement.node_case) {
      case PG_QUERY__NODE__NODE_SELECT_STMT:
      case PG_QUERY__NODE__NODE_INSERT_STMT:
      case PG_QUERY__NODE__NODE_UPDATE_STMT:
      case PG_QUERY__NODE__NODE_DELETE_STMT:
      case PG_QUERY__NODE__NODE_MERGE_STMT:
      case PG_QUERY__NODE__NODE_COPY_STMT:
        return true;
      case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
        return statement.explain_stmt->query && understood(*statement.explain_stmt->query);
      case PG_QUERY__NODE__NODE_PREPARE_STMT:
        return statement.prepare_stmt->query && understood(*statement.prepare_stmt->query);
      case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
        return statement.declare_cursor_stmt->query && understood(*statement.declare_cursor_stmt->query);
      case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
        return statement.create_table_as_stmt->query && understood(*statement.create_table_as_stmt->query);
      default:
        return false;
    }
  }

  // --- the tree, kind by kind --------------------------------------------------------------------------------

  void node(const ProtobufCMessage* message, const Scope& scope) {
    if (SWITCHBACK_IS(message, select_stmt)) return select(as<PgQuery__SelectStmt>(message), scope, true);
    if (SWITCHBACK_IS(message, insert_stmt)) return insert(as<PgQuery__InsertStmt>(message), scope);
    if (SWITCHBACK_IS(message, update_stmt)) return update(as<PgQuery__UpdateStmt>(message), scope);
    if (SWITCHBACK_IS(message, delete_stmt)) return remove(as<PgQuery__DeleteStmt>(message), scope);
    if (SWITCHBACK_IS(message, merge_stmt)) return merge(as<PgQuery__MergeStmt>(message), scope);
    if (SWITCHBACK_IS(message, copy_stmt)) return copy(as<PgQuery__CopyStmt>(message), scope);
    if (SWITCHBACK_IS(message, column_ref)) return names_.reference(as<PgQuery__ColumnRef>(message), scope);
    if (SWITCHBACK_IS(message, range_var)) return elsewhere(as<PgQuery__RangeVar>(message), scope);
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

  void children(const ProtobufCMessage* message, const Scope& scope) {
    for_each_child(message, [&](const ProtobufCMessage* child) { node(child, scope); });
  }
  void list(PgQuery__Node* const* nodes, std::size_t count, const Scope& scope) {
    for (std::size_t i = 0; i < count; ++i)
      if (nodes[i]) node(base_of(nodes[i]), scope);
  }
  void one(const PgQuery__Node* child, const Scope& scope) {
    if (child) node(base_of(child), scope);
  }

  void with(const PgQuery__WithClause* clause, Scope& scope) {
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

  void select(const PgQuery__SelectStmt& statement, const Scope& outer, bool stars_count) {
    Scope scope{&outer, {}, {}};
    with(statement.with_clause, scope);
    from(statement.from_clause, statement.n_from_clause, scope);
    std::set<std::string> outputs;
    for (std::size_t i = 0; i < statement.n_target_list; ++i) {
      outputs.insert(output_name(statement.target_list[i]));
      if (stars_count || output_name(statement.target_list[i]) != "*") one(statement.target_list[i], scope);
    }
    for (std::size_t i = 0; i < statement.n_sort_clause; ++i) order_by(*statement.sort_clause[i], outputs, scope);
    list(statement.distinct_clause, statement.n_distinct_clause, scope);
    one(statement.where_clause, scope);
    list(statement.group_clause, statement.n_group_clause, scope);
    one(statement.having_clause, scope);
    list(statement.window_clause, statement.n_window_clause, scope);
    list(statement.values_lists, statement.n_values_lists, scope);
    one(statement.limit_offset, scope);
    one(statement.limit_count, scope);
    if (statement.larg) select(*statement.larg, scope, stars_count);
    if (statement.rarg) select(*statement.rarg, scope, stars_count);
  }

  /// A bare name in ORDER BY is an output column first (SQL-92, as the server has it).
  void order_by(const PgQuery__Node& entry, const std::set<std::string>& outputs, const Scope& scope) {
    if (entry.node_case == PG_QUERY__NODE__NODE_SORT_BY && entry.sort_by->node &&
        entry.sort_by->node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
      const PgQuery__ColumnRef& column = *entry.sort_by->node->column_ref;
      if (column.n_fields == 1 && outputs.contains(std::string(string_of(column.fields[0])))) return;
    }
    node(base_of(&entry), scope);
  }

  void from(PgQuery__Node* const* items, std::size_t count, Scope& scope) {
    for (std::size_t i = 0; i < count; ++i)
      if (items[i]) item(*items[i], scope);
    for (std::size_t i = 0; i < count; ++i)
      if (items[i]) inside_item(*items[i], scope);
  }

  void range(const PgQuery__RangeVar& variable, Scope& scope) {
    Source source = source_of(variable, scope, target_);
    if (source.target && column_ && variable.alias && variable.alias->n_colnames > 0)
      use("a list of column aliases on " + std::string(variable.relname), source.certain);
    names_.through_view(variable, source, scope);
    names_.relation(variable, source);
    scope.sources.push_back(std::move(source));
  }

  void item(const PgQuery__Node& entry, Scope& scope) {
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
      default:
        scope.sources.push_back({"", "", false, true, Owns::maybe, false});
    }
  }

  void function(const PgQuery__RangeFunction& entry, Scope& scope) {
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

  void join(const PgQuery__JoinExpr& entry, Scope& scope) {
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
  void inside_item(const PgQuery__Node& entry, const Scope& scope) {
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

  /// The table that a statement writes, as the first source of a new scope.
  bool written(const PgQuery__RangeVar* relation, Scope& scope) {
    if (!relation) return false;
    range(*relation, scope);
    return scope.sources.back().target;
  }

  /// Columns assigned by SET, or listed by INSERT.
  void assigned(PgQuery__Node* const* entries, std::size_t count, bool to_target, const Scope& scope, const char* how) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!entries[i] || entries[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) continue;
      const PgQuery__ResTarget& entry = *entries[i]->res_target;
      if (to_target && column_ && entry.name && entry.name == target_.name)
        use(how + (" " + target_.name), scope.sources.front().certain);
      list(entry.indirection, entry.n_indirection, scope);
      one(entry.val, scope);
    }
  }

  void insert(const PgQuery__InsertStmt& statement, const Scope& outer) {
    Scope queries{&outer, {}, {}};
    with(statement.with_clause, queries);
    Scope scope{&queries, {}, {}};
    const bool ours = written(statement.relation, scope);
    if (ours && column_ && statement.n_cols == 0 && statement.select_stmt)
      use("INSERT without a column list", scope.sources.front().certain);
    assigned(statement.cols, statement.n_cols, ours, scope, "INSERT of");
    one(statement.select_stmt, queries);
    list(statement.returning_list, statement.n_returning_list, scope);
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

  void inferred(const PgQuery__InferClause& infer, bool ours, const Scope& scope) {
    for (std::size_t i = 0; ours && column_ && i < infer.n_index_elems; ++i)
      if (infer.index_elems[i]->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM &&
          infer.index_elems[i]->index_elem->name && infer.index_elems[i]->index_elem->name == target_.name)
        use("ON CONFLICT (" + target_.name + ")", scope.sources.front().certain);
    children(base_of(&infer), scope);
  }

  /// Indexes and constraints: what ON CONFLICT rests on.
  void arbiter(const PgQuery__OnConflictClause& conflict, bool certain) {
    if (column_) return;
    const PgQuery__InferClause* infer = conflict.infer;
    if (infer && infer->conname && *infer->conname) {
      if (infer->conname == target_.name) use("ON CONFLICT ON CONSTRAINT " + target_.name, certain);
      return;
    }
    if (target_.unique_key.empty()) return;
    if (!infer) return use("ON CONFLICT DO NOTHING relies on every unique index", false);
    std::set<std::string> inferred;
    for (std::size_t i = 0; i < infer->n_index_elems; ++i)
      if (infer->index_elems[i]->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM)
        inferred.insert(infer->index_elems[i]->index_elem->name ? infer->index_elems[i]->index_elem->name : "");
    const std::set<std::string> key(target_.unique_key.begin(), target_.unique_key.end());
    if (inferred == key) use("ON CONFLICT infers " + target_.name, certain && !key.contains(""));
  }

  void update(const PgQuery__UpdateStmt& statement, const Scope& outer) {
    Scope scope{&outer, {}, {}};
    with(statement.with_clause, scope);
    const bool ours = written(statement.relation, scope);
    from(statement.from_clause, statement.n_from_clause, scope);
    assigned(statement.target_list, statement.n_target_list, ours, scope, "UPDATE … SET");
    one(statement.where_clause, scope);
    list(statement.returning_list, statement.n_returning_list, scope);
  }

  void remove(const PgQuery__DeleteStmt& statement, const Scope& outer) {
    Scope scope{&outer, {}, {}};
    with(statement.with_clause, scope);
    written(statement.relation, scope);
    from(statement.using_clause, statement.n_using_clause, scope);
    one(statement.where_clause, scope);
    list(statement.returning_list, statement.n_returning_list, scope);
  }

  void merge(const PgQuery__MergeStmt& statement, const Scope& outer) {
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
        use("MERGE … INSERT without a column list", scope.sources.front().certain);
      assigned(when.target_list, when.n_target_list, ours, scope, "MERGE sets");
      one(when.condition, scope);
      list(when.values, when.n_values, scope);
    }
  }

  void copy(const PgQuery__CopyStmt& statement, const Scope& outer) {
    Scope scope{&outer, {}, {}};
    one(statement.query, scope);
    if (!written(statement.relation, scope)) return;
    const bool certain = scope.sources.front().certain;
    if (column_ && statement.n_attlist == 0) use("COPY without a column list", certain);
    for (std::size_t i = 0; column_ && i < statement.n_attlist; ++i)
      if (string_of(statement.attlist[i]) == target_.name) use("COPY of " + target_.name, certain);
    one(statement.where_clause, scope);
  }

  /// A table named where no query reads it: VACUUM, LOCK, GRANT, DDL.
  void elsewhere(const PgQuery__RangeVar& variable, const Scope& scope) {
    const Source source = source_of(variable, scope, target_);
    names_.through_view(variable, source, scope);
    names_.relation(variable, source);
  }

  void use(const std::string& why, bool certain = true) { names_.use(why, certain); }

  template <class Message>
  static const Message& as(const ProtobufCMessage* message) {
    return *reinterpret_cast<const Message*>(message);
  }

  const JudgeTarget& target_;
  const bool column_;
  Names names_;
  bool not_understood_ = false;
};

#undef SWITCHBACK_IS

StatementJudgement parsed_judgement(const std::string& text, const JudgeTarget& target) {
  const ParseTree tree(text);
  if (!tree.root()) return {StatementUse::unparsed, tree.error()};
  return Walk(target).judge(*tree.root(), text);
}

/// Expressions nest as deep as a text is long, and both the parser and the walk recurse: about 2 kB of stack for each
/// level, of at least two characters (measured with libpg_query 15-4.0.0: 1.8 kB for the parser).
StatementJudgement with_large_stack(const std::string& text, const JudgeTarget& target) {
  struct Work {
    const std::string& text;
    const JudgeTarget& target;
    StatementJudgement result{StatementUse::unparsed, "no memory for a text of this size"};
  } work{text, target};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, (std::size_t{16} << 20) + 4096 * text.size());
  pthread_t thread{};
  const int failed = pthread_create(
      &thread, &attributes,
      [](void* argument) -> void* {
        auto* mine = static_cast<Work*>(argument);
        try {
          mine->result = parsed_judgement(mine->text, mine->target);
        } catch (const std::exception& error) {
          mine->result = {StatementUse::unparsed, error.what()};
        }
        return nullptr;
      },
      &work);
  pthread_attr_destroy(&attributes);
  if (failed == 0) pthread_join(thread, nullptr);
  return work.result;
}

}  // namespace

StatementJudgement judge_statement(std::string_view text, const JudgeTarget& target) {
  if (text.find(own_mark) != std::string_view::npos) return {StatementUse::does_not, "switchback's own"};
  if (!mentions_any(text, target.watched())) return {StatementUse::does_not, ""};
  if (text.size() > longest_text) return {StatementUse::unparsed, "the text is longer than 200 kB"};
  const std::string copy(text);
  return text.size() > longest_on_own_stack ? with_large_stack(copy, target) : parsed_judgement(copy, target);
}

}  // namespace switchback::postgres
