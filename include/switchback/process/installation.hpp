/// The PostgreSQL programs installed on this machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace switchback::process {

struct Installation {
  std::string bin;      ///< folder of initdb, pg_ctl, postgres and psql
  std::string version;  ///< `15.18`, `17beta1`
  int major = 0;
};

/// `postgres (PostgreSQL) 15.18 (Debian …)` to version and major; major 0 when it cannot be read.
Installation read_version(std::string_view line);

/// The newest of `found` that is 13 or newer, the first of equals. Error (Exit::failed) that names what was found.
Installation choose_installation(const std::vector<Installation>& found);

/// Looks in SWITCHBACK_PG_BIN (only there when it is set), on PATH, in /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin,
/// /usr/local/pgsql/bin and where pg_config says. One of the version `like` where there is one, else the newest.
Installation find_installation(int like = 0);

/// The folder of the newest pg_dump that is not older than a server of `major` and has pg_restore beside it; looked for
/// in the same places and on PATH, and needs no server programs. Empty: there is none.
std::string find_dump_programs(int major);

}  // namespace switchback::process
