/// The ways back: unhide, restore, roll back.
#pragma once

#include <string>
#include <vector>

#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// hiding, hidden, contracting → migrated: one transaction, milliseconds.
Stop unhide_plan(Workbench& bench, const std::vector<std::string>& conditions = {});
/// contracted (or restoring) → migrated: columns back in last place, filled from the archive or the reverse expression.
Stop restore_plan(Workbench& bench);
/// Any earlier state (or rolling_back) → expanded or rolled_back.
Stop roll_back_plan(Workbench& bench, State to);

/// Whether a plan that is rolling back ends at `to` when nobody asks for more.
bool is_headed(const PlanRecord& record, State to);

/// Whether the way back from there leads through migrated first: unhide, or restore.
bool is_contracting_side(State state);

/// Refuses (Error, Exit::refused) what must not be turned back: another live plan builds on this one; something was
/// taken away for good.
void refuse_rollback(Workbench& bench, State to);
/// What turning back to `to` will do, step by step, in words.
std::vector<std::string> rollback_words(Workbench& bench, State to);

/// An estimate of how long turning back takes, in seconds: catalog changes are a second, rows as the estimate and the
/// plan's own speed while it was filled say.
long rollback_seconds(Workbench& bench, State to);

}  // namespace switchback::engine
