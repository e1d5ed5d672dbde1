/// Making and upgrading the journal: the schema `switchback` in the target database.
#pragma once

#include <optional>

#include "switchback/core/sql.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

struct JournalVersion {
  int version = 0;
  int readable_by = 0;  ///< oldest binary (by its journal version) whose read-only commands understand it
};

/// The newest journal this binary writes.
int journal_version();
/// Empty: no journal here.
std::optional<JournalVersion> journal_version_in(ports::Session& session);
/// Makes or upgrades it in one transaction; true when something was done. A journal that is newer is refused
/// (Exit::failed), a role without CREATE on the database too (Exit::unreachable, with the GRANT).
bool ensure_journal(ports::Session& session);
/// For read-only commands: there is a journal, and it is at most one version newer.
void require_readable_journal(ports::Session& session);

}  // namespace switchback::engine
