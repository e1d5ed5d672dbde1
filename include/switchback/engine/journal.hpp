/// The journal as the engine and the command line use it: one function per thing that is recorded or read.
///
/// Everything that changes a plan happens inside a transaction of the caller, so that the change, its record and its
/// event are one. Times are the database server's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/core/hold.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/core/state.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

using PlanId = std::int64_t;

/// Who is at the keyboard; the database role is recorded by the server itself.
struct Actor {
  std::string os_user;
  std::string host;
  /// The job that runs us, as the environment says: GitHub Actions, GitLab, Jenkins, others.
  std::string pipeline = {};
};
Actor current_actor();

struct Pause {
  std::string role;
  std::string reason;
  std::string at;  ///< ISO 8601
};

struct RunnerRecord {
  std::int64_t epoch = 0;
  std::string runner;  ///< a random id, one a process
  std::string host;
  int pid = 0;
  std::string heartbeat;  ///< ISO 8601
  bool released = false;
  bool alive = false;  ///< lease not run out, and not released
};

struct Progress {
  std::string step;  ///< "backfill users"
  std::int64_t rows_done = 0;
  std::int64_t rows_estimate = 0;
  double rows_per_second = 0;
  std::int64_t batch_rows = 0;
  double batch_ms = 0;
  int workers = 0;
  std::optional<std::int64_t> eta_seconds;
  std::int64_t quarantined = 0;
  std::string worst_lag;                    ///< "r1 0.2 s", or empty
  std::vector<std::string> slowed_by = {};  ///< why it is slower than it could be
};

/// A stretch in which the plan's old columns may not be used by anybody.
struct OpenBrownout {
  std::int64_t seconds = 0;  ///< its length
  std::string begun_at;      ///< ISO 8601
  std::string deadline;      ///< ISO 8601; undone by then at the latest
  std::int64_t seconds_left = 0;
  std::string guard;  ///< who undoes it if the runner dies
};

/// One row of switchback.plan and what belongs to it.
struct PlanRecord {
  PlanId id = 0;
  std::string name;
  std::string hash;
  std::string text;
  std::string long_form;  ///< YAML with the short forms expanded; what is run
  std::string file;
  std::string environment;
  State state = State::planned;
  std::optional<State> target;  ///< where a way back is to end
  std::optional<Hold> hold;
  std::string hold_since;  ///< ISO 8601, with `hold`
  std::optional<Pause> paused;
  std::optional<Progress> progress;
  std::string resolved;  ///< JSON
  bool takes_away = false;
  Images images;
  std::string author;
  std::string state_since;
  std::optional<std::string> migrated_at, hidden_at, contracted_at;  ///< ISO 8601
  std::string system_identifier;
  int timeline = 0;
  std::optional<RunnerRecord> runner;
  std::optional<OpenBrownout> brownout;
};

struct EventRecord {
  std::int64_t id = 0;
  std::string at, plan, kind, from, to, role, os_user, host, reason, lsn, detail;  ///< detail: JSON
  std::string pipeline, hash;
  std::vector<std::string> previous;  ///< hashes: check_chain() in core/history_chain
};

struct StepRecord {
  std::string phase;
  int ordinal = 0;
  std::string name;
  std::string status;  ///< running, done, undone
  std::string detail;  ///< JSON
  std::string started_at, ended_at;
};

std::optional<PlanRecord> find_plan(ports::Session& session, std::string_view name);
/// As find_plan; Error(Exit::invalid) listing the names there are, when there is none of that name.
PlanRecord require_plan(ports::Session& session, std::string_view name);
std::vector<PlanRecord> all_plans(ports::Session& session);
/// Plans whose structures are in the database: not planned, done (without kept archive) or rolled_back.
std::vector<PlanRecord> live_plans(ports::Session& session);

std::vector<EventRecord> events(ports::Session& session, std::optional<PlanId> plan, std::int64_t after_id = 0);
std::vector<StepRecord> steps(ports::Session& session, PlanId plan);

/// Appends to the history. `detail` is a JSON object.
void add_event(ports::Session& session, const Actor& actor, std::optional<PlanId> plan, std::string_view kind,
               std::string_view from, std::string_view to, std::string_view reason = {},
               std::string_view detail = "{}");

/// Settings made with `set` that have not run out.
std::vector<SettingValue> live_settings(ports::Session& session, PlanId plan);
void set_live(ports::Session& session, const Actor& actor, PlanId plan, std::string_view key, std::string_view value,
              std::optional<std::chrono::seconds> for_time);

/// `pause` and `resume`: recorded as a request and as an event, in one transaction.
void request_pause(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view reason);
/// The pause alone, in the caller's transaction.
void record_pause(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view reason);
void request_resume(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view reason);

struct ApprovalRecord {
  std::string phase, hash, role, at, reason;
  std::optional<std::string> despite;  ///< "usage", "horizon", "loss", "backup"
};
void add_approval(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view phase,
                  std::optional<std::string> despite, std::string_view reason);
/// Those that are for the plan's present hash; a change of the text voids the others.
std::vector<ApprovalRecord> approvals(ports::Session& session, const PlanRecord& plan);

void store_progress(ports::Session& session, PlanId plan, const Progress& progress);
/// Writes the hold (its `since` stays while the kind does) and, when it differs from the one there in kind or in
/// reason, an event. Readings, words that begin with a digit, are no difference: a lag that goes up and down is one
/// event.
void store_hold(ports::Session& session, const Actor& actor, const PlanRecord& plan, const std::optional<Hold>& hold);

struct QuarantinedRow {
  std::int64_t id = 0;
  std::string relation, key, sqlstate, message, status, at, settled_by, reason;  ///< key: JSON object
};
std::vector<QuarantinedRow> quarantined(ports::Session& session, PlanId plan);
/// Accepts open rows as they are, with an event. A key is a JSON object, or the row's id; one that fits no open row is
/// refused (Exit::invalid). Returns how many rows were accepted. In the caller's transaction.
std::int64_t accept_quarantined(ports::Session& session, const Actor& actor, const PlanRecord& plan,
                                const std::vector<std::string>& keys, std::string_view reason);

}  // namespace switchback::engine
