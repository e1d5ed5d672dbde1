// What may befall a runner: killed at each thing that it records, its server gone, its replica behind.
#include <unistd.h>

#include <algorithm>

#include "drill_course.hpp"
#include "switchback/core/error.hpp"
#include "switchback/postgres/schema_facts.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::daemon {
namespace {

using namespace std::chrono_literals;

/// Batches of few rows, so that a backfill of few has a middle.
ProgramEnvironment small_batches() {
  return {{"SWITCHBACK_BACKFILL_BATCH_MAX_WAL", "1kB"},
          {"SWITCHBACK_BACKFILL_BATCH_TARGET", "5ms"},
          {"SWITCHBACK_BACKFILL_GENTLE", "on"},
          {"SWITCHBACK_HEALTH_REPLICATION_LAG_LIMIT", "50ms"},
          {"SWITCHBACK_HEALTH_REPLICATION_LAG_TARGET", "30ms"}};
}

std::string asked(ports::Session& session, const std::string& sql) {
  const auto rows = session.exec(sql);
  return rows.empty() ? "" : rows.text(0, 0);
}

}  // namespace

bool DrillCourse::has_backfill() const {
  return std::ranges::any_of(stage_.plan().migrate,
                             [](const Step& step) { return std::holds_alternative<Backfill>(step.action); });
}

/// What the journal says that shows how far a plan is: events that a runner does not write again when it takes a plan
/// up.
constexpr const char* milestones = "('state', 'step', 'undone', 'backfilled', 'archive_verified')";

/// Another one whenever it is further.
std::string DrillCourse::progress_token() {
  try {
    return asked(stage_.session(),
                 std::string("SELECT pg_catalog.concat_ws('/', (SELECT pg_catalog.count(*) FROM switchback.event WHERE "
                             "kind IN ") +
                     milestones +
                     "), (SELECT pg_catalog.count(*) FROM switchback.step WHERE status = 'running'), (SELECT "
                     "pg_catalog.count(*) FROM switchback.checkpoint WHERE rows_done > 0))");
  } catch (const Error& error) {
    if (error.sqlstate() == "42P01" || error.sqlstate() == "3F000") return "";
    throw;
  }
}

std::string DrillCourse::last_event() {
  return asked(stage_.session(),
               std::string("SELECT kind || CASE WHEN kind = 'state' THEN ' ' || to_state ELSE coalesce(' ' || "
                           "pg_catalog.left(reason, 80), '') END FROM switchback.event WHERE kind IN ") +
                   milestones + " ORDER BY id DESC LIMIT 1");
}

/// Whoever takes a dead runner's plan over waits for this; here, so that no exit 7 has to be told from others.
void DrillCourse::await_lease() {
  for (;;) {
    Interruption::check();
    if (asked(stage_.session(),
              "SELECT pg_catalog.count(*) FROM switchback.runner WHERE NOT released AND heartbeat + lease > "
              "pg_catalog.clock_timestamp()") == "0")
      return;
    usleep(20'000);
  }
}

void DrillCourse::kill_along(const DrillLeg& leg) {
  std::set<std::string> seen{progress_token()};
  for (int kills = 1;; ++kills) {
    Interruption::check();
    DrillCase one{"kill", shown(leg) + ", kill " + std::to_string(kills)};
    const auto since = Clock::now();
    const auto child = stage_.start(leg.back ? stage_.back(leg.to) : stage_.forward(leg.to));
    bool killed = false;
    const RunnerEnd end = stage_.await(*child, [&] {
      if (killed || !seen.insert(progress_token()).second) return;
      child->signal(SIGKILL);
      killed = true;
    });
    if (!killed || end.ok()) {
      if (end.ok()) return;
      one.finding = stopped_short(leg, end);
      one.finding->what = "after a kill, " + one.finding->what;
      return close(std::move(one), since, true);
    }
    one.name += " after: " + last_event();
    await_lease();
    close(std::move(one), since, false);
  }
}

void DrillCourse::kill_everywhere() {
  const State last = drill_states(stage_.plan()).back();
  std::vector<DrillLeg> ways{{State::rolled_back, last, false}, {last, State::rolled_back, true}};
  for (const DrillLeg& leg : drill_way(stage_.plan()))
    if (leg.back && !(leg.from == last && leg.to == State::rolled_back)) ways.push_back(leg);
  for (const DrillLeg& way : ways) {
    if (request_.say) request_.say("killing the runner " + shown(way));
    go_to(way.from);
    kill_along(way);
    DrillCase one{"boundary", shown(way) + ", after kills"};
    const auto since = Clock::now();
    one.finding = compare(way);
    files_ = postgres::table_files(stage_.session());
    close(std::move(one), since, false);
  }
}

void DrillCourse::go_to(State state) {
  State at = stage_.state();
  if (at == State::planned) at = State::rolled_back;
  if (at == state) return;
  const auto child = stage_.start(state == State::rolled_back ? stage_.back(state) : stage_.forward(state));
  const RunnerEnd end = stage_.await(*child);
  if (!end.ok())
    throw Error(Exit::failed, Remedy::bug, "it did not come to " + std::string(name(state)) + ": " + end.said);
  files_ = postgres::table_files(stage_.session());
}

std::unique_ptr<process::Child> DrillCourse::into_backfill() {
  go_to(State::rolled_back);
  auto child = stage_.start(stage_.forward(State::migrated), small_batches());
  for (;;) {
    Interruption::check();
    if (child->wait(2ms)) return nullptr;
    if (stage_.state() == State::migrating &&
        asked(stage_.session(),
              "SELECT coalesce(pg_catalog.sum(rows_done), 0) > 0 AND NOT pg_catalog.bool_and(finished) "
              "FROM switchback.checkpoint WHERE step LIKE 'backfill %'") == "t")
      return child;
  }
}

void DrillCourse::finish_backfill(process::Child& runner, DrillCase one, Clock::time_point since) {
  const DrillLeg way{State::rolled_back, State::migrated, false};
  const RunnerEnd end = stage_.await(runner);
  if (!end.ok())
    one.finding = stopped_short(way, end);
  else if (!one.finding)
    one.finding = compare(way);
  close(std::move(one), since, !end.ok());
}

void DrillCourse::restart_server() {
  DrillCase one{"restart", "the server is killed in the middle of the backfill"};
  const auto since = Clock::now();
  if (!has_backfill())
    one.skipped = "the plan has no backfill";
  else if (stage_.sandbox() == nullptr)
    one.skipped = "the server is not ours to restart";
  if (!one.skipped.empty()) return close(std::move(one), since, false);
  if (request_.say) request_.say(one.name);
  const auto runner = into_backfill();
  if (!runner) {
    one.skipped = "the backfill was over before: more --rows give it a middle";
    return close(std::move(one), since, false);
  }
  process::stop_server(*stage_.sandbox(), process::Server::primary, process::StopMode::immediate);
  process::start_server(*stage_.sandbox(), process::Server::primary);
  finish_backfill(*runner, std::move(one), since);
}

void DrillCourse::pause_replica() {
  DrillCase one{"replica", "replay is paused on the replica when the backfill begins"};
  const auto since = Clock::now();
  if (!has_backfill())
    one.skipped = "the plan has no backfill";
  else if (stage_.sandbox() == nullptr || !request_.replica)
    one.skipped = "there is no replica of ours";
  if (!one.skipped.empty()) return close(std::move(one), since, false);
  if (request_.say) request_.say(one.name);
  const auto replica =
      postgres::connect({.database = stage_.sandbox()->replica_uri(), .application_name = "switchback drill replica"});
  // Before the plan begins: the lag grows while it expands, and is there when the first batch asks for it.
  go_to(State::rolled_back);
  replica->exec("SELECT pg_catalog.pg_wal_replay_pause()");
  const auto runner = stage_.start(stage_.forward(State::migrated), small_batches());
  bool held = false;
  std::optional<int> ended;
  const auto deadline = Clock::now() + 20s;
  while (!held && !ended && Clock::now() < deadline) {
    Interruption::check();
    ended = runner->wait(20ms);
    held = stage_.hold().starts_with("health:");
  }
  replica->exec("SELECT pg_catalog.pg_wal_replay_resume()");
  if (!held && ended)
    one.skipped = "the backfill was over before the lag grew: more --rows give it a middle";
  else if (!held)
    one.finding = DrillFinding{"backfill", "it did not hold for a replica that replays nothing", {}};
  finish_backfill(*runner, std::move(one), since);
}

}  // namespace switchback::daemon
