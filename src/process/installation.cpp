#include "switchback/process/installation.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "switchback/core/error.hpp"
#include "switchback/process/child.hpp"

namespace switchback::process {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view install_hint =
    "install PostgreSQL 13 or newer (Debian, Ubuntu: apt-get install postgresql), or name the folder of its programs "
    "in "
    "SWITCHBACK_PG_BIN";

void add_matching(std::vector<fs::path>& folders, const fs::path& parent, std::string_view prefix,
                  const fs::path& below) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(parent, none)) {
    if (entry.path().filename().string().starts_with(prefix)) folders.push_back(entry.path() / below);
  }
}

std::vector<fs::path> candidate_folders() {
  if (const char* chosen = std::getenv("SWITCHBACK_PG_BIN"); chosen != nullptr && *chosen != '\0') return {chosen};
  std::vector<fs::path> folders;
  // On Debian PATH holds wrappers of some programs only, and links elsewhere: what counts is where postgres itself is.
  if (const auto postgres = find_program("postgres")) folders.push_back(fs::path(*postgres).parent_path());
  add_matching(folders, "/usr/lib/postgresql", "", "bin");
  add_matching(folders, "/usr", "pgsql-", "bin");
  folders.emplace_back("/usr/local/pgsql/bin");
  if (find_program("pg_config")) {
    const Outcome outcome = run({.argv = {"pg_config", "--bindir"}}, std::chrono::seconds(10));
    if (outcome.ok()) folders.emplace_back(outcome.out.substr(0, outcome.out.find('\n')));
  }
  return folders;
}

bool complete(const fs::path& folder) {
  return std::ranges::all_of(std::vector{"initdb", "pg_ctl", "postgres", "psql"},
                             [&](const char* program) { return access((folder / program).c_str(), X_OK) == 0; });
}

}  // namespace

Installation read_version(std::string_view line) {
  Installation result;
  constexpr std::string_view product = "(PostgreSQL) ";
  const std::size_t start = line.find(product);
  if (start == std::string_view::npos) return result;
  line.remove_prefix(start + product.size());
  line = line.substr(0, line.find_first_of(" \n"));
  std::from_chars(line.data(), line.data() + line.size(), result.major);
  result.version = line;
  return result;
}

Installation choose_installation(const std::vector<Installation>& found) {
  const auto newest = std::ranges::max_element(found, {}, &Installation::major);
  if (newest == found.end()) {
    throw Error(Exit::failed, Remedy::person, "no PostgreSQL server programs found on this machine",
                std::string(install_hint));
  }
  if (newest->major < 13) {
    throw Error(Exit::failed, Remedy::person,
                "the newest PostgreSQL found is " + newest->version + " in " + newest->bin + "; 13 or newer is needed",
                std::string(install_hint));
  }
  return *newest;
}

Installation find_installation(int like) {
  std::vector<Installation> found;
  for (const fs::path& folder : candidate_folders()) {
    if (!complete(folder)) continue;
    const Outcome outcome = run({.argv = {folder / "postgres", "--version"}}, std::chrono::seconds(10));
    Installation installation = read_version(outcome.out);
    installation.bin = folder;
    if (outcome.ok() && installation.major > 0) found.push_back(std::move(installation));
  }
  if (const auto same = std::ranges::find(found, like, &Installation::major); same != found.end()) return *same;
  return choose_installation(found);
}

std::string find_dump_programs(int major) {
  std::vector<fs::path> folders = candidate_folders();
  if (const auto program = find_program("pg_dump")) folders.push_back(fs::path(*program).parent_path());
  Installation newest;
  for (const fs::path& folder : folders) {
    const fs::path program = folder / "pg_dump";
    if (access(program.c_str(), X_OK) != 0 || access((folder / "pg_restore").c_str(), X_OK) != 0) continue;
    const Outcome outcome = run({.argv = {program, "--version"}}, std::chrono::seconds(10));
    const Installation found = read_version(outcome.out);
    if (!outcome.ok() || found.major < major || found.major <= newest.major) continue;
    newest = found;
    newest.bin = folder;
  }
  return newest.bin;
}

}  // namespace switchback::process
