/// The backfill of plain heaps by page: windows, several passes over each, several workers. See core/stride.hpp.
///
/// Right under concurrent writers: every row that is written or moved meanwhile passes the sync trigger, which fills
/// it; a row that moves from a page not yet visited to one already passed was moved by such a write. The end of the
/// table is read after the trigger was made. Rows of a table that was rewritten meanwhile (VACUUM FULL, CLUSTER) are
/// walked from the first page again, which is cheap: those that are filled are skipped. The comparison of all rows
/// after the backfill is what proves it.
#pragma once

#include <vector>

#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// Those of the table's leaves that can be walked by page, and are not in the middle of a walk by key.
std::vector<TableName> leaves_by_page(Workbench& bench, ports::Session& session, const TableFacts& table,
                                      const std::string& step);

/// Fills every unfilled row of these leaves. Resumes where the journal says: one row of switchback.checkpoint for each
/// leaf ("public.users": its pages and file when the walk began), and one for each window that is under way or was
/// ("public.users #2": a slot; whoever works takes a free one). `rows_estimate`: of the whole table.
Stop fill_by_page(Workbench& bench, const ResolvedSync& sync, const std::string& step,
                  const std::vector<TableName>& leaves, double rows_estimate);

}  // namespace switchback::engine
