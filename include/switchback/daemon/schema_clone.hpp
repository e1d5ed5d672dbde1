/// Schema clones: pg_dump of a database's schema, restored on a server where nothing can be harmed.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "switchback/ports/schema_clone.hpp"

namespace switchback::daemon {

struct CloneOptions {
  std::string database;  ///< the source; as ConnectOptions::database
  std::string scratch;   ///< connection string of the server for clones; empty: a throwaway one on this machine
  std::optional<std::string> declined;           ///< why there is to be none
  std::chrono::milliseconds lock_timeout{2000};  ///< for pg_dump's locks on the source
};

/// One clone at a time, in a database of its own with a name like `switchback_clone_5f0c…`. On the server `scratch`
/// names, whose role must be allowed CREATEDB and must not be a superuser: views, functions and index expressions of
/// the source come to life there. Else on a server that is started for it, below the folder of the sandbox. Both are
/// taken away with the object; what a killed process left behind, the next one clears away (told by an advisory lock
/// and by sessions there, and by a lock on a file here).
std::unique_ptr<ports::SchemaClone> make_schema_clone(CloneOptions options);

}  // namespace switchback::daemon
