/// Whole changes that are more than one step. Private to the step reader.
#pragma once

#include "fields.hpp"
#include "switchback/core/plan.hpp"

namespace switchback::plan_file {

ChangeSplitColumn read_split_column(Findings& findings, const Value& arguments);
ChangeMergeColumns read_merge_columns(Findings& findings, const Value& arguments);
ChangePair read_move_column(Findings& findings, const Value& arguments);
ChangePair read_extract_table(Findings& findings, const Value& arguments);
ChangePair read_inline_table(Findings& findings, const Value& arguments);
ChangePartition read_partition_table(Findings& findings, const Value& arguments);

}  // namespace switchback::plan_file
