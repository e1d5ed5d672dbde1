#include "schema_check.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

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

namespace switchback::tests {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

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

void collect_mutants(const json& whole, const json::json_pointer& at, std::vector<json>& result) {
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
    collect_mutants(whole, child, result);
  }
}

}  // namespace

struct SchemaFile::Parsed {
  json document;
  valijson::Schema schema;
};

SchemaFile::SchemaFile(const fs::path& path) : parsed_(std::make_unique<Parsed>()) {
  parsed_->document = json::parse(slurp(path));
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  valijson::adapters::NlohmannJsonAdapter adapter(parsed_->document);
  parser.populateSchema(adapter, parsed_->schema);
}

SchemaFile::~SchemaFile() = default;

bool SchemaFile::accepts(const json& document) const {
  valijson::Validator validator;  // strong types: "1" is no number
  valijson::adapters::NlohmannJsonAdapter adapter(document);
  return validator.validate(parsed_->schema, adapter, nullptr);
}

std::vector<fs::path> yaml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

json yaml_as_json(const fs::path& file) {
  return to_json(YAML::LoadFile(file.string()));
}

std::vector<json> mutants(const json& whole) {
  std::vector<json> result;
  collect_mutants(whole, json::json_pointer(), result);
  return result;
}

}  // namespace switchback::tests
