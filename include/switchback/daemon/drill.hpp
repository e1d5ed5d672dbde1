/// Rehearsing a plan on a server where nothing can be harmed, with the binary that would run it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/drill.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::daemon {

struct DrillRequest {
  std::vector<SettingValue> settings;  ///< file, environment and flags
  engine::Actor actor;
  enum class Schema { target, file, none };
  Schema schema = Schema::target;
  std::string schema_file;
  std::string seed_file;  ///< SQL that makes rows; empty: they are made here
  std::int64_t rows = 500;
  std::uint64_t seed = 1;
  std::string server;                             ///< connection string of a scratch server; empty: a throwaway one
  bool replica = true;                            ///< a throwaway server has a streaming replica
  bool faults = true;                             ///< kills, a restart, a paused replica
  bool first_only = false;                        ///< ends at the first finding
  std::map<std::string, double> sizes = {};       ///< rows of tables, where the target is not asked
  std::function<void(const DrillCase&)> on_case;  ///< after each
  std::function<void(std::string_view)> say;      ///< what is under way
};

struct DrillOutcome {
  DrillReport report;
  int signal = 0;  ///< SIGINT or SIGTERM, when that stopped it; everything is cleared away all the same
};

/// Error when it could not be begun: no server, a schema that cannot be loaded. What goes wrong with the plan is a
/// finding of the report. Everything it made is gone when it returns, however it does.
DrillOutcome drill_plan(const Plan& plan, const DrillRequest& request);

/// Puts a passed drill into the history of the target, where it has a journal: whether it has.
bool record_drill(const DrillReport& report, const DrillRequest& request);

}  // namespace switchback::daemon
