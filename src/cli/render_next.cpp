#include <algorithm>

#include "switchback/cli/render.hpp"
#include "switchback/core/gate.hpp"
#include "switchback/core/shell_word.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

using engine::PlanRecord;

std::string run(const PlanRecord& plan, const std::string& rest = "") {
  return "switchback run " + shell_word(plan.file.empty() ? plan.name + ".yaml" : plan.file) + rest;
}

std::string turn_back(const PlanRecord& plan) {
  return "switchback rollback " + plan.name + (plan.target ? " --to " + std::string(name(*plan.target)) : "");
}

/// What takes the plan on from where it rests, or up where a dead runner left it.
std::string onwards(const PlanRecord& plan) {
  switch (plan.state) {
    case State::planned:
    case State::expanded:
      return run(plan);
    case State::expanding:
    case State::migrating:
      return run(plan) + " takes it up where it stands";
    case State::migrated:
      return plan.takes_away ? "switchback usage " + plan.name + " shows what still needs the old side; then " +
                                   run(plan, " --to contracted --wait")
                             : run(plan, " --to done") + " removes the sync once no older image is needed";
    case State::hiding:
    case State::contracting:
      return run(plan, " --to contracted --wait") + " takes it up where it stands; switchback rollback " + plan.name +
             " --to migrated turns back";
    case State::hidden:
      return run(plan, " --to contracted --wait") + " goes on; switchback rollback " + plan.name +
             " --to migrated brings the old side back";
    case State::contracted:
      return "nothing to do while the archive is kept; switchback restore " + plan.name +
             " brings back what was dropped; later " + run(plan, " --to done");
    case State::done:
      return "nothing to do";
    case State::unhiding:
    case State::restoring:
    case State::rolling_back:
      return turn_back(plan) + " finishes the way back";
    case State::rolled_back:
      return run(plan) + " starts it again";
  }
  return "";
}

std::string out_of_hold(const PlanRecord& plan, HoldKind kind, bool has_runner) {
  const std::string by_itself = "nothing to do: goes on by itself when the hold ends";
  switch (kind) {
    case HoldKind::operator_:
      return "switchback resume " + plan.name;
    case HoldKind::health:
    case HoldKind::hours:
    case HoldKind::lock:
    case HoldKind::failure:
      return has_runner ? by_itself : onwards(plan);
    case HoldKind::usage:
      return has_runner ? by_itself + "; switchback usage " + plan.name + " shows what was seen"
                        : "switchback usage " + plan.name + "; then " + run(plan, " --to contracted --wait");
    case HoldKind::soak:
      return has_runner ? by_itself : run(plan, " --to contracted --wait") + " goes on when the soak is over";
    case HoldKind::requires_:
      return "run the plan that it requires first; then " + run(plan);
    case HoldKind::violation:
      return "mend the rows named, or the image that writes them; then " + run(plan);
    case HoldKind::quarantine:
      return "switchback quarantine " + plan.name + " list";
    case HoldKind::drift:
      return "put back what was changed (switchback explain shows what the plan made); then " + run(plan);
    case HoldKind::horizon:
      return "switchback image list --horizon; the hold names the command for each image; then " +
             run(plan, plan.migrated_at ? " --to contracted --wait" : "");
    case HoldKind::approval:
      return "switchback approve " + plan.name + " --phase contract";
    case HoldKind::backup:
      return "make the backup that it waits for, or set backup: { none: reason } in switchback.yaml";
    case HoldKind::subscriber:
      return "make the subscriber named ready; then " + run(plan);
  }
  return "";
}

}  // namespace

std::optional<ShownHold> hold_of(const PlanRecord& plan) {
  if (plan.paused && (!plan.hold || plan.hold->kind != HoldKind::operator_)) {
    ShownHold shown;
    shown.hold.kind = HoldKind::operator_;
    shown.hold.reason =
        "paused by " + plan.paused->role + (plan.paused->reason.empty() ? "" : ": " + plan.paused->reason);
    shown.hold.ends_when = "switchback resume " + plan.name;
    shown.since = plan.paused->at;
    if (plan.hold) {
      shown.hold.reasons = {shown.hold.reason, plan.hold->reason};
      for (const std::string& reason : plan.hold->reasons)
        if (reason != plan.hold->reason) shown.hold.reasons.push_back(reason);
    }
    return shown;
  }
  if (!plan.hold) return std::nullopt;
  return ShownHold{*plan.hold, plan.hold_since};
}

std::string next_for(const PlanRecord& plan) {
  const bool has_runner = plan.runner && plan.runner->alive;
  if (const auto shown = hold_of(plan)) return out_of_hold(plan, shown->hold.kind, has_runner);
  if (has_runner && plan.state != State::done && plan.state != State::rolled_back)
    return "nothing to do: process " + std::to_string(plan.runner->pid) + " on " + plan.runner->host + " is at it";
  return onwards(plan);
}

std::optional<std::int64_t> turn_back_seconds(const PlanRecord& plan) {
  return switchback::turn_back_seconds(plan.state, plan.takes_away,
                                       plan.progress ? static_cast<double>(plan.progress->rows_estimate) : 0.0,
                                       plan.progress ? plan.progress->rows_per_second : 0.0);
}

}  // namespace switchback::cli
