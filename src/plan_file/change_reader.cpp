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

void read_other_table(Findings& findings, const Fields& fields, std::string_view kind, std::string_view key,
                      ChangePair& change) {
  change.table = fields.need_table("table");
  change.to = fields.need_table(key);
  if (const Value* on = fields.need("on")) change.on = read_on(findings, *on);
  if (!change.table.name.empty() && change.table == change.to)
    findings.error(fields.find(key)->place,
                   std::string(kind) + ": table and " + std::string(key) + " are the same table", {});
}

}  // namespace

ChangePair read_move_column(Findings& findings, const Value& arguments) {
  constexpr std::array<std::string_view, 4> known = {"table", "column", "to", "on"};
  const Fields fields(findings, arguments, "move_column", known);
  ChangePair change;
  change.what = GoOver::move_column;
  read_other_table(findings, fields, "move_column", "to", change);
  change.columns = {fields.need_identifier("column")};
  return change;
}

ChangePair read_extract_table(Findings& findings, const Value& arguments) {
  constexpr std::array<std::string_view, 5> known = {"table", "columns", "into", "on", "types"};
  const Fields fields(findings, arguments, "extract_table", known);
  ChangePair change;
  change.what = GoOver::extract_table;
  read_other_table(findings, fields, "extract_table", "into", change);
  if (const Value* columns = fields.need("columns")) change.columns = read_names(findings, "columns", *columns);
  if (const Value* types = fields.find("types")) change.types = read_expressions(findings, "types", *types);
  return change;
}

ChangePair read_inline_table(Findings& findings, const Value& arguments) {
  constexpr std::array<std::string_view, 4> known = {"table", "columns", "into", "on"};
  const Fields fields(findings, arguments, "inline_table", known);
  ChangePair change;
  change.what = GoOver::inline_table;
  read_other_table(findings, fields, "inline_table", "into", change);
  if (const Value* columns = fields.need("columns")) change.columns = read_names(findings, "columns", *columns);
  return change;
}

namespace {

/// How the rows are parted: every and its ends, or partitions, or a modulus.
void read_partitions(Findings& findings, const Fields& fields, ChangePartition& change) {
  const auto misplaced = [&](std::string_view key, std::string_view why) {
    if (const Value* value = fields.find(key))
      findings.error(value->place, "partition_table: " + std::string(key) + " " + std::string(why), {});
  };
  change.every = fields.text("every").value_or("");
  if (const Value* partitions = fields.find("partitions"))
    change.partitions = read_expressions(findings, "partitions", *partitions);
  if (change.by == PartitionBy::hash) {
    for (const auto* key : {"every", "from", "to", "partitions"}) misplaced(key, "is not for by: hash");
    const std::string modulus = fields.need_text("modulus");
    const bool digits = !modulus.empty() && modulus.size() < 5 &&
                        std::ranges::all_of(modulus, [](char c) { return c >= '0' && c <= '9'; });
    change.modulus = digits ? std::stoi(modulus) : 0;
    if (fields.find("modulus") != nullptr && (change.modulus < 2 || change.modulus > 1000))
      findings.error(fields.find("modulus")->place, "modulus must be a number from 2 to 1000",
                     "so many partitions are made");
    return;
  }
  misplaced("modulus", "is for by: hash");
  if (change.every.empty() == change.partitions.empty() || (change.by == PartitionBy::list && !change.every.empty()))
    findings.error(
        fields.place(),
        change.by == PartitionBy::list ? "partition_table: by: list needs partitions"
                                       : "partition_table: say one of every and partitions",
        "every: month with from and to; or partitions: { name: bounds as CREATE TABLE has them, FOR VALUES … "
        "}");
  if (change.every.empty()) {
    for (const auto* key : {"from", "to"}) misplaced(key, "goes with every");
    return;
  }
  constexpr std::array<std::string_view, 4> stretches = {"day", "week", "month", "year"};
  if (std::ranges::find(stretches, change.every) == stretches.end())
    findings.error(fields.find("every")->place, "every must be day, week, month or year",
                   "other stretches are written as partitions: { name: FOR VALUES FROM (…) TO (…) }");
  change.from = fields.need_text("from");
  change.to = fields.need_text("to");
}

}  // namespace

ChangePartition read_partition_table(Findings& findings, const Value& arguments) {
  constexpr std::array<std::string_view, 9> known = {"table", "by",         "key",     "every",      "from",
                                                     "to",    "partitions", "modulus", "primary_key"};
  const Fields fields(findings, arguments, "partition_table", known);
  ChangePartition change;
  change.table = fields.need_table("table");
  change.key = fields.need_identifier("key");
  const std::string by = fields.need_text("by");
  if (by == "list") change.by = PartitionBy::list;
  if (by == "hash") change.by = PartitionBy::hash;
  if (fields.find("by") != nullptr && by != "range" && by != "list" && by != "hash")
    findings.error(fields.find("by")->place, "by must be range, list or hash", {});
  else if (fields.is_map())
    read_partitions(findings, fields, change);
  if (const Value* key = fields.find("primary_key")) change.primary_key = read_names(findings, "primary_key", *key);
  return change;
}

}  // namespace switchback::plan_file
