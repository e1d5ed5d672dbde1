#include "switchback/plan_file/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "plan_schema.hpp"

namespace switchback {
namespace {

using Json = nlohmann::ordered_json;
using Form = KindKey::Form;

/// What people are told of a key, and a value for examples. A row with a kind wins over one without.
struct Words {
  std::string_view kind;
  std::string_view key;
  std::string_view example;
  std::string_view what;
};
constexpr std::array key_words = {
    Words{"add_column", "", "", "a new column, with a default, or filled from the row"},
    Words{"rename_column", "", "", "a column gets another name; both work until contract"},
    Words{"change_type", "", "", "a column gets another type, under its name"},
    Words{"replace_primary_key", "", "", "a key gets a wider type, with all columns that refer to it"},
    Words{"split_column", "", "", "one column becomes several"},
    Words{"partition_table", "", "", "a plain table becomes a partitioned one of the same name"},
    Words{"merge_columns", "", "", "several columns become one"},
    Words{"set_not_null", "", "", "a column must have a value: counted, mended, enforced, validated"},
    Words{"change_default", "", "", "new rows get another default"},
    Words{"set_default", "", "", "new rows get another default"},
    Words{"drop_constraint", "", "", "a constraint goes"},
    Words{"drop_index", "", "", "an index goes"},
    Words{"drop_table", "", "", "a table goes: hidden first, kept as its own archive, then dropped"},
    Words{"drop_view", "", "", "a view goes: hidden first, then dropped"},
    Words{"drop_type", "", "", "a type goes: hidden first, then dropped"},
    Words{"drop_function", "", "", "a function or procedure goes: hidden first, then dropped"},
    Words{"create_table", "", "", "a new table"},
    Words{"create_enum", "", "", "a new enum"},
    Words{"create_view", "", "", "a new view"},
    Words{"add_enum_value", "", "", "an enum gets a value, which PostgreSQL cannot take back"},
    Words{"rename_table", "", "", "a table gets another name; both work until contract"},
    Words{"drop_default", "", "", "new rows get no default any more"},
    Words{"rename_index", "", "", "an index gets another name"},
    Words{"rename_constraint", "", "", "a constraint gets another name"},
    Words{"set_storage_parameters", "", "", "fillfactor, autovacuum_… of a table or an index"},
    Words{"set_replica_identity", "", "", "what tells subscribers which row was changed"},
    Words{"set_statistics", "", "", "how much ANALYZE samples of a column"},
    Words{"set_storage", "", "", "how values of a column are stored and compressed, from the next write on"},
    Words{"sql_batched", "", "", "a statement over all rows of a table, batch by batch"},
    Words{"add_exclusion", "", "", "no two rows may be in each other's way; its index is built under a lock"},
    Words{"set_comment", "", "", "COMMENT ON a table, column, constraint, view, index or type"},
    Words{"", "table", "users", "the table, with its schema when that is not public"},
    Words{"", "name", "city", "its name"},
    Words{"", "column", "city", "the column"},
    Words{"", "columns", "city", "the columns, in order"},
    Words{"", "type", "text", "the type, as SQL has it"},
    Words{"", "default", "'none'", "SQL; what new rows get, and a constant also rows that are there"},
    Words{"", "not_null", "", "NOT NULL: enforced in contract where rows are filled first"},
    Words{"", "fix", "delete",
          "how rows in the way are mended: SQL, null, delete, or column=SQL; left out: the plan holds"},
    Words{"", "where", "city IS NOT NULL", "only rows of which this is true"},
    Words{"", "batch", "target=25ms", "how long a batch may take (target), how much WAL it may write (max_wal)"},
    Words{"", "reverse", "city=town",
          "SQL that makes the old side of the new one; without it a rollback loses new writes"},
    Words{"", "before", "sent", "the value that it comes before"},
    Words{"", "after", "new", "the value that it comes after"},
    Words{"", "on_delete", "set null", "what a deletion of the row referred to does"},
    Words{"", "on_update", "cascade", "what a change of the key referred to does"},
    Words{"", "references", "teams(id)", "the table and its columns that are referred to"},
    Words{"", "check", "qty > 0", "SQL over the row that must be true, or NULL"},
    Words{"add_check", "table", "items", "the table, with its schema when that is not public"},
    Words{"add_check", "fix", "qty=1",
          "how rows in the way are mended: column=SQL, or delete; left out: the plan holds"},
    Words{"", "constraint", "users_city_check", "the constraint's name"},
    Words{"add_check", "name", "items_qty_check", "the constraint's name; made from table and columns when left out"},
    Words{"add_unique", "name", "users_city_key", "the constraint's name; made from table and columns when left out"},
    Words{"add_foreign_key", "name", "users_team_fkey",
          "the constraint's name; made from table and columns when left out"},
    Words{"add_foreign_key", "columns", "team_id", "the columns that refer"},
    Words{"add_foreign_key", "fix", "null",
          "how rows that refer to nothing are mended: null, delete or SQL; left out: the plan holds"},
    Words{"add_column", "name", "phone", "the new column"},
    Words{"add_column", "fill", "lower(name)",
          "SQL over the row, for a value that each row has of its own; excludes default"},
    Words{"add_column", "like", "city", "the column whose default, comment and grants it takes over"},
    Words{"drop_column", "name", "legacy", "the column that goes: hidden first, then archived, then dropped"},
    Words{"drop_column", "born_since", "''", "SQL: what rows born after the drop get when the column is restored"},
    Words{"rename_column", "from", "mail", "the column as it is called now"},
    Words{"rename_column", "to", "email", "as it is called then; both names work until contract"},
    Words{"change_type", "to", "bigint", "the new type; the name stays"},
    Words{"change_type", "column", "amount", "the column"},
    Words{"change_type", "fill", "amount::bigint", "the new value; left out: as an assignment converts it"},
    Words{"change_type", "reverse", "amount::int", "the old value from the new one, for writes of the image after"},
    Words{"replace_primary_key", "to", "bigint", "the new type, a wider integer; the name stays"},
    Words{"replace_primary_key", "column", "id", "the column of the primary key; what refers to it is found"},
    Words{"split_column", "from", "full_name", "the column that is split"},
    Words{"split_column", "into", "first_name=split_part(full_name, ' ', 1)", "each new column, as SQL over the row"},
    Words{"split_column", "types", "first_name=varchar(200)", "types of the new columns; text when left out"},
    Words{"split_column", "reverse", "first_name", "SQL that makes the old column again, or none=why it cannot be"},
    Words{"merge_columns", "from", "street,city", "the columns that become one"},
    Words{"merge_columns", "into", "address", "the new column"},
    Words{"merge_columns", "fill", "concat_ws(', ', street, city)", "the new column, as SQL over the row"},
    Words{"merge_columns", "reverse", "street=split_part(address, ', ', 1)",
          "SQL that makes each old column again, or none=why it cannot be"},
    Words{"create_index", "name", "users_city_idx", "made from table and columns when left out"},
    Words{"create_index", "columns", "city", "columns, or expressions in parentheses"},
    Words{"create_index", "unique", "", "only where a column of it is made by this plan; else add_unique"},
    Words{"create_index", "method", "btree", "btree when left out"},
    Words{"create_index", "include", "name", "columns that come along and are not searched"},
    Words{"create_index", "definition", "CREATE INDEX users_city_idx ON users (city)",
          "the whole statement, in place of the other keys"},
    Words{"create_index", "constraint", "", "a unique constraint is made of it"},
    Words{"create_table", "name", "items", "the new table"},
    Words{"create_table", "columns", "id=bigint GENERATED ALWAYS AS IDENTITY",
          "each column, and the rest as CREATE TABLE has it"},
    Words{"create_table", "primary_key", "id", "its columns"},
    Words{"create_table", "constraints", "CHECK (id > 0)", "as CREATE TABLE has them"},
    Words{"create_table", "like", "users", "the table whose columns, checks, owner, grants and policies it gets"},
    Words{"partition_table", "table", "events", "the table, with its schema when that is not public"},
    Words{"partition_table", "by", "range", "range, list or hash"},
    Words{"partition_table", "key", "created_at", "the column that says where a row belongs"},
    Words{"partition_table", "partitions", "events_old=FOR VALUES FROM (MINVALUE) TO ('2026-01-01')",
          "each partition, and its bounds as CREATE TABLE has them; one that takes the rest is added"},
    Words{"partition_table", "every", "month", "by range: a partition for each day, week, month or year"},
    Words{"partition_table", "from", "2026-01-01", "the date at which the first of them begins"},
    Words{"partition_table", "to", "2027-01-01", "the date at which the last of them ends"},
    Words{"partition_table", "modulus", "8", "by hash: so many partitions"},
    Words{"partition_table", "primary_key", "id,created_at",
          "of the new table, with the key in it; without a database it must be given"},
    Words{"copy_table", "to", "users_new", "the table that gets the rows, which the plan makes"},
    Words{"copy_table", "key", "id", "columns that tell a row in both tables"},
    Words{"replace_table", "with", "users_new", "the table that takes its place, under its name"},
    Words{"replace_table", "names", "users_pkey=users_new_pkey",
          "indexes and constraints of the old one, each with its twin"},
    Words{"create_enum", "name", "mood", "the new type"},
    Words{"create_enum", "values", "fine", "in order"},
    Words{"create_view", "name", "cities", "the new view"},
    Words{"create_view", "query", "SELECT DISTINCT city FROM users", "what it shows"},
    Words{"add_enum_value", "type", "mood", "the enum"},
    Words{"add_enum_value", "value", "glad", "the new value; PostgreSQL cannot take it back"},
    Words{"set_comment", "comment", "where they live", "the text"},
    Words{"set_comment", "view", "cities", "the view that it is about"},
    Words{"set_comment", "index", "users_city_idx", "the index that it is about"},
    Words{"set_comment", "type", "mood", "the type that it is about"},
    Words{"drop_index", "name", "users_city_idx", "the index"},
    Words{"drop_constraint", "name", "users_city_check", "the constraint"},
    Words{"drop_table", "name", "carts", "the table, with its partitions"},
    Words{"drop_view", "name", "cities", "the view, or the materialized view"},
    Words{"drop_type", "name", "mood", "the type"},
    Words{"drop_function", "name", "total_of", "the function or procedure"},
    Words{"drop_function", "arguments", "integer, date", "its arguments' types; none when left out"},
    Words{"sql", "run", "CREATE SEQUENCE tickets", "one statement or several; no BEGIN or COMMIT"},
    Words{"sql", "undo", "DROP SEQUENCE tickets", "what takes it back"},
    Words{"sql", "irreversible", "nothing reads it", "or why nothing can"},
    Words{"backfill", "set", "town=city", "new columns, as SQL over the old ones"},
    Words{"backfill", "exact", "", "tell an omitted column from one given its default, at a price"},
    Words{"backfill", "on_error", "record",
          "reject: a write that cannot be converted fails, in place of being recorded"},
    Words{"backfill", "user_triggers", "fire", "whether your triggers see each row; to be chosen where there are some"},
    Words{"backfill", "master", "old", "which side wins for rows that name neither"},
    Words{"verify", "check", "city IS NOT NULL", "SQL that must be true of every row"},
    Words{"fix", "not_null", "city", "the column that must not be NULL"},
    Words{"fix", "set", "city='nowhere'", "what mends a row that breaks the rule"},
    Words{"fix", "delete", "", "rows that break the rule are deleted"},
    Words{"fix", "unique", "city", "columns that no two rows may share"},
    Words{"fix", "foreign_key", "team_id", "columns that refer, with references"},
    Words{"rename_table", "to", "accounts", "as it is called then; both names work until contract"},
    Words{"rename_index", "name", "users_city_idx", "the index, with its schema when that is not public"},
    Words{"rename_index", "to", "users_town_idx", "its new name"},
    Words{"rename_constraint", "name", "users_city_check", "the constraint"},
    Words{"rename_constraint", "to", "users_town_check", "its new name"},
    Words{"set_storage_parameters", "set", "fillfactor=70", "each parameter; null sets the default again"},
    Words{"set_storage_parameters", "index", "users_city_idx", "the index, in place of a table"},
    Words{"set_replica_identity", "identity", "full", "default, full or nothing"},
    Words{"set_replica_identity", "index", "users_mail_key", "a unique index over columns that are NOT NULL"},
    Words{"set_statistics", "target", "500", "up to 10000; -1 is the default"},
    Words{"set_storage", "storage", "external", "plain, external, extended or main"},
    Words{"set_storage", "compression", "pglz", "default, pglz or lz4"},
    Words{"sql_batched", "run", "UPDATE users t SET city = trim(city) WHERE {rows}",
          "the statement; {rows} stands for the rows of a batch, under the alias t"},
    Words{"sql_batched", "undo", "UPDATE users t SET city = ' ' || city WHERE {rows}", "what takes it back, likewise"},
    Words{"sql_batched", "irreversible", "nothing reads it", "or why nothing can"},
    Words{"add_exclusion", "table", "bookings", "the table, with its schema when that is not public"},
    Words{"add_exclusion", "elements", "during=&&", "columns, or expressions in parentheses, each with its operator"},
    Words{"add_exclusion", "method", "gist", "gist when left out"},
    Words{"add_exclusion", "where", "NOT cancelled", "only rows of which this is true"},
    Words{"add_exclusion", "name", "bookings_during_excl",
          "the constraint's name; made from table and columns when left out"},
    Words{"add_exclusion", "lock", "nobody writes at night", "why the lock may be held for as long as the index takes"},
    Words{"create_index", "with", "fillfactor=70", "storage parameters"},
    Words{"create_index", "nulls_not_distinct", "", "NULLs are equal; PostgreSQL 15 and newer"},
    Words{"create_table", "partition_by", "RANGE (id)", "method and key"},
    Words{"create_table", "partitions", "items_rest=DEFAULT",
          "each partition, and its bounds as CREATE TABLE has them"},
    Words{"create_view", "like", "users", "a table that it shows whole and is written through, in place of a query"},
    Words{"create_view", "columns", "town=city", "with like: a column of the table under another name"},
    Words{"create_view", "without", "city", "with like: columns that it does not show"},
    Words{"replace_column", "with", "city_new", "the column that takes its place, under its name"},
    Words{"replace_column", "names", "users_city_idx=users_city_new_idx", "indexes of the old one, each with its twin"},
};

const Words* words_of(std::string_view kind, std::string_view key) {
  const Words* found = nullptr;
  for (const Words& words : key_words)
    if (words.key == key && (words.kind == kind || (words.kind.empty() && found == nullptr))) found = &words;
  return found;
}

const Json& schema() {
  static const Json parsed = Json::parse(plan_schema);
  return parsed;
}

/// The node itself, or what it refers to.
const Json& resolved(const Json& node) {
  constexpr std::string_view prefix = "#/definitions/";
  if (!node.contains("$ref")) return node;
  return resolved(schema().at("definitions").at(node.at("$ref").get<std::string>().substr(prefix.size())));
}

std::string description_of(const Json& node) {
  if (node.contains("description")) return node.at("description").get<std::string>();
  return node.contains("$ref") ? description_of(resolved(node)) : "";
}

Form form_of(const Json& node) {
  if (node.contains("anyOf")) {
    const bool mixed = std::ranges::any_of(node.at("anyOf"), [](const Json& one) {
      const Json& shape = resolved(one);
      return shape.value("type", Json()) == "object" || shape.value("type", Json()) == "null";
    });
    return mixed ? Form::any : Form::text;
  }
  const Json type = node.value("type", Json());
  if (type == "boolean" || node.value("const", Json()) == true) return Form::flag;
  if (type == "object") return Form::map;
  if (type != "array") return Form::text;
  const Json& items = node.at("items");
  const bool names = items.value("$ref", "") == "#/definitions/identifier" || items.contains("anyOf");
  return names ? Form::names : Form::texts;
}

KindKey key_from(std::string_view kind, const std::string& name, const Json& node, const Json& required) {
  KindKey key;
  const Json& shape = resolved(node);
  key.name = name;
  key.form = form_of(shape);
  key.required = std::ranges::find(required, Json(name)) != required.end();
  for (const Json& word : shape.value("enum", Json::array()))
    if (word.is_string()) key.words.push_back(word.get<std::string>());
  if (key.form == Form::any)
    for (const Json& one : shape.at("anyOf"))
      if (resolved(one).value("type", Json()) == "null") key.words.emplace_back("null");
  const Words* words = words_of(kind, name);
  key.what = words != nullptr ? std::string(words->what) : description_of(node);
  key.example = words != nullptr ? std::string(words->example) : key.words.empty() ? name : key.words.front();
  return key;
}

void read_choices(const Json& shape, Kind& kind) {
  for (const char* word : {"anyOf", "oneOf"}) {
    std::vector<std::string> keys;
    for (const Json& one : shape.value(word, Json::array()))
      if (one.contains("required") && one.size() == 1) keys.push_back(one.at("required").front().get<std::string>());
    if (!keys.empty()) kind.one_of.push_back(std::move(keys));
  }
  for (const Json& part : shape.value("allOf", Json::array())) read_choices(part, kind);
}

Kind kind_from(const std::string& name, const std::string& phase, const Json& node) {
  Kind kind;
  const Json& shape = resolved(node);
  kind.name = name;
  kind.phase = phase;
  kind.phases = {phase};
  const Words* words = words_of(name, "");
  kind.what = words != nullptr ? std::string(words->what) : description_of(node);
  const Json required = shape.value("required", Json::array());
  for (const auto& [key, value] : shape.at("properties").items())
    kind.keys.push_back(key_from(name, key, value, required));
  read_choices(shape, kind);
  return kind;
}

std::vector<Kind> read_vocabulary() {
  std::vector<Kind> kinds;
  const auto add = [&](const std::string& phase, const Json& list) {
    for (const auto& [name, node] : list.at("items").at("properties").items()) {
      if (name == "ignore") continue;  // it stands beside a kind
      const auto known = std::ranges::find(kinds, name, &Kind::name);
      if (known == kinds.end())
        kinds.push_back(kind_from(name, phase, node));
      else if (known->phase != "change")
        known->phases.push_back(phase);
    }
  };
  const Json& properties = schema().at("properties");
  add("change", properties.at("change"));
  add("expand", properties.at("expand"));
  add("migrate", properties.at("migrate"));
  add("contract", resolved(properties.at("contract")).at("properties").at("steps"));
  return kinds;
}

}  // namespace

const KindKey* Kind::key(std::string_view key_name) const {
  const auto found = std::ranges::find(keys, key_name, &KindKey::name);
  return found == keys.end() ? nullptr : &*found;
}

const std::vector<Kind>& vocabulary() {
  static const std::vector<Kind> kinds = read_vocabulary();
  return kinds;
}

const Kind* find_kind(std::string_view name) {
  const auto found = std::ranges::find(vocabulary(), name, &Kind::name);
  return found == vocabulary().end() ? nullptr : &*found;
}

}  // namespace switchback
