#include "scratch_server.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iomanip>
#include <random>
#include <sstream>

#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/process/installation.hpp"
#include "switchback/process/sandbox.hpp"

namespace switchback::daemon {
namespace {

namespace fs = std::filesystem;
constexpr const char* role = "switchback_clone";

/// A file that is locked as long as its owner lives, however that ends. Empty descriptor: somebody else holds it.
class LockFile {
 public:
  explicit LockFile(fs::path path, bool make) : path_(std::move(path)) {
    descriptor_ = open(path_.c_str(), O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0), 0644);
    if (descriptor_ < 0) return;
    struct stat ours {};
    struct stat theirs {};
    // Whoever clears away may have removed it between the two calls.
    if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0 && fstat(descriptor_, &ours) == 0 &&
        stat(path_.c_str(), &theirs) == 0 && ours.st_ino == theirs.st_ino)
      return;
    close(descriptor_);
    descriptor_ = -1;
  }
  ~LockFile() {
    if (descriptor_ < 0) return;
    std::error_code gone;
    fs::remove(path_, gone);
    close(descriptor_);
  }
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  fs::path path_;
  int descriptor_ = -1;
};

std::string random_name() {
  std::random_device random;
  std::ostringstream out;
  out << std::hex << std::setfill('0') << std::setw(8) << random() << std::setw(8) << random();
  return out.str();
}

void take_down(const fs::path& folder) {
  try {
    process::sandbox_down(folder);
  } catch (const Error&) {  // the next one clears it away
  }
}

void clear_left_overs(const fs::path& folder, const std::string& prefix) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const fs::path& path = entry.path();
    if (!path.filename().string().starts_with(prefix) || path.extension() != ".lock") continue;
    const LockFile lock(path, false);
    if (!lock) continue;
    try {
      const fs::path left = fs::path(path).replace_extension();
      process::sandbox_down(left);
      fs::remove(left, none);  // empty: nothing was made in it yet
    } catch (const Error&) {   // another user's, or no sandbox: not ours to remove
    }
  }
}

class NamedServer final : public ScratchServer {
 public:
  explicit NamedServer(std::string connection) : connection_(std::move(connection)) {}
  std::string connection() const override { return connection_; }
  void furnish(const std::string& /*database*/, const Extensions& /*extensions*/) override {}

 private:
  std::string connection_;
};

class ThrowawayServer final : public ScratchServer {
 public:
  explicit ThrowawayServer(int major) : throwaway_("clone-", options(major)), sandbox_(throwaway_.info()) {
    process::sandbox_sql(sandbox_, sandbox_.primary_uri(), std::string("CREATE ROLE ") + role + " LOGIN CREATEDB");
    if (std::stoi(sandbox_.version) < major)
      throw Error(Exit::failed, Remedy::person,
                  "the newest PostgreSQL here is " + sandbox_.version + ", and the database's server is of version " +
                      std::to_string(major),
                  "install that version's server, or name a server for clones: scratch: \"host=…\"");
  }

  std::string connection() const override {
    const std::string uri = sandbox_.primary_uri();
    return "postgresql://" + std::string(role) + uri.substr(uri.find('@'));
  }

  void furnish(const std::string& database, const Extensions& extensions) override {
    const auto session = postgres::connect({.database = postgres::with_database(sandbox_.primary_uri(), database),
                                            .application_name = "switchback clone"});
    Extensions wanted = extensions;
    wanted.emplace_back("plpgsql_check", "switchback_ask");  // the judge's own: it looks into bodies in PL/pgSQL
    for (const auto& [name, schema] : wanted) {
      try {
        session->exec("CREATE SCHEMA IF NOT EXISTS " + quote_identifier(schema) + " AUTHORIZATION " + role);
        session->exec("CREATE EXTENSION IF NOT EXISTS " + quote_identifier(name) + " SCHEMA " +
                      quote_identifier(schema) + " CASCADE");
      } catch (const Error& error) {
        if (error.remedy() == Remedy::reconnect) throw;
        // It is not installed here: the restore says that it lacks.
      }
    }
  }

 private:
  static process::SandboxOptions options(int major) {
    process::SandboxOptions options;
    options.fsync = false;
    options.replica = false;
    options.max_connections = 20;
    options.major = major;
    return options;
  }

  ThrowawaySandbox throwaway_;
  process::SandboxInfo sandbox_;
};

}  // namespace

ThrowawaySandbox::ThrowawaySandbox(const std::string& prefix, process::SandboxOptions options) {
  const fs::path base = fs::path(process::default_sandbox_dir()).parent_path();
  fs::create_directories(base);
  clear_left_overs(base, prefix);
  std::shared_ptr<LockFile> lock;
  fs::path folder;
  for (int attempt = 0; attempt < 5 && (!lock || !*lock); ++attempt) {  // one clearing away may have been quicker
    folder = base / (prefix + random_name());
    lock = std::make_shared<LockFile>(folder.string() + ".lock", true);
  }
  if (!*lock)
    throw Error(Exit::failed, Remedy::person, "cannot write in " + base.string(),
                "make that folder writable, or name a server: scratch: \"host=…\"");
  lock_ = lock;
  options.dir = folder;
  try {
    sandbox_ = process::sandbox_up(options);
  } catch (const Error&) {
    take_down(folder);
    throw;
  }
}

ThrowawaySandbox::~ThrowawaySandbox() {
  take_down(sandbox_.dir);
}

std::unique_ptr<ScratchServer> named_scratch_server(std::string connection) {
  return std::make_unique<NamedServer>(std::move(connection));
}

std::unique_ptr<ScratchServer> throwaway_scratch_server(int major) {
  return std::make_unique<ThrowawayServer>(major);
}

}  // namespace switchback::daemon
