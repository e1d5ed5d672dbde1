#include "switchback/daemon/schema_clone.hpp"

#include <iomanip>
#include <random>
#include <sstream>

#include "scratch_server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/process/child.hpp"
#include "switchback/process/installation.hpp"

namespace switchback::daemon {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto program_deadline = 120s;
constexpr auto retry_after = 60s;
constexpr const char* application = "switchback clone";
/// Any number: whoever makes a clone or clears leftovers away holds this advisory lock of the maintenance database.
constexpr const char* making_lock = "8461273920";

std::string database_name() {
  std::random_device random;
  std::ostringstream out;
  out << "switchback_clone_" << std::hex << std::setfill('0') << std::setw(8) << random() << std::setw(8) << random();
  return out.str();
}

/// The last line of a program's complaint that says something.
std::string complaint(const process::Outcome& outcome) {
  if (outcome.timed_out) return "took longer than two minutes";
  std::istringstream lines(outcome.err);
  std::string found;
  for (std::string line; std::getline(lines, line);)
    if (line.find("error:") != std::string::npos && found.empty()) found = line;
  return found.empty() ? outcome.err : found;
}

/// pg_restore says of each command that fails: "error: could not execute query: ERROR:  permission denied …", and after
/// some lines more "Command was: CREATE EXTENSION …".
std::vector<std::string> failed_commands(const std::string& text) {
  std::vector<std::string> failed;
  std::istringstream lines(text);
  std::string why;
  for (std::string line; std::getline(lines, line);) {
    if (const auto at = line.find("ERROR:  "); at != std::string::npos) why = line.substr(at + 8);
    const auto at = line.find("Command was: ");
    if (at == std::string::npos || why.empty()) continue;
    const std::string command = line.substr(at + 13, 100);
    // Ours are left out of the dump, what stands ready was made beforehand, and neither policies nor event triggers
    // decide what a statement means.
    const bool expected = why.find("\"switchback\"") != std::string::npos || why.ends_with("already exists") ||
                          why.find("unrecognized configuration parameter") != std::string::npos ||
                          command.starts_with("CREATE POLICY") || command.starts_with("CREATE EVENT TRIGGER") ||
                          command.starts_with("ALTER EVENT TRIGGER");
    if (!expected) failed.push_back(command + " (" + why + ")");
    why.clear();
  }
  return failed;
}

class PgDumpClone final : public ports::SchemaClone {
 public:
  explicit PgDumpClone(CloneOptions options) : options_(std::move(options)) {}
  ~PgDumpClone() override { discard(); }

  std::optional<std::string> declined() const override { return options_.declined; }

  ports::OpenClone open(ports::Session& source, const std::string& schema) override {
    if (schema == schema_ && session_) return {session_.get(), "", "", lacking_};
    if (schema == schema_ && Clock::now() < failed_at_ + retry_after) return {nullptr, why_not_, remedy_, {}};
    discard();
    schema_ = schema;
    try {
      make(source);
      return {session_.get(), "", "", lacking_};
    } catch (const Error& error) {
      discard();
      server_.reset();
      schema_ = schema;
      failed_at_ = Clock::now();
      why_not_ = error.what();
      remedy_ = error.hint().empty() ? "mend that, or say in the configuration that there is to be none: scratch: "
                                       "{ none: reason }"
                                     : error.hint();
      return {nullptr, why_not_, remedy_, {}};
    }
  }

  void discard() noexcept override {
    session_.reset();
    schema_.clear();
    lacking_.clear();
    if (name_.empty()) return;
    try {
      postgres::connect({.database = server_->connection(), .application_name = application})
          ->exec("DROP DATABASE IF EXISTS " + quote_identifier(name_));
    } catch (const std::exception&) {  // the next one clears it away
    }
    name_.clear();
  }

 private:
  void make(ports::Session& source) {
    const int major = source.server_version() / 10000;
    const std::string programs = process::find_dump_programs(major);
    if (programs.empty())
      throw Error(Exit::failed, Remedy::person,
                  "there is no pg_dump of version " + std::to_string(major) + " or newer on this machine",
                  "install PostgreSQL's client programs of that version (Debian: postgresql-client-" +
                      std::to_string(major) + ")");
    const std::string dump = dumped(programs);
    if (!server_)
      server_ = options_.scratch.empty() ? throwaway_scratch_server(major) : named_scratch_server(options_.scratch);
    make_database(major);
    server_->furnish(name_, extensions(source));
    restore(programs, dump);
  }

  std::string dumped(const std::string& programs) const {
    const auto from = postgres::for_program({.database = options_.database, .application_name = application});
    process::Command command;
    command.argv = {programs + "/pg_dump",
                    "--format=custom",
                    "--schema-only",
                    "--no-owner",
                    "--no-privileges",
                    "--no-comments",
                    "--no-security-labels",
                    "--no-publications",
                    "--no-subscriptions",
                    "--no-tablespaces",
                    "--exclude-schema=switchback",
                    "--no-password",
                    "--lock-wait-timeout=" + std::to_string(options_.lock_timeout.count()),
                    "-d",
                    from.connection};
    command.environment = from.environment;
    command.environment["LC_ALL"] = "C";
    command.die_with_us = true;
    process::Outcome outcome = process::run(command, program_deadline);
    if (!outcome.ok())
      throw Error(Exit::failed, Remedy::person, "pg_dump of the schema failed: " + complaint(outcome),
                  "pg_dump --schema-only must work as this role (GRANT pg_read_all_data, or SELECT on the tables); or "
                  "scratch: { none: reason }");
    return std::move(outcome.out);
  }

  /// Under the lock until our session is in the database: nobody takes one without sessions for a leftover meanwhile.
  void make_database(int major) {
    const auto maintenance =
        postgres::connect({.database = server_->connection(), .application_name = application, .lock_timeout = 60s});
    if (maintenance->server_version() / 10000 < major)
      throw Error(Exit::failed, Remedy::person,
                  "the server of `scratch` is PostgreSQL " + std::to_string(maintenance->server_version() / 10000) +
                      ", older than the database's, " + std::to_string(major),
                  "name one of the same version");
    const auto role = maintenance->exec(
        "SELECT rolsuper, rolcreatedb, rolname FROM pg_catalog.pg_roles WHERE rolname = current_user");
    if (role.boolean(0, 0) || !role.boolean(0, 1))
      throw Error(Exit::failed, Remedy::person,
                  "the role " + role.text(0, 2) + " of `scratch` " +
                      (role.boolean(0, 0) ? "is a superuser: functions of the source may run with its rights"
                                          : "may not create databases"),
                  "on that server: CREATE ROLE … LOGIN CREATEDB, and name it in `scratch`");
    maintenance->exec("SELECT pg_catalog.pg_advisory_lock($1::bigint)", {making_lock});
    const auto left = maintenance->exec(
        "SELECT datname FROM pg_catalog.pg_database d WHERE datname ~ '^switchback_clone_[0-9a-f]{16}$' "
        "AND pg_catalog.pg_has_role(datdba, 'USAGE') "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)");
    for (std::size_t i = 0; i < left.size(); ++i)
      maintenance->exec("DROP DATABASE IF EXISTS " + quote_identifier(left.text(i, 0)));
    const std::string name = database_name();
    maintenance->exec("CREATE DATABASE " + quote_identifier(name));
    name_ = name;
    session_ = postgres::connect({.database = postgres::with_database(server_->connection(), name_),
                                  .application_name = application,
                                  .statement_timeout = 60s,
                                  .row_security_off = false});
  }

  static Extensions extensions(ports::Session& source) {
    const auto rows = source.exec(
        "SELECT e.extname, n.nspname FROM pg_catalog.pg_extension e "
        "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY e.oid");
    Extensions all;
    for (std::size_t i = 0; i < rows.size(); ++i) all.emplace_back(rows.text(i, 0), rows.text(i, 1));
    return all;
  }

  void restore(const std::string& programs, const std::string& dump) {
    const auto to = postgres::for_program(
        {.database = postgres::with_database(server_->connection(), name_), .application_name = application});
    process::Command command;
    command.argv = {programs + "/pg_restore", "--no-owner", "--no-privileges", "--no-password", "-d", to.connection};
    command.environment = to.environment;
    command.environment["LC_ALL"] = "C";
    command.input = dump;
    command.die_with_us = true;
    const process::Outcome outcome = process::run(command, program_deadline);
    // One that got to its end and left something out says how much; anything else did not get there.
    if (!outcome.ok() && outcome.err.find("errors ignored on restore") == std::string::npos)
      throw Error(Exit::failed, Remedy::person, "pg_restore of the schema failed: " + complaint(outcome));
    lacking_ = failed_commands(outcome.err);
  }

  CloneOptions options_;
  std::unique_ptr<ScratchServer> server_;
  std::unique_ptr<ports::Session> session_;
  std::string name_;
  std::string schema_;
  std::vector<std::string> lacking_;
  std::string why_not_;
  std::string remedy_;
  Clock::time_point failed_at_{};
};

}  // namespace

std::unique_ptr<ports::SchemaClone> make_schema_clone(CloneOptions options) {
  return std::make_unique<PgDumpClone>(std::move(options));
}

}  // namespace switchback::daemon
