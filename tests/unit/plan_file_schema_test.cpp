// The shipped JSON Schema says what the reader says, as far as a schema can.
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "catch.hpp"
#include "schema_check.hpp"
#include "source_folder.hpp"
#include "switchback/plan_file/plan_reader.hpp"

namespace {

using nlohmann::json;
using namespace switchback::tests;
namespace fs = std::filesystem;

const fs::path plans = source_folder() / "plans";
const fs::path broken = source_folder() / "tests/unit/broken_plans";

/// Faults of the YAML itself: an editor's YAML support finds them, there is no value to hold against a schema.
const std::vector<std::string> not_a_value = {"10-duplicate-top-key",
                                              "11-duplicate-argument",
                                              "12-duplicate-set-column",
                                              "67-tab-indentation",
                                              "68-syntax-unclosed-brace",
                                              "69-syntax-unquoted-colon",
                                              "70-two-documents",
                                              "71-alias-cycle",
                                              "72-too-many-aliases",
                                              "73-merge-key",
                                              "74-yaml-tag",
                                              "75-too-deep",
                                              "76-not-utf-8",
                                              "77-control-character",
                                              "78-key-is-a-list"};

/// What a schema cannot say, each with what it would have to know.
const std::map<std::string, std::string> beyond_a_schema = {
    {"13-same-column-after-folding", "how SQL folds names"},
    {"38-volatile-default", "what an expression calls"},
    {"39-unique-index-in-expand", "which columns other steps make"},
    {"42-sql-that-drops-in-expand", "what SQL does"},
    {"43-sql-that-tightens-in-migrate", "what SQL does"},
    {"44-sql-delete-hidden-in-with", "what SQL does"},
    {"45-sql-rename-truncate-index", "what SQL does"},
    {"46-sql-with-transaction", "what SQL does"},
    {"47-sql-of-comments", "what SQL does"},
    {"48-sql-syntax-error", "SQL's grammar (and it is only a warning)"},
    {"49-two-backfills-one-column", "two steps at once"},
    {"50-set-and-reverse-same-column", "two keys at once"},
    {"52-added-and-dropped", "two steps at once"},
    {"53-column-added-twice", "two steps at once"},
    {"56-rename-to-itself", "two values at once"},
    {"60-same-images", "two values at once"},
    {"83-table-and-its-parts", "two steps at once"},
    {"81-index-definition", "what SQL does"},
    {"87-rolls-itself-forward", "two values at once"},
    {"66-system-column", "names that PostgreSQL keeps for itself"},
    {"92-evaluated-default", "SQL's grammar"},
    {"93-on-a-column-that-goes", "two changes at once"},
    {"94-on-a-column-that-is-dropped", "two steps at once"},
};

bool reader_accepts(const json& plan) {
  return switchback::read_plan(plan.dump(), "mutant").plan.has_value();
}

/// Errors that only something beyond a schema can see.
bool beyond(const json& plan) {
  static const std::regex words(
      "sql: |sql_batched: |default, which fills|definition: |is not one |made by this plan|made or filled|added "
      "twice|set by two|dropped "
      "twice|taken away twice|which this plan takes away|one value for several columns|not as many columns|made "
      "twice|"
      "the default calls|both in set and in reverse|same image|same column|stands inside|require itself|undo itself|"
      "(every|clear|timeout): .* must lie between");
  for (const auto& diagnostic : switchback::read_plan(plan.dump(), "mutant").diagnostics)
    if (diagnostic.severity == switchback::Severity::error && !std::regex_search(diagnostic.message, words))
      return false;
  return true;
}

}  // namespace

TEST_CASE("the schema accepts every plan that is shipped", "[plan_file][schema]") {
  SchemaFile schema(plans / "plan.schema.json");
  const auto files = yaml_files(plans);
  REQUIRE(files.size() >= 10);
  for (const fs::path& file : files) {
    CAPTURE(file);
    CHECK(schema.accepts(yaml_as_json(file)));
    CHECK(switchback::read_plan_file(file.string()).plan);
  }
}

TEST_CASE("the schema rejects every broken plan but those beyond a schema", "[plan_file][schema]") {
  SchemaFile schema(plans / "plan.schema.json");
  for (const fs::path& file : yaml_files(broken)) {
    CAPTURE(file);
    const std::string name = file.stem().string();
    if (std::find(not_a_value.begin(), not_a_value.end(), name) != not_a_value.end()) continue;
    CHECK(schema.accepts(yaml_as_json(file)) == beyond_a_schema.contains(name));
  }
}

TEST_CASE("the schema and the reader agree on every small change of every shipped plan", "[plan_file][schema]") {
  SchemaFile schema(plans / "plan.schema.json");
  std::size_t compared = 0;
  for (const fs::path& file : yaml_files(plans)) {
    for (const json& plan : mutants(yaml_as_json(file))) {
      const bool read = reader_accepts(plan);
      const bool accepted = schema.accepts(plan);
      ++compared;
      if (read == accepted || (accepted && beyond(plan))) continue;
      CAPTURE(file, read, accepted, plan.dump());
      FAIL_CHECK("reader and schema disagree");
    }
  }
  CHECK(compared > 3000);
}
