/// Rows against the rules that a contract tightens: looked for, mended, and the rules enforced and validated.
#pragma once

#include <string>
#include <vector>

#include "switchback/engine/workbench.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// The plan's fix step `number` (from 1): mends every row that breaks its rule, in batches at the backfill's pace, and
/// goes on where it stopped. Holds (violation) at a row whose mending the server refuses.
Stop fix_rows(Workbench& bench, int number);
/// Reads every row for the rule `number` (from 1). Where some break it, the plan's fix of the same rule is run once
/// more; without one, or when some still do, it holds (violation), with samples. Not `strict`: rows that an image
/// breaks while a fix mends them are noted, and mended again before hiding.
Stop settle_rule(Workbench& bench, int number, bool strict);
Stop settle_rules(Workbench& bench);  ///< all of them, strictly

/// The unique indexes, concurrently; from their start on a duplicate fails. Outside a transaction. Duplicates hold
/// (violation).
Stop build_unique_indexes(Workbench& bench);
/// Every constraint but NOT NULL (which hide() does), NOT VALID; within the hide transaction. Looks first.
void enforce_rules(ports::Session& session, PlanId plan_id, const Plan& plan, const std::vector<RuleFacts>& facts);
/// Constraints and unique indexes go; NOT NULL's checks as well. Within the caller's transaction; looks first.
void release_rules(ports::Session& session, PlanId plan_id, const Plan& plan);
/// Validates what is NOT NULL, every check and foreign key: reads each table once under SHARE UPDATE EXCLUSIVE. Rows in
/// the way are fixed as settle_rule does, or hold (violation).
Stop validate_rules(Workbench& bench);
/// Constraints that are not there, or not validated, one sentence each. NOT NULL is left to drop_objections.
std::vector<std::string> rule_objections(ports::Session& session, const Plan& plan);

}  // namespace switchback::engine
