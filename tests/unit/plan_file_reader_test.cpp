#include "switchback/plan_file/plan_reader.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "catch.hpp"
#include "schema_check.hpp"
#include "source_folder.hpp"
#include "switchback/core/change.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;
using namespace switchback::tests;
namespace fs = std::filesystem;

namespace {

const fs::path source = source_folder();

std::string text_of(const Diagnostic& diagnostic) {
  return std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column) +
         (diagnostic.severity == Severity::error ? ": error: " : ": warning: ") + diagnostic.message;
}

/// The `# expect: ` comments at the end of a broken plan.
std::vector<std::string> expected(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with("# expect: ")) lines.push_back(line.substr(10));
  return lines;
}

std::string all(const ReadPlan& read) {
  std::string text;
  for (const Diagnostic& diagnostic : read.diagnostics) text += render(diagnostic);
  return text;
}

Plan good(std::string_view text) {
  ReadPlan read = read_plan(text, "p.yaml");
  INFO(all(read));
  REQUIRE(read.plan);
  return *read.plan;
}

}  // namespace

TEST_CASE("every broken plan gets exactly the diagnostics it expects, all at once", "[plan_file]") {
  const auto files = yaml_files(source / "tests/unit/broken_plans");
  REQUIRE(files.size() >= 40);
  for (const fs::path& file : files) {
    CAPTURE(file);
    const ReadPlan read = read_plan_file(file.string());
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream bytes;
    bytes << stream.rdbuf();
    std::vector<std::string> found;
    for (const Diagnostic& diagnostic : read.diagnostics) found.push_back(text_of(diagnostic));
    CHECK(found == expected(bytes.str()));
    CHECK_FALSE(found.empty());
    CHECK(read.plan.has_value() == !has_errors(read.diagnostics));
  }
}

TEST_CASE("every shipped plan is read without a word, and written back as the same plan", "[plan_file]") {
  for (const fs::path& file : yaml_files(source / "plans")) {
    CAPTURE(file);
    const ReadPlan read = read_plan_file(file.string());
    CHECK(all(read).empty());
    REQUIRE(read.plan);
    for (const Plan& plan : {*read.plan, expand_changes(*read.plan, {})}) {
      const std::string yaml = to_yaml(plan);
      CAPTURE(yaml);
      const ReadPlan again = read_plan(yaml, "again");
      CHECK(all(again).empty());
      REQUIRE(again.plan);
      CHECK(to_yaml(*again.plan) == yaml);
      CHECK(again.plan->settings == plan.settings);
      CHECK(again.plan->expand.size() == plan.expand.size());
    }
  }
}

TEST_CASE("the long form is read into its parts", "[plan_file]") {
  const ReadPlan read = read_plan_file((source / "plans/split-full-name.yaml").string());
  REQUIRE(read.plan);
  const Plan& plan = *read.plan;
  CHECK(plan.name == "split-full-name");
  CHECK(plan.images.before == "shop:v41");
  REQUIRE(plan.expand.size() == 2);
  CHECK(describe(plan.expand[0].action) == "add_column users.first_name");
  CHECK(plan.expand[0].place == Place{11, 5});
  REQUIRE(plan.migrate.size() == 3);
  const auto& backfill = std::get<Backfill>(plan.migrate[0].action);
  CHECK(backfill.table == TableName{"public", "users"});
  REQUIRE(backfill.set.size() == 2);
  CHECK(backfill.set[0] == std::pair<std::string, std::string>{"first_name", "split_part(full_name, ' ', 1)"});
  CHECK(backfill.reverse[0].first == "full_name");
  CHECK(backfill.batch.target == std::chrono::milliseconds(25));
  CHECK(plan.contract.observe == std::chrono::hours(24));
  CHECK(plan.contract.archive->keep == std::chrono::hours(720));
  CHECK(plan.contract.approvals == 1);
  CHECK(plan.contract.allow_silent == std::vector<std::string>{"users_full_name_idx"});
  CHECK(describe(plan.contract.steps.at(1).action) == "drop_column users.full_name");
  CHECK(plan.hash == sha256_hex(plan.text));
}

TEST_CASE("the hash is the SHA-256 of the bytes", "[plan_file]") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("names are folded as SQL folds them", "[plan_file]") {
  const Plan plan =
      good("plan: a\nexpand:\n  - set_default: { table: Sales.\"Order \"\"Items\", column: Größe, default: 0 }\n");
  const auto& step = std::get<SetDefault>(plan.expand.at(0).action);
  CHECK(step.table == TableName{"sales", "Order \"Items"});
  CHECK(step.column == "größe");
}

TEST_CASE("characters that no YAML reader takes bare survive being written and read again, in every kind of field",
          "[plan_file]") {
  for (const std::string text : {"a\x7f", "\x01", "- a", "? a", "-", "a\x7f\n\"\\x7f"}) {
    Plan plan;
    plan.name = "odd";
    plan.description = text;
    plan.external_checked = {text};
    plan.readers = {{text, {}}, {{}, text}};
    Backfill backfill;
    backfill.table = {text, text};
    backfill.set = {{text, "1"}};
    backfill.reverse = {{"b" + text, "1"}};
    plan.migrate.push_back({backfill, {}});
    const std::string yaml = to_yaml(plan);
    CAPTURE(yaml);
    const Plan again = good(yaml);
    CHECK(again.description == text);
    CHECK(again.external_checked == plan.external_checked);
    CHECK(again.readers == plan.readers);
    const auto& read = std::get<Backfill>(again.migrate.at(0).action);
    CHECK(read.table == backfill.table);
    CHECK(read.set == backfill.set);
    CHECK(read.reverse == backfill.reverse);
  }
}

TEST_CASE("awkward names and texts survive being written and read again", "[plan_file]") {
  Plan plan;
  plan.name = "odd";
  plan.description = "a: b # c\n\ttwo\\lines \"x\" 'y' ünïcode";
  const TableName table{"My Schema", "a.b\"c"};
  Backfill backfill;
  backfill.table = table;
  backfill.set = {{"none", "null"}, {"X y", "'- [a, {b: c}] & *x'"}, {"z", "SELECT -1"}, {"w", "true"}, {"v", "~"}};
  backfill.reverse = {{"none2", "E'\\n'"}, {"ünï", "\"ünï\" || ': #'"}};
  backfill.where = "a\n  AND b";
  backfill.exact = true;
  backfill.on_error = OnError::reject;
  backfill.user_triggers = UserTriggers::skip;
  backfill.master = Master::new_side;
  backfill.batch.max_wal = 12345;
  plan.migrate.push_back({backfill, {}});
  plan.migrate.push_back({Sql{"SELECT 1;\n\nSELECT '\t'", {}, "why: not"}, {}});
  plan.contract.steps.push_back({DropIndex{{"S", "true"}}, {}});
  plan.contract.steps.push_back({DropConstraint{table, "null"}, {}});
  plan.contract.steps.push_back({DropTable{{"S", "t, u"}}, {}});
  plan.contract.steps.push_back({DropView{{"public", "true"}}, {}});
  plan.contract.steps.push_back({DropType{{"public", "Mood"}}, {}});
  plan.contract.steps.push_back({DropFunction{{"S", "f"}, "integer, \"S\".\"Mood\"[]"}, {}});
  plan.contract.steps.push_back({DropFunction{{"S", "f"}, ""}, {}});
  const std::string yaml = to_yaml(plan);
  CAPTURE(yaml);
  const Plan again = good(yaml);
  CHECK(again.description == plan.description);
  const auto& read = std::get<Backfill>(again.migrate.at(0).action);
  CHECK(read.table == table);
  CHECK(read.set == backfill.set);
  CHECK(read.reverse == backfill.reverse);
  CHECK(read.where == backfill.where);
  CHECK(read.exact);
  CHECK(read.on_error == OnError::reject);
  CHECK(read.user_triggers == UserTriggers::skip);
  CHECK(read.master == Master::new_side);
  CHECK(read.batch == backfill.batch);
  CHECK(std::get<Sql>(again.migrate.at(1).action).run == "SELECT 1;\n\nSELECT '\t'");
  CHECK(std::get<DropIndex>(again.contract.steps.at(0).action).name == TableName{"S", "true"});
  CHECK(std::get<DropConstraint>(again.contract.steps.at(1).action).name == "null");
  CHECK(std::get<DropTable>(again.contract.steps.at(2).action).name == TableName{"S", "t, u"});
  CHECK(std::get<DropView>(again.contract.steps.at(3).action).name == TableName{"public", "true"});
  CHECK(std::get<DropType>(again.contract.steps.at(4).action).name == TableName{"public", "Mood"});
  CHECK(std::get<DropFunction>(again.contract.steps.at(5).action).name == TableName{"S", "f"});
  CHECK(std::get<DropFunction>(again.contract.steps.at(5).action).arguments == "integer, \"S\".\"Mood\"[]");
  CHECK(std::get<DropFunction>(again.contract.steps.at(6).action).arguments.empty());
}

TEST_CASE("reverse may say why there is none", "[plan_file]") {
  const Plan plan =
      good("plan: a\nmigrate:\n  - backfill: { table: t, set: { a: b }, reverse: { none: nobody writes it } }\n");
  const auto& backfill = std::get<Backfill>(plan.migrate.at(0).action);
  CHECK(backfill.reverse_none == "nobody writes it");
  CHECK(backfill.reverse.empty());
}

TEST_CASE("aliases within the limit stand for what they name", "[plan_file]") {
  const Plan plan = good(
      "plan: a\nexpand:\n  - set_default: { table: &t users, column: a, default: 0 }\n"
      "  - set_default: { table: *t, column: b, default: 0 }\n");
  CHECK(std::get<SetDefault>(plan.expand.at(1).action).table.name == "users");
}

TEST_CASE("SQL that nests deeply is looked at, or said to be too long, and never overflows the stack", "[plan_file]") {
  const auto messages = [](const std::string& sql) {
    std::vector<std::string> found;
    const ReadPlan read = read_plan("plan: a\nexpand:\n  - sql: { run: " + sql + ", irreversible: x }\n", "p.yaml");
    for (const Diagnostic& diagnostic : read.diagnostics) found.push_back(diagnostic.message);
    return found;
  };
  const auto repeated = [](const std::string& text, std::size_t times) {
    std::string result;
    for (std::size_t i = 0; i < times; ++i) result += text;
    return result;
  };
  CHECK(messages("SELECT 1" + repeated("+1", 30'000)).empty());
  CHECK(messages("SELECT " + repeated("(", 60'000)).size() == 1);
  CHECK(messages("SELECT 1" + repeated("+1", 40'000)) ==
        std::vector<std::string>{"sql: cannot be parsed: it is longer than 64 KiB"});
}

TEST_CASE("a diagnostic shows the line, a caret under the character, and a hint", "[plan_file]") {
  const ReadPlan read =
      read_plan("plan: a\nexpand:\n  - add_column: { table: \"größe\", typ: text, name: n, type: x }\n", "p.yaml");
  REQUIRE(read.diagnostics.size() == 1);
  CHECK(render(read.diagnostics[0]) ==
        "p.yaml:3:35: error: add_column has no key typ\n"
        "    - add_column: { table: \"größe\", typ: text, name: n, type: x }\n"
        "                                    ^\n"
        "  hint: did you mean type?\n");
}

TEST_CASE("control characters of a file never reach the terminal", "[plan_file]") {
  const ReadPlan read = read_plan("plan: \"\\e[31m\"\nexpand: 1\n", "p.yaml");
  CHECK(all(read).find('\x1b') == std::string::npos);
  CHECK(read.diagnostics.size() == 2);
}

TEST_CASE("a file that cannot be read, and one that is too large, are diagnostics", "[plan_file]") {
  const ReadPlan missing = read_plan_file("/nonexistent/plan.yaml");
  REQUIRE(missing.diagnostics.size() == 1);
  CHECK(render(missing.diagnostics[0]).starts_with("/nonexistent/plan.yaml: error: cannot be read\n"));
  CHECK(read_plan_file("/").diagnostics.size() == 1);
  const ReadPlan large = read_plan("plan: a\n" + std::string(std::size_t{1} << 20, '#'), "p.yaml");
  REQUIRE(large.diagnostics.size() == 1);
  CHECK(large.diagnostics[0].message == "larger than 1 MiB");
}

TEST_CASE("windows line ends and a byte order mark are read past", "[plan_file]") {
  const Plan plan = good("\xEF\xBB\xBFplan: a\r\nexpand:\r\n  - set_default: { table: t, column: c, default: 0 }\r\n");
  CHECK(plan.name == "a");
  const ReadPlan read = read_plan("plan: a\r\nexpnd: 1\r\n", "p.yaml");
  REQUIRE_FALSE(read.diagnostics.empty());
  CHECK(read.diagnostics[0].line_text == "expnd: 1");
}

TEST_CASE("tolerant readers are read, and written in the long form as they were", "[plan_file]") {
  const ReadPlan read = read_plan(
      "plan: a\nchange:\n  - drop_column: { table: users, name: fax }\nreaders:\n"
      "  - { role: '\"Night Dump\"', star: tolerated }\n  - { application: 'an: export', star: tolerated }\n",
      "p.yaml");
  REQUIRE(read.plan);
  const std::vector<TolerantReader> readers{{"Night Dump", std::nullopt}, {std::nullopt, "an: export"}};
  CHECK(read.plan->readers == readers);
  const ReadPlan again = read_plan(to_yaml(*read.plan), "p.yaml");
  REQUIRE(again.plan);
  CHECK(again.plan->readers == readers);
}

TEST_CASE("smoke tests and health signals are read, and written in the long form as they were", "[plan_file]") {
  const Plan plan = good(
      "plan: a\nchange:\n  - drop_column: { table: users, name: fax }\nsmoke:\n  - SELECT fax FROM users\n  - 'SELECT "
      "-1'\n"
      "turn_back:\n  - health: wal_archiving\n  - health: replication\n");
  const Plan again = good(to_yaml(plan));
  CHECK(again.smoke == std::vector<std::string>{"SELECT fax FROM users", "SELECT -1"});
  REQUIRE(again.turn_back.size() == 2);
  CHECK(again.turn_back[0].kind == AlertSource::Kind::health);
  CHECK(again.turn_back[1].query == "replication");
}

TEST_CASE("SQL with control characters in it is written so that it reads back", "[plan_file]") {
  for (const std::string sql : {"SELECT 1\r\r\r", "SELECT\t1", "SELECT 1\nFROM t\r\n"}) {
    CAPTURE(sql);
    Plan plan;
    plan.name = "controls";
    plan.expand = {{Sql{sql, "SELECT 2", {}}, {}}};
    const ReadPlan again = read_plan(to_yaml(plan), "again.yaml");
    REQUIRE(again.plan);
    CHECK(std::get<Sql>(again.plan->expand.at(0).action).run == sql);
  }
}
