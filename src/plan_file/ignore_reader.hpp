/// `ignore:` of a plan, a step or a change: lint rules that are not to speak there. Private to the readers.
#pragma once

#include <vector>

#include "fields.hpp"
#include "switchback/core/lint.hpp"

namespace switchback::plan_file {

/// Notes rules that lint does not have, with the nearest one, those that nothing may ignore, and a missing reason. The
/// plan itself does not keep them: they are for lint, which reads them again.
std::vector<LintIgnore> read_ignores(Findings& findings, const Value& list);

}  // namespace switchback::plan_file
