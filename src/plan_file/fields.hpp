/// The keys of one map: known, unique, present, and of the right type. Private to the readers.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switchback/core/sql.hpp"
#include "yaml_tree.hpp"

namespace switchback::plan_file {

/// A value with the place that messages about it point to (an empty value has none of its own: its key's).
struct Value {
  const Node* node = nullptr;
  Place place;
};

/// An identifier as SQL reads it, or why it is none.
struct Identifier {
  std::string name;
  std::string why_not;  ///< empty when it is one
};
Identifier parse_identifier(std::string_view text);
struct ParsedTable {
  TableName table;
  std::string why_not;
};
ParsedTable parse_table(std::string_view text);

/// Typed readings of single values; each notes why when it gives nothing.
class Values {
 public:
  explicit Values(Findings& findings) : findings_(findings) {}

  /// Any scalar that is not empty, as written: SQL, text, durations.
  std::optional<std::string> text(std::string_view key, const Value& value) const;
  std::optional<bool> boolean(std::string_view key, const Value& value) const;
  /// A column, index or constraint name, folded.
  std::optional<std::string> identifier(std::string_view key, const Value& value) const;
  std::optional<TableName> table(std::string_view key, const Value& value) const;
  std::vector<Value> list(std::string_view key, const Value& value) const;
  /// The value as the setting `setting` takes it.
  std::optional<std::string> setting(std::string_view setting, const Value& value) const;

  Findings& findings() const { return findings_; }

 private:
  /// A plain true or false where a name belongs; noted.
  bool is_boolean(std::string_view key, const Value& value) const;

  Findings& findings_;
};

class Fields {
 public:
  /// Notes keys that are no text, unknown or given twice. `what` names the map in messages: "add_column"; keys in
  /// `unadvised` are taken as well, but never suggested.
  Fields(Findings& findings, const Value& map, std::string what, std::span<const std::string_view> known,
         std::span<const std::string_view> unadvised = {});

  bool is_map() const { return is_map_; }
  /// For messages about the map as a whole.
  Place place() const { return place_; }
  const Value* find(std::string_view key) const;
  /// Notes that it is missing, once.
  const Value* need(std::string_view key) const;

  std::optional<std::string> text(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> identifier(std::string_view key) const;
  std::string need_text(std::string_view key) const;
  std::string need_identifier(std::string_view key) const;
  TableName need_table(std::string_view key) const;
  /// Index into `words`, when given and one of them.
  std::optional<std::size_t> choice(std::string_view key, std::span<const std::string_view> words) const;

 private:
  Findings& findings_;
  Values values_;
  std::string what_;
  Place place_;
  bool is_map_ = false;
  std::vector<std::pair<std::string, Value>> entries_;
};

/// "a, b or c".
std::string enumerated(std::span<const std::string_view> words);
/// "did you mean x?", or else the words that are known.
std::string suggestion(std::string_view word, std::span<const std::string_view> known);

/// The entries of a map whose keys the user chooses; notes duplicates and keys that are no text.
std::vector<std::pair<Value, Value>> free_entries(Findings& findings, const Node& map);

}  // namespace switchback::plan_file
