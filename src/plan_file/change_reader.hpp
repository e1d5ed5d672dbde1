/// Whole changes that are more than one step. Private to the step reader.
#pragma once

#include "fields.hpp"
#include "switchback/core/plan.hpp"

namespace switchback::plan_file {

ChangeSplitColumn read_split_column(Findings& findings, const Value& arguments);
ChangeReplaceEnum read_replace_enum(Findings& findings, const Value& arguments);
ChangeMergeColumns read_merge_columns(Findings& findings, const Value& arguments);

}  // namespace switchback::plan_file
