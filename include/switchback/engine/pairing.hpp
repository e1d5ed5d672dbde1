/// pair_tables: the triggers that keep columns of two tables equal, what their rows have already, and the comparison,
/// through every state that a plan has.
#pragma once

#include "switchback/core/pair.hpp"
#include "switchback/core/work.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {

/// expand: the triggers. migrate: the rows, then the comparison.
Stop start_pair(Workbench& bench, const Work& work);
Stop undo_start_pair(Workbench& bench, const Work& work);
Stop fill_pair(Workbench& bench, const PairTables& step);
void forget_pair(ports::Session& session, PlanId plan, const PairTables& step);

/// Before the hide (the old side is right then) and before the drop (the new one): both sides of every row, and whether
/// each value of the old one finds a row of the new one. A hold where one does not.
Stop compare_pairs(Workbench& bench, PairSource right);

/// In the transaction that hides or unhides, before anything is renamed: nobody is writing either table, so that no
/// function that names a column by its other name is under way …
void lock_pairs(ports::Session& session, const Plan& plan);
/// … and behind it, when everything has the name that it will have: the functions follow.
void rename_in_pairs(ports::Session& session, ports::Catalog& catalog, PlanId plan_id, const Plan& plan);
/// In the drop's transaction, before the columns go.
void drop_pairs(ports::Session& session, ports::Catalog& catalog, PlanId plan_id, const Plan& plan);

/// contracted to migrated: the old side, which is there again, is written from the new one …
void begin_restoring_pairs(ports::Session& session, ports::Catalog& catalog, PlanId plan_id, const Plan& plan);
/// … and when it has what its archive had, it is made equal, and both are written from each other.
Stop restore_pairs(Workbench& bench);

/// Rows of the new side whose values no row of the old side carries, a line for each pair; empty: none.
std::vector<std::string> pair_losses(Workbench& bench);

}  // namespace switchback::engine
