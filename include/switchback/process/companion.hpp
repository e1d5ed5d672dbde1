/// A program that outlives us: in a session of its own, with a line to it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace switchback::process {

/// Lines over a socket; its end says that the other side is gone, also after SIGKILL.
class Line {
 public:
  /// Takes the descriptors, which may be the same. SIGPIPE is not raised on a socket.
  Line(int in, int out) : in_(in), out_(out) {}
  /// Without its line feed; empty when none came in time, or when the other side is gone: closed() tells.
  std::optional<std::string> hear(std::chrono::milliseconds within);
  void say(const std::string& line);
  bool closed() const { return closed_; }

 private:
  int in_, out_;
  std::string heard_;
  bool closed_ = false;
};

/// Ours to talk to, not to kill: what signals our process group, or ends us, does not reach it (setsid). It has our
/// environment and working folder, nothing on standard error, and the line as standard input and output. Used by one
/// thread.
class Companion {
 public:
  /// Error (Exit::failed) when it cannot be started.
  explicit Companion(const std::vector<std::string>& argv);
  /// Closes the line, and leaves it to end by itself.
  ~Companion();
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  bool wait(std::chrono::milliseconds deadline);  ///< whether it has ended
  Line& line() { return line_; }

 private:
  int socket_ = -1;
  pid_t pid_ = -1;
  bool ended_ = false;
  Line line_;
};

}  // namespace switchback::process
