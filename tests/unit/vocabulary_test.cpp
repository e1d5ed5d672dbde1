// `new` writes a plan of every kind, and the reader takes it.
#include "switchback/plan_file/vocabulary.hpp"

#include <algorithm>
#include <set>

#include "catch.hpp"
#include "switchback/plan_file/draft_file.hpp"
#include "switchback/plan_file/plan_reader.hpp"

using namespace switchback;
using Form = KindKey::Form;

namespace {

Argument example(const KindKey& key) {
  const auto at = key.example.find('=');
  const bool named = at != std::string::npos && (key.form == Form::map || key.form == Form::any);
  if (key.form == Form::flag) return {key.name, true};
  if (named && key.name == "types") {  // one for each column
    ColumnExpressions all;
    for (std::size_t from = 0; from < key.example.size();) {
      const auto equals = key.example.find('=', from);
      const auto end = std::min(key.example.find(',', equals), key.example.size());
      all.emplace_back(key.example.substr(from, equals - from), key.example.substr(equals + 1, end - equals - 1));
      from = end + 1;
    }
    return {key.name, all};
  }
  if (named) return {key.name, ColumnExpressions{{key.example.substr(0, at), key.example.substr(at + 1)}}};
  if (const auto comma = key.example.find(','); key.form == Form::names && comma != std::string::npos)
    return {key.name, std::vector<std::string>{key.example.substr(0, comma), key.example.substr(comma + 1)}};
  if (key.form == Form::names || key.form == Form::texts) return {key.name, std::vector<std::string>{key.example}};
  if (key.example == "null") return {key.name, {}};
  return {key.name, key.example};
}

/// What a change needs beside where it cannot ask a database.
bool needed_without_database(const Kind& kind, const KindKey& key) {
  return (kind.name == "partition_table" && key.name == "primary_key") ||
         (kind.name == "extract_table" && key.name == "types");
}

/// Steps that stand beside another one of the plan.
bool stands_alone(const Kind& kind) {
  return kind.name != "copy_table" && kind.name != "replace_table" && kind.name != "pair_tables";
}

/// With the required keys, the first of each choice, and `more` where it is named.
DraftEntry entry_of(const Kind& kind, const std::string& phase, const std::string& more = {}) {
  DraftEntry entry;
  entry.kind = kind.name;
  entry.phase = phase;
  for (const KindKey& key : kind.keys) {
    bool wanted = key.required || key.name == more || needed_without_database(kind, key);
    for (const auto& choice : kind.one_of)
      wanted = wanted || (key.name == choice.front() && std::ranges::find(choice, more) == choice.end());
    if (wanted) entry.arguments.push_back(example(key));
  }
  return entry;
}

}  // namespace

TEST_CASE("a plan of every kind, with every key of its own, passes the reader", "[vocabulary]") {
  REQUIRE(vocabulary().size() > 25);
  std::size_t written = 0;
  for (const Kind& kind : vocabulary()) {
    CAPTURE(kind.name);
    CHECK_FALSE(kind.what.empty());
    if (!stands_alone(kind)) continue;
    for (const bool long_form : {false, true}) {
      DraftOptions options;
      options.name = "made";
      options.explained = true;
      options.long_form = long_form;
      const DraftFiles files = write_drafts({entry_of(kind, kind.phase)}, options);
      for (const RefusedEntry& refused : files.refused) FAIL_CHECK(refused.message << " " << refused.hint);
      REQUIRE(files.files.size() == 1);
      INFO(files.files.front().text);
      CHECK(read_plan(files.files.front().text, "made.yaml").plan);
      ++written;
    }
  }
  CHECK(written >= 2 * static_cast<std::size_t>(std::ranges::count_if(vocabulary(), stands_alone)));
}

TEST_CASE("every key is told of, and has an example that the reader takes", "[vocabulary]") {
  // Keys that only go together with another one, or not with one that is required.
  const std::set<std::string> together = {
      "create_index.constraint", "create_index.unique",    "fix.references",          "fix.foreign_key",
      "set_comment.column",      "set_comment.constraint", "create_index.definition", "create_index.nulls_not_distinct",
      "add_column.not_null",     "add_column.of",          "create_view.columns",     "create_view.without",
      "create_table.partitions", "partition_table.every",  "partition_table.from",    "partition_table.to",
      "partition_table.modulus"};
  for (const Kind& kind : vocabulary())
    for (const KindKey& key : kind.keys) {
      CAPTURE(kind.name, key.name);
      CHECK((!key.what.empty() && (key.form == Form::flag || !key.example.empty())));
      if (!stands_alone(kind) || together.contains(kind.name + "." + key.name)) continue;
      DraftOptions options;
      options.name = "made";
      const DraftFiles files = write_drafts({entry_of(kind, kind.phase, key.name)}, options);
      for (const RefusedEntry& refused : files.refused) FAIL_CHECK(refused.message << " " << refused.hint);
    }
}
