/// The second judge of a statement: the server itself, asked on a clone of the schema. Nothing is executed there but
/// PREPARE and EXPLAIN, and every transaction is rolled back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/structure.hpp"
#include "switchback/ports/schema_clone.hpp"
#include "switchback/postgres/statement_judge.hpp"

namespace switchback::postgres {

/// What of a session decides what a text means.
struct Parsing {
  std::string search_path;
  bool standard_strings = true;  ///< standard_conforming_strings
  auto operator<=>(const Parsing&) const = default;
};

struct Question {
  std::string text;
  Parsing parsing;
  bool exactly = false;  ///< the parse tree has no word: look also for what rights and replay do not show
};

struct ServerWord {
  enum class Word {
    clear,        ///< works, with and without the structure, and without a right to it
    uses,         ///< does not
    cannot_tell,  ///< does not work on the clone as it is, or is no statement that can be prepared
    lacking,      ///< the same, because of something that is not there, and the clone lacks some things
  };
  Word word = Word::cannot_tell;
  std::string why = {};
  bool exact = false;       ///< clear, and no row type is among what it needs (only where asked `exactly`)
  std::string absent = {};  ///< lacking: the name of what is not there, where the server gives one
  std::optional<bool> works_without = {};  ///< prepared with the structure dropped; empty: could not be tried
};

/// The table of rules:
///   the parse tree says | the server says      | together
///   uses                | (is not asked)       | uses
///   any other           | uses                 | uses
///   any other           | lacking              | ambiguous, naming what the clone lacks
///   does_not            | clear, cannot_tell   | does_not
///   ambiguous, unparsed | clear and exact      | does_not, but for names that several schemas have (`several`): which
///                       |                      | of them a session meant, only its own search_path could tell
///   ambiguous, unparsed | clear, cannot_tell   | as the parse tree says
StatementJudgement combine(const StatementJudgement& parsed, const ServerWord& server, bool several);

/// What drops the structure and everything that hangs on it.
std::string removal_sql(const Structure& structure);

/// A text uses a column when, on the clone,
///   - it is refused (42501) to an owner who has every right but those on this column, and is not when he has them too.
///     Rights are looked at for every column that a statement names, expands from a star, or takes as part of a whole
///     row (ExecCheckPermissions; documentation, "GRANT"); views are looked through, as their owner is the same; or
///   - it can be prepared, and cannot once the column is dropped (tried with what names it, or was refused).
/// With `exactly`, from 14 on: also when pg_depend has the column or the table's row type for it as the body of a BEGIN
/// ATOMIC function. Of an index or a constraint: when it can be planned, and cannot once that is dropped.
///
/// Not seen by either: a row type that is named (NULL::users), and COPY, which cannot be prepared.
class ServerJudge {
 public:
  /// Furnishes the clone with the functions it asks by. Error when the clone does not bear that.
  ServerJudge(const ports::OpenClone& clone, const Structure& structure, const JudgeTarget& target);

  /// In the order of the questions. Error when the clone's session breaks, or a hundred statements take over a minute
  /// to plan.
  std::vector<ServerWord> ask(const std::vector<Question>& questions);

  /// Functions that the server accepts now and does not once the structure is dropped: identity and complaint. Those in
  /// SQL; and where the clone has the extension plpgsql_check, those in PL/pgSQL, trigger functions for each of their
  /// tables. Bodies in other languages are not validated. `search_path`: of functions that do not set their own.
  struct BrokenFunction {
    TableName name;
    std::string identity;
    std::string complaint;
  };
  std::vector<BrokenFunction> broken_functions(const std::string& search_path);

 private:
  struct Answer {
    std::string state;  ///< SQLSTATE, empty: works
    std::string message;
  };
  struct Asked {
    const Question* question;
    std::string text;       ///< as it is put behind PREPARE
    std::string complaint;  ///< what stopped it while rights were withdrawn
    ServerWord word;
  };
  enum class How { prepare, plan, depend };
  /// What becomes of each text after `change` has been made; the change is rolled back. Empty: the change is refused.
  std::optional<std::vector<Answer>> answers(const std::string& change, const Parsing& parsing,
                                             const std::vector<Asked*>& asked, How how);
  /// Without the right to it and, for what that stops, with it. Gives what works with it.
  std::vector<Asked*> ask_rights(const Parsing& parsing, const std::vector<Asked*>& all);
  void ask_without(const Parsing& parsing, const std::vector<Asked*>& working);
  void ask_exactly(const Parsing& parsing, const std::vector<Asked*>& working);
  ServerWord refused(const Answer& answer) const;
  std::string withdrawal() const;

  ports::Session& session_;
  std::vector<std::string> lacking_;
  std::string refusal_;  ///< why the last change was refused
  const Structure& structure_;
  const JudgeTarget& target_;
};

}  // namespace switchback::postgres
