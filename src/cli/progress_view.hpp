/// Progress while a command drives a plan. Private to the command line.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "switchback/engine/journal.hpp"

namespace switchback::cli {

/// On standard error: at a terminal one block, redrawn at most ten times a second (a hold's age goes on counting while
/// nothing else moves); elsewhere a line at every change of state or hold, every 5 s in the first minute, and every
/// 30 s after that. A thread of its own draws; show() only takes note.
class ProgressView {
 public:
  explicit ProgressView(bool quiet);
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void show(const engine::PlanRecord& plan);
  /// Takes the block away; nothing is drawn after this.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void draw_until_finished();
  void draw_block(const engine::PlanRecord& plan);
  void print_line(const engine::PlanRecord& plan);
  void clear_block();

  const bool quiet_;
  const bool block_;
  const Clock::time_point started_ = Clock::now();
  std::mutex mutex_;
  std::condition_variable woken_;
  std::optional<engine::PlanRecord> latest_;
  bool changed_ = false;
  bool finished_ = false;
  std::string last_place_;  ///< state and kind of hold of the last line
  Clock::time_point last_drawn_{};
  int block_lines_ = 0;
  std::thread drawer_;
};

/// Draws `text` over the `lines` drawn before; returns how many lines it has now.
int redraw(int descriptor, const std::string& text, int lines);

}  // namespace switchback::cli
