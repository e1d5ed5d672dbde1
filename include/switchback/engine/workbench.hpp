/// What every part of the engine works with: one fenced session that is made again when it breaks, holds, settings.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "switchback/core/backup.hpp"
#include "switchback/core/conditions.hpp"
#include "switchback/core/hold.hpp"
#include "switchback/core/pacing.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/fenced_session.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/engine/resolved.hpp"
#include "switchback/ports/brownout.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/control.hpp"
#include "switchback/ports/image_asking.hpp"
#include "switchback/ports/session.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::engine {

/// How a piece of work ended.
struct Stop {
  enum class Why { arrived, held, signalled, fired };
  Why why = Why::arrived;
  std::optional<Hold> hold;
  std::vector<std::string> conditions = {};  ///< with `fired`: those of the plan, each with its reading

  static Stop arrived() { return {}; }
  static Stop held(Hold hold) { return {Why::held, std::move(hold)}; }
  static Stop signalled() { return {Why::signalled, std::nullopt}; }
  static Stop fired(std::vector<std::string> conditions) { return {Why::fired, std::nullopt, std::move(conditions)}; }
  bool ok() const { return why == Why::arrived; }
};

/// What the outside gives the engine. References outlive it.
struct Surroundings {
  ports::Catalog& catalog;
  ports::Control& control;
  ports::UsageSource& usage;
  Connect connect;
  std::vector<SettingValue> settings;  ///< file, environment, flags
  Actor actor;
  bool wait = false;
  bool consent = false;                                      ///< somebody agreed to what takes away
  std::vector<std::pair<std::string, std::string>> despite;  ///< overrides given now: what, reason
  std::function<void(const PlanRecord&)> on_progress;
  /// The standbys to be sampled, connected to the database of that name; valid until the next call. Empty: none is
  /// configured.
  std::function<std::vector<ports::SampledServer>(const std::string& database)> standbys = {};
  std::vector<ports::SampledPooler> poolers = {};
  ports::BrownoutSurroundings brownout;
  /// What the configured backup tool says of this server's newest backup. Never throws.
  std::function<BackupReading(const Settings& settings, const std::string& system_identifier)> backup = {};
  /// The latest readings of what the plan names under turn_back. Never throws.
  std::function<std::vector<Signal>()> conditions = {};
  Connect probe = {};                    ///< read-only, with the role's own search_path: for SQL of the plan's author
  ports::ImageAsking* asking = nullptr;  ///< null: only where nothing is driven
};

class Workbench {
 public:
  Workbench(Surroundings surroundings, std::unique_ptr<ports::Session> session, Fence fence, Plan plan);

  const Plan& plan() const { return plan_; }
  const PlanRecord& record() const { return record_; }
  const ResolvedPlan& resolved() const { return resolved_; }
  ports::Session& session();
  ports::Catalog& catalog() { return outside_.catalog; }
  ports::Control& control() { return outside_.control; }
  ports::UsageSource& usage() { return outside_.usage; }
  const Surroundings& surroundings() const { return outside_; }
  const Fence& fence() const { return fence_; }

  /// Settings in force now: file, plan, environment, flags, then what `set` changed. Looked up at most once a second.
  const Settings& settings();
  void reload();

  /// Runs `work` in one fenced transaction, again and again after failures that may pass (locks, deadlocks, a lost
  /// server), with growing pauses and the reason shown as a hold. `work` must first look at what is already done: after
  /// a commit in doubt it runs again. Other Errors come out.
  Stop in_transaction(const std::function<void(ports::Session&)>& work);
  /// As above for what cannot run in a transaction; the fence is checked before.
  Stop outside_transaction(const std::function<void(ports::Session&)>& work);

  /// For work that an impatient pause has cancelled and that is to be tried again: not while it is paused.
  bool is_paused(ports::Session& session) const;
  /// Waits while the plan is paused or a budget is exceeded. To be called before every batch and step.
  Stop pause_point(bool heed_health);
  /// The hold that pause_point would wait for, without waiting.
  Stop look_for_hold(bool heed_health, std::optional<Hold>& hold);
  /// What is shown while a failure that may pass is tried again.
  Hold hold_for(const Error& error, int attempt, std::chrono::milliseconds pause) const;

  /// Shows a hold and either waits for `cleared` to come true (looking every `every`), or stops with it: as the kind of
  /// hold and --wait say.
  Stop hold_until(const Hold& hold, std::chrono::milliseconds every, const std::function<std::optional<Hold>()>& look);
  void show_hold(const std::optional<Hold>& hold);
  void show_progress(const Progress& progress);

  /// The plan's conditions for turning back that are met while the old side is hidden, each with its reading.
  std::vector<std::string> fired_conditions();

  /// Whether this override was given, now or with an approval of this text; the reason, or nothing.
  std::optional<std::string> despite(std::string_view what);

  /// Event within the caller's transaction.
  void note(std::string_view kind, std::string_view reason = {}, std::string_view detail = "{}");

  /// The transition `on` from the state the plan is in, with its event; within the caller's transaction. Nothing
  /// happens (false) when the plan is already there: a commit in doubt had counted.
  bool advance(State from, Event on, std::string_view reason = {});

 private:
  Stop attempts(const std::function<void(ports::Session&)>& work, bool transactional);
  std::optional<Hold> standing_hold(bool heed_health);
  std::optional<Hold> hours_hold();
  void show_at_once();
  void report();

  Surroundings outside_;
  FencedSession session_;
  Fence fence_;
  Plan plan_;
  PlanRecord record_;
  ResolvedPlan resolved_;
  Settings settings_;
  ConditionMemory conditions_;
  std::chrono::steady_clock::time_point settings_read_{};
};

/// The role's own search_path for what users wrote, until the transaction ends (SET LOCAL) or, outside one, until
/// reset.
void use_own_search_path(ports::Session& session, bool local);
void use_safe_search_path(ports::Session& session);

}  // namespace switchback::engine
