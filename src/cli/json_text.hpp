/// JSON as every command writes it: keys in the order of the documentation. Private to the command line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace switchback::cli {

using Json = nlohmann::ordered_json;

/// Bytes that are not UTF-8 (a database in SQL_ASCII may hold them) are replaced, never an exception.
inline std::string dumped(const Json& json, bool pretty) {
  return json.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

inline Json or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

}  // namespace switchback::cli
