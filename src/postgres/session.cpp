#include "switchback/postgres/session.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <cstdlib>
#include <mutex>
#include <pqxx/pqxx>
#include <random>

#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/core/url.hpp"
#include "switchback/postgres/own_statements.hpp"

namespace switchback::ports {

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
  const Value& value = at(row, column);
  std::int64_t number_read = 0;
  if (!value) return 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number_read);
  if (error != std::errc{} || end != value->data() + value->size())
    throw Error(Exit::failed, Remedy::bug, "the server's value '" + *value + "' is not a whole number");
  return number_read;
}

double Rows::number(std::size_t row, std::size_t column) const {
  const Value& value = at(row, column);
  return value ? std::strtod(value->c_str(), nullptr) : 0.0;
}

}  // namespace switchback::ports

namespace switchback::postgres {
namespace {

using ports::Rows;
using ports::Value;

Rows copy_of(const pqxx::result& result) {
  Rows rows;
  rows.rows.reserve(static_cast<std::size_t>(result.size()));
  for (const auto& row : result) {
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(row.size()));
    for (const auto& field : row) values.push_back(field.is_null() ? Value{} : Value{field.c_str()});
    rows.rows.push_back(std::move(values));
  }
  rows.affected = static_cast<std::int64_t>(result.affected_rows());
  return rows;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Exit exit_for(const std::string& sqlstate) {
  if (sqlstate == "42501" || sqlstate.starts_with("28") || sqlstate.starts_with("08") || sqlstate.starts_with("57P"))
    return Exit::unreachable;
  return Exit::failed;
}

/// 6.4 gives some errors a type of their own and forgets their SQLSTATE.
std::string sqlstate_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) return error.sqlstate();
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error)) return "42501";
  if (dynamic_cast<const pqxx::syntax_error*>(&error)) return "42601";
  return "";
}

class PqxxSession final : public ports::Session {
 public:
  /// `marks`: every statement bears own_mark.
  PqxxSession(const std::string& connection_string, bool marks) : connection_(connection_string), marks_(marks) {
#if PQXX_VERSION_MAJOR < 7
    // 6.4 silently reconnects: a later statement would run on a new backend, without our locks and settings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
#endif
    work_.emplace(connection_);
    version_ = connection_.server_version();
    pid_ = connection_.backendpid();
  }
  ~PqxxSession() override {
    try {
      work_.reset();
    } catch (...) {  // a broken connection may complain while its transaction object goes; nothing is left to save
    }
  }

  Rows exec(std::string_view written, const std::vector<Value>& parameters) override {
    const std::string sql = marks_ ? with_own_marks(written) : std::string(written);
    return translated([&] {
      if (parameters.empty()) return copy_of(work_->exec(sql));
      std::vector<const char*> texts;
      texts.reserve(parameters.size());
      for (const Value& value : parameters) texts.push_back(value ? value->c_str() : nullptr);
#if PQXX_VERSION_MAJOR < 7
      return copy_of(work_->exec_params(sql, pqxx::prepare::make_dynamic_params(texts)));
#else
      pqxx::params bound;
      for (const char* text : texts) {
        if (text)
          bound.append(std::string(text));
        else
          bound.append();
      }
      return copy_of(work_->exec_params(sql, bound));
#endif
    });
  }

  void begin(std::string_view options) override {
    const bool inner = options == ports::nested;
    if (open_ && inner) {
      exec("SAVEPOINT \"~switchback\"", {});
      ++inner_;
      return;
    }
    // The server only warns, and the inner COMMIT would end the outer transaction.
    if (open_) throw Error(Exit::failed, Remedy::bug, "a transaction was begun inside another one");
    exec("BEGIN " + std::string(inner ? "" : options), {});
    open_ = true;
  }

  void commit() override {
    if (inner_ > 0) {
      --inner_;
      exec("RELEASE SAVEPOINT \"~switchback\"", {});
      return;
    }
    open_ = false;
    try {
      const Rows unused = exec("COMMIT", {});
    } catch (const Error& error) {
      if (error.remedy() == Remedy::reconnect)
        throw Error(Exit::failed, Remedy::in_doubt, "the connection was lost during COMMIT",
                    "the journal says whether it counted", error.sqlstate());
      throw;
    }
  }

  void rollback() noexcept override {
    const bool inner = inner_ > 0;
    if (inner)
      --inner_;
    else
      open_ = false;
    try {
      exec(inner ? "ROLLBACK TO SAVEPOINT \"~switchback\"; RELEASE SAVEPOINT \"~switchback\"" : "ROLLBACK", {});
    } catch (const std::exception&) {  // the session is gone, and the server has rolled back with it
    }
  }

  void cancel() noexcept override {
    try {
      connection_.cancel_query();
    } catch (const std::exception&) {  // nothing was running, or the connection is gone
    }
  }

  int server_version() const override {
    return version_;
  }
  int backend_pid() const override {
    return pid_;
  }

 private:
  static Error rolled_back(const std::string& sqlstate, const pqxx::failure& error) {
    return Error(exit_for(sqlstate), remedy_of(sqlstate), trimmed(error.what()), "", sqlstate);
  }

  template <class Call>
  Rows translated(Call call) {
    try {
      return call();
    } catch (const pqxx::sql_error& error) {
      const std::string state = sqlstate_of(error);
      // A connection that died reports its last words without a SQLSTATE.
      if (state.empty() && !connection_.is_open())
        throw Error(Exit::unreachable, Remedy::reconnect, trimmed(error.what()), "", "08006");
      throw Error(exit_for(state), remedy_of(state), trimmed(error.what()), "", state);
    } catch (const pqxx::broken_connection& error) {
      throw Error(Exit::unreachable, Remedy::reconnect, trimmed(error.what()), "", "08006");
    } catch (const pqxx::failure& error) {
      // In 6.4 these are no sql_error and carry no SQLSTATE; without one a deadlock would not be tried again.
      if (dynamic_cast<const pqxx::serialization_failure*>(&error)) throw rolled_back("40001", error);
      if (dynamic_cast<const pqxx::deadlock_detected*>(&error)) throw rolled_back("40P01", error);
      throw Error(Exit::failed, connection_.is_open() ? Remedy::bug : Remedy::reconnect, trimmed(error.what()));
    } catch (const std::logic_error& error) {
      throw Error(Exit::failed, Remedy::bug, trimmed(error.what()));
    }
  }

  pqxx::connection connection_;
  std::optional<pqxx::nontransaction> work_;
  bool marks_;
  bool open_ = false;  ///< between begin and commit or rollback
  int inner_ = 0;      ///< nested transactions begun within it
  int version_ = 0;
  int pid_ = 0;
};

std::string target_of(const std::string& database) {
  if (!database.empty()) return database;
  const char* url = std::getenv("DATABASE_URL");
  return url ? url : "";
}

/// libpq's own parse of the string, without the password.
std::vector<std::pair<std::string, std::string>> parsed(const std::string& database) {
  char* problem = nullptr;
  PQconninfoOption* options = PQconninfoParse(database.c_str(), &problem);
  if (!options) {
    PQfreemem(problem);  // its text repeats the string, which may hold a password
    throw Error(Exit::usage, Remedy::person, "the database is not a connection string that libpq understands",
                "write it as postgresql://user@host:port/database or as key=value pairs");
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (PQconninfoOption* option = options; option->keyword; ++option)
    if (option->val) pairs.emplace_back(option->keyword, option->val);
  PQconninfoFree(options);
  return pairs;
}

/// What libpq takes from PG* variables and a service that they name.
std::map<std::string, std::string> defaults() {
  std::map<std::string, std::string> settings;
  PQconninfoOption* options = PQconndefaults();
  for (PQconninfoOption* option = options; option && option->keyword; ++option)
    if (option->val) settings[option->keyword] = option->val;
  PQconninfoFree(options);
  return settings;
}

std::string conninfo_quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string connection_string(const ConnectOptions& options) {
  std::string out;
  bool has_timeout = false;
  for (const auto& [key, value] : parsed(target_of(options.database))) {
    if (key == "application_name" || key == "fallback_application_name") continue;
    if (key == "dbname" && !options.dbname.empty()) continue;
    has_timeout |= key == "connect_timeout";
    out += key + "=" + conninfo_quoted(value) + " ";
  }
  if (!options.dbname.empty()) out += "dbname=" + conninfo_quoted(options.dbname) + " ";
  out += "application_name=" + conninfo_quoted(options.application_name.substr(0, 63));
  if (!has_timeout) out += " connect_timeout=" + std::to_string(options.connect_timeout.count());
  return out;
}

/// A pooler in transaction mode hands the next transaction to another server connection, or resets it: a setting made
/// in one transaction is gone in the next, and with it everything that lock_timeout and row_security promise.
void refuse_transaction_pooler(ports::Session& session) {
  const std::string token = std::to_string(std::random_device{}());
  std::string first_pid;
  for (int round = 0; round < 3; ++round) {
    if (round == 0)
      session.exec("SELECT pg_catalog.set_config('switchback.session', " + quote_literal(token) + ", false)");
    session.begin();
    const Rows seen =
        session.exec("SELECT pg_catalog.current_setting('switchback.session', true), pg_catalog.pg_backend_pid()");
    session.rollback();
    if (round == 0) first_pid = seen.text(0, 1);
    if (seen.text(0, 0) != token || seen.text(0, 1) != first_pid)
      throw Error(Exit::unreachable, Remedy::person,
                  "this connection goes through a pooler in transaction mode: a setting made in one transaction is "
                  "gone in the next",
                  "connect to PostgreSQL itself, or to a pool in session mode");
  }
}

}  // namespace

ProgramConnection for_program(const ConnectOptions& options) {
  ProgramConnection out;
  for (const auto& [key, value] : parsed(connection_string(options))) {
    if (key == "password")
      out.environment["PGPASSWORD"] = value;
    else if (key != "sslpassword")  // there is no variable for it: the program asks, and gets nothing
      out.connection += key + "=" + conninfo_quoted(value) + " ";
  }
  return out;
}

std::map<std::string, std::optional<std::string>> environment_for_role(const ConnectOptions& options,
                                                                       const std::string& database,
                                                                       const std::string& role,
                                                                       const std::optional<std::string>& password) {
  std::map<std::string, std::string> settings = defaults();
  for (auto& [key, value] : parsed(target_of(options.database))) settings[key] = value;
  std::map<std::string, std::optional<std::string>> out{
      {"PGUSER", role}, {"PGDATABASE", database}, {"PGPASSWORD", password}};
  const std::string host = settings["host"];
  // A folder of sockets, several hosts and a service have no place before the path of a URI.
  const bool one_host = !host.empty() && host.find_first_of("/,@") == std::string::npos;
  std::string more;
  for (const auto& [key, variable] :
       std::initializer_list<std::pair<const char*, const char*>>{{"host", "PGHOST"},
                                                                  {"port", "PGPORT"},
                                                                  {"hostaddr", "PGHOSTADDR"},
                                                                  {"service", "PGSERVICE"},
                                                                  {"sslmode", "PGSSLMODE"},
                                                                  {"sslrootcert", "PGSSLROOTCERT"}}) {
    if (settings[key].empty()) continue;
    out[variable] = settings[key];
    const bool in_front = one_host && (key == std::string_view("host") || key == std::string_view("port"));
    if (!in_front) more += (more.empty() ? "?" : "&") + std::string(key) + "=" + percent_encoded(settings[key]);
  }
  std::string authority = percent_encoded(role) + (password ? ":" + percent_encoded(*password) : "") + "@";
  if (one_host) {
    authority += host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (!settings["port"].empty()) authority += ":" + settings["port"];
  }
  out["DATABASE_URL"] = "postgresql://" + authority + "/" + percent_encoded(database) + more;
  return out;
}

std::string with_database(const std::string& database, const std::string& name) {
  std::string out;
  for (const auto& [key, value] : parsed(database))
    if (key != "dbname") out += key + "=" + conninfo_quoted(value) + " ";
  return out + "dbname=" + conninfo_quoted(name);
}

std::string shown_target(const std::string& database) {
  std::string host;
  std::string port;
  std::string dbname;
  for (const auto& [key, value] : parsed(target_of(database))) {
    if (key == "host") host = value;
    if (key == "port") port = value;
    if (key == "dbname") dbname = value;
    if (key == "service") host = "service " + value;
  }
  std::string out = dbname.empty() ? "database" : "database " + dbname;
  if (!host.empty()) out += " at " + host + (port.empty() ? "" : ":" + port);
  return out;
}

std::unique_ptr<ports::Session> connect(const ConnectOptions& options) {
  std::unique_ptr<PqxxSession> session;
  try {
    session = std::make_unique<PqxxSession>(connection_string(options),
                                            options.application_name.starts_with("switchback") && !options.users_sql);
  } catch (const pqxx::failure& error) {
    throw Error(Exit::unreachable, Remedy::reconnect,
                "cannot connect to " + shown_target(options.database) + ": " + trimmed(error.what()),
                "check --database, DATABASE_URL or the PG* variables; psql with the same settings must work");
  }
  const auto milliseconds = [](std::chrono::milliseconds value) {
    return quote_literal(std::to_string(value.count()));
  };
  session->exec(
      "SET search_path = pg_catalog, pg_temp; SET client_encoding = 'UTF8'; SET standard_conforming_strings = on;"
      "SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3;"
      "SET client_min_messages = error; SET idle_in_transaction_session_timeout = 0;"
      "SET row_security = " +
          std::string(options.row_security_off ? "off" : "on") + "; SET lock_timeout = " +
          milliseconds(options.lock_timeout) + "; SET statement_timeout = " + milliseconds(options.statement_timeout) +
          (options.synchronous_commit ? "" : "; SET synchronous_commit = off") +
          (options.read_only ? "; SET default_transaction_read_only = on" : ""),
      {});
  refuse_transaction_pooler(*session);
  if (session->server_version() < 130000)
    throw Error(Exit::unreachable, Remedy::person,
                "this server is PostgreSQL " + std::to_string(session->server_version() / 10000) +
                    "; switchback needs 13 or newer");
  return session;
}

}  // namespace switchback::postgres
