/// Tables that a plan makes: on the way back they go, and what was written into them meanwhile goes along.
#pragma once

#include <string>
#include <vector>

#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// Each table that the plan has made and that holds rows, with how many: "1,234 rows of order_notes, which goes as a
/// whole". Reads each such table once.
std::vector<std::string> made_table_losses(Workbench& bench);

/// Locks the table and makes sure that it is empty, or that somebody agreed to the loss on this way back; to be called
/// in the transaction that drops it. Nothing happens when it is gone already. Error(Exit::refused).
void lock_made_table(Workbench& bench, ports::Session& session, const CreateTable& table);

}  // namespace switchback::engine
