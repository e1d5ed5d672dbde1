/// Contract's reversible half and its end: hide, unhide, validate, drop. Each function works inside the caller's
/// transaction, unless it says otherwise, and only does the work: state, event and fence are the caller's.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/contract_sql.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// One entry of switchback.definition: a complete statement that brings something back, to be run in the order of
/// `ordinal`, each in a transaction of its own but indexes (restore_definition).
struct StoredDefinition {
  int ordinal = 0;
  /// taken (what load_taken reads), moved (load_objects), object (a type or function), column, sequence, default,
  /// comment, grant, relax, turned (the last first, before all others): at the start of a restore; index, constraint,
  /// validate, not_null, statistics, identity, late_object (a view) …: after the rows are filled.
  std::string kind;
  std::string structure;   ///< what it is about, for people: `public.users.full_name`, an index's name
  std::string definition;  ///< the statement
};

/// Records everything that a restore needs, replacing what was there: columns, all that a drop takes along silently
/// (indexes, constraints, statistics objects, owned sequences), and what drop_index and drop_constraint name. To be
/// called in the hide transaction, before hide(). Error(Exit::invalid) for what could not be brought back (a generated
/// column computed from the dropped one) and for a drop_index or drop_constraint that names nothing.
void store_definitions(ports::Session& session, PlanId plan_id, const Plan& plan,
                       const std::vector<TakenTable>& tables);
/// Ordinals of the recorded constraints and indexes that are there under their names now.
std::vector<std::string> standing_definitions(ports::Session& session, PlanId plan_id);
/// Of those that stood: what has gone since is not brought back by its definition. For a contract's `sql` with an undo,
/// which brings back itself what it took.
void forget_fallen(ports::Session& session, PlanId plan_id, const std::vector<std::string>& stood);
std::vector<StoredDefinition> definitions(ports::Session& session, PlanId plan_id);
/// What store_definitions recorded, under the tables' present names. Empty: nothing was hidden.
std::vector<TakenTable> load_taken(ports::Session& session, PlanId plan_id);

/// Tables with partitions or heirs that the contract works on are locked from above, as statements lock them: whoever
/// took a part first would meet them in a deadlock, which they may lose. For the start of a transaction that hides or
/// unhides.
void lock_from_above(ports::Session& session, const Plan& plan);

/// Renames the columns, indexes and constraints to their tombstones and adds the NOT NULL checks, NOT VALID. ACCESS
/// EXCLUSIVE for milliseconds on each table. The caller puts the sync function's new text in the same transaction,
/// after this.
void hide(ports::Session& session, const Plan& plan, const std::vector<TakenTable>& tables);
/// Undoes hide() and an archive that was begun, and forgets the definitions. Looks first: what is not hidden is left.
void unhide(ports::Session& session, PlanId plan_id, const Plan& plan, const std::vector<TakenTable>& tables);

/// Validates the contract's NOT NULL checks that are not validated yet: reads each table once, under SHARE UPDATE
/// EXCLUSIVE. Error 23514 when a row is in the way.
void validate(ports::Session& session, const Plan& plan, const SetNotNull& step);

/// Why the drop must not happen now, one sentence each: an archive that is not verified, triggers that are not as they
/// were when it was, a NOT NULL check that is not validated. Constant time; to be called under the drop's lock.
std::vector<std::string> drop_objections(ports::Session& session, PlanId plan_id, const Plan& plan,
                                         const std::vector<TakenTable>& tables);
/// ACCESS EXCLUSIVE on every table that the drop touches, in one order; waits as long as lock_timeout says.
void lock_for_drop(ports::Session& session, const Plan& plan, const std::vector<TakenTable>& tables);
/// Runs one step of the contract other than `sql`, under the lock and after the objections, once the caller has removed
/// sync or regenerated it without this plan: drop_column and replace_column replace the archive's triggers, which read
/// what goes, by those that stay, and drops the tombstone, with RESTRICT; set_not_null settles, without reading the
/// table.
void drop_step(ports::Session& session, const Plan& plan, const Step& step, const std::vector<TakenTable>& tables);
/// Ends the drop: the marker columns of these tables go, their archives are marked as kept until `keep` from now.
void end_drop(ports::Session& session, PlanId plan_id, const Plan& plan, const std::vector<TakenTable>& tables,
              std::chrono::seconds keep);

}  // namespace switchback::engine
