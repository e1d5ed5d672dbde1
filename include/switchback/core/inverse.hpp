/// The plan that undoes a plan which has taken effect: to roll forward where rolling back is not the way. Pure: what
/// only the journal and the catalog know comes in as facts.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/state.hpp"
#include "switchback/core/table_facts.hpp"
#include "switchback/core/taken_object.hpp"

namespace switchback {

/// A statement that brings back something that the contract takes away, as the journal keeps it for a restore.
struct KnownDefinition {
  std::string kind;  ///< as in engine::StoredDefinition
  std::string structure;
  std::string definition;
};

/// What the contract takes as a whole.
struct WholeTaken {
  TakenObject object;
  std::string now;  ///< of a table: where it is hidden, quoted for SQL; empty: it is not, it was purged
};

/// What is kept of a table's dropped columns.
struct KeptArchive {
  std::string relation;  ///< as shown() writes the table
  std::string archive_table;
  std::string keep_until;  ///< ISO 8601; empty: not dropped yet
};

struct InverseFacts {
  State state = State::contracted;
  std::vector<KnownDefinition> definitions;  ///< in the order in which a restore runs them
  std::vector<TableFacts> tables;            ///< those the plan works on, as they are now
  /// What undoes a step, as recorded when it ran; by phase and ordinal (core/work.hpp). Missing: it is not known.
  std::map<std::pair<std::string, int>, std::vector<std::string>> undo;
  std::vector<WholeTaken> wholes;     ///< with their parts
  std::vector<KeptArchive> archives;  ///< that can still be read
  std::set<std::string> names;        ///< of the plans in the journal
  /// Whether SQL may be run while images of both sides run. Null: nothing may.
  std::function<bool(const std::string&)> bears_both;
  /// The drop step that does what SQL does: hidden and archived before it is gone. Nothing: there is none for it.
  std::function<std::optional<Action>(const std::string&)> as_drop_step;
};

struct Inverse {
  Plan plan;
  std::vector<std::string> lost;        ///< data that this plan does not bring back, and where it is
  std::vector<std::string> look;        ///< what a person should look at
  std::vector<std::string> afterwards;  ///< statements to run by hand when it is contracted
};

/// Error(Exit::refused) naming what nothing can be said of any more: a table that was purged, definitions that are
/// gone; and for a plan that left nothing to undo.
Inverse inverse_of(const Plan& plan, const InverseFacts& facts);

/// The head of the plan file: which plan it undoes, what does not come back, what to look at; lines that begin with #.
std::string inverse_comment(const Plan& original, State state, const Inverse& inverse);

/// `undo-x` for x, `redo-x` for undo-x; numbered where there is such a plan already.
std::string inverse_name(std::string_view name, const std::set<std::string>& taken);

}  // namespace switchback
