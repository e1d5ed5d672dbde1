#include "switchback/postgres/statement_judge.hpp"

#include <pthread.h>

#include "statement_walk.hpp"
#include "switchback/core/sql.hpp"

namespace switchback::postgres {
namespace {

constexpr std::size_t longest_text = 200'000;
constexpr std::size_t longest_on_own_stack = 2'000;

StatementJudgement parsed_judgement(const std::string& text, const JudgeTarget& target, const Surroundings& around) {
  const ParseTree tree(text);
  if (!tree.root()) return {StatementUse::unparsed, tree.error()};
  return Walk(target, around).judge(*tree.root(), text);
}

/// Expressions nest as deep as a text is long, and both the parser and the walk recurse: about 2 kB of stack for each
/// level, of at least two characters (measured with libpg_query 15-4.0.0: 1.8 kB for the parser).
StatementJudgement with_large_stack(const std::string& text, const JudgeTarget& target, const Surroundings& around) {
  struct Work {
    const std::string& text;
    const JudgeTarget& target;
    const Surroundings& around;
    StatementJudgement result{StatementUse::unparsed, "no memory for a text of this size"};
  } work{text, target, around};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, (std::size_t{16} << 20) + 4096 * text.size());
  pthread_t thread{};
  const int failed = pthread_create(
      &thread, &attributes,
      [](void* argument) -> void* {
        auto* mine = static_cast<Work*>(argument);
        try {
          mine->result = parsed_judgement(mine->text, mine->target, mine->around);
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

StatementJudgement judge_statement(std::string_view text, const JudgeTarget& target, const Surroundings& around) {
  if (text.find(own_mark) != std::string_view::npos) return {StatementUse::does_not, "switchback's own"};
  if (!mentions_any(text, target.watched()) && !mentions_any(text, around.rows)) return {StatementUse::does_not, ""};
  if (text.size() > longest_text) return {StatementUse::unparsed, "the text is longer than 200 kB"};
  const std::string copy(text);
  return text.size() > longest_on_own_stack ? with_large_stack(copy, target, around)
                                            : parsed_judgement(copy, target, around);
}

}  // namespace switchback::postgres
