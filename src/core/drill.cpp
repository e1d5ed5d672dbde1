#include "switchback/core/drill.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "switchback/core/work.hpp"

namespace switchback {
namespace {

/// At most so many of many differences are told.
constexpr std::size_t told = 5;

std::size_t place_of(const std::vector<State>& states, State state) {
  return static_cast<std::size_t>(std::ranges::find(states, state) - states.begin());
}

/// What `rollback --to` knows: contract is turned back to migrated, and from there on.
std::vector<State> ways_back(const std::vector<State>& states, State from) {
  if (from == State::hidden) return {State::migrated};
  std::vector<State> to;
  const auto earlier = [&](State state) {
    return place_of(states, state) < place_of(states, from) && std::ranges::find(states, state) != states.end();
  };
  if (from == State::contracted) to.push_back(State::migrated);
  if (from == State::migrated && earlier(State::expanded)) to.push_back(State::expanded);
  to.push_back(State::rolled_back);
  return to;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Whether `word` stands in `text` with no letter beside it.
bool mentions(std::string_view text, std::string_view word) {
  if (word.empty()) return false;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) return true;
  }
  return false;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (is_word(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// Names that a step has something to do with, and its SQL.
std::string text_of(const Action& action) {
  if (const auto* sql = std::get_if<Sql>(&action)) return sql->run + " " + sql->undo.value_or("");
  std::string text = describe(action);
  if (const auto* backfill = std::get_if<Backfill>(&action))
    for (const auto* side : {&backfill->set, &backfill->reverse})
      for (const auto& [column, expression] : *side) text += " " + column;
  if (const auto* index = std::get_if<CreateIndex>(&action)) text += " " + index->name.value_or("");
  return text;
}

/// What is worked off between planned and a state, in order.
std::vector<const Step*> steps_up_to(const Plan& plan, State state) {
  const std::vector<State> states = drill_states(plan);
  std::vector<const Step*> steps;
  const auto add = [&](const std::vector<Step>& phase, State by) {
    if (place_of(states, by) <= place_of(states, state))
      for (const Step& step : phase) steps.push_back(&step);
  };
  add(plan.expand, State::expanded);
  add(plan.migrate, State::migrated);
  add(plan.contract.steps, State::hidden);
  return steps;
}

/// Words that say little: the most telling one is the longest that some step knows.
std::string best_match(const std::vector<const Step*>& steps, std::string_view text) {
  std::vector<std::string> words = words_of(text);
  std::ranges::stable_sort(words, std::ranges::greater{}, &std::string::size);
  constexpr std::array dull{std::string_view("public"), std::string_view("table"),  std::string_view("column"),
                            std::string_view("index"),  std::string_view("is"),     std::string_view("left"),
                            std::string_view("create"), std::string_view("on"),     std::string_view("the"),
                            std::string_view("text"),   std::string_view("default")};
  for (const std::string& word : words) {
    if (std::ranges::find(dull, word) != dull.end()) continue;
    // SQL as it is written can do anything; the other steps were tried often.
    for (const bool written : {true, false})
      for (const Step* step : steps)
        if (std::holds_alternative<Sql>(step->action) == written && mentions(text_of(step->action), word))
          return describe(step->action);
  }
  return {};
}

std::string first_left(const std::vector<Work>& all, std::string_view phase, const StepsDone& done) {
  for (const Work& work : all)
    if (!done.contains({std::string(phase), work.ordinal})) return work.name;
  return {};
}

std::string last_done(const std::vector<Work>& all, std::string_view phase, const StepsDone& done) {
  for (auto work = all.rbegin(); work != all.rend(); ++work)
    if (done.contains({std::string(phase), work->ordinal})) return work->name;
  return {};
}

void add(std::vector<std::string>& all, std::size_t& count, std::string words) {
  if (++count <= told) all.push_back(std::move(words));
}

}  // namespace

std::vector<State> drill_states(const Plan& plan) {
  std::vector<State> states{State::expanded};
  if (!plan.migrate.empty() || takes_away(plan)) states.push_back(State::migrated);
  if (takes_away(plan)) {
    states.push_back(State::hidden);
    states.push_back(State::contracted);
  } else {
    states.push_back(State::done);
  }
  return states;
}

std::vector<DrillLeg> drill_way(const Plan& plan) {
  const std::vector<State> states = drill_states(plan);
  std::vector<DrillLeg> way;
  State at = State::rolled_back;
  for (const State state : states) {
    const auto forward = [&] {
      way.push_back({at, state, false});
      at = state;
    };
    forward();
    for (const State to : ways_back(states, state)) {
      way.push_back({at, to, true});
      at = to;
      if (state != states.back() || to != State::rolled_back) forward();
    }
  }
  return way;
}

std::string shown(const DrillLeg& leg) {
  return (leg.back ? "back from " : "") + std::string(name(leg.from)) + " to " + std::string(name(leg.to));
}

std::vector<SchemaDifference> schema_differences(const SchemaFacts& wanted, const SchemaFacts& found) {
  std::vector<SchemaDifference> all;
  for (const auto& [object, definition] : wanted) {
    const auto now = found.find(object);
    if (now == found.end())
      all.push_back({object, object + " is gone"});
    else if (now->second != definition)
      all.push_back({object, object + " is `" + now->second + "`, was `" + definition + "`"});
  }
  for (const auto& [object, definition] : found)
    if (!wanted.contains(object)) all.push_back({object, object + " is left over"});
  return all;
}

std::vector<std::string> row_differences(const DrillRows& wanted, const DrillWrites& written, const DrillRows& found,
                                         bool new_side) {
  std::vector<std::string> all;
  std::size_t count = 0;
  for (const auto& [key, row] : wanted) {
    const auto now = found.find(key);
    if (now == found.end()) {
      add(all, count, "row " + key + " is gone");
      continue;
    }
    const auto write = written.find(key);
    const DrillRow& like = write == written.end() ? row : wanted.at(write->second);
    const std::string since = write == written.end() ? "" : " since an image wrote it";
    if (now->second.rest != row.rest)
      add(all, count, "row " + key + " is " + now->second.rest + ", was " + row.rest);
    else if (now->second.old_side != like.old_side)
      add(all, count,
          "row " + key + ": the old side is " + now->second.old_side + ", should be " + like.old_side + since);
    else if (new_side && now->second.new_side != like.new_side)
      add(all, count,
          "row " + key + ": the new side is " + now->second.new_side + ", should be " + like.new_side + since);
  }
  for (const auto& [key, row] : found)
    if (!wanted.contains(key)) add(all, count, "row " + key + " was not there before");
  if (count > told) all.push_back("and " + std::to_string(count - told) + " more");
  return all;
}

bool step_mentions(std::string_view text, std::string_view name) {
  return mentions(text, name);
}

std::string step_about(const Plan& plan, const DrillLeg& leg, std::string_view text) {
  const std::vector<const Step*> reached = steps_up_to(plan, leg.back ? leg.from : leg.to);
  if (leg.back) return best_match(reached, text);
  const std::vector<const Step*> before = steps_up_to(plan, leg.from);
  const std::size_t known = leg.from == State::rolled_back ? 0 : std::min(before.size(), reached.size());
  const std::vector<const Step*> now(reached.begin() + static_cast<std::ptrdiff_t>(known), reached.end());
  const std::string found = best_match(now, text);
  return found.empty() ? best_match(reached, text) : found;
}

std::string step_under_way(const Plan& plan, State state, const StepsDone& done, std::string_view text) {
  const std::vector<Work> expand = expand_work(plan);
  const std::vector<Work> migrate = migrate_work(plan);
  if (state == State::planned || state == State::rolled_back || state == State::expanding)
    return first_left(expand, "expand", done);
  if (state == State::expanded || state == State::migrating) return first_left(migrate, "migrate", done);
  if (state == State::rolling_back) {
    const std::string late = last_done(migrate, "migrate", done);
    return late.empty() ? last_done(expand, "expand", done) : late;
  }
  // SQL that fails is named in full; what is in the way of a contract is in the way of what it drops.
  std::vector<const Step*> own;
  std::vector<const Step*> all;
  for (const Step& step : plan.contract.steps) {
    if (text.find(describe(step.action)) != std::string_view::npos) return describe(step.action);
    all.push_back(&step);
    if (!std::holds_alternative<Sql>(step.action)) own.push_back(&step);
  }
  const std::string found = best_match(own, text);
  if (!found.empty()) return found;
  const std::string written = best_match(all, text);
  return written.empty() && !all.empty() ? describe(all.front()->action) : written;
}

void estimate(std::vector<DrillStep>& steps, const std::vector<DrillTable>& tables) {
  for (DrillStep& step : steps) {
    const auto table = std::ranges::find(tables, step.table, &DrillTable::name);
    if (!step.scales) continue;
    if (table == tables.end() || table->real_rows < 0 || table->rows == 0) continue;
    const double factor = std::max(1.0, table->real_rows / static_cast<double>(table->rows));
    step.real = std::chrono::milliseconds(
        static_cast<std::int64_t>(static_cast<double>(std::max<std::int64_t>(step.took.count(), 1)) * factor));
  }
}

std::size_t DrillReport::findings() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(cases, [](const DrillCase& one) { return one.finding.has_value(); }));
}

bool DrillReport::passed() const {
  return findings() == 0;
}

}  // namespace switchback
