// `switchback usage` as a person and an auditor read it.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

json read(const fs::path& file) {
  std::ifstream in(file);
  return json::parse(in);
}

/// A plan at migrated, over a table of a hundred rows.
struct Asked {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  explicit Asked(const std::string& observe = "1h") {
    make_users(uri, 100);
    tool.plan(split_plan("split", observe));
    const auto migrated = tool.run({"run", "plan.yaml"});
    INFO(migrated.err);
    REQUIRE(migrated.exit_code == 0);
  }
};

}  // namespace

TEST_CASE("usage --record writes everything that was seen, whole, for its owner alone", "[usage][cli]") {
  const Asked plan;
  const fs::path file = fs::path(plan.tool.folder()) / "evidence.json";
  std::ofstream(file) << "what was there before";
  server().sql(plan.uri, "SELECT full_name FROM users WHERE id = 7");
  REQUIRE(plan.tool.run({"usage", "split"}).exit_code == 0);
  server().sql(plan.uri, "SELECT full_name FROM users WHERE id = 8");
  const auto usage = plan.tool.run({"usage", "split", "--record", file.string()});
  INFO(usage.err);
  REQUIRE(usage.exit_code == 0);
  CHECK(has(usage.err, "the evidence is in " + file.string()));
  struct stat facts {};
  REQUIRE(stat(file.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  const json document = read(file);
  CHECK(document.at("schema_version") == 1);
  CHECK(document.at("plan") == "split");
  CHECK(document.at("hash").get<std::string>().starts_with("sha256:" + plan.tool.plan_hash()));
  CHECK(document.at("state") == "migrated");
  CHECK(document.at("server").at("system_identifier") ==
        server().sql(plan.uri, "SELECT system_identifier FROM pg_control_system()"));
  CHECK(document.at("server").at("version") == server().sql(plan.uri, "SHOW server_version"));
  CHECK(document.at("request").at("window_seconds") == 3600);
  CHECK(document.at("request").at("image_before") == "shop:v41");
  CHECK(document.at("structures").at(0).at("verdict") == "used");
  CHECK(has(document.at("structures").dump(), "SELECT full_name FROM users WHERE id = $1"));
  const json& evidence = document.at("evidence").at(0);
  CHECK(evidence.at("structure") == "public.users.full_name");
  CHECK(evidence.at("observations").size() >= 4);
  CHECK(evidence.at("coverage").size() == 2);
  for (const char* key : {"switchback", "at", "by"}) CHECK(document.contains(key));
  // Nothing is left beside it.
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(plan.tool.folder()))
    files += entry.path().filename().string().starts_with("evidence.json") ? 1 : 0;
  CHECK(files == 1);
}

TEST_CASE("usage --record leaves what was there where it cannot write", "[usage][cli]") {
  const Asked plan;
  const auto usage = plan.tool.run({"usage", "split", "--record", "/no/such/folder/evidence.json"});
  CHECK(usage.exit_code == 1);
  CHECK(has(usage.err, "cannot write /no/such/folder/evidence.json: No such file or directory"));
}

TEST_CASE("what is sealed at hide is the document that usage records", "[usage][cli]") {
  const Asked plan("1s");
  const fs::path file = fs::path(plan.tool.folder()) / "evidence.json";
  REQUIRE(plan.tool.run({"usage", "split", "--record", file.string()}).exit_code == 0);
  const auto hidden = plan.tool.run(plan.tool.run_to("hidden"));
  INFO(hidden.err);
  REQUIRE(hidden.exit_code == 0);
  const json sealed = json::parse(server().sql(plan.uri, "SELECT document FROM switchback.evidence"));
  const json recorded = read(file);
  for (const auto& [key, value] : recorded.items()) {
    CAPTURE(key);
    CHECK(sealed.contains(key));
  }
  CHECK(sealed.at("hash") == recorded.at("hash"));
  CHECK(sealed.at("structures").at(0).at("verdict") == "unused");
  CHECK(sealed.at("structures").at(0).at("window").at("covered") == 1.0);
  CHECK(sealed.at("evidence").at(0).at("coverage").size() == 3);  // statements, sessions, write_probe
}

TEST_CASE("usage names what is missing for a better verdict and what would supply it", "[usage][cli]") {
  const Asked plan;
  server().sql(plan.uri, "DROP EXTENSION pg_stat_statements; CREATE VIEW everyone AS SELECT full_name FROM users");
  const auto usage = plan.tool.run({"usage", "split"});
  INFO(usage.out);
  REQUIRE(usage.exit_code == 0);
  CHECK(has(usage.out, "public.users.full_name: used\n"));
  CHECK(has(usage.out, "\n  used by      view public.everyone depends on it: a plain DROP is refused\n"));
  CHECK(has(usage.out, "\n  unknown      the extension pg_stat_statements is not in this database\n"));
  CHECK(has(usage.out, "CREATE EXTENSION pg_stat_statements;\n"));
  CHECK(has(usage.out, "\n  not covered  statements on primary: seen for "));
  CHECK(has(usage.out, "time: "));
}

TEST_CASE("a standby that nobody samples holds a contract until the configuration says that no queries run on it",
          "[usage][cli][replica]") {
  const std::string uri = server().fresh_database();
  const std::string windows = "contract: { observe: 1s, soak: 0s }\nbackup: { none: a throwaway server }\n";
  Tool unsaid(uri, windows + "# replicas: none is named\n");
  make_users(uri, 100);
  unsaid.plan(split_plan("split"));
  REQUIRE(unsaid.run({"run", "plan.yaml"}).exit_code == 0);
  const auto usage = unsaid.run({"usage", "split"});
  INFO(usage.out);
  CHECK(has(usage.out, "public.users.full_name: unknown\n"));
  CHECK(has(usage.out, "\n  unknown      not sampled (no connection configured)\n"));
  CHECK(has(usage.out, "queries: { none: reason } }"));
  const auto held = [&] {
    unsaid.run({"run", "plan.yaml", "--to", "hidden", "--yes", "--approve", unsaid.plan_hash()});
    return unsaid.status("split").hold_reason;
  };
  CHECK(eventually(30s, [&] { return has(held(), "statements on replica: not sampled"); }));

  Tool said(uri, windows + "health: { replicas: [ { name: replica, queries: { none: only for failover } } ] }\n");
  said.plan(split_plan("split"));
  const auto shown = said.run({"config", "show"});
  CHECK(has(shown.out, "health.replicas.replica.queries.none"));
  CHECK(has(shown.out, "only for failover"));
  const auto hidden = said.run(said.run_to("hidden"));
  INFO(hidden.err);
  CHECK(hidden.exit_code == 0);
  const json sealed = json::parse(server().sql(uri, "SELECT document FROM switchback.evidence"));
  CHECK(sealed.at("request").at("standbys_without_queries").at("replica") == "only for failover");
}

TEST_CASE("once the old side is hidden, usage prints the evidence that was sealed then", "[usage][cli]") {
  const Asked plan("1s");
  const auto hidden = plan.tool.run(plan.tool.run_to("hidden"));
  INFO(hidden.err);
  REQUIRE(hidden.exit_code == 0);
  const std::string state = GENERATE("hidden", "contracted");
  REQUIRE(plan.tool.run(plan.tool.run_to(state)).exit_code == 0);
  const auto usage = plan.tool.run({"usage", "split"});
  INFO(usage.out << usage.err);
  REQUIRE(usage.exit_code == 0);
  CHECK(has(usage.out, "public.users.full_name: unused\n"));
  CHECK(has(usage.out, "100% covered"));
  CHECK(has(usage.out, "\n  statements   primary"));
  CHECK(has(usage.err, "split is " + state + ": this is the evidence that was sealed when the old side was hidden"));
  const fs::path file = fs::path(plan.tool.folder()) / "evidence.json";
  const json printed = json::parse(plan.tool.run({"usage", "split", "-o", "json", "--record", file.string()}).out);
  const json sealed = json::parse(server().sql(plan.uri, "SELECT document FROM switchback.evidence"));
  CHECK(printed.at("sealed") == true);
  for (const char* key : {"structure", "verdict", "window", "findings", "reasons"})
    CHECK(printed.at("structures").at(0).at(key) == sealed.at("structures").at(0).at(key));
  CHECK(printed.at("structures").at(0).at("coverage") == sealed.at("evidence").at(0).at("coverage"));
  CHECK(read(file) == sealed);
  // Back again it is looked at anew.
  REQUIRE(plan.tool.run({"rollback", "split", "--to", "migrated", "--yes"}).exit_code == 0);
  CHECK(json::parse(plan.tool.run({"usage", "split", "-o", "json"}).out).at("sealed") == false);
}
