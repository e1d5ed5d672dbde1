#include "change_steps.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace switchback::changing {

bool word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

void skip_spaces(std::string_view& text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
}

std::string_view take_word(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && word_character(text[length])) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

std::size_t quoted_length(std::string_view text, bool backslashes) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (backslashes && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (i + 1 >= text.size() || text[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return std::string_view::npos;
}

std::string renamed(std::string_view sql, const std::string& from, const std::string& to) {
  std::string result;
  std::string previous;  // the token before
  while (!sql.empty()) {
    std::string token(1, sql.front());
    bool same = false;
    if (sql.front() == '\'' || sql.front() == '"') {
      const std::size_t length = quoted_length(sql, sql.front() == '\'' && (previous == "E" || previous == "e"));
      token = std::string(sql.substr(0, length));
      same = token == quote_identifier(from);
    } else if (word_character(sql.front())) {
      std::string_view rest = sql;
      token = std::string(take_word(rest));
      same = lower(token) == from && shown(from) == from;
    }
    sql.remove_prefix(token.size());
    const bool elsewhere = previous == "." || previous == ":" || lower(previous) == "collate" || sql.starts_with('(') ||
                           sql.starts_with('.');
    result += same && !elsewhere ? shown(to) : token;
    if (token != " ") previous = token;
  }
  return result;
}

std::pair<std::string_view, std::string_view> split_at(std::string_view sql, std::string_view word) {
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] == '"' || sql[i] == '\'') {
      const std::size_t length = quoted_length(sql.substr(i), false);
      if (length == std::string_view::npos) break;
      i += length - 1;
    } else if (sql.substr(i).starts_with(word)) {
      return {sql.substr(0, i), sql.substr(i)};
    }
  }
  return {sql, {}};
}

namespace {

/// A name that the server wrote, quoted where it needs to be.
std::optional<std::string> take_name(std::string_view& text) {
  if (!text.starts_with('"')) {
    const std::string_view word = take_word(text);
    return word.empty() ? std::nullopt : std::optional(std::string(word));
  }
  const std::size_t length = quoted_length(text, false);
  if (length == std::string_view::npos) return std::nullopt;
  std::string name;
  for (std::size_t i = 1; i + 1 < length; ++i) {
    name += text[i];
    if (text[i] == '"') ++i;  // written twice
  }
  text.remove_prefix(length);
  return name;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

KeyAction take_key_action(std::string_view& text, std::string_view event) {
  constexpr std::array words = {std::pair{std::string_view("RESTRICT"), KeyAction::restrict_},
                                std::pair{std::string_view("CASCADE"), KeyAction::cascade},
                                std::pair{std::string_view("SET NULL"), KeyAction::set_null},
                                std::pair{std::string_view("SET DEFAULT"), KeyAction::set_default}};
  if (!take(text, event)) return KeyAction::no_action;
  for (const auto& [word, action] : words)
    if (take(text, word)) return action;
  return KeyAction::no_action;
}

}  // namespace

std::optional<AddForeignKey> foreign_key(std::string_view definition) {
  std::string_view text = split_at(definition, " REFERENCES ").second;
  if (!take(text, " REFERENCES ")) return std::nullopt;
  AddForeignKey key;
  auto name = take_name(text);
  key.referenced.schema = "public";
  if (name && take(text, ".")) {
    key.referenced.schema = *name;
    name = take_name(text);
  }
  if (!name || !take(text, "(")) return std::nullopt;
  key.referenced.name = *name;
  do {
    auto column = take_name(text);
    if (!column) return std::nullopt;
    key.referenced_columns.push_back(std::move(*column));
  } while (take(text, ", "));
  if (!take(text, ")")) return std::nullopt;
  key.on_update = take_key_action(text, " ON UPDATE ");
  key.on_delete = take_key_action(text, " ON DELETE ");
  return text.empty() ? std::optional(key) : std::nullopt;
}

std::string twin_name(const std::string& old_name, const Twins& columns, std::set<std::string>& taken) {
  std::string wanted = old_name + "_" + columns.to;
  if (const auto at = old_name.find(columns.from); at != std::string::npos)
    wanted = std::string(old_name).replace(at, columns.from.size(), columns.to);
  std::string name = fit_name(wanted);
  for (int number = 1; !taken.insert(name).second; ++number) name = fit_name(wanted + std::to_string(number));
  return name;
}

CreateIndex twin_index(const IndexFacts& index, const Twins& columns, const std::string& name) {
  const auto [head, tail] = split_at(index.definition, " USING ");
  const auto table = split_at(head, " ON ").second;
  CreateIndex create;
  create.table = columns.table;
  for (const std::string& key : index.columns)
    if (!key.empty()) create.columns.push_back(key == columns.from ? columns.to : key);
  create.unique = index.unique;
  create.name = name;
  create.definition = std::string(index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") + quote_identifier(name) +
                      std::string(table) + renamed(tail, columns.from, columns.to);
  return create;
}

bool mentions(const IndexFacts& index, const ColumnFacts& column) {
  return std::ranges::find(index.mentions, column.number) != index.mentions.end() ||
         std::ranges::find(index.columns, column.name) != index.columns.end();
}

bool mentions(const ConstraintFacts& constraint, const ColumnFacts& column) {
  return std::ranges::find(constraint.columns, column.name) != constraint.columns.end();
}

std::set<std::string> names_on(const TableFacts& table) {
  std::set<std::string> names;
  for (const IndexFacts& index : table.indexes) names.insert(index.name.name);
  for (const ConstraintFacts& constraint : table.constraints) names.insert(constraint.name);
  return names;
}

std::string cannot_be_copied(const TableFacts& table, const ColumnFacts& column) {
  if (column.generated) return "is a generated column";
  if (column.identity) return "is an identity column";
  if (std::ranges::find(table.partition_key, column.name) != table.partition_key.end())
    return "is in the partition key";
  for (const IndexFacts& index : table.indexes)
    if (index.primary && mentions(index, column)) return "is in the primary key";
  for (const ConstraintFacts& constraint : table.constraints)
    if (constraint.type == 'x' && mentions(constraint, column))
      return "is in the exclusion constraint " + shown(std::string_view(constraint.name));
  return "";
}

}  // namespace switchback::changing
