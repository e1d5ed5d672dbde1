#include "change_reader.hpp"

#include <algorithm>
#include <array>

#include "step_reader.hpp"

namespace switchback::plan_file {
namespace {

/// The reason in `{ none: reason }`, when the value is just that.
std::optional<std::string> read_none(Findings& findings, const Value& value) {
  const bool map = value.node->kind == Node::Kind::map;
  if (!map || value.node->entries.size() != 1 || value.node->entries.front().first->value != "none")
    return std::nullopt;
  constexpr std::array<std::string_view, 1> known = {"none"};
  return Fields(findings, value, "reverse", known).text("none").value_or("");
}

bool has(const ColumnExpressions& expressions, const std::string& column) {
  return std::ranges::find(expressions, column, &std::pair<std::string, std::string>::first) != expressions.end();
}

}  // namespace

ChangeSplitColumn read_split_column(Findings& findings, const Value& arguments) {
  constexpr std::array<std::string_view, 5> known = {"table", "from", "into", "types", "reverse"};
  const Fields fields(findings, arguments, "split_column", known);
  ChangeSplitColumn split;
  split.table = fields.need_table("table");
  split.from = fields.need_identifier("from");
  if (const Value* into = fields.need("into")) split.into = read_expressions(findings, "into", *into);
  if (const Value* types = fields.find("types")) split.types = read_expressions(findings, "types", *types);
  if (const Value* reverse = fields.need("reverse")) {
    split.reverse_none = read_none(findings, *reverse);
    if (!split.reverse_none) split.reverse = fields.text("reverse");
  }
  for (const auto& [column, type] : split.types)
    if (!split.into.empty() && !has(split.into, column))
      findings.error(fields.find("types")->place, "types: the same column must be in into: " + shown(column), {});
  if (has(split.into, split.from))
    findings.error(fields.find("into")->place, "split_column: into has the same column as from",
                   "give the new column another name");
  return split;
}

ChangeMergeColumns read_merge_columns(Findings& findings, const Value& arguments) {
  constexpr std::array<std::string_view, 6> known = {"table", "from", "into", "type", "fill", "reverse"};
  const Fields fields(findings, arguments, "merge_columns", known);
  const Values values(findings);
  ChangeMergeColumns merge;
  merge.table = fields.need_table("table");
  if (const Value* from = fields.need("from"))
    for (const Value& item : values.list("from", *from))
      if (auto column = values.identifier("from", item)) merge.from.push_back(std::move(*column));
  merge.into = fields.need_identifier("into");
  merge.type = fields.text("type").value_or("text");
  merge.fill = fields.need_text("fill");
  if (const Value* reverse = fields.need("reverse")) {
    merge.reverse_none = read_none(findings, *reverse);
    if (!merge.reverse_none) merge.reverse = read_expressions(findings, "reverse", *reverse);
  }
  if (std::ranges::find(merge.from, merge.into) != merge.from.end())
    findings.error(fields.find("into")->place, "merge_columns: into is the same column as one of from",
                   "give the new column another name");
  return merge;
}

namespace {

/// Values of enums are words of any kind; they stand for themselves.
ColumnExpressions read_words(Findings& findings, std::string_view key, const Value& map) {
  ColumnExpressions words;
  if (map.node->kind != Node::Kind::map) {
    findings.error(map.place, std::string(key) + " must be a map of values to values",
                   std::string(key) + ": { glad: happy }");
    return words;
  }
  for (const auto& [name, value] : free_entries(findings, *map.node))
    if (auto text = Values(findings).text(name.node->value, value))
      words.emplace_back(name.node->value, std::move(*text));
  return words;
}

void check_words(Findings& findings, const ChangeReplaceEnum& change, const Value* becomes, const Value* reverse) {
  const auto is_new = [&](const std::string& value) {
    return std::ranges::find(change.values, value) != change.values.end();
  };
  for (const auto& [from, to] : change.becomes)
    if (!is_new(to))
      findings.error(becomes->place, "becomes: " + from + " becomes " + to + ", which is none of values",
                     "write it in values, or let it become one of them");
  for (const auto& [from, to] : change.reverse)
    if (!is_new(from))
      findings.error(reverse->place, "reverse: " + from + " is none of values",
                     "it says which old value an image before is shown for a new one");
}

}  // namespace

ChangeReplaceEnum read_replace_enum(Findings& findings, const Value& arguments) {
  constexpr std::array<std::string_view, 5> known = {"type", "values", "becomes", "reverse", "tables"};
  const Fields fields(findings, arguments, "replace_enum", known);
  const Values values(findings);
  ChangeReplaceEnum change;
  change.type = fields.need_table("type");
  if (const Value* list = fields.need("values"))
    for (const Value& item : values.list("values", *list)) {
      auto value = values.text("values", item);
      if (value && std::ranges::find(change.values, *value) != change.values.end())
        findings.error(item.place, "values: " + *value + " stands there twice", {});
      else if (value)
        change.values.push_back(std::move(*value));
    }
  const Value* becomes = fields.find("becomes");
  const Value* reverse = fields.find("reverse");
  if (becomes != nullptr) change.becomes = read_words(findings, "becomes", *becomes);
  if (reverse != nullptr) change.reverse = read_words(findings, "reverse", *reverse);
  if (const Value* tables = fields.need("tables"))
    for (const Value& item : values.list("tables", *tables))
      if (auto table = values.table("tables", item)) change.tables.push_back(std::move(*table));
  check_words(findings, change, becomes, reverse);
  return change;
}

}  // namespace switchback::plan_file
