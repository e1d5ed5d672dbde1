/// Both judges of statements put together: the parse tree, and the server on a clone of the schema.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/ports/schema_clone.hpp"
#include "switchback/postgres/server_judge.hpp"
#include "switchback/postgres/statement_reads.hpp"
#include "usage_parsing.hpp"

namespace switchback::postgres {

/// A statement to judge: its text, who ran it, and whether somebody wants to know that it works without the structure
/// though it reads whole rows.
struct Suspect {
  std::string text;
  std::string role;
  bool replay = false;
  bool nested = false;  ///< a function ran it: what no FROM in it explains is a variable
};

struct Sentence {
  StatementJudgement judged;
  RowRead reads = RowRead::no;        ///< for a use
  std::optional<bool> works_without;  ///< replayed with the structure dropped
  bool lasting = true;                ///< false: not both judges were heard, though both should be
};

/// Judges for one database, at one moment of its schema.
class Judges {
 public:
  /// `clone` null: the parse tree alone.
  Judges(ports::Session& source, ports::SchemaClone* clone);

  /// Stands for the judges themselves: a judgement that bears another one is of no worth any more.
  const std::string& question() const { return question_; }

  std::vector<Sentence> judge(const std::vector<Suspect>& suspects, const Structure& structure,
                              const JudgeTarget& target);

  /// SQL functions among `candidates` that the server does not accept any more once the structure is dropped.
  std::vector<ServerJudge::BrokenFunction> broken_functions(const std::set<TableName>& candidates,
                                                            const Structure& structure, const JudgeTarget& target);

  /// What is to be said of the judges: that there is no clone by configuration (clear), or that there should have been
  /// one (unknown). To be asked last.
  std::optional<Observation> remark() const;

 private:
  std::optional<ServerJudge> server(const Structure& structure, const JudgeTarget& target);
  void failed(const std::string& why, const std::string& remedy);
  /// What the source has not got either (a temporary table, say), and switchback's own, the clone does not lack.
  void settle_absences(std::vector<ServerWord>& words);
  std::set<std::string> copied_columns(const Structure& structure);

  ports::Session& source_;
  ports::SchemaClone* clone_;
  std::optional<std::string> declined_;
  std::string print_;
  std::string question_;
  std::optional<RoleParsing> parsing_;
  std::optional<Observation> failure_;
};

}  // namespace switchback::postgres
