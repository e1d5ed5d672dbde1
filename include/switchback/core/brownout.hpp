/// Brownout: for growing stretches nobody may use the old columns, to see who complains. What it takes, and when. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/plan.hpp"

namespace switchback {

using Stretches = std::vector<std::chrono::seconds>;  ///< empty: no brownout

/// `5s, 60s, 1h`, for which `on` stands, or `none`. Empty on anything else: each is of whole
/// seconds, a day at most.
std::optional<Stretches> parse_stretches(std::string_view text);
/// What parse_stretches reads back.
std::string format_stretches(const Stretches& stretches);
/// For people: `5 s + 1m + 1h`.
std::string show_stretches(std::span<const std::chrono::seconds> stretches);

/// What of a contract is taken, and what is left out, in words.
struct BrownoutScope {
  std::vector<const DropColumn*> columns;  ///< of the plan
  std::vector<std::string> left_out;       ///< "index users_idx: only columns have privileges that can be revoked"
};
BrownoutScope brownout_scope(const Plan& plan);

/// How a stretch ended.
enum class BrownoutOutcome {
  quiet,      ///< nothing tripped
  tripped,    ///< somebody was refused, or the application failed: a use
  suspected,  ///< something rose: nobody knows
  cut_short,  ///< ended before its time, or nobody was left to judge it: it says nothing
};
std::string_view name(BrownoutOutcome outcome);
std::optional<BrownoutOutcome> brownout_outcome_named(std::string_view name);

struct PastStretch {
  std::chrono::seconds length{0};
  BrownoutOutcome outcome = BrownoutOutcome::cut_short;
};
/// How many of `wanted` are done, by the stretches so far in their order: after something tripped it begins with the
/// first again, one that was cut short is done again.
std::size_t stretches_done(std::span<const PastStretch> past, const Stretches& wanted);

/// How long everything is as usual between two stretches, so that what broke recovers and late complaints are told from
/// new ones: as long as the one before, at least two seconds, at most five minutes.
std::chrono::milliseconds pause_after(std::chrono::seconds stretch);

/// By when a stretch is undone, whoever is dead: its length and two seconds.
std::chrono::milliseconds undone_within(std::chrono::seconds stretch);

/// Whether rolled-back transactions rose: `count` in `time`, where `usual` a second were seen before. Ten more than
/// three times the usual: a burst of refusals, not a wobble.
bool rollbacks_rose(double count, std::chrono::milliseconds time, double usual);

}  // namespace switchback
