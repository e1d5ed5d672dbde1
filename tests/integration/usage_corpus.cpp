#include "usage_corpus.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "clone_scene.hpp"
#include "server.hpp"
#include "source_folder.hpp"
#include "switchback/core/error.hpp"
#include "switchback/daemon/schema_clone.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/postgres/usage.hpp"

namespace switchback::tests {
namespace {

namespace fs = std::filesystem;

const fs::path folder = source_folder() / "tests/corpus/usage";

[[noreturn]] void refuse(const std::string& what) {
  throw Error(Exit::failed, Remedy::person, what);
}

std::string whole_file(const fs::path& path) {
  std::ifstream in(path);
  if (!in) refuse("cannot read " + path.string());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) {
    const std::size_t first = part.find_first_not_of(' ');
    parts.push_back(first == std::string::npos ? "" : part.substr(first, part.find_last_not_of(' ') + 1 - first));
  }
  return parts;
}

/// "column public.users.full_name", "index public.users_email_idx", "constraint public.users.users_email_key".
Structure structure_from(const std::string& text, const std::string& where) {
  const std::size_t space = text.find(' ');
  const std::string kind = text.substr(0, space);
  const std::vector<std::string> path = parts_of(space == std::string::npos ? "" : text.substr(space + 1), '.');
  for (const Structure::Kind one : {Structure::Kind::column, Structure::Kind::constraint})
    if (kind == name(one) && path.size() == 3) return {one, {path[0], path[1]}, path[2]};
  if (kind == name(Structure::Kind::index) && path.size() == 2) return {Structure::Kind::index, {path[0], ""}, path[1]};
  refuse(where + ": '" + text + "' names no structure");
}

/// What a line "-- name: value" says of a case. False: it is a comment like any other.
bool directive(UsageCase& one, const std::string& line, const std::string& where) {
  const std::size_t colon = line.find(": ");
  if (!line.starts_with("-- ") || colon == std::string::npos) return false;
  const std::string what = line.substr(3, colon - 3);
  const std::string value = line.substr(colon + 2);
  if (what == "expect" && (value == "use" || value == "no_use"))
    one.use = value == "use";
  else if (what == "from")
    one.from = std::stoi(value);
  else if (what == "until")
    one.until = std::stoi(value);
  else if (what == "needs")
    one.needs = value;
  else if (what == "checked")
    one.checked = parts_of(value, ',');
  else if (what == "allow")
    one.allow = parts_of(value, ',');
  else if (what == "parameters")
    one.parameters = parts_of(value, '|');
  else if (what == "structure")
    one.structure = structure_from(value, where);
  else
    return false;
  return true;
}

void read_file(const fs::path& path, std::vector<UsageCase>& cases) {
  std::istringstream in(whole_file(path));
  UsageCase of_file;  // what stands before the first case holds for all
  of_file.file = path.filename().string();
  of_file.structure = {Structure::Kind::column, {"public", "users"}, "full_name"};
  UsageCase* one = &of_file;
  std::string* part = nullptr;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = of_file.file + ":" + std::to_string(++number);
    if (line.starts_with("-- case: ")) {
      cases.push_back(of_file);
      one = &cases.back();
      one->name = line.substr(9);
      part = &one->run;
    } else if (line == "-- setup" && part) {
      part = &one->setup;
    } else if (line == "-- run" && part) {
      part = &one->run;
    } else if (!directive(*one, line, where) && part) {
      *part += line + "\n";
    } else if (!part && !line.empty() && !line.starts_with("--")) {
      refuse(where + ": SQL before the first case");
    }
  }
}

bool says_something(const std::string& sql) {
  return sql.find_first_not_of(" \n") != std::string::npos;
}

std::unique_ptr<ports::Session> session_to(const std::string& uri, const std::string& name) {
  postgres::ConnectOptions options;
  options.database = uri;
  options.application_name = name;
  return postgres::connect(options);
}

}  // namespace

std::vector<UsageCase> read_usage_corpus() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".sql" && entry.path().filename() != "base.sql") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<UsageCase> cases;
  for (const fs::path& file : files) read_file(file, cases);
  return cases;
}

CorpusClient::CorpusClient(const std::string& uri) : connection_(PQconnectdb(uri.c_str())) {
  auto* connection = static_cast<PGconn*>(connection_);
  if (PQstatus(connection) == CONNECTION_OK) {
    PQsetNoticeProcessor(
        connection, [](void*, const char*) {}, nullptr);
    return;
  }
  const std::string why = PQerrorMessage(connection);
  PQfinish(connection);
  refuse("the corpus' client: " + why);
}

CorpusClient::~CorpusClient() {
  PQfinish(static_cast<PGconn*>(connection_));
}

void CorpusClient::run(const std::string& sql, const std::vector<std::string>& parameters) {
  auto* connection = static_cast<PGconn*>(connection_);
  std::vector<const char*> values;
  for (const std::string& one : parameters) values.push_back(one.c_str());
  const int sent = parameters.empty() ? PQsendQuery(connection, sql.c_str())
                                      : PQsendQueryParams(connection, sql.c_str(), static_cast<int>(values.size()),
                                                          nullptr, values.data(), nullptr, nullptr, 0);
  if (sent == 0) refuse(std::string("the corpus' client: ") + PQerrorMessage(connection));
  drain(sql);
}

void CorpusClient::drain(const std::string& sql) {
  auto* connection = static_cast<PGconn*>(connection_);
  std::string complaint;
  while (PGresult* result = PQgetResult(connection)) {
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) complaint += PQresultErrorMessage(result);
    PQclear(result);
    if (status == PGRES_COPY_IN && PQputCopyEnd(connection, nullptr) != 1) break;
    if (status != PGRES_COPY_OUT) continue;
    for (char* row = nullptr; PQgetCopyData(connection, &row, 0) > 0;) PQfreemem(row);
  }
  if (!complaint.empty()) refuse("the server refuses: " + complaint + sql);
}

struct CorpusServer::Database {
  std::string name;
  std::unique_ptr<ports::Session> session;  ///< the sampler's and the judge's
  CorpusClient client;
  std::unique_ptr<ports::SchemaClone> no_clone, clone;

  Database(const std::string& uri, const std::string& called)
      : name(called),
        session(session_to(uri, "switchback test")),
        client(uri + "?application_name=shop:v42&options=-cstatement_timeout%3D20s"),
        no_clone(daemon::make_schema_clone({.database = uri, .scratch = {}, .declined = "the parse tree is on trial"})),
        clone(daemon::make_schema_clone({.database = uri, .scratch = cloner(), .declined = {}})) {}
};

CorpusServer::CorpusServer() : control_(session_to(server().uri(), "switchback test")) {
  major_ = control_->server_version() / 10000;
  const auto available = control_->exec("SELECT name FROM pg_available_extensions");
  for (std::size_t i = 0; i < available.size(); ++i) extensions_.insert(available.text(i, 0));
  template_uri_ = server().fresh_database();
  template_ = template_uri_.substr(template_uri_.rfind('/') + 1);
  const auto session = session_to(template_uri_, "switchback test");
  session->exec("CREATE EXTENSION pg_stat_statements SCHEMA public");
  engine::ensure_journal(*session);
  session->exec(whole_file(folder / "base.sql"));
}

CorpusServer::~CorpusServer() = default;

std::string CorpusServer::skipped(const UsageCase& one) const {
  if (one.from > major_) return "needs PostgreSQL " + std::to_string(one.from);
  if (one.until != 0 && one.until < major_) return "is for PostgreSQL up to " + std::to_string(one.until);
  if (!one.needs.empty() && !extensions_.contains(one.needs)) return "needs the extension " + one.needs;
  return "";
}

std::unique_ptr<CorpusServer::Database> CorpusServer::database(const std::string& name) {
  // The log's way needs no checkpoint; before 15 there is no choice.
  control_->exec("CREATE DATABASE " + name + " TEMPLATE " + template_);
  return std::make_unique<Database>(template_uri_.substr(0, template_uri_.rfind('/') + 1) + name, name);
}

CorpusVerdicts CorpusServer::judge(const UsageCase& one) {
  if (!says_something(one.setup)) {
    if (!shared_) shared_ = database("corpus_shared");
    return judged(*shared_, one);
  }
  const std::unique_ptr<Database> own = database("corpus_" + std::to_string(++made_));
  over_.push_back(own->name);
  // Those whose sessions have surely ended: for others DROP DATABASE would wait.
  for (; over_.size() > 4; over_.pop_front()) control_->exec("DROP DATABASE " + over_.front());
  own->client.run(one.setup);
  // What it wrote is counted before anything is looked at. Up to 14 a backend tells it at most twice a second.
  if (one.structure.kind == Structure::Kind::table)
    own->client.run(control_->server_version() >= 150000 ? "SELECT pg_stat_force_next_flush()"
                                                         : "SELECT pg_sleep(0.6)");
  return judged(*own, one);
}

CorpusVerdicts CorpusServer::judged(Database& database, const UsageCase& one) {
  ports::Session& session = *database.session;
  ports::UsageRequest request;
  request.plan = session
                     .exec(
                         "INSERT INTO switchback.plan (name, hash, text, long_form, file, environment, takes_away, "
                         "system_identifier, timeline) "
                         "SELECT 'case ' || count(*), 'h', 't', 't', 'f', 'development', true, '1', 1 "
                         "FROM switchback.plan RETURNING id")
                     .integer(0, 0);
  request.structures = {one.structure};
  request.checked = one.checked;
  request.allow_silent = one.allow;
  request.without_queries = {{"replica", "the cases run on the primary"}};
  session.exec("SELECT public.pg_stat_statements_reset()");
  const auto usage = postgres::make_usage_source();
  usage->sample(session, request);
  if (says_something(one.run)) {
    database.client.run("BEGIN");
    try {
      database.client.run(one.run, one.parameters);
    } catch (const Error&) {
      database.client.run("ROLLBACK");
      throw;
    }
    database.client.run("ROLLBACK");
  }
  usage->sample(session, request);
  session.exec("UPDATE switchback.usage_coverage SET since = since - interval '1 day' WHERE plan_id = $1::bigint",
               {std::to_string(request.plan)});
  const auto verdict = [&](ports::SchemaClone& clone) {
    const StructureEvidence evidence = postgres::make_usage_source(&clone)->gather(session, request).at(0);
    const auto clock = session.exec("SELECT (EXTRACT(epoch FROM clock_timestamp())::numeric * 1000)::bigint");
    return switchback::judge(evidence, Instant{std::chrono::milliseconds{clock.integer(0, 0)}}, std::chrono::hours{1},
                             ports::required_sources);
  };
  return {verdict(*database.no_clone), verdict(*database.clone)};
}

}  // namespace switchback::tests
