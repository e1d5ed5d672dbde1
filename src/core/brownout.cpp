#include "switchback/core/brownout.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "switchback/core/rule.hpp"
#include "switchback/core/units.hpp"

namespace switchback {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<std::pair<BrownoutOutcome, std::string_view>, 4> outcomes{
    {{BrownoutOutcome::quiet, "quiet"},
     {BrownoutOutcome::tripped, "tripped"},
     {BrownoutOutcome::suspected, "suspected"},
     {BrownoutOutcome::cut_short, "cut_short"}}};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<Stretches> parse_stretches(std::string_view text) {
  Stretches out;
  if (trimmed(text) == "none") return out;
  if (trimmed(text) == "on") return Stretches{seconds(5), seconds(60), seconds(3600)};
  for (;;) {
    const std::size_t comma = text.find(',');
    const auto length = parse_duration(trimmed(text.substr(0, comma)));
    if (!length || *length < seconds(1) || *length > std::chrono::hours(24) || length->count() % 1000 != 0)
      return std::nullopt;
    out.push_back(std::chrono::duration_cast<seconds>(*length));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

std::string format_stretches(const Stretches& stretches) {
  if (stretches.empty()) return "none";
  std::string out;
  for (const seconds length : stretches) out += (out.empty() ? "" : ", ") + format_duration(length);
  return out;
}

std::string show_stretches(std::span<const seconds> stretches) {
  std::string out;
  for (const seconds length : stretches) out += (out.empty() ? "" : " + ") + show_duration(length);
  return out;
}

BrownoutScope brownout_scope(const Plan& plan) {
  BrownoutScope scope;
  for (const Step& step : plan.contract.steps) {
    if (const auto* drop = std::get_if<DropColumn>(&step.action))
      scope.columns.push_back(drop);
    else if (!rule_of(step.action) && !std::holds_alternative<ReplaceColumn>(step.action) &&
             !std::holds_alternative<ReplaceTable>(step.action))
      scope.left_out.push_back(describe(step.action) + ": only columns are browned out");
  }
  return scope;
}

std::string_view name(BrownoutOutcome outcome) {
  return std::ranges::find(outcomes, outcome, &std::pair<BrownoutOutcome, std::string_view>::first)->second;
}

std::optional<BrownoutOutcome> brownout_outcome_named(std::string_view name) {
  const auto found = std::ranges::find(outcomes, name, &std::pair<BrownoutOutcome, std::string_view>::second);
  return found == outcomes.end() ? std::nullopt : std::optional(found->first);
}

std::size_t stretches_done(std::span<const PastStretch> past, const Stretches& wanted) {
  std::size_t done = 0;
  for (const PastStretch& one : past) {
    const bool tripped = one.outcome == BrownoutOutcome::tripped || one.outcome == BrownoutOutcome::suspected;
    if (tripped) done = 0;
    if (one.outcome == BrownoutOutcome::quiet && done < wanted.size() && one.length == wanted[done]) ++done;
  }
  return done;
}

milliseconds pause_after(seconds stretch) {
  return std::clamp<milliseconds>(stretch, seconds(2), std::chrono::minutes(5));
}

milliseconds undone_within(seconds stretch) {
  return stretch + seconds(2);
}

bool rollbacks_rose(double count, milliseconds time, double usual) {
  return count > 3 * usual * std::chrono::duration<double>(time).count() + 10;
}

}  // namespace switchback
