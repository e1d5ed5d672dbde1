#include "server.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <thread>

#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"

namespace switchback::tests {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
const std::string prefix = "switchback-test-";

/// When the process started, in clock ticks since boot (proc(5), stat, field 22); empty when there is none.
std::string start_of(const std::string& pid) {
  std::ifstream in("/proc/" + pid + "/stat");
  std::string text;
  std::getline(in, text);
  std::size_t at = text.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
  return at == std::string::npos ? "" : text.substr(at + 1, text.find(' ', at + 1) - at - 1);
}

std::string own_folder() {
  const std::string pid = std::to_string(getpid());
  return (fs::temp_directory_path() / (prefix + pid + "-" + start_of(pid))).string();
}

void clear_left_overs() {
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path())) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix)) continue;
    const std::size_t dash = name.find('-', prefix.size());
    const std::string pid = name.substr(prefix.size(), dash - prefix.size());
    if (dash == std::string::npos || start_of(pid) == name.substr(dash + 1)) continue;
    try {
      process::sandbox_down(entry.path());
    } catch (const std::exception& error) {
      std::cerr << "left alone: " << error.what() << "\n";  // another user's
    }
  }
}

void until(const std::string& what, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) {
      throw Error(Exit::failed, Remedy::person, "waited 60 s in vain for: " + what);
    }
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace

TestServer::TestServer() : owner_(getpid()) {
  clear_left_overs();
  process::SandboxOptions options;
  options.dir = own_folder();
  options.fsync = false;
  sandbox_ = process::sandbox_up(options);
}

TestServer::~TestServer() {
  if (getpid() != owner_) return;
  try {
    process::sandbox_down(sandbox_.dir);
  } catch (const std::exception& error) {
    std::cerr << "the test server was not removed: " << error.what() << "\n";
  }
}

std::string TestServer::sql(const std::string& uri, const std::string& text) const {
  return process::sandbox_sql(sandbox_, uri, text);
}

std::string TestServer::fresh_database() {
  const std::string name = "test_" + std::to_string(++databases_);
  sql(uri(), "create database " + name);
  // One server for all tests: in a list full of databases that are gone, new entries push others out.
  sql(uri(), "create extension if not exists pg_stat_statements; select pg_stat_statements_reset()");
  std::string result = uri();
  return result.replace(result.rfind('/') + 1, std::string::npos, name);
}

std::string TestServer::on_replica(const std::string& primary_uri) const {
  const std::string base = replica_uri();
  return base.substr(0, base.rfind('/')) + primary_uri.substr(primary_uri.rfind('/'));
}

std::string TestServer::as(const std::string& uri, const std::string& role, const std::string& application_name) const {
  const std::string scheme = "postgresql://";
  std::string result = scheme + role + uri.substr(uri.find('@'));
  if (!application_name.empty()) result += "?application_name=" + application_name;
  return result;
}

void TestServer::pause_replay() {
  sql(replica_uri(), "select pg_wal_replay_pause()");
  // The startup process may still be in the middle of a record; 13 can only say that pausing was asked for.
  until("replay paused", [&] {
    const bool asked = sql(replica_uri(), "select pg_is_wal_replay_paused()") == "t";
    return asked && (std::stoi(sandbox_.version) < 14 ||
                     sql(replica_uri(), "select pg_get_wal_replay_pause_state()") == "paused");
  });
}

void TestServer::resume_replay() {
  sql(replica_uri(), "select pg_wal_replay_resume()");
}

void TestServer::stop_replica(StopMode mode) {
  stop_server(sandbox_, Server::replica, mode);
}

void TestServer::start_replica() {
  start_server(sandbox_, Server::replica);
  until("the replica streams", [&] { return process::sandbox_status(sandbox_.dir).streaming; });
}

void TestServer::await_replica() {
  const std::string position = sql(uri(), "select pg_current_wal_insert_lsn()");
  until("the replica has replayed " + position, [&] {
    return sql(replica_uri(), "select coalesce(pg_last_wal_replay_lsn() >= '" + position + "', false)") == "t";
  });
}

void TestServer::crash_primary() {
  stop_primary(StopMode::immediate);
  start_primary();
}

void TestServer::stop_primary(StopMode mode) {
  stop_server(sandbox_, Server::primary, mode);
}

void TestServer::start_primary() {
  start_server(sandbox_, Server::primary);
}

void TestServer::freeze(Server server) {
  signal_server(sandbox_, server, SIGSTOP);
}
void TestServer::thaw(Server server) {
  signal_server(sandbox_, server, SIGCONT);
}

void TestServer::set_system(Server where, const std::string& name, const std::string& value) {
  const std::string to = where == Server::primary ? uri() : replica_uri();
  sql(to, value.empty() ? "alter system reset " + name : "alter system set " + name + " = " + quote_literal(value));
  sql(to, "select pg_reload_conf()");
}

SystemSetting::SystemSetting(Server where, std::string name, const std::string& value, bool restart)
    : where_(where), name_(std::move(name)), restart_(restart) {
  change(value);
  if (!restart_) return;
  stop_server(server().sandbox(), where_, StopMode::fast);
  start_server(server().sandbox(), where_);
}

SystemSetting::~SystemSetting() {
  try {
    server().set_system(where_, name_, "");
    if (!restart_) return;
    stop_server(server().sandbox(), where_, StopMode::fast);
    start_server(server().sandbox(), where_);
  } catch (const std::exception& error) {
    std::cerr << name_ << " could not be put right: " << error.what() << "\n";
  }
}

void SystemSetting::change(const std::string& value) const {
  server().set_system(where_, name_, value);
}

void TestServer::repair() {
  thaw(Server::primary);
  thaw(Server::replica);
  if (!process::sandbox_status(sandbox_.dir).streaming) {
    process::SandboxOptions options;
    options.dir = sandbox_.dir;
    sandbox_ = process::sandbox_up(options);
  }
  resume_replay();
}

TestServer& server() {
  static TestServer instance;
  return instance;
}

Repaired::~Repaired() {
  try {
    server().repair();
  } catch (const std::exception& error) {
    std::cerr << "the test server could not be put right: " << error.what() << "\n";
  }
}

}  // namespace switchback::tests
