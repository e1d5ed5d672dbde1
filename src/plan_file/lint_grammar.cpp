#include "switchback/plan_file/lint_grammar.hpp"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <set>

#include "fields.hpp"
#include "ignore_reader.hpp"
#include "sql_statements.hpp"
#include "yaml_tree.hpp"

namespace switchback {
namespace {

using plan_file::Node;
using plan_file::NodePointer;

/// Every node below, each once: aliases share theirs, and may do so again and again.
template <class Visit>
void for_each_node(const Node& root, Visit visit) {
  std::vector<const Node*> ahead{&root};
  std::set<const Node*> seen;
  while (!ahead.empty()) {
    const Node& node = *ahead.back();
    ahead.pop_back();
    if (!seen.insert(&node).second) continue;
    visit(node);
    for (const auto& [key, value] : node.entries) {
      ahead.push_back(key.get());
      ahead.push_back(value.get());
    }
    for (const NodePointer& item : node.items) ahead.push_back(item.get());
  }
}

/// A step is told by the place of its kind.
const Node* step_at(const Node& root, const Place& place) {
  const Node* found = nullptr;
  for_each_node(root, [&](const Node& node) {
    for (const auto& [key, value] : node.entries)
      if (key->place == place) found = value.get();
  });
  return found;
}

bool is_named(const Node& key, std::string_view name) {
  return key.value == name || plan_file::parse_identifier(key.value).name == name;
}

/// The key at the end of the path, or nothing.
const Node* key_at(const Node* node, std::string_view path) {
  while (node != nullptr) {
    const std::size_t dot = path.find('.');
    const std::string_view part = path.substr(0, dot);
    const Node* below = nullptr;
    for (const auto& [key, value] : node->entries) {
      if (!is_named(*key, part)) continue;
      if (dot == std::string_view::npos) return key.get();
      below = value.get();
      break;
    }
    node = below;
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return nullptr;
}

Place last_place(const Node& root) {
  Place last = root.place;
  for_each_node(root, [&](const Node& node) {
    if (std::pair(node.place.line, node.place.column) > std::pair(last.line, last.column)) last = node.place;
  });
  return last;
}

/// Those beside the kind of each step or change in a list.
void take_ignores(plan_file::Findings& unheard, const Node& list, std::vector<LintIgnore>& all) {
  for (const NodePointer& item : list.items)
    for (const auto& [key, value] : item->entries) {
      if (key->value != "ignore") continue;
      for (LintIgnore& ignore : plan_file::read_ignores(unheard, {value.get(), key->place})) {
        ignore.from = item->place;
        ignore.to = last_place(*item);
        all.push_back(std::move(ignore));
      }
    }
}

}  // namespace

std::vector<LintIgnore> lint_ignores(const std::string& plan_text) {
  std::vector<LintIgnore> all;
  plan_file::Findings unheard(plan_text, "");
  const NodePointer root = plan_file::read_tree(plan_text, unheard);
  if (root == nullptr) return all;
  for (const auto& [key, value] : root->entries) {
    if (key->value == "ignore")
      for (LintIgnore& ignore : plan_file::read_ignores(unheard, {value.get(), key->place})) {
        ignore.whole_plan = true;
        all.push_back(std::move(ignore));
      }
    take_ignores(unheard, *value, all);
    if (key->value == "contract")
      for (const auto& [below, steps] : value->entries) take_ignores(unheard, *steps, all);
  }
  return all;
}

std::string lint_ignores_yaml(const std::vector<LintIgnore>& ignores) {
  if (ignores.empty()) return {};
  std::vector<std::string> written;
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "ignore" << YAML::Value << YAML::BeginSeq;
  for (const LintIgnore& ignore : ignores) {
    if (std::ranges::find(written, ignore.rule) != written.end()) continue;  // one a plan, whatever the step
    written.push_back(ignore.rule);
    out << YAML::BeginMap << YAML::Key << "rule" << YAML::Value << ignore.rule << YAML::Key << "reason" << YAML::Value
        << YAML::DoubleQuoted << ignore.reason << YAML::EndMap;
  }
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

LintGrammar lint_grammar(const std::string& plan_text) {
  plan_file::Findings unheard(plan_text, "");
  const NodePointer root = plan_file::read_tree(plan_text, unheard);
  LintGrammar grammar;
  grammar.statements = plan_file::statements_of;
  grammar.expression = plan_file::expression_of;
  grammar.place = [root](const Place& step, std::string_view key) {
    const bool whole = step == Place{};
    const Node* node = root == nullptr ? nullptr : whole ? root.get() : step_at(*root, step);
    if (const Node* found = key_at(node, key)) return found->place;
    if (!whole) return step;
    const Node* plan = key_at(root.get(), "plan");
    return plan == nullptr ? Place{1, 1} : plan->place;
  };
  return grammar;
}

}  // namespace switchback
