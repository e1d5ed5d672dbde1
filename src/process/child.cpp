#include "switchback/process/child.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "switchback/core/error.hpp"

namespace switchback::process {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(Exit::failed, Remedy::person, what + ": " + std::strerror(error));
}

/// A nameless file in memory. Unlike a pipe it never fills up, and a daemon that keeps it open keeps nobody waiting.
int memory_file(const std::string& content = {}) {
  const int file = memfd_create("switchback", MFD_CLOEXEC);
  if (file < 0) fail("cannot make a file in memory", errno);
  std::size_t written = 0;
  while (written < content.size()) {
    const ssize_t count = write(file, content.data() + written, content.size() - written);
    if (count < 0 && errno != EINTR) {
      const int error = errno;
      close(file);
      fail("cannot write a file in memory", error);
    }
    if (count > 0) written += static_cast<std::size_t>(count);
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

std::string content_of(int file) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t count = pread(file, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::vector<std::string> environment_for(const Command& command) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!command.environment.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) {
    if (value) result.push_back(name + "=" + *value);
  }
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// Everything the new process needs, made before the fork: after it only async-signal-safe calls are allowed.
struct Launch {
  std::string path;
  std::vector<char*> argv;
  std::vector<char*> envp;
  const char* directory = nullptr;
  const Account* account = nullptr;
  std::array<int, 3> files{-1, -1, -1};
  bool attached = false;
  bool die_with_us = false;
  pid_t parent = 0;
  int report = -1;  ///< errno of the call that failed goes here; exec closes it
};

[[noreturn]] void become(const Launch& launch) {
  const auto give_up = [&] {
    const int error = errno;
    [[maybe_unused]] const ssize_t written = write(launch.report, &error, sizeof error);
    _exit(127);
  };
  if (!launch.attached) setpgid(0, 0);
  for (int target = 0; target < 3; ++target) {
    if (dup2(launch.files[static_cast<std::size_t>(target)], target) < 0) give_up();
  }
  if (launch.account != nullptr) {
    const Account& account = *launch.account;
    if (setgroups(0, nullptr) != 0 || setgid(account.gid) != 0 || setuid(account.uid) != 0) give_up();
  }
  if (launch.die_with_us) {  // after setuid, which forgets it
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up();
    if (getppid() != launch.parent) _exit(127);
  }
  if (launch.directory != nullptr && chdir(launch.directory) != 0) give_up();
  // Libraries may have opened files without close-on-exec.
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(launch.path.c_str(), launch.argv.data(), launch.envp.data());
  give_up();
  _exit(127);
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  const int error = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) fail("cannot look up the account " + name, error);
  if (found == nullptr) return std::nullopt;
  return Account{entry.pw_uid, entry.pw_gid, name};
}

std::optional<Account> unprivileged_account() {
  if (geteuid() != 0) return std::nullopt;
  for (const char* name : {"postgres", "nobody"}) {
    if (auto account = find_account(name); account && account->uid != 0) return account;
  }
  throw Error(Exit::failed, Remedy::person,
              "PostgreSQL does not run as root, and there is no account postgres or nobody",
              "call this as an ordinary user");
}

std::optional<std::string> find_program(std::string_view name) {
  if (name.find('/') != std::string_view::npos) {
    std::string path(name);
    return access(path.c_str(), X_OK) == 0 ? std::optional(path) : std::nullopt;
  }
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string path = std::string(rest.substr(0, end)) + "/" + std::string(name);
    if (access(path.c_str(), X_OK) == 0) return path;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

Child::Child(const Command& command) {
  const std::string program = command.argv.empty() ? "" : command.argv.front();
  const auto path = find_program(program);
  if (!path) {
    throw Error(Exit::failed, Remedy::person, "cannot run " + program + ": no such program",
                "install it, or mend PATH");
  }
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> environment = environment_for(command);
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) fail("cannot make a pipe", errno);
  leads_group_ = !command.attached;
  const int in = memory_file(command.input);
  out_ = memory_file();
  err_ = memory_file();
  const Launch launch{.path = *path,
                      .argv = pointers(arguments),
                      .envp = pointers(environment),
                      .directory = command.directory.empty() ? nullptr : command.directory.c_str(),
                      .account = command.account ? &*command.account : nullptr,
                      .files = command.attached ? std::array<int, 3>{0, 2, 2} : std::array<int, 3>{in, out_, err_},
                      .attached = command.attached,
                      .die_with_us = command.die_with_us,
                      .parent = getpid(),
                      .report = report[1]};
  pid_ = fork();
  if (pid_ == 0) become(launch);
  int error = pid_ < 0 ? errno : 0;
  close(in);
  close(report[1]);
  if (pid_ > 0) {
    if (!command.attached) setpgid(pid_, pid_);  // also here, so that the group is there before anybody signals it
    ssize_t count = 0;
    do {
      count = read(report[0], &error, sizeof error);
    } while (count < 0 && errno == EINTR);
    if (count > 0) waitpid(pid_, nullptr, 0);
  }
  close(report[0]);
  if (error != 0) {
    pid_ = -1;
    close(out_);
    close(err_);
    fail("cannot run " + *path, error);
  }
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      leads_group_(other.leads_group_),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)),
      exit_code_(other.exit_code_) {}

Child::~Child() {
  if (pid_ > 0 && !exit_code_) {
    signal_group(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

bool Child::running() {
  return !wait(std::chrono::milliseconds(0));
}

void Child::signal(int number) {
  if (pid_ > 0 && !exit_code_) kill(pid_, number);
}

void Child::signal_group(int number) {
  if (pid_ > 0 && !exit_code_) kill(leads_group_ ? -pid_ : pid_, number);
}

std::optional<int> Child::wait(std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  auto pause = std::chrono::milliseconds(1);
  while (!exit_code_) {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    } else if (ended < 0 && errno != EINTR) {
      exit_code_ = 127;  // somebody else collected it (SIGCHLD ignored): how it ended cannot be known
    } else if (Clock::now() >= end) {
      break;
    } else {
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::milliseconds(20));
    }
  }
  return exit_code_;
}

Outcome Child::finish(std::chrono::milliseconds deadline) {
  Outcome outcome;
  if (!wait(deadline)) {
    outcome.timed_out = true;
    signal_group(SIGKILL);
    wait(std::chrono::seconds(10));
  }
  outcome.exit_code = exit_code_.value_or(128 + SIGKILL);
  outcome.out = out();
  outcome.err = err();
  return outcome;
}

std::string Child::out() const {
  return content_of(out_);
}
std::string Child::err() const {
  return content_of(err_);
}

Outcome run(const Command& command, std::chrono::milliseconds deadline) {
  return Child(command).finish(deadline);
}

}  // namespace switchback::process
