/// A TakenTable as switchback.definition keeps it.
#pragma once

#include <string>

#include "switchback/core/contract_sql.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// JSON, built by the server, with what only the catalog knows: domains' base types and the key's operators.
std::string taken_json(ports::Session& session, const TakenTable& table);
/// The way back, under the table's present name. Error(Exit::drift) when the table is not there any more.
TakenTable taken_from_json(ports::Session& session, std::int64_t plan_id, const std::string& json);

}  // namespace switchback::engine
