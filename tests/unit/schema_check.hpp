/// Holding a JSON Schema to the reader that it describes.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

namespace switchback::tests {

/// A schema of a file, draft 7.
class SchemaFile {
 public:
  explicit SchemaFile(const std::filesystem::path& path);
  ~SchemaFile();
  SchemaFile(const SchemaFile&) = delete;
  SchemaFile& operator=(const SchemaFile&) = delete;
  bool accepts(const nlohmann::json& document) const;

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

/// Those of a folder, sorted.
std::vector<std::filesystem::path> yaml_files(const std::filesystem::path& folder);
/// Plain scalars by YAML's core schema, as an editor reads them.
nlohmann::json yaml_as_json(const std::filesystem::path& file);
/// Every document that differs from `whole` in one place: a key gone, renamed, or with a value of another kind.
std::vector<nlohmann::json> mutants(const nlohmann::json& whole);

}  // namespace switchback::tests
