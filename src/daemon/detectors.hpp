/// What sees who is refused during a brownout. Private to the daemon.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "switchback/core/alerts.hpp"
#include "switchback/ports/brownout.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::daemon {

/// `log`: `server`, read through SQL (pg_current_logfile, pg_stat_file, pg_read_binary_file: what pg_read_server_files
/// and pg_monitor, or a superuser, may do), or a file, or a folder whose newest log counts; empty: none. `sources`: of
/// them those of kind http, the application's own word, asked once a second. `connect`: sessions of the runner's role.
std::vector<std::unique_ptr<ports::BrownoutDetector>> make_detectors(
    const std::string& log, const std::vector<AlertSource>& sources,
    const std::function<std::unique_ptr<ports::Session>()>& connect, const std::vector<TableName>& tables);

}  // namespace switchback::daemon
