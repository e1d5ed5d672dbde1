#include <array>

#include "command.hpp"
#include "consent.hpp"
#include "json_text.hpp"
#include "progress_view.hpp"
#include "switchback/core/state.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::cli {
namespace {

constexpr std::array targets{std::string_view("expanded"), std::string_view("migrated"), std::string_view("hidden"),
                             std::string_view("contracted"), std::string_view("done")};

struct RunOptions {
  std::string plan;
  std::string to;
  std::string approve;
  bool wait = false;
  DespiteOptions despite;
};

int run(Invocation& invocation, const RunOptions& options) {
  std::optional<State> target;
  if (!options.to.empty()) {
    require_one_of("--to", options.to, targets);
    target = state_named(options.to);
  }
  auto despite = checked(options.despite);
  const Plan plan = invocation.plan_from(options.plan);
  const bool takes = contract_target(plan, target);
  if (takes) ask_for_contract(invocation, plan, options.to, options.approve);

  daemon::DriveRequest request = invocation.drive_request();
  request.wait = options.wait;
  request.consent = takes;
  request.despite = std::move(despite);
  ProgressView view(invocation.options().quiet);
  request.on_progress = [&view](const engine::PlanRecord& record) { view.show(record); };
  const daemon::DriveOutcome outcome = daemon::run_plan(plan, target, request);
  view.finish();
  return report(invocation, plan.name, outcome);
}

std::string summary_of(const std::string& plan, const daemon::DriveOutcome& outcome) {
  std::string text = plan + " is " + std::string(name(outcome.state));
  if (outcome.signal != 0) return text + "; stopped by a signal, with a checkpoint written";
  if (outcome.hold)
    return text + ", held (" + std::string(name(outcome.hold->kind)) + "): " + printable(outcome.hold->reason);
  if (outcome.verified && outcome.verified->failed()) return text + ", but not all is right there";
  return text + ": " + std::string(facts(outcome.state).truth);
}

}  // namespace

int report(Invocation& invocation, const std::string& plan, const daemon::DriveOutcome& outcome) {
  const int code = outcome.signal != 0 ? 128 + outcome.signal : static_cast<int>(outcome.exit);
  std::optional<engine::PlanRecord> record;
  try {
    record = engine::find_plan(*invocation.reading(), plan);
  } catch (const Error& error) {
    // What was driven is done and on record; only the telling of it lacks the last detail.
    invocation.detail(error.what());
  }
  const std::string next = record ? next_for(*record) : "switchback status " + plan;
  const std::string summary = summary_of(plan, outcome);
  if (invocation.json()) {
    if (record) {
      Json status = Json::parse(status_json({*record}));
      if (outcome.verified) status["verified"] = Json::parse(engine::to_json(*outcome.verified));
      invocation.data(dumped(status, true) + "\n");
    }
    if (code == 0) return code;
    Failure failure;
    failure.exit = static_cast<Exit>(code);
    failure.message = summary;
    failure.hint = next;
    std::cerr << failure_json(failure) << std::flush;
    return code;
  }
  invocation.say(summary);
  if (outcome.verified)
    invocation.say(verification_text(*outcome.verified));
  else
    for (const std::string& line : outcome.reports) invocation.say("  " + line);
  if (outcome.hold) {
    for (const std::string& reason : outcome.hold->reasons)
      if (reason != outcome.hold->reason) invocation.say("  also: " + printable(reason));
    invocation.say("  ends when: " + printable(outcome.hold->ends_when));
  }
  invocation.say("next: " + next);
  return code;
}

void add_run(CLI::App& app, Action& chosen) {
  CLI::App* command =
      add_command(app, "run",
                  {"Start a plan, or take it up where it stands, and drive it on.",
                   "switchback run plans/split-full-name.yaml\n"
                   "switchback run plans/split-full-name.yaml --to contracted --wait --yes --approve 3f1c8a90b2d4",
                   "deploy the new image once the plan is migrated; contract is always asked for: --to contracted.\n"
                   "Exit 6 says that it is held and why; the same command goes on from there."});
  auto options = std::make_shared<RunOptions>();
  command->add_option("PLAN", options->plan, "the plan file")->type_name("")->required();
  command->add_option("--to", options->to, "expanded, migrated (default), hidden, contracted or done")
      ->type_name("STATE");
  command->add_flag("--wait", options->wait, "wait also for observation, soak and whatever else time or evidence ends");
  command->add_option("--approve", options->approve, "the plan's hash (12 digits are enough): the yes to its contract")
      ->type_name("HASH");
  add_despite(command, options->despite);
  on_call(command, chosen, options, run);
}

}  // namespace switchback::cli
