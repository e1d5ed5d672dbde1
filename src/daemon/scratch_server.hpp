/// Where schema clones are made: a server that the configuration names, or a throwaway one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "switchback/process/sandbox.hpp"

namespace switchback::daemon {

/// A sandbox in a folder of its own beside the default one, whose name begins with `prefix`; stopped and removed when
/// the object goes. What a process that was killed left behind under that prefix is cleared away first (told by a lock
/// on a file). Error when there are no server programs.
class ThrowawaySandbox {
 public:
  /// `options.dir` is chosen here.
  ThrowawaySandbox(const std::string& prefix, process::SandboxOptions options);
  ~ThrowawaySandbox();
  ThrowawaySandbox(const ThrowawaySandbox&) = delete;
  ThrowawaySandbox& operator=(const ThrowawaySandbox&) = delete;
  const process::SandboxInfo& info() const { return sandbox_; }

 private:
  std::shared_ptr<void> lock_;
  process::SandboxInfo sandbox_;
};

/// Name and schema.
using Extensions = std::vector<std::pair<std::string, std::string>>;

class ScratchServer {
 public:
  virtual ~ScratchServer() = default;
  /// A connection string of its maintenance database, as the role that makes clones.
  virtual std::string connection() const = 0;
  /// Makes what it can of these in a new database: what needs more rights than the cloning role has.
  virtual void furnish(const std::string& database, const Extensions& extensions) = 0;
};

/// As `connection` says; nothing is done there but what the role itself may do.
std::unique_ptr<ScratchServer> named_scratch_server(std::string connection);

/// Starts a server of the version `major`, else of a newer one, in a folder of its own; stops and removes it when the
/// object goes. What a process that was killed left behind is cleared away first. Error when there are no server
/// programs, or only older ones.
std::unique_ptr<ScratchServer> throwaway_scratch_server(int major);

}  // namespace switchback::daemon
