#include "switchback/core/state.hpp"

#include <algorithm>

namespace switchback {

std::string_view name(Event event) {
  switch (event) {
    case Event::expand:
      return "expand";
    case Event::migrate:
      return "migrate";
    case Event::hide:
      return "hide";
    case Event::contract:
      return "contract";
    case Event::finish:
      return "finish";
    case Event::arrive:
      return "arrive";
    case Event::turn_back:
      return "turn_back";
    case Event::arrive_expanded:
      return "arrive_expanded";
  }
  return "";
}

std::optional<State> state_named(std::string_view name) {
  const auto found = std::ranges::find(state_table, name, &StateFacts::name);
  if (found == state_table.end()) return std::nullopt;
  return found->state;
}

std::string state_diagram() {
  std::string text = "stateDiagram-v2\n    [*] --> planned\n";
  for (const Transition& row : transitions)
    text += "    " + std::string(name(row.from)) + " --> " + std::string(name(row.to)) + ": " +
            std::string(name(row.on)) + "\n";
  text += "    classDef on_the_way font-style:italic\n";
  for (const StateFacts& row : state_table)
    if (!row.resting) text += "    class " + std::string(row.name) + " on_the_way\n";
  return text;
}

std::string state_table_text() {
  std::string text = "| state | what is true of the database | image before | image after |\n|---|---|---|---|\n";
  for (const StateFacts& row : state_table) {
    const std::string mark = row.resting ? "" : "*";
    const Safety untouched = image_safety(row.state, false).before;
    text += "| " + mark + std::string(row.name) + mark + " | " + std::string(row.truth) + " | " +
            std::string(word(row.before)) +
            (untouched == row.before
                 ? ""
                 : "; " + std::string(word(untouched)) + " where nothing was taken away and nothing was synced") +
            " | " + std::string(word(row.after)) + " |\n";
  }
  return text;
}

ImageSafety image_safety(State state, bool takes_away) {
  const StateFacts& row = facts(state);
  if (state == State::done && !takes_away) return {Safety::works, row.after};
  return {row.before, row.after};
}

std::string_view word(Safety safety) {
  switch (safety) {
    case Safety::works:
      return "safe";
    case Safety::unsafe:
      return "unsafe";
    case Safety::breaks:
      return "breaks";
  }
  return "";
}

}  // namespace switchback
