#include "switchback/cli/sandbox_command.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/process/sandbox.hpp"

namespace switchback::cli {
namespace {

using nlohmann::ordered_json;

ordered_json described(const process::SandboxInfo& info) {
  return {{"schema_version", 1}, {"primary", info.primary_uri()}, {"replica", info.replica_uri()}, {"dir", info.dir}};
}

/// `--dir …`, when the folder is not the default one, for the commands we suggest.
std::string dir_flag(const std::string& folder) {
  return folder == process::default_sandbox_dir() ? "" : " --dir " + folder;
}

int up(const std::string& dir, bool json, bool quiet) {
  process::SandboxOptions options;
  options.dir = dir;
  if (!quiet) options.say = [](std::string_view line) { std::cerr << line << "\n"; };
  const process::SandboxInfo info = process::sandbox_up(options);
  if (json) {
    std::cout << described(info).dump(2) << std::endl;
    return 0;
  }
  std::cout << "primary  " << info.primary_uri() << "\n"
            << "replica  " << info.replica_uri() << "\n"
            << "folder   " << info.dir << std::endl;
  if (quiet) return 0;
  std::cerr << (info.already_up ? "was up already" : "up") << ": PostgreSQL " << info.version
            << (info.account.empty() ? "" : ", running as " + info.account) << "\n";
  if (!info.statements) std::cerr << "without pg_stat_statements: this PostgreSQL has no such library\n";
  std::cerr << "Everyone on this machine may connect: nothing of worth belongs in it.\n"
            << "Next: export DATABASE_URL=" << info.primary_uri() << "\n"
            << "      and in switchback.yaml, so that its replica's queries are seen before a contract:\n"
            << "      health: { replicas: [ { name: replica, connect: \"" << info.replica_uri() << "\" } ] }\n"
            << "Away with it: switchback sandbox down" << dir_flag(info.dir) << "\n";
  return 0;
}

int down(const std::string& dir, bool json, bool quiet) {
  const std::string folder = dir.empty() ? process::default_sandbox_dir() : dir;
  const bool was_there = process::sandbox_down(folder);
  if (json) {
    std::cout << ordered_json{{"schema_version", 1}, {"dir", folder}, {"removed", was_there}}.dump(2) << std::endl;
  }
  if (!quiet)
    std::cerr << (was_there ? "stopped and removed: " : "nothing to do: there is no sandbox in ") << folder << "\n";
  return 0;
}

int status(const std::string& dir, bool json, bool quiet) {
  const std::string folder = dir.empty() ? process::default_sandbox_dir() : dir;
  const process::SandboxStatus found = process::sandbox_status(folder);
  const std::string state = !found.exists     ? "absent"
                            : found.half_made ? "half made"
                            : found.streaming ? "up"
                            : found.primary   ? "up without replica"
                                              : "down";
  if (json) {
    ordered_json object =
        found.exists && !found.half_made ? described(found.info) : ordered_json{{"schema_version", 1}, {"dir", folder}};
    object["state"] = state;
    object["streaming"] = found.streaming;
    std::cout << object.dump(2) << std::endl;
  } else {
    std::cout << "sandbox  " << state << "\nfolder   " << folder << "\n";
    if (found.exists && !found.half_made) {
      std::cout << "primary  " << found.info.primary_uri() << (found.primary ? "  answers" : "  does not answer")
                << "\n"
                << "replica  " << found.info.replica_uri()
                << (found.streaming ? "  streams"
                    : found.replica ? "  answers, does not stream"
                                    : "  does not answer")
                << "\n";
    }
    std::cout.flush();
  }
  if (found.streaming) return 0;
  if (!quiet) std::cerr << "Next: switchback sandbox up" << dir_flag(folder) << "\n";
  return static_cast<int>(Exit::not_yet);
}

}  // namespace

int sandbox_command(const std::string& verb, const std::string& dir, bool json, bool quiet) {
  try {
    if (verb == "up") return up(dir, json, quiet);
    if (verb == "down") return down(dir, json, quiet);
    if (verb == "status") return status(dir, json, quiet);
    std::cerr << "sandbox " << verb << ": there are up, down and status\n";
    return static_cast<int>(Exit::usage);
  } catch (const Error& error) {
    if (json) {
      std::cerr << ordered_json{{"code", "sandbox"}, {"message", error.what()}, {"hint", error.hint()}}.dump() << "\n";
    } else {
      std::cerr << "sandbox " << verb << ": " << error.what() << "\n";
      if (!error.hint().empty()) std::cerr << "HINT: " << error.hint() << "\n";
    }
    return static_cast<int>(error.exit());
  } catch (const std::exception& error) {  // of the file system, above all
    std::cerr << "sandbox " << verb << ": " << error.what() << "\n";
    return static_cast<int>(Exit::failed);
  }
}

}  // namespace switchback::cli
