/// What sync is to make of a row, restated over values: the property test's oracle, and the kinds of plans it runs.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sync_table.hpp"

namespace switchback::tests {

using ports::Value;

struct ColumnSpec {
  std::string name;
  std::string type;
  std::vector<Value> values;  ///< what writers choose from
  bool not_null = false;
  std::optional<std::string> default_value;
};

struct Image {
  std::string name;
  std::vector<std::string> columns;
  std::size_t plans = 1;  ///< how many plans must be there before it can run
};

/// A table, the plans on it one after the other, and the images that write it.
struct Kind {
  std::string name;
  std::vector<ColumnSpec> base;
  struct Step {
    PlanText plan;
    std::vector<ColumnSpec> added;
  };
  std::vector<Step> steps;
  std::vector<Image> images;
};
std::vector<Kind> kinds();

/// Values of all side columns, in the model's order, and one marker a plan; 0: unfilled.
struct Row {
  std::vector<Value> values;
  std::vector<char> marks;
  bool operator==(const Row&) const = default;
};
std::string shown(const Row& row);

using Writes = std::map<std::size_t, Value>;  ///< column to what a statement names for it

class Model {
 public:
  Model(const Kind& kind, std::unique_ptr<ports::Session> evaluator);

  /// From here on the plan's new columns are there, in `rows` unfilled.
  void add_plan(const SyncPlan& plan);

  /// Empty: NOT NULL is violated.
  std::optional<Row> inserted(const Writes& writes);
  std::optional<Row> updated(const Row& row, const Writes& writes);
  Row widened(Row row) const;

  std::size_t column(const std::string& name) const;
  const std::vector<ColumnSpec>& columns() const { return columns_; }
  std::size_t plans() const { return plans_.size(); }
  /// As the type prints it.
  Value canonical(std::size_t column, const Value& value);
  /// The value is what an unfilled row of this model has there: writing it cannot be seen.
  bool invisible(const Row& row, std::size_t column, const Value& value) const;

 private:
  struct Side {
    std::vector<std::size_t> columns;
    std::vector<std::pair<std::size_t, std::string>> from_other;  ///< column, expression as written
  };
  struct Plan {
    Side old_side;  ///< from_other: reverse
    Side new_side;  ///< from_other: forward
    bool exact = false;
  };
  using Given = std::optional<std::vector<Value>>;

  Given computed(const Side& side, const std::vector<Value>& row);
  void forward(const Plan& plan, std::vector<Value>& row, char& mark);
  void reverse(const Plan& plan, std::vector<Value>& row, char& mark);
  bool agree(const Plan& plan, const std::vector<Value>& row);
  static bool differs(const Side& side, const std::vector<Value>& one, const std::vector<Value>& other);
  bool violates(const std::vector<Value>& row) const;
  std::string evaluate(const std::string& sql);

  const Kind& kind_;
  std::unique_ptr<ports::Session> evaluator_;
  std::mutex mutex_;
  std::map<std::string, std::optional<std::vector<Value>>> cache_;
  std::vector<ColumnSpec> columns_;
  std::vector<Value> defaults_;
  std::vector<Plan> plans_;
};

}  // namespace switchback::tests
