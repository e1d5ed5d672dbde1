/// One server of a sandbox: its processes, and starting and stopping it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "switchback/process/child.hpp"
#include "switchback/process/sandbox.hpp"

namespace switchback::process {

struct Cluster {
  std::string name;  ///< primary or replica: also cluster_name
  std::filesystem::path data;
  std::filesystem::path log;
  std::string socket;  ///< path; empty when it has none
  std::string bin;
  std::optional<Account> account;
};

/// Runs a program of PostgreSQL as the cluster's account, without any PG* variable of ours.
Outcome run_for(const Cluster& cluster, std::vector<std::string> argv, std::chrono::milliseconds deadline);

/// Starts it and waits until it takes connections. Empty when it does, else what its log says.
std::optional<std::string> start(const Cluster& cluster, std::chrono::milliseconds deadline);

/// Returns when not one of its processes is left; what does not go by itself is killed. Error when even that fails.
void stop(const Cluster& cluster, StopMode mode, std::chrono::milliseconds deadline);

/// The processes of the cluster, those that make and start it included. Told by their working folder, which is the data
/// folder for every process of a server, and by their arguments: the number in postmaster.pid may have passed to
/// another program since.
std::vector<pid_t> processes_of(const Cluster& cluster);

}  // namespace switchback::process
