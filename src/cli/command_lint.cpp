#include "command_lint.hpp"

#include <array>

#include "render_lint.hpp"
#include "switchback/core/nearest.hpp"
#include "switchback/daemon/linting.hpp"
#include "switchback/plan_file/lint_grammar.hpp"
#include "switchback/plan_file/plan_reader.hpp"

namespace switchback::cli {
namespace {

constexpr std::array formats{std::string_view("text"), std::string_view("json"), std::string_view("github"),
                             std::string_view("sarif")};

struct LintOptions {
  std::vector<std::string> plans;
  std::string format = "text";
  std::string explained;
  bool rules = false;
  bool strict = false;
  bool live = false;
};

/// Every file, one after another; each plan is held against those before it.
class Linting {
 public:
  Linting(Invocation& invocation, bool looks) : request_(invocation.drive_request()) {
    if (looks) session_ = invocation.connected(false);
  }

  LintedFile lint(const std::string& path) {
    LintedFile file{path, {}, {}, {}};
    const ReadPlan read = read_plan_file(path);
    for (const Diagnostic& diagnostic : read.diagnostics) file.findings.push_back(linted(diagnostic));
    if (!read.plan) return file;
    file.plan = read.plan->name;
    file.hash = read.plan->hash;
    daemon::LintedPlan plan = daemon::lint_plan(*read.plan, request_, session_.get());
    seen_.push_back(std::make_unique<Plan>(std::move(plan.plan)));
    std::vector<const Plan*> all;
    for (const auto& one : seen_) all.push_back(one.get());
    for (LintFinding& finding : lint_among(all, lint_grammar(read.plan->text)))
      plan.findings.push_back(std::move(finding));
    const auto left = without_ignored(std::move(plan.findings), lint_ignores(read.plan->text), session_ != nullptr);
    for (const LintFinding& finding : left) file.findings.push_back(linted(finding, path, read.plan->text));
    std::ranges::stable_sort(file.findings, {}, [](const Linted& one) { return std::pair(one.line, one.column); });
    return file;
  }

 private:
  daemon::DriveRequest request_;
  std::unique_ptr<ports::Session> session_;
  std::vector<std::unique_ptr<Plan>> seen_;
};

int explain_rule(Invocation& invocation, const std::string& rule) {
  if (lint_rule(rule) == nullptr) {
    std::vector<std::string_view> known;
    for (const LintRule& one : lint_rules()) known.push_back(one.id);
    const auto near = nearest(rule, known);
    throw usage_error("lint has no rule '" + rule + "'",
                      near ? "did you mean " + *near + "?" : "switchback lint --rules");
  }
  invocation.data(lint_page(rule));
  return 0;
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

int lint(Invocation& invocation, const LintOptions& options) {
  require_one_of("--format", options.format, formats);
  const bool json = invocation.json() || options.format == "json";
  if (options.rules) {
    invocation.data(json ? lint_rules_json() : lint_rules_text(invocation.out()));
    return 0;
  }
  if (!options.explained.empty()) return explain_rule(invocation, options.explained);
  if (options.plans.empty()) throw usage_error("lint needs a plan file", "switchback lint PLAN…, or --rules");
  const bool looks = options.live || !invocation.options().database.empty();
  Linting linting(invocation, looks);
  std::vector<LintedFile> files;
  std::array<std::size_t, 3> counts{};
  for (const std::string& path : options.plans) {
    files.push_back(linting.lint(path));
    for (const Linted& one : files.back().findings) ++counts.at(static_cast<std::size_t>(one.severity));
  }
  if (json)
    invocation.data(lint_json(files, looks));
  else if (options.format == "github")
    invocation.data(lint_github(files));
  else if (options.format == "sarif")
    invocation.data(lint_sarif(files));
  else
    invocation.data(lint_text(files, invocation.out()));
  const auto [errors, warnings, notes] = counts;
  invocation.say(counted(options.plans.size(), "plan") + ", " + counted(errors, "error") + ", " +
                 counted(warnings, "warning") + ", " + counted(notes, "note") +
                 (looks ? "" : "; with -d the live schema is looked at as well"));
  if (errors + warnings + notes > 0)
    invocation.say("next: switchback lint --explain RULE says why, and what to write instead");
  const bool clean = errors == 0 && !(options.strict && warnings > 0);
  return static_cast<int>(clean ? Exit::done : Exit::invalid);
}

}  // namespace

void add_lint(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "lint",
      {"Hazards of plans that read well: what would hurt, and what to write instead. With a database also against its "
       "schema, its size and what happens on it. Exit 4: errors.",
       "switchback lint plans/*.yaml --format github\nswitchback lint plan.yaml -d service=shop\n"
       "switchback lint --explain ambiguous-insert",
       "mend it, or write `ignore: [ { rule: RULE, reason: … } ]` into the plan, or beside the step;\n"
       "switchback drill PLAN rehearses it."});
  auto options = std::make_shared<LintOptions>();
  command->add_option("PLAN", options->plans, "plan files; each is held against those before it too")->type_name("");
  command->add_option("--format", options->format, "text, json, github (annotations) or sarif")->type_name("FORM");
  command->add_flag("--strict", options->strict, "warnings count as errors");
  command->add_flag("--live", options->live,
                    "look at the database that the configuration or the environment names; -d asks for it too");
  command->add_flag("--rules", options->rules, "list every rule");
  command->add_option("--explain", options->explained, "print the page of a rule")->type_name("RULE");
  on_call(command, chosen, options, lint);
}

}  // namespace switchback::cli
