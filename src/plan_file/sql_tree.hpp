/// The parse tree of a text as JSON, and what is looked up in it everywhere. Private to the readers.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace switchback::plan_file {

using nlohmann::json;

struct Parsed {
  std::optional<std::string> error;  ///< libpg_query's message
  json tree;
};
Parsed parse(const std::string& sql);

/// The text under `key`, or an empty one.
std::string text(const json& object, const char* key);
/// The list under `key`, or an empty one. A reference: copies of these trees recurse as deep as the SQL nests.
const json& list_at(const json& object, const char* key);
/// Schema and name of what stands under "relation", public where none is written; empty: there is none.
std::string relation_name(const json& statement);
/// A name as a list of strings, with the schema public where there is none.
std::string joined_name(const json& parts);

}  // namespace switchback::plan_file
