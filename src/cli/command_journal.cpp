#include <cstdlib>

#include "command.hpp"
#include "json_text.hpp"
#include "switchback/cli/sandbox_command.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::cli {
namespace {

struct Nothing {};

int init(Invocation& invocation, const Nothing&) {
  const auto session = invocation.connected(false);
  const bool changed = engine::ensure_journal(*session);
  const std::string where = postgres::shown_target(invocation.settings().database);
  if (invocation.json())
    invocation.data(
        dumped({{"schema_version", 1}, {"journal_version", engine::journal_version()}, {"changed", changed}}, true) +
        "\n");
  invocation.say((changed ? "made the journal, schema switchback, in " : "the journal is there and up to date in ") +
                 where);
  invocation.say("next: switchback run PLAN");
  return 0;
}

int config_show(Invocation& invocation, const Nothing&) {
  invocation.settings();  // a value that does not fit is an error here as everywhere
  std::vector<SettingValue> given = invocation.given_settings();
  // Not a setting of ours, but where the database comes from when nothing narrower says so.
  if (const char* url = std::getenv("DATABASE_URL"); url != nullptr && *url != '\0')
    given.insert(given.begin(), {"database", url, Origin::built_in, "DATABASE_URL"});
  auto effective = effective_settings(given);
  int number = 0;
  for (const AlertSource& source : invocation.alerts())
    effective.push_back({"alerts." + std::to_string(++number), description_of(source), Origin::file, source.source});
  number = 0;
  for (const NotifyTarget& target : invocation.notify())
    effective.push_back({"notify." + std::to_string(++number), description_of(target), Origin::file, target.source});
  invocation.data(invocation.json() ? settings_json(effective) : settings_text(effective, invocation.out()));
  return 0;
}

struct SandboxOptions {
  std::string verb;
  std::string dir;
};

int sandbox(Invocation& invocation, const SandboxOptions& options) {
  return sandbox_command(options.verb, options.dir, invocation.json(), invocation.options().quiet);
}

void add_sandbox_verb(CLI::App& parent, Action& chosen, const std::string& verb, const Help& help) {
  CLI::App* command = add_command(parent, verb, help);
  auto options = std::make_shared<SandboxOptions>();
  options->verb = verb;
  command->add_option("--dir", options->dir, "its folder; left out: one under your state directory")->type_name("DIR");
  on_call(command, chosen, options, sandbox);
}

}  // namespace

void add_init(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "init",
      {"Make the journal, schema switchback in the target database, or upgrade it.", "switchback init -d service=shop",
       "switchback run PLAN (which makes the journal too, where it is missing).\n\n"
       "Rights: init needs CREATE on the database. Who only looks needs USAGE on the schema and SELECT on its\n"
       "tables; who pauses, resumes, sets or approves also INSERT and UPDATE; who runs plans must own the tables\n"
       "that they change, and be in pg_monitor to see replicas and sessions."});
  on_call(command, chosen, std::make_shared<Nothing>(), init);
}

void add_config(CLI::App& app, Action& chosen) {
  CLI::App* config = add_command(
      app, "config",
      {"The settings and where each came from.", "switchback config show",
       "change them in switchback.yaml, by SWITCHBACK_… variables, or live: switchback set NAME KEY=VALUE."});
  CLI::App* show =
      add_command(*config, "show",
                  {"Every setting and alert source: key, value, origin and source. Passwords are masked.",
                   "switchback config show -o json", "switchback set NAME KEY=VALUE changes one while a plan runs."});
  on_call(show, chosen, std::make_shared<Nothing>(), config_show);
}

void add_sandbox(CLI::App& app, Action& chosen) {
  CLI::App* sandbox = add_command(
      app, "sandbox",
      {"A throwaway primary with a streaming replica, from the PostgreSQL installed here.", "switchback sandbox up",
       "switchback run PLAN -d URI, with the URI that it prints; switchback sandbox down."});
  add_sandbox_verb(*sandbox, chosen, "up",
                   {"Make it, or start the one that is there.", "switchback sandbox up -o json",
                    "switchback run PLAN -d URI, with the URI that it prints."});
  add_sandbox_verb(*sandbox, chosen, "down",
                   {"Stop it and remove everything of it.", "switchback sandbox down", "nothing is left."});
  add_sandbox_verb(*sandbox, chosen, "status",
                   {"Whether it is up; exit 6 when it is not.", "switchback sandbox status",
                    "switchback sandbox up starts it, switchback sandbox down removes it."});
}

}  // namespace switchback::cli
