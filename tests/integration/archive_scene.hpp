/// A plan that takes columns away, on a real server, moved through hide, archive, drop and restore by hand: what the
/// stepper does, one call at a time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/engine/archiver.hpp"
#include "switchback/engine/hiding.hpp"
#include "switchback/engine/losing.hpp"
#include "switchback/engine/restoring.hpp"
#include "sync_table.hpp"

namespace switchback::tests {

struct SceneText {
  std::string create;  ///< SQL that makes and fills the table
  TableName table{"public", "users"};
  std::optional<PlanText> sync;
  std::vector<Step> contract;
  bool no_archive = false;
};

/// users(id, full_name) split into first_name and last_name; full_name is dropped. `lossy`: the first name is
/// lower-cased, so that only the archive knows what it was.
SceneText split_scene(int rows, bool lossy = false);

class ContractScene {
 public:
  explicit ContractScene(const SceneText& text);

  void hide();
  void unhide();
  void start_archive();
  /// Every leaf, in batches; again from the start of a batch that met a lock.
  void copy(std::int64_t limit = 7);
  void sweep();
  /// Rows that differ, over the whole table.
  std::int64_t verify(std::int64_t limit = 5);
  void archive() {
    start_archive();
    copy();
    sweep();
    verify();
  }
  std::vector<std::string> objections();
  void drop();
  void begin_restore();
  /// One pass over the unfilled rows, as the backfill would do it.
  void fill();
  void end_filling();
  void rebuild();
  void end_restore();
  void restore() {
    begin_restore();
    fill();
    end_filling();
    rebuild();
    end_restore();
  }

  engine::LossCount losses(std::int64_t batch);
  std::string fingerprint();

  /// Runs `work` in a transaction that commits.
  void transaction(const std::function<void(ports::Session&)>& work);
  std::unique_ptr<ports::Session> connect(const std::string& options = {}) const { return table_->connect(options); }
  ports::Session& session() { return *session_; }
  ports::Rows exec(const std::string& sql) { return application_->exec(sql); }
  std::string one(const std::string& sql) { return exec(sql).text(0, 0); }
  /// One line a row, values joined by `|`, NULL as `-`.
  std::string rows(const std::string& sql);
  const TakenTable& taken() const { return taken_.front(); }
  const std::string& uri() const { return table_->uri(); }
  Plan& plan() { return plan_; }

 private:
  void put_sync(const std::optional<SyncPlan>& plan, bool definer, bool triggers);

  std::unique_ptr<SyncedTable> table_;
  std::unique_ptr<ports::Session> session_;      ///< as the runner's: search_path pg_catalog
  std::unique_ptr<ports::Session> application_;  ///< as an application's: search_path public
  Plan plan_;
  engine::PlanId id_ = 0;
  std::optional<SyncPlan> normal_;
  std::vector<TakenTable> taken_;
};

/// Runs `work` again and again in threads until it goes; a failure there is thrown at its end.
class Writers {
 public:
  Writers(int count, std::function<void(int number, std::atomic<bool>& go)> work);
  ~Writers();
  /// Waits for all, throws what one of them threw.
  void stop();

 private:
  std::atomic<bool> go_{true};
  std::vector<std::exception_ptr> failures_;
  std::vector<std::thread> threads_;
};

/// Until `condition` holds; fails after 20 s.
void until(const std::string& what, const std::function<bool()>& condition);

}  // namespace switchback::tests
