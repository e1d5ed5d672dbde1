/// Settings, alert sources and whom to notify from switchback.yaml, settings from the environment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/alerts.hpp"
#include "switchback/core/notification.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/plan_file/diagnostic.hpp"

namespace switchback {

struct ReadConfig {
  std::vector<SettingValue> values;  ///< those that are right, also beside diagnostics
  std::vector<AlertSource> alerts;   ///< to be used only without diagnostics
  std::vector<NotifyTarget> notify;  ///< likewise
  std::vector<Diagnostic> diagnostics;
};

/// Same reader, same limits and same diagnostics as plans; an empty file is an empty configuration.
ReadConfig read_config(std::string_view text, const std::string& file);
ReadConfig read_config_file(const std::string& path);

/// SWITCHBACK_SECTION_KEY for every setting of the registry; `variable` is as getenv. Keys with a free part
/// (`health.replicas.*`) cannot be given this way. Values are checked by resolve().
std::vector<SettingValue> settings_from_environment(
    const std::function<std::optional<std::string>(const std::string&)>& variable);

/// `SWITCHBACK_BACKFILL_BATCH_TARGET` for `backfill.batch.target`.
std::string environment_variable(std::string_view key);

}  // namespace switchback
