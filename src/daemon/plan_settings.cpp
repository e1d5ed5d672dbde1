#include "plan_settings.hpp"

#include <algorithm>

namespace switchback::daemon {

Settings settings_for(const DriveRequest& request, const Plan* plan) {
  std::vector<SettingValue> values = request.settings;
  if (plan)
    for (const auto& [key, value] : plan->settings) values.push_back({key, value, Origin::plan, plan->file});
  std::stable_sort(values.begin(), values.end(),
                   [](const SettingValue& a, const SettingValue& b) { return a.origin < b.origin; });
  return resolve(values);
}

}  // namespace switchback::daemon
