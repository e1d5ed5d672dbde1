/// A throwaway primary with a streaming replica, from the PostgreSQL installed on this machine.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace switchback::process {

struct SandboxOptions {
  std::string dir;    ///< empty: default_sandbox_dir()
  bool fsync = true;  ///< false for tests: a server's crash loses nothing, the machine's may
  int max_connections = 100;
  bool replica = true;                        ///< false: a primary alone
  int major = 0;                              ///< the version of PostgreSQL wanted, where there is one
  std::chrono::seconds deadline{90};          ///< for the whole of it, until the replica streams
  std::function<void(std::string_view)> say;  ///< one line for people at each stage; may be empty
};

/// A sandbox that is there. Both servers take connections on 127.0.0.1 only, and on a Unix socket in `sockets` unless
/// that path is too long for one (107 bytes); everyone on the machine is trusted, so nothing of worth belongs in it.
struct SandboxInfo {
  std::string dir;
  std::string bin;      ///< the folder of the PostgreSQL programs
  std::string version;  ///< as the server says it: `15.18`
  std::string account;  ///< whom the servers run as; empty: whoever made it
  std::string sockets;  ///< empty when there are none
  int primary_port = 0;
  int replica_port = 0;  ///< 0: there is no replica
  bool fsync = true;
  int max_connections = 100;
  bool statements = false;  ///< pg_stat_statements is loaded, and created in database postgres
  bool already_up = false;  ///< sandbox_up found it running and changed nothing

  std::string primary_uri() const;
  std::string replica_uri() const;
};

/// Makes a sandbox, or starts the one that is there, and returns when the replica streams. What an earlier call left
/// half made is cleared away first. Error: no PostgreSQL 13 or newer, a folder that is something else (Exit::refused)
/// or that the servers' account cannot reach, the deadline.
SandboxInfo sandbox_up(const SandboxOptions& options);

/// Stops both servers and removes the folder. False when nothing was there. Error (Exit::refused) for a folder that is
/// not a sandbox.
bool sandbox_down(const std::string& dir);

struct SandboxStatus {
  bool exists = false;
  bool half_made = false;  ///< interrupted while being made; `up` makes it anew, `down` removes it
  bool primary = false;    ///< takes connections
  bool replica = false;
  bool streaming = false;
  SandboxInfo info;
};

/// Looks only. Error (Exit::refused) for a folder that is not a sandbox.
SandboxStatus sandbox_status(const std::string& dir);

/// $XDG_STATE_HOME/switchback/sandbox, by default ~/.local/state/switchback/sandbox; when root calls and the servers'
/// account cannot reach that, /var/lib/switchback/sandbox.
std::string default_sandbox_dir();

enum class Server { primary, replica };
enum class StopMode { fast, immediate };  ///< as pg_ctl's; immediate is a crash that the next start recovers from

/// For trying out failures. Each waits until it is so, Error after 60 s.
void stop_server(const SandboxInfo& sandbox, Server server, StopMode mode);
void start_server(const SandboxInfo& sandbox, Server server);
/// Sends a signal to each process of one server (SIGSTOP, SIGCONT, SIGKILL).
void signal_server(const SandboxInfo& sandbox, Server server, int number);

/// What psql prints for `sql` (unaligned, rows only, without the last newline). Error when it fails.
std::string sandbox_sql(const SandboxInfo& sandbox, const std::string& uri, const std::string& sql);

}  // namespace switchback::process
