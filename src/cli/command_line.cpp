#include "switchback/cli/command_line.hpp"

#include <array>
#include <iostream>

#include "command.hpp"
#include "command_images.hpp"
#include "command_lint.hpp"
#include "command_new.hpp"
#include "json_text.hpp"
#include "switchback/core/nearest.hpp"

#ifndef SWITCHBACK_VERSION
#define SWITCHBACK_VERSION "development"
#endif

namespace switchback::cli {
namespace {

constexpr std::array outputs{std::string_view("table"), std::string_view("json")};
constexpr std::array colors{std::string_view("auto"), std::string_view("always"), std::string_view("never")};
constexpr std::array log_formats{std::string_view("text"), std::string_view("json")};

void add_global_flags(CLI::App& app, GlobalOptions& options) {
  app.add_option(
         "-d,--database", options.database,
         "connection string or URI; left out: DATABASE_URL, then what libpq finds (PG*, service, password file)")
      ->type_name("URI");
  app.add_option("-c,--config", options.config, "configuration; left out: ./switchback.yaml where there is one")
      ->type_name("FILE");
  app.add_option("-o,--output", options.output, "table or json")->type_name("FORM");
  app.add_flag("-y,--yes", options.yes, "do not ask; for contract also --approve");
  app.add_option("--color", options.color, "auto, always or never; NO_COLOR is heard")->type_name("WHEN");
  app.add_option("--log-format", options.log_format, "text or json, for what goes to standard error")
      ->type_name("FORM");
  app.add_flag("-q,--quiet", options.quiet, "only warnings and errors");
  app.add_flag("-v,--verbose", options.verbose, "say more");
}

void add_commands(CLI::App& app, Action& chosen) {
  add_init(app, chosen);
  add_validate(app, chosen);
  add_lint(app, chosen);
  add_new(app, chosen);
  add_explain(app, chosen);
  add_run(app, chosen);
  add_status(app, chosen);
  add_pause_and_resume(app, chosen);
  add_set(app, chosen);
  add_approve(app, chosen);
  add_verify(app, chosen);
  add_quarantine(app, chosen);
  add_usage(app, chosen);
  add_rollback_and_restore(app, chosen);
  add_rollforward(app, chosen);
  add_repair(app, chosen);
  add_history(app, chosen);
  add_forbid(app, chosen);
  add_journal(app, chosen);
  add_config(app, chosen);
  add_image(app, chosen);
  add_gate(app, chosen);
  add_fence(app, chosen);
  add_drill(app, chosen);
  add_notify(app, chosen);
  add_sandbox(app, chosen);
  add_brownout_guard(app, chosen);
}

/// Before the parser has got far enough to know.
bool asks_for_json(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--output=json" || word == "-ojson" || word == "-o=json") return true;
    if ((word == "-o" || word == "--output") && i + 1 < argc && std::string_view(argv[i + 1]) == "json") return true;
  }
  return false;
}

/// The innermost command that was named.
const CLI::App& named_command(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

std::string path_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : path_of(*parent) + " " + command.get_name();
}

/// The whole command in the usage line, after a blank one.
class Layout final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string) const override {
    return "\n" + CLI::Formatter::make_usage(app, path_of(*app));
  }
};

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::App* at = &command; at != nullptr; at = at->get_parent())
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

std::optional<std::string> nearest_of(std::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  return nearest(word, views);
}

/// What nobody takes: the first unknown flag, else the first word too many.
std::optional<Error> unknown_words(const CLI::App& app) {
  std::vector<std::string> left = app.remaining(true);
  std::erase(left, "--");  // that words follow which are no flags is no word itself
  if (left.empty()) return std::nullopt;
  const CLI::App& command = named_command(app);
  const std::string help = path_of(command) + " --help";
  for (const std::string& word : left) {
    if (!word.starts_with("-") || word == "-") continue;
    const std::string flag = word.substr(0, word.find('='));
    const auto near = nearest_of(flag, flags_of(command));
    return usage_error(path_of(command) + " has no flag " + flag, near ? "did you mean " + *near + "?" : help);
  }
  const auto commands = commands_of(command);
  if (commands.empty())
    return usage_error(path_of(command) + " takes no further argument '" + left.front() + "'", help);
  const auto near = nearest_of(left.front(), commands);
  return usage_error("'" + left.front() + "' is not a command of " + path_of(command),
                     near ? "did you mean " + path_of(command) + " " + *near + "?" : help);
}

Failure failure_of(const Error& error) {
  Failure failure;
  failure.exit = error.exit();
  failure.message = error.what();
  failure.hint = error.hint();
  failure.sqlstate = error.sqlstate();
  return failure;
}

int fail(const Failure& failure, bool json, Paint paint) {
  std::cerr << (json ? failure_json(failure) : failure_text(failure, paint)) << std::flush;
  return static_cast<int>(failure.exit);
}

/// Every finding for people; for scripts one object, of the first error, with the rest beside it.
int fail(const FileError& error, bool json, Paint paint) {
  Failure failure = failure_of(error);
  if (!json) {
    for (const Diagnostic& found : error.diagnostics()) std::cerr << render(found) << "\n";
    return fail(failure, json, paint);
  }
  for (const Diagnostic& found : error.diagnostics()) {
    if (found.severity != Severity::error) continue;
    failure.message = found.message;
    failure.hint = found.hint;
    failure.file = found.file;
    failure.line = found.line;
    failure.column = found.column;
    break;
  }
  Json object = Json::parse(failure_json(failure));
  object["diagnostics"] = Json::parse(diagnostics_json(error.diagnostics()));
  std::cerr << dumped(object, false) << "\n" << std::flush;
  return static_cast<int>(failure.exit);
}

int perform(const GlobalOptions& options, const Action& action) {
  require_one_of("--output", options.output, outputs);
  require_one_of("--color", options.color, colors);
  require_one_of("--log-format", options.log_format, log_formats);
  Invocation invocation(options);
  int code = 0;
  try {
    code = action(invocation);
  } catch (const FileError& error) {
    code = fail(error, invocation.json(), invocation.err());
  } catch (const Error& error) {
    code = fail(failure_of(invocation.with_rights_hint(error)), invocation.json(), invocation.err());
  }
  invocation.deliver();
  return code;
}

std::string without_trailing_newline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

int parse_and_perform(CLI::App& app, const GlobalOptions& options, const Action& chosen, int argc,
                      const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << without_trailing_newline(app.help()) << "\n" << std::flush;
    return 0;
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << "\n" << std::flush;
    return 0;
  } catch (const CLI::ParseError& error) {
    if (const auto unknown = unknown_words(app)) throw Error(*unknown);
    throw usage_error(path_of(named_command(app)) + ": " + error.what(), path_of(named_command(app)) + " --help");
  }
  if (const auto unknown = unknown_words(app)) throw Error(*unknown);
  if (!chosen) {
    const CLI::App& command = named_command(app);
    std::cerr << without_trailing_newline(command.help()) << "\n" << std::flush;
    return static_cast<int>(Exit::usage);
  }
  return perform(options, chosen);
}

}  // namespace

int run_command_line(int argc, const char* const* argv) noexcept {
  const bool json = asks_for_json(argc, argv);
  try {
    GlobalOptions options;
    Action chosen;
    CLI::App app(
        "Schema changes of a live PostgreSQL database as expand, migrate, contract:\n"
        "both images work at every moment, and every phase can be turned back.",
        "switchback");
    app.set_version_flag("--version", std::string("switchback ") + SWITCHBACK_VERSION);
    const auto layout = std::make_shared<Layout>();
    layout->column_width(32);
    app.formatter(layout);
    app.fallthrough();
    app.allow_extras();
    // One command: a plan may be called like another one.
    app.require_subcommand(0, 1);
    add_global_flags(app, options);
    add_commands(app, chosen);
    app.footer(
        "Every command has --help with an example. The flags above go before or behind a command.\n"
        "Start here: switchback sandbox up; switchback validate PLAN; switchback run PLAN; switchback status");
    return parse_and_perform(app, options, chosen, argc, argv);
  } catch (const Error& error) {
    return fail(failure_of(error), json, Paint{});
  } catch (const std::exception& error) {
    Failure failure;
    failure.message = error.what();
    failure.hint = "this is a fault of switchback itself; the plan is as the journal says: switchback status";
    return fail(failure, json, Paint{});
  }
}

}  // namespace switchback::cli
