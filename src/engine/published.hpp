/// Who is sent what a table gets. Private to the engine.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/sql.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Publications that send every column the table gets, through its partitions and parents too. A list of columns (15
/// and newer) keeps new ones out.
std::vector<std::string> widening_publications(ports::Session& session, const TableName& table);
/// Of this database. Where there is none nobody subscribes.
std::vector<std::string> logical_slots(ports::Session& session);

}  // namespace switchback::engine
