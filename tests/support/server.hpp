/// The throwaway primary and replica that all tests of one binary share.
#pragma once

#include <string>

#include "switchback/process/sandbox.hpp"

namespace switchback::tests {

using process::Server;
using process::StopMode;

/// Made by the first call of server(), removed when the test binary ends; what a killed one left behind, the next one
/// clears away. A test that stops, pauses or freezes something puts it right again before it ends: use `Repaired`.
class TestServer {
 public:
  TestServer();
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string uri() const { return sandbox_.primary_uri(); }  ///< superuser, database postgres
  std::string replica_uri() const { return sandbox_.replica_uri(); }
  const process::SandboxInfo& sandbox() const { return sandbox_; }

  /// A new, empty database on the primary: its URI.
  std::string fresh_database();
  /// The same database, on the replica.
  std::string on_replica(const std::string& primary_uri) const;
  /// The same database, as another role; with an application name when given.
  std::string as(const std::string& uri, const std::string& role, const std::string& application_name = {}) const;

  /// What psql -At prints. Error when the SQL fails.
  std::string sql(const std::string& uri, const std::string& text) const;

  void pause_replay();
  void resume_replay();
  void stop_replica(StopMode mode = StopMode::fast);
  void start_replica();
  /// Until the replica streams and has replayed everything the primary has written by now.
  void await_replica();

  /// A crash and a restart: every session is cut, recovery runs, committed rows stay.
  void crash_primary();
  void stop_primary(StopMode mode);
  void start_primary();

  /// Stops and continues every process of a server (SIGSTOP, SIGCONT): it is there and does not answer.
  void freeze(Server server);
  void thaw(Server server);

  /// ALTER SYSTEM and a reload, which every session hears of soon; an empty value: RESET.
  void set_system(Server server, const std::string& name, const std::string& value);

  /// Everything running, nothing paused, nothing frozen, the replica streaming and its slot there.
  void repair();

 private:
  process::SandboxInfo sandbox_;
  int owner_ = 0;  ///< our process number: a forked child must not tear down
  int databases_ = 0;
};

/// The one of this test binary.
TestServer& server();

/// A setting of one server while this lives. With `restart` the server is restarted for it, before and after.
class SystemSetting {
 public:
  SystemSetting(Server where, std::string name, const std::string& value, bool restart = false);
  ~SystemSetting();
  SystemSetting(const SystemSetting&) = delete;
  SystemSetting& operator=(const SystemSetting&) = delete;
  void change(const std::string& value) const;

 private:
  Server where_;
  std::string name_;
  bool restart_;
};

/// Puts the server right when the test ends, however it ends.
struct Repaired {
  ~Repaired();
};

}  // namespace switchback::tests
