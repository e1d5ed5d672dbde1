#include "switchback/process/sandbox.hpp"

#include <arpa/inet.h>
#include <locale.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "cluster.hpp"
#include "sandbox_folder.hpp"
#include "switchback/core/error.hpp"
#include "switchback/process/installation.hpp"

namespace switchback::process {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::optional<Account> account_named(const std::string& name) {
  if (name.empty() || geteuid() != 0) return std::nullopt;
  auto account = find_account(name);
  if (!account) throw Error(Exit::failed, Remedy::person, "the account " + name + " of this sandbox is gone");
  return account;
}

Cluster cluster_of(const SandboxInfo& info, Server server) {
  const std::string name = server == Server::primary ? "primary" : "replica";
  const fs::path dir = info.dir;
  const int port = server == Server::primary ? info.primary_port : info.replica_port;
  const std::string socket = info.sockets.empty() ? "" : info.sockets + "/.s.PGSQL." + std::to_string(port);
  return {name, dir / name, dir / "log" / (name + ".log"), socket, info.bin, account_named(info.account)};
}

std::string uri_of(int port) {
  return "postgresql://postgres@127.0.0.1:" + std::to_string(port) + "/postgres";
}

/// A port nobody listens on. Below the range from which clients get theirs (32768 on Linux): a port in that range
/// could be taken by any outgoing connection while the server restarts.
int free_port() {
  std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> ports(15000, 32000);
  for (int attempt = 0; attempt < 200; ++attempt) {
    const int port = ports(random);
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (free) return port;
  }
  throw Error(Exit::failed, Remedy::retry, "no free port found on 127.0.0.1 between 15000 and 32000");
}

void choose_ports(SandboxInfo& info, bool replica) {
  info.primary_port = free_port();
  if (!replica) return;
  do {
    info.replica_port = free_port();
  } while (info.replica_port == info.primary_port);
}

/// Quoted as in postgresql.conf.
std::string setting(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) result += letter == '\'' ? "''" : std::string(1, letter);
  return result + "'";
}

/// A file of the cluster's own: whatever our umask is, the account has to read it.
void write_file(const Cluster& cluster, const std::string& name, const std::string& text) {
  const fs::path path = cluster.data / name;
  std::ofstream out(path, std::ios::trunc);
  out << text;
  out.close();
  if (!out || (cluster.account && chown(path.c_str(), cluster.account->uid, cluster.account->gid) != 0)) {
    throw Error(Exit::failed, Remedy::person, "cannot write " + path.string());
  }
}

void write_settings(const SandboxInfo& info, Server server) {
  const Cluster cluster = cluster_of(info, server);
  const bool primary = server == Server::primary;
  const std::string on_or_off = info.fsync ? "on" : "off";
  std::ostringstream out;
  out << "cluster_name = " << setting(cluster.name) << "\n"
      << "listen_addresses = '127.0.0.1'\n"
      << "port = " << (primary ? info.primary_port : info.replica_port) << "\n"
      << "unix_socket_directories = " << setting(info.sockets) << "\n"
      << "max_connections = " << info.max_connections << "\n"
      << "fsync = " << on_or_off << "\nfull_page_writes = " << on_or_off << "\n"
      << "wal_level = logical\nmax_wal_senders = 10\nmax_replication_slots = 10\nhot_standby = on\n"
      << "wal_receiver_status_interval = 1s\nwal_retrieve_retry_interval = 500ms\n"
      << "primary_slot_name = 'replica'\n"
      << "primary_conninfo = 'host=127.0.0.1 port=" << info.primary_port << " user=postgres application_name=replica'\n"
      << "track_activity_query_size = 16kB\n"
      << "jit = off\n"
      << "logging_collector = off\nlog_destination = 'stderr'\nlog_line_prefix = '%m [%p] %q%a '\nlog_lock_waits = "
         "on\n";
  if (info.statements) {
    out << "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track = all\n"
        << "pg_stat_statements.max = 10000\n";
  }
  write_file(cluster, "switchback.conf", out.str());
}

void require_ok(const Outcome& outcome, const std::string& what) {
  if (outcome.ok()) return;
  throw Error(Exit::failed, Remedy::person,
              what + (outcome.timed_out ? " took too long" : " failed: " + outcome.err + outcome.out));
}

/// initdb, and the replica as a copy of the new cluster before it ever ran: the same system, at the same place in the
/// log, so that it streams from the primary's first record on. No base backup could be quicker or simpler.
void make_clusters(const SandboxInfo& info) {
  const Cluster primary = cluster_of(info, Server::primary);
  const Cluster replica = cluster_of(info, Server::replica);
  make_owned_folder(fs::path(info.dir) / "log", primary.account, 0755);
  make_owned_folder(fs::path(info.dir) / "run", primary.account, 0755);
  make_owned_folder(primary.data, primary.account, 0700);
  const locale_t utf8 = newlocale(LC_ALL_MASK, "C.UTF-8", locale_t{});
  if (utf8 != locale_t{}) freelocale(utf8);
  require_ok(run_for(primary,
                     {info.bin + "/initdb", "-D", primary.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                      std::string("--locale=") + (utf8 != locale_t{} ? "C.UTF-8" : "C"), "--no-sync"},
                     60s),
             "initdb");
  std::ofstream(primary.data / "postgresql.conf", std::ios::app) << "\ninclude 'switchback.conf'\n";
  write_file(primary, "pg_hba.conf",
             "local all,replication all trust\n"
             "host all,replication all 127.0.0.1/32 trust\n");
  if (info.replica_port == 0) return;
  make_owned_folder(replica.data, primary.account, 0700);
  require_ok(run_for(primary, {"cp", "-R", primary.data.string() + "/.", replica.data.string() + "/"}, 60s), "cp");
  write_file(replica, "standby.signal", "");
}

/// Starts the primary; takes other ports when these were taken meanwhile, and does without pg_stat_statements when the
/// machine has none.
void start_primary(SandboxInfo& info, std::chrono::milliseconds deadline) {
  const Cluster primary = cluster_of(info, Server::primary);
  for (int attempt = 0;; ++attempt) {
    write_settings(info, Server::primary);
    const auto complaint = start(primary, deadline);
    if (!complaint) return;
    stop(primary, StopMode::immediate, 5s);
    const bool taken = complaint->find("could not bind") != std::string::npos ||
                       complaint->find("could not create any TCP") != std::string::npos;
    const bool library = info.statements && complaint->find("pg_stat_statements") != std::string::npos;
    if (attempt >= 5 || (!taken && !library)) {
      throw Error(Exit::failed, Remedy::person, "the primary does not start: " + *complaint);
    }
    if (library) info.statements = false;
    if (taken) choose_ports(info, info.replica_port != 0);
  }
}

void start_replica(SandboxInfo& info, std::chrono::milliseconds deadline) {
  const Cluster replica = cluster_of(info, Server::replica);
  for (int attempt = 0;; ++attempt) {
    write_settings(info, Server::replica);
    const auto complaint = start(replica, deadline);
    if (!complaint) return;
    stop(replica, StopMode::immediate, 5s);
    if (attempt >= 5 || complaint->find("could not bind") == std::string::npos) {
      throw Error(Exit::failed, Remedy::person, "the replica does not start: " + *complaint);
    }
    do {
      info.replica_port = free_port();
    } while (info.replica_port == info.primary_port);
  }
}

bool answers(const SandboxInfo& info, const std::string& uri) {
  try {
    return sandbox_sql(info, uri, "select 1") == "1";
  } catch (const Error&) {
    return false;
  }
}

bool streams(const SandboxInfo& info) {
  if (info.replica_port == 0) return answers(info, info.primary_uri());
  try {
    return sandbox_sql(info, info.primary_uri(),
                       "select count(*) from pg_stat_replication where application_name = 'replica' and state = "
                       "'streaming'") == "1" &&
           answers(info, info.replica_uri());
  } catch (const Error&) {
    return false;
  }
}

void await_streaming(const SandboxInfo& info, Clock::time_point end) {
  while (!streams(info)) {
    if (Clock::now() >= end) {
      throw Error(Exit::failed, Remedy::person, "the replica does not stream from the primary",
                  "its log is " + cluster_of(info, Server::replica).log.string());
    }
    std::this_thread::sleep_for(50ms);
  }
}

/// The extension and the slot, unless they are there.
void furnish(SandboxInfo& info) {
  if (info.statements) {
    info.statements =
        sandbox_sql(info, info.primary_uri(),
                    "select count(*) from pg_available_extensions where name = 'pg_stat_statements'") == "1";
  }
  if (info.statements) {
    sandbox_sql(info, info.primary_uri(),
                "set client_min_messages = warning; create extension if not exists pg_stat_statements");
  }
  if (info.replica_port == 0) return;
  sandbox_sql(info, info.primary_uri(),
              "select pg_create_physical_replication_slot('replica', true) where not exists (select from "
              "pg_replication_slots where slot_name = 'replica')");
}

void stop_both(const SandboxInfo& info) {
  stop(cluster_of(info, Server::replica), StopMode::immediate, 10s);
  stop(cluster_of(info, Server::primary), StopMode::immediate, 10s);
}

SandboxInfo planned(const fs::path& folder, const SandboxOptions& options) {
  SandboxInfo info;
  const Installation installation = find_installation(options.major);
  const auto account = unprivileged_account();
  if (account && !reachable(folder, *account)) {
    throw Error(Exit::failed, Remedy::person,
                "the account " + account->name + ", which the servers have to run as, cannot reach " + folder.string(),
                "choose a folder with --dir that everyone can pass into, as under /tmp or /var/lib");
  }
  info.dir = folder;
  info.bin = installation.bin;
  info.version = installation.version;
  info.account = account ? account->name : "";
  info.fsync = options.fsync;
  info.max_connections = options.max_connections;
  info.statements = true;
  // sockaddr_un holds 107 bytes and the server's socket is called .s.PGSQL.12345.
  const std::string sockets = folder / "run";
  info.sockets = sockets.size() + std::string_view("/.s.PGSQL.12345").size() <= 107 ? sockets : "";
  choose_ports(info, options.replica);
  return info;
}

}  // namespace

std::string SandboxInfo::primary_uri() const {
  return uri_of(primary_port);
}
std::string SandboxInfo::replica_uri() const {
  return uri_of(replica_port);
}

SandboxInfo sandbox_up(const SandboxOptions& options) {
  const auto end = Clock::now() + options.deadline;
  const auto left = [&] {
    return std::max(1000ms, std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()));
  };
  const auto say = [&](const std::string& line) {
    if (options.say) options.say(line);
  };
  const fs::path folder = resolve_folder(options.dir);
  auto marker = read_marker(folder);
  if (!marker) planned(folder, options);  // refuse before anything is made
  make_folder(folder);
  const FolderLock lock(folder, left());
  marker = read_marker(folder);
  if (marker && marker->made && streams(marker->info)) {
    marker->info.already_up = true;
    return marker->info;
  }
  Marker now;
  if (marker && marker->made) {
    say("starting the servers that are in " + folder.string());
    now = *marker;
  } else {
    if (marker) {
      say("clearing away what an interrupted call left in " + folder.string());
      stop_both(marker->info);
      clear_folder(folder, false);
    }
    now.info = planned(folder, options);
    write_marker(folder, now);
    say(std::string("making a primary ") + (options.replica ? "and a replica " : "") + "with PostgreSQL " +
        now.info.version + " in " + folder.string() + (now.info.account.empty() ? "" : ", as " + now.info.account));
    make_clusters(now.info);
  }
  if (!answers(now.info, now.info.primary_uri())) {
    stop(cluster_of(now.info, Server::primary), StopMode::immediate, 10s);
    start_primary(now.info, left());
  }
  furnish(now.info);
  if (now.info.replica_port != 0) {
    // The replica anew in any case: it may have been up for a primary that has another port now.
    stop(cluster_of(now.info, Server::replica), StopMode::fast, 10s);
    start_replica(now.info, left());
    await_streaming(now.info, end);
  }
  now.made = true;
  write_marker(folder, now);
  return now.info;
}

bool sandbox_down(const std::string& dir) {
  const fs::path folder = resolve_folder(dir);
  if (!read_marker(folder)) return false;
  const FolderLock lock(folder, 60s);
  const auto marker = read_marker(folder);
  if (!marker) return false;
  stop_both(marker->info);
  clear_folder(folder, true);
  const fs::path parent = folder.parent_path();
  std::error_code not_empty;
  if (folder == resolve_folder({}) && parent.filename() == "switchback") fs::remove(parent, not_empty);
  return true;
}

SandboxStatus sandbox_status(const std::string& dir) {
  SandboxStatus status;
  const auto marker = read_marker(resolve_folder(dir));
  if (!marker) return status;
  status.exists = true;
  status.half_made = !marker->made;
  status.info = marker->info;
  status.primary = answers(status.info, status.info.primary_uri());
  status.replica = status.info.replica_port != 0 && answers(status.info, status.info.replica_uri());
  status.streaming = status.primary && status.replica && streams(status.info);
  return status;
}

void stop_server(const SandboxInfo& sandbox, Server server, StopMode mode) {
  stop(cluster_of(sandbox, server), mode, 60s);
}

void start_server(const SandboxInfo& sandbox, Server server) {
  if (const auto complaint = start(cluster_of(sandbox, server), 60s)) {
    throw Error(Exit::failed, Remedy::person, "the server does not start: " + *complaint);
  }
}

void signal_server(const SandboxInfo& sandbox, Server server, int number) {
  for (const pid_t pid : processes_of(cluster_of(sandbox, server))) kill(pid, number);
}

std::string sandbox_sql(const SandboxInfo& sandbox, const std::string& uri, const std::string& sql) {
  Cluster client = cluster_of(sandbox, Server::primary);
  client.account.reset();
  const Outcome outcome =
      run_for(client, {client.bin + "/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", uri, "-c", sql}, 60s);
  require_ok(outcome, "psql");
  std::string text = outcome.out;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace switchback::process
