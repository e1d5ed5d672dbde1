/// What a database is made of, as pg_dump writes it.
#pragma once

#include <string>

namespace switchback::tests {

/// `pg_dump --schema-only` but for switchback's own schema and what differs from run to run: comments, and the key of
/// \restrict. Owners, rights, comments and publications are in it.
std::string schema_dump(const std::string& uri);

}  // namespace switchback::tests
