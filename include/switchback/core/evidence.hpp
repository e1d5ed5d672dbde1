/// Usage evidence and the verdict on it: a pure function of what was observed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchback {

using Instant = std::chrono::sys_time<std::chrono::milliseconds>;  ///< the database server's clock

/// What one source says of one structure.
enum class Finding {
  used,     ///< a positive; needs no coverage
  clear,    ///< looked, and found nothing
  unknown,  ///< could not look, or what it saw may be a use
};

struct Observation {
  std::string source;  ///< "catalog", "functions", "statements", "sessions", "external"
  std::string server;  ///< "primary", or a replica's name
  Finding finding = Finding::clear;
  std::string detail;  ///< who and what: "select full_name from users … by role shop, application shop:v41"
  std::optional<Instant> last_seen;
  std::string remedy;  ///< the command or GRANT that would settle an unknown; may be empty
};

/// A stretch of time in which a runtime source watched without a gap.
struct Coverage {
  std::string source;
  std::string server;
  std::optional<Instant> from;  ///< empty: has not begun
  std::optional<Instant> to;
  std::string cut_by;  ///< why it does not reach further back; may be empty
};

enum class Verdict { used, unknown, unused };

struct StructureEvidence {
  std::string structure;  ///< "public.users.full_name"
  std::vector<Observation> observations;
  std::vector<Coverage> coverage;
  /// Sources that must cover the window for this structure beside those that always must: those that were set up.
  std::vector<std::string> required = {};
};

struct Judgement {
  std::string structure;
  Verdict verdict = Verdict::unknown;
  Instant from;  ///< the window asked for
  Instant to;
  double covered = 0;                   ///< share of the window that every required source covers
  std::vector<Observation> findings;    ///< what speaks against "unused"; for unused: what was looked at
  std::vector<std::string> reasons;     ///< for used and unknown: every reason, in words
  std::vector<std::string> shortfalls;  ///< those of them that are about time nobody watched
  std::vector<std::string> missing;     ///< what would make for a better verdict: each remedy once, and time
  std::vector<Coverage> coverage;       ///< of every runtime source on every server
};

/// The table of rules, for the window [now - window, now]:
///   any `used` observation within the window (or with no time: it holds now)      → used
///   any `unknown` observation within the window (or with no time)                 → unknown, its detail as reason
///   a required runtime source without coverage of the whole window, on any server → unknown, "seen for 3h of 24h"
///   else                                                                          → unused
/// Coverage counts up to now when its last look was at most freshness(window) ago.
Judgement judge(const StructureEvidence& evidence, Instant now, std::chrono::seconds window,
                std::vector<std::string> required_sources);

/// How old the last look may be: 15 minutes, for short windows a quarter of them and 2 s.
std::chrono::milliseconds freshness(std::chrono::seconds window);

/// How far a server's clock was set (negative: back) between two looks at it, by a clock beside it that only goes
/// forward: what the two say has passed differs by more than 2 s, the time the asking took, and a thousandth for clocks
/// that are slewed. Otherwise empty.
std::optional<std::chrono::milliseconds> clock_step(std::chrono::milliseconds server, std::chrono::milliseconds own,
                                                    std::chrono::milliseconds blur);

std::string_view name(Verdict verdict);
std::string_view name(Finding finding);

}  // namespace switchback
