#include "private_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "switchback/core/error.hpp"

namespace switchback::cli {
namespace {

[[noreturn]] void fail(const std::string& path, int number) {
  throw Error(Exit::failed, Remedy::person,
              "cannot write " + path + ": " + std::error_code(number, std::generic_category()).message(),
              "name a file in a folder that you may write to");
}

int write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return fsync(file) == 0 ? 0 : errno;
}

/// A rename is on disk once its folder is. Folders that cannot be flushed (some network file systems) are left.
void flush_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int opened = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  fsync(opened);
  close(opened);
}

}  // namespace

void write_private_file(const std::string& path, std::string_view text) {
  std::string draft = path + ".XXXXXX";
  const int file = mkstemp(draft.data());  // 0600
  if (file < 0) fail(path, errno);
  int problem = write_all(file, text);
  if (close(file) != 0 && problem == 0) problem = errno;
  if (problem == 0 && std::rename(draft.c_str(), path.c_str()) != 0) problem = errno;
  if (problem != 0) {
    unlink(draft.c_str());
    fail(path, problem);
  }
  flush_folder(path);
}

}  // namespace switchback::cli
