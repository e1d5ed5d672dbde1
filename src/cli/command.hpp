/// One function a command, each adding it to the parser. Private to the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "invocation.hpp"

namespace switchback::cli {

/// What the command line asked for; returns the exit code.
using Action = std::function<int(Invocation&)>;

/// What the help of a command says beside its flags.
struct Help {
  std::string what;
  std::string example;
  std::string next;  ///< what one would do after it
};

CLI::App* add_command(CLI::App& parent, const std::string& name, const Help& help);
/// `command` called makes `chosen` run `action` with `options`.
template <class Options>
void on_call(CLI::App* command, Action& chosen, const std::shared_ptr<Options>& options,
             int (*action)(Invocation&, const Options&)) {
  command->callback([&chosen, options, action] {
    chosen = [options, action](Invocation& invocation) { return action(invocation, *options); };
  });
}

/// Overrides by name, with their reason.
struct DespiteOptions {
  std::vector<std::string> what;
  std::string reason;
};
void add_despite(CLI::App* command, DespiteOptions& options);
/// Exit 64 for an unknown name, or where there is no reason.
std::vector<daemon::Despite> checked(const DespiteOptions& options);
/// Exit 64 unless `text` is one of `known`; names the nearest.
void require_one_of(std::string_view what, std::string_view text, std::span<const std::string_view> known);

void add_init(CLI::App& app, Action& chosen);
void add_validate(CLI::App& app, Action& chosen);
void add_explain(CLI::App& app, Action& chosen);
void add_run(CLI::App& app, Action& chosen);
void add_status(CLI::App& app, Action& chosen);
void add_pause_and_resume(CLI::App& app, Action& chosen);
void add_set(CLI::App& app, Action& chosen);
void add_approve(CLI::App& app, Action& chosen);
void add_verify(CLI::App& app, Action& chosen);
void add_quarantine(CLI::App& app, Action& chosen);
void add_usage(CLI::App& app, Action& chosen);
void add_rollback_and_restore(CLI::App& app, Action& chosen);
void add_rollforward(CLI::App& app, Action& chosen);
void add_repair(CLI::App& app, Action& chosen);
void add_history(CLI::App& app, Action& chosen);
void add_forbid(CLI::App& app, Action& chosen);
void add_journal(CLI::App& app, Action& chosen);
void add_config(CLI::App& app, Action& chosen);
void add_drill(CLI::App& app, Action& chosen);
void add_notify(CLI::App& app, Action& chosen);
void add_sandbox(CLI::App& app, Action& chosen);
void add_brownout_guard(CLI::App& app, Action& chosen);

/// A whole file, or standard input for `-`. Error(Exit::invalid) when it cannot be read.
std::string content_of(const std::string& path);

/// Says how a drive ended and what to do next; returns its exit code.
int report(Invocation& invocation, const std::string& plan, const daemon::DriveOutcome& outcome);

}  // namespace switchback::cli
