#include "consent.hpp"

#include <algorithm>
#include <iostream>

#include "switchback/core/change.hpp"

namespace switchback::cli {
namespace {

constexpr std::size_t least_digits = 12;

std::string_view digits_of(std::string_view approve) {
  constexpr std::string_view prefix = "sha256:";
  if (approve.starts_with(prefix)) approve.remove_prefix(prefix.size());
  return approve;
}

/// Asks on standard error, so that standard output stays data.
bool typed(const std::string& plan, const std::string& what) {
  std::cerr << what << "\nType the plan's name to go on: " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) std::cerr << "\n";
  return answer == plan;
}

Error not_agreed(const std::string& message, const std::string& hint) {
  return Error(Exit::approval, Remedy::person, message, hint);
}

std::string what_goes(const Plan& plan) {
  std::string text;
  try {
    for (const Step& step : expand_changes(plan, [](const TableName&) { return std::nullopt; }).contract.steps)
      text += "\n  - " + printable(describe(step.action));
  } catch (const Error&) {  // the short form needs the catalog: explain shows it, the question can do without
  }
  return text;
}

}  // namespace

bool contract_target(const Plan& plan, std::optional<State> target) {
  return takes_away(plan) && (target == State::hidden || target == State::contracted || target == State::done);
}

bool approves(std::string_view approve, std::string_view hash) {
  const std::string_view digits = digits_of(approve);
  return digits.size() >= least_digits && hash.starts_with(digits);
}

void ask_for_contract(Invocation& invocation, const Plan& plan, std::string_view target, const std::string& approve) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!approve.empty() && (digits_of(approve).size() < least_digits || !std::ranges::all_of(digits_of(approve), hex)))
    throw usage_error("--approve takes at least 12 hex digits of the plan's hash",
                      "switchback explain shows the hash of a plan file, switchback status that of a started plan");
  const Environment environment = invocation.settings().environment;
  const bool development = environment == Environment::development;
  if (!approve.empty() && !approves(approve, plan.hash))
    throw not_agreed("--approve " + approve + " is not the hash of " + plan.file + ", which is sha256:" + plan.hash,
                     "look at what the file says now (switchback explain " + plan.file + "), then approve that");
  if (invocation.options().yes && (development || !approve.empty())) return;
  if (somebody_to_ask()) {
    if (typed(plan.name, "Contract takes away the old side of " + plan.name + ", as far as " + std::string(target) +
                             ":" + what_goes(plan)))
      return;
    throw not_agreed("that is not the plan's name: nothing was done", "");
  }
  const std::string command = "switchback run " + plan.file + " --to " + std::string(target) + " --yes" +
                              (development ? "" : " --approve " + plan.hash.substr(0, least_digits));
  throw not_agreed("contract takes away the old side of " + plan.name + ", and nobody has said yes to it",
                   "switchback explain " + plan.file + " shows what goes; " + command + " says yes");
}

void ask_for_turning_back(Invocation& invocation, const std::string& plan, const std::string& command, bool loses) {
  if (invocation.options().yes) return;
  if (!loses && invocation.settings().environment != Environment::production) return;
  if (somebody_to_ask()) {
    if (typed(plan, loses ? "What is listed above would be lost." : "This is production.")) return;
    throw not_agreed("that is not the plan's name: nothing was done", "");
  }
  throw not_agreed(
      "turning " + plan + " back " + (loses ? "loses what is listed above" : "in production") + " needs a yes",
      command + " --yes says yes");
}

}  // namespace switchback::cli
