#include "command.hpp"
#include "json_text.hpp"
#include "switchback/core/change.hpp"
#include "switchback/engine/rekeying.hpp"
#include "switchback/plan_file/lint_grammar.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"
#include "switchback/postgres/catalog.hpp"

namespace switchback::cli {
namespace {

struct ValidateOptions {
  std::vector<std::string> plans;
};

int validate(Invocation& invocation, const ValidateOptions& options) {
  Json files = Json::array();
  std::vector<Diagnostic> all;
  std::size_t invalid = 0;
  for (const std::string& path : options.plans) {
    const ReadPlan read = read_plan_file(path);
    const bool valid = read.plan.has_value() && !has_errors(read.diagnostics);
    if (!valid) ++invalid;
    all.insert(all.end(), read.diagnostics.begin(), read.diagnostics.end());
    files.push_back({{"file", path},
                     {"plan", read.plan ? Json(read.plan->name) : Json()},
                     {"hash", read.plan ? Json("sha256:" + read.plan->hash) : Json()},
                     {"valid", valid},
                     {"diagnostics", Json::parse(diagnostics_json(read.diagnostics))}});
    if (valid && !invocation.json())
      invocation.data(path + ": plan " + read.plan->name + ", sha256:" + read.plan->hash + "\n");
  }
  if (invocation.json()) invocation.data(dumped({{"schema_version", 1}, {"files", files}}, true) + "\n");
  if (invalid > 0)
    throw FileError(all, options.plans.size() == 1
                             ? options.plans.front() + " is not a plan that can be run"
                             : std::to_string(invalid) + " of " + std::to_string(options.plans.size()) +
                                   " files are not plans that can be run");
  for (const Diagnostic& found : all) invocation.warn(render(found));
  invocation.say("next: switchback explain " + options.plans.front());
  return 0;
}

struct ExplainOptions {
  std::string plan;
  bool yaml = false;
  bool offline = false;
};

/// With what only the catalog knows: the default, the indexes and the constraints that a rename takes along.
Plan long_form(Invocation& invocation, const Plan& plan) {
  const auto session = invocation.connected(true);
  postgres::PostgresCatalog catalog;
  return expand_changes(
      plan, [&](const TableName& name) { return catalog.table(*session, name); },
      [&](const TableName& name) { return engine::key_surroundings(*session, name); });
}

int explain(Invocation& invocation, const ExplainOptions& options) {
  const Plan plan = invocation.plan_from(options.plan);
  if (options.yaml) {
    invocation.data(to_yaml(options.offline ? expand_changes(plan, [](const TableName&) { return std::nullopt; })
                                            : long_form(invocation, plan)) +
                    lint_ignores_yaml(lint_ignores(plan.text)));
    return 0;
  }
  const Explained explained = daemon::explain_plan(plan, invocation.drive_request(), !options.offline);
  invocation.data(invocation.json() ? explained_json(explained) : explained_text(explained, invocation.out()));
  if (!invocation.json()) invocation.say("next: switchback run " + options.plan);
  return 0;
}

}  // namespace

void add_validate(CLI::App& app, Action& chosen) {
  CLI::App* command =
      add_command(app, "validate",
                  {"Read plan files without a database; every mistake at once.", "switchback validate plans/*.yaml",
                   "switchback explain PLAN shows what each step does to the database."});
  auto options = std::make_shared<ValidateOptions>();
  command->add_option("PLAN", options->plans, "plan files")->type_name("")->required();
  on_call(command, chosen, options, validate);
}

void add_explain(CLI::App& app, Action& chosen) {
  CLI::App* command =
      add_command(app, "explain",
                  {"Every step of every phase: its exact SQL, its lock, how it is undone, which image is safe.",
                   "switchback explain plans/split-full-name.yaml\nswitchback explain plans/rename-mail.yaml --yaml",
                   "switchback run PLAN. The hash shown is what --approve takes."});
  auto options = std::make_shared<ExplainOptions>();
  command->add_option("PLAN", options->plan, "the plan file")->type_name("")->required();
  command->add_flag("--yaml", options->yaml, "the long form of the plan, to be pasted and edited");
  command->add_flag("--offline", options->offline, "without a database: expressions as they are written");
  on_call(command, chosen, options, explain);
}

}  // namespace switchback::cli
