/// What every command needs: the flags that go everywhere, settings, sessions and the two outputs. Private to the
/// command line.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/cli/render.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/daemon/drive.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::cli {

struct GlobalOptions {
  std::string database;
  std::string config;
  std::string output = "table";
  std::string color = "auto";
  std::string log_format = "text";
  bool yes = false;
  bool quiet = false;
  bool verbose = false;
};

/// An Error that knows its place in a file, and may stand for several findings.
class FileError : public Error {
 public:
  FileError(std::vector<Diagnostic> diagnostics, const std::string& message)
      : Error(Exit::invalid, Remedy::person, message), diagnostics_(std::move(diagnostics)) {}
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// Wrong usage: exit 64.
Error usage_error(const std::string& message, const std::string& hint = {});

class Invocation {
 public:
  explicit Invocation(GlobalOptions options);

  const GlobalOptions& options() const { return options_; }
  bool json() const { return options_.output == "json"; }
  const engine::Actor& actor() const { return actor_; }
  /// For standard output, and for standard error.
  Paint out() const { return out_; }
  Paint err() const { return err_; }

  /// Those of the file, the environment and the flags. FileError when the file is wrong.
  const std::vector<SettingValue>& given_settings();
  const Settings& settings();
  /// Those of the file.
  const std::vector<AlertSource>& alerts();
  const std::vector<NotifyTarget>& notify();

  /// A session that cannot write, on a database whose journal this binary can read.
  std::unique_ptr<ports::Session> reading();
  /// A session that writes the journal; one that is newer is refused.
  std::unique_ptr<ports::Session> writing();
  /// A session and no look at the journal.
  std::unique_ptr<ports::Session> connected(bool read_only);

  /// After a command that wrote: tells whom the configuration names, within a few seconds. Never fails; what could not
  /// be delivered is left to the next command or runner.
  void deliver();

  /// Warnings are shown, errors thrown as FileError.
  Plan plan_from(const std::string& path);
  daemon::DriveRequest drive_request();

  /// Data.
  void data(std::string_view text) const;
  /// For people; nothing with -q.
  void say(std::string_view line) const;
  void warn(std::string_view line) const;
  void detail(std::string_view line) const;  ///< with -v

  /// The same error with the GRANT that would help, where rights on the journal are missing.
  Error with_rights_hint(const Error& error) const;

 private:
  void undo_overdue(ports::Session& session) const;
  void enrol(ports::Session& session);

  GlobalOptions options_;
  engine::Actor actor_;
  Paint out_;
  Paint err_;
  std::optional<std::vector<SettingValue>> given_;
  std::optional<Settings> settings_;
  std::vector<AlertSource> alerts_;  ///< read with given_
  std::vector<NotifyTarget> notify_;
  std::string role_;  ///< of the last session
  bool writes_ = false;
  bool notifies_ = false;  ///< the targets are enrolled
};

Instant now();
/// Standard input and standard error both are terminals: somebody can be asked.
bool somebody_to_ask();
bool is_terminal(int descriptor);
/// Columns of a terminal; 80 where it does not say.
std::size_t width_of(int descriptor);

}  // namespace switchback::cli
