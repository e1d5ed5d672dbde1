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
/// /usr/local/pgsql/bin and where pg_config says.
Installation find_installation();

}  // namespace switchback::process
