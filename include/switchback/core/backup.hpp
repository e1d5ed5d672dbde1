/// Whether what is dropped could be brought back from a backup. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "switchback/core/evidence.hpp"

namespace switchback {

/// What the configured check says of the newest backup that can be used.
struct BackupReading {
  std::string label;             ///< as the tool names it
  std::optional<Instant> ended;  ///< empty: the check does not say, and stands for it itself (a command)
  std::string failure;           ///< why there is none, or why that is not known
};

/// The server's archiving of WAL, without which a backup ends where it was taken.
struct ArchivingReading {
  bool on = false;
  std::string failing;     ///< the segment that failed last, when nothing was archived since
  std::string unreadable;  ///< why nothing is known of it
};

/// Why the drop has to wait; empty: it need not.
std::optional<std::string> backup_objection(const BackupReading& reading, Instant now, std::chrono::seconds max_age);
std::optional<std::string> archiving_objection(const ArchivingReading& reading);

/// Whether the segment is archived, as pg_stat_archiver.last_archived_wal has it: names of WAL files, in their order
/// also over timelines (the documentation of pg_walfile_name). What is no such name is not: a history or backup file.
bool is_archived(const std::string& last_archived, const std::string& segment);

}  // namespace switchback
