#include "sandbox_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "switchback/core/error.hpp"

namespace switchback::process {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
constexpr const char* marker_name = "switchback-sandbox.json";
constexpr const char* marker_draft = "switchback-sandbox.json.new";

Error failed(const std::string& what) {
  return {Exit::failed, Remedy::person, what + ": " + std::strerror(errno)};
}

fs::path state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') return state;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return fs::path(home) / ".local/state";
  return "/tmp/switchback-" + std::to_string(getuid());
}

bool nothing_in(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != marker_draft) return false;
  }
  return true;
}

}  // namespace

bool reachable(const fs::path& path, const Account& account) {
  for (fs::path folder = path.parent_path();; folder = folder.parent_path()) {
    struct stat facts {};
    if (stat(folder.c_str(), &facts) == 0) {
      const mode_t needed = facts.st_uid == account.uid ? S_IXUSR : facts.st_gid == account.gid ? S_IXGRP : S_IXOTH;
      if ((facts.st_mode & needed) == 0) return false;
    }
    if (folder == folder.root_path()) return true;
  }
}

fs::path resolve_folder(const std::string& dir) {
  const fs::path wanted = dir.empty() ? fs::path(default_sandbox_dir()) : fs::path(dir);
  fs::path folder = fs::weakly_canonical(fs::absolute(wanted));
  if (!folder.has_filename()) folder = folder.parent_path();
  return folder;
}

std::optional<Marker> read_marker(const fs::path& folder) {
  if (!fs::exists(folder)) return std::nullopt;
  const auto refuse = [&](const std::string& why) {
    return Error(Exit::refused, Remedy::person, folder.string() + " " + why, "choose another folder with --dir");
  };
  if (!fs::is_directory(folder)) throw refuse("is not a folder");
  std::ifstream in(folder / marker_name);
  if (!in) {
    if (nothing_in(folder)) return std::nullopt;
    throw refuse("is not a sandbox of switchback: it has no " + std::string(marker_name) + " that can be read");
  }
  const json text = json::parse(in, nullptr, false);
  if (!text.is_object() || text.value("switchback_sandbox", 0) != 1) {
    throw refuse("has a " + std::string(marker_name) + " that this version cannot read");
  }
  Marker marker;
  marker.made = text.value("made", false);
  SandboxInfo& info = marker.info;
  info.dir = folder;
  info.bin = text.value("bin", "");
  info.version = text.value("version", "");
  info.account = text.value("account", "");
  info.sockets = text.value("sockets", "");
  info.primary_port = text.value("primary_port", 0);
  info.replica_port = text.value("replica_port", 0);
  info.fsync = text.value("fsync", true);
  info.max_connections = text.value("max_connections", 100);
  info.statements = text.value("statements", false);
  return marker;
}

void write_marker(const fs::path& folder, const Marker& marker) {
  const SandboxInfo& info = marker.info;
  const json text{{"switchback_sandbox", 1},
                  {"made", marker.made},
                  {"bin", info.bin},
                  {"version", info.version},
                  {"account", info.account},
                  {"sockets", info.sockets},
                  {"primary_port", info.primary_port},
                  {"replica_port", info.replica_port},
                  {"fsync", info.fsync},
                  {"max_connections", info.max_connections},
                  {"statements", info.statements}};
  {
    std::ofstream out(folder / marker_draft, std::ios::trunc);
    out << text.dump(2) << "\n";
    out.flush();
    if (!out) throw failed("cannot write " + (folder / marker_draft).string());
  }
  fs::permissions(folder / marker_draft, fs::perms(0644));
  fs::rename(folder / marker_draft, folder / marker_name);
}

void make_folder(const fs::path& folder) {
  if (fs::exists(folder)) return;
  if (folder.has_relative_path()) make_folder(folder.parent_path());
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) throw failed("cannot make " + folder.string());
  // Whatever our umask is, the servers' account has to get through.
  if (geteuid() == 0 && chmod(folder.c_str(), 0755) != 0) throw failed("cannot make " + folder.string());
}

void make_owned_folder(const fs::path& folder, const std::optional<Account>& account, unsigned mode) {
  if (mkdir(folder.c_str(), mode) != 0 || chmod(folder.c_str(), mode) != 0 ||
      (account && chown(folder.c_str(), account->uid, account->gid) != 0)) {
    throw failed("cannot make " + folder.string());
  }
}

void clear_folder(const fs::path& folder, bool and_folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != marker_name) fs::remove_all(entry.path());
  }
  if (and_folder) {
    fs::remove(folder / marker_name);
    fs::remove(folder);
  }
}

FolderLock::FolderLock(const fs::path& folder, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    descriptor_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0) throw failed("cannot open " + folder.string());
    struct stat ours {};
    struct stat theirs {};
    // The folder may have been removed, and made again, by the one we waited for.
    if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0 && fstat(descriptor_, &ours) == 0 &&
        stat(folder.c_str(), &theirs) == 0 && ours.st_ino == theirs.st_ino) {
      return;
    }
    close(descriptor_);
    descriptor_ = -1;
    if (std::chrono::steady_clock::now() >= end) {
      throw Error(Exit::busy, Remedy::retry, "another process is making or removing the sandbox " + folder.string(),
                  "wait for it, and call this again");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::string default_sandbox_dir() {
  const fs::path folder = state_folder() / "switchback/sandbox";
  const auto account = unprivileged_account();
  return account && !reachable(folder, *account) ? "/var/lib/switchback/sandbox" : folder.string();
}

}  // namespace switchback::process
