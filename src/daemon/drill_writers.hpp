/// The application during a rehearsal: writers of both images, and somebody who wants a lock on every table.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "drill_stage.hpp"

namespace switchback::daemon {

/// A table of the rehearsal and what its rows must be.
struct DrilledTable {
  TableName name;
  std::vector<std::string> key;       ///< of the primary key; empty: none
  std::vector<std::string> rest;      ///< columns of the start that are on neither side
  std::vector<std::string> old_side;  ///< what forward reads or reverse writes
  std::vector<std::string> new_side;
  std::vector<std::string> taken;  ///< of `rest`: what the contract drops
  /// Columns that another one replaces, and that one: both images write them under the first's name.
  std::vector<std::pair<std::string, std::string>> replaced;
  std::string becomes;    ///< the name that the plan gives it; empty: it keeps its own
  std::string unwritten;  ///< why nobody writes it; empty: two images do
  DrillRows wanted;       ///< as at the start; the new side as at the first `migrated`
  DrillRows wanted_without_taken;
  bool new_known = false;
  DrillWrites written;
  std::set<std::string> doubtful;  ///< rows whose last write nobody was told of
};

/// Writes while it lives. Rows belong to one writer each; what it writes into one is what a row has that nobody writes,
/// so that it is known on both sides what must come of it.
class DrillWriters {
 public:
  DrillWriters(const DrillStage& stage, std::vector<DrilledTable>& tables, bool old_image, bool new_image,
               std::uint64_t seed);
  ~DrillWriters() { stop(); }
  DrillWriters(const DrillWriters&) = delete;
  DrillWriters& operator=(const DrillWriters&) = delete;

  /// Ends them; `written` of the tables is complete then.
  void stop();
  std::int64_t writes() const { return writes_; }
  std::chrono::milliseconds longest_wait() const { return std::chrono::milliseconds(longest_.load()); }
  /// "v41 could not write users: …"; each once. After stop().
  const std::set<std::string>& failures() const { return failures_; }

 private:
  void write(DrilledTable& table, bool old_image, std::uint64_t seed);
  void want_locks();
  void waited(std::chrono::steady_clock::time_point since);

  const DrillStage& stage_;
  std::vector<DrilledTable>& tables_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> writes_{0};
  std::atomic<std::int64_t> longest_{0};
  std::mutex mutex_;
  std::set<std::string> failures_;
  std::vector<std::thread> threads_;
};

/// Every row of the new image's share takes the new side of a row that nobody writes, one after another: what the
/// reverse makes of it must be the old side of that row.
std::vector<std::string> write_new_side_once(ports::Session& session, DrilledTable& table);

/// Which tables there are, their columns and rows, and what the plan makes of them.
std::vector<DrilledTable> drilled_tables(ports::Session& session, const Plan& plan);

/// Rows as they are now, with the columns that there are in `state`.
DrillRows rows_now(ports::Session& session, const DrilledTable& table, State state);

}  // namespace switchback::daemon
