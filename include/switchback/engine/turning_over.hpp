/// Steps of the contract that the hide's transaction does as they stand: a default that goes, a name that is changed,
/// an exclusion constraint. Each function works inside the caller's transaction.
#pragma once

#include "switchback/core/step_sql.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// With what undoes it as things are now; `session` may be null.
StepSql turned_over_sql(ports::Session* session, const Step& step);

/// First in the hide transaction, while no other lock is held: the exclusion constraints. One whose index takes longer
/// than lock_timeout is given up with Error(Exit::refused), unless the step says why it may; Error 23P01 when two rows
/// are in its way.
void add_exclusions(ports::Session& session, const Plan& plan);
/// The others; after store_definitions, which has recorded how each is undone.
void turn_over(ports::Session& session, const Plan& plan);
/// Undoes them as recorded, the last first; nothing that is not recorded.
void turn_back_over(ports::Session& session, PlanId plan_id);
/// What is not as it was left: a sentence each.
std::vector<std::string> turned_over_objections(ports::Session& session, const Plan& plan);

/// That no two rows are in the way of it now. Takes no lock that anybody waits for, and gives up after a while: then a
/// hold says that it is not known.
Stop check_pairs(Workbench& bench, const AddExclusion& step);
/// Each of the plan's.
Stop check_all_pairs(Workbench& bench);

}  // namespace switchback::engine
