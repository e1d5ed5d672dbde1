/// A rehearsal of a plan: the way it goes, what must be the same at each stop, and what was found. Pure; the doing is
/// daemon/drill's.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/state.hpp"

namespace switchback {

/// One move between resting states. The plan begins and ends as rolled_back.
struct DrillLeg {
  State from = State::rolled_back;
  State to = State::rolled_back;
  bool back = false;
  bool operator==(const DrillLeg&) const = default;
};

/// The resting states that a run of the plan comes by, in order, without `rolled_back`.
std::vector<State> drill_states(const Plan& plan);
/// Forward to each of them; from each back to each earlier one that `rollback` knows, and forward again.
std::vector<DrillLeg> drill_way(const Plan& plan);
std::string shown(const DrillLeg& leg);  ///< "expanded to migrated", "back from migrated to expanded"

/// What a schema is made of: the object ("index public.users_name_idx") and its definition with owner, grants, comment.
using SchemaFacts = std::map<std::string, std::string>;

struct SchemaDifference {
  std::string object;
  std::string words;  ///< "index public.x is left over"
};
std::vector<SchemaDifference> schema_differences(const SchemaFacts& wanted, const SchemaFacts& found);

/// A row in texts that compare: the columns of the plan's old side, of its new side, and the rest.
struct DrillRow {
  std::string rest, old_side, new_side;
  bool operator==(const DrillRow&) const = default;
};
using DrillRows = std::map<std::string, DrillRow>;  ///< by key
/// Whom a row is to look like since somebody wrote it: its key to that of a row nobody wrote.
using DrillWrites = std::map<std::string, std::string>;

/// Rows that are not as they were, or not as they were written; in words. `new_side`: that is compared, too.
std::vector<std::string> row_differences(const DrillRows& wanted, const DrillWrites& written, const DrillRows& found,
                                         bool new_side);

/// The step that mentions the object in its SQL or is about it: of what was worked off between two states. Empty: none.
std::string step_about(const Plan& plan, const DrillLeg& leg, std::string_view text);

/// Whether the name stands in the text as a word of its own.
bool step_mentions(std::string_view text, std::string_view name);

/// What the journal says is done: phase and ordinal, as core/work counts them.
using StepsDone = std::set<std::pair<std::string, int>>;
/// The step that a runner was at when it stopped in `state`; `text`: what it said, for contract and the ways back.
std::string step_under_way(const Plan& plan, State state, const StepsDone& done, std::string_view text);

struct DrillFinding {
  std::string step;  ///< "backfill users"; empty where none can be named
  std::string what;  ///< one sentence
  std::vector<std::string> details;
};

/// One thing that was tried. Without a finding it went well.
struct DrillCase {
  std::string kind;  ///< "boundary", "kill", "restart", "replica", "rows"
  std::string name;
  std::chrono::milliseconds took{0};
  std::optional<DrillFinding> finding = {};
  std::string skipped = {};  ///< why it was not tried
};

struct DrillTable {
  std::string name;
  std::int64_t rows = 0;  ///< in the rehearsal
  double real_rows = -1;  ///< of the target, estimated; below 0: not known
  std::int64_t real_bytes = -1;
  std::string lacking = {};  ///< why it has fewer rows than wanted
};

struct DrillStep {
  std::string name;
  std::string table;  ///< as DrillTable::name; empty: none
  std::chrono::milliseconds took{0};
  bool scales = false;  ///< with the table's rows
  /// What it would take on the real sizes, in proportion: too much, since on few rows most of it is what any number
  /// takes. Empty: not known.
  std::optional<std::chrono::milliseconds> real = {};
};
/// Puts in `real`: in proportion to the rows where it scales.
void estimate(std::vector<DrillStep>& steps, const std::vector<DrillTable>& tables);

struct DrillReport {
  std::string plan;
  std::string hash;
  std::string server;  ///< "PostgreSQL 15.8, a throwaway server"
  std::string schema;  ///< where the schema came from
  std::uint64_t seed = 0;
  std::vector<DrillTable> tables;
  std::vector<DrillCase> cases;
  std::vector<DrillStep> steps;
  std::vector<std::string> notes;             ///< what was otherwise than it will be: windows, overrides
  std::int64_t writes = 0;                    ///< acknowledged, by writers of both images
  std::chrono::milliseconds longest_wait{0};  ///< of a writer behind a lock
  std::chrono::milliseconds took{0};
  bool passed() const;
  std::size_t findings() const;
};

}  // namespace switchback
