/// The corpus of uses and non-uses (tests/corpus/usage): its reader, and the server on which its cases are judged.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/core/structure.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::tests {

/// One case, as the README beside the files explains it.
struct UsageCase {
  std::string file;  ///< without its folder
  std::string name;
  bool use = false;                     ///< what is expected
  int from = 0;                         ///< first major version that knows the SQL; 0: all
  int until = 0;                        ///< last one; 0: all
  std::string needs;                    ///< an extension; empty: none
  std::vector<std::string> checked;     ///< external readers that the plan calls checked
  std::vector<std::string> allow;       ///< allow_silent
  std::vector<std::string> parameters;  ///< sent apart from the one statement of `run`, as $1, $2 …
  Structure structure;
  std::string setup;  ///< SQL before anybody watches; what it makes is there when the verdict is given
  std::string run;    ///< SQL while statements are sampled; what it makes is rolled back
};

/// Every case of every file, in the order of their names. Error naming file and line when one cannot be read.
std::vector<UsageCase> read_usage_corpus();

/// A client of its own that runs what a case says, COPY included.
class CorpusClient {
 public:
  explicit CorpusClient(const std::string& uri);
  ~CorpusClient();
  CorpusClient(const CorpusClient&) = delete;
  CorpusClient& operator=(const CorpusClient&) = delete;

  /// Several statements in one message, or one with parameters. Error with the server's words.
  void run(const std::string& sql, const std::vector<std::string>& parameters = {});

 private:
  void drain(const std::string& sql);
  void* connection_;  ///< PGconn
};

/// What is said of a case, from the same samples.
struct CorpusVerdicts {
  Judgement parse_tree;  ///< with `scratch: { none: … }`: the parse tree alone judges statements
  Judgement with_clone;  ///< the server is asked on a schema clone, too
};

/// Cases that only run statements share a database, where what they do is rolled back; one with a setup has its own.
class CorpusServer {
 public:
  CorpusServer();
  ~CorpusServer();

  int major() const { return major_; }
  /// Why a case is not for this server; empty: it is.
  std::string skipped(const UsageCase& one) const;
  /// The whole product's verdicts: sampled before and after the statements of the case, coverage of the window taken as
  /// given.
  CorpusVerdicts judge(const UsageCase& one);

 private:
  struct Database;
  std::unique_ptr<Database> database(const std::string& name);
  CorpusVerdicts judged(Database& database, const UsageCase& one);

  std::unique_ptr<ports::Session> control_;
  std::string template_uri_;
  std::string template_;
  std::unique_ptr<Database> shared_;
  std::deque<std::string> over_;  ///< databases that are no longer needed
  std::set<std::string> extensions_;
  int major_ = 0;
  int made_ = 0;
};

}  // namespace switchback::tests
