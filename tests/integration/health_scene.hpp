/// A backfill under way that health signals can hold, on a server whose state a test makes bad and good again.
#pragma once

#include <memory>
#include <string>

#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"

namespace switchback::tests {

constexpr int health_rows = 200'000;

/// Batches so small that it lasts as long as a test needs.
struct HealthScene {
  Repaired repaired;
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};
  std::unique_ptr<process::Child> runner;

  /// `health`: what stands below `health:`, in braces. `role`: who runs the plan, without pg_monitor; else postgres.
  explicit HealthScene(const std::string& health = "{ grace: 1s }", const std::string& role = {});

  /// Starts the runner, and waits until some rows are filled.
  void start(const std::string& plan = split_plan("split"));
  /// Waits until the hold's reasons have this in them; `status` must show it too.
  void holds_for(const std::string& reason);
  /// Waits until rows are filled again.
  void moves_again();
  void runs_to_the_end();
  void write(const std::string& file, const std::string& text) const;
};

}  // namespace switchback::tests
