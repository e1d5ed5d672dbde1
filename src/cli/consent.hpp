/// Nothing destructive happens without a yes. Private to the command line.
#pragma once

#include <string>
#include <vector>

#include "invocation.hpp"

namespace switchback::cli {

/// Whether reaching `target` takes away what an older image needs.
bool contract_target(const Plan& plan, std::optional<State> target);

/// The yes to a plan's contract: at a terminal its name, typed; elsewhere --yes with --approve HASH (in development
/// --yes alone). Error(Exit::approval) with the command that would say yes; Error(Exit::usage) for a hash too short.
void ask_for_contract(Invocation& invocation, const Plan& plan, std::string_view target, const std::string& approve);

/// The yes to turning back, where something is lost or in production: the plan's name, typed, or --yes.
void ask_for_turning_back(Invocation& invocation, const std::string& plan, const std::string& command, bool loses);

/// Whether `approve` (hex digits, at least 12, with or without `sha256:`) is the beginning of `hash`.
bool approves(std::string_view approve, std::string_view hash);

}  // namespace switchback::cli
