// Migrations in plain SQL (tests/migrations/README.md) as plans: drafted, filled in, drilled, run to the end.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catch.hpp"
#include "hurried_plan.hpp"
#include "plan_view.hpp"
#include "schema_fingerprint.hpp"
#include "server.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// The tests' server, as a role that may make databases and is no superuser.
std::string scratch() {
  server().sql(
      server().uri(),
      "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'driller') THEN CREATE ROLE driller LOGIN "
      "CREATEDB; GRANT pg_monitor TO driller; END IF; END $$");
  return server().as(server().uri(), "driller");
}

class Migration {
 public:
  explicit Migration(const std::string& name) : folder_(fs::path(SWITCHBACK_SOURCE_DIR) / "tests/migrations" / name) {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      const std::string file = entry.path().filename().string();
      if (entry.path().extension() == ".sql" && file != "before.sql" && file != "after.sql" && file != "rows.sql")
        sql_ = entry.path();
    }
    REQUIRE_FALSE(sql_.empty());
  }

  void goes_through() {
    const std::string uri = server().fresh_database();
    server().sql(uri, "CREATE EXTENSION pg_stat_statements SCHEMA public");
    const Tool tool(uri);
    server().sql(uri, file("before.sql"));
    draft(tool);
    fill_in(tool);
    for (const std::string& plan : plans_) {
      valid(tool, plan);
      drilled(tool, plan);
      run(tool, plan);
    }
    const std::string direct = applied_directly();
    CHECK(fingerprint_difference(direct, schema_fingerprint(uri)) == "");
  }

 private:
  std::string file(const std::string& name) const { return content((folder_ / name).string()); }

  void draft(const Tool& tool) {
    const auto drafted = tool.run({"new", "--from-sql", sql_.string(), "--out", "plans/"});
    INFO(drafted.out << drafted.err);
    REQUIRE(drafted.exit_code == (file("answers").empty() ? 0 : 9));
    for (const auto& entry : fs::directory_iterator(tool.folder() + "/plans"))
      plans_.push_back("plans/" + entry.path().filename().string());
    std::ranges::sort(plans_, {}, [](const std::string& plan) { return std::pair(plan.size(), plan); });
    REQUIRE_FALSE(plans_.empty());
  }

  /// As a person does: the SQL in the place of the words that ask for it.
  void fill_in(const Tool& tool) const {
    for (const std::string& plan : plans_) {
      const std::string path = tool.folder() + "/" + plan;
      std::string text = content(path);
      std::istringstream answers(file("answers"));
      for (std::string line; std::getline(answers, line);) {
        const auto arrow = line.find(" => ");
        REQUIRE(arrow != std::string::npos);
        const auto words = text.find("\"<fill in: " + line.substr(0, arrow));
        if (words == std::string::npos) continue;
        const auto end = text.find(">\"", words);
        REQUIRE(end != std::string::npos);
        text.replace(words + 1, end - words, line.substr(arrow + 4));
      }
      std::ofstream(path) << text;
    }
  }

  static void valid(const Tool& tool, const std::string& plan) {
    const auto outcome = tool.run({"validate", plan});
    INFO(outcome.err << content(tool.folder() + "/" + plan));
    REQUIRE(outcome.exit_code == 0);
  }

  void drilled(const Tool& tool, const std::string& plan) const {
    std::vector<std::string> words{"drill", plan, "--quick", "--rows", "40", "--seed", "3", "--server", scratch()};
    if (fs::exists(folder_ / "rows.sql")) words.insert(words.end(), {"--seed-sql", (folder_ / "rows.sql").string()});
    const auto outcome = tool.run(words, 240s);
    INFO(outcome.out << outcome.err << content(tool.folder() + "/" + plan));
    REQUIRE(outcome.exit_code == 0);
  }

  static void run(const Tool& tool, const std::string& plan) {
    const std::string path = tool.folder() + "/" + plan;
    const std::string end = takes_away(read_plan_file(path).plan.value()) ? "contracted" : "done";
    const auto outcome = tool.run({"run", plan, "--to", end, "--wait", "--yes", "--approve",
                                   sha256_hex(content(path)).substr(0, 12), "--despite", "horizon", "--reason", "a test"});
    INFO(outcome.err << content(path));
    REQUIRE(outcome.exit_code == 0);
  }

  /// The schema that the same SQL leaves when a person runs it.
  std::string applied_directly() const {
    const std::string uri = server().fresh_database();
    server().sql(uri, "CREATE EXTENSION pg_stat_statements SCHEMA public");
    server().sql(uri, file("before.sql"));
    const auto psql = process::run({.argv = {"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", uri, "-f", way_there()}}, 60s);
    INFO(psql.err);
    REQUIRE(psql.exit_code == 0);
    if (const std::string after = file("after.sql"); !after.empty()) server().sql(uri, after);
    return schema_fingerprint(uri);
  }
  /// Without goose's way back, which psql would run as well.
  std::string way_there() const {
    const std::string text = content(sql_.string());
    const std::string path = (fs::temp_directory_path() / ("switchback-" + sql_.filename().string())).string();
    std::ofstream(path) << text.substr(0, text.find("-- +goose Down"));
    return path;
  }

  fs::path folder_;
  fs::path sql_;
  std::vector<std::string> plans_;
};

}  // namespace

TEST_CASE("Flyway: a name that is split goes through draft, drill and run", "[migrations]") {
  Migration("01-flyway-split-name").goes_through();
}
TEST_CASE("Rails: a status that is added, filled and checked goes through draft, drill and run", "[migrations]") {
  Migration("02-rails-status").goes_through();
}
TEST_CASE("Alembic: a table with its keys goes through draft, drill and run", "[migrations]") {
  Migration("03-alembic-items").goes_through();
}
TEST_CASE("Django: a default that is dropped again goes through draft, drill and run", "[migrations]") {
  Migration("04-django-priority").goes_through();
}
TEST_CASE("golang-migrate: rows that are mended before NOT NULL go through draft, drill and run", "[migrations]") {
  Migration("05-golang-migrate-not-null").goes_through();
}
TEST_CASE("Liquibase: an enum, a function, a view and a grant go through draft, drill and run", "[migrations]") {
  Migration("06-liquibase-moods").goes_through();
}
TEST_CASE("goose: a rename and a foreign key go through draft, drill and run", "[migrations]") {
  Migration("07-goose-rename").goes_through();
}
TEST_CASE("by hand: types that change and things that go go through draft, drill and run", "[migrations]") {
  Migration("08-by-hand-amount").goes_through();
}
TEST_CASE("strong_migrations: constraints made in careful steps go through draft, drill and run", "[migrations]") {
  Migration("09-strong-migrations-constraints").goes_through();
}
TEST_CASE("Knex: columns that are merged, and a trigger, go through draft, drill and run", "[migrations]") {
  Migration("10-knex-addresses").goes_through();
}
