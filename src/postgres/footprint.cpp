#include "switchback/postgres/footprint.hpp"

#include "footprint_walk.hpp"
#include "function_body.hpp"

namespace switchback::postgres {
namespace {

/// Deeper texts want a stack of their own (statement_judge.cpp); those are named as not understood.
constexpr std::size_t longest_text = 20'000;

std::string label_of(std::size_t number, const std::string& text) {
  constexpr std::size_t shown = 40;
  std::string start = text.substr(0, shown);
  for (char& c : start)
    if (c == '\n' || c == '\t') c = ' ';
  return "statement " + std::to_string(number) + " (" + start + (text.size() > shown ? " …" : "") + ")";
}

}  // namespace

std::set<TableName> tables_in(const std::vector<std::string>& statements) {
  Footprint footprint;
  add_statements(footprint, statements, {});
  std::set<TableName> tables;
  for (const TableUse& use : footprint.tables) tables.insert(use.table);
  for (const TableName& type : footprint.types)
    tables.insert({type.schema.empty() ? "public" : type.schema, type.name});
  return tables;
}

void add_statements(Footprint& footprint, const std::vector<std::string>& statements, const KnownColumns& known,
                    StatementPlace place) {
  std::size_t number = 0;
  for (const std::string& text : statements) {
    const std::string label = label_of(++number, text);
    note_once(footprint.statements, text);
    if (text.size() > longest_text) {
      note_once(footprint.unclear, label + ": it is longer than 20 kB");
      continue;
    }
    const ParseTree tree(text);
    if (!tree.root()) {
      note_once(footprint.unclear, label + ": it cannot be parsed: " + tree.error());
      continue;
    }
    for (std::size_t i = 0; i < tree.root()->n_stmts; ++i)
      if (tree.root()->stmts[i]->stmt)
        FootprintWalk(footprint, known, label, place).statement(*tree.root()->stmts[i]->stmt);
  }
}

Footprint needs_of_body(std::string_view language, const std::string& body, const KnownColumns& known) {
  Footprint needs;
  if (language == "sql") {
    add_statements(needs, {body}, known, StatementPlace::in_function);
    return needs;
  }
  if (language != "plpgsql") {
    needs.unclear.push_back("it is in " + std::string(language));
    return needs;
  }
  std::vector<std::string> statements;
  bool builds = false;
  for (const BodyPiece& piece : pieces_of(tokens_of(body))) {
    if (piece.kind == BodyPiece::Kind::sql || piece.kind == BodyPiece::Kind::message)
      statements.push_back(joined(piece.tokens));
    builds = builds || piece.kind == BodyPiece::Kind::built;
  }
  add_statements(needs, statements, known, StatementPlace::in_function);
  if (builds) needs.unclear.emplace_back("it runs a text that it builds (EXECUTE)");
  return needs;
}

}  // namespace switchback::postgres
