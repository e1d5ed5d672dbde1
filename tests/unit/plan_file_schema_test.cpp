// The shipped JSON Schema says what the reader says, as far as a schema can.
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "catch.hpp"
#include "switchback/plan_file/plan_reader.hpp"

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wextra"
#endif
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const fs::path plans = fs::path(SWITCHBACK_SOURCE_DIR) / "plans";
const fs::path broken = fs::path(SWITCHBACK_SOURCE_DIR) / "tests/unit/broken_plans";

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
    {"66-system-column", "names that PostgreSQL keeps for itself"},
};

std::string slurp(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Plain scalars by YAML's core schema, as an editor reads them.
json scalar(const YAML::Node& node) {
  const std::string text = node.Scalar();
  if (node.Tag() == "!") return text;
  static const std::regex integer("[-+]?[0-9]+");
  static const std::regex number("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  if (text == "true" || text == "false") return text == "true";
  if (std::regex_match(text, integer)) return std::stoll(text);
  if (std::regex_match(text, number)) return std::stod(text);
  return text;
}

json to_json(const YAML::Node& node) {
  if (node.IsScalar()) return scalar(node);
  json result;
  if (node.IsSequence()) {
    result = json::array();
    for (const YAML::Node& item : node) result.push_back(to_json(item));
  } else if (node.IsMap()) {
    result = json::object();
    for (const auto& entry : node) result[entry.first.Scalar()] = to_json(entry.second);
  }
  return result;
}

class PlanSchema {
 public:
  PlanSchema() : document_(json::parse(slurp(plans / "plan.schema.json"))) {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    valijson::adapters::NlohmannJsonAdapter adapter(document_);
    parser.populateSchema(adapter, schema_);
  }
  bool accepts(const json& plan) {
    valijson::Validator validator;  // strong types: "1" is no number
    valijson::adapters::NlohmannJsonAdapter adapter(plan);
    return validator.validate(schema_, adapter, nullptr);
  }

 private:
  json document_;
  valijson::Schema schema_;
};

std::vector<fs::path> yaml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

bool reader_accepts(const json& plan) {
  return switchback::read_plan(plan.dump(), "mutant").plan.has_value();
}

/// Errors that only something beyond a schema can see.
bool beyond(const json& plan) {
  static const std::regex words(
      "sql: |definition: |made by this plan|made or filled|added twice|set by two|dropped twice|taken away twice|made "
      "twice|"
      "the default calls|both in set and in reverse|same image|same column|stands inside|require itself");
  for (const auto& diagnostic : switchback::read_plan(plan.dump(), "mutant").diagnostics)
    if (diagnostic.severity == switchback::Severity::error && !std::regex_search(diagnostic.message, words))
      return false;
  return true;
}

/// Every plan that differs from `plan` in one place: a key gone, renamed, or with a value of another kind.
void mutants(const json& whole, const json::json_pointer& at, std::vector<json>& result) {
  const json& here = whole.at(at);
  std::vector<json::json_pointer> below;
  if (here.is_object())
    for (const auto& [key, value] : here.items()) below.push_back(at / key);
  if (here.is_array())
    for (std::size_t i = 0; i < here.size(); ++i) below.push_back(at / i);
  for (const json::json_pointer& child : below) {
    json gone = whole;
    if (here.is_object()) {
      gone.at(at).erase(child.back());
      result.push_back(gone);
      gone.at(at)["nonsense"] = whole.at(child);
    } else {
      gone.at(at).erase(std::stoul(child.back()));
    }
    result.push_back(gone);
    for (const json& other : {json(), json::array(), json::object(), json(""), json("a b"), json(" "), json(7),
                              json(-1), json(true), json("10s"), json("10ms"), json("1MB"), json("5%"), json("name"),
                              json::array({"name"}), json::array({json::object()}), json{{"name", "x"}}}) {
      json changed = whole;
      changed.at(child) = other;
      result.push_back(changed);
    }
    mutants(whole, child, result);
  }
}

}  // namespace

TEST_CASE("the schema accepts every plan that is shipped", "[plan_file][schema]") {
  PlanSchema schema;
  const auto files = yaml_files(plans);
  REQUIRE(files.size() >= 10);
  for (const fs::path& file : files) {
    CAPTURE(file);
    CHECK(schema.accepts(to_json(YAML::LoadFile(file.string()))));
    CHECK(switchback::read_plan_file(file.string()).plan);
  }
}

TEST_CASE("the schema rejects every broken plan but those beyond a schema", "[plan_file][schema]") {
  PlanSchema schema;
  for (const fs::path& file : yaml_files(broken)) {
    CAPTURE(file);
    const std::string name = file.stem().string();
    if (std::find(not_a_value.begin(), not_a_value.end(), name) != not_a_value.end()) continue;
    CHECK(schema.accepts(to_json(YAML::LoadFile(file.string()))) == beyond_a_schema.contains(name));
  }
}

TEST_CASE("the schema and the reader agree on every small change of every shipped plan", "[plan_file][schema]") {
  PlanSchema schema;
  std::size_t compared = 0;
  for (const fs::path& file : yaml_files(plans)) {
    std::vector<json> changed;
    mutants(to_json(YAML::LoadFile(file.string())), json::json_pointer(), changed);
    for (const json& plan : changed) {
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
