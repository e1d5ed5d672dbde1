/// Reading a migration in plain SQL, as people have it in their repositories, with libpg_query (PostgreSQL 15's
/// grammar).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/migration.hpp"

namespace switchback::postgres {

/// Every statement of `text`, in order; one ALTER TABLE with several commands is several. What cannot be parsed is one
/// of them too (ddl::Unread), and so is what a tool or psql put there and no plan needs (ddl::PassedOver):
/// transactions, settings, psql's own commands, the tool's record of what has run, its section that takes the migration
/// back.
std::vector<MigrationStatement> read_migration(std::string_view text);

}  // namespace switchback::postgres
