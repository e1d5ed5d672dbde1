#include <map>

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/config_reader.hpp"
#include "switchback/plan_file/plan_reader.hpp"

using namespace switchback;

namespace {
std::vector<std::string> messages(const ReadConfig& read) {
  std::vector<std::string> found;
  for (const Diagnostic& d : read.diagnostics)
    found.push_back(std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.message);
  return found;
}
}  // namespace

TEST_CASE("a configuration becomes dotted keys with their places", "[plan_file][config]") {
  const ReadConfig read = read_config(
      "environment: staging\n"
      "contract: { observe: 24h, approvals: 1 }\n"
      "backfill:\n"
      "  batch: { target: 10ms }\n"
      "  synchronous_commit: off\n"
      "health:\n"
      "  replicas:\n"
      "    - { name: r2, policy: ignore }\n",
      "switchback.yaml");
  CHECK(messages(read).empty());
  std::map<std::string, std::string> values;
  for (const SettingValue& value : read.values) values[value.key] = value.value;
  CHECK(values == std::map<std::string, std::string>{{"environment", "staging"},
                                                     {"contract.observe", "24h"},
                                                     {"contract.approvals", "1"},
                                                     {"backfill.batch.target", "10ms"},
                                                     {"backfill.synchronous_commit", "off"},
                                                     {"health.replicas.r2", "ignore"}});
  CHECK(read.values[3].source == "switchback.yaml:4:20");
  CHECK(read.values[3].origin == Origin::file);
  CHECK(resolve(read.values).batch_target == std::chrono::milliseconds(10));
}

TEST_CASE("scratch is a server for clones, or the reason why there is to be none", "[plan_file][config]") {
  const auto settings = [](const std::string& text) {
    const ReadConfig read = read_config(text, "c");
    CHECK(messages(read).empty());
    return resolve(read.values);
  };
  CHECK(settings("scratch: 'host=scratch password=geheim'\n").scratch == "host=scratch password=geheim");
  CHECK_FALSE(settings("scratch: 'host=scratch'\n").scratch_none);
  CHECK(settings("scratch: { none: nothing may leave it }\n").scratch_none == "nothing may leave it");
  CHECK(settings("scratch: { none: nothing may leave it }\n").scratch.empty());
  CHECK(is_connection("scratch"));
  CHECK(messages(read_config("scratch: { nnoe: x }\n", "c")) ==
        std::vector<std::string>{"1:12: scratch has no key nnoe"});
}

TEST_CASE("a replica's connection and a command of words come from the configuration, not from a plan",
          "[plan_file][config]") {
  const ReadConfig read = read_config(
      "health:\n"
      "  free_space: { exec: [df-free, '/var/lib/a b'], min: 50GB }\n"
      "  replicas:\n"
      "    - { name: r2, policy: optional, connect: 'host=r2 password=geheim' }\n",
      "c");
  CHECK(messages(read).empty());
  const Settings settings = resolve(read.values);
  CHECK(settings.health.free_space_exec == std::vector<std::string>{"df-free", "/var/lib/a b"});
  CHECK(settings.health.free_space_min == Room{Room::Unit::bytes, 50e9});
  CHECK(settings.replicas.at("r2") == ReplicaPolicy::optional);
  CHECK(settings.replica_connect.at("r2") == "host=r2 password=geheim");
  CHECK(settings.replicas.size() == 1);

  const auto plan = read_plan(
      "plan: a\nhealth:\n  free_space: { exec: [df-free] }\n  replicas:\n"
      "    - { name: r2, policy: optional, connect: 'host=r2' }\n"
      "expand:\n  - add_column: { table: users, name: n, type: text }\n",
      "p");
  CHECK_FALSE(plan.plan);
  std::string said;
  for (const Diagnostic& found : plan.diagnostics) said += found.message + "\n";
  CHECK(said == "health.free_space.exec has no place in a plan\nconnect has no place in a plan\n");
}

TEST_CASE("that no queries run on a replica is said with a reason, in the configuration alone", "[plan_file][config]") {
  const auto one = [](const std::string& replica) {
    return read_config("health: { replicas: [ " + replica + " ] }\n", "c");
  };
  const ReadConfig read = one("{ name: r2, queries: { none: only for failover } }");
  CHECK(messages(read).empty());
  const Settings settings = resolve(read.values);
  CHECK(settings.replica_queries_none == std::map<std::string, std::string>{{"r2", "only for failover"}});
  CHECK(settings.replicas.empty());  // required, as every replica
  CHECK(one("{ name: r2, connect: 'host=r2' }").diagnostics.empty());
  CHECK(messages(one("{ name: r2 }")) == std::vector<std::string>{"1:23: a replica needs policy"});
  CHECK(messages(one("{ name: r2, queries: none }")) ==
        std::vector<std::string>{"1:44: queries must be a map, this is text"});
  CHECK(messages(one("{ name: r2, queries: { nnoe: x } }")) ==
        std::vector<std::string>{"1:44: queries needs none", "1:46: queries has no key nnoe"});
  CHECK(messages(one("{ name: r2, queries: { none: x } }, { name: r2, connect: 'host=r2' }")) ==
        std::vector<std::string>{"1:59: replica r2 is given twice"});
  CHECK(messages(one("{ name: r2, connect: 'host=r2', queries: { none: x } }")) ==
        std::vector<std::string>{"1:64: replica r2 has both connect and queries: with connect it is sampled"});

  const auto plan = read_plan(
      "plan: a\nhealth:\n  replicas:\n    - { name: r2, queries: { none: only for failover } }\n"
      "expand:\n  - add_column: { table: users, name: n, type: text }\n",
      "p");
  REQUIRE(plan.diagnostics.size() == 1);
  CHECK(plan.diagnostics.front().message == "queries has no place in a plan");
  CHECK_THROWS_AS(resolve(std::vector{SettingValue{"health.replicas.r2.queries.none", "x", Origin::live, "set"}}),
                  Error);
}

TEST_CASE("an empty configuration is one", "[plan_file][config]") {
  CHECK(messages(read_config("", "c")).empty());
  CHECK(messages(read_config("# nothing\n", "c")).empty());
}

TEST_CASE("what is wrong with a configuration is said all at once", "[plan_file][config]") {
  const ReadConfig read = read_config(
      "enviroment: staging\n"
      "lease: 1ms\n"
      "contract: 24h\n"
      "backfill: { batch: { target: 10ms, target: 20ms } }\n"
      "lock_timeout: [2s]\n"
      "plan: a\n",
      "c");
  CHECK(messages(read) ==
        std::vector<std::string>{
            "1:1: the configuration has no key enviroment",
            "2:8: lease: \"1ms\" must lie between 1s and 1h: a runner renews it every third of this time",
            "3:11: contract must be a map, this is text", "4:36: key target is given twice",
            "5:15: lock_timeout must be text, this is a list", "6:1: the configuration has no key plan"});
  CHECK(read.diagnostics[0].hint == "did you mean environment?");
}

TEST_CASE("settings come from the environment under their upper-case names", "[plan_file][config]") {
  const std::map<std::string, std::string> variables = {
      {"SWITCHBACK_LEASE", "20s"}, {"SWITCHBACK_BACKFILL_BATCH_MAX_WAL", "2MB"}, {"SWITCHBACK_OTHER", "1"}};
  const auto values = settings_from_environment([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
  REQUIRE(values.size() == 2);
  CHECK(values[0].key == "lease");
  CHECK(values[0].source == "SWITCHBACK_LEASE");
  CHECK(values[0].origin == Origin::environment_variable);
  CHECK(resolve(values).batch_max_wal == 2'000'000);
}

TEST_CASE("hours are a list or a line, and a wrong one is told by its place", "[config]") {
  const auto value = [](const ReadConfig& read) { return read.values.empty() ? "" : read.values.front().value; };
  CHECK(value(read_config("backfill: { hours: [\"22:00-06:00 Europe/Berlin\", \"12:00-13:00\"] }", "c.yaml")) ==
        "22:00-06:00 Europe/Berlin, 12:00-13:00");
  CHECK(value(read_config("backfill: { hours: \"22:00-06:00\" }", "c.yaml")) == "22:00-06:00");
  const auto wrong = read_config("backfill:\n  hours: [\"22:00-06:00\", \"9-17\"]\n", "c.yaml");
  REQUIRE(wrong.diagnostics.size() == 1);
  CHECK(wrong.diagnostics.front().line == 2);
  CHECK(wrong.diagnostics.front().column == 26);
}
