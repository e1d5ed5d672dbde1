// libpq by itself: the console speaks the simple protocol alone, knows no statement but its own, and reports a version
// that libpqxx takes for a server too old to talk to.
#include "switchback/postgres/pgbouncer.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "switchback/core/error.hpp"

namespace switchback::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Error unreachable(const std::string& name, const std::string& why, const std::string& hint = {}) {
  return Error(Exit::unreachable, Remedy::reconnect, "PgBouncer at " + name + ": " + why,
               hint.empty() ? "psql with the same connection string and SHOW CLIENTS must work" : hint);
}

struct Freed {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::map<std::string, std::string> parsed(const std::string& connection) {
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, Freed> options(PQconninfoParse(connection.c_str(), &problem));
  if (!options) {
    PQfreemem(problem);  // its text repeats the string, which may hold a password
    throw Error(Exit::usage, Remedy::person, "images.pgbouncer is not a connection string that libpq understands",
                "write it as host=pool port=6432 user=stats");
  }
  std::map<std::string, std::string> pairs;
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option)
    if (option->val) pairs[option->keyword] = option->val;
  return pairs;
}

/// Waits for the socket, at most until `end`.
void await(PGconn* connection, bool to_write, Clock::time_point end, const std::string& name) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  pollfd socket{PQsocket(connection), static_cast<short>(to_write ? POLLOUT : POLLIN), 0};
  if (left.count() <= 0 || poll(&socket, 1, static_cast<int>(left.count())) == 0)
    throw unreachable(name, "does not answer in time");
}

Connection connected(std::map<std::string, std::string> options, Clock::time_point end, const std::string& name) {
  options.try_emplace("dbname", "pgbouncer");
  options["application_name"] = "switchback usage";
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  Connection connection(PQconnectStartParams(keys.data(), values.data(), 0), &PQfinish);
  if (!connection) throw unreachable(name, "no memory to connect");
  for (PostgresPollingStatusType next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;
       next = PQconnectPoll(connection.get())) {
    if (next == PGRES_POLLING_FAILED || PQstatus(connection.get()) == CONNECTION_BAD)
      throw unreachable(name, trimmed(PQerrorMessage(connection.get())));
    await(connection.get(), next == PGRES_POLLING_WRITING, end, name);
  }
  return connection;
}

/// Rows by column name.
using Table = std::vector<std::map<std::string, std::string>>;

Table shown(PGconn* connection, const char* command, Clock::time_point end, const std::string& name) {
  if (PQsendQuery(connection, command) == 0) throw unreachable(name, trimmed(PQerrorMessage(connection)));
  while (PQisBusy(connection) != 0) {
    await(connection, false, end, name);
    if (PQconsumeInput(connection) == 0) throw unreachable(name, trimmed(PQerrorMessage(connection)));
  }
  const Result result(PQgetResult(connection), &PQclear);
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
    throw unreachable(name, std::string(command) + " failed: " + trimmed(PQresultErrorMessage(result.get())),
                      "it must be PgBouncer's admin console (dbname=pgbouncer), and the user in its stats_users");
  Table rows;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    std::map<std::string, std::string> fields;
    for (int column = 0; column < PQnfields(result.get()); ++column)
      fields[PQfname(result.get(), column)] = PQgetvalue(result.get(), row, column);
    rows.push_back(std::move(fields));
  }
  // What follows the rows is read up, so that the next command finds the connection idle.
  for (bool more = true; more;) {
    while (PQisBusy(connection) != 0) {
      await(connection, false, end, name);
      if (PQconsumeInput(connection) == 0) throw unreachable(name, trimmed(PQerrorMessage(connection)));
    }
    const Result rest(PQgetResult(connection), &PQclear);
    more = rest != nullptr;
  }
  return rows;
}

}  // namespace

std::string pooler_name(const std::string& connection) {
  const auto options = parsed(connection);
  const auto value = [&](const char* key, const char* otherwise) {
    const auto found = options.find(key);
    return found == options.end() || found->second.empty() ? std::string(otherwise) : found->second;
  };
  if (options.contains("service")) return "service " + value("service", "");
  return value("host", value("hostaddr", "localhost").c_str()) + ":" + value("port", "6432");
}

std::vector<PoolerClient> pooler_clients(const std::string& connection, const std::string& database,
                                         std::chrono::milliseconds patience) {
  const std::string name = pooler_name(connection);
  const Clock::time_point end = Clock::now() + patience;
  auto options = parsed(connection);
  if (!options.contains("service")) options.try_emplace("port", "6432");
  const Connection console = connected(std::move(options), end, name);
  // A client names the pool's entry, which may stand for a database of another name.
  std::set<std::string> entries;
  for (const auto& entry : shown(console.get(), "SHOW DATABASES", end, name))
    if (entry.contains("name") && entry.contains("database") && entry.at("database") == database)
      entries.insert(entry.at("name"));
  std::vector<PoolerClient> clients;
  for (const auto& client : shown(console.get(), "SHOW CLIENTS", end, name)) {
    if (!client.contains("application_name") || !client.contains("user") || !client.contains("database"))
      throw unreachable(name, "does not tell its clients' application_name", "PgBouncer 1.18 and newer do");
    if (!entries.contains(client.at("database")) || client.at("application_name").starts_with("switchback")) continue;
    clients.push_back(
        {client.at("user"), client.at("application_name"), client.contains("addr") ? client.at("addr") : ""});
  }
  return clients;
}

}  // namespace switchback::postgres
