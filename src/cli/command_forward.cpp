#include <cerrno>
#include <cstdio>
#include <system_error>

#include "command.hpp"
#include "json_text.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/rolling_forward.hpp"
#include "switchback/plan_file/inverse_file.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/usage.hpp"

namespace switchback::cli {
namespace {

struct ForwardOptions {
  std::string name;
  std::string out;
};

/// As it was started: its steps are those of the long form, its identity that of the text.
Plan started(const engine::PlanRecord& record) {
  ReadPlan read = read_plan(record.long_form, record.file);
  if (!read.plan)
    throw Error(Exit::failed, Remedy::bug, "the journal's text of plan " + record.name + " cannot be read");
  read.plan->hash = record.hash;
  return std::move(*read.plan);
}

/// Nothing that is there already is written over: it may have been edited.
void write_new_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "wx");
  if (file == nullptr && errno == EEXIST)
    throw Error(Exit::refused, Remedy::person, path + " is there already", "name another file, or remove it first");
  bool good = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr && std::fclose(file) != 0) good = false;
  if (!good)
    throw Error(Exit::failed, Remedy::person,
                "cannot write " + path + ": " + std::error_code(errno, std::generic_category()).message(),
                "name a file in a folder that you may write to");
}

Inverse inverse_by(Invocation& invocation, ports::Session& session, const engine::PlanRecord& record,
                   const Plan& plan) {
  postgres::PostgresCatalog catalog;
  const auto usage = postgres::make_usage_source();
  // What the hide would record is recorded, and rolled back.
  const bool not_hidden = record.state == State::migrated && takes_away(plan);
  const auto writing = not_hidden ? invocation.writing() : nullptr;
  return inverse_plan(plan, engine::inverse_facts(writing ? *writing : session, catalog, *usage, record, plan));
}

void tell(const Invocation& invocation, const std::string& title, const std::vector<std::string>& items) {
  if (items.empty()) return;
  invocation.say(title);
  for (const std::string& item : items) invocation.say("  " + printable(item));
}

int roll_forward(Invocation& invocation, const ForwardOptions& options) {
  const auto session = invocation.reading();
  const engine::PlanRecord record = engine::require_plan(*session, options.name);
  const Plan plan = started(record);
  const Inverse inverse = inverse_by(invocation, *session, record, plan);
  const std::string text = inverse_file(plan, record.state, inverse);
  if (options.out == "-")
    invocation.data(text);
  else
    write_new_file(options.out, text);
  if (invocation.json() && options.out != "-")
    invocation.data(dumped({{"schema_version", 1},
                            {"plan", inverse.plan.name},
                            {"hash", "sha256:" + sha256_hex(text)},
                            {"undoes", record.name},
                            {"undoes_hash", "sha256:" + record.hash},
                            {"file", options.out},
                            {"data", inverse.lost},
                            {"look", inverse.look},
                            {"afterwards", inverse.afterwards}},
                           true) +
                    "\n");
  const std::string file = options.out == "-" ? "FILE" : options.out;
  if (options.out != "-")
    invocation.say("the plan " + inverse.plan.name + ", which undoes " + record.name + ", is in " + file);
  tell(invocation, "what it does to the data:", inverse.lost);
  tell(invocation, "to look at before it is run:", inverse.look);
  tell(invocation, "to run by hand when it is contracted:", inverse.afterwards);
  if (record.state == State::contracted || record.state == State::done)
    invocation.say("next: read " + file + "; then switchback explain " + file + ", and switchback run " + file);
  else
    invocation.say("next: switchback rollback " + record.name + " undoes it while it is " +
                   std::string(name(record.state)) + ", without a new plan");
  return 0;
}

}  // namespace

void add_rollforward(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "rollforward",
      {"Write the plan that undoes another one: how a change is taken back in production once its contract has gone\n"
       "through. The file says at its head what becomes of the data and what to look at. Nothing is changed.",
       "switchback rollforward split-full-name --out plans/undo-split-full-name.yaml",
       "read the file, then switchback run it; history of either plan names the other.\n"
       "Where the dropped data is wanted as it was, switchback restore NAME brings it back while it is archived."});
  auto options = std::make_shared<ForwardOptions>();
  command->add_option("NAME", options->name, "the plan's name")->type_name("")->required();
  command->add_option("--out", options->out, "a file that is not there yet; - for standard output")
      ->type_name("FILE")
      ->required();
  on_call(command, chosen, options, roll_forward);
}

}  // namespace switchback::cli
