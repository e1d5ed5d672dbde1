/// What a role runs in a database between two moments, from pg_stat_statements.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "switchback/ports/session.hpp"
#include "switchback/postgres/footprint.hpp"

namespace switchback::postgres {

/// Sorted, each once, with $1 … in place of constants. Switchback's own are left out.
struct CapturedStatements {
  std::vector<std::string> sent;    ///< by the role's sessions
  std::vector<std::string> inside;  ///< run inside functions and DO blocks
  bool mixed = false;               ///< before PostgreSQL 14 the server does not tell: all of them are in `sent`
  bool empty() const { return sent.empty() && inside.empty(); }
};

/// Why not every statement was seen, and what helps; no reason: all were, but for those that failed or still run
/// (the server counts a statement when it has ended well).
struct CaptureGap {
  std::string reason;
  std::string remedy;
};

/// Statements inside SECURITY DEFINER functions count as their owner's on the server: of such owners, what ran inside
/// functions is captured along with the role's, whoever called them; before PostgreSQL 14 all that they ran.
class StatementCapture {
 public:
  /// Begins now. The session is borrowed, and in no transaction. Error(Exit::invalid) for a role that is not there,
  /// Error(Exit::refused) where not every statement of the role would be seen, with what would change that.
  StatementCapture(ports::Session& session, const std::string& role);
  ~StatementCapture();
  StatementCapture(const StatementCapture&) = delete;
  StatementCapture& operator=(const StatementCapture&) = delete;

  /// Reads what has run since. To be called every second or so, and once at the end: the more often, the sooner a gap
  /// is seen.
  void look();
  const CaptureGap& gap() const { return gap_; }
  CapturedStatements statements() const;

  /// Sessions of the role in this database that were not there at the beginning.
  std::int64_t sessions_since();
  /// Those of them, and of the older ones, that are in a statement or a transaction now: what they run is not counted.
  std::int64_t sessions_at_work();
  /// Other databases in which statements of the role have been counted since the beginning.
  std::vector<std::string> elsewhere();

 private:
  struct Look;
  Look counts();
  bool counts_for_us(const std::string& key) const;
  std::map<std::string, std::int64_t> calls_by_database();
  void miss(const std::string& reason, const std::string& remedy);

  ports::Session& session_;
  std::string role_id_;
  std::string began_;                            ///< the server's clock
  std::map<std::string, std::string> definers_;  ///< owners of SECURITY DEFINER functions, by id
  std::unique_ptr<Look> last_;
  std::map<std::string, std::int64_t> at_first_;  ///< calls of the role by database
  std::map<std::string, std::string> texts_;      ///< of what ran, by key
  CaptureGap gap_;
};

/// What the statements need: those inside functions name variables where no table has such a column, and are not kept
/// among the footprint's statements. Temporary tables that they make are left out.
Footprint footprint_of(const CapturedStatements& captured, const KnownColumns& known);

}  // namespace switchback::postgres
