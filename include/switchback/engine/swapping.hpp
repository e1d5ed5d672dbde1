/// replace_column at work: the new column under the old one's name, and back. Each function works inside the caller's
/// transaction, under ACCESS EXCLUSIVE on the tables for milliseconds: the catalog alone changes.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/swap.hpp"
#include "switchback/engine/workbench.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// For the expand: columns of the table that are NOT NULL and will be replaced bear NULL from then on, where their
/// successor has a value. In the transaction that puts sync in place.
void relax_replaced(ports::Session& session, const Plan& plan, const TableName& table);

/// The old column goes under its tombstone name, with the indexes and constraints that are its own; the new one takes
/// its name, theirs (`names`), its CHECK and FOREIGN KEY constraints anew, NOT VALID, and its NOT NULL as a CHECK, NOT
/// VALID. The sync of every plan follows. Looks first: what is swapped is left.
void swap_in(ports::Session& session, const Plan& plan);
/// Undoes swap_in().
void swap_back(ports::Session& session, const Plan& plan);

/// What else is of a type that the plan replaces, beside columns that it changes, their defaults, indexes and
/// constraints: each as the server describes it.
std::vector<std::string> other_users(ports::Session& session, const Plan& plan, const ReplaceType& step);
/// The same once more, before hiding: what has come since the plan began holds it.
Stop check_replaced_types(Workbench& bench);
/// At the very end: archives have values of the old types, and may bring columns of them back.
void drop_replaced_types(ports::Session& session, const Plan& plan);

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
