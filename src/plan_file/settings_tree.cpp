#include "settings_tree.hpp"

#include <algorithm>
#include <array>

#include "switchback/core/settings.hpp"
#include "switchback/core/units.hpp"

namespace switchback::plan_file {
namespace {

/// The keys that may follow `prefix` (empty: the roots), each once.
std::vector<std::string_view> parts_below(std::string_view prefix) {
  std::vector<std::string_view> parts;
  for (const SettingSpec& spec : setting_specs()) {
    std::string_view key = spec.key;
    if (!prefix.empty()) {
      if (!key.starts_with(prefix) || key.size() <= prefix.size() || key[prefix.size()] != '.') continue;
      key.remove_prefix(prefix.size() + 1);
    }
    const std::string_view part = key.substr(0, key.find('.'));
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
  }
  return parts;
}

/// `queries: { none: reason }`: what stands for itself, as in `backup` and `scratch`.
void read_queries(Findings& findings, const std::string& full, const Value& queries,
                  std::vector<PlacedSetting>& settings) {
  constexpr std::array<std::string_view, 1> known = {"none"};
  const Fields fields(findings, queries, "queries", known);
  const Value* none = fields.is_map() ? fields.need("none") : nullptr;
  if (none == nullptr) return;
  const std::string key = full + ".queries.none";
  if (const auto written = Values(findings).setting(key, *none)) settings.push_back({key, *written, none->place});
}

void read_replica(Findings& findings, const std::string& key, const Value& item, bool in_plan,
                  std::vector<PlacedSetting>& settings) {
  constexpr std::array<std::string_view, 4> known = {"name", "policy", "connect", "queries"};
  const Values values(findings);
  const Fields fields(findings, item, "a replica", known);
  const std::string name = fields.need_text("name");
  const Value* connect = fields.find("connect");
  const Value* queries = fields.find("queries");
  // Without a policy it is required, as one that is not named at all.
  const Value* policy = connect || queries ? fields.find("policy") : fields.need("policy");
  if (name.empty()) return;
  const std::string full = std::string(key).append(".").append(name);
  const auto same = [&](const PlacedSetting& setting) {
    return setting.key == full || setting.key == full + ".connect" || setting.key == full + ".queries.none";
  };
  if (std::ranges::any_of(settings, same)) findings.error(item.place, "replica " + name + " is given twice", {});
  if (policy)
    if (const auto written = values.setting(full, *policy)) settings.push_back({full, *written, policy->place});
  if (connect && in_plan)
    findings.error(connect->place, "connect has no place in a plan", "write it in switchback.yaml");
  if (queries && in_plan)
    findings.error(queries->place, "queries has no place in a plan", "write it in switchback.yaml");
  if (connect && queries)
    findings.error(queries->place, "replica " + name + " has both connect and queries: with connect it is sampled",
                   "leave one of them out");
  if (connect)
    if (const auto written = values.setting(full + ".connect", *connect))
      settings.push_back({full + ".connect", *written, connect->place});
  if (queries) read_queries(findings, full, *queries, settings);
}

void read_replicas(Findings& findings, const std::string& key, const Value& list, bool in_plan,
                   std::vector<PlacedSetting>& settings) {
  for (const Value& item : Values(findings).list("replicas", list))
    read_replica(findings, key, item, in_plan, settings);
}

/// A command, or connection strings: a list of words, or one line of them.
std::optional<std::string> read_words(Findings& findings, const std::string& key, const Value& value) {
  const Values values(findings);
  if (value.node->kind != Node::Kind::sequence) return values.setting(key, value);
  std::vector<std::string> words;
  for (const Value& item : values.list(key, value)) {
    const auto word = values.text(key, item);
    if (!word) return std::nullopt;
    words.push_back(*word);
  }
  return words.empty() ? std::nullopt : std::optional(format_words(words));
}

}  // namespace

std::optional<std::string> read_list(Findings& findings, const std::string& key, const Value& value) {
  const Values values(findings);
  if (value.node->kind != Node::Kind::sequence) return values.setting(key, value);
  std::string all;
  for (const Value& item : values.list(key, value)) {
    const auto one = values.setting(key, item);
    if (!one) return std::nullopt;
    all += (all.empty() ? "" : ", ") + *one;
  }
  if (all.empty()) return std::nullopt;
  if (const auto why = misfit(key, all)) {
    findings.error(value.place, key + ": \"" + all + "\" " + *why);
    return std::nullopt;
  }
  return all;
}

namespace {

std::optional<std::string> read_value(Findings& findings, const SettingSpec& spec, const std::string& key,
                                      const Value& value) {
  if (spec.form == "words" || spec.form == "connections") return read_words(findings, key, value);
  if (spec.form == "hours" || spec.form == "stretches") return read_list(findings, key, value);
  return Values(findings).setting(key, value);
}

}  // namespace

std::vector<std::string_view> setting_roots(bool in_plan) {
  std::vector<std::string_view> roots;
  for (const SettingSpec& spec : setting_specs()) {
    const std::string_view root = spec.key.substr(0, spec.key.find('.'));
    if ((spec.in_plan || !in_plan) && std::ranges::find(roots, root) == roots.end()) roots.push_back(root);
  }
  return roots;
}

void read_settings(Findings& findings, const std::string& key, Place key_place, const Value& value, bool in_plan,
                   std::vector<PlacedSetting>& settings) {
  if (key == "health.replicas") return read_replicas(findings, key, value, in_plan, settings);
  const std::string_view last =
      std::string_view(key).substr(key.rfind('.') == std::string::npos ? 0 : key.rfind('.') + 1);
  const auto parts = parts_below(key);
  const bool nested = !parts.empty() && value.node->kind == Node::Kind::map;  // `scratch` is a value and a group
  if (const SettingSpec* spec = setting_spec(key); spec != nullptr && !nested) {
    if (in_plan && !spec->in_plan)
      findings.error(key_place, key + " has no place in a plan", "write it in switchback.yaml");
    if (const auto written = read_value(findings, *spec, key, value)) settings.push_back({key, *written, value.place});
    return;
  }
  const std::size_t dot = key.rfind('.');
  if (parts.empty()) {
    const std::string_view parent =
        dot == std::string::npos ? std::string_view{} : std::string_view(key).substr(0, dot);
    findings.error(key_place, "there is no setting " + key, suggestion(last, parts_below(parent)));
    return;
  }
  const Fields group(findings, value, key, parts);
  if (!group.is_map()) return;
  if (value.node->entries.empty()) findings.error(value.place, key + " is empty", "leave it out");
  for (const auto& [part, node] : value.node->entries) {
    const Value* below = part->kind == Node::Kind::scalar ? group.find(part->value) : nullptr;
    if (below != nullptr && below->node == node.get())  // a second one of the same key is noted already
      read_settings(findings, key + "." + part->value, part->place, *below, in_plan, settings);
  }
}

}  // namespace switchback::plan_file
