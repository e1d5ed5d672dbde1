/// replace_table: a copy takes the place of a table, under its name, and the table follows it in a schema that hides
/// it until it is dropped. Both images work on whichever bears the name.
#pragma once

#include "switchback/engine/copying.hpp"

namespace switchback::engine {

/// What would be left behind, or pointed at by others, when the copy takes the table's place; empty: nothing.
std::string why_not_replaced(ports::Session& session, const Plan& plan, const ReplaceTable& step);

/// Owner, grants, policies, comments and settings of what `made` is like; statements to be run behind its creation.
std::vector<std::string> likeness_sql(ports::Session& session, const CreateTable& made);

/// In the caller's transaction, which holds ACCESS EXCLUSIVE on the table and then on its copy from here on, in this
/// order: writers take them in the same. Names, triggers, views and sequences go over, and the copying is turned round.
void replace_tables(ports::Session& session, ports::Catalog& catalog, const Plan& plan);
/// The same backwards; nothing where it was not done.
void replace_back(ports::Session& session, ports::Catalog& catalog, const Plan& plan);

/// The tombstones are their own archives from here on …
void archive_replaced(ports::Session& session, PlanId plan_id, const Plan& plan);
/// … unless it is unhidden after all.
void forget_archive_of_replaced(ports::Session& session, PlanId plan_id, const Plan& plan);
/// In the drop's transaction. Ends the copying; a tombstone that is kept refers to nothing any more.
void drop_replaced(ports::Session& session, const Plan& plan, bool kept);
void purge_replaced(ports::Session& session, PlanId plan_id, const Plan& plan);
/// The tombstone of a table that was dropped with none kept; a restore is refused then.
std::optional<TableName> lost_tombstone(ports::Session& session, const Plan& plan);

/// contracted to migrated: the copying from the new table to the old one begins again, in the caller's transaction …
void begin_restoring_tables(ports::Session& session, ports::Catalog& catalog, const Plan& plan);
/// … and the old one catches up, gets its foreign keys back, and its name.
Stop restore_tables(Workbench& bench);

/// Where the table is from the hide on.
TableName table_tombstone(const Plan& plan, const TableName& table);

}  // namespace switchback::engine
