/// What the configured backup tool says.
#pragma once

#include <string>

#include "switchback/core/backup.hpp"
#include "switchback/core/settings.hpp"

namespace switchback::daemon {

/// Runs the configured check (the first of backup.pgbackrest, backup.barman, backup.command) on this machine; each
/// program for half a minute at most. Never throws:
/// what cannot be told is a failure. `system_identifier`: of the server, to know its backups from others'.
BackupReading read_backup(const Settings& settings, const std::string& system_identifier);

/// From `pgbackrest info --output=json`: the newest backup of the server that is no error, in any repository.
BackupReading newest_of_pgbackrest(const std::string& json, const std::string& stanza,
                                   const std::string& system_identifier);

/// From `barman -f json check`, `show-servers` and `list-backups SERVER`: the newest backup that is whole, where no
/// check fails and Barman's server is this one.
BackupReading newest_of_barman(const std::string& check, const std::string& servers, const std::string& backups,
                               const std::string& server, const std::string& system_identifier);

}  // namespace switchback::daemon
