/// replace_column: another column takes the place of one, under its name. Pure: the names, and the SQL under them;
/// src/engine/swapping.cpp acts.
///
/// From the hide on the old column bears its tombstone name, and so do its indexes and constraints; it is then hidden,
/// archived, dropped and restored as any tombstone is. The way back ends with the names turned round again.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/sync.hpp"

namespace switchback {

/// The columns of `table` that the plan replaces.
std::vector<const ReplaceColumn*> replaced_in(const Plan& plan, const TableName& table);
/// Old column to tombstone, then new column to its name, for every column of `table` that the plan replaces.
Renames swap_names(const Plan& plan, const TableName& table);
/// The same backwards.
Renames swap_back_names(const Plan& plan, const TableName& table);
/// Types that change their names at the hide, in the words of the server, one after another: `public.mood` gets its
/// tombstone name, `public.mood_new` becomes `public.mood`.
Renames type_names(const Plan& plan);
/// The same backwards.
Renames type_names_back(const Plan& plan);
/// What old types are called while they are hidden, and the names that others have taken from them.
Renames hidden_type_names(const Plan& plan);
/// Under other names of types, wherever they stand in it.
SyncPlan with_types(SyncPlan sync, const Renames& types);
/// `from` where it stands in SQL as a name of its own, not within a text or a longer name.
std::string retyped(std::string_view sql, std::string_view from, std::string_view to);
std::vector<const ReplaceType*> replaced_types(const Plan& plan);
/// What the old type is called from the hide on, until nothing is kept that is of it.
TableName hidden_type(const Plan& plan, const ReplaceType& step);
/// What the hide does to the two types; and its undo.
std::vector<std::string> swap_sql(const Plan& plan, const ReplaceType& step);
std::vector<std::string> swap_back_sql(const Plan& plan, const ReplaceType& step);

/// The sync of `table`, as the plan declares it, under the names that hold from the hide on.
SyncPlan swapped(SyncPlan sync, const Plan& plan, const TableName& table);

/// The CHECK in the place of the old column's NOT NULL, from the expand until the old column is dropped: a value that
/// the old type cannot hold is NULL there, and not NULL in the new one. `_switchback_<plan>_<column>_either`.
std::string either_check_name(std::string_view plan, std::string_view column);
/// The old column bears NULL from then on where the new one has a value. One statement each; the check is NOT VALID.
std::vector<std::string> relax_replaced_sql(const Plan& plan, const ReplaceColumn& step);

/// What the hide does to one column, as far as the plan alone tells; and its undo.
std::vector<std::string> swap_sql(const Plan& plan, const ReplaceColumn& step);
std::vector<std::string> swap_back_sql(const Plan& plan, const ReplaceColumn& step);

}  // namespace switchback
