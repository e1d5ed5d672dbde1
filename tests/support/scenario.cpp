#include "scenario.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <regex>
#include <stdexcept>

#include "hurried_plan.hpp"
#include "source_folder.hpp"
#include "switchback/core/change.hpp"
#include "switchback/plan_file/plan_reader.hpp"

namespace switchback::tests {
namespace {

namespace fs = std::filesystem;
const fs::path source = source_folder();

/// The blocks between lines `-- or`.
Body blocks(const std::string& text) {
  Body found;
  static const std::regex line("(^|\n)-- or *(?=\n)");
  for (std::sregex_token_iterator at(text.begin(), text.end(), line, -1), end; at != end; ++at) {
    const std::string block = *at;
    if (block.find_first_not_of(" \n") != std::string::npos) found.push_back(block);
  }
  return found;
}

void read_settings(const fs::path& file, Scenario& scenario) {
  if (!fs::exists(file)) return;
  for (const auto& entry : YAML::LoadFile(file)) {
    const auto key = entry.first.as<std::string>();
    if (key == "rows") {
      scenario.rows = entry.second.as<int>();
      scenario.fixed_rows = true;
    } else if (key == "needs")
      scenario.needs = entry.second.as<int>();
    else if (key == "end")
      scenario.end = state_named(entry.second.as<std::string>()).value();
    else if (key == "stays")
      scenario.stays = entry.second.as<std::string>();
    else
      throw std::runtime_error(file.string() + ": what is " + key + "?");
  }
}

Scenario read(const fs::path& folder) {
  Scenario scenario;
  scenario.name = folder.filename();
  const auto required = [&](const char* file) {
    if (!fs::exists(folder / file)) throw std::runtime_error((folder / file).string() + " is missing");
    return content(folder / file);
  };
  scenario.before = required("before.sql");
  scenario.after = required("after.sql");
  // Without one of its own it is the plan of that name that is shipped.
  const fs::path own = folder / "plan.yaml";
  scenario.plan_text = hurried(content(fs::exists(own) ? own : source / "plans" / (scenario.name + ".yaml")));
  scenario.plan = read_plan(scenario.plan_text, "plan.yaml").plan.value();
  scenario.old_image = blocks(content(folder / "old.sql"));
  scenario.new_image = blocks(content(folder / "new.sql"));
  scenario.old_finds_wrong = content(folder / "old_finds_wrong.sql");
  scenario.new_finds_wrong = content(folder / "new_finds_wrong.sql");
  scenario.end = takes_away(scenario.plan) ? State::contracted : State::done;
  read_settings(folder / "scenario.yaml", scenario);
  return scenario;
}

constexpr std::array forward{State::planned, State::expanding, State::expanded,    State::migrating, State::migrated,
                             State::hiding,  State::hidden,    State::contracting, State::contracted};

/// Whether rows of it may be synced: once sync is gone, the old image does not see the new one's writes any more.
bool may_sync(const Plan& plan) {
  const auto backfills = [](const Step& step) { return std::holds_alternative<Backfill>(step.action); };
  const auto fills = [](const Change& change) {
    const auto* add = std::get_if<ChangeAddColumn>(&change.what);
    return add == nullptr || add->fill || (add->default_value && !is_constant(*add->default_value));
  };
  return std::ranges::any_of(plan.migrate, backfills) || std::ranges::any_of(plan.changes, fills);
}

}  // namespace

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all;
  for (const auto& entry : fs::directory_iterator(source / "tests" / "scenarios"))
    if (entry.is_directory()) all.push_back(read(entry.path()));
  std::ranges::sort(all, {}, &Scenario::name);
  return all;
}

std::vector<State> way_forward(State end) {
  if (end == State::done) return {State::planned, State::expanded, State::migrated, State::done};
  std::vector<State> way;
  for (const State state : forward) {
    if (facts(state).resting) way.push_back(state);
    if (state == end) break;
  }
  return way;
}

std::vector<State> states_between(State from, State to) {
  const State start = from == State::rolled_back ? State::planned : from;
  const State goal = to == State::rolled_back ? State::planned : to;
  const auto at = std::ranges::find(forward, start);
  const auto end = std::ranges::find(forward, goal);
  if (goal == State::done) return {start, State::done};
  if (start != State::done && at <= end) return {at, end + 1};
  std::vector<State> way{start};
  if (start == State::contracted) way.insert(way.end(), {State::restoring, State::migrated});
  if (start == State::hidden) way.insert(way.end(), {State::unhiding, State::migrated});
  if (goal != State::migrated) way.insert(way.end(), {State::rolling_back, to});
  return way;
}

Works works_between(const Scenario& scenario, State from, State to) {
  const bool one_way = takes_away(scenario.plan) || may_sync(scenario.plan);
  Works works{true, true};
  for (const State state : states_between(from, to)) {
    const ImageSafety safety = image_safety(state, one_way);
    works.old_image &= safety.before == Safety::works;
    works.new_image &= safety.after == Safety::works;
  }
  return works;
}

}  // namespace switchback::tests
