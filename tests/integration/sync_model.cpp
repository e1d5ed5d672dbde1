#include "sync_model.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"

namespace switchback::tests {
namespace {

std::string literal(const Value& value, const std::string& type) {
  return "CAST(" + (value ? quote_literal(*value) : "NULL") + " AS " + type + ")";
}

std::string key_of(const std::vector<Value>& values) {
  std::string key;
  for (const Value& value : values) key += value ? "=" + std::to_string(value->size()) + ":" + *value : "-";
  return key;
}

}  // namespace

std::string shown(const Row& row) {
  std::string out = "[";
  for (const Value& value : row.values) out += (value ? "'" + *value + "'" : "NULL") + " ";
  for (const char mark : row.marks) out += mark ? mark : '?';
  return out + "]";
}

Model::Model(const Kind& kind, std::unique_ptr<ports::Session> evaluator)
    : kind_(kind), evaluator_(std::move(evaluator)), columns_(kind.base) {
  for (const ColumnSpec& spec : columns_) {
    defaults_.emplace_back();
    if (spec.default_value)
      defaults_.back() =
          evaluator_->exec("SELECT CAST(" + *spec.default_value + " AS " + spec.type + ")::text").at(0, 0);
  }
}

std::size_t Model::column(const std::string& name) const {
  return static_cast<std::size_t>(std::ranges::find(columns_, name, &ColumnSpec::name) - columns_.begin());
}

void Model::add_plan(const SyncPlan& sync) {
  const Kind::Step& step = kind_.steps.at(plans_.size());
  for (const ColumnSpec& spec : step.added) {
    columns_.push_back(spec);
    defaults_.emplace_back();
    if (spec.default_value)
      defaults_.back() =
          evaluator_->exec("SELECT CAST(" + *spec.default_value + " AS " + spec.type + ")::text").at(0, 0);
  }
  Plan plan;
  plan.exact = step.plan.exact;
  for (const SyncColumn& side : sync.old_side) plan.old_side.columns.push_back(column(side.name));
  for (const SyncColumn& side : sync.new_side) plan.new_side.columns.push_back(column(side.name));
  for (const auto& [name, sql] : step.plan.set) plan.new_side.from_other.emplace_back(column(name), sql);
  for (const auto& [name, sql] : step.plan.reverse) plan.old_side.from_other.emplace_back(column(name), sql);
  plans_.push_back(std::move(plan));
}

Row Model::widened(Row row) const {
  row.values.insert(row.values.end(), defaults_.begin() + static_cast<std::ptrdiff_t>(row.values.size()),
                    defaults_.end());
  row.marks.resize(plans_.size(), '\0');
  return row;
}

Value Model::canonical(std::size_t column, const Value& value) {
  if (!value) return value;
  const std::lock_guard lock(mutex_);
  const std::string key = "value " + std::to_string(column) + *value;
  auto found = cache_.find(key);
  if (found == cache_.end())
    found = cache_
                .emplace(key,
                         std::vector<Value>{
                             evaluator_->exec("SELECT " + literal(value, columns_[column].type) + "::text").at(0, 0)})
                .first;
  return found->second->front();
}

bool Model::invisible(const Row& row, std::size_t column, const Value& value) const {
  for (std::size_t k = 0; k < plans_.size(); ++k)
    if (!row.marks[k] && std::ranges::find(plans_[k].new_side.columns, column) != plans_[k].new_side.columns.end() &&
        value == defaults_[column])
      return true;
  return false;
}

/// The side's columns from the rest of the row; empty when it fails.
Model::Given Model::computed(const Side& side, const std::vector<Value>& row) {
  const std::lock_guard lock(mutex_);
  std::string key;
  for (const auto& [column, sql] : side.from_other) key += sql + ";";
  key += key_of(row);
  if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
  std::string outputs;
  for (const auto& [column, sql] : side.from_other)
    outputs += (outputs.empty() ? "" : ", ") + ("CAST((" + sql + ") AS " + columns_[column].type + ")::text");
  std::string inputs;
  for (std::size_t i = 0; i < row.size(); ++i)
    inputs +=
        (inputs.empty() ? "" : ", ") + literal(row[i], columns_[i].type) + " AS " + quote_identifier(columns_[i].name);
  Given given;
  try {
    given = evaluator_->exec("SELECT " + outputs + " FROM (SELECT " + inputs + ") z").rows.at(0);
    for (std::size_t i = 0; i < side.from_other.size(); ++i)
      if (!(*given)[i] && columns_[side.from_other[i].first].not_null) {
        given.reset();
        break;
      }
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
  }
  return cache_.emplace(key, given).first->second;
}

bool Model::differs(const Side& side, const std::vector<Value>& one, const std::vector<Value>& other) {
  return std::ranges::any_of(side.columns, [&](std::size_t column) { return one[column] != other[column]; });
}

bool Model::violates(const std::vector<Value>& row) const {
  for (std::size_t i = 0; i < row.size(); ++i)
    if (!row[i] && columns_[i].not_null) return true;
  return false;
}

void Model::forward(const Plan& plan, std::vector<Value>& row, char& mark) {
  const Given given = computed(plan.new_side, row);
  mark = given ? 's' : 'f';
  for (std::size_t i = 0; i < plan.new_side.from_other.size(); ++i) {
    const std::size_t column = plan.new_side.from_other[i].first;
    if (given)
      row[column] = (*given)[i];
    else if (!columns_[column].not_null)
      row[column].reset();
  }
}

void Model::reverse(const Plan& plan, std::vector<Value>& row, char& mark) {
  const Given given = computed(plan.old_side, row);
  mark = given ? 's' : 'r';
  for (std::size_t i = 0; given && i < plan.old_side.from_other.size(); ++i)
    row[plan.old_side.from_other[i].first] = (*given)[i];
}

bool Model::agree(const Plan& plan, const std::vector<Value>& row) {
  for (const Side* side : {&plan.new_side, &plan.old_side}) {
    const Given given = computed(*side, row);
    bool same = given.has_value();
    for (std::size_t i = 0; same && i < side->from_other.size(); ++i)
      same = row[side->from_other[i].first] == (*given)[i];
    if (same) return true;
  }
  return false;
}

std::optional<Row> Model::updated(const Row& row, const Writes& writes) {
  std::vector<Value> before = row.values;
  Row after = row;
  for (const auto& [column, value] : writes) after.values[column] = value;
  for (std::size_t k = 0; k < plans_.size(); ++k) {  // an unfilled row first becomes a filled one
    if (after.marks[k]) continue;
    const Given given = computed(plans_[k].new_side, before);
    after.marks[k] = given ? 's' : 'f';
    for (std::size_t i = 0; given && i < plans_[k].new_side.from_other.size(); ++i) {
      const std::size_t column = plans_[k].new_side.from_other[i].first;
      if (after.values[column] == before[column]) after.values[column] = (*given)[i];
      before[column] = (*given)[i];
    }
  }
  std::vector<bool> reversed(plans_.size());
  for (std::size_t k = plans_.size(); k-- > 0;) {
    if (differs(plans_[k].old_side, after.values, before) || !differs(plans_[k].new_side, after.values, before))
      continue;
    reverse(plans_[k], after.values, after.marks[k]);
    reversed[k] = true;
  }
  for (std::size_t k = 0; k < plans_.size(); ++k) {
    if (reversed[k]) continue;
    if (differs(plans_[k].new_side, after.values, before))
      after.marks[k] = agree(plans_[k], after.values) ? 's' : 'b';
    else if (differs(plans_[k].old_side, after.values, before))
      forward(plans_[k], after.values, after.marks[k]);
  }
  if (violates(after.values)) return std::nullopt;
  return after;
}

std::optional<Row> Model::inserted(const Writes& writes) {
  Row row{defaults_, std::vector<char>(plans_.size(), 's')};
  for (const auto& [column, value] : writes) row.values[column] = value;
  const auto supplied = [&](const Plan& plan, const Side& side) {
    return differs(side, row.values, defaults_) ||
           (plan.exact &&
            std::ranges::any_of(side.columns, [&](std::size_t column) { return writes.contains(column); }));
  };
  std::vector<bool> new_supplied(plans_.size());
  std::vector<bool> reversed(plans_.size());
  for (std::size_t k = plans_.size(); k-- > 0;) {
    new_supplied[k] = supplied(plans_[k], plans_[k].new_side);
    reversed[k] = new_supplied[k] && !supplied(plans_[k], plans_[k].old_side);
    if (reversed[k]) reverse(plans_[k], row.values, row.marks[k]);
  }
  for (std::size_t k = 0; k < plans_.size(); ++k) {
    const Plan& plan = plans_[k];
    if (reversed[k]) continue;
    const bool missing = std::ranges::any_of(plan.old_side.columns, [&](std::size_t column) {
      return columns_[column].not_null && !columns_[column].default_value && !row.values[column];
    });
    if (new_supplied[k])
      row.marks[k] = agree(plan, row.values) ? 's' : 'b';
    else if (supplied(plan, plan.old_side) || !missing)
      forward(plan, row.values, row.marks[k]);
    else
      reverse(plan, row.values, row.marks[k]);
  }
  if (violates(row.values)) return std::nullopt;
  return row;
}

}  // namespace switchback::tests
