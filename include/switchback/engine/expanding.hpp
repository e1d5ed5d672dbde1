/// The expand phase, and index builds of any phase.
#pragma once

#include "switchback/core/work.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {

/// Every expand step, each complete or absent.
Stop expand(Workbench& bench);
/// One index, concurrently: looks first, clears away an invalid left-over unless somebody is building it right now.
Stop build_index(Workbench& bench, const CreateIndex& index, std::string_view phase, const Work& work);
/// The same of one index outside of any step: `sql` builds it.
Stop build_one(Workbench& bench, const TableName& index, const std::string& sql);
/// drop_not_null, set_default, sql: one transaction, journalled with what undoes it.
Stop run_statement(Workbench& bench, const Step& step, std::string_view phase, const Work& work);

}  // namespace switchback::engine
