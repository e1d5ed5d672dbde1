/// What a step does to the database, as text: run by the stepper, shown by explain. Pure.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/state.hpp"

namespace switchback {

struct StepSql {
  std::string step;               ///< describe(action)
  std::vector<std::string> sql;   ///< in order
  std::vector<std::string> undo;  ///< in order; empty with `no_undo`
  std::string no_undo;            ///< why there is none
  std::string lock;               ///< strongest table lock, in the server's words: "ACCESS EXCLUSIVE"
  std::string held;               ///< how long, in words: "milliseconds, catalog only"
  bool rewrites = false;
  bool scans = false;
  bool transactional = true;      ///< false: CREATE INDEX CONCURRENTLY and its kind
  Safety before = Safety::works;  ///< the older image while and after it
  Safety after = Safety::works;
};

struct PhaseSql {
  std::string phase;  ///< expand, migrate, hide, archive, drop
  std::vector<StepSql> steps;
};

struct Explained {
  std::string plan;
  std::string hash;
  std::vector<PhaseSql> phases;
  std::vector<std::string> notes;  ///< what to know beforehand: ambiguous inserts, prepared stars, subscribers
};

}  // namespace switchback
