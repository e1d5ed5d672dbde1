/// Where a rehearsal takes place: a database on a scratch server, a folder with the plan, and the binary run in it.
#pragma once

#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scratch_server.hpp"
#include "switchback/daemon/drill.hpp"
#include "switchback/ports/session.hpp"
#include "switchback/process/child.hpp"

namespace switchback::daemon {

/// SIGINT and SIGTERM are noted while this lives, so that whoever is interrupted can clear away.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  /// Throws Interrupted when one has come.
  static void check();

 private:
  struct sigaction before_int_ {};
  struct sigaction before_term_ {};
};
struct Interrupted {
  int signal = 0;
};

/// How a run of the binary ended.
struct RunnerEnd {
  int exit_code = 0;
  bool timed_out = false;
  std::string said;  ///< message and hint of its error
  bool ok() const { return exit_code == 0 && !timed_out; }
};

using ProgramEnvironment = std::map<std::string, std::optional<std::string>>;

class DrillStage {
 public:
  /// Makes server, database, schema and rows. `settings`: what is the plan's business is handed on to the runner.
  DrillStage(const Plan& plan, const DrillRequest& request, DrillReport& report);
  ~DrillStage();
  DrillStage(const DrillStage&) = delete;
  DrillStage& operator=(const DrillStage&) = delete;

  /// The plan as it is run here: the long form, without windows.
  const Plan& plan() const { return plan_; }
  const process::SandboxInfo* sandbox() const { return sandbox_ ? &sandbox_->info() : nullptr; }
  std::string uri() const { return uri_; }
  std::string replica_uri() const;
  /// A session as an application has it.
  std::unique_ptr<ports::Session> application(const std::string& name) const;
  /// One session that is made again after its server was stopped.
  ports::Session& session();

  std::unique_ptr<process::Child> start(const std::vector<std::string>& arguments,
                                        const ProgramEnvironment& more = {}) const;
  /// Waits for its end; `meanwhile` is called every few milliseconds. Killed after two minutes.
  RunnerEnd await(process::Child& child, const std::function<void()>& meanwhile = {}) const;
  std::vector<std::string> forward(State to) const;
  std::vector<std::string> back(State to) const;

  State state();
  StepsDone steps_done();
  const std::vector<std::string>& lacking() const { return lacking_; }  ///< extensions that could not be made
  std::string hold();                                                   ///< "quarantine: 3 rows …"; empty: none

 private:
  void clear() noexcept;
  void prepare_server(const DrillRequest& request);
  void load_schema(const DrillRequest& request, DrillReport& report);
  void load(const std::string& sql, const std::string& what);
  void make_extensions(std::string& sql);
  void write_files(const DrillRequest& request, const Plan& plan);
  std::string psql(const std::string& input) const;

  Plan plan_;
  std::unique_ptr<ThrowawaySandbox> sandbox_;
  std::string server_;    ///< maintenance database, as who makes databases
  std::string database_;  ///< empty: none was made yet
  std::string uri_;
  std::string programs_;
  std::filesystem::path folder_;
  std::unique_ptr<ports::Session> session_;
  ProgramEnvironment environment_;
  std::vector<std::string> lacking_;
};

}  // namespace switchback::daemon
