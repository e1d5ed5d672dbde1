/// A table as people have them, a plan over it with a step of nearly every kind, and what must hold of both whenever
/// the plan comes back to a state in which it has been.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/state.hpp"
#include "tool.hpp"
#include "traffic.hpp"

namespace switchback::tests {

using Words = std::vector<std::string>;

// --- what the table of transitions allows ------------------------------------------------------------------------

/// The states on the shortest way by forward rows alone (or by turning back alone), both ends included; empty: there
/// is none.
std::vector<State> way_forward(State from, State to);
std::vector<State> way_back(State from, State to);

struct Back {
  State from, to;
};
/// Every pair of a state and an earlier resting state to which the table leads back from it.
std::vector<Back> ways_back();
std::string words(Back way);

// --- the scene ---------------------------------------------------------------------------------------------------

/// What the plan takes away in the end.
enum class Takes { columns, nothing_synced, nothing };

/// A database with `users`, what belongs to it, and a plan named split. Each image writes rows of its own, as long as
/// it works in every state on the plan's way; what a writer was told is committed is looked for afterwards.
class StateScene {
 public:
  explicit StateScene(Takes takes = Takes::columns);
  ~StateScene();
  StateScene(const StateScene&) = delete;
  StateScene& operator=(const StateScene&) = delete;
  /// A copy of the database as it is now, with what is known of it. Nobody may be connected to this one.
  std::unique_ptr<StateScene> copy() const;

  const std::string& uri() const { return uri_; }
  State state() const;
  /// Asked by a session of its own; nothing stays connected.
  std::string ask(const std::string& sql) const;

  Words forward(State to) const;
  Words back(State to) const;
  process::Outcome run(const Words& words) const;

  /// The command, which must succeed and arrive; then the writers end, those that work there write, and all is
  /// compared.
  void go(const Words& words, State to);
  /// Ends the command with SIGKILL at the `number`-th commit of a session that sees `when`; false: it ended before.
  bool killed(const Words& words, const std::string& when, int number, bool before = false) const;
  void write_along(const std::vector<State>& way);  ///< starts the writers that work in each of these states
  void stop_writing();
  /// Schema and switchback's own things as the last time in this state, which is noted when it is the first; no
  /// acknowledged write missing on a side that is there and filled; both sides equal where both are.
  void compare();

 private:
  StateScene(const StateScene& other, std::string uri);
  void start(ShopImage image);
  void none_lost(ShopImage through) const;

  std::string uri_;
  Takes takes_;
  std::unique_ptr<Tool> tool_;
  struct Seen {
    std::string schema, apparatus;
  };
  std::map<State, Seen> seen_;
  std::vector<std::unique_ptr<Traffic>> writing_;
  int shares_ = 0;  ///< of the ids that have been given to a writer
  std::map<std::int64_t, std::optional<Traffic::Name>> written_;
};

/// Copies of one scene as it was in each resting state that the plan of columns has been in, made when asked for.
class Stations {
 public:
  StateScene& at(State state);

 private:
  StateScene scene_;
  std::map<State, std::unique_ptr<StateScene>> stations_;
};

}  // namespace switchback::tests
