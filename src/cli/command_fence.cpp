#include "command_images.hpp"
#include "json_text.hpp"
#include "switchback/engine/fencing.hpp"

namespace switchback::cli {
namespace {

struct FenceOptions {
  std::string image;
  std::string role;
  std::string reason;
  bool undo = false;
};

std::string sessions_text(const engine::FenceOutcome& outcome, Paint paint) {
  std::vector<std::vector<std::string>> rows{{"PID", "APPLICATION", "CLIENT"}};
  for (const engine::RoleSession& one : outcome.sessions)
    rows.push_back({std::to_string(one.pid), printable(one.application), printable(one.client)});
  return rows.size() > 1 ? table(rows, paint) : "";
}

std::string fence_json(const FenceOptions& options, const engine::FenceOutcome& outcome) {
  Json sessions = Json::array();
  for (const engine::RoleSession& one : outcome.sessions)
    sessions.push_back({{"pid", one.pid}, {"application", one.application}, {"client", or_null(one.client)}});
  return dumped({{"schema_version", 1},
                 {"image", options.image},
                 {"role", outcome.role},
                 {"can_login", options.undo},
                 {"changed", outcome.changed},
                 {"sessions", sessions}},
                true) +
         "\n";
}

int fence(Invocation& invocation, const FenceOptions& options) {
  if (!options.undo && options.reason.empty()) throw usage_error("fence needs --reason", "say why: it is on record");
  const auto session = invocation.writing();
  const HorizonRules rules = engine::horizon_rules(invocation.settings());
  const auto call = options.undo ? engine::unfence : engine::fence;
  const engine::FenceOutcome outcome =
      call(*session, invocation.actor(), rules, options.image, options.role, options.reason);
  invocation.data(invocation.json() ? fence_json(options, outcome)
                  : options.undo    ? ""
                                    : sessions_text(outcome, invocation.out()));
  const std::string can = outcome.role + (options.undo ? " can log in" : " cannot log in");
  invocation.say(can + (outcome.changed ? "" : ", as before") +
                 (options.undo ? "" : "; back: switchback fence " + options.image + " --undo"));
  if (!options.undo && !outcome.sessions.empty())
    invocation.warn(std::to_string(outcome.sessions.size()) +
                    " of its sessions still run: NOLOGIN ends none. SELECT pg_terminate_backend(pid) does");
  return 0;
}

}  // namespace

void add_fence(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "fence",
      {"Keep an image past the horizon from logging in: NOLOGIN for its role, where each image has one. Refused while "
       "it, or another image with that role, may still have to run.",
       "switchback fence shop:v39 --reason \"loses orders\"\nswitchback fence shop:v39 --undo",
       "switchback image list --horizon shows which images may still have to run."});
  auto options = std::make_shared<FenceOptions>();
  command->add_option("IMAGE", options->image, "the image's name")->type_name("")->required();
  command->add_option("--role", options->role, "its login role, where neither manifest nor settings say it")
      ->type_name("ROLE");
  command->add_option("--reason", options->reason, "why; on record")->type_name("TEXT");
  command->add_flag("--undo", options->undo, "give the login back");
  on_call(command, chosen, options, fence);
}

}  // namespace switchback::cli
