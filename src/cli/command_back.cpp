#include <unistd.h>

#include <array>
#include <iostream>

#include "command.hpp"
#include "consent.hpp"
#include "private_file.hpp"
#include "progress_view.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::cli {
namespace {

constexpr std::array targets{std::string_view("migrated"), std::string_view("expanded"),
                             std::string_view("rolled_back"), std::string_view("planned")};

struct BackOptions {
  std::string name;
  std::string to;
  bool dry_run = false;
  DespiteOptions despite;
};

/// `planned` is the state in which nothing of the plan is there, as rolled_back is: the same place by another name.
State target_of(const std::string& to) {
  if (to.empty() || to == "planned") return State::rolled_back;
  require_one_of("--to", to, targets);
  return *state_named(to);
}

bool overrides(const std::vector<daemon::Despite>& despite, std::string_view what) {
  return std::ranges::any_of(despite, [&](const daemon::Despite& one) { return one.what == what; });
}

/// Where the listing did not go to standard error, the error itself names what would be lost.
std::string named(const Invocation& invocation, const std::vector<std::string>& all) {
  if (!invocation.json()) return " what is listed above";
  std::string text;
  for (const std::string& loss : all) text += (text.empty() ? " " : "; ") + loss;
  return text;
}

void require_yes(Invocation& invocation, const BackOptions& options, State to, const daemon::TurnBack& way,
                 const daemon::DriveRequest& request) {
  const std::string command = "switchback rollback " + options.name + " --to " + std::string(name(to));
  const bool loses = !way.losses.empty();
  const bool development = invocation.settings().environment == Environment::development;
  if (!way.images.empty() && !development && !overrides(request.despite, "horizon"))
    throw Error(Exit::refused, Remedy::person,
                "turning " + options.name + " back would break images:" + named(invocation, way.images),
                "deploy an image from before the change first, then turn back; " + command +
                    " --despite horizon --reason … does it all the same, on record");
  if (loses && !development && !overrides(request.despite, "loss"))
    throw Error(Exit::refused, Remedy::person,
                "turning " + options.name + " back would lose" + named(invocation, way.losses),
                command + " --despite loss --reason … accepts that, on record");
  const std::string override = loses && !development ? " --despite loss --reason …" : "";
  ask_for_turning_back(invocation, options.name, command + override, loses);
}

int roll_back(Invocation& invocation, const BackOptions& options) {
  const State to = target_of(options.to);
  daemon::DriveRequest request = invocation.drive_request();
  request.despite = checked(options.despite);
  const engine::PlanRecord plan = engine::require_plan(*invocation.reading(), options.name);
  if (plan.state == to && daemon::is_turned_back(options.name, to, request)) {
    invocation.say(plan.name + " is " + std::string(name(to)) + " already; next: " + next_for(plan));
    if (invocation.json()) invocation.data(status_json({plan}));
    return 0;
  }
  const daemon::TurnBack way = daemon::plan_rollback(options.name, to, request);
  if (options.dry_run) {
    invocation.data(invocation.json() ? turn_back_json(plan.name, to, way) : turn_back_text(plan.name, to, way));
    return 0;
  }
  if (!invocation.json()) invocation.say(turn_back_text(plan.name, to, way));
  require_yes(invocation, options, to, way, request);
  if (!way.losses.empty() && !overrides(request.despite, "loss"))
    request.despite.push_back({"loss", "agreed to in development"});
  request.consent = true;
  request.wait = true;
  ProgressView view(invocation.options().quiet);
  request.on_progress = [&view](const engine::PlanRecord& record) { view.show(record); };
  const daemon::DriveOutcome outcome = daemon::rollback_plan(options.name, to, request);
  view.finish();
  return report(invocation, plan.name, outcome);
}

int restore(Invocation& invocation, const BackOptions& options) {
  BackOptions rollback = options;
  rollback.to = "migrated";
  return roll_back(invocation, rollback);
}

struct NameOptions {
  std::string name;
};

int verify(Invocation& invocation, const NameOptions& options) {
  const engine::PlanRecord plan = engine::require_plan(*invocation.reading(), options.name);
  daemon::DriveRequest request = invocation.drive_request();
  ProgressView view(invocation.options().quiet);
  request.on_progress = [&view](const engine::PlanRecord& record) { view.show(record); };
  const daemon::Comparison comparison = daemon::verify_plan(plan.name, request);
  view.finish();
  invocation.data(invocation.json() ? comparison_json(plan.name, comparison) : comparison_text(plan.name, comparison));
  if (comparison.wrong == 0) return 0;
  invocation.say("next: look at the rows named; writing either side of a row again puts it right");
  return static_cast<int>(Exit::failed);
}

struct UsageOptions {
  std::string name;
  std::string record;
};

int usage(Invocation& invocation, const UsageOptions& options) {
  const engine::PlanRecord plan = engine::require_plan(*invocation.reading(), options.name);
  const engine::UsageReport report = daemon::usage_of(plan.name, invocation.drive_request());
  const std::size_t columns = is_terminal(STDOUT_FILENO) ? width_of(STDOUT_FILENO) : 0;
  invocation.data(invocation.json() ? usage_json(plan.name, report.judged, report.sealed)
                                    : usage_text(plan.name, report.judged, invocation.out(), columns));
  if (report.sealed)
    invocation.say(plan.name + " is " + std::string(name(plan.state)) +
                   ": this is the evidence that was sealed when the old side was hidden");
  if (options.record.empty()) return 0;
  write_private_file(options.record, report.document + "\n");
  invocation.say("the evidence is in " + options.record);
  return 0;
}

void add_back_options(CLI::App* command, BackOptions& options) {
  command->add_option("NAME", options.name, "the plan's name")->type_name("")->required();
  command->add_flag("--dry-run", options.dry_run, "only say what it would do and cost");
  add_despite(command, options.despite);
}

}  // namespace

void add_rollback_and_restore(CLI::App& app, Action& chosen) {
  CLI::App* command =
      add_command(app, "rollback",
                  {"Turn a plan back to any earlier resting state; says first what that does and costs.",
                   "switchback rollback split-full-name --dry-run\nswitchback rollback split-full-name --to migrated",
                   "switchback status split-full-name; switchback run PLAN takes it forward again."});
  auto options = std::make_shared<BackOptions>();
  add_back_options(command, *options);
  command->add_option("--to", options->to, "migrated, expanded or rolled_back (default; planned is the same)")
      ->type_name("STATE");
  on_call(command, chosen, options, roll_back);

  CLI::App* again =
      add_command(app, "restore",
                  {"Bring back what contract hid or dropped: the same as rollback --to migrated.",
                   "switchback restore split-full-name",
                   "deploy the older image: both sides are right again. switchback status split-full-name."});
  auto restoring = std::make_shared<BackOptions>();
  add_back_options(again, *restoring);
  on_call(again, chosen, restoring, restore);
}

void add_verify(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(app, "verify",
                                  {"Compare both sides of every row now, in throttled batches; changes nothing.",
                                   "switchback verify split-full-name -o json",
                                   "exit 1 says that rows are wrong and shows some of them;\n"
                                   "switchback quarantine NAME list shows those that could not be converted."});
  auto options = std::make_shared<NameOptions>();
  command->add_option("NAME", options->name, "the plan's name")->type_name("")->required();
  on_call(command, chosen, options, verify);
}

void add_usage(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "usage",
      {"What still uses the old side: one sample, the evidence and the verdict. Once the old side is hidden, the "
       "evidence that was sealed then.",
       "switchback usage split-full-name\nswitchback usage split-full-name --record evidence.json",
       "unused: switchback run PLAN --to contracted --wait. used: stop or move what is named.\n"
       "unknown: each reason says what would settle it."});
  auto options = std::make_shared<UsageOptions>();
  command->add_option("NAME", options->name, "the plan's name")->type_name("")->required();
  command
      ->add_option("--record", options->record,
                   "write everything that was seen as JSON, readable by its owner alone: for the audit")
      ->type_name("FILE");
  on_call(command, chosen, options, usage);
}

}  // namespace switchback::cli
