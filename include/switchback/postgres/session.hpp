/// Connecting to PostgreSQL: the only place where sessions are made and set up.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "switchback/ports/session.hpp"

namespace switchback::postgres {

struct ConnectOptions {
  std::string database;     ///< URI or key=value string; empty: DATABASE_URL, else libpq's PG* variables and files
  std::string dbname = {};  ///< instead of the one that `database` names; empty: as it says
  std::string application_name = "switchback";
  std::chrono::milliseconds lock_timeout{2000};
  std::chrono::milliseconds statement_timeout{0};  ///< 0: none
  std::chrono::seconds connect_timeout{10};        ///< where the string itself names none; for each host
  bool synchronous_commit = true;
  /// row_security=off makes row level security fail loudly (42501) instead of hiding rows.
  bool row_security_off = true;
  bool read_only = false;
  /// What runs is a user's own SQL (an alert's query): it bears no own_mark, and is a use of what it names.
  bool users_sql = false;
};

/// Every statement of a session whose application_name begins with "switchback" bears own_mark (core/sql.hpp).
/// A session with search_path `pg_catalog, pg_temp` and the settings above. Never reconnects by itself.
/// Error(Exit::unreachable) when the server cannot be reached, refuses, or is reached through a pooler that gives every
/// transaction another server connection.
std::unique_ptr<ports::Session> connect(const ConnectOptions& options);

/// The same connection for PostgreSQL's own programs: a connection string that may stand on a command line, and what of
/// it may not, as environment variables.
struct ProgramConnection {
  std::string connection;
  std::map<std::string, std::optional<std::string>> environment;
};
ProgramConnection for_program(const ConnectOptions& options);

/// The same server and `database` for a program that logs in as another role: PGUSER and its like, and DATABASE_URL.
/// `password`: the role's; without it the program finds one where libpq looks. Our own password is not passed on.
std::map<std::string, std::optional<std::string>> environment_for_role(const ConnectOptions& options,
                                                                       const std::string& database,
                                                                       const std::string& role,
                                                                       const std::optional<std::string>& password);

/// The connection string with another database.
std::string with_database(const std::string& database, const std::string& name);

/// Host, port and database as libpq resolved them; for messages. Never holds a password.
std::string shown_target(const std::string& database);

}  // namespace switchback::postgres
