#include "fields.hpp"

#include <algorithm>

#include "switchback/core/draft.hpp"
#include "switchback/core/nearest.hpp"
#include "switchback/core/settings.hpp"

namespace switchback::plan_file {
namespace {

bool high(char c) {
  return (static_cast<unsigned char>(c) & 0x80U) != 0;
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || high(c);
}
bool inner(char c) {
  return letter(c) || (c >= '0' && c <= '9') || c == '$';
}

/// Takes one identifier off the front of `text`.
Identifier take_identifier(std::string_view& text) {
  Identifier result;
  if (text.starts_with('"')) {
    std::size_t i = 1;
    for (; i < text.size(); ++i) {
      if (text[i] == '"' && !(i + 1 < text.size() && text[i + 1] == '"')) break;
      if (text[i] == '"') ++i;
      result.name += text[i];
    }
    if (i >= text.size()) return {{}, "its quote is never closed"};
    text.remove_prefix(i + 1);
    if (result.name.empty()) return {{}, "it is empty"};
  } else {
    if (text.empty() || !letter(text.front())) return {{}, "it must begin with a letter or _"};
    std::size_t length = 0;
    while (length < text.size() && inner(text[length])) ++length;
    result.name = std::string(text.substr(0, length));
    // As the server folds them: ASCII only, the rest depends on its locale and is left as it is in UTF-8.
    std::ranges::transform(result.name, result.name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    text.remove_prefix(length);
  }
  if (result.name.size() > 63) return {{}, "it is longer than 63 bytes, where PostgreSQL would cut it"};
  return result;
}

std::string left_over(std::string_view rest) {
  return "\"" + std::string(rest.substr(0, 20)) + "\" does not belong in a name";
}

std::string quote_hint(std::string_view text) {
  if (text.size() > 63) return "choose a shorter one";
  return "a name with other characters is written '" + quote_identifier(text) + "'";
}

}  // namespace

Identifier parse_identifier(std::string_view text) {
  Identifier result = take_identifier(text);
  if (result.why_not.empty() && !text.empty()) result.why_not = left_over(text);
  return result;
}

ParsedTable parse_table(std::string_view text) {
  Identifier first = take_identifier(text);
  if (!first.why_not.empty()) return {{}, first.why_not};
  if (text.empty()) return {{"public", first.name}, {}};
  if (text.front() != '.') return {{}, left_over(text)};
  text.remove_prefix(1);
  Identifier second = take_identifier(text);
  if (!second.why_not.empty()) return {{}, second.why_not};
  if (!text.empty()) return {{}, text.front() == '.' ? "it has more than schema and name" : left_over(text)};
  if (first.name == "switchback" || first.name == "information_schema" || first.name.starts_with("pg_"))
    return {{}, "schema " + first.name + " is the system's, or switchback's own"};
  return {{first.name, second.name}, {}};
}

std::string enumerated(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + std::string(words[i]);
  return text;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
  if (const auto near = nearest(word, known)) return "did you mean " + *near + "?";
  std::string text;
  for (const std::string_view entry : known) text += (text.empty() ? "known here: " : ", ") + std::string(entry);
  return text;
}

std::vector<std::pair<Value, Value>> free_entries(Findings& findings, const Node& map) {
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [key, value] : map.entries) {
    const Place place = value->kind == Node::Kind::null ? key->place : value->place;
    if (key->kind != Node::Kind::scalar) {
      findings.error(key->place, "a key must be text, this one is " + std::string(kind_name(*key)), {});
      continue;
    }
    const auto same = [&key = key](const auto& entry) { return entry.first.node->value == key->value; };
    if (const auto first = std::ranges::find_if(entries, same); first != entries.end()) {
      findings.error(key->place, "key " + key->value + " is given twice",
                     "first in line " + std::to_string(first->first.place.line) + ": keep one");
      continue;
    }
    entries.push_back({Value{key.get(), key->place}, Value{value.get(), place}});
  }
  return entries;
}

// --- values ------------------------------------------------------------------------------------------------------

std::optional<std::string> Values::text(std::string_view key, const Value& value) const {
  const std::string name(key);
  if (value.node->kind == Node::Kind::null) {
    findings_.error(value.place, name + " is empty", "give it a value, or leave it out; the SQL word is \"null\"");
  } else if (value.node->kind != Node::Kind::scalar) {
    findings_.error(value.place, name + " must be text, this is " + std::string(kind_name(*value.node)),
                    "put text with [ ] { } in quotes");
  } else if (value.node->value.find_first_not_of(" \t\r\n") == std::string::npos) {
    findings_.error(value.place, name + " is empty", "the empty string in SQL is written \"''\"");
  } else if (const auto what = to_fill_in(value.node->value); what && !findings_.is_draft()) {
    findings_.error(value.place, name + " is still to be filled in: " + *what,
                    "put it in the place of the whole text between the quotes");
  } else {
    return value.node->value;
  }
  return std::nullopt;
}

std::optional<bool> Values::boolean(std::string_view key, const Value& value) const {
  const bool plain = value.node->kind == Node::Kind::scalar && value.node->plain;
  if (plain && value.node->value == "true") return true;
  if (plain && value.node->value == "false") return false;
  findings_.error(value.place, std::string(key) + " must be true or false", {});
  return std::nullopt;
}

bool Values::is_boolean(std::string_view key, const Value& value) const {
  const bool boolean = value.node->plain && (value.node->value == "true" || value.node->value == "false");
  if (boolean)
    findings_.error(value.place,
                    std::string(key) + " must be a name, YAML reads " + value.node->value + " as a boolean",
                    "put it in quotes");
  return boolean;
}

std::optional<std::string> Values::identifier(std::string_view key, const Value& value) const {
  const auto written = text(key, value);
  if (!written || is_boolean(key, value)) return std::nullopt;
  Identifier identifier = parse_identifier(*written);
  if (identifier.why_not.empty()) return std::move(identifier.name);
  findings_.error(value.place, std::string(key) + ": \"" + *written + "\" is not a name: " + identifier.why_not,
                  quote_hint(*written));
  return std::nullopt;
}

std::optional<TableName> Values::table(std::string_view key, const Value& value) const {
  const auto written = text(key, value);
  if (!written || is_boolean(key, value)) return std::nullopt;
  ParsedTable parsed = parse_table(*written);
  if (parsed.why_not.empty()) return std::move(parsed.table);
  findings_.error(value.place, std::string(key) + ": \"" + *written + "\" is not a name: " + parsed.why_not,
                  "write table, schema.table, or in quotes '\"Order Items\"'");
  return std::nullopt;
}

std::vector<Value> Values::list(std::string_view key, const Value& value) const {
  std::vector<Value> items;
  if (value.node->kind != Node::Kind::sequence) {
    findings_.error(value.place, std::string(key) + " must be a list, this is " + std::string(kind_name(*value.node)),
                    "write [a, b], or one `- ` line each");
  } else if (value.node->items.empty()) {
    findings_.error(value.place, std::string(key) + " is an empty list", "leave it out");
  } else {
    for (const NodePointer& item : value.node->items)
      items.push_back({item.get(), item->kind == Node::Kind::null ? value.place : item->place});
  }
  return items;
}

std::optional<std::string> Values::setting(std::string_view setting, const Value& value) const {
  const std::string_view key = setting.substr(setting.rfind('.') + 1);
  auto written = text(key, value);
  if (!written) return std::nullopt;
  if (const auto why = misfit(setting, *written)) {
    findings_.error(value.place, std::string(key) + ": \"" + *written + "\" " + *why, {});
    return std::nullopt;
  }
  return written;
}

// --- fields ------------------------------------------------------------------------------------------------------

Fields::Fields(Findings& findings, const Value& map, std::string what, std::span<const std::string_view> known,
               std::span<const std::string_view> unadvised)
    : findings_(findings), values_(findings), what_(std::move(what)), place_(map.place) {
  if (map.node->kind != Node::Kind::map) {
    findings.error(map.place, what_ + " must be a map, this is " + std::string(kind_name(*map.node)),
                   "write { key: value, … }, or one indented `key: value` line each");
    return;
  }
  is_map_ = true;
  for (auto& [key, value] : free_entries(findings, *map.node)) {
    const auto in = [&key = key](std::span<const std::string_view> keys) {
      return std::ranges::find(keys, key.node->value) != keys.end();
    };
    if (!in(known) && !in(unadvised))
      findings.error(key.place, what_ + " has no key " + key.node->value, suggestion(key.node->value, known));
    else
      entries_.emplace_back(key.node->value, value);
  }
}

const Value* Fields::find(std::string_view key) const {
  const auto found = std::ranges::find_if(entries_, [key](const auto& entry) { return entry.first == key; });
  return found == entries_.end() ? nullptr : &found->second;
}

const Value* Fields::need(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr && is_map_) findings_.error(place_, what_ + " needs " + std::string(key), {});
  return value;
}

std::optional<std::string> Fields::text(std::string_view key) const {
  const Value* value = find(key);
  return value == nullptr ? std::nullopt : values_.text(key, *value);
}

std::optional<bool> Fields::boolean(std::string_view key) const {
  const Value* value = find(key);
  return value == nullptr ? std::nullopt : values_.boolean(key, *value);
}

std::optional<std::string> Fields::identifier(std::string_view key) const {
  const Value* value = find(key);
  return value == nullptr ? std::nullopt : values_.identifier(key, *value);
}

std::string Fields::need_text(std::string_view key) const {
  const Value* value = need(key);
  return value == nullptr ? std::string() : values_.text(key, *value).value_or("");
}

std::string Fields::need_identifier(std::string_view key) const {
  const Value* value = need(key);
  return value == nullptr ? std::string() : values_.identifier(key, *value).value_or("");
}

TableName Fields::need_table(std::string_view key) const {
  const Value* value = need(key);
  return value == nullptr ? TableName{} : values_.table(key, *value).value_or(TableName{});
}

std::optional<std::size_t> Fields::choice(std::string_view key, std::span<const std::string_view> words) const {
  const Value* value = find(key);
  const auto written = value == nullptr ? std::nullopt : values_.text(key, *value);
  if (!written) return std::nullopt;
  const auto found = std::ranges::find(words, *written);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  findings_.error(value->place, std::string(key) + ": \"" + *written + "\" must be " + enumerated(words), {});
  return std::nullopt;
}

}  // namespace switchback::plan_file
