/// What must hold between the steps of a plan, as far as it can be known without a database. Private to the reader.
#pragma once

#include "switchback/core/plan.hpp"
#include "yaml_tree.hpp"

namespace switchback::plan_file {

void check_plan(Findings& findings, const Plan& plan);

}  // namespace switchback::plan_file
