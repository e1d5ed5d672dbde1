/// The folder of a sandbox: where it is, whose it is, and the file that marks it as one.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "switchback/process/child.hpp"
#include "switchback/process/sandbox.hpp"

namespace switchback::process {

/// What the marker file says.
struct Marker {
  bool made = false;  ///< false: being made, or interrupted meanwhile
  SandboxInfo info;
};

/// Absolute and without links, as far as it exists; the default when `dir` is empty.
std::filesystem::path resolve_folder(const std::string& dir);

/// Empty when there is no folder, or an empty one. Error (Exit::refused) when there is something else.
std::optional<Marker> read_marker(const std::filesystem::path& folder);

/// Replaces the marker in one go: after a crash there is the old one or the new one.
void write_marker(const std::filesystem::path& folder, const Marker& marker);

/// Whether the account may pass through every folder above `path` that exists.
bool reachable(const std::filesystem::path& path, const Account& account);

/// Makes the folder and those above it; new ones can be passed through by everyone.
void make_folder(const std::filesystem::path& folder);

/// Makes a folder that is the account's own (ours when empty).
void make_owned_folder(const std::filesystem::path& folder, const std::optional<Account>& account, unsigned mode);

/// Removes the folder's content, the marker last (`and_marker`, `and_folder`), so that an interrupted removal can be
/// taken up again.
void clear_folder(const std::filesystem::path& folder, bool and_folder);

/// While it lives no other process makes or removes this sandbox. Error when another one does for over `deadline`, or
/// when the folder is not there.
class FolderLock {
 public:
  FolderLock(const std::filesystem::path& folder, std::chrono::milliseconds deadline);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace switchback::process
