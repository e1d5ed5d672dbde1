/// What the text of a function, procedure or DO block says of a structure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/postgres/statement_judge.hpp"

namespace switchback::postgres {

/// `language`: sql or plpgsql. `rows`: see Surroundings. Not seen: names put together from pieces at run time; where
/// the body runs a text that it builds and has a string with the table's or the structure's name, it is ambiguous.
StatementJudgement judge_body(std::string_view language, const std::string& text, const JudgeTarget& target,
                              const std::set<std::string>& rows);

/// A part of a PL/pgSQL body that the grammar of SQL can read, or that says something by itself.
struct BodyPiece {
  enum class Kind {
    sql,      ///< a statement
    type,     ///< the declared type of a variable
    built,    ///< what EXECUTE runs: an expression
    opaque,   ///< words that are neither, kept to be looked through for names
    message,  ///< a statement that shows strings to people: RAISE, ASSERT
  };
  Kind kind = Kind::sql;
  std::vector<Token> tokens;
};

/// Takes a body apart at the semicolons and key words of PL/pgSQL. Expressions become `SELECT …`, as PL/pgSQL itself
/// runs them; INTO and its variables become a SELECT of their own. Every token but key words ends in a piece.
std::vector<BodyPiece> pieces_of(const std::vector<Token>& body);

/// The tokens as SQL again.
std::string joined(const std::vector<Token>& tokens);
/// What a string constant holds.
std::string content_of(const Token& token);

}  // namespace switchback::postgres
