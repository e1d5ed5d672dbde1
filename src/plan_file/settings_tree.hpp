/// Settings written as nested maps, flattened to the registry's dotted keys. Private to the readers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fields.hpp"

namespace switchback::plan_file {

struct PlacedSetting {
  std::string key;  ///< dotted
  std::string value;
  Place place;
};

/// The settings under `value`, whose own dotted key is `key` (given at `key_place`). In a plan, those that may not
/// stand there are noted; so are unknown ones, and values that do not fit.
void read_settings(Findings& findings, const std::string& key, Place key_place, const Value& value, bool in_plan,
                   std::vector<PlacedSetting>& settings);

/// A setting that is a list, of hours or stretches: as one line, whether written so or as a list.
std::optional<std::string> read_list(Findings& findings, const std::string& key, const Value& value);

/// The first parts of the registry's keys: `backfill`, `lock_timeout`.
std::vector<std::string_view> setting_roots(bool in_plan);

}  // namespace switchback::plan_file
