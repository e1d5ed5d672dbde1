/// Everything that holds for the sake of the server's health, as one hold. Pure.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "switchback/core/hold.hpp"
#include "switchback/core/signals.hpp"

namespace switchback {

/// Gives the latest readings of some signals; called often, from any thread, and never waits for anything.
using SignalSource = std::function<std::vector<Signal>()>;

/// Replication's hold and those of the signals: all reasons, and what ends all of them. Empty when nothing holds.
std::optional<Hold> health_hold(const std::optional<Hold>& replication, const SignalGate::Verdict& signals);

}  // namespace switchback
