/// Rows for a rehearsal, made from what the catalog says of the tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "switchback/core/drill.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::postgres {

/// Fills every empty table that users made (partitioned ones as a whole) with `rows` made rows: types, NOT NULL, UNIQUE
/// and foreign keys are kept to, a CHECK by trying. Says of every table how many rows it has then, and why fewer.
/// Tables that have rows already are left alone.
std::vector<DrillTable> make_rows(ports::Session& session, std::int64_t rows, std::uint64_t seed);

}  // namespace switchback::postgres
