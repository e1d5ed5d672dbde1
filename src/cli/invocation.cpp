#include "invocation.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "log.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/daemon/notifier.hpp"
#include "switchback/engine/brownout.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/engine/notifying.hpp"
#include "switchback/plan_file/config_reader.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::cli {
namespace {

constexpr const char* default_config = "switchback.yaml";

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool colours(const GlobalOptions& options, int descriptor) {
  if (options.color == "always") return true;
  if (options.color == "never" || !environment("NO_COLOR").value_or("").empty()) return false;
  return is_terminal(descriptor) && environment("TERM").value_or("dumb") != "dumb";
}

std::string count_of(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace

Instant now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::size_t width_of(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 80;
}

bool is_terminal(int descriptor) {
  return isatty(descriptor) == 1;
}

bool somebody_to_ask() {
  return is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO);
}

Error usage_error(const std::string& message, const std::string& hint) {
  return Error(Exit::usage, Remedy::person, message, hint);
}

Invocation::Invocation(GlobalOptions options)
    : options_(std::move(options)),
      actor_(engine::current_actor()),
      out_{colours(options_, STDOUT_FILENO)},
      err_{colours(options_, STDERR_FILENO)} {
  start_log(options_.log_format == "json", options_.quiet, options_.verbose, err_);
  if (has_password(options_.database))
    warn(
        "a password in --database can be read by everybody on this machine: use a password file, a service or "
        "PGPASSWORD");
}

const std::vector<SettingValue>& Invocation::given_settings() {
  if (given_) return *given_;
  std::vector<SettingValue> values;
  std::error_code ignored;
  const bool named = !options_.config.empty();
  if (named || std::filesystem::exists(default_config, ignored)) {
    const std::string path = named ? options_.config : default_config;
    ReadConfig read = read_config_file(path);
    if (has_errors(read.diagnostics))
      throw FileError(read.diagnostics, path + " is not a configuration that can be used");
    for (const Diagnostic& found : read.diagnostics) warn(render(found));
    values = std::move(read.values);
    alerts_ = std::move(read.alerts);
    notify_ = std::move(read.notify);
  }
  for (SettingValue& value : settings_from_environment(environment)) values.push_back(std::move(value));
  if (!options_.database.empty()) values.push_back({"database", options_.database, Origin::flag, "--database"});
  given_ = std::move(values);
  return *given_;
}

const Settings& Invocation::settings() {
  if (!settings_) settings_ = resolve(given_settings());
  return *settings_;
}

const std::vector<AlertSource>& Invocation::alerts() {
  given_settings();
  return alerts_;
}

const std::vector<NotifyTarget>& Invocation::notify() {
  given_settings();
  return notify_;
}

std::unique_ptr<ports::Session> Invocation::connected(bool read_only) {
  postgres::ConnectOptions options;
  options.database = settings().database;
  options.lock_timeout = settings().lock_timeout;
  options.read_only = read_only;
  writes_ = !read_only;
  detail("connecting to " + postgres::shown_target(options.database));
  auto session = postgres::connect(options);
  role_ = session->exec("SELECT session_user").text(0, 0);
  return session;
}

std::unique_ptr<ports::Session> Invocation::reading() {
  auto session = connected(true);
  engine::require_readable_journal(*session);
  return session;
}

std::unique_ptr<ports::Session> Invocation::writing() {
  auto session = connected(false);
  engine::require_readable_journal(*session);
  engine::ensure_journal(*session);
  undo_overdue(*session);
  if (!notify().empty()) enrol(*session);
  return session;
}

/// A role that may not write the outbox still does what it came for.
void Invocation::enrol(ports::Session& session) {
  try {
    engine::enrol_targets(session, notify_);
    notifies_ = true;
  } catch (const Error& error) {
    if (error.remedy() == Remedy::reconnect) throw;
    session.rollback();
    warn(std::string("nobody can be notified: ") + error.what());
  }
}

void Invocation::deliver() {
  if (!notifies_) return;
  try {
    const auto session = connected(false);
    for (const std::string& problem : daemon::deliver_due(*session, notify_, std::chrono::seconds(5))) warn(problem);
  } catch (const std::exception& error) {
    warn(std::string("nobody could be notified: ") + error.what());
  }
}

/// A brownout past its time is given back by whoever comes by; a role that may not do that still does what it came for.
void Invocation::undo_overdue(ports::Session& session) const {
  try {
    if (!session
             .exec("SELECT 1 FROM switchback.brownout WHERE undone_at IS NULL AND deadline < "
                   "pg_catalog.clock_timestamp()")
             .empty())
      engine::undo_brownouts(session, actor_, std::nullopt, true, "a command that found it overdue");
  } catch (const Error& error) {
    if (error.remedy() == Remedy::reconnect) throw;
    session.rollback();
    warn(std::string("a brownout is past its time and could not be undone: ") + error.what());
  }
}

Plan Invocation::plan_from(const std::string& path) {
  ReadPlan read = read_plan_file(path);
  if (!read.plan || has_errors(read.diagnostics)) {
    std::size_t errors = 0;
    for (const Diagnostic& found : read.diagnostics)
      if (found.severity == Severity::error) ++errors;
    throw FileError(read.diagnostics, path + " is not a plan that can be run: " + count_of(errors, "error"));
  }
  for (const Diagnostic& found : read.diagnostics) warn(render(found));
  return *std::move(read.plan);
}

daemon::DriveRequest Invocation::drive_request() {
  daemon::DriveRequest request;
  request.settings = given_settings();
  request.alerts = alerts();
  request.notify = notify();
  request.actor = actor_;
  return request;
}

void Invocation::data(std::string_view text) const {
  std::cout << text << std::flush;
}

void Invocation::say(std::string_view line) const {
  log_line(Level::info, line);
}

void Invocation::warn(std::string_view line) const {
  log_line(Level::warning, line);
}

void Invocation::detail(std::string_view line) const {
  log_line(Level::detail, line);
}

Error Invocation::with_rights_hint(const Error& error) const {
  if (error.sqlstate() == "25006" && error.hint().empty())
    return Error(error.exit(), error.remedy(), error.what(),
                 "this is a standby or a read-only database: connect to the primary", error.sqlstate());
  if (error.sqlstate() != "42501" || !error.hint().empty() || role_.empty()) return error;
  const std::string role = quote_identifier(role_);
  const std::string_view what = error.what();
  std::string hint;
  if (what.find("must be owner of") != std::string_view::npos)
    hint = "only the owner of a table may change its shape: run as the owner, or GRANT the owning role TO " + role;
  else
    hint = "for the journal: GRANT USAGE ON SCHEMA switchback TO " + role + "; GRANT SELECT" +
           (writes_ ? ", INSERT, UPDATE" : "") + " ON ALL TABLES IN SCHEMA switchback TO " + role + ";";
  return Error(Exit::unreachable, error.remedy(), error.what(), hint, error.sqlstate());
}

}  // namespace switchback::cli
