/// The list `alerts` of a configuration. Private to the readers.
#pragma once

#include <string>
#include <vector>

#include "fields.hpp"
#include "switchback/core/alerts.hpp"

namespace switchback::plan_file {

/// Those that are right; what is wrong with the others is in `findings`. `file`: the configuration's own path, from
/// whose folder relative paths start. `key`: under which the list stands.
std::vector<AlertSource> read_alerts(Findings& findings, const Value& list, const std::string& file,
                                     std::string_view key = "alerts");

}  // namespace switchback::plan_file
