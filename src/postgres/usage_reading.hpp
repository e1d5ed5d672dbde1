/// One look at the statistics and sessions of one server.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "switchback/ports/session.hpp"
#include "usage_coverage.hpp"

namespace switchback::postgres {

struct StatementText {
  std::string role;
  std::string text;
};

/// What, when it moves, means that the counters do not reach back to the look before.
struct CounterMarks {
  std::string dealloc;       ///< pg_stat_statements_info, 14 and newer
  std::string reset;         ///< the same
  std::string server_reset;  ///< pg_stat_bgwriter.stats_reset: moves when a crash emptied all statistics
  std::string server_start;
  bool kept_over_restart = true;  ///< pg_stat_statements.save
};

struct StatementReading {
  Blindness blind;
  std::string schema;  ///< of the extension
  CounterMarks marks;
  /// A query for key (user, query and level as "10/-123/t") and calls of every statement of this database. The key of
  /// one that is hidden from the role is NULL.
  std::string counts;
};

struct SessionSeen {
  std::string role;
  std::string application;
  auto operator<=>(const SessionSeen&) const = default;
};

StatementReading read_statements(ports::Session& session);
/// Texts of some of them by key, from the same server.
std::map<std::string, StatementText> read_texts(ports::Session& session, const StatementReading& reading,
                                                const std::vector<std::string>& keys);
/// Client sessions of this database but switchback's own (application_name switchback…). Behind a pooler these are the
/// pooler's, so a name that is there counts, one that is not proves nothing.
std::vector<SessionSeen> read_sessions(ports::Session& session);

/// Stands for a text that the server has lost (its file could not be read): judged as one that cannot be parsed.
inline constexpr const char* lost_text = "the text is not available";

}  // namespace switchback::postgres
