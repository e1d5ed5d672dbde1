#include <set>

#include "command.hpp"
#include "json_text.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/approving.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/engine/quarantine.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/postgres/catalog.hpp"

namespace switchback::cli {
namespace {

struct ControlOptions {
  std::string name;
  std::string reason;
  bool now = false;
};

/// The plan as it is now: as JSON, or in one line and what to do next.
void show_after(Invocation& invocation, ports::Session& session, const std::string& plan, const std::string& line) {
  auto record = engine::require_plan(session, plan);
  // Its runner takes the hold away a moment later.
  if (!record.paused && record.hold && record.hold->kind == HoldKind::operator_) record.hold.reset();
  if (invocation.json()) invocation.data(status_json({record}));
  if (invocation.json()) return;
  invocation.say(line);
  invocation.say("next: " + next_for(record));
}

/// What became of the runner. The pause is on record whatever happens here.
std::string paused_words(ports::Session& session, const engine::PlanRecord& plan, bool running, bool now) {
  if (!running) return " is paused; no runner has it now, and none goes on until it is resumed";
  if (!now) return " is paused: its runner stops within a batch";
  try {
    return engine::cancel_in_flight(session, plan.id)
               ? " is paused, and what was in flight is cancelled"
               : " is paused; what is in flight does not heed its cancelling yet, and is the last";
  } catch (const Error& error) {
    if (error.sqlstate() != "42501") throw;
    throw Error(Exit::unreachable, Remedy::person,
                plan.name + " is paused, but this role may not cancel what is in flight: " + error.what(),
                "its runner stops within a batch; GRANT pg_signal_backend TO this role, or use the runner's",
                error.sqlstate());
  }
}

int pause(Invocation& invocation, const ControlOptions& options) {
  const auto session = invocation.writing();
  const auto plan = engine::require_plan(*session, options.name);
  engine::request_pause(*session, invocation.actor(), plan, options.reason);
  const bool running = plan.runner && plan.runner->alive;
  show_after(invocation, *session, plan.name, plan.name + paused_words(*session, plan, running, options.now));
  return 0;
}

int resume(Invocation& invocation, const ControlOptions& options) {
  const auto session = invocation.writing();
  const auto plan = engine::require_plan(*session, options.name);
  if (!plan.paused) {
    show_after(invocation, *session, plan.name, plan.name + " is not paused");
    return 0;
  }
  engine::request_resume(*session, invocation.actor(), plan, options.reason);
  const bool running = plan.runner && plan.runner->alive;
  show_after(invocation, *session, plan.name,
             plan.name + (running ? " is resumed: its runner goes on" : " is resumed; no runner has it now"));
  return 0;
}

struct SetOptions {
  std::string name;
  std::vector<std::string> settings;
  std::string for_time;
};

struct Assignment {
  std::string key;
  std::string value;
};

Assignment parsed(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw usage_error("'" + text + "' is not KEY=VALUE", "as in switchback set NAME backfill.batch.target=10ms");
  Assignment assignment{text.substr(0, equals), text.substr(equals + 1)};
  const SettingSpec* spec = setting_spec(assignment.key);
  if (spec == nullptr) {
    const auto near = nearest_setting(assignment.key);
    throw Error(Exit::invalid, Remedy::person, assignment.key + " is not a setting",
                near ? "did you mean " + *near + "?" : "switchback config show lists them");
  }
  if (!spec->live)
    throw Error(Exit::invalid, Remedy::person, assignment.key + " cannot be changed while a plan runs",
                "it is set in switchback.yaml" + std::string(spec->in_plan ? " or in the plan" : ""));
  if (const auto why = misfit(assignment.key, assignment.value))
    throw Error(Exit::invalid, Remedy::person, assignment.key + ": \"" + assignment.value + "\" " + *why);
  return assignment;
}

int set(Invocation& invocation, const SetOptions& options) {
  std::vector<Assignment> assignments;
  for (const std::string& text : options.settings) assignments.push_back(parsed(text));
  std::optional<std::chrono::seconds> for_time;
  if (!options.for_time.empty()) {
    const auto duration = parse_duration(options.for_time);
    if (!duration || *duration < std::chrono::seconds(1))
      throw usage_error("--for cannot be '" + options.for_time + "'", "write 30s, 10m or 1h");
    for_time = std::chrono::duration_cast<std::chrono::seconds>(*duration);
  }
  const auto session = invocation.writing();
  const auto plan = engine::require_plan(*session, options.name);
  ports::Transaction transaction(*session);
  for (const Assignment& one : assignments)
    engine::set_live(*session, invocation.actor(), plan.id, one.key, one.value, for_time);
  transaction.commit();
  const auto live = engine::live_settings(*session, plan.id);
  invocation.data(invocation.json() ? settings_json(live) : settings_text(live, invocation.out()));
  if (!invocation.json())
    invocation.say("next: switchback status " + plan.name + " --watch; a runner hears it within a batch");
  return 0;
}

struct ApproveOptions {
  std::string name;
  std::string phase = "contract";
  DespiteOptions despite;
};

int approve(Invocation& invocation, const ApproveOptions& options) {
  require_one_of("--phase", options.phase, engine::approved_phases);
  const auto despite = checked(options.despite);
  const auto session = invocation.writing();
  const auto plan = engine::require_plan(*session, options.name);
  {
    ports::Transaction transaction(*session);
    if (despite.empty())
      engine::add_approval(*session, invocation.actor(), plan, options.phase, std::nullopt, options.despite.reason);
    for (const daemon::Despite& one : despite)
      engine::add_approval(*session, invocation.actor(), plan, options.phase, one.what, one.reason);
    transaction.commit();
  }
  const ReadPlan read = read_plan(plan.text, plan.file);
  const auto state =
      engine::approval_state(*session, plan, read.plan.value_or(Plan{}), invocation.settings(), options.phase);
  const int given = state.wanted - static_cast<int>(state.open.size());
  engine::PlanRecord freed = plan;  // what is next once the hold that this was about has ended
  freed.hold.reset();
  const std::string next = state.open.empty() ? next_for(freed)
                                              : "switchback approve " + plan.name + " --phase " + options.phase +
                                                    ", by " + engine::whose(state.open, plan);
  if (invocation.json()) {
    invocation.data(dumped({{"schema_version", 1},
                            {"plan", plan.name},
                            {"phase", options.phase},
                            {"hash", "sha256:" + plan.hash},
                            {"approvals", given},
                            {"needed", state.wanted},
                            {"open", state.open},
                            {"next", next}},
                           true) +
                    "\n");
    return 0;
  }
  const std::string recorded = "recorded for sha256:" + plan.hash.substr(0, 12) + " of " + plan.name + ": ";
  for (const daemon::Despite& one : despite)
    invocation.say(recorded + "its " + options.phase + " goes on despite " + one.what);
  if (despite.empty())
    invocation.say(recorded + (state.wanted == 0 ? "its " + options.phase + " phase needs no approval"
                                                 : std::to_string(given) + " of the " + std::to_string(state.wanted) +
                                                       " approvals that its " + options.phase + " phase needs"));
  invocation.say("next: " + next);
  return 0;
}

struct QuarantineOptions {
  std::string name;
  std::string verb;
  std::vector<std::string> keys;
  std::string where;
  std::string reason;
};

/// What is left, and what to do about it.
int show_quarantine(Invocation& invocation, ports::Session& session, const engine::PlanRecord& plan,
                    const std::string& done) {
  const auto rows = engine::quarantined(session, plan.id);
  if (invocation.json()) {
    invocation.data(quarantine_json(plan.name, rows));
    return 0;
  }
  const auto open = std::ranges::count(rows, "open", &engine::QuarantinedRow::status);
  invocation.say(done + ", " + std::to_string(open) + " left open");
  invocation.say("next: " + (open > 0 ? "switchback quarantine " + plan.name + " list" : next_for(plan)));
  return 0;
}

int retry_rows(Invocation& invocation, const QuarantineOptions& options) {
  const auto session = invocation.writing();
  const auto plan = engine::require_plan(*session, options.name);
  const auto retried = engine::retry_quarantined(*session, invocation.actor(), plan, options.keys);
  return show_quarantine(
      invocation, *session, plan,
      "converted " + show_rows(retried.mended) + ", " + std::to_string(retried.failed) + " still cannot be");
}

int accept_rows(Invocation& invocation, const QuarantineOptions& options) {
  if (options.keys.empty() == options.where.empty())
    throw usage_error(
        "accepting needs --key, once for every row, or --where",
        R"(as in --key '{"id": 42}', --key 7 (its number in the list), or --where "email LIKE '%@test'")");
  if (options.reason.empty()) throw usage_error("accepting needs --reason", "say why: it is on record");
  const auto session = invocation.writing();
  const auto plan = engine::require_plan(*session, options.name);
  std::int64_t accepted = 0;
  if (options.where.empty()) {
    ports::Transaction transaction(*session);
    accepted = engine::accept_quarantined(*session, invocation.actor(), plan, options.keys, options.reason);
    transaction.commit();
  } else {
    postgres::PostgresCatalog catalog;
    accepted =
        engine::accept_quarantined_where(*session, catalog, invocation.actor(), plan, options.where, options.reason);
  }
  return show_quarantine(invocation, *session, plan, "accepted " + show_rows(accepted));
}

int quarantine(Invocation& invocation, const QuarantineOptions& options) {
  constexpr std::array verbs{std::string_view("list"), std::string_view("retry"), std::string_view("accept")};
  require_one_of("what to do with quarantined rows", options.verb, verbs);
  if (options.verb == "accept") return accept_rows(invocation, options);
  if (options.verb == "retry") return retry_rows(invocation, options);
  const auto session = invocation.reading();
  const auto plan = engine::require_plan(*session, options.name);
  const auto rows = engine::quarantined(*session, plan.id);
  invocation.data(invocation.json() ? quarantine_json(plan.name, rows) : quarantine_text(rows, invocation.out()));
  return 0;
}

}  // namespace

void add_pause_and_resume(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "pause",
      {"Stop a plan within a batch, from any machine; nothing is lost.",
       "switchback pause split-full-name --reason 'checkout is slow'", "switchback resume NAME lets it go on."});
  auto pausing = std::make_shared<ControlOptions>();
  command->add_option("NAME", pausing->name, "the plan's name")->type_name("")->required();
  command->add_option("--reason", pausing->reason, "why; on record")->type_name("TEXT");
  command->add_flag("--now", pausing->now, "also cancel the batch, or the index build, that is in flight");
  on_call(command, chosen, pausing, pause);

  CLI::App* again = add_command(app, "resume",
                                {"Let a paused plan go on.", "switchback resume split-full-name",
                                 "switchback status NAME --watch; without a runner: switchback run PLAN."});
  auto resuming = std::make_shared<ControlOptions>();
  again->add_option("NAME", resuming->name, "the plan's name")->type_name("")->required();
  again->add_option("--reason", resuming->reason, "why; on record")->type_name("TEXT");
  on_call(again, chosen, resuming, resume);
}

void add_set(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "set",
      {"Change settings of a plan while it runs.", "switchback set split-full-name backfill.batch.target=10ms --for 1h",
       "switchback status NAME --watch. switchback config show lists the keys."});
  auto options = std::make_shared<SetOptions>();
  command->add_option("NAME", options->name, "the plan's name")->type_name("")->required();
  command->add_option("SETTING", options->settings, "KEY=VALUE, any number of them")->type_name("")->required();
  command->add_option("--for", options->for_time, "how long it holds; left out: until the plan is done")
      ->type_name("TIME");
  on_call(command, chosen, options, set);
}

void add_approve(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "approve",
      {"Approve a phase of a plan, as the database role that one connects with; void when the plan's text changes.",
       "switchback approve split-full-name --phase contract --reason 'reviewed in CHG-1042'",
       "switchback run PLAN --to contracted --wait, once enough roles have approved."});
  auto options = std::make_shared<ApproveOptions>();
  command->add_option("NAME", options->name, "the plan's name")->type_name("")->required();
  command->add_option("--phase", options->phase, "expand, migrate or contract")
      ->type_name("PHASE")
      ->capture_default_str();
  add_despite(command, options->despite);
  on_call(command, chosen, options, approve);
}

void add_quarantine(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "quarantine",
      {"Rows that could not be converted: list them, try them again, or accept them as they are.",
       "switchback quarantine split-full-name list\n"
       "switchback quarantine split-full-name retry\n"
       "switchback quarantine split-full-name accept --key '{\"id\": 42}' --reason 'test account'\n"
       "switchback quarantine split-full-name accept --where \"email LIKE '%@test'\" --reason 'test accounts'",
       "mend the rows (a write that converts takes them out) or accept them; contract waits for both."});
  auto options = std::make_shared<QuarantineOptions>();
  command->add_option("NAME", options->name, "the plan's name")->type_name("")->required();
  command->add_option("VERB", options->verb, "list, retry or accept")->type_name("")->required();
  command->add_option("--key", options->keys, "a row: its key as JSON, or its number in the list")
      ->type_name("KEY")
      ->expected(1)
      ->take_all();
  command->add_option("--where", options->where, "accept: the rows whose columns fulfil this condition")
      ->type_name("SQL");
  command->add_option("--reason", options->reason, "why; on record")->type_name("TEXT");
  on_call(command, chosen, options, quarantine);
}

}  // namespace switchback::cli
