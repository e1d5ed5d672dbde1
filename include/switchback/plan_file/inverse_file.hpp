/// The inverse of a plan as a plan file.
#pragma once

#include <string>

#include "switchback/core/inverse.hpp"

namespace switchback {

/// inverse_of() with what can be known of SQL by its grammar.
Inverse inverse_plan(const Plan& plan, InverseFacts facts);

/// The whole file: inverse_comment() and the plan. Read again it is the same plan. Error(Exit::failed) with the
/// diagnostics when it is none, which is a bug.
std::string inverse_file(const Plan& original, State state, const Inverse& inverse);

}  // namespace switchback
