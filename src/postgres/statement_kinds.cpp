#include "statement_kinds.hpp"

#include <algorithm>
#include <array>

#include "parse_tree.hpp"
#include "switchback/postgres/statement_judge.hpp"

namespace switchback::postgres {
namespace {

const PgQuery__RangeVar* made_by(const PgQuery__Node& node) {
  if (node.node_case == PG_QUERY__NODE__NODE_CREATE_STMT) return node.create_stmt->relation;
  if (node.node_case == PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT && node.create_table_as_stmt->into)
    return node.create_table_as_stmt->into->rel;
  if (node.node_case == PG_QUERY__NODE__NODE_SELECT_STMT && node.select_stmt->into_clause)
    return node.select_stmt->into_clause->rel;
  return nullptr;
}

}  // namespace

std::set<std::string> temporary_tables_in(const std::vector<std::string>& statements) {
  std::set<std::string> names;
  for (const std::string& text : statements) {
    const ParseTree tree(text);
    for (std::size_t i = 0; tree.root() && i < tree.root()->n_stmts; ++i) {
      const PgQuery__Node* statement = tree.root()->stmts[i]->stmt;
      const PgQuery__RangeVar* made = statement ? made_by(*statement) : nullptr;
      if (made && made->relname && made->relpersistence && std::string_view(made->relpersistence) == "t")
        names.insert(made->relname);
    }
  }
  return names;
}

bool is_of_session(const std::string& text) {
  constexpr std::array<std::string_view, 20> first_words = {
      "begin", "start",   "commit", "end",  "rollback", "abort",  "savepoint", "release", "set",        "reset",
      "show",  "discard", "fetch",  "move", "close",    "listen", "unlisten",  "notify",  "deallocate", "checkpoint"};
  const std::vector<Token> words = tokens_of(text);
  if (words.empty() || words[0].kind != Token::Kind::word) return false;
  if (words[0].text == "prepare") return words.size() > 1 && words[1].text == "transaction";
  return std::ranges::find(first_words, words[0].text) != first_words.end();
}

bool runs_others(const std::string& text) {
  const ParseTree tree(text);
  if (!tree.root() || tree.root()->n_stmts != 1 || !tree.root()->stmts[0]->stmt) return false;
  const auto kind = tree.root()->stmts[0]->stmt->node_case;
  return kind == PG_QUERY__NODE__NODE_DO_STMT || kind == PG_QUERY__NODE__NODE_CALL_STMT;
}

}  // namespace switchback::postgres
