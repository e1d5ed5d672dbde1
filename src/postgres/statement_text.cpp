#include <algorithm>
#include <cctype>

#include "parse_tree.hpp"
#include "switchback/postgres/statement_judge.hpp"

namespace switchback::postgres {
namespace {

/// `$` may stand in an identifier, and ends a dollar-quoted text: so a word may border on it.
bool in_identifier(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || byte >= 0x80;
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

std::string doubled_quotes(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out;
}

bool has_word(std::string_view text, std::string_view word) {
  // The server cuts longer names to 63 bytes, so a text may go on after a name of about that length.
  const bool may_go_on = word.size() >= 60;
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  auto from = text.begin();
  while (true) {
    const auto found = std::search(from, text.end(), word.begin(), word.end(), same);
    if (found == text.end()) return false;
    const auto after = found + static_cast<std::ptrdiff_t>(word.size());
    const bool starts = found == text.begin() || !in_identifier(*(found - 1)) || !in_identifier(word.front());
    const bool ends = may_go_on || after == text.end() || !in_identifier(*after) || !in_identifier(word.back());
    if (starts && ends) return true;
    from = found + 1;
  }
}

Token::Kind kind_of(const PgQuery__ScanToken& token, std::string_view text) {
  switch (token.token) {
    case PG_QUERY__TOKEN__SCONST:
    case PG_QUERY__TOKEN__USCONST:
    case PG_QUERY__TOKEN__XCONST:
      return Token::Kind::string;
    case PG_QUERY__TOKEN__IDENT:
    case PG_QUERY__TOKEN__UIDENT:
      return text.starts_with('"') || text.starts_with("U&") || text.starts_with("u&") ? Token::Kind::quoted_name
                                                                                       : Token::Kind::word;
    default:
      return token.keyword_kind == PG_QUERY__KEYWORD_KIND__NO_KEYWORD ? Token::Kind::other : Token::Kind::word;
  }
}

Token token_from(const PgQuery__ScanToken& scanned, std::string_view text) {
  const auto start = std::min(static_cast<std::size_t>(std::max(scanned.start, 0)), text.size());
  const auto end = std::min(static_cast<std::size_t>(std::max(scanned.end, 0)), text.size());
  Token token{Token::Kind::other, std::string(text.substr(start, end > start ? end - start : 0))};
  token.kind = kind_of(scanned, token.text);
  if (token.kind == Token::Kind::word) std::transform(token.text.begin(), token.text.end(), token.text.begin(), lower);
  if (token.kind == Token::Kind::quoted_name && token.text.size() >= 2 && token.text.front() == '"') {
    std::string bare;
    for (std::size_t i = 1; i + 1 < token.text.size(); ++i) {
      bare += token.text[i];
      if (token.text[i] == '"') ++i;
    }
    token.text = bare;
  }
  return token;
}

}  // namespace

bool mentions(std::string_view text, std::string_view identifier) {
  if (identifier.empty()) return false;
  if (has_word(text, identifier)) return true;
  if (identifier.find('"') != std::string_view::npos && has_word(text, doubled_quotes(identifier))) return true;
  return text.find("U&\"") != std::string_view::npos || text.find("u&\"") != std::string_view::npos;
}

bool mentions_any(std::string_view text, const std::set<std::string>& identifiers) {
  return std::any_of(identifiers.begin(), identifiers.end(),
                     [&](const std::string& one) { return mentions(text, one); });
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  const PgQueryScanResult scanned = pg_query_scan(std::string(text).c_str());
  if (!scanned.error) {
    PgQuery__ScanResult* result = pg_query__scan_result__unpack(
        nullptr, scanned.pbuf.len, reinterpret_cast<const std::uint8_t*>(scanned.pbuf.data));
    for (std::size_t i = 0; result && i < result->n_tokens; ++i) {
      const PgQuery__ScanToken& token = *result->tokens[i];
      if (token.token == PG_QUERY__TOKEN__SQL_COMMENT || token.token == PG_QUERY__TOKEN__C_COMMENT) continue;
      tokens.push_back(token_from(token, text));
    }
    if (result) pg_query__scan_result__free_unpacked(result, nullptr);
  }
  pg_query_free_scan_result(scanned);
  return tokens;
}

bool token_mentions(const std::vector<Token>& tokens, const std::set<std::string>& names) {
  return std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) {
    switch (token.kind) {
      case Token::Kind::word:
        return names.contains(token.text);
      case Token::Kind::quoted_name:
        return names.contains(token.text) || mentions_any(token.text, names);  // U&"…" is not decoded
      case Token::Kind::string:
        return mentions_any(token.text, names);
      case Token::Kind::other:
        return false;
    }
    return false;
  });
}

std::string_view name(StatementUse use) {
  switch (use) {
    case StatementUse::uses:
      return "uses";
    case StatementUse::does_not:
      return "does_not";
    case StatementUse::ambiguous:
      return "ambiguous";
    case StatementUse::unparsed:
      return "unparsed";
  }
  return "unparsed";
}

std::set<std::string> JudgeTarget::watched() const {
  std::set<std::string> names;
  for (const auto* group : {&relations, &views, &functions})
    for (const TableName& one : *group) names.insert(one.name);
  if (!object.name.empty()) names.insert(object.name);
  if (kind == Structure::Kind::type) names.insert("_" + object.name);  // its array type
  return names;
}

}  // namespace switchback::postgres
