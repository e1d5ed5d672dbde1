/// Writing a plan as YAML.
#pragma once

#include <string>

#include "switchback/core/plan.hpp"

namespace switchback {

/// The long form of `plan` as a plan file (or the short form, where `changes` has not been expanded); read_plan reads
/// the same plan from it. File, text and hash are not part of it.
std::string to_yaml(const Plan& plan);

}  // namespace switchback
