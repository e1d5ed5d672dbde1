#include <poll.h>

#include <cstdlib>

#include "command_images.hpp"
#include "private_file.hpp"
#include "render_capture.hpp"
#include "switchback/core/image_name.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/capturing.hpp"
#include "switchback/engine/gating.hpp"
#include "switchback/plan_file/manifest_writer.hpp"
#include "switchback/postgres/capture.hpp"
#include "switchback/postgres/image_asking.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/process/child.hpp"

namespace switchback::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* password_variable = "SWITCHBACK_CAPTURE_PASSWORD";
constexpr milliseconds period{1000};

struct CaptureOptions {
  std::string image;
  std::string role;
  std::string on;
  std::string time;
  std::string manifest_out;
  bool replace = false;
  bool dry_run = false;
  bool allow_failure = false;
  std::vector<std::string> command;
};

/// Another server than that of the registry, where one is named.
postgres::ConnectOptions observed_options(Invocation& invocation, const CaptureOptions& options) {
  postgres::ConnectOptions connect;
  connect.database = options.on.empty() ? invocation.settings().database : options.on;
  connect.lock_timeout = invocation.settings().lock_timeout;
  connect.read_only = true;
  return connect;
}

/// As the flag says, else as the image's manifest does, else as images.live.role.
std::string role_of(Invocation& invocation, const CaptureOptions& options, const std::optional<Footprint>& known) {
  if (!options.role.empty()) return options.role;
  if (known && !known->role.empty()) return known->role;
  const std::string& pattern = invocation.settings().live_role;
  if (!pattern.empty()) return live_name(pattern, options.image);
  throw usage_error("image capture needs --role ROLE: whose statements are the image's",
                    "a role that nobody else uses meanwhile");
}

/// The command has ended; the server may still be counting the last statements of its sessions.
void await_sessions(Invocation& invocation, postgres::StatementCapture& capture) {
  constexpr std::chrono::seconds patience{10};
  const auto end = Clock::now() + patience;
  std::int64_t left = 0;
  while ((left = capture.sessions_since()) > 0 && Clock::now() < end) poll(nullptr, 0, 20);
  if (left > 0)
    invocation.warn(std::to_string(left) +
                    " sessions of the role are still there: what they run after this is not captured");
}

/// The command's exit code.
int run_command(Invocation& invocation, const CaptureOptions& options, const std::string& database,
                const std::string& role, postgres::StatementCapture& capture) {
  const char* password = std::getenv(password_variable);
  process::Command command;
  command.argv = options.command;
  command.environment =
      postgres::environment_for_role(observed_options(invocation, options), database, role,
                                     password == nullptr ? std::nullopt : std::optional<std::string>(password));
  command.environment[password_variable] = std::nullopt;
  command.attached = true;
  command.die_with_us = true;
  process::Child child(command);
  std::optional<int> exit_code;
  while (!(exit_code = child.wait(period))) capture.look();
  await_sessions(invocation, capture);
  return *exit_code;
}

void watch_traffic(Invocation& invocation, milliseconds time, postgres::StatementCapture& capture) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end && capture.gap().reason.empty()) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    poll(nullptr, 0, static_cast<int>(std::clamp(left, milliseconds(0), period).count()));
    capture.look();
  }
  if (const std::int64_t busy = capture.sessions_at_work(); busy > 0)
    invocation.warn(std::to_string(busy) +
                    " sessions of the role are in a statement or a transaction: what still runs is not captured");
}

[[noreturn]] void refuse_nothing(const std::string& role, postgres::StatementCapture& capture) {
  std::string others;
  for (const std::string& database : capture.elsewhere()) others += (others.empty() ? "" : ", ") + database;
  throw Error(Exit::refused, Remedy::person, "no statement of role " + role + " was seen in this database",
              others.empty() ? "does the command connect by PGUSER or DATABASE_URL of its environment? statements of "
                               "another role are not captured"
                             : "the role ran statements in " + others + ": capture there, with --on");
}

/// Nothing may be missing from what is registered without a word.
void require_whole(const CaptureOptions& options, const postgres::CaptureGap& gap, int exit_code) {
  if (!gap.reason.empty())
    throw Error(Exit::refused, Remedy::person, "not every statement was seen: " + gap.reason,
                gap.remedy + "; nothing is registered");
  if (exit_code != 0 && !options.allow_failure)
    throw Error(
        Exit::failed, Remedy::person,
        options.command.front() + " ended with exit code " + std::to_string(exit_code) + ": nothing is registered",
        "mend it; or --allow-failure, where what ran is enough to tell what the image needs");
}

/// Its statements succeeded: a table that is not there was in another schema, or is gone again.
void warn_of_absent(Invocation& invocation, const Footprint& found, const postgres::KnownColumns& known) {
  for (const TableUse& use : found.tables)
    if (!known.contains(use.table))
      invocation.warn(shown(use.table) +
                      " is not there now: bare names are taken for public's, whatever search_path the "
                      "role has; --manifest-out writes a manifest in which that can be mended");
}

void write_report(Invocation& invocation, const CaptureReport& report) {
  invocation.data(invocation.json() ? capture_json(report) : capture_text(report, invocation.out()));
  if (!report.found.unclear.empty())
    invocation.warn(
        "what is unclear makes the gates say unknown: run it under another role where it is not the "
        "image's own (its schema, its test data), or leave it out of the manifest");
  for (const TableUse& use : report.found.tables)
    if (use.reads_all)
      invocation.detail("whether `*` of " + shown(use.table) +
                        " is prepared and kept cannot be seen: prepares_star in a manifest says so");
  invocation.say(report.image + (report.registered ? " is registered by " : " was captured by ") +
                 std::to_string(report.statements) + (report.statements == 1 ? " statement" : " statements") +
                 " of role " + report.role + "; next: " +
                 (report.registered ? "switchback gate deploy " + report.image
                                    : "switchback image add --manifest FILE registers what --manifest-out wrote"));
}

int capture(Invocation& invocation, const CaptureOptions& options) {
  if (options.command.empty() == options.time.empty())
    throw usage_error("image capture takes a command behind -- or --for TIME",
                      "switchback image capture " + options.image + " --role ROLE -- ./run-tests.sh");
  const auto time = parse_duration(options.time.empty() ? "0s" : options.time);
  if (!time) throw usage_error("--for cannot be '" + options.time + "'", "it takes a duration: 10m, 1h");
  require_image_name(options.image);
  std::optional<Footprint> known;
  // Before the command takes its time: may we write what comes of it?
  if (!options.dry_run) known = engine::registered_footprint(*invocation.writing(), options.image);
  const std::string role = role_of(invocation, options, known);
  const auto observed = postgres::connect(observed_options(invocation, options));
  const std::string database = observed->exec("SELECT pg_catalog.current_database()").text(0, 0);
  postgres::StatementCapture capture(*observed, role);
  int exit_code = 0;
  if (options.command.empty())
    watch_traffic(invocation, *time, capture);
  else
    exit_code = run_command(invocation, options, database, role, capture);
  capture.look();
  require_whole(options, capture.gap(), exit_code);
  const postgres::CapturedStatements captured = capture.statements();
  if (captured.empty()) refuse_nothing(role, capture);

  std::vector<std::string> all = captured.sent;
  all.insert(all.end(), captured.inside.begin(), captured.inside.end());
  CaptureReport report{options.image, role, all.size(), !options.dry_run, {}, false, {}, {}};
  const postgres::KnownColumns there = known_columns(*observed, all);
  report.found = postgres::footprint_of(captured, there);
  warn_of_absent(invocation, report.found, there);
  Footprint now = report.found;
  if (!options.dry_run) {
    const std::string through =
        options.command.empty() ? "its traffic of " + show_duration(*time) : options.command.front();
    now = engine::register_capture(*invocation.writing(), invocation.actor(),
                                   {options.image, role, through, report.found}, options.replace);
    postgres::ImageAsking asking;
    engine::remember_prepared(*invocation.writing(), options.image, asking);
  }
  if (known && !known->partial) {
    report.known_before = true;
    report.beyond = needs_beyond(report.found, *known);
    report.not_seen = needs_beyond(*known, report.found);
  }
  if (!options.manifest_out.empty())
    write_private_file(
        options.manifest_out,
        write_manifest(options.image, now, "What " + options.image + " needs of the database, as captured."));
  write_report(invocation, report);
  return exit_code == 0 ? 0 : static_cast<int>(Exit::failed);
}

}  // namespace

void add_capture(CLI::App& image, Action& chosen) {
  CLI::App* command = add_command(
      image, "capture",
      {"Find out what an image needs of the database from what it does: run a command, its tests say, under a role of "
       "its own, or watch the traffic of its role. Adds to what is registered of the image; image add replaces it.",
       "switchback image capture shop:v41 --role shop_v41_capture -- ./run-tests.sh\n"
       "switchback image capture shop:v41 --on postgresql://ci/shop --role shop --manifest-out shop-v41.yaml -- make "
       "test\n"
       "switchback image capture shop:v41 --role shop --for 1h",
       "switchback gate deploy IMAGE.\n\n"
       "The command finds PGHOST, PGPORT, PGDATABASE, PGUSER and DATABASE_URL in its environment, for the role; its "
       "password is that of SWITCHBACK_CAPTURE_PASSWORD, or where libpq looks. Its output goes to standard error. "
       "Needs pg_stat_statements with track = all, and pg_read_all_stats. A statement that failed is not seen, nor "
       "what the tests do not run."});
  auto options = std::make_shared<CaptureOptions>();
  command->add_option("IMAGE", options->image, "the image's name")->type_name("")->required();
  command->add_option("COMMAND", options->command, "behind --: what is run, with its arguments")->type_name("");
  command->add_option("--role", options->role, "whose statements are the image's; left out: as its manifest says")
      ->type_name("ROLE");
  command->add_option("--for", options->time, "no command: the role's traffic, for so long")->type_name("TIME");
  command->add_option("--on", options->on, "the database it runs on, where that is not the registry's own")
      ->type_name("URI");
  command->add_option("--manifest-out", options->manifest_out, "also write what is registered now as a manifest")
      ->type_name("FILE");
  command->add_flag("--replace", options->replace, "forget what was registered of the image before");
  command->add_flag("--dry-run", options->dry_run, "register nothing; needs no journal");
  command->add_flag("--allow-failure", options->allow_failure, "register also when the command fails; the exit is 1");
  on_call(command, chosen, options, capture);
}

}  // namespace switchback::cli
