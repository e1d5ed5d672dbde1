/// Filling, verifying and dropping the archive of what contract takes away. Each function works inside the caller's
/// transaction and only does the work; checkpoints are rows of switchback.checkpoint in that transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/contract_sql.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Makes archive table, function, triggers and registry row, all or what is missing of them. SHARE ROW EXCLUSIVE on the
/// table. After hide: the triggers name the tombstones. With an archive that is there and whose triggers were off for a
/// while, or since it was verified are not the same, it makes them anew and starts the archive over.
void start_archive(ports::Session& session, const TakenTable& table);

/// Leaves of the table as they are now: itself, or every leaf partition.
std::vector<TableName> leaves_of(ports::Session& session, const TakenTable& table);

struct ArchiveBatch {
  std::int64_t rows = 0;   ///< read by this batch
  std::int64_t wrong = 0;  ///< verification: rows on which table and archive differ
  bool finished = false;   ///< this leaf, or the verification, is complete
  std::string sample;      ///< verification: a key that differs
};

/// Copies the next `limit` rows of one leaf behind its checkpoint (step "archive <schema.table>", part: the leaf) and
/// moves the checkpoint. Waits for a writer's lock at most half of deadlock_timeout, so that never an application's
/// statement is the one that a deadlock ends: Error 55P03 (Remedy::retry) then; try again, with a smaller limit.
ArchiveBatch copy_next(ports::Session& session, const TakenTable& table, const TableName& leaf, std::int64_t limit);
/// Whether every leaf there is now has been copied.
bool copied(ports::Session& session, const TakenTable& table);

/// Takes rows that are gone out of the archive; only once copied() is true. Returns how many; 0: none left.
std::int64_t sweep_gone(ports::Session& session, const TakenTable& table, std::int64_t limit);

/// Compares the next `limit` rows of table and archive, in one snapshot, behind the verification's checkpoint (step
/// "verify archive <schema.table>"). Ranges join without gaps, so a row in one of the two only is always found. With
/// the last one the archive becomes verified, or, when any row differed, goes back to filling: start over with
/// restart_archive.
ArchiveBatch verify_next(ports::Session& session, const TakenTable& table, std::int64_t limit);
/// Empties the archive and its checkpoints, keeping the triggers' work from now on.
void restart_archive(ports::Session& session, const TakenTable& table);

/// Why the archive is not good enough to drop what it holds; empty when it is. Constant time.
std::vector<std::string> archive_objections(ports::Session& session, const TakenTable& table);

/// Before its columns are dropped: the small triggers that stay, instead of the large.
void keep_archive(ports::Session& session, const TakenTable& table);
/// Archive table, triggers, function and checkpoints go; the registry keeps a line with `state` (purged, restored), or
/// nothing of it when `state` is empty (unhidden: as if there had been none). Does nothing when there is no archive.
void drop_archive(ports::Session& session, const TakenTable& table, std::string_view state);

/// True when there is an archive table for it.
bool has_archive(ports::Session& session, const TakenTable& table);

}  // namespace switchback::engine
