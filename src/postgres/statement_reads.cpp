#include "switchback/postgres/statement_reads.hpp"

#include <algorithm>

#include "parse_tree.hpp"
#include "statement_scope.hpp"

namespace switchback::postgres {
namespace {

bool is_star(const PgQuery__ColumnRef& column) {
  return column.n_fields > 0 && column.fields[column.n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

const PgQuery__ColumnRef* star_of(const PgQuery__Node* entry) {
  if (!entry || entry->node_case != PG_QUERY__NODE__NODE_RES_TARGET) return nullptr;
  const PgQuery__Node* value = entry->res_target->val;
  if (!value || value->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || !is_star(*value->column_ref)) return nullptr;
  return value->column_ref;
}

bool is_number(const PgQuery__Node* node) {
  return node && node->node_case == PG_QUERY__NODE__NODE_A_CONST;
}

/// Looks for anything but plain reading.
class PlainReads {
 public:
  explicit PlainReads(const JudgeTarget& target) : target_(target) {}

  bool all(const ProtobufCMessage* root) {
    collect_names(root);
    look(root);
    return plain_;
  }

 private:
  void collect_names(const ProtobufCMessage* message) {
    if (SWITCHBACK_IS(message, range_var)) {
      const auto& range = as<PgQuery__RangeVar>(message);
      if (range.relname) sources_.insert(range.relname);
    }
    if (SWITCHBACK_IS(message, alias)) {
      const auto& alias = as<PgQuery__Alias>(message);
      if (alias.aliasname) sources_.insert(alias.aliasname);
    }
    if (SWITCHBACK_IS(message, common_table_expr)) {
      const auto& query = as<PgQuery__CommonTableExpr>(message);
      if (query.ctename) sources_.insert(query.ctename);
    }
    for_each_child(message, [this](const ProtobufCMessage* child) { collect_names(child); });
  }

  void look(const ProtobufCMessage* message) {
    if (SWITCHBACK_IS(message, insert_stmt) || SWITCHBACK_IS(message, update_stmt) ||
        SWITCHBACK_IS(message, delete_stmt) || SWITCHBACK_IS(message, merge_stmt) ||
        SWITCHBACK_IS(message, into_clause))
      plain_ = false;
    if (SWITCHBACK_IS(message, type_name)) {
      const auto& named = as<PgQuery__TypeName>(message);
      if (named.n_names > 0 && any_of_name(target_.relations, "", string_of(named.names[named.n_names - 1])))
        plain_ = false;
    }
    if (SWITCHBACK_IS(message, column_ref)) {
      const auto& column = as<PgQuery__ColumnRef>(message);
      // A source's name as a value is its whole row; it may also be a column of that name: not plain in doubt. A star
      // that is met here stands in an expression: ROW(t.*), f(t.*).
      if (is_star(column) || sources_.contains(std::string(string_of(column.fields[column.n_fields - 1]))))
        plain_ = false;
    }
    // Columns that go by number, or by whatever both sides have, become others without a word.
    if (SWITCHBACK_IS(message, join_expr) && as<PgQuery__JoinExpr>(message).is_natural) plain_ = false;
    if (SWITCHBACK_IS(message, sort_by) && is_number(as<PgQuery__SortBy>(message).node)) plain_ = false;
    if (SWITCHBACK_IS(message, select_stmt))
      for (std::size_t i = 0; i < as<PgQuery__SelectStmt>(message).n_group_clause; ++i)
        if (is_number(as<PgQuery__SelectStmt>(message).group_clause[i])) plain_ = false;
    const bool list_entry = SWITCHBACK_IS(message, res_target);
    if (list_entry && as<PgQuery__ResTarget>(message).val &&
        as<PgQuery__ResTarget>(message).val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
        is_star(*as<PgQuery__ResTarget>(message).val->column_ref))
      return;
    for_each_child(message, [this](const ProtobufCMessage* child) { look(child); });
  }

  const JudgeTarget& target_;
  std::set<std::string> sources_;
  bool plain_ = true;
};

bool is_dump(const PgQuery__CopyStmt& copy, const JudgeTarget& target, const std::set<std::string>& copied) {
  if (copy.is_from || copy.is_program || copy.query || !copy.relation || !copy.relation->relname) return false;
  const std::string_view schema = copy.relation->schemaname ? copy.relation->schemaname : "";
  if (!any_of_name(target.relations, schema, copy.relation->relname)) return false;
  if (copy.n_attlist == 0) return true;
  std::set<std::string> named;
  for (std::size_t i = 0; i < copy.n_attlist; ++i) named.insert(std::string(string_of(copy.attlist[i])));
  return std::includes(named.begin(), named.end(), copied.begin(), copied.end());
}

void find_exists_stars(const ProtobufCMessage* message, std::vector<std::size_t>& places) {
  if (SWITCHBACK_IS(message, sub_link)) {
    const auto& link = as<PgQuery__SubLink>(message);
    if (link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK && link.subselect &&
        link.subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
      const PgQuery__SelectStmt& query = *link.subselect->select_stmt;
      for (std::size_t i = 0; i < query.n_target_list; ++i)
        if (const PgQuery__ColumnRef* star = star_of(query.target_list[i]); star && star->location >= 0)
          places.push_back(static_cast<std::size_t>(star->location));
    }
  }
  for_each_child(message, [&](const ProtobufCMessage* child) { find_exists_stars(child, places); });
}

#undef SWITCHBACK_IS

/// Deeper texts want a stack of their own (statement_judge.cpp), which is not worth it here.
constexpr std::size_t longest_on_own_stack = 4'000;

constexpr int access_share = 1;  ///< AccessShareLock (lockdefs.h)

}  // namespace

std::string_view name(RowRead read) {
  switch (read) {
    case RowRead::no:
      return "no";
    case RowRead::star:
      return "star";
    case RowRead::dump:
      return "dump";
    case RowRead::lock:
      return "lock";
  }
  return "no";
}

RowRead row_read(std::string_view text, const JudgeTarget& target, const std::set<std::string>& copied) {
  const bool column = target.kind == Structure::Kind::column;
  if ((!column && target.kind != Structure::Kind::table) || text.size() > longest_on_own_stack) return RowRead::no;
  const ParseTree tree{std::string(text)};
  if (!tree.root() || tree.root()->n_stmts != 1 || !tree.root()->stmts[0]->stmt) return RowRead::no;
  const PgQuery__Node& statement = *tree.root()->stmts[0]->stmt;
  if (statement.node_case == PG_QUERY__NODE__NODE_COPY_STMT)
    return is_dump(*statement.copy_stmt, target, copied) ? RowRead::dump : RowRead::no;
  if (statement.node_case == PG_QUERY__NODE__NODE_LOCK_STMT)
    return !column && statement.lock_stmt->mode == access_share ? RowRead::lock : RowRead::no;
  if (!column || statement.node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return RowRead::no;
  return PlainReads(target).all(base_of(&statement)) ? RowRead::star : RowRead::no;
}

std::string without_exists_stars(std::string_view text) {
  std::string changed(text);
  if (text.size() > longest_on_own_stack || text.find('*') == std::string_view::npos || !mentions(text, "exists"))
    return changed;
  const ParseTree tree(changed);
  if (!tree.root()) return changed;
  std::vector<std::size_t> places;
  find_exists_stars(base_of(tree.root()), places);
  for (const std::size_t place : places) {
    const std::size_t star = text.find('*', place);
    // `u.*` becomes `1  `: every other place keeps its number.
    if (star != std::string_view::npos) changed.replace(place, star - place + 1, "1" + std::string(star - place, ' '));
  }
  return changed;
}

std::string preparable(std::string_view text) {
  while (!text.empty() && (text.back() == ';' || std::isspace(static_cast<unsigned char>(text.back())) != 0))
    text.remove_suffix(1);
  const std::vector<Token> tokens = tokens_of(text);
  const bool several = std::any_of(tokens.begin(), tokens.end(),
                                   [](const Token& one) { return one.kind == Token::Kind::other && one.text == ";"; });
  const auto first = std::find_if(tokens.begin(), tokens.end(), [](const Token& one) { return one.text != "("; });
  const std::set<std::string> words{"select", "insert", "update", "delete", "merge", "with", "values", "table"};
  const bool kind = first != tokens.end() && words.contains(first->text);
  return several || !kind ? std::string() : std::string(text);
}

}  // namespace switchback::postgres
