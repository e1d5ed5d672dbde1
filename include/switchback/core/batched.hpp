/// sql_batched: a statement over every row of a table, a range of its key at a time. Pure.
#pragma once

#include <string>
#include <string_view>

#include "switchback/core/step_sql.hpp"

namespace switchback {

/// What stands for the rows of the batch in the statement.
constexpr std::string_view batch_rows = "{rows}";

/// The statement for those rows: `range` over the alias `t`, of that leaf alone.
std::string batched_sql(std::string_view statement, const std::string& range, const TableName& leaf);
/// The statement for no row: to be looked at by a parser or planner.
std::string batched_sketch(std::string_view statement);

StepSql sql_batched_step(const SqlBatched& step, const std::string& batch_time);

}  // namespace switchback
