#include "switchback/plan_file/config_reader.hpp"

#include <algorithm>

#include "alerts_reader.hpp"
#include "notify_reader.hpp"
#include "settings_tree.hpp"
#include "yaml_tree.hpp"

namespace switchback {

using plan_file::Findings;
using plan_file::Node;
using plan_file::NodePointer;
using plan_file::PlacedSetting;
using plan_file::Value;

ReadConfig read_config(std::string_view text, const std::string& file) {
  Findings findings(text, file);
  ReadConfig result;
  std::vector<PlacedSetting> settings;
  const NodePointer root = plan_file::read_tree(text, findings);
  if (root != nullptr && root->kind != Node::Kind::null) {
    auto roots = plan_file::setting_roots(false);
    roots.push_back("alerts");
    roots.push_back("notify");
    const plan_file::Fields top(findings, Value{root.get(), root->place}, "the configuration", roots);
    if (top.is_map())
      for (const auto& [key, value] : root->entries) {
        const Value* found = key->kind == Node::Kind::scalar ? top.find(key->value) : nullptr;
        if (found == nullptr || found->node != value.get()) continue;
        if (key->value == "alerts")
          result.alerts = plan_file::read_alerts(findings, *found, file);
        else if (key->value == "notify")
          result.notify = plan_file::read_notify(findings, *found, file);
        else
          plan_file::read_settings(findings, key->value, key->place, *found, false, settings);
      }
  }
  for (PlacedSetting& setting : settings) {
    const std::string source =
        file + ":" + std::to_string(setting.place.line) + ":" + std::to_string(setting.place.column);
    result.values.push_back({std::move(setting.key), std::move(setting.value), Origin::file, source});
  }
  result.diagnostics = findings.take();
  return result;
}

ReadConfig read_config_file(const std::string& path) {
  ReadConfig result;
  const auto bytes = plan_file::read_bytes(path, result.diagnostics);
  return bytes ? read_config(*bytes, path) : result;
}

std::string environment_variable(std::string_view key) {
  std::string name = "SWITCHBACK_" + std::string(key);
  std::ranges::transform(name, name.begin(), [](char c) {
    if (c == '.') return '_';
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

std::vector<SettingValue> settings_from_environment(
    const std::function<std::optional<std::string>(const std::string&)>& variable) {
  std::vector<SettingValue> values;
  for (const SettingSpec& spec : setting_specs()) {
    if (is_family(spec)) continue;
    const std::string name = environment_variable(spec.key);
    if (auto value = variable(name))
      values.push_back({std::string(spec.key), std::move(*value), Origin::environment_variable, name});
  }
  return values;
}

}  // namespace switchback
