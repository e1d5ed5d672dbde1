/// The switchback binary, run as a user would run it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "switchback/process/child.hpp"

namespace switchback::tests {

/// A folder of its own with a plan file and a configuration, and the binary run in it against one database.
class Tool {
 public:
  /// Short windows, no backup: what a test can wait for. The folder goes with the object. Without a schema clone,
  /// unless the configuration speaks of `scratch`; and no queries run on the replica, unless it speaks of `replicas`.
  explicit Tool(std::string database, const std::string& configuration = default_configuration());
  ~Tool();
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;

  static std::string default_configuration();

  /// Writes plan.yaml; returns its path.
  std::string plan(const std::string& text);
  std::string folder() const { return folder_; }
  /// The first 12 hex digits of the plan file's SHA-256.
  std::string plan_hash() const;

  process::Outcome run(const std::vector<std::string>& arguments,
                       std::chrono::seconds deadline = std::chrono::seconds(120)) const;
  std::unique_ptr<process::Child> start(const std::vector<std::string>& arguments) const;
  /// `run plan.yaml --to STATE --wait --yes --approve HASH`.
  std::vector<std::string> run_to(const std::string& state) const;
  /// The plan's state and its hold's kind and reason, as `status -o json` says.
  struct Status {
    std::string state;
    std::string hold_kind;
    std::string hold_reason;
  };
  Status status(const std::string& plan) const;

 private:
  process::Command command(const std::vector<std::string>& arguments) const;
  std::string database_;
  std::string folder_;
  bool own_scratch_ = false;
};

/// Asks until `condition` is true; false when the deadline passes.
template <class Condition>
bool eventually(std::chrono::milliseconds deadline, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    process::run({.argv = {"/bin/sleep", "0.05"}}, std::chrono::seconds(5));
  }
  return true;
}

/// The plan of the documentation, with windows that a test can wait for.
std::string split_plan(const std::string& name, const std::string& observe = "1s", const std::string& soak = "0s");

}  // namespace switchback::tests
