/// A table under test with its model, and how many sessions are let loose on it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <random>

#include "sync_model.hpp"

namespace switchback {
class Error;
}

namespace switchback::tests {

using Random = std::mt19937_64;

/// SWITCHBACK_SEED, or a new one; printed.
std::uint64_t seed();
/// SWITCHBACK_SECONDS, or 0.15 s.
std::chrono::milliseconds phase_length();
std::size_t below(Random& random, std::size_t end);
bool chance(Random& random, double probability);
/// Rolled back by the server to keep transactions apart: tried again as another operation.
bool transient(const Error& error);

/// One kind's table, its model, and what both have in common.
class World {
 public:
  World(const Kind& kind, std::string isolation, std::size_t rows);

  void add_plan();

  void hide(bool hidden);

  Value choose(Random& random, std::size_t column);

  /// The column's name in the database now.
  std::string name(std::size_t column) const;
  std::string literal(std::size_t column, const Value& value) const;
  /// The row's columns as text, then the markers.
  std::string outputs() const;
  Row row_of(const std::vector<Value>& values, std::size_t from = 0) const;
  std::optional<Row> read(ports::Session& session, std::size_t id, const std::string& lock = {}) const;

  /// Images that can run now; hiding takes away those that need what is hidden.
  std::vector<const Image*> images() const;

  void wrong(const std::string& what);
  std::string report() const { return wrong_ ? std::to_string(wrong_) + " wrong:" + first_wrong_ : ""; }

  /// The whole table against the model, and against the verification's own test.
  void compare(const std::string& phase, bool filled);

  /// Page by page, as the engine's batches go; rows that fail alone are marked.
  void backfill();

  SyncedTable& table() { return table_; }
  Model& model() { return model_; }
  const std::string& isolation() const { return isolation_; }
  std::map<std::size_t, Row>& live() { return live_; }
  std::mutex& mutex() { return mutex_; }
  std::atomic<long> operations = 0;
  std::atomic<long> retries = 0;

 private:
  static std::string made(const Kind& kind);
  void exec_insert(SyncedTable& table, std::size_t id, const Writes& writes) const;

  const Kind& kind_;
  std::string isolation_;
  SyncedTable table_;
  Model model_;
  std::map<std::size_t, Row> live_;
  std::mutex mutex_;
  bool hidden_ = false;
  long wrong_ = 0;
  std::string first_wrong_;
};

/// Runs them at once, each on a thread; ends them when `work` is done. What one throws is reported as wrong.
void together(World& world, std::vector<std::function<void(const std::atomic<bool>&)>> runs,
              const std::function<void()>& work);

}  // namespace switchback::tests
