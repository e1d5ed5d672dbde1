/// The chain of hashes that the history is, in the database.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/history_chain.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::engine {

/// What hashes each event as it is written: part of making the journal.
std::string history_chain_ddl();

/// Every event with its hash and the one that it has now, which is computed here and not by what is in the database.
std::vector<ChainLink> chain_links(ports::Session& session);

/// The history and the forbidden texts, for other databases: one JSON document.
std::string export_journal(ports::Session& session);

struct ImportedJournal {
  std::string from;  ///< the database it was exported from
  std::size_t forbidden = 0, new_forbidden = 0;
  std::size_t events = 0, new_events = 0;
};
/// Events of other databases that were imported, by database and number.
std::vector<EventRecord> imported_events(ports::Session& session);

/// Takes over what is not there yet; what was forbidden there is forbidden here. All or nothing. Error(Exit::invalid)
/// when it is no export, or its history is broken.
ImportedJournal import_journal(ports::Session& session, const Actor& actor, std::string_view document);

}  // namespace switchback::engine
