/// Steps of the three phases and whole changes, from their maps. Private to the plan reader.
#pragma once

#include <vector>

#include "fields.hpp"
#include "switchback/core/plan.hpp"

namespace switchback::plan_file {

/// `phase` is "expand", "migrate" or "contract". What belongs elsewhere is noted, with where.
std::vector<Step> read_steps(Findings& findings, std::string_view phase, const Value& list);

std::vector<Change> read_changes(Findings& findings, const Value& list);

/// The forward and backward columns of a backfill: names that the user chooses, each with an expression.
ColumnExpressions read_expressions(Findings& findings, std::string_view key, const Value& map);

std::vector<std::string> read_names(Findings& findings, std::string_view key, const Value& list);

/// Names, each with another one. `what` it must be, and `hint`: how that is written.
std::vector<std::pair<std::string, std::string>> read_name_pairs(Findings& findings, std::string_view key,
                                                                 const Value& map, std::string_view what,
                                                                 std::string_view hint);
/// By which columns a row of the one table finds that of the other.
ColumnExpressions read_on(Findings& findings, const Value& map);

void read_batch(Findings& findings, const Value& value, BatchLimits& batch);

}  // namespace switchback::plan_file
