/// What is looked at right after a plan was turned back: both sides, the plan's smoke tests, its images' statements.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/gate.hpp"
#include "switchback/engine/migrating.hpp"

namespace switchback::engine {

/// Columns of a table, and the sum of the 64-bit hashes of their values with the key's, row by row (hashtextextended,
/// modulo 2^64): equal values give equal sums in whichever order they are read, on a replica or a restored backup too.
struct SideSum {
  std::vector<std::string> columns;  ///< empty: every column of the table
  std::string checksum;              ///< 16 hex digits
};

struct VerifiedTable {
  TableName table;
  std::int64_t rows = 0;
  std::optional<Compared> compared;  ///< where there are two sides
  std::vector<SideSum> sides;        ///< the old side first; the new one where it is there
};

struct SmokeResult {
  std::string sql;
  std::string error;  ///< empty: it passed
};

struct ImageResult {
  std::string image;
  GateVerdict verdict = GateVerdict::unknown;  ///< of `gate rollback`, the server asked to prepare its statements
  std::vector<std::string> reasons;
  bool wrong = false;  ///< a no that is this plan's doing, or that was not said before the way back
};

struct Verification {
  State state = State::rolled_back;  ///< where the plan was turned back to
  std::vector<VerifiedTable> tables;
  std::vector<SmokeResult> smoke;
  std::vector<ImageResult> images;

  /// A row, a smoke test or an image is wrong. What is not known is no failure, and named.
  bool failed() const;
};

/// One line for history and notifications.
std::string sentence_of(const Verification& found);
/// The same as a JSON object.
std::string to_json(const Verification& found);

/// What verify_turned_back would look at, in words; for a plan about to be turned back to `to`.
std::string verification_words(const Plan& plan, State to);

/// Whether the plan came to where it is by a way back that nobody has looked at since: its runner ended in between.
bool verification_owed(ports::Session& session, const PlanRecord& record);

/// What the gate says now against the images that are to work once the plan is turned back to `to`: for comparison.
std::vector<std::string> image_reasons(Workbench& bench, State to);

/// Looks at all of it, reading in batches, and writes the result to the history. A paused plan is looked at too. Empty
/// with a Stop that is no arrival: it was not looked at to the end, and is owed still. `before`: image_reasons() of
/// before the way back; empty when nobody asked then, and what no plan has done counts for nothing.
Stop verify_turned_back(Workbench& bench, std::optional<Verification>& found,
                        const std::optional<std::vector<std::string>>& before = std::nullopt);

}  // namespace switchback::engine
