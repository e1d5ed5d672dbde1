/// Running other programs: with another account, a deadline, captured output, and no zombies.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchback::process {

/// A login of this machine.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

/// The account of this name, if there is one.
std::optional<Account> find_account(const std::string& name);

/// Whom a server may run as when we are root (PostgreSQL refuses root): postgres, else nobody. Empty when we are not
/// root: then as ourselves. Error when root finds neither.
std::optional<Account> unprivileged_account();

/// What to run. Standard input is `input`, or nothing. All descriptors beyond the three standard ones are closed.
struct Command {
  std::vector<std::string> argv = {};   ///< argv[0]: a path, or a name looked for on PATH
  std::optional<Account> account = {};  ///< run as this one, with no other groups (needs root)
  std::string directory = {};           ///< working folder; empty: ours
  std::map<std::string, std::optional<std::string>> environment = {};  ///< on top of ours; without a value: unset
  std::string input = {};
  /// A program that is in the foreground with us: our standard input and process group (so that Ctrl-C reaches it as
  /// well), both its outputs on our standard error. `input` does not count then, and out() and err() are empty.
  bool attached = false;
  bool die_with_us = false;  ///< killed when the thread that started it ends, also by SIGKILL (prctl, PR_SET_PDEATHSIG)
};

/// How a program ended and what it said.
struct Outcome {
  int exit_code = 0;  ///< 128 + n when signal n ended it, as a shell would say
  bool timed_out = false;
  std::string out;
  std::string err;

  bool ok() const { return exit_code == 0 && !timed_out; }
};

/// A program that runs beside us, in a process group of its own. Used by one thread at a time; any number of them may
/// run at once. The destructor kills the group and collects it: none becomes a zombie, none outlives its owner (but
/// for daemons that left the group).
class Child {
 public:
  /// Error (Exit::failed) when the program cannot be started: not found, no permission, no such account.
  explicit Child(const Command& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  /// To the program itself; to its whole group, where it has one of its own, with signal_group. Nothing when it has
  /// ended.
  void signal(int number);
  void signal_group(int number);
  /// Waits until it has ended, at most so long. Its exit code, empty when it still runs.
  std::optional<int> wait(std::chrono::milliseconds deadline);
  /// Waits; kills the group when the deadline passes.
  Outcome finish(std::chrono::milliseconds deadline);
  /// What it has said so far; may be asked while it runs.
  std::string out() const;
  std::string err() const;

 private:
  pid_t pid_ = -1;
  bool leads_group_ = true;
  int out_ = -1;
  int err_ = -1;
  std::optional<int> exit_code_;
};

/// Child and finish in one.
Outcome run(const Command& command, std::chrono::milliseconds deadline);

/// The path of an executable of this name on PATH; the name itself when it has a slash and can be run. Else empty.
std::optional<std::string> find_program(std::string_view name);

}  // namespace switchback::process
