#include "tool.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "switchback/plan_file/plan_reader.hpp"

namespace switchback::tests {

std::string Tool::default_configuration() {
  return "contract: { observe: 1s, soak: 0s }\nbackup: { none: a throwaway server }\nlease: 3s\nlock_timeout: "
         "1s\nhealth: { grace: 5s }\n";
}

namespace {

/// The test server has a replica, on which no test of something else runs queries.
std::string with_replica(std::string configuration) {
  const std::string replica = "replicas: [ { name: replica, queries: { none: a test of something else } } ]";
  if (configuration.find("replicas:") != std::string::npos) return configuration;
  const std::string health = "health: {";
  if (const auto at = configuration.find(health); at != std::string::npos)
    return configuration.insert(at + health.size(), " " + replica + ",");
  return configuration + health + " " + replica + " }\n";
}

}  // namespace

Tool::Tool(std::string database, const std::string& configuration) : database_(std::move(database)) {
  std::random_device random;
  folder_ = (std::filesystem::temp_directory_path() / ("switchback-tool-" + std::to_string(random()))).string();
  std::filesystem::create_directory(folder_);
  std::ofstream(folder_ + "/switchback.yaml") << with_replica(configuration);
  own_scratch_ = configuration.find("scratch:") != std::string::npos;
}

Tool::~Tool() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Tool::plan(const std::string& text) {
  std::ofstream(folder_ + "/plan.yaml") << text;
  return "plan.yaml";
}

std::string Tool::plan_hash() const {
  std::ifstream file(folder_ + "/plan.yaml");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return sha256_hex(text).substr(0, 12);
}

process::Command Tool::command(const std::vector<std::string>& arguments) const {
  const char* binary = std::getenv("SWITCHBACK_BINARY");
  process::Command command;
  command.argv = {binary ? binary : "switchback"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.directory = folder_;
  command.environment["DATABASE_URL"] = database_;
  command.environment["SWITCHBACK_ENVIRONMENT"] = std::nullopt;
  // A server for clones takes seconds to start: only where a test is about one.
  if (!own_scratch_) command.environment["SWITCHBACK_SCRATCH_NONE"] = "a test of something else";
  command.die_with_us = true;
  return command;
}

process::Outcome Tool::run(const std::vector<std::string>& arguments, std::chrono::seconds deadline) const {
  return process::run(command(arguments), deadline);
}

std::unique_ptr<process::Child> Tool::start(const std::vector<std::string>& arguments) const {
  return std::make_unique<process::Child>(command(arguments));
}

std::vector<std::string> Tool::run_to(const std::string& state) const {
  return {"run", "plan.yaml", "--to", state, "--wait", "--yes", "--approve", plan_hash()};
}

Tool::Status Tool::status(const std::string& plan) const {
  const auto outcome = run({"status", plan, "-o", "json"});
  if (!outcome.ok()) return {};
  const auto shown = nlohmann::json::parse(outcome.out).at("plans").at(0);
  Status status;
  status.state = shown.at("state");
  if (!shown.at("hold").is_null()) {
    status.hold_kind = shown.at("hold").at("kind");
    status.hold_reason = shown.at("hold").at("reason");
  }
  return status;
}

std::string split_plan(const std::string& name, const std::string& observe, const std::string& soak) {
  return "plan: " + name + R"(
images: { before: shop:v41, after: shop:v42 }
expand:
  - add_column: { table: users, name: first_name, type: text }
  - add_column: { table: users, name: last_name, type: text }
migrate:
  - backfill:
      table: users
      set:
        first_name: split_part(full_name, ' ', 1)
        last_name: nullif(substr(full_name, strpos(full_name, ' ') + 1), full_name)
      reverse:
        full_name: concat_ws(' ', first_name, last_name)
  - create_index: { table: users, columns: [last_name], name: users_last_name_idx }
  - verify: { table: users, check: first_name IS NOT NULL }
contract:
  observe: )" +
         observe + R"(
  soak: )" +
         soak + R"(
  archive: 30d
  allow_silent: [users_full_name_idx]
  steps:
    - set_not_null: { table: users, column: first_name }
    - drop_column: { table: users, name: full_name }
)";
}

}  // namespace switchback::tests
