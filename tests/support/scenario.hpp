/// A change as a folder of SQL: tests/scenarios/NAME (its README says what each file is). No code needed for a new one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/state.hpp"

namespace switchback::tests {

/// What an image does again and again: one of these blocks at a time, each in one transaction. In a block `:id` is a
/// row's key (1 to rows), `:n` a number that nobody gets twice.
using Body = std::vector<std::string>;

struct Scenario {
  std::string name;       ///< of the folder
  std::string before;     ///< SQL: the schema and its rows; `:rows` is how many
  std::string after;      ///< SQL that makes, of an empty `before`, the schema that the plan leads to
  std::string plan_text;  ///< hurried (hurried_plan.hpp)
  Plan plan;
  Body old_image, new_image;                     ///< empty: that image does not write
  std::string old_finds_wrong, new_finds_wrong;  ///< queries that return no row wherever that image works; may be empty
  int rows = 2000;
  bool fixed_rows = false;        ///< said by the folder: more would be something else
  int needs = 13;                 ///< the oldest major version of PostgreSQL that has it
  State end = State::contracted;  ///< how far forward it goes; done, where nothing is taken away
  std::string stays;              ///< a regular expression: lines of the fingerprint that rolling back cannot undo
};

/// Every folder, by name. Throws std::runtime_error that names what is missing or not understood in one.
std::vector<Scenario> scenarios();

/// The resting states of a plan's way up to `end`, planned first.
std::vector<State> way_forward(State end);
/// Every state that a plan is in between two resting ones, both included: forward or back.
std::vector<State> states_between(State from, State to);
/// Whether an image works all the time that the plan goes from one state to the other (or stays).
struct Works {
  bool old_image = false;
  bool new_image = false;
};
Works works_between(const Scenario& scenario, State from, State to);

}  // namespace switchback::tests
