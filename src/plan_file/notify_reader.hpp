/// The list `notify` of a configuration. Private to the readers.
#pragma once

#include <string>
#include <vector>

#include "fields.hpp"
#include "switchback/core/notification.hpp"

namespace switchback::plan_file {

/// Those that are right; what is wrong with the others is in `findings`. `file`: the configuration's own path.
std::vector<NotifyTarget> read_notify(Findings& findings, const Value& list, const std::string& file);

}  // namespace switchback::plan_file
