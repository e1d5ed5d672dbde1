#include "qualify.hpp"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "editable_tree.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/core/sync.hpp"

namespace switchback::postgres {
namespace {

using Node = PgQuery__Node;

constexpr std::string_view stand_in_stem = "switchback_stand_in_";  // refused in what users write

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// A statement to work on, and what makes nodes for it.
class Tree {
 public:
  explicit Tree(const std::string& sql) : tree_(sql), root_(tree_.root()) {
    if (root_ == nullptr) throw Unqualifiable(tree_.error());
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  PgQuery__ParseResult* root() { return root_; }

  /// The only statement's SELECT; null when it is anything else.
  PgQuery__SelectStmt* select() {
    if (root_->n_stmts != 1 || root_->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return nullptr;
    return root_->stmts[0]->stmt->select_stmt;
  }

  template <class T>
  T* make(void (*init)(T*)) {
    T* made = static_cast<T*>(tree_.memory().allocate(sizeof(T), alignof(std::max_align_t)));
    init(made);
    return made;
  }
  Node** list(std::initializer_list<Node*> items) {
    Node** made = static_cast<Node**>(tree_.memory().allocate(sizeof(Node*) * items.size(), alignof(Node*)));
    std::ranges::copy(items, made);
    return made;
  }
  Node* string(std::string_view text) {
    char* copy = static_cast<char*>(tree_.memory().allocate(text.size() + 1, 1));
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    Node* made = make(pg_query__node__init);
    made->node_case = PG_QUERY__NODE__NODE_STRING;
    made->string = make(pg_query__string__init);
    made->string->sval = copy;
    return made;
  }

  /// `SELECT expression` as text, without the word.
  std::string text_of(Node* expression) {
    PgQuery__SelectStmt* statement = select();
    PgQuery__ResTarget* target = statement->target_list[0]->res_target;
    target->val = expression;
    target->name = nullptr;
    statement->n_target_list = 1;
    statement->n_from_clause = 0;
    const auto [text, done] = deparse(*root_);
    constexpr std::string_view word = "SELECT ";
    if (!done || !text.starts_with(word)) throw Unqualifiable(text);
    return text.substr(word.size());
  }

 private:
  EditableTree tree_;
  PgQuery__ParseResult* root_ = nullptr;
};

/// Calls `change` for every node slot below a message, in the order of the fields, which is the order of the text.
void each_node(ProtobufCMessage* message, const std::function<Node*(Node*)>& change) {
  char* base = reinterpret_cast<char*>(message);
  const auto descend = [&](ProtobufCMessage*& child, const void* descriptor) {
    if (!child) return;
    if (descriptor == &pg_query__node__descriptor)
      child = reinterpret_cast<ProtobufCMessage*>(change(reinterpret_cast<Node*>(child)));
    else
      each_node(child, change);
  };
  const ProtobufCMessageDescriptor* descriptor = message->descriptor;
  for (unsigned i = 0; i < descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = descriptor->fields[i];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const std::size_t count = *reinterpret_cast<std::size_t*>(base + field.quantifier_offset);
      auto** items = *reinterpret_cast<ProtobufCMessage***>(base + field.offset);
      for (std::size_t k = 0; k < count; ++k) descend(items[k], field.descriptor);
    } else if ((field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
               *reinterpret_cast<std::uint32_t*>(base + field.quantifier_offset) == field.id) {
      descend(*reinterpret_cast<ProtobufCMessage**>(base + field.offset), field.descriptor);
    }
  }
}

class Qualifier {
 public:
  Qualifier(Tree& tree, const std::vector<std::string>& distinct_schemas) : tree_(tree), schemas_(distinct_schemas) {}

  Node* qualified(Node* node) {
    // Before the children: the schemas stand in the order in which the text opens these constructs.
    std::string schema = "pg_catalog";
    if (is_distinct(node)) {
      if (taken_ < schemas_.size()) schema = schemas_[taken_];
      ++taken_;
    }
    each_node(&node->base, [this](Node* child) { return qualified(child); });
    switch (node->node_case) {
      case PG_QUERY__NODE__NODE_FUNC_CALL:
        put_schema(node->func_call->n_funcname, node->func_call->funcname);
        // Infix syntax as a plain call: the deparser leaves out the parentheses that it would need.
        if (std::string_view(node->func_call->funcname[1]->string->sval) == "timezone" ||
            std::string_view(node->func_call->funcname[1]->string->sval) == "is_normalized")
          node->func_call->funcformat = PG_QUERY__COERCION_FORM__COERCE_EXPLICIT_CALL;
        return node;
      case PG_QUERY__NODE__NODE_TYPE_CAST:
        return cast(node);
      case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        put_schema(node->collate_clause->n_collname, node->collate_clause->collname);
        return node;
      case PG_QUERY__NODE__NODE_COLUMN_REF:
        column(node->column_ref);
        return node;
      case PG_QUERY__NODE__NODE_CASE_EXPR:
        searched(node->case_expr);
        return node;
      case PG_QUERY__NODE__NODE_A_EXPR:
        return operation(node, schema);
      case PG_QUERY__NODE__NODE_SUB_LINK:
        throw Unqualifiable("a subquery");
      default:
        return node;
    }
  }

  /// The expression's text, with everything put back that only went through the deparser in disguise.
  std::string text(Node* expression) {
    std::string out = tree_.text_of(expression);
    replace_all(out, quote_identifier(row_alias) + ".\"~", quote_identifier(row_alias) + ".\"");
    for (std::size_t i = 0; i < stand_ins_.size(); ++i) replace_all(out, stand_in(i), stand_ins_[i]);
    return out;
  }

  const std::vector<std::string>& columns() const { return columns_; }
  std::size_t distinct_seen() const { return taken_; }

 private:
  static bool is_distinct(const Node* node) {
    if (node->node_case != PG_QUERY__NODE__NODE_A_EXPR) return false;
    const auto kind = node->a_expr->kind;
    return kind == PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT || kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT ||
           kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF;
  }

  void put_schema(std::size_t& count, Node**& names) {
    if (count != 1) return;
    names = tree_.list({tree_.string("pg_catalog"), names[0]});
    count = 2;
  }

  /// libpg_query writes bpchar without a length as `char`, which the grammar reads as char(1), and leaves out the
  /// quotes of other types' names: a plain name goes through the deparser, and text() puts the right one back.
  void type(PgQuery__TypeName* name) {
    put_schema(name->n_names, name->names);
    const std::string schema = name->names[0]->string->sval;
    const std::string own = name->n_names == 2 ? name->names[1]->string->sval : "";
    if (own.empty() || (schema == "pg_catalog" && !(own == "bpchar" && name->n_typmods == 0))) return;
    stand_ins_.push_back(quote_identifier(schema) + "." + quote_identifier(own));
    name->names = tree_.list({tree_.string(stand_in(stand_ins_.size() - 1))});
    name->n_names = 1;
  }
  /// The parser casts the elements of ARRAY[…] where a cast follows it at once, and the deparser has taken away the
  /// parentheses that kept it from doing so: the elements are cast here, so that the next reading changes nothing.
  Node* cast(Node* node) {
    type(node->type_cast->type_name);
    Node* inner = node->type_cast->arg;
    if (inner->node_case != PG_QUERY__NODE__NODE_A_ARRAY_EXPR || inner->a_array_expr->n_elements == 0) return node;
    PgQuery__AArrayExpr* array = inner->a_array_expr;
    if (array->elements[0]->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) return node;
    PgQuery__TypeName* element = tree_.make(pg_query__type_name__init);
    *element = *node->type_cast->type_name;
    element->n_array_bounds = 0;
    for (std::size_t i = 0; i < array->n_elements; ++i) {
      PgQuery__TypeCast* made = tree_.make(pg_query__type_cast__init);
      made->arg = array->elements[i];
      made->type_name = element;
      array->elements[i] = wrap(PG_QUERY__NODE__NODE_TYPE_CAST, made);
    }
    return inner;
  }
  static std::string stand_in(std::size_t index) { return std::string(stand_in_stem) + std::to_string(index) + "_"; }

  Node* wrap(PgQuery__Node__NodeCase kind, void* inner) {
    Node* made = tree_.make(pg_query__node__init);
    made->node_case = kind;
    made->a_expr = static_cast<PgQuery__AExpr*>(inner);  // a union of pointers
    return made;
  }

  Node* equal(Node* left, Node* right, const std::string& schema) {
    PgQuery__AExpr* made = tree_.make(pg_query__a__expr__init);
    made->kind = PG_QUERY__A__EXPR__KIND__AEXPR_OP;
    made->n_name = 2;
    made->name = tree_.list({tree_.string(schema), tree_.string("=")});
    made->lexpr = left;
    made->rexpr = right;
    return wrap(PG_QUERY__NODE__NODE_A_EXPR, made);
  }
  Node* logic(PgQuery__BoolExprType type, std::initializer_list<Node*> parts) {
    PgQuery__BoolExpr* made = tree_.make(pg_query__bool_expr__init);
    made->boolop = type;
    made->n_args = parts.size();
    made->args = tree_.list(parts);
    return wrap(PG_QUERY__NODE__NODE_BOOL_EXPR, made);
  }
  Node* truth(PgQuery__BoolTestType type, Node* tested) {
    PgQuery__BooleanTest* made = tree_.make(pg_query__boolean_test__init);
    made->booltesttype = type;
    made->arg = tested;
    return wrap(PG_QUERY__NODE__NODE_BOOLEAN_TEST, made);
  }
  Node* absent(Node* tested) {
    PgQuery__NullTest* made = tree_.make(pg_query__null_test__init);
    made->nulltesttype = PG_QUERY__NULL_TEST_TYPE__IS_NULL;
    made->arg = tested;
    return wrap(PG_QUERY__NODE__NODE_NULL_TEST, made);
  }
  Node* null() {
    PgQuery__AConst* made = tree_.make(pg_query__a__const__init);
    made->isnull = 1;
    return wrap(PG_QUERY__NODE__NODE_A_CONST, made);
  }

  Node* operation(Node* node, const std::string& schema) {
    PgQuery__AExpr* expression = node->a_expr;
    Node* left = expression->lexpr;
    Node* right = expression->rexpr;
    switch (expression->kind) {
      case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
      case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
      case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
        put_schema(expression->n_name, expression->name);
        return node;
      case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
        return logic(PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR,
                     {truth(PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE, equal(left, right, schema)),
                      logic(PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR,
                            {logic(PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR, {absent(left), absent(right)})})});
      case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        return logic(PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR,
                     {truth(PG_QUERY__BOOL_TEST_TYPE__IS_TRUE, equal(left, right, schema)),
                      logic(PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR, {absent(left), absent(right)})});
      case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: {
        PgQuery__CaseWhen* when = tree_.make(pg_query__case_when__init);
        when->expr = equal(left, right, schema);
        when->result = null();
        PgQuery__CaseExpr* choice = tree_.make(pg_query__case_expr__init);
        choice->n_args = 1;
        choice->args = tree_.list({wrap(PG_QUERY__NODE__NODE_CASE_WHEN, when)});
        choice->defresult = left;
        return wrap(PG_QUERY__NODE__NODE_CASE_EXPR, choice);
      }
      default:  // IN, LIKE, BETWEEN …: the server deparses them as operators, never like this
        throw Unqualifiable("a construct that the server was not expected to write");
    }
  }

  void searched(PgQuery__CaseExpr* choice) {
    if (!choice->arg) return;
    for (std::size_t i = 0; i < choice->n_args; ++i) {
      PgQuery__CaseWhen* when = choice->args[i]->case_when;
      when->expr = equal(choice->arg, when->expr, "pg_catalog");
    }
    choice->arg = nullptr;
  }

  /// Gives the name a first character that needs quotes, so that the deparser always writes it in quotes; text() takes
  /// the character out again.
  void column(PgQuery__ColumnRef* reference) {
    const auto text = [](const Node* part) {
      return part->node_case == PG_QUERY__NODE__NODE_STRING ? std::string_view(part->string->sval) : std::string_view();
    };
    if (reference->n_fields != 2 || text(reference->fields[0]) != row_alias || text(reference->fields[1]).empty())
      throw Unqualifiable("a reference to the whole row");
    const std::string name(text(reference->fields[1]));
    if (std::ranges::find(columns_, name) == columns_.end()) columns_.push_back(name);
    reference->fields = tree_.list({reference->fields[0], tree_.string("~" + name)});
  }

  Tree& tree_;
  const std::vector<std::string>& schemas_;
  std::size_t taken_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::string> stand_ins_;
};

/// The server writes NULL with its type; the user, and NULLIF above, did not have to.
Node* without_null_types(Node* node) {
  each_node(&node->base, without_null_types);
  if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST &&
      node->type_cast->arg->node_case == PG_QUERY__NODE__NODE_A_CONST && node->type_cast->arg->a_const->isnull)
    return node->type_cast->arg;
  return node;
}

Node* first_target(Tree& tree) {
  PgQuery__SelectStmt* statement = tree.select();
  if (!statement || statement->n_target_list == 0) throw Unqualifiable("not a SELECT");
  return statement->target_list[0]->res_target->val;
}

}  // namespace

QualifiedText qualify_target(const std::string& select, const std::vector<std::string>& distinct_schemas) {
  Tree tree(select);
  Qualifier qualifier(tree, distinct_schemas);
  Node* expression = qualifier.qualified(first_target(tree));
  if (!distinct_schemas.empty() && qualifier.distinct_seen() != distinct_schemas.size())
    throw Unqualifiable("NULLIF or DISTINCT FROM in a place where its operator cannot be told");
  QualifiedText result;
  result.sql = qualifier.text(expression);
  result.columns = qualifier.columns();
  // The whole statement is a new tree: NULLIF used one operand in two places, which must not be rewritten twice.
  Tree again("SELECT " + result.sql);
  result.comparable = again.text_of(without_null_types(first_target(again)));
  return result;
}

std::string qualify_default(const std::string& text) {
  Tree tree("SELECT " + text);
  Node* expression = first_target(tree);
  if (expression->node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
    const PgQuery__FuncCall* call = expression->func_call;
    if (call->n_funcname == 2 && call->n_args == 3 && std::strcmp(call->funcname[0]->string->sval, "switchback") == 0 &&
        std::strcmp(call->funcname[1]->string->sval, "omit") == 0) {
      expression = call->args[2];
      const Node* value = without_null_types(expression);
      if (value->node_case == PG_QUERY__NODE__NODE_A_CONST && value->a_const->isnull) return "";
    }
  }
  const std::vector<std::string> all_builtin;
  Qualifier qualifier(tree, all_builtin);
  return qualifier.text(qualifier.qualified(expression));
}

Written look_at(const std::string& text, std::string& problem) {
  if (text.find(stand_in_stem) != std::string::npos || text.find(row_alias.substr(0, 11)) != std::string_view::npos) {
    problem = "contains a name of switchback's own";
    return Written::nothing;
  }
  constexpr std::size_t longest = 10'000;  // libpg_query recurses; deep nesting in a long text would leave the stack
  if (text.size() > longest) {
    problem = "is longer than 10,000 bytes";
    return Written::nothing;
  }
  try {
    // On a line of its own, so that a comment at its end cannot swallow the parenthesis.
    Tree tree("SELECT (" + text + "\n)");
    PgQuery__SelectStmt* statement = tree.select();
    const bool alone = statement && statement->n_target_list == 1 && !statement->from_clause &&
                       !statement->where_clause && !statement->into_clause && statement->n_group_clause == 0 &&
                       !statement->having_clause && statement->n_sort_clause == 0 && !statement->limit_count &&
                       !statement->limit_offset && statement->n_window_clause == 0 &&
                       statement->n_locking_clause == 0 && !statement->with_clause &&
                       statement->op == PG_QUERY__SET_OPERATION__SETOP_NONE &&
                       (!statement->target_list[0]->res_target->name || !*statement->target_list[0]->res_target->name);
    if (!alone) {
      problem = "is not one expression";
      return Written::nothing;
    }
    return first_target(tree)->node_case == PG_QUERY__NODE__NODE_A_CONST ? Written::constant : Written::expression;
  } catch (const Unqualifiable& error) {
    problem = error.what();
    return Written::nothing;
  }
}

}  // namespace switchback::postgres
