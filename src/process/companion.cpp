#include "switchback/process/companion.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "switchback/core/error.hpp"

namespace switchback::process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(Exit::failed, Remedy::person, what + ": " + std::strerror(error));
}

/// After the fork only async-signal-safe calls are allowed.
[[noreturn]] void become(char* const* argv, int socket) {
  setsid();
  const int nothing = open("/dev/null", O_WRONLY);
  if (dup2(socket, 0) < 0 || dup2(socket, 1) < 0 || dup2(nothing, 2) < 0) _exit(127);
  close_range(3, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(argv[0], argv);
  _exit(127);
}

}  // namespace

std::optional<std::string> Line::hear(milliseconds within) {
  const auto end = Clock::now() + within;
  for (;;) {
    if (const auto at = heard_.find('\n'); at != std::string::npos) {
      std::string line = heard_.substr(0, at);
      heard_.erase(0, at + 1);
      return line;
    }
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    if (closed_ || left.count() < 0) return std::nullopt;
    pollfd waiting{in_, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000))) <= 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t count = read(in_, buffer.data(), buffer.size());
    if (count > 0) heard_.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) closed_ = true;
  }
}

void Line::say(const std::string& line) {
  std::string_view left;
  const std::string text = line + "\n";
  for (left = text; !left.empty() && !closed_;) {
    const ssize_t count = send(out_, left.data(), left.size(), MSG_NOSIGNAL);
    if (count > 0) left.remove_prefix(static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) closed_ = true;
  }
}

Companion::Companion(const std::vector<std::string>& argv) : line_(-1, -1) {
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("cannot make a socket", errno);
  pid_ = fork();
  if (pid_ == 0) become(pointers.data(), ends[1]);
  const int error = errno;
  close(ends[1]);
  socket_ = ends[0];
  line_ = Line(socket_, socket_);
  if (pid_ < 0) {
    close(socket_);
    fail("cannot start " + words.front(), error);
  }
}

Companion::~Companion() {
  close(socket_);
  wait(milliseconds(0));
}

bool Companion::running() {
  return !wait(milliseconds(0));
}

bool Companion::wait(milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  while (!ended_) {
    const pid_t found = waitpid(pid_, nullptr, WNOHANG);
    ended_ = found == pid_ || (found < 0 && errno == ECHILD);
    if (ended_ || Clock::now() >= end) break;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return ended_;
}

}  // namespace switchback::process
