/// Rows that could not be converted: who is in quarantine, and how they leave it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// Marks open quarantined rows as mended that the application has written since, so that they are in step again, or
/// that are gone.
void settle_mended(ports::Session& session, PlanId plan, const ResolvedSync& sync);

/// Quarantines the rows of `leaf` in `range` (SQL over the alias `t`) that sync marked as failed: it runs with the
/// writer's rights and can do no more than mark them.
void note_marked(ports::Session& session, PlanId plan, const ResolvedSync& sync, const TableName& leaf,
                 const std::string& range);

/// Rows that could not be converted, neither mended nor accepted: the hold, or none. Rows mended by the application
/// since are marked so.
std::optional<Hold> quarantine_hold(Workbench& bench);

/// Bad rows over the budget: the hold that ends a backfill.
std::optional<Hold> over_budget(const Settings& settings, const Plan& plan, const TableName& table, std::int64_t bad,
                                double rows_estimate);
std::int64_t open_rows(ports::Session& session, PlanId plan);  ///< in quarantine

/// Converts open rows anew, each in a transaction of its own: those that `keys` name (a JSON object, or the row's
/// number), without keys all. One that converts is mended, by the caller's role and with an event; one that does not
/// stays, with what the server says now. `session`: not in a transaction.
struct Retried {
  std::int64_t mended = 0;
  std::int64_t failed = 0;
};
Retried retry_quarantined(ports::Session& session, const Actor& actor, const PlanRecord& plan,
                          const std::vector<std::string>& keys);

/// Accepts the open rows whose row in the table fulfils `condition`, SQL over its columns, with an event for each.
/// Returns how many. Error (Exit::invalid) when the condition fits none of the plan's tables. `session`: not in a
/// transaction.
std::int64_t accept_quarantined_where(ports::Session& session, ports::Catalog& catalog, const Actor& actor,
                                      const PlanRecord& plan, const std::string& condition, std::string_view reason);

}  // namespace switchback::engine
