#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <sstream>

#include "journal_json.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/nearest.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::engine {
namespace {

// Columns are always named: a journal one version newer may have more of them, in any order.
std::string plan_query(const std::string& condition) {
  return "SELECT p.id, p.name, p.hash, p.text, p.file, p.environment, p.state, p.target, p.hold, p.paused, p.progress,"
         " p.resolved, p.takes_away, p.image_before, p.image_after, p.author, " +
         iso("p.state_since") + ", " + iso("p.migrated_at") + ", " + iso("p.hidden_at") + ", " +
         iso("p.contracted_at") + ", p.system_identifier, p.timeline, r.epoch, r.runner, r.host, r.pid, " +
         iso("r.heartbeat") +
         ", r.released, NOT r.released AND r.heartbeat + r.lease > pg_catalog.clock_timestamp(), p.long_form, "
         "b.seconds, " +
         iso("b.begun_at") + ", " + iso("b.deadline") +
         ", greatest(0, extract(epoch FROM b.begun_at - pg_catalog.clock_timestamp()) + b.seconds)::bigint, b.guard"
         " FROM switchback.plan p LEFT JOIN switchback.runner r ON r.plan_id = p.id"
         " LEFT JOIN switchback.brownout b ON b.plan_id = p.id AND b.undone_at IS NULL " +
         condition + " ORDER BY p.id";
}

State state_from(const std::string& plan, const std::string& text) {
  if (const auto state = state_named(text)) return *state;
  throw Error(Exit::failed, Remedy::person,
              "plan " + plan + " is in state '" + text + "', which this switchback does not know",
              "use the newer switchback that put it there");
}

RunnerRecord runner_from(const ports::Rows& rows, std::size_t row) {
  RunnerRecord runner;
  runner.epoch = rows.integer(row, 22);
  runner.runner = rows.text(row, 23);
  runner.host = rows.text(row, 24);
  runner.pid = static_cast<int>(rows.integer(row, 25));
  runner.heartbeat = rows.text(row, 26);
  runner.released = rows.boolean(row, 27);
  runner.alive = rows.boolean(row, 28);
  return runner;
}

PlanRecord plan_from(const ports::Rows& rows, std::size_t row) {
  PlanRecord plan;
  plan.id = rows.integer(row, 0);
  plan.name = rows.text(row, 1);
  plan.hash = rows.text(row, 2);
  plan.text = rows.text(row, 3);
  plan.file = rows.text(row, 4);
  plan.environment = rows.text(row, 5);
  plan.state = state_from(plan.name, rows.text(row, 6));
  if (rows.at(row, 7)) plan.target = state_from(plan.name, rows.text(row, 7));
  if (const auto stored = hold_from_json(rows.at(row, 8))) {
    plan.hold = stored->hold;
    plan.hold_since = stored->since;
  }
  plan.paused = pause_from_json(rows.at(row, 9));
  plan.progress = progress_from_json(rows.at(row, 10));
  plan.resolved = rows.text(row, 11);
  plan.takes_away = rows.boolean(row, 12);
  plan.images = {rows.at(row, 13), rows.at(row, 14)};
  plan.author = rows.text(row, 15);
  plan.state_since = rows.text(row, 16);
  plan.migrated_at = rows.at(row, 17);
  plan.hidden_at = rows.at(row, 18);
  plan.contracted_at = rows.at(row, 19);
  plan.system_identifier = rows.text(row, 20);
  plan.timeline = static_cast<int>(rows.integer(row, 21));
  if (rows.at(row, 22)) plan.runner = runner_from(rows, row);
  plan.long_form = rows.text(row, 29);
  if (rows.at(row, 30))
    plan.brownout = OpenBrownout{rows.integer(row, 30), rows.text(row, 31), rows.text(row, 32), rows.integer(row, 33),
                                 rows.text(row, 34)};
  return plan;
}

std::vector<PlanRecord> plans_from(const ports::Rows& rows) {
  std::vector<PlanRecord> plans;
  plans.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) plans.push_back(plan_from(rows, row));
  return plans;
}

[[noreturn]] void refuse_unknown(ports::Session& session, std::string_view name) {
  const auto rows = session.exec("SELECT name FROM switchback.plan ORDER BY name");
  std::vector<std::string> names;
  for (std::size_t row = 0; row < rows.size(); ++row) names.push_back(rows.text(row, 0));
  std::string hint = "no plan has been started in this database: switchback run PLAN_FILE starts one";
  if (!names.empty()) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    const auto near = nearest(name, views);
    hint = near ? "did you mean " + *near + "? Known here: " : "known here: ";
    constexpr std::size_t most = 20;
    for (std::size_t i = 0; i < std::min(names.size(), most); ++i) hint += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > most) hint += " and " + std::to_string(names.size() - most) + " more";
  }
  throw Error(Exit::invalid, Remedy::person, "there is no plan '" + std::string(name) + "' in this database", hint);
}

std::vector<std::string> words_of(const std::string& list) {
  std::istringstream in(list);
  return {std::istream_iterator<std::string>(in), {}};
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// What a job of a pipeline says of itself, and who started it. SWITCHBACK_PIPELINE for those that are not known here.
std::string current_pipeline() {
  const auto started_by = [](const std::string& who) { return who.empty() ? std::string() : " by " + who; };
  if (const std::string own = variable("SWITCHBACK_PIPELINE"); !own.empty()) return own;
  if (!variable("GITHUB_ACTIONS").empty())
    return variable("GITHUB_SERVER_URL") + "/" + variable("GITHUB_REPOSITORY") + "/actions/runs/" +
           variable("GITHUB_RUN_ID") + started_by(variable("GITHUB_ACTOR"));
  if (!variable("GITLAB_CI").empty()) return variable("CI_JOB_URL") + started_by(variable("GITLAB_USER_LOGIN"));
  return variable("BUILD_URL");  // Jenkins
}

}  // namespace

Actor current_actor() {
  Actor actor;
  // The password file, not $USER: what the environment says of a person is not evidence.
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    actor.os_user = found->pw_name;
  else
    actor.os_user = std::to_string(geteuid());
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0) actor.host = host.data();
  actor.pipeline = current_pipeline();
  return actor;
}

std::optional<PlanRecord> find_plan(ports::Session& session, std::string_view name) {
  const auto plans = plans_from(session.exec(plan_query("WHERE p.name = $1::text"), {std::string(name)}));
  if (plans.empty()) return std::nullopt;
  return plans.front();
}

PlanRecord require_plan(ports::Session& session, std::string_view name) {
  if (auto plan = find_plan(session, name)) return *std::move(plan);
  refuse_unknown(session, name);
}

std::vector<PlanRecord> all_plans(ports::Session& session) {
  return plans_from(session.exec(plan_query("")));
}

std::vector<PlanRecord> live_plans(ports::Session& session) {
  return plans_from(session.exec(
      plan_query("WHERE p.state NOT IN ('planned', 'done', 'rolled_back') OR p.state = 'done' AND EXISTS (SELECT FROM "
                 "switchback.archive a WHERE a.plan_id = p.id AND a.state = 'kept')")));
}

std::vector<EventRecord> events(ports::Session& session, std::optional<PlanId> plan, std::int64_t after_id) {
  const auto rows = session.exec(
      R"(SELECT id, pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), plan, kind, from_state,)"
      " to_state, role, os_user, host, reason, lsn, detail, pipeline, hash, pg_catalog.array_to_string(previous, ' ')"
      " FROM switchback.event"
      " WHERE id > $2::bigint AND ($1::bigint IS NULL OR plan_id = $1::bigint) ORDER BY id",
      {plan ? ports::Value(std::to_string(*plan)) : ports::Value(), std::to_string(after_id)});
  std::vector<EventRecord> found;
  found.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    found.push_back({rows.integer(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3), rows.text(row, 4),
                     rows.text(row, 5), rows.text(row, 6), rows.text(row, 7), rows.text(row, 8), rows.text(row, 9),
                     rows.text(row, 10), rows.text(row, 11), rows.text(row, 12), rows.text(row, 13),
                     words_of(rows.text(row, 14))});
  return found;
}

std::vector<StepRecord> steps(ports::Session& session, PlanId plan) {
  const auto rows =
      session.exec("SELECT phase, ordinal, name, status, detail, " + iso("started_at") + ", " + iso("ended_at") +
                       " FROM switchback.step s WHERE plan_id = $1::bigint ORDER BY s.started_at, ordinal",
                   {std::to_string(plan)});
  std::vector<StepRecord> found;
  found.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    found.push_back({rows.text(row, 0), static_cast<int>(rows.integer(row, 1)), rows.text(row, 2), rows.text(row, 3),
                     rows.text(row, 4), rows.text(row, 5), rows.text(row, 6)});
  return found;
}

std::vector<SettingValue> live_settings(ports::Session& session, PlanId plan) {
  const auto rows = session.exec("SELECT key, value, role, " + iso("until") +
                                     " FROM switchback.setting WHERE plan_id = $1::bigint AND"
                                     " (until IS NULL OR until > pg_catalog.clock_timestamp()) ORDER BY at, key",
                                 {std::to_string(plan)});
  std::vector<SettingValue> values;
  values.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::string until = rows.at(row, 3) ? " until " + rows.text(row, 3) : std::string();
    values.push_back({rows.text(row, 0), rows.text(row, 1), Origin::live, "set by " + rows.text(row, 2) + until});
  }
  return values;
}

std::vector<ApprovalRecord> approvals(ports::Session& session, const PlanRecord& plan) {
  const auto rows = session.exec("SELECT a.phase, a.hash, a.role, " + iso("a.at") +
                                     ", a.reason, a.despite FROM switchback.approval a JOIN switchback.plan p ON"
                                     " p.id = a.plan_id AND p.hash = a.hash WHERE p.id = $1::bigint ORDER BY a.id",
                                 {std::to_string(plan.id)});
  std::vector<ApprovalRecord> found;
  found.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    found.push_back({rows.text(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3), rows.text(row, 4),
                     rows.at(row, 5)});
  return found;
}

std::vector<QuarantinedRow> quarantined(ports::Session& session, PlanId plan) {
  const auto rows = session.exec("SELECT id, relation, key, sqlstate, message, status, " + iso("at") +
                                     ", settled_by, reason FROM switchback.quarantine q WHERE plan_id = $1::bigint"
                                     " ORDER BY q.id",
                                 {std::to_string(plan)});
  std::vector<QuarantinedRow> found;
  found.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    found.push_back({rows.integer(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3), rows.text(row, 4),
                     rows.text(row, 5), rows.text(row, 6), rows.text(row, 7), rows.text(row, 8)});
  return found;
}

}  // namespace switchback::engine
