/// Asking PgBouncer's admin console who its clients are.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace switchback::postgres {

struct PoolerClient {
  std::string role;         ///< the user it logged in as
  std::string application;  ///< its application_name; may be empty
  std::string address;
};

/// The clients of one PgBouncer whose database is, behind it, one of this name; switchback's own are left out.
/// `connection`: to its admin console, as a user of admin_users or stats_users; the database defaults to pgbouncer.
/// Error(Exit::unreachable) when it cannot be asked within `patience`, is not a PgBouncer, or is one that does not tell
/// application_name (before 1.18). Never shows a password.
std::vector<PoolerClient> pooler_clients(const std::string& connection, const std::string& database,
                                         std::chrono::milliseconds patience);

/// `pool:6432`, to name a pooler by; never a password. Error(Exit::usage) for what is no connection string.
std::string pooler_name(const std::string& connection);

}  // namespace switchback::postgres
