// `drill`: the rehearsal of a plan, and the faults that it must find.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "source_folder.hpp"
#include "switchback/process/sandbox.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const fs::path planted = source_folder() / "tests/drill";

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The tests' server, as a role that may make databases and is no superuser.
std::string scratch() {
  server().sql(
      server().uri(),
      "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'driller') THEN CREATE ROLE driller LOGIN "
      "CREATEDB; GRANT pg_monitor TO driller; END IF; END $$");
  return server().as(server().uri(), "driller");
}

std::string drill_databases() {
  return server().sql(server().uri(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'switchback_drill_%'");
}

std::vector<std::string> throwaway_folders() {
  std::vector<std::string> found;
  const fs::path folder = fs::path(process::default_sandbox_dir()).parent_path();
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("drill-")) found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

/// `# finding: STATE | STEP | WORDS`: the first line of a plan with a fault in it.
struct Expected {
  std::string state, step, words;
};
Expected expected_of(const std::string& plan) {
  std::string line = plan.substr(0, plan.find('\n'));
  line.erase(0, std::string("# finding: ").size());
  const auto first = line.find(" | ");
  const auto second = line.find(" | ", first + 3);
  return {line.substr(0, first), line.substr(first + 3, second - first - 3), line.substr(second + 3)};
}

}  // namespace

TEST_CASE("drill finds each of the planted faults, and names the step", "[drill]") {
  const std::string where = scratch();
  Tool tool(server().fresh_database());
  std::size_t faults = 0;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(planted))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    const std::string plan = text_of(file);
    const Expected expected = expected_of(plan);
    tool.plan(plan);
    const auto drill = tool.run({"drill", "plan.yaml", "--schema", (planted / "shop.sql").string(), "--seed-sql",
                                 (planted / "rows.sql").string(), "--seed", "1", "--server", where, "--quick",
                                 "--first", "-o", "json"});
    CAPTURE(file.filename().string(), drill.out, drill.err);
    CHECK(drill.exit_code == 1);
    const json report = json::parse(drill.out, nullptr, false);
    REQUIRE(report.is_object());
    REQUIRE(report.at("findings") == 1);
    const json& last = report.at("cases").back();
    const std::string name = last.at("name");
    CHECK(name.ends_with("to " + expected.state));
    const json& finding = last.at("finding");
    REQUIRE(finding.at("step").is_string());
    CHECK(has(finding.at("step"), expected.step));
    CHECK(has(finding.dump(), expected.words));
    ++faults;
  }
  CHECK(faults >= 10);
  CHECK(drill_databases() == "0");
}

TEST_CASE("a plan without faults passes its drill, with a report for people, scripts, CI and a reviewer", "[drill]") {
  const std::string database = server().fresh_database();
  make_users(database, 3000);
  Tool tool(database);
  tool.plan(split_plan("split", "24h", "72h"));
  const auto drill = tool.run({"drill", "plan.yaml", "--server", scratch(), "--quick", "--seed", "7", "--rows", "100",
                               "--junit", "drill.xml", "--report", "drill.md"});
  CAPTURE(drill.out, drill.err);
  REQUIRE(drill.exit_code == 0);
  CHECK(has(drill.out, "passed"));
  CHECK(has(drill.out, "back from contracted to rolled_back"));
  CHECK(has(drill.out, "seed 7"));
  CHECK(has(drill.out, "~3,0"));  // rows of the database
  CHECK(has(text_of(tool.folder() + "/drill.xml"), "failures=\"0\""));
  CHECK(has(text_of(tool.folder() + "/drill.md"), "# Drill of split: passed"));
  // Nothing was done to the database itself, and no journal was made.
  CHECK(server().sql(database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'switchback'") == "0");
  CHECK(drill_databases() == "0");
}

TEST_CASE("where drill.required asks for one, a plan is run only when this text has passed a drill lately", "[drill]") {
  const std::string database = server().fresh_database();
  make_users(database, 100);
  Tool tool(database, Tool::default_configuration() + "drill: { required: 7d }\n");
  tool.plan(split_plan("split"));
  const auto refused = tool.run({"run", "plan.yaml"});
  CHECK(refused.exit_code == 9);
  CHECK(has(refused.err, "has not passed a drill"));
  CHECK(has(refused.err, "switchback drill plan.yaml"));
  CHECK(tool.status("split").state == "planned");

  REQUIRE(tool.run({"drill", "plan.yaml", "--server", scratch(), "--quick", "--rows", "50"}).exit_code == 0);
  CHECK(has(tool.run({"history", "split"}).out, "drilled"));
  const auto run = tool.run({"run", "plan.yaml"});
  INFO(run.err);
  REQUIRE(run.exit_code == 0);

  // Of another text there is none.
  tool.plan(split_plan("split") + "# changed\n");
  REQUIRE(tool.run({"rollback", "split", "--yes"}).exit_code == 0);
  CHECK(tool.run({"run", "plan.yaml"}).exit_code == 9);
}

TEST_CASE("a drill on a throwaway server kills the runner at every step, restarts the server, pauses the replica",
          "[drill][long]") {
  const auto before = throwaway_folders();
  const std::string database = server().fresh_database();
  make_users(database, 100);
  Tool tool(database);
  tool.plan(split_plan("split"));
  const auto drill = tool.run({"drill", "plan.yaml", "--rows", "600", "-o", "json"}, 600s);
  CAPTURE(drill.out, drill.err);
  REQUIRE(drill.exit_code == 0);
  const json report = json::parse(drill.out);
  std::size_t kills = 0;
  std::set<std::string> survived;
  for (const json& one : report.at("cases")) {
    kills += one.at("kind") == "kill" ? 1 : 0;
    if (one.at("name").get<std::string>().ends_with(", after kills")) survived.insert(one.at("name"));
    if (one.at("kind") == "restart" || one.at("kind") == "replica") CHECK(one.at("skipped").is_null());
  }
  CHECK(kills >= 15);
  CHECK(survived.size() == 7);  // forward, back, and each shorter way back
  CHECK(survived.contains("back from migrated to expanded, after kills"));
  CHECK(survived.contains("back from hidden to migrated, after kills"));
  CHECK(report.at("writes") > 100);
  CHECK(throwaway_folders() == before);
}

TEST_CASE("a drill that is interrupted leaves nothing behind", "[drill]") {
  const auto before = throwaway_folders();
  Tool tool(server().fresh_database());
  tool.plan(text_of(planted / "04-rewrite.yaml"));
  const auto drill = tool.start({"drill", "plan.yaml", "--schema", (planted / "shop.sql").string(), "--rows", "3000"});
  REQUIRE(eventually(60s, [&] { return throwaway_folders() != before; }));
  drill->signal(SIGINT);
  CHECK(drill->wait(60s) == 130);
  CHECK(throwaway_folders() == before);
}
