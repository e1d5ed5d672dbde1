#include "server_names.hpp"

#include <cctype>

namespace switchback {
namespace {

bool word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

}  // namespace

std::vector<std::string> name_parts(std::string_view sql, std::size_t* length) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at < sql.size()) {
    std::string part;
    if (sql[at] == '"') {
      for (++at; at < sql.size(); ++at) {
        if (sql[at] == '"') {
          ++at;
          if (at == sql.size() || sql[at] != '"') break;
        }
        part += sql[at];
      }
    } else {
      while (at < sql.size() && word_character(sql[at])) part += sql[at++];
    }
    parts.push_back(std::move(part));
    if (at >= sql.size() || sql[at] != '.') break;
    ++at;
  }
  if (length != nullptr) *length = at;
  return parts;
}

TableName table_in(const std::vector<std::string>& parts) {
  if (parts.size() < 2) return {"public", parts.empty() ? "" : parts.front()};
  return {parts[0], parts[1]};
}

std::string_view behind(std::string_view sql, std::string_view word) {
  const auto at = sql.find(word);
  return at == std::string_view::npos ? std::string_view{} : sql.substr(at + word.size());
}

bool has_word(std::string_view sql, std::string_view name) {
  const std::string word = shown(name);
  for (std::size_t at = sql.find(word); at != std::string_view::npos; at = sql.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !word_character(sql[at - 1])) && (end == sql.size() || !word_character(sql[end]))) return true;
  }
  return false;
}

}  // namespace switchback
