/// Statements with what the parse tree is to say of them.
#pragma once

#include <string>
#include <vector>

#include "catch.hpp"
#include "switchback/postgres/statement_judge.hpp"

namespace switchback::tests {

struct StatementCase {
  postgres::StatementUse expected;
  const char* text;
};

constexpr auto uses = postgres::StatementUse::uses;
constexpr auto clear = postgres::StatementUse::does_not;
constexpr auto ambiguous = postgres::StatementUse::ambiguous;
constexpr auto unparsed = postgres::StatementUse::unparsed;

inline void check(const std::vector<StatementCase>& cases, const postgres::JudgeTarget& target) {
  for (const StatementCase& one : cases) {
    CAPTURE(one.text);
    const postgres::StatementJudgement judged = postgres::judge_statement(one.text, target);
    CAPTURE(judged.why);
    CHECK(name(judged.use) == name(one.expected));
  }
}

}  // namespace switchback::tests
