#include <algorithm>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "json_text.hpp"
#include "switchback/daemon/notifier.hpp"
#include "switchback/engine/notifying.hpp"

namespace switchback::cli {
namespace {

struct NotifyOptions {
  std::string target;
};

const std::vector<NotifyTarget>& configured(Invocation& invocation) {
  if (invocation.notify().empty())
    throw Error(Exit::invalid, Remedy::person, "the configuration names nobody to notify",
                "notify: [ { webhook: { name: ops, url: \"https://…\", secret_env: OPS_KEY } } ], or slack, or exec");
  return invocation.notify();
}

std::string cells(const engine::OutboxLine& line) {
  std::string text = line.target + ": " + std::to_string(line.delivered) + " told" +
                     (line.last_delivered.empty() ? "" : ", last at " + line.last_delivered) + ", " +
                     std::to_string(line.waiting) + " waiting";
  if (line.given_up > 0) text += ", " + std::to_string(line.given_up) + " given up";
  if (!line.last_error.empty()) text += "; last error: " + line.last_error;
  return text + "\n";
}

int list_targets(Invocation& invocation, const NotifyOptions&) {
  const auto session = invocation.reading();
  const auto lines = engine::outbox(*session, configured(invocation));
  if (!invocation.json()) {
    for (const engine::OutboxLine& line : lines) invocation.data(cells(line));
    return 0;
  }
  nlohmann::json targets = nlohmann::json::array();
  for (const engine::OutboxLine& line : lines)
    targets.push_back({{"target", line.target},
                       {"delivered", line.delivered},
                       {"waiting", line.waiting},
                       {"given_up", line.given_up},
                       {"last_delivered", line.last_delivered},
                       {"last_error", line.last_error}});
  invocation.data(dumped({{"schema_version", 1}, {"targets", targets}}, true) + "\n");
  return 0;
}

/// An event that is in no history.
Told trial(const Invocation& invocation) {
  Told event;
  event.plan = "trial";
  event.kind = "hold";
  event.hold_kind = "operator";
  event.from = event.to = "migrating";
  event.reason = "nothing happened: switchback notify test";
  event.role = event.os_user = invocation.actor().os_user;
  event.host = invocation.actor().host;
  return event;
}

int test_targets(Invocation& invocation, const NotifyOptions& options) {
  const auto& all = configured(invocation);
  if (!options.target.empty() && std::ranges::none_of(all, [&](const auto& one) { return one.name == options.target; }))
    throw Error(Exit::invalid, Remedy::person, "no notify target is called " + options.target,
                "switchback config show lists them");
  bool every = true;
  for (const NotifyTarget& target : all) {
    if (!options.target.empty() && target.name != options.target) continue;
    const daemon::Sent sent = daemon::send(target, trial(invocation));
    invocation.data(target.name + ": " + (sent.ok ? "told" : "could not be told: " + sent.why) + "\n");
    every = every && sent.ok;
  }
  return every ? 0 : static_cast<int>(Exit::failed);
}

int send_due(Invocation& invocation, const NotifyOptions&) {
  const auto& all = configured(invocation);
  const auto session = invocation.writing();
  const auto problems = daemon::deliver_due(*session, all, std::chrono::seconds(60));
  for (const std::string& problem : problems) invocation.warn(problem);
  if (problems.empty()) invocation.say("everybody was told of everything");
  return problems.empty() ? 0 : static_cast<int>(Exit::failed);
}

}  // namespace

void add_notify(CLI::App& app, Action& chosen) {
  CLI::App* notify = add_command(
      app, "notify",
      {"Who is told of holds, approvals that are wanted, ways back and arrivals: `notify` in the configuration.",
       "switchback notify test", "switchback notify list shows what was told, and what could not be."});
  notify->require_subcommand(1);
  auto options = std::make_shared<NotifyOptions>();
  on_call(add_command(*notify, "list",
                      {"What each target was told, what waits, and the last error.", "switchback notify list -o json",
                       "switchback notify send tries what waits."}),
          chosen, options, list_targets);
  CLI::App* test = add_command(*notify, "test",
                               {"Tell every target, or one, that nothing happened. No database is needed.",
                                "switchback notify test ops", "switchback notify list"});
  test->add_option("TARGET", options->target, "its name; left out: all")->type_name("");
  on_call(test, chosen, options, test_targets);
  on_call(add_command(*notify, "send",
                      {"Deliver what is due now. Runners and commands do so by themselves; this is for cron.",
                       "switchback notify send", "switchback notify list"}),
          chosen, options, send_due);
}

}  // namespace switchback::cli
