/// copy_table: the triggers that keep the copy equal, the copying itself, and the comparison of both tables.
#pragma once

#include "switchback/core/mirror.hpp"
#include "switchback/core/work.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {

/// What keeps `to` equal to `from`, by the copy's key. Error(drift) where the two have not the same columns.
Mirror mirror_of(ports::Session& session, ports::Catalog& catalog, const CopyTable& copy, const TableName& from,
                 const TableName& to);

/// For a transaction that waits for a lock while it holds others: it waits less than deadlock_timeout, so that never an
/// application's statement is the one that a deadlock ends.
void give_up_first(ports::Session& session);

/// The triggers are there before the first row is copied; within the caller's transaction.
void install_mirror(ports::Session& session, const Mirror& mirror);
void remove_mirror(ports::Session& session, const TableName& from);

/// expand: the triggers. migrate: the rows, then the comparison.
Stop start_copy(Workbench& bench, const Work& work);
Stop undo_start_copy(Workbench& bench, const Work& work);
Stop copy_rows(Workbench& bench, const CopyTable& copy);
void forget_copy(ports::Session& session, PlanId plan, const CopyTable& copy);

/// Makes `to` what `from` is, again and again until a comparison finds nothing: what was skipped while it was being
/// written, and what was written past the triggers. A hold when it does not come to an end.
Stop make_equal(Workbench& bench, const CopyTable& copy, const TableName& from, const TableName& to);

/// The copies of a plan that are to be replaced, compared once more before the hide.
Stop compare_copies(Workbench& bench);

}  // namespace switchback::engine
