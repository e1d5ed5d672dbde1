// Every rule of lint: it speaks on its bad plan, is silent on its good one, and has its page (plans/lint).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "../../src/cli/render_lint.hpp"
#include "catch.hpp"
#include "schema_check.hpp"
#include "source_folder.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/lint.hpp"
#include "switchback/plan_file/lint_grammar.hpp"
#include "switchback/plan_file/plan_reader.hpp"

using namespace switchback;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const fs::path plans = tests::source_folder() / "plans";
const fs::path folder = plans / "lint";

std::string content(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Plan plan_in(const fs::path& file) {
  const ReadPlan read = read_plan_file(file.string());
  for (const Diagnostic& one : read.diagnostics) UNSCOPED_INFO(render(one));
  REQUIRE(read.plan);
  return *read.plan;
}

Plan long_form(const Plan& plan) {
  return expand_changes(plan, [](const TableName&) { return std::nullopt; });
}

std::vector<SettingValue> settings_of(const Plan& plan, std::vector<SettingValue> values = {}) {
  for (const auto& [key, value] : plan.settings) values.push_back({key, value, Origin::plan, plan.file});
  return values;
}

std::vector<LintFinding> findings_in(const Plan& plan, const LintFacts* facts = nullptr, const Plan* other = nullptr) {
  const LintGrammar grammar = lint_grammar(plan.text);
  const Plan whole = long_form(plan);
  const Settings settings = resolve(settings_of(plan));
  auto found = lint({whole, settings, grammar, facts, false});
  if (other != nullptr)
    for (LintFinding& one : lint_among(std::vector<const Plan*>{other, &whole}, grammar)) found.push_back(one);
  return without_ignored(std::move(found), lint_ignores(plan.text), facts != nullptr);
}

bool speaks(const std::vector<LintFinding>& found, std::string_view rule) {
  return std::ranges::find(found, rule, &LintFinding::rule) != found.end();
}

ColumnFacts column(const std::string& name) {
  ColumnFacts facts;
  facts.name = name;
  facts.type = "text";
  return facts;
}

/// A database in which nothing is wrong with a table users (id, mail, town, city) and a table orders.
LintFacts sound() {
  LintFacts facts;
  facts.server.version = 150000;
  facts.server.archive_mode = "on";
  facts.server.statements = true;
  facts.server.track = "all";
  for (const char* name : {"users", "orders"}) {
    LintTable table;
    table.facts.name = {"public", name};
    table.facts.rows_estimate = 1'000'000;
    table.facts.bytes = 100'000'000;
    for (const char* one : {"id", "mail", "town", "city"}) table.facts.columns.push_back(column(one));
    facts.tables[table.facts.name] = table;
  }
  return facts;
}

LintTable& users(LintFacts& facts) {
  return facts.tables[{"public", "users"}];
}

LintImage image(bool prepares_star, InsertForm insert) {
  LintImage one{"shop:v41", {}};
  use_of(one.footprint, {"public", "users"}).insert = insert;
  one.footprint.prepares_star = prepares_star;
  return one;
}

using Change = std::function<void(LintFacts&)>;
/// What a database is like in which the bad plan is bad, where SQL alone does not make it so.
const std::map<std::string, Change, std::less<>> worlds{
    {"wal-beyond-slots",
     [](LintFacts& facts) {
       facts.server.slots = {"r2"};
       facts.server.max_slot_wal = 100'000'000;
     }},
    {"wraparound-near", [](LintFacts& facts) { users(facts).frozen_share = 0.93; }},
    {"single-worker-walk", [](LintFacts& facts) { facts.server.version = 130012; }},
    {"subscriber-not-ready",
     [](LintFacts& facts) {
       facts.server.logical_slots = {"cdc"};
       users(facts).columns_published = {"users_out"};
     }},
    {"unchecked-publication", [](LintFacts& facts) { users(facts).updates_published = {"users_out"}; }},
    {"positional-insert", [](LintFacts& facts) { facts.images = {image(false, InsertForm::positional)}; }},
    {"prepared-star", [](LintFacts& facts) { facts.images = {image(true, InsertForm::none)}; }},
    {"drop-of-used-index",
     [](LintFacts& facts) {
       facts.taken = {{{Structure::Kind::index, {"public", ""}, "users_city_idx"}, {}, 4711, {}},
                      {{Structure::Kind::index, {"public", ""}, "users_old_idx"}, {}, 0, {}}};
     }},
    {"dump-reader", [](LintFacts& facts) { facts.dumpers = {"dump"}; }},
    {"not-resolved", [](LintFacts& facts) { facts.unresolved = "this is a standby"; }},
    {"long-transaction",
     [](LintFacts& facts) {
       facts.transactions = {{"process 7", 3600s, {{"public", "users"}}}};
     }},
    {"wal-not-archived", [](LintFacts& facts) { facts.server.archive_mode = "off"; }},
    {"standby-not-sampled", [](LintFacts& facts) { facts.server.standbys = {"r2"}; }},
};
/// Where plan and world are one: the good plan is good in a sound database.
const std::vector<std::string_view> good_elsewhere{"wal-beyond-slots", "wraparound-near", "not-resolved",
                                                   "long-transaction", "drop-of-used-index"};

}  // namespace

TEST_CASE("no lint rule is silent on its bad plan, or speaks on its good one", "[lint]") {
  for (const LintRule& rule : lint_rules()) {
    const fs::path here = folder / rule.id;
    CAPTURE(rule.id);
    REQUIRE(fs::exists(here / "bad.yaml"));
    REQUIRE(fs::exists(here / "good.yaml"));
    const Plan bad = plan_in(here / "bad.yaml");
    const Plan good = plan_in(here / "good.yaml");
    if (fs::exists(here / "schema.sql")) continue;  // a real server is asked: tests/integration/lint_test.cpp
    std::optional<Plan> other;
    if (fs::exists(here / "other.yaml")) other = long_form(plan_in(here / "other.yaml"));
    const auto world = worlds.find(rule.id);
    CHECK((world != worlds.end()) == (rule.live && !fs::exists(here / "schema.sql")));
    LintFacts facts = sound();
    if (world != worlds.end()) world->second(facts);
    const LintFacts* looked = world == worlds.end() ? nullptr : &facts;
    CHECK(speaks(findings_in(bad, looked, other ? &*other : nullptr), rule.id));
    const bool elsewhere = std::ranges::find(good_elsewhere, rule.id) != good_elsewhere.end();
    const LintFacts quiet = sound();
    const auto on_good = findings_in(good, elsewhere ? &quiet : looked, other ? &*other : nullptr);
    CHECK_FALSE(speaks(on_good, rule.id));
    for (const LintFinding& one : on_good) {
      INFO(one.rule << ": " << one.message);
      CHECK(lint_rule(one.rule)->severity != LintSeverity::error);
    }
  }
}

TEST_CASE("every lint rule has a page that begins with its id, its severity and its summary", "[lint]") {
  CHECK(lint_rules().size() >= 40);
  std::size_t folders = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    CAPTURE(entry.path());
    CHECK(lint_rule(entry.path().filename().string()) != nullptr);
    ++folders;
  }
  CHECK(folders == lint_rules().size());
  for (const LintRule& rule : lint_rules()) {
    CAPTURE(rule.id);
    const std::string page = content(folder / rule.id / "README.md");
    const std::string head = "# " + std::string(rule.id) + "\n\n" + std::string(name(rule.severity)) + ": " +
                             std::string(rule.summary) + "\n\n";
    CHECK(page.substr(0, head.size()) == head);
    CHECK(page.find("**Instead.**") != std::string::npos);
    CHECK(page.find("**Rests on.**") != std::string::npos);
    CHECK(cli::lint_page(rule.id) == page);  // what --explain prints
  }
}

TEST_CASE("the schema of plans names every rule that may be ignored", "[lint]") {
  const auto schema = nlohmann::json::parse(content(plans / "plan.schema.json"));
  std::vector<std::string> expected;
  for (const LintRule& rule : lint_rules())
    if (rule.may_be_ignored) expected.emplace_back(rule.id);
  CHECK(schema.at("definitions").at("ignore").at("items").at("properties").at("rule").at("enum") == expected);
}

TEST_CASE("no plan that is shipped has a lint error", "[lint]") {
  for (const fs::path& file : tests::yaml_files(plans))
    for (const LintFinding& one : findings_in(plan_in(file))) {
      INFO(file << ": " << one.rule << ": " << one.message);
      CHECK(lint_rule(one.rule)->severity != LintSeverity::error);
    }
}

TEST_CASE("an ignore hides its rule where it stands, and nowhere else", "[lint]") {
  const auto on = [](const std::string& text) {
    const ReadPlan read = read_plan(text, "plan.yaml");
    for (const Diagnostic& one : read.diagnostics) UNSCOPED_INFO(render(one));
    REQUIRE(read.plan);
    return findings_in(*read.plan);
  };
  const std::string two =
      "plan: two\nexpand:\n  - add_column: { table: users, name: a, type: json }\n@first"
      "  - add_column: { table: users, name: b, type: json }\n@second";
  const auto with = [&](std::string first, std::string second) {
    std::string text = two;
    text.replace(text.find("@first"), 6, first);
    text.replace(text.find("@second"), 7, second);
    return text;
  };
  const std::string ignore = "    ignore: [ { rule: json-without-equality, reason: kept as it came } ]\n";
  CHECK(on(with("", "")).size() == 2);
  const auto first = on(with(ignore, ""));
  REQUIRE(first.size() == 1);
  CHECK(first.front().place.line == 5);
  CHECK(on(with("", ignore)).size() == 1);
  CHECK(on(with(ignore, ignore)).empty());
  CHECK(on(with("", "") + "ignore: [ { rule: json-without-equality, reason: all of them } ]\n").empty());
  // On one line two changes are still two.
  const std::string flow =
      "plan: flow\nchange: [ { add_column: { table: t, name: a, type: json }, ignore: [ { rule: json-without-equality, "
      "reason: x } ] }, { add_column: { table: t, name: b, type: json } } ]\n";
  CHECK(on(flow).size() == 1);
  // A rule that needs a database is not called needless where none was looked at.
  CHECK(on("plan: live\nignore: [ { rule: autovacuum-off, reason: cron vacuums } ]\nexpand:\n  - add_column: { table: "
           "t, name: a, type: text }\n")
            .empty());
}

TEST_CASE("an ignore wants a known rule and a reason, and cannot hide what run refuses", "[lint]") {
  const auto error_of = [](const std::string& ignore) {
    const ReadPlan read =
        read_plan("plan: p\nexpand:\n  - add_column: { table: t, name: a, type: text }\n    ignore: " + ignore + "\n",
                  "plan.yaml");
    CHECK_FALSE(read.plan);
    return read.diagnostics.empty() ? Diagnostic{} : read.diagnostics.front();
  };
  const Diagnostic unknown = error_of("[ { rule: exact-mod, reason: x } ]");
  CHECK(unknown.message == "ignore: lint has no rule exact-mod");
  CHECK(unknown.hint == "did you mean exact-mode?");
  CHECK(unknown.line == 4);
  CHECK(unknown.column == 23);
  CHECK(error_of("[ { rule: exact-mode } ]").message.find("reason") != std::string::npos);
  CHECK(error_of("[ { rule: exact-mode, reason: '' } ]").message.find("reason") != std::string::npos);
  CHECK(error_of("[ { rule: cannot-run, reason: x } ]").message.find("cannot be ignored") != std::string::npos);
  CHECK(error_of("[ { rule: exact-mode, reason: x }, { rule: exact-mode, reason: y } ]").message.find("twice") !=
        std::string::npos);
  CHECK(error_of("exact-mode").message.find("list") != std::string::npos);
}

TEST_CASE("the long form keeps what is ignored", "[lint]") {
  const std::string text =
      "plan: p\nignore: [ { rule: no-images, reason: \"one: image\" } ]\nchange:\n  - drop_column: { table: t, name: a "
      "}\n    ignore: [ { rule: no-backup, reason: a cache } ]\n";
  const std::string written = lint_ignores_yaml(lint_ignores(text));
  const auto again = lint_ignores("plan: p\n" + written);
  REQUIRE(again.size() == 2);
  CHECK(again[0].rule == "no-images");
  CHECK(again[0].reason == "one: image");
  CHECK(again[1].rule == "no-backup");
  CHECK(again[1].whole_plan);
}

TEST_CASE("lint writes SARIF 2.1.0 as its schema wants it", "[lint]") {
  tests::SchemaFile schema(tests::source_folder() / "tests/schemas/sarif-2.1.0-rtm.5.json");
  std::vector<cli::LintedFile> files;
  for (const LintRule& rule : lint_rules()) {
    const fs::path file = folder / rule.id / "bad.yaml";
    const Plan plan = plan_in(file);
    cli::LintedFile one{"plans/lint/" + std::string(rule.id) + "/bad plan.yaml", plan.name, plan.hash, {}};
    for (const LintFinding& finding : findings_in(plan))
      one.findings.push_back(cli::linted(finding, one.file, plan.text));
    files.push_back(std::move(one));
  }
  files.push_back({"broken.yaml", "", "", {}});
  for (const Diagnostic& one : read_plan("plan: p\nexpnd: []\n", "broken.yaml").diagnostics)
    files.back().findings.push_back(cli::linted(one));
  files.back().findings.push_back(
      cli::linted(Diagnostic{"gone.yaml", 0, 0, "cannot be read", "", Severity::error, ""}));
  const auto sarif = nlohmann::json::parse(cli::lint_sarif(files));
  CHECK(schema.accepts(sarif));
  const auto& run = sarif.at("runs").at(0);
  CHECK(run.at("results").size() > 30);
  for (const auto& result : run.at("results")) {
    const std::size_t index = result.at("ruleIndex");
    CHECK(run.at("tool").at("driver").at("rules").at(index).at("id") == result.at("ruleId"));
  }
  const auto& location = run.at("results").at(0).at("locations").at(0).at("physicalLocation");
  CHECK(location.at("artifactLocation").at("uri").get<std::string>().find("bad%20plan.yaml") != std::string::npos);
  // The schema is one that can say no.
  auto wrong = sarif;
  wrong["runs"][0]["results"][0]["level"] = "fatal";
  CHECK_FALSE(schema.accepts(wrong));
  wrong = sarif;
  wrong["runs"][0]["tool"].erase("driver");
  CHECK_FALSE(schema.accepts(wrong));
}

TEST_CASE("lint shows place, caret and fix, and annotates for GitHub", "[lint]") {
  const std::string text = "plan: p\nexpand:\n  - add_column: { table: t, name: a, type: json }\n";
  const Plan plan = *read_plan(text, "plan.yaml").plan;
  cli::LintedFile file{"plan.yaml", "p", plan.hash, {}};
  for (const LintFinding& one : findings_in(plan)) file.findings.push_back(cli::linted(one, "plan.yaml", text));
  REQUIRE(file.findings.size() == 1);
  const std::string shown = cli::lint_text({file}, {});
  CHECK(shown.find("plan.yaml:3:38: warning: t.a is json") == 0);
  CHECK(shown.find("[json-without-equality]\n    - add_column: { table: t, name: a, type: json }\n" +
                   std::string(39, ' ') + "^\n  fix: jsonb has all of them\n") != std::string::npos);
  const std::string annotation = cli::lint_github({file});
  CHECK(annotation.find("::warning file=plan.yaml,line=3,col=38,title=switchback lint%3A json-without-equality::t.a") ==
        0);
  CHECK(annotation.find("%0Afix: jsonb") != std::string::npos);
  CHECK(std::count(annotation.begin(), annotation.end(), '\n') == 1);
  const auto json = nlohmann::json::parse(cli::lint_json({file}, false));
  CHECK(json.at("warnings") == 1);
  CHECK(json.at("files").at(0).at("findings").at(0).at("column") == 38);
}

TEST_CASE("a plan whose aliases multiply does not keep lint busy", "[lint]") {
  std::string text = "plan: p\ndescription: &a0 x\n";
  for (int i = 1; i < 30; ++i)
    text += "k" + std::to_string(i) + ": &a" + std::to_string(i) + " [ *a" + std::to_string(i - 1) + ", *a" +
            std::to_string(i - 1) + " ]\n";
  CHECK(lint_ignores(text).empty());
  CHECK(lint_grammar(text).place({}, "description").line == 2);
}
