/// Reading a plan that is not finished. Private to src/plan_file.
#pragma once

#include <string>
#include <string_view>

#include "switchback/plan_file/plan_reader.hpp"

namespace switchback {

/// read_plan, but what is left to fill in (core/draft.hpp) is read as it stands there.
ReadPlan read_draft(std::string_view text, std::string file);

}  // namespace switchback
