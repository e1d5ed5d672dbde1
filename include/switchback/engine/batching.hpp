/// sql_batched: a statement over every row of a table, batch by batch.
#pragma once

#include "switchback/core/work.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// Each row is visited once: rows and checkpoint are one transaction. The checkpoint is kept until forget_batched.
Stop run_batched(Workbench& bench, const Work& work);
/// The step's undo, likewise; nothing where it has none.
Stop undo_batched(Workbench& bench, const Work& work);
/// Together with the mark that says it is done, or undone: else it could run again.
void forget_batched(ports::Session& session, const Workbench& bench, const Work& work);

}  // namespace switchback::engine
