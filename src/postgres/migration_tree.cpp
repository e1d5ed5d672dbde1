#include "migration_tree.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "parse_tree.hpp"

namespace switchback::postgres::migration {
namespace {

Node node_of(PgQuery__Node__NodeCase kind) {
  Node node = PG_QUERY__NODE__INIT;
  node.node_case = kind;
  return node;
}

/// What stands between two texts; all of it where they are not there.
std::string between(const std::string& text, std::string_view before, std::string_view after) {
  if (!text.starts_with(before) || !text.ends_with(after)) return text;
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

/// `CREATE TABLE t (element)` as text, without what is around the element.
std::string table_element_text(Node* element) {
  PgQuery__RangeVar table = PG_QUERY__RANGE_VAR__INIT;
  std::string name = "t";
  std::string permanent = "p";
  table.relname = name.data();
  table.relpersistence = permanent.data();
  table.inh = 1;
  PgQuery__CreateStmt create = PG_QUERY__CREATE_STMT__INIT;
  create.relation = &table;
  create.table_elts = &element;
  create.n_table_elts = 1;
  create.oncommit = PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_NOOP;
  Node node = node_of(PG_QUERY__NODE__NODE_CREATE_STMT);
  node.create_stmt = &create;
  return between(deparsed(node), "CREATE TABLE t (", ")");
}

void each_below(const ProtobufCMessage* message, const std::function<void(const ProtobufCMessage*)>& visit) {
  std::vector<const ProtobufCMessage*> ahead{message};
  while (!ahead.empty()) {
    const ProtobufCMessage* one = ahead.back();
    ahead.pop_back();
    visit(one);
    for_each_child(one, [&](const ProtobufCMessage* child) { ahead.push_back(child); });
  }
}

std::string type_list(Node* const* types, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const Node& one = *types[i];
    PgQuery__TypeName* type = one.node_case == PG_QUERY__NODE__NODE_TYPE_NAME ? one.type_name : nullptr;
    if (one.node_case == PG_QUERY__NODE__NODE_FUNCTION_PARAMETER) {
      const auto mode = one.function_parameter->mode;
      if (mode == PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_OUT ||
          mode == PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_TABLE)
        continue;
      type = one.function_parameter->arg_type;
    }
    if (type != nullptr) text += (text.empty() ? "" : ", ") + type_text(*type);
  }
  return text;
}

std::string dotted(Node* const* names, std::size_t count) {
  std::string text;
  for (const std::string& one : strings(names, count)) text += (text.empty() ? "" : ".") + shown(std::string_view(one));
  return text;
}

std::string relation_text(const PgQuery__RangeVar& relation) {
  return shown(table_name(relation, "public"));
}

ddl::Other made(std::string what, std::string undo) {
  ddl::Other other;
  other.what = std::move(what);
  other.undo = std::move(undo);
  return other;
}

/// GRANT and REVOKE take one another back.
ddl::Other grant(Node& statement) {
  ddl::Other other;
  const bool roles = statement.node_case == PG_QUERY__NODE__NODE_GRANT_ROLE_STMT;
  protobuf_c_boolean& gives = roles ? statement.grant_role_stmt->is_grant : statement.grant_stmt->is_grant;
  other.what = gives != 0 ? "GRANT" : "REVOKE";
  const protobuf_c_boolean before = gives;
  protobuf_c_boolean none = 0;
  protobuf_c_boolean& option = roles ? none : statement.grant_stmt->grant_option;
  const protobuf_c_boolean option_before = option;
  gives = gives != 0 ? 0 : 1;
  option = 0;
  other.undo = deparsed(statement);
  gives = before;
  option = option_before;
  return other;
}

ddl::Other function(const PgQuery__CreateFunctionStmt& create) {
  const std::string words = create.is_procedure != 0 ? "PROCEDURE" : "FUNCTION";
  ddl::Other other;
  other.what = (create.replace != 0 ? "CREATE OR REPLACE " : "CREATE ") + words;
  if (create.replace == 0)
    other.undo = "DROP " + words + " " + dotted(create.funcname, create.n_funcname) + "(" +
                 type_list(create.parameters, create.n_parameters) + ")";
  return other;
}

/// Renames are taken back by renames; the parts of the statement change places.
ddl::Other rename(Node& statement) {
  PgQuery__RenameStmt& one = *statement.rename_stmt;
  ddl::Other other;
  other.what = "RENAME";
  if (!std::string_view(one.subname).empty()) {
    std::swap(one.subname, one.newname);
    other.undo = deparsed(statement);
    std::swap(one.subname, one.newname);
  } else if (one.relation != nullptr) {
    std::swap(one.relation->relname, one.newname);
    other.undo = deparsed(statement);
    std::swap(one.relation->relname, one.newname);
  }
  return other;
}

}  // namespace

std::string deparsed(const Node& statement) {
  PgQuery__RawStmt raw = PG_QUERY__RAW_STMT__INIT;
  raw.stmt = const_cast<Node*>(&statement);
  PgQuery__RawStmt* list = &raw;
  PgQuery__ParseResult tree = PG_QUERY__PARSE_RESULT__INIT;
  tree.version = PG_VERSION_NUM;
  tree.stmts = &list;
  tree.n_stmts = 1;
  return deparse(tree).text;
}

std::string expression_text(Node* expression) {
  PgQuery__ResTarget target = PG_QUERY__RES_TARGET__INIT;
  target.val = expression;
  Node in_list = node_of(PG_QUERY__NODE__NODE_RES_TARGET);
  in_list.res_target = &target;
  Node* list = &in_list;
  PgQuery__SelectStmt select = PG_QUERY__SELECT_STMT__INIT;
  select.target_list = &list;
  select.n_target_list = 1;
  select.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
  select.op = PG_QUERY__SET_OPERATION__SETOP_NONE;
  Node node = node_of(PG_QUERY__NODE__NODE_SELECT_STMT);
  node.select_stmt = &select;
  return between(deparsed(node), "SELECT ", "");
}

std::string type_text(PgQuery__TypeName& type) {
  PgQuery__ColumnDef column = PG_QUERY__COLUMN_DEF__INIT;
  std::string name = "c";
  column.colname = name.data();
  column.type_name = &type;
  column.is_local = 1;
  return column_text(column).second;
}

std::string collation_text(const PgQuery__CollateClause& collation) {
  return " COLLATE " + dotted(collation.collname, collation.n_collname);
}

std::pair<std::string, std::string> column_text(PgQuery__ColumnDef& column) {
  char* const name = column.colname;
  std::string stand_in = "c";
  column.colname = stand_in.data();
  Node node = node_of(PG_QUERY__NODE__NODE_COLUMN_DEF);
  node.column_def = &column;
  const std::string text = table_element_text(&node);
  column.colname = name;
  return {name, between(text, "c ", "")};
}

std::string constraint_text(Node& constraint) {
  return table_element_text(&constraint);
}

RowExpression row_expression(Node* expression, std::string_view alias) {
  RowExpression row;
  each_below(base_of(expression), [&](const ProtobufCMessage* message) {
    if (!SWITCHBACK_IS(message, column_ref)) return;
    auto& reference = const_cast<PgQuery__ColumnRef&>(as<PgQuery__ColumnRef>(message));
    while (reference.n_fields > 1 && (string_of(reference.fields[0]) == alias || reference.n_fields > 2)) {
      ++reference.fields;
      --reference.n_fields;
    }
    if (reference.n_fields == 1 && reference.fields[0]->node_case == PG_QUERY__NODE__NODE_STRING)
      row.columns.emplace(string_of(reference.fields[0]));
  });
  row.sql = expression_text(expression);
  row.bare = expression->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
  row.is_null_test = expression->node_case == PG_QUERY__NODE__NODE_NULL_TEST &&
                     expression->null_test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL &&
                     expression->null_test->arg->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
  return row;
}

bool is_column(const Node& node, std::string_view name) {
  if (node.node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return false;
  const PgQuery__ColumnRef& reference = *node.column_ref;
  return reference.n_fields > 0 && string_of(reference.fields[reference.n_fields - 1]) == name;
}

bool has_subquery(const Node& node) {
  bool found = false;
  each_below(base_of(&node),
             [&](const ProtobufCMessage* message) { found = found || SWITCHBACK_IS(message, sub_link); });
  return found;
}

std::vector<std::string> strings(Node* const* list, std::size_t count) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i) result.emplace_back(string_of(list[i]));
  return result;
}

TableName table_name(const PgQuery__RangeVar& relation, const std::string& schema) {
  return {std::string_view(relation.schemaname).empty() ? schema : relation.schemaname, relation.relname};
}

TableName table_name(Node* const* names, std::size_t count, const std::string& schema) {
  const std::vector<std::string> parts = strings(names, count);
  if (parts.empty()) return {};
  return {parts.size() > 1 ? parts[parts.size() - 2] : schema, parts.back()};
}

ddl::Other other_of(Node& statement) {
  switch (statement.node_case) {
    case PG_QUERY__NODE__NODE_GRANT_STMT:
    case PG_QUERY__NODE__NODE_GRANT_ROLE_STMT:
      return grant(statement);
    case PG_QUERY__NODE__NODE_RENAME_STMT:
      return rename(statement);
    case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT:
      return function(*statement.create_function_stmt);
    case PG_QUERY__NODE__NODE_CREATE_TRIG_STMT: {
      const PgQuery__CreateTrigStmt& create = *statement.create_trig_stmt;
      ddl::Other other = made("CREATE TRIGGER", "DROP TRIGGER " + shown(std::string_view(create.trigname)) + " ON " +
                                                    relation_text(*create.relation));
      if (create.replace != 0) other.undo.reset();
      return other;
    }
    case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
      return made("CREATE SEQUENCE", "DROP SEQUENCE " + relation_text(*statement.create_seq_stmt->sequence));
    case PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT: {
      ddl::Other other =
          made("CREATE SCHEMA", "DROP SCHEMA " + shown(std::string_view(statement.create_schema_stmt->schemaname)));
      if (statement.create_schema_stmt->if_not_exists != 0) other.undo.reset();
      return other;
    }
    case PG_QUERY__NODE__NODE_CREATE_EXTENSION_STMT: {
      ddl::Other other;
      other.what = "CREATE EXTENSION";
      other.irreversible = "an extension that nobody uses does no harm, and others may use it by now";
      return other;
    }
    case PG_QUERY__NODE__NODE_COMPOSITE_TYPE_STMT:
      return made("CREATE TYPE", "DROP TYPE " + relation_text(*statement.composite_type_stmt->typevar));
    case PG_QUERY__NODE__NODE_CREATE_RANGE_STMT:
      return made("CREATE TYPE", "DROP TYPE " + dotted(statement.create_range_stmt->type_name,
                                                       statement.create_range_stmt->n_type_name));
    case PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT:
      return made("CREATE DOMAIN", "DROP DOMAIN " + dotted(statement.create_domain_stmt->domainname,
                                                           statement.create_domain_stmt->n_domainname));
    case PG_QUERY__NODE__NODE_CREATE_POLICY_STMT:
      return made("CREATE POLICY", "DROP POLICY " + shown(std::string_view(statement.create_policy_stmt->policy_name)) +
                                       " ON " + relation_text(*statement.create_policy_stmt->table));
    case PG_QUERY__NODE__NODE_CREATE_STATS_STMT:
      return made("CREATE STATISTICS", "DROP STATISTICS " + dotted(statement.create_stats_stmt->defnames,
                                                                   statement.create_stats_stmt->n_defnames));
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT: {
      const PgQuery__CreateTableAsStmt& create = *statement.create_table_as_stmt;
      const bool view = create.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW;
      return made(view ? "CREATE MATERIALIZED VIEW" : "CREATE TABLE AS",
                  (view ? "DROP MATERIALIZED VIEW " : "DROP TABLE ") + relation_text(*create.into->rel));
    }
    case PG_QUERY__NODE__NODE_VIEW_STMT: {
      const PgQuery__ViewStmt& view = *statement.view_stmt;
      ddl::Other other;
      other.what = view.replace != 0 ? "CREATE OR REPLACE VIEW" : "CREATE VIEW with options";
      if (view.replace == 0) other.undo = "DROP VIEW " + relation_text(*view.view);
      return other;
    }
    case PG_QUERY__NODE__NODE_DO_STMT: {
      ddl::Other other;
      other.what = "DO";
      return other;
    }
    default: {
      ddl::Other other;
      const std::string text = deparsed(statement);
      other.what = text.substr(0, text.find(' ', std::min(text.find(' ') + 1, text.size())));
      return other;
    }
  }
}

std::optional<SetComment> comment_step(const PgQuery__CommentStmt& comment, const std::string& schema) {
  SetComment step;
  step.comment = comment.comment;
  const Node& object = *comment.object;
  std::vector<std::string> parts;
  if (object.node_case == PG_QUERY__NODE__NODE_LIST) parts = strings(object.list->items, object.list->n_items);
  if (object.node_case == PG_QUERY__NODE__NODE_TYPE_NAME)
    parts = strings(object.type_name->names, object.type_name->n_names);
  switch (comment.objtype) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      step.what = Commented::table;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      step.what = Commented::view;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      step.what = Commented::index;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
      step.what = Commented::type;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
      step.what = Commented::column;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
      step.what = Commented::constraint;
      break;
    default:
      return std::nullopt;
  }
  if (step.what == Commented::column || step.what == Commented::constraint) {
    if (parts.size() < 2) return std::nullopt;
    step.part = parts.back();
    parts.pop_back();
  }
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  step.name = {parts.size() == 2 ? parts.front() : schema, parts.back()};
  return step;
}

}  // namespace switchback::postgres::migration
