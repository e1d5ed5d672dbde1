#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "command.hpp"
#include "json_text.hpp"
#include "private_file.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/cli/report.hpp"
#include "switchback/engine/forbidding.hpp"
#include "switchback/engine/history.hpp"
#include "switchback/engine/images.hpp"

namespace switchback::cli {
namespace {

struct HistoryOptions {
  std::string name;
  bool check = false;
  std::string expect;
  bool imported = false;
  std::string report;
};

int check_history(Invocation& invocation, ports::Session& session, const std::string& expected) {
  const ChainReport report = check_chain(engine::chain_links(session), expected);
  if (invocation.json()) {
    Json breaks = Json::array();
    for (const ChainBreak& one : report.breaks)
      breaks.push_back({{"id", one.id == 0 ? Json() : Json(one.id)}, {"what", one.what}});
    invocation.data(
        dumped({{"schema_version", 1}, {"events", report.events}, {"breaks", breaks}, {"heads", report.heads}}, true) +
        "\n");
  } else {
    std::string text = std::to_string(report.events) + " events, " +
                       (report.breaks.empty() ? "unbroken" : std::to_string(report.breaks.size()) + " breaks") + "\n";
    for (const ChainBreak& one : report.breaks)
      text += (one.id == 0 ? std::string() : "event " + std::to_string(one.id) + " ") + one.what + "\n";
    for (const std::string& head : report.heads) text += "head " + head + "\n";
    invocation.data(text);
  }
  if (!report.breaks.empty()) {
    invocation.say("somebody changed the history past switchback: compare it with a backup or an export");
    return static_cast<int>(Exit::drift);
  }
  if (!report.heads.empty())
    invocation.say(
        "next: keep the head outside of this database; history --check --expect HEAD shows later that "
        "nothing up to it was cut off");
  return 0;
}

/// FILE.html is one page; FILE.md has its picture beside it, in FILE.svg.
int write_report(Invocation& invocation, ports::Session& session, const HistoryOptions& options) {
  namespace fs = std::filesystem;
  const fs::path file = options.report;
  const bool html = file.extension() == ".html";
  if (options.name.empty() || (!html && file.extension() != ".md"))
    throw usage_error("--report takes a plan's NAME, and a FILE that ends in .html or .md",
                      "switchback history --help");
  PlanReport report;
  report.plan = engine::require_plan(session, options.name);
  report.events = engine::events(session, report.plan.id);
  const ChainReport chain = check_chain(engine::chain_links(session), "");
  report.breaks = chain.breaks.size();
  if (!chain.heads.empty()) report.head = chain.heads.back();
  report.at = engine::server_now(session);
  add_spans(report, report.at);
  if (html) {
    write_private_file(file.string(), report_html(report));
  } else {
    const fs::path picture = fs::path(file).replace_extension(".svg");
    write_private_file(picture.string(), timeline_svg(report));
    write_private_file(file.string(), report_markdown(report, picture.filename().string()));
  }
  invocation.say("the report of " + report.plan.name + " is in " + file.string());
  return 0;
}

int history(Invocation& invocation, const HistoryOptions& options) {
  if (!options.expect.empty() && (!options.check || options.expect.size() < 12))
    throw usage_error("--expect goes with --check, and takes at least 12 digits of a head",
                      "switchback history --help");
  const auto session = invocation.reading();
  if (options.check) return check_history(invocation, *session, options.expect);
  if (!options.report.empty()) return write_report(invocation, *session, options);
  std::optional<engine::PlanId> plan;
  if (!options.name.empty()) plan = engine::require_plan(*session, options.name).id;
  const auto events = options.imported ? engine::imported_events(*session) : engine::events(*session, plan);
  invocation.data(invocation.json() ? history_json(events) : history_text(events, invocation.out()));
  return 0;
}

struct ForbidOptions {
  std::string what;
  std::string reason;
  bool lift = false;
};

int forbid(Invocation& invocation, const ForbidOptions& options) {
  if (options.reason.empty()) throw usage_error("forbid wants a --reason", "switchback forbid --help");
  const auto session = invocation.writing();
  const auto one = options.lift ? engine::lift(*session, invocation.actor(), options.what, options.reason)
                                : engine::forbid(*session, invocation.actor(), options.what, options.reason);
  const std::string text =
      "the text with sha256 " + one.hash.substr(0, 12) + (one.plan.empty() ? "" : " of " + one.plan);
  if (invocation.json())
    invocation.data(
        dumped({{"schema_version", 1}, {"hash", one.hash}, {"plan", or_null(one.plan)}, {"forbidden", !options.lift}},
               true) +
        "\n");
  invocation.say(text + (options.lift ? " may be run again" : " is not run again"));
  if (options.lift) return 0;
  const auto plan = one.plan.empty() ? std::nullopt : engine::find_plan(*session, one.plan);
  if (plan && plan->runner && plan->runner->alive)
    invocation.say("its runner still drives it: switchback pause " + plan->name + ", then stop it");
  invocation.say(plan && plan->state != State::rolled_back && plan->state != State::planned
                     ? "next: switchback rollback " + plan->name + " --dry-run; switchback journal export carries it on"
                     : "next: switchback journal export, for the other databases");
  return 0;
}

struct ExportOptions {
  std::string file;
};

int journal_export(Invocation& invocation, const ExportOptions&) {
  const auto session = invocation.reading();
  invocation.data(engine::export_journal(*session));
  invocation.say("next: switchback journal import FILE, where the same plans are run");
  return 0;
}

int journal_import(Invocation& invocation, const ExportOptions& options) {
  const std::string document = content_of(options.file);
  const auto session = invocation.writing();
  const engine::ImportedJournal done = engine::import_journal(*session, invocation.actor(), document);
  if (invocation.json())
    invocation.data(dumped({{"schema_version", 1},
                            {"from", done.from},
                            {"forbidden", done.forbidden},
                            {"new_forbidden", done.new_forbidden},
                            {"events", done.events},
                            {"new_events", done.new_events}},
                           true) +
                    "\n");
  invocation.say("from " + done.from + ": " + std::to_string(done.forbidden) + " forbidden texts, " +
                 std::to_string(done.new_forbidden) + " of them new; " + std::to_string(done.events) + " events, " +
                 std::to_string(done.new_events) + " of them new");
  invocation.say("next: switchback history --imported");
  return 0;
}

}  // namespace

std::string content_of(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(path, std::ios::binary);
  if (std::error_code unused; std::filesystem::is_directory(path, unused))
    throw Error(Exit::invalid, Remedy::person, path + " is a folder", "give the file, or - for standard input");
  if (!in) throw Error(Exit::invalid, Remedy::person, "cannot read " + path, "is it there, and readable?");
  return {std::istreambuf_iterator<char>(in), {}};
}

void add_history(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "history",
      {"What happened, on whose word, at which log position; as a table or JSON lines. With --check: whether it still "
       "is\n"
       "what was written, by the hashes that chain its events; exit 5 when it is not.",
       "switchback history split-full-name -o json", "switchback status NAME says where the plan stands now."});
  auto options = std::make_shared<HistoryOptions>();
  command->add_option("NAME", options->name, "the plan's name; left out: all plans")->type_name("");
  command->add_flag("--check", options->check, "recompute every event's hash and follow the chain");
  command->add_option("--expect", options->expect, "a head that an earlier check printed: it must still be there")
      ->type_name("HEAD");
  command->add_flag("--imported", options->imported, "the events of other databases, by journal import");
  command
      ->add_option("--report", options->report,
                   "write a page about the plan for who was not there: FILE.html, or FILE.md and a picture FILE.svg")
      ->type_name("FILE");
  on_call(command, chosen, options, history);
}

void add_forbid(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "forbid",
      {"Never run this text of a plan again, here and wherever the journal's export is imported.",
       "switchback forbid split-full-name --reason 'it cut names at 20 bytes'",
       "switchback rollback NAME turns back what it has made; switchback journal export carries the word on."});
  auto options = std::make_shared<ForbidOptions>();
  command->add_option("NAME|HASH", options->what, "a plan of this journal, or 12 digits and more of a text's sha256")
      ->type_name("")
      ->required();
  command->add_option("--reason", options->reason, "why; it is in the history, and whoever runs it is told")
      ->type_name("TEXT");
  command->add_flag("--lift", options->lift, "take it back");
  on_call(command, chosen, options, forbid);
}

void add_journal(CLI::App& app, Action& chosen) {
  CLI::App* journal =
      add_command(app, "journal",
                  {"Carry the history and the forbidden texts to other databases.",
                   "switchback journal export > journal.json", "switchback journal import journal.json, elsewhere."});
  journal->require_subcommand(1);
  CLI::App* exporting =
      add_command(*journal, "export",
                  {"Write the history and the forbidden texts to standard output, as JSON.",
                   "switchback journal export > journal.json", "switchback journal import journal.json, elsewhere."});
  on_call(exporting, chosen, std::make_shared<ExportOptions>(), journal_export);
  CLI::App* importing = add_command(
      *journal, "import",
      {"Take over an export: what was forbidden there is forbidden here, and its history can be read here. Doing it\n"
       "again takes over what is new. An export whose hashes do not fit is refused.",
       "switchback journal import journal.json", "switchback history --imported"});
  auto options = std::make_shared<ExportOptions>();
  importing->add_option("FILE", options->file, "the export; - for standard input")->type_name("")->required();
  on_call(importing, chosen, options, journal_import);
}

}  // namespace switchback::cli
