/// What must be true before a plan's old structures may be hidden or dropped. Each function looks, and returns the hold
/// that is in the way, or none.
#pragma once

#include <optional>
#include <string>

#include "switchback/core/evidence.hpp"
#include "switchback/engine/evidence_document.hpp"
#include "switchback/engine/workbench.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::engine {

/// Before expand: subscribers that a new column would stop, images whose prepared SELECT * it would fail.
std::optional<Hold> addition_hold(Workbench& bench);
/// `drill.required`: this text of the plan has passed no drill, or none lately.
std::optional<Hold> drill_hold(Workbench& bench);
std::optional<Hold> consent_hold(Workbench& bench);  ///< consent to the contract, and its approvals
/// Approvals of expand, migrate or contract that are still wanted.
std::optional<Hold> approval_hold(Workbench& bench, std::string_view phase);
/// An image of the horizon needs what the contract takes, or nobody knows whether one does. Before every step that
/// takes something: images are deployed and retired meanwhile.
std::optional<Hold> horizon_hold(Workbench& bench);
/// Images that run now or are pinned, and need what rolling back would take away; one line each.
std::vector<std::string> way_back_images(Workbench& bench);
/// Statements that used what rolling back would take away, as pg_stat_statements has them since the plan began; one
/// line each. Its entries are evicted and reset, so that none is no proof.
std::vector<std::string> way_back_uses(Workbench& bench);
/// Error (Exit::refused) when a view, a function or the like, not of this plan, rests on what rolling back takes away.
void refuse_while_depended_on(Workbench& bench);
/// Puts on record what the override of the horizon passes over now, if anything; in the caller's transaction.
void note_overridden_horizon(Workbench& bench);
/// The detail of such an event.
std::string passed_over(const std::vector<std::string>& lines);
/// Another live plan's sync still reads or writes what this one takes away.
std::optional<Hold> neighbour_hold(Workbench& bench);
/// A view that has given a table its new name does not make room for it: something is made on it, or granted on it
/// alone.
std::optional<Hold> stand_in_hold(Workbench& bench);
std::optional<Hold> backup_hold(Workbench& bench);  ///< nothing says that the database could be brought back
/// Takes a sample, judges, and holds unless every structure is unused; `report` gets what was found.
std::optional<Hold> usage_hold(Workbench& bench, UsageReport& report);
/// What the catalog ties to the structures now and the plan does not name; `hidden`: they have tombstone names.
std::optional<Hold> closure_hold(Workbench& bench, bool hidden);
/// The same of tables that are their own archives, before they are purged.
std::optional<Hold> purge_hold(Workbench& bench);

/// What the plan's contract takes, under the names that it has now: `hidden` by the plan of that number, or not yet.
std::vector<Structure> structures_now(ports::Session& session, const Plan& plan, std::optional<PlanId> hidden);
ports::UsageRequest usage_request(Workbench& bench, bool hidden);

std::chrono::seconds observe_window(Workbench& bench);
std::chrono::seconds soak_time(Workbench& bench);
/// Empty: the plan keeps no archive.
std::optional<std::chrono::seconds> archive_time(Workbench& bench);

}  // namespace switchback::engine
