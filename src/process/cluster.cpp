#include "cluster.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <thread>

#include "switchback/core/error.hpp"

namespace switchback::process {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string content_from(const fs::path& file, std::uintmax_t offset) {
  std::ifstream in(file);
  in.seekg(static_cast<std::streamoff>(offset));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::optional<pid_t> number(std::string_view text) {
  pid_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

void signal_all(const std::vector<pid_t>& pids, int signal_number) {
  for (const pid_t pid : pids) kill(pid, signal_number);
}

bool gone_within(const Cluster& cluster, std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  while (!processes_of(cluster).empty()) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

}  // namespace

Outcome run_for(const Cluster& cluster, std::vector<std::string> argv, std::chrono::milliseconds deadline) {
  Command command{.argv = std::move(argv), .account = cluster.account, .directory = "/"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("PG")) command.environment.emplace(text.substr(0, text.find('=')), std::nullopt);
  }
  command.die_with_us = true;
  command.environment["LC_ALL"] = "C";
  command.environment["PGCONNECT_TIMEOUT"] = "5";
  return run(command, deadline);
}

std::vector<pid_t> processes_of(const Cluster& cluster) {
  std::vector<pid_t> result;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const auto pid = number(entry.path().filename().string());
    if (!pid) continue;
    const fs::path& process = entry.path();
    const std::string program = first_line(process / "comm");
    const bool server = program == "postgres" || program == "postmaster";
    const bool maker = program == "initdb" || program == "pg_ctl" || program == "cp" || program == "sh";
    if (!server && !maker) continue;
    const fs::path folder = fs::read_symlink(process / "cwd", error);
    const bool inside = !error && (folder == cluster.data || folder == cluster.data.string() + " (deleted)");
    // On its way there, a server names the folder as an argument: pg_ctl's shell in quotes, the others alone.
    const std::string arguments = content_from(process / "cmdline", 0) + '\0';
    const bool named = arguments.find(std::string(1, '\0') + cluster.data.string() + '\0') != std::string::npos ||
                       arguments.find("-D \"" + cluster.data.string() + "\"") != std::string::npos;
    if ((server && inside) || named) result.push_back(*pid);
  }
  return result;
}

std::optional<std::string> start(const Cluster& cluster, std::chrono::milliseconds deadline) {
  std::error_code absent;
  // A killed postmaster leaves its lock files, and the next one believes them while that process number answers: as a
  // zombie nobody collects, or as another program. We know better.
  if (processes_of(cluster).empty()) {
    fs::remove(cluster.data / "postmaster.pid", absent);
    if (!cluster.socket.empty()) fs::remove(cluster.socket + ".lock", absent);
  }
  const std::uintmax_t known = fs::exists(cluster.log, absent) ? fs::file_size(cluster.log) : 0;
  const auto seconds = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(deadline).count());
  const Outcome outcome = run_for(cluster,
                                  {cluster.bin + "/pg_ctl", "start", "-s", "-w", "-t", std::to_string(seconds), "-D",
                                   cluster.data, "-l", cluster.log},
                                  deadline + 5s);
  if (outcome.ok()) return std::nullopt;
  return outcome.err + outcome.out + content_from(cluster.log, known);
}

void stop(const Cluster& cluster, StopMode mode, std::chrono::milliseconds deadline) {
  const std::vector<pid_t> pids = processes_of(cluster);
  if (pids.empty()) return;
  signal_all(pids, SIGCONT);  // a stopped process would never hear of it
  const auto postmaster = number(first_line(cluster.data / "postmaster.pid"));
  if (postmaster && std::ranges::find(pids, *postmaster) != pids.end()) {
    kill(*postmaster, mode == StopMode::fast ? SIGINT : SIGQUIT);
    if (gone_within(cluster, deadline)) return;
  }
  const auto end = Clock::now() + 10s;
  do {  // again and again: a postmaster may have started another one meanwhile
    signal_all(processes_of(cluster), SIGKILL);
    if (gone_within(cluster, 500ms)) return;
  } while (Clock::now() < end);
  throw Error(Exit::failed, Remedy::person, "the processes of " + cluster.data.string() + " do not end",
              "look at them with ps, and call this again");
}

}  // namespace switchback::process
