#include <nlohmann/json.hpp>

#include "command.hpp"
#include "consent.hpp"
#include "switchback/core/error.hpp"

namespace switchback::cli {
namespace {

struct RepairOptions {
  std::string name;
  std::string file;
};

int repair(Invocation& invocation, const RepairOptions& options) {
  std::optional<Plan> text;
  if (!options.file.empty()) text = invocation.plan_from(options.file);
  if (text && text->name != options.name)
    throw Error(Exit::invalid, Remedy::person, options.file + " is the plan " + text->name + ", not " + options.name);
  const daemon::Repair found =
      daemon::repair_plan(options.name, text, invocation.options().yes, invocation.drive_request());
  if (invocation.json()) {
    invocation.data(nlohmann::json{{"schema_version", 1},
                                   {"plan", options.name},
                                   {"differences", found.differences},
                                   {"applied", found.applied}}
                        .dump(2) +
                    "\n");
  } else {
    for (const std::string& difference : found.differences) invocation.data(difference + "\n");
  }
  if (found.differences.empty()) {
    invocation.say("the journal and the present agree on " + options.name + ": there is nothing to accept");
    return 0;
  }
  if (found.applied) {
    invocation.say("accepted, and on record; next: switchback status " + options.name);
    return 0;
  }
  invocation.say("nothing is changed yet; the same with --yes accepts it");
  return static_cast<int>(Exit::approval);
}

}  // namespace

void add_repair(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "repair",
      {"Accept what a drift hold named: a changed shape of the plan's tables, or with --plan a changed plan file whose "
       "steps are the same. Shows the difference; with --yes the journal takes it over. The tables are not touched. "
       "With --plan the expressions of a backfill may be mended, between expanded and migrated: sync goes on with "
       "them, "
       "`quarantine NAME retry` uses them, and rows filled before are compared with them.",
       "switchback repair split-full-name\nswitchback repair split-full-name --plan split-full-name.yaml --yes",
       "switchback run PLAN goes on; approvals of an old text are void."});
  auto options = std::make_shared<RepairOptions>();
  command->add_option("NAME", options->name, "the plan's name")->type_name("")->required();
  command->add_option("--plan", options->file, "the changed plan file")->type_name("FILE");
  on_call(command, chosen, options, repair);
}

}  // namespace switchback::cli
