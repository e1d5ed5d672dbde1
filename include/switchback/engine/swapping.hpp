/// replace_column at work: the new column under the old one's name, and back. Each function works inside the caller's
/// transaction, under ACCESS EXCLUSIVE on the tables for milliseconds: the catalog alone changes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/swap.hpp"
#include "switchback/engine/rekeying.hpp"
#include "switchback/engine/workbench.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// For the expand: columns of the table that are NOT NULL and will be replaced bear NULL from then on, where their
/// successor has a value. In the transaction that puts sync in place.
void relax_replaced(ports::Session& session, const Plan& plan, const TableName& table);

/// The old column goes under its tombstone name, with the indexes and constraints that are its own; the new one takes
/// its name, theirs (`names`), its CHECK and FOREIGN KEY constraints anew, NOT VALID, and its NOT NULL as a CHECK, NOT
/// VALID. Primary keys go over, and what points at them (rekeying.hpp). The sync of every plan follows. Looks first:
/// what is swapped is left. What the way back has to know of keys is remembered by KeyTurn::keep() of what is returned,
/// behind store_definitions().
std::optional<KeyTurn> swap_in(ports::Session& session, PlanId plan_id, const Plan& plan);
/// Undoes swap_in(). Keys only after prove_way_back(); foreign keys that pointed at them are validated afterwards
/// (validate_pointing()).
void swap_back(ports::Session& session, PlanId plan_id, const Plan& plan);

/// Validates what swap_in() added NOT VALID, where the old column's own was valid: reads each table, under SHARE UPDATE
/// EXCLUSIVE. Error 23514 or 23503 when a row is in the way.
void validate_replaced(ports::Session& session, const Plan& plan, const ReplaceColumn& step);
/// What keeps the drop back: constraints that are not validated, one sentence each.
std::vector<std::string> replaced_objections(ports::Session& session, const Plan& plan, const ReplaceColumn& step);
/// NOT NULL, proved by its CHECK, without reading the table.
void settle_replaced(ports::Session& session, const Plan& plan, const ReplaceColumn& step);

/// Undoes relax_replaced(): without a strong lock while the rows are read. Where one is NULL, the way back is held.
Stop make_not_null_again(Workbench& bench);

}  // namespace switchback::engine
