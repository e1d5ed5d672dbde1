/// The course of a rehearsal: leg by leg, with what is compared at each stop. Private to the daemon.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drill_stage.hpp"
#include "drill_writers.hpp"

namespace switchback::daemon {

/// Thrown when what was found leaves the plan where it cannot be gone on with, or when the first finding is enough.
struct EndOfDrill {};

class DrillCourse {
 public:
  DrillCourse(DrillStage& stage, const DrillRequest& request, DrillReport& report);

  /// Forward, back and forward again at every boundary, with writers of both images.
  void walk();
  /// The runner killed after each thing that it records, forward to the end, back to the start, and on each shorter way
  /// back.
  void kill_everywhere();
  /// The server killed, and started again, in the middle of a backfill.
  void restart_server();
  /// Replay on the replica paused in the middle of a backfill: it must hold, and go on.
  void pause_replica();

 private:
  using Clock = std::chrono::steady_clock;

  void leg(const DrillLeg& leg);
  std::optional<DrillFinding> drive(const DrillLeg& leg);
  std::optional<DrillFinding> stopped_short(const DrillLeg& leg, const RunnerEnd& end);
  std::optional<DrillFinding> compare(const DrillLeg& leg);
  std::optional<DrillFinding> compare_schema(const DrillLeg& leg);
  std::optional<DrillFinding> compare_files(const DrillLeg& leg);
  std::optional<DrillFinding> compare_rows(const DrillLeg& leg);
  std::optional<DrillFinding> compare_sides(const DrillLeg& leg);
  std::optional<DrillFinding> locks(const DrillLeg& leg, const DrillWriters& writers);
  void note_blocker();
  void time_steps(std::int64_t after);
  /// Adds the case; ends the drill where the first finding is enough, or `fatal` is set and there is one.
  void close(DrillCase one, Clock::time_point since, bool fatal);

  /// One way with the runner killed again and again; `to`: where it must arrive.
  void kill_along(const DrillLeg& leg);
  std::string progress_token();
  std::string last_event();
  void await_lease();
  /// From rolled_back into the middle of the first backfill, with small batches; null where there was no middle.
  std::unique_ptr<process::Child> into_backfill();
  void finish_backfill(process::Child& runner, DrillCase one, Clock::time_point since);
  /// Forward there, or back to the start; nothing happens on the way.
  void go_to(State state);
  bool has_backfill() const;

  DrillStage& stage_;
  const DrillRequest& request_;
  DrillReport& report_;
  std::vector<DrilledTable> tables_;
  std::map<State, SchemaFacts> schemas_;  ///< as each state was when it was first reached
  std::map<std::string, std::int64_t> files_;
  std::chrono::milliseconds lock_budget_;
  std::string blocker_;  ///< the statement that a lock was waited for behind
};

}  // namespace switchback::daemon
