/// What a role's statements mean by unqualified names, and when a schema has changed.
#pragma once

#include <map>
#include <string>

#include "switchback/ports/session.hpp"
#include "switchback/postgres/server_judge.hpp"

namespace switchback::postgres {

/// The settings of the database's roles that decide how a text is read, as pg_db_role_setting and the server's
/// configuration have them. What a session sets by itself is not known.
class RoleParsing {
 public:
  explicit RoleParsing(ports::Session& source);
  /// Of a new session of this role, `$user` resolved; an empty role: of one without settings or a schema of its own.
  Parsing of(const std::string& role) const;

 private:
  using Values = std::map<std::string, std::string>;
  /// By role and whether it is for this database alone; an empty role: every role.
  std::map<std::pair<std::string, bool>, Values> sets_;
  Values server_;  ///< what a role without settings gets
};

/// Stands for everything that statements may be judged by: relations, columns, types, functions, operators, keys, rules
/// and the roles' settings, but for switchback's own and temporary ones. Two of them differ when something has changed;
/// comes from the catalog alone, in milliseconds for each thousand tables. The server's version is part of it.
std::string schema_print(ports::Session& source);

}  // namespace switchback::postgres
