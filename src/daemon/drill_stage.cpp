#include "drill_stage.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <sstream>

#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/engine/rekeying.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/row_maker.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/process/installation.hpp"

namespace switchback::daemon {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* role = "switchback_drill";
constexpr auto program_deadline = 120s;
constexpr auto leg_deadline = 120s;

std::atomic<int> heard{0};

std::string random_digits() {
  std::random_device random;
  std::ostringstream out;
  out << std::hex << random() << random();
  return out.str();
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(Exit::invalid, Remedy::person, "cannot read " + path, "name a file of SQL, as pg_dump -s writes it");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The waits are no part of what is rehearsed, and what other plans have made is in the schema already.
Plan without_waits(Plan plan) {
  plan.requires_plans.clear();
  plan.contract.brownout.reset();
  plan.turn_back.clear();      // what it names watches the target
  plan.rolls_forward.reset();  // what it undoes was run in the target alone
  if (!plan.contract.steps.empty()) {
    plan.contract.observe = 0s;
    plan.contract.soak = 0s;
    plan.contract.approvals = 0;
  }
  std::erase_if(plan.settings, [](const auto& setting) {
    return setting.first == "backfill.hours" || setting.first.starts_with("contract.") ||
           setting.first.starts_with("health.") || setting.first.starts_with("backup.") ||
           setting.first == "drill.required";
  });
  return plan;
}

/// As an environment variable names a setting.
std::string variable(std::string key) {
  for (char& c : key) c = c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "SWITCHBACK_" + key;
}

/// What the configuration says of how plans are run goes for the rehearsal; what it says of a place does not.
std::string configuration(const std::vector<SettingValue>& given, bool replica) {
  nlohmann::json tree = nlohmann::json::object();  // JSON is YAML
  for (const SettingValue& value : given) {
    if (!value.key.starts_with("backfill.") && value.key != "lock_timeout") continue;
    if (value.key == "backfill.hours") continue;
    nlohmann::json* at = &tree;
    std::istringstream parts(value.key);
    for (std::string part; std::getline(parts, part, '.');) at = &(*at)[part];
    *at = value.value;
  }
  if (replica)
    tree["health"]["replicas"] = {{{"name", "replica"}, {"queries", {{"none", "nobody queries it in a drill"}}}}};
  return tree.dump(2) + "\n";
}

ProgramEnvironment waits_of_a_drill() {
  ProgramEnvironment all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string one = *entry;
    if (one.starts_with("SWITCHBACK_") && !one.starts_with("SWITCHBACK_PG_BIN"))
      all[one.substr(0, one.find('='))] = std::nullopt;
  }
  for (const auto& [key, value] : std::map<std::string, std::string>{{"environment", "development"},
                                                                     {"lease", "1s"},
                                                                     {"scratch.none", "this is a drill"},
                                                                     {"backup.none", "this is a drill"},
                                                                     {"health.grace", "10s"},
                                                                     {"health.replication_lag.limit", "10s"},
                                                                     {"health.replication_lag.clear", "500ms"}})
    all[variable(key)] = value;
  return all;
}

/// The last line that is JSON: the error object of the command line.
std::string message_in(const std::string& err) {
  std::istringstream lines(err);
  std::string said;
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("message")) continue;
    said = object.value("message", "");
    if (object.contains("hint") && object["hint"].is_string() && !object["hint"].get<std::string>().empty())
      said += " (" + object["hint"].get<std::string>() + ")";
  }
  return said.empty() ? err : said;
}

}  // namespace

// --- interruption ------------------------------------------------------------------------------------------------

Interruption::Interruption() {
  heard = 0;
  struct sigaction action {};
  action.sa_handler = [](int number) { heard = number; };
  sigaction(SIGINT, &action, &before_int_);
  sigaction(SIGTERM, &action, &before_term_);
}

Interruption::~Interruption() {
  sigaction(SIGINT, &before_int_, nullptr);
  sigaction(SIGTERM, &before_term_, nullptr);
}

void Interruption::check() {
  if (const int number = heard) throw Interrupted{number};
}

// --- the stage ---------------------------------------------------------------------------------------------------

DrillStage::DrillStage(const Plan& plan, const DrillRequest& request, DrillReport& report) {
  try {
    prepare_server(request);
    Interruption::check();
    load_schema(request, report);
    if (!request.seed_file.empty()) load(content_of(request.seed_file), request.seed_file);
    const auto session = application("drill rows");
    report.tables = postgres::make_rows(*session, request.rows, request.seed);
    Interruption::check();
    write_files(request, plan);
  } catch (...) {
    clear();
    throw;
  }
}

DrillStage::~DrillStage() {
  clear();
}

void DrillStage::clear() noexcept {
  session_.reset();
  std::error_code gone;
  if (!folder_.empty()) fs::remove_all(folder_, gone);
  if (!database_.empty() && !sandbox_) {
    try {
      const auto session = postgres::connect({.database = server_, .application_name = "switchback drill"});
      session->exec("DROP DATABASE IF EXISTS " + quote_identifier(database_) + " WITH (FORCE)");
    } catch (const std::exception&) {  // its name says whose it is
    }
  }
  database_.clear();
  sandbox_.reset();
}

void DrillStage::prepare_server(const DrillRequest& request) {
  int major = 0;
  if (request.schema == DrillRequest::Schema::target) {
    const Settings settings = resolve(request.settings);
    major =
        postgres::connect({.database = settings.database, .application_name = "switchback drill"})->server_version() /
        10000;
  }
  if (request.server.empty()) {
    process::SandboxOptions options;
    options.fsync = false;
    options.replica = request.replica;
    options.major = major;
    sandbox_ = std::make_unique<ThrowawaySandbox>("drill-", options);
    process::sandbox_sql(sandbox_->info(), sandbox_->info().primary_uri(),
                         std::string("CREATE ROLE ") + role + " LOGIN CREATEDB; GRANT pg_monitor TO " + role);
    server_ = "postgresql://" + std::string(role) +
              sandbox_->info().primary_uri().substr(sandbox_->info().primary_uri().find('@'));
  } else {
    server_ = request.server;
  }
  Interruption::check();
  const auto session = postgres::connect({.database = server_, .application_name = "switchback drill"});
  programs_ = process::find_dump_programs(session->server_version() / 10000);
  if (programs_.empty())
    throw Error(Exit::failed, Remedy::person, "there are no pg_dump and psql as new as the server on this machine",
                "install PostgreSQL's client programs of version " + std::to_string(session->server_version() / 10000));
  const auto rights =
      session->exec("SELECT rolsuper, rolcreatedb, rolname FROM pg_catalog.pg_roles WHERE rolname = current_user");
  if (rights.boolean(0, 0) || !rights.boolean(0, 1))
    throw Error(Exit::failed, Remedy::person,
                "the role " + rights.text(0, 2) + " of --server " +
                    (rights.boolean(0, 0) ? "is a superuser: functions of the schema may run with its rights"
                                          : "may not create databases"),
                "on that server: CREATE ROLE … LOGIN CREATEDB, and GRANT pg_monitor to it");
  database_ = "switchback_drill_" + random_digits();
  session->exec("CREATE DATABASE " + quote_identifier(database_));
  uri_ = postgres::with_database(server_, database_);
  session_ = application("switchback drill");
}

void DrillStage::load_schema(const DrillRequest& request, DrillReport& report) {
  const std::string version = session().exec("SHOW server_version").text(0, 0);
  report.server = "PostgreSQL " + version.substr(0, version.find(' ')) +
                  (sandbox_ ? std::string(", a throwaway server") + (request.replica ? " with a replica" : "")
                            : ", a named scratch server");
  if (request.schema == DrillRequest::Schema::none) {
    report.schema = "none";
    return;
  }
  if (request.schema == DrillRequest::Schema::file) {
    report.schema = request.schema_file;
    load(content_of(request.schema_file), request.schema_file);
    return;
  }
  const Settings settings = resolve(request.settings);
  const auto from = postgres::for_program({.database = settings.database, .application_name = "switchback drill"});
  process::Command command;
  command.argv = {programs_ + "/pg_dump",
                  "--schema-only",
                  "--no-owner",
                  "--no-publications",
                  "--no-tablespaces",
                  "--no-subscriptions",
                  "--exclude-schema=switchback",
                  "--no-password",
                  "--lock-wait-timeout=" + std::to_string(settings.lock_timeout.count()),
                  "-d",
                  from.connection};
  command.environment = from.environment;
  command.environment["LC_ALL"] = "C";
  command.die_with_us = true;
  const process::Outcome dumped = process::run(command, program_deadline);
  if (!dumped.ok())
    throw Error(Exit::failed, Remedy::person, "pg_dump of the schema failed: " + dumped.err,
                "pg_dump --schema-only must work as this role; or give the schema as a file: --schema FILE.sql");
  report.schema = "pg_dump of " + postgres::shown_target(settings.database);
  load(dumped.out, "the schema of " + postgres::shown_target(settings.database));
}

/// Those that need more rights than the role of the drill has.
void DrillStage::make_extensions(std::string& sql) {
  static const std::regex create(
      R"(CREATE EXTENSION\s+(?:IF NOT EXISTS\s+)?("?[\w-]+"?)(?:\s+WITH)?(?:\s+SCHEMA\s+("?[\w]+"?))?[^;]*;)");
  static const std::regex not_ours(
      R"((?:^|\n)(?:COMMENT ON EXTENSION [^\n]*|ALTER [^\n;]* OWNER TO [^\n;]*;|[^\n]*(?:"~switchback|EXECUTE FUNCTION switchback\.)[^\n]*))");
  const std::string database = sandbox_ ? postgres::with_database(sandbox_->info().primary_uri(), database_) : uri_;
  const std::string owner = sandbox_ ? std::string(" AUTHORIZATION ") + role : std::string();
  const auto session = postgres::connect({.database = database, .application_name = "switchback drill"});
  for (std::sregex_iterator found(sql.begin(), sql.end(), create), end; found != end; ++found) {
    const std::string schema = (*found)[2].matched ? (*found)[2].str() : "public";
    try {
      session->exec("CREATE SCHEMA IF NOT EXISTS " + schema + owner);
      session->exec("CREATE EXTENSION IF NOT EXISTS " + (*found)[1].str() + " SCHEMA " + schema + " CASCADE");
    } catch (const Error& error) {
      if (error.remedy() == Remedy::reconnect) throw;
      lacking_.push_back("the scratch server has no extension " + (*found)[1].str() + ": " + error.what());
    }
  }
  sql = std::regex_replace(sql, create, "");
  sql = std::regex_replace(sql, not_ours, "\n");
  sql = std::regex_replace(sql, std::regex(R"((^|\n)CREATE SCHEMA (?!IF))"), "$1CREATE SCHEMA IF NOT EXISTS ");
}

/// In one transaction; again when it lacked a role, which on our own server is made.
void DrillStage::load(const std::string& text, const std::string& what) {
  std::string sql = text;
  make_extensions(sql);
  static const std::regex missing(R"re(role "([^"]+)" does not exist)re");
  std::set<std::string> made;
  for (;;) {
    const std::string error = psql(sql);
    if (error.empty()) return;
    std::smatch name;
    if (sandbox_ && std::regex_search(error, name, missing) && made.insert(name[1]).second) {
      process::sandbox_sql(sandbox_->info(), sandbox_->info().primary_uri(),
                           "CREATE ROLE " + quote_identifier(name[1].str()));
      continue;
    }
    throw Error(Exit::failed, Remedy::person, what + " cannot be loaded on the scratch server: " + error,
                "it must be SQL that psql can run as a role that is no superuser, as pg_dump -s writes it");
  }
}

std::string DrillStage::psql(const std::string& input) const {
  const auto to = postgres::for_program({.database = uri_, .application_name = "drill"});
  process::Command command;
  command.argv = {programs_ + "/psql", "-X", "-q",          "-w", "-1", "-v", "ON_ERROR_STOP=1", "-o",
                  "/dev/null",         "-d", to.connection, "-f", "-"};
  command.environment = to.environment;
  command.environment["LC_ALL"] = "C";
  command.environment["PGOPTIONS"] = "-c client_min_messages=warning";
  command.input = input;
  command.die_with_us = true;
  const process::Outcome outcome = process::run(command, program_deadline);
  return outcome.ok() ? "" : outcome.err.empty() ? "psql gave up" : outcome.err;
}

void DrillStage::write_files(const DrillRequest& request, const Plan& plan) {
  folder_ = fs::temp_directory_path() / ("switchback-drill-" + random_digits());
  fs::create_directory(folder_);
  fs::permissions(folder_, fs::perms::owner_all);
  postgres::PostgresCatalog catalog;
  const Plan whole = without_waits(expand_changes(
      plan, [&](const TableName& name) { return catalog.table(session(), name); },
      [&](const TableName& name) { return engine::key_surroundings(session(), name); }));
  std::ofstream(folder_ / "plan.yaml") << to_yaml(whole);
  std::ofstream(folder_ / "switchback.yaml") << configuration(request.settings, sandbox() && request.replica);
  ReadPlan read = read_plan_file((folder_ / "plan.yaml").string());
  if (!read.plan)
    throw Error(Exit::failed, Remedy::bug,
                "the long form of " + plan.name +
                    " cannot be read back: " + (read.diagnostics.empty() ? "" : read.diagnostics.front().message));
  plan_ = std::move(*read.plan);
  environment_ = waits_of_a_drill();
  environment_["DATABASE_URL"] = uri_;
}

std::string DrillStage::replica_uri() const {
  return postgres::with_database(sandbox_->info().replica_uri(), database_);
}

std::unique_ptr<ports::Session> DrillStage::application(const std::string& name) const {
  postgres::ConnectOptions options;
  options.database = uri_;
  options.application_name = name;
  options.lock_timeout = 60s;
  options.row_security_off = false;
  auto session = postgres::connect(options);
  // Triggers of the schema may count on what an application has; what we ask by ourselves wants names in full.
  if (!name.starts_with("switchback")) session->exec("SET search_path = \"$user\", public");
  return session;
}

ports::Session& DrillStage::session() {
  if (session_) {
    try {
      session_->exec("SELECT 1");
    } catch (const Error&) {
      session_.reset();
    }
  }
  for (int attempt = 0; !session_; ++attempt) {
    try {
      session_ = application("switchback drill");
    } catch (const Error&) {
      if (attempt == 100) throw;
      Interruption::check();
      usleep(100'000);
    }
  }
  return *session_;
}

// --- the binary --------------------------------------------------------------------------------------------------

std::vector<std::string> DrillStage::forward(State to) const {
  return {"run",     "plan.yaml", "--to",   std::string(name(to)), "--yes",    "--despite", "usage", "--despite",
          "horizon", "--despite", "backup", "--despite",           "approval", "--reason",  "drill", "-o",
          "json",    "-q"};
}

std::vector<std::string> DrillStage::back(State to) const {
  return {"rollback", plan_.name, "--to", std::string(name(to)), "--yes", "--despite", "loss", "--reason", "drill",
          "-o",       "json",     "-q"};
}

std::unique_ptr<process::Child> DrillStage::start(const std::vector<std::string>& arguments,
                                                  const ProgramEnvironment& more) const {
  process::Command command;
  command.argv = {"/proc/self/exe"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.directory = folder_.string();
  command.environment = environment_;
  for (const auto& [key, value] : more) command.environment[key] = value;
  command.die_with_us = true;
  return std::make_unique<process::Child>(command);
}

RunnerEnd DrillStage::await(process::Child& child, const std::function<void()>& meanwhile) const {
  const auto deadline = std::chrono::steady_clock::now() + leg_deadline;
  for (;;) {
    Interruption::check();
    if (const auto code = child.wait(5ms)) return {*code, false, message_in(child.err())};
    if (meanwhile) meanwhile();
    if (std::chrono::steady_clock::now() > deadline) {
      child.signal_group(SIGKILL);
      child.wait(10s);
      return {137, true, "it was not there after two minutes"};
    }
  }
}

// --- the journal -------------------------------------------------------------------------------------------------

State DrillStage::state() {
  const auto rows = session().exec("SELECT state FROM switchback.plan");
  return rows.empty() ? State::planned : state_named(rows.text(0, 0)).value_or(State::planned);
}

StepsDone DrillStage::steps_done() {
  StepsDone done;
  const auto rows = session().exec("SELECT phase, ordinal FROM switchback.step WHERE status = 'done'");
  for (std::size_t i = 0; i < rows.size(); ++i) done.insert({rows.text(i, 0), static_cast<int>(rows.integer(i, 1))});
  return done;
}

std::string DrillStage::hold() {
  const auto rows = session().exec(
      "SELECT hold->>'kind' || ': ' || coalesce(hold->>'reason', '') FROM switchback.plan WHERE hold IS NOT NULL");
  return rows.empty() ? "" : rows.text(0, 0);
}

}  // namespace switchback::daemon
