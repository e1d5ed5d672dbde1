/// Driving a plan: connections, the watch thread and the engine put together. What `run`, `rollback`, `verify` and
/// `explain` call.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/alerts.hpp"
#include "switchback/core/notification.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/core/state.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/engine/evidence_document.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/verifying.hpp"

namespace switchback::daemon {

/// An override by name: usage, horizon, loss, backup, approval.
struct Despite {
  std::string what;
  std::string reason;
};

struct DriveRequest {
  std::vector<SettingValue> settings;  ///< file, environment and flags; the plan's and the live ones are added here
  std::vector<AlertSource> alerts;     ///< what `run` polls beside the database
  std::vector<NotifyTarget> notify;    ///< who is told meanwhile
  engine::Actor actor;
  bool wait = false;     ///< wait at observation, soak and the rest too
  bool consent = false;  ///< the destructive half was agreed to (typed name, --yes with --approve, development)
  std::vector<Despite> despite;
  /// Called from the driving thread, at most ten times a second while something moves, and at every change of state or
  /// hold. The record is fresh from the journal's point of view.
  std::function<void(const engine::PlanRecord&)> on_progress;
};

struct DriveOutcome {
  Exit exit = Exit::done;
  State state = State::planned;
  std::optional<Hold> hold;               ///< why it stopped short, with exit 5, 6 or 9
  int signal = 0;                         ///< SIGINT or SIGTERM, when that stopped it (a checkpoint was written)
  std::vector<std::string> reports = {};  ///< a line for each backfill or verification that was finished on the way
  std::optional<engine::Verification> verified = {};  ///< what was found right after turning back
};

/// Registers the plan when it is new and drives it on to `target` (a resting state); empty: migrated, or done for a
/// plan of additive steps only. Throws Error for refusals (another runner: Exit::busy; changed text: Exit::drift …).
DriveOutcome run_plan(const Plan& plan, std::optional<State> target, const DriveRequest& request);

/// What turning back would do and cost; nothing is changed.
struct TurnBack {
  std::vector<std::string> steps;   ///< in words, in order
  std::vector<std::string> losses;  ///< what would be lost, counted; empty: nothing
  std::vector<std::string> images;  ///< running or pinned, and in need of what would go; empty: none
  std::vector<std::string> uses;    ///< statements that used what would go
  long seconds = 0;                 ///< estimate
};
TurnBack plan_rollback(const std::string& name, State to, const DriveRequest& request);
/// Turns back to an earlier resting state; `to`: migrated, expanded or rolled_back. Then looks whether all is right
/// there (engine/verifying.hpp); Exit::failed where it is not. A runner that ended in between left that to the next.
DriveOutcome rollback_plan(const std::string& name, State to, const DriveRequest& request);

/// Whether the plan is in `to` and, where a way back led there, was looked at since.
bool is_turned_back(const std::string& name, State to, const DriveRequest& request);

struct Comparison {
  std::int64_t rows = 0;
  std::int64_t wrong = 0;       ///< neither side follows from the other
  std::int64_t both_sides = 0;  ///< written by the application on both sides with values that do not agree; never wrong
  std::int64_t quarantined = 0;  ///< could not be converted
  std::int64_t unfilled = 0;
  std::vector<std::string> samples;  ///< keys of wrong rows, as JSON objects; at most 20
};
/// Compares both sides of every row now, in throttled batches; changes nothing.
Comparison verify_plan(const std::string& name, const DriveRequest& request);

/// What the journal and the present disagree on, in words.
struct Repair {
  std::vector<std::string> differences;
  bool applied = false;
};
/// Accepts what a hold of kind drift named: the present shape of the plan's tables and, with `text`, a changed plan
/// file whose steps are the same (description, images, windows, approvals, settings may differ; others are refused) but
/// for the expressions of backfills, which sync goes on with. Only the journal and the sync function change, with an
/// event; approvals of the old text are void. Without `apply` it only looks. Refused
/// while a runner has the plan.
Repair repair_plan(const std::string& name, const std::optional<Plan>& text, bool apply, const DriveRequest& request);

/// Every step of every phase with its exact SQL. `online` false: without a database, expressions as written.
Explained explain_plan(const Plan& plan, const DriveRequest& request, bool online);

/// One evidence sample and the verdict on everything the plan's contract takes away, now.
engine::UsageReport usage_of(const std::string& name, const DriveRequest& request);

}  // namespace switchback::daemon
