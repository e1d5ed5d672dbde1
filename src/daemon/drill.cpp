#include "switchback/daemon/drill.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "drill_course.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/core/work.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/postgres/schema_facts.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::daemon {
namespace {

using namespace std::chrono_literals;

/// The lock_timeout of the plan, else of the configuration.
std::chrono::milliseconds lock_budget(const Plan& plan, const DrillRequest& request) {
  std::vector<SettingValue> values = request.settings;
  for (const auto& [key, value] : plan.settings) values.push_back({key, value, Origin::plan, plan.file});
  return resolve(values).lock_timeout;
}

bool old_side_is_there(State state, const Plan& plan) {
  return state == State::rolled_back || state == State::expanded || state == State::migrated ||
         (state == State::done && !takes_away(plan));
}

bool new_side_is_filled(State state) {
  return state == State::migrated || state == State::hidden || state == State::contracted || state == State::done;
}

/// Whether the plan mends rows of the table before it tightens what they must keep to.
bool mends(const Plan& plan, const TableName& table) {
  return std::ranges::any_of(plan.migrate, [&](const Step& step) {
    const auto* fix = std::get_if<Fix>(&step.action);
    return fix != nullptr && fix->table == table;
  });
}

/// Rows that were mended stay so, on every way back; those that were deleted stay away.
void adopt_mended(ports::Session& session, DrilledTable& table, const DrillRows& now) {
  const DrillRows without_taken = rows_now(session, table, State::hidden);
  for (auto [rows, as] : {std::pair{&table.wanted, &now}, std::pair{&table.wanted_without_taken, &without_taken}}) {
    std::erase_if(*rows, [&](const auto& row) { return !now.contains(row.first); });
    for (auto& [key, row] : *rows) row.rest = as->at(key).rest;
  }
  for (const auto& [key, like] : table.written)  // what it must look like went with the row that it was written from
    if (!table.wanted.contains(like)) table.doubtful.insert(key);
  std::erase_if(table.written, [&](const auto& write) { return !table.wanted.contains(write.second); });
}

std::vector<std::string> words_of(const std::vector<SchemaDifference>& all) {
  std::vector<std::string> words;
  for (const SchemaDifference& one : all) {
    if (words.size() == 8) {
      words.push_back("and " + std::to_string(all.size() - 8) + " more");
      break;
    }
    words.push_back(one.words);
  }
  return words;
}

void ask_sizes(const DrillRequest& request, DrillReport& report) {
  for (DrillTable& table : report.tables)
    if (const auto found = request.sizes.find(table.name); found != request.sizes.end())
      table.real_rows = found->second;
  if (request.schema != DrillRequest::Schema::target) return;
  const Settings settings = resolve(request.settings);
  const auto session = postgres::connect({.database = settings.database, .application_name = "switchback drill"});
  const auto rows = session->exec(
      "SELECT n.nspname, c.relname, (SELECT pg_catalog.sum(greatest(l.reltuples, 0)) FROM pg_catalog.pg_class l WHERE "
      "l.oid = c.oid OR l.oid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(c.oid) p)), "
      "(SELECT pg_catalog.sum(pg_catalog.pg_table_size(l.oid)) FROM pg_catalog.pg_class l WHERE l.oid = c.oid OR l.oid "
      "IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(c.oid) p)) FROM pg_catalog.pg_class c JOIN "
      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string name = shown(TableName{rows.text(i, 0), rows.text(i, 1)});
    for (DrillTable& table : report.tables)
      if (table.name == name) {
        if (table.real_rows < 0) table.real_rows = rows.number(i, 2);
        table.real_bytes = rows.integer(i, 3);
      }
  }
}

}  // namespace

// --- the course --------------------------------------------------------------------------------------------------

DrillCourse::DrillCourse(DrillStage& stage, const DrillRequest& request, DrillReport& report)
    : stage_(stage),
      request_(request),
      report_(report),
      tables_(drilled_tables(stage.session(), stage.plan())),
      files_(postgres::table_files(stage.session())),
      lock_budget_(lock_budget(stage.plan(), request)) {
  schemas_[State::rolled_back] = postgres::schema_facts(stage.session());
  for (const DrilledTable& table : tables_)
    if (!table.new_side.empty() && !table.unwritten.empty())
      report_.notes.push_back("nobody wrote " + shown(table.name) + " meanwhile: " + table.unwritten);
}

void DrillCourse::walk() {
  for (const DrillLeg& one : drill_way(stage_.plan())) leg(one);
}

void DrillCourse::close(DrillCase one, Clock::time_point since, bool fatal) {
  one.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since);
  const bool found = one.finding.has_value();
  report_.cases.push_back(std::move(one));
  if (request_.on_case) request_.on_case(report_.cases.back());
  if (found && (fatal || request_.first_only)) throw EndOfDrill{};
}

void DrillCourse::leg(const DrillLeg& leg) {
  Interruption::check();
  if (request_.say) request_.say(shown(leg));
  DrillCase one{"boundary", shown(leg)};
  const auto since = Clock::now();
  const bool old_image = old_side_is_there(leg.from, stage_.plan()) && old_side_is_there(leg.to, stage_.plan());
  const bool new_image = new_side_is_filled(leg.from) && leg.to != State::rolled_back;
  const bool synced = leg.from != State::done && leg.to != State::done;
  blocker_.clear();
  bool arrived = false;
  {
    DrillWriters writers(stage_, tables_, old_image && synced, new_image && synced, request_.seed);
    one.finding = drive(leg);
    arrived = !one.finding;
    writers.stop();
    report_.writes += writers.writes();
    report_.longest_wait = std::max(report_.longest_wait, writers.longest_wait());
    if (!one.finding) one.finding = locks(leg, writers);
    if (!one.finding && !writers.failures().empty())
      one.finding = DrillFinding{step_about(stage_.plan(), leg, *writers.failures().begin()),
                                 "an image's writes failed",
                                 {writers.failures().begin(), writers.failures().end()}};
  }
  if (arrived && !one.finding) one.finding = compare(leg);
  if (arrived) files_ = postgres::table_files(stage_.session());
  close(std::move(one), since, !arrived);
}

std::optional<DrillFinding> DrillCourse::drive(const DrillLeg& leg) {
  const bool first = !leg.back && !schemas_.contains(leg.to);
  std::int64_t known = 0;
  if (first && stage_.session().exec("SELECT pg_catalog.to_regclass('switchback.event') IS NOT NULL").boolean(0, 0))
    known = stage_.session().exec("SELECT coalesce(pg_catalog.max(id), 0) FROM switchback.event").integer(0, 0);
  const auto child = stage_.start(leg.back ? stage_.back(leg.to) : stage_.forward(leg.to));
  const RunnerEnd end = stage_.await(*child, [this] { note_blocker(); });
  if (!end.ok()) return stopped_short(leg, end);
  if (first) time_steps(known);
  return std::nullopt;
}

/// Whose lock it is that the application waits for, as long as it does.
void DrillCourse::note_blocker() {
  const auto rows = stage_.session().exec(
      "SELECT b.query FROM pg_catalog.pg_stat_activity w, LATERAL "
      "pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) "
      "AS p(pid) JOIN pg_catalog.pg_stat_activity b ON b.pid = p.pid WHERE w.datname = pg_catalog.current_database() "
      "AND "
      "w.wait_event_type = 'Lock' AND w.application_name LIKE 'drill %' AND b.application_name LIKE 'switchback%' AND "
      "pg_catalog.clock_timestamp() - w.query_start > $1::interval LIMIT 1",
      {std::to_string(lock_budget_.count() / 2) + " ms"});
  if (!rows.empty()) blocker_ = rows.text(0, 0);
}

std::optional<DrillFinding> DrillCourse::locks(const DrillLeg& leg, const DrillWriters& writers) {
  if (writers.longest_wait() <= lock_budget_) return std::nullopt;
  return DrillFinding{step_about(stage_.plan(), leg, blocker_),
                      "the application waited " + show_duration(writers.longest_wait()) +
                          " for a lock, longer than lock_timeout (" + show_duration(lock_budget_) + ")",
                      blocker_.empty() ? std::vector<std::string>{} : std::vector<std::string>{"behind: " + blocker_}};
}

std::optional<DrillFinding> DrillCourse::stopped_short(const DrillLeg& leg, const RunnerEnd& end) {
  std::string held;
  State state = leg.from;
  StepsDone done;
  try {
    held = stage_.hold();
    state = stage_.state();
    done = stage_.steps_done();
  } catch (const Error&) {  // there is no journal: it did not get that far
  }
  DrillFinding finding;
  finding.step = step_under_way(stage_.plan(), state, done, end.said + " " + held);
  if (finding.step.empty()) finding.step = step_about(stage_.plan(), leg, end.said);
  finding.what = "it stopped at " + std::string(name(state)) + " on the way " + shown(leg) + " (exit " +
                 std::to_string(end.exit_code) + ")";
  if (!end.said.empty()) finding.details.push_back(end.said);
  if (!held.empty()) finding.details.push_back("held, " + held);
  return finding;
}

std::optional<DrillFinding> DrillCourse::compare(const DrillLeg& leg) {
  auto finding = compare_schema(leg);
  if (!finding) finding = compare_files(leg);
  if (!finding) finding = compare_rows(leg);
  if (!finding && leg.to == State::migrated && has_backfill()) finding = compare_sides(leg);
  return finding;
}

std::optional<DrillFinding> DrillCourse::compare_schema(const DrillLeg& leg) {
  const SchemaFacts now = postgres::schema_facts(stage_.session());
  const auto known = schemas_.find(leg.to);
  if (known == schemas_.end()) {
    schemas_[leg.to] = now;
    return std::nullopt;
  }
  const auto differences = schema_differences(known->second, now);
  if (differences.empty()) return std::nullopt;
  return DrillFinding{step_about(stage_.plan(), leg, differences.front().words),
                      "the schema is not as it was " + (leg.to == State::rolled_back
                                                            ? std::string("before the plan")
                                                            : "when it was first " + std::string(name(leg.to))),
                      words_of(differences)};
}

std::optional<DrillFinding> DrillCourse::compare_files(const DrillLeg& leg) {
  const auto now = postgres::table_files(stage_.session());
  for (const auto& [table, file] : files_)
    if (const auto found = now.find(table); found != now.end() && found->second != file)
      return DrillFinding{step_about(stage_.plan(), leg, table),
                          "the table " + table + " was rewritten: as long as that takes, nobody can read or write it",
                          {}};
  return std::nullopt;
}

std::optional<DrillFinding> DrillCourse::compare_rows(const DrillLeg& leg) {
  const bool whole = old_side_is_there(leg.to, stage_.plan());
  const bool filled = new_side_is_filled(leg.to);
  for (DrilledTable& table : tables_) {
    DrillRows found = rows_now(stage_.session(), table, whole ? leg.to : State::hidden);
    if (found.empty() && !whole) continue;  // hidden with all its rows
    if (filled && whole && !table.new_known) {
      for (auto& [key, row] : table.wanted)
        if (const auto now = found.find(key); now != found.end()) row.new_side = now->second.new_side;
      table.new_known = true;
      if (mends(stage_.plan(), table.name)) adopt_mended(stage_.session(), table, found);
      for (const std::string& failure : write_new_side_once(stage_.session(), table))
        return DrillFinding{step_about(stage_.plan(), leg, failure), failure, {}};
      found = rows_now(stage_.session(), table, leg.to);
    }
    DrillRows wanted = whole ? table.wanted : table.wanted_without_taken;
    if (!whole)
      for (auto& [key, row] : wanted) {
        row.old_side.clear();
        if (const auto known = table.wanted.find(key); known != table.wanted.end())
          row.new_side = known->second.new_side;
      }
    for (const std::string& key : table.doubtful) {
      wanted.erase(key);
      found.erase(key);
    }
    const auto differences = row_differences(wanted, table.written, found, filled && table.new_known);
    if (differences.empty()) continue;
    std::string step;
    for (const Step& one : stage_.plan().migrate)
      if (const auto* backfill = std::get_if<Backfill>(&one.action);
          backfill != nullptr && backfill->table == table.name)
        step = describe(one.action);
    if (step.empty()) step = step_about(stage_.plan(), leg, shown(table.name));
    return DrillFinding{step,
                        "rows of " + shown(table.name) + " are not as they must be when " + std::string(name(leg.to)),
                        differences};
  }
  return std::nullopt;
}

std::optional<DrillFinding> DrillCourse::compare_sides(const DrillLeg& leg) {
  const auto child = stage_.start({"verify", stage_.plan().name, "-o", "json", "-q"});
  const RunnerEnd end = stage_.await(*child);
  const auto said = nlohmann::json::parse(child->out(), nullptr, false);
  const auto count = [&](const char* key) { return said.is_object() ? said.value(key, 0) : 0; };
  if (end.ok() && count("quarantined") == 0 && count("unfilled") == 0) return std::nullopt;
  return DrillFinding{step_about(stage_.plan(), leg, "backfill"),
                      "the two sides do not agree: " + std::to_string(count("wrong")) + " rows wrong, " +
                          std::to_string(count("quarantined")) + " not converted, " +
                          std::to_string(count("unfilled")) + " not filled",
                      end.said.empty() ? std::vector<std::string>{} : std::vector<std::string>{end.said}};
}

/// What each step took: the time between what the journal says of it and of the step before.
void DrillCourse::time_steps(std::int64_t after) {
  const auto rows = stage_.session().exec(
      "SELECT kind, coalesce(reason, ''), coalesce(to_state, ''), extract(epoch FROM at) * 1000 FROM switchback.event "
      "WHERE id > $1 AND kind IN ('step', 'archive_verified', 'state') ORDER BY id",
      {std::to_string(after)});
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const std::string kind = rows.text(i, 0);
    DrillStep step;
    step.name = kind == "state" ? "arrive at " + rows.text(i, 2) : kind == "step" ? rows.text(i, 1) : "archive, verify";
    step.took = std::chrono::milliseconds(static_cast<std::int64_t>(rows.number(i, 3) - rows.number(i - 1, 3)));
    const std::string word = step.name.substr(0, step.name.find_first_of(" ,"));
    step.scales =
        word == "archive" || word == "backfill" || word == "compare" || word == "create_index" || word == "verify";
    for (const DrillTable& table : report_.tables)
      if (step_mentions(rows.text(i, 1), table.name)) step.table = table.name;
    report_.steps.push_back(std::move(step));
  }
}

// --- all of it ---------------------------------------------------------------------------------------------------

DrillOutcome drill_plan(const Plan& plan, const DrillRequest& request) {
  const auto since = std::chrono::steady_clock::now();
  DrillOutcome outcome;
  DrillReport& report = outcome.report;
  report.plan = plan.name;
  report.hash = plan.hash;
  report.seed = request.seed;
  const Interruption interruption;
  try {
    DrillStage stage(plan, request, report);
    ask_sizes(request, report);
    report.notes = {
        "observation, soak, approvals and brownouts are not waited for; usage, horizon, backup and approval "
        "are overridden, on the scratch server alone",
        "positions of columns are not compared: PostgreSQL cannot put one back in its place"};
    if (!plan.requires_plans.empty())
      report.notes.push_back("the plans that it requires are not looked for: what they made must be in the schema");
    report.notes.insert(report.notes.end(), stage.lacking().begin(), stage.lacking().end());
    DrillCourse course(stage, request, report);
    try {
      course.walk();
      if (request.faults) {
        course.kill_everywhere();
        course.restart_server();
        course.pause_replica();
      }
    } catch (const EndOfDrill&) {
      report.notes.push_back("what comes after a finding was not tried: mend it, and drill again");
    }
  } catch (const Interrupted& interrupted) {
    outcome.signal = interrupted.signal;
  }
  estimate(report.steps, report.tables);
  report.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since);
  return outcome;
}

bool record_drill(const DrillReport& report, const DrillRequest& request) {
  const Settings settings = resolve(request.settings);
  const auto session = postgres::connect({.database = settings.database, .application_name = "switchback drill"});
  if (!engine::journal_version_in(*session)) return false;
  engine::require_readable_journal(*session);
  const auto plan = engine::find_plan(*session, report.plan);
  ports::Transaction transaction(*session);
  engine::add_event(
      *session, request.actor, plan ? std::optional(plan->id) : std::nullopt, "drilled", "", "",
      report.plan + " passed its drill: " + std::to_string(report.cases.size()) + " stops on " + report.server,
      nlohmann::json{{"hash", report.hash},
                     {"cases", report.cases.size()},
                     {"seed", report.seed},
                     {"seconds", report.took.count() / 1000}}
          .dump());
  transaction.commit();
  return true;
}

}  // namespace switchback::daemon
