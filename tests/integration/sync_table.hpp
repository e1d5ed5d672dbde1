/// A table with sync on it, made as expand makes it: new columns, marker, function and triggers in one transaction.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/sync.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::tests {

using Texts = std::vector<std::pair<std::string, std::string>>;

/// A plan as a user would write it; names folded, expressions as written.
struct PlanText {
  std::string name;
  Texts add;  ///< column, type and default
  Texts set;
  Texts reverse;
  std::optional<std::string> where;
  bool reject = false;
  bool exact = false;
  bool new_side_wins_insert = false;
};

class SyncedTable {
 public:
  /// The table exists. Columns are added by add_plan().
  SyncedTable(std::string uri, TableName name);

  void add_plan(const PlanText& plan);
  /// The old side under its tombstone names, in one transaction with the function that follows it; and back.
  void hide(const std::string& plan);
  void unhide(const std::string& plan);
  /// What one batch of the backfill does, over the whole table or the given condition; rows that fail are marked.
  void backfill(const std::string& plan, const std::string& condition = "true");
  /// A row as it is, past the triggers.
  void plant(const std::string& insert);

  ports::Rows exec(const std::string& sql) { return session_->exec(sql); }
  /// The first row's values joined by `|`, NULL as `-`.
  std::string row(const std::string& sql);
  std::string one(const std::string& sql) { return session_->exec(sql).text(0, 0); }
  /// SQLSTATE of the failure, or empty.
  std::string failure(const std::string& sql);

  std::unique_ptr<ports::Session> connect(const std::string& options = {}) const;
  SyncPlan& plan(const std::string& name);
  const SyncTable& sync() const { return sync_; }
  const std::string& uri() const { return uri_; }
  std::string quoted_name() const { return quoted(sync_.name); }

 private:
  void rename(const std::string& plan, bool hidden);

  std::string uri_;
  std::unique_ptr<ports::Session> session_;
  SyncTable sync_;
  std::map<std::string, std::string> visible_;  ///< tombstone to name
};

}  // namespace switchback::tests
