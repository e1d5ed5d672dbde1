/// The steps that make something new. Private to the step reader.
#pragma once

#include "fields.hpp"
#include "switchback/core/plan.hpp"

namespace switchback::plan_file {

/// What a step is read from.
struct Source {
  Findings& findings;
  std::string_view phase;
  Value arguments;
};

Action read_create_table(const Source& source);
Action read_create_enum(const Source& source);
Action read_add_enum_value(const Source& source);
Action read_create_view(const Source& source);
Action read_set_comment(const Source& source);

}  // namespace switchback::plan_file
