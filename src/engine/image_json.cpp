#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/engine/images.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;
using Names = std::vector<std::string>;

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json object_of(const std::string& text) {
  json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object())
    throw Error(Exit::failed, Remedy::person, "the journal holds something that is not a JSON object: " + text,
                "somebody changed the tables of schema switchback by hand");
  return parsed;
}

// Keys that are not there read as nothing. Those that are there and not known are named (unknown_in): a newer
// switchback has said something there that this one cannot take into account.
bool flag(const json& object, const char* key) {
  return object.value(key, false);
}

InsertForm form_named(const std::string& word) {
  for (const InsertForm form : {InsertForm::named, InsertForm::positional, InsertForm::copy})
    if (word == name(form)) return form;
  return InsertForm::none;
}

json table_json(const TableName& table) {
  return {{"schema", table.schema}, {"table", table.name}};
}

TableName table_from(const json& object) {
  return {object.value("schema", "public"), object.value("table", "")};
}

/// Keys with something in them that are not among `known`.
Names unknown_in(const json& object, const std::vector<std::string_view>& known) {
  Names found;
  for (const auto& [key, value] : object.items()) {
    const bool says_nothing = value.is_null() || value == false ||
                              (value.is_string() ? value.get_ref<const std::string&>().empty() : value.empty());
    if (!says_nothing && std::ranges::find(known, key) == known.end()) found.push_back(key);
  }
  return found;
}

json tables_json(const std::vector<TableName>& tables) {
  json list = json::array();
  for (const TableName& table : tables) list.push_back(table_json(table));
  return list;
}

std::vector<TableName> tables_from(const json& object, const char* key) {
  std::vector<TableName> tables;
  for (const json& one : object.value(key, json::array())) tables.push_back(table_from(one));
  return tables;
}

json conflicts_json(const std::vector<ConflictTarget>& targets) {
  json list = json::array();
  for (const ConflictTarget& one : targets)
    list.push_back({{"columns", one.columns}, {"predicate", one.predicate}, {"constraint", one.constraint}});
  return list;
}

std::vector<ConflictTarget> conflicts_from(const json& object) {
  std::vector<ConflictTarget> targets;
  for (const json& one : object.value("conflicts", json::array()))
    targets.push_back({one.value("columns", Names{}), flag(one, "predicate"), one.value("constraint", "")});
  return targets;
}

json use_json(const TableUse& use) {
  json object = table_json(use.table);
  object["read"] = use.reads;
  object["write"] = use.writes;
  object["reads_all"] = use.reads_all;
  object["writes_all"] = use.writes_all;
  object["insert"] = name(use.insert);
  object["supplies"] = use.supplies;
  object["positions"] = use.positions;
  object["deletes"] = use.deletes;
  object["conflicts"] = conflicts_json(use.conflicts);
  object["nulls"] = use.nulls;
  object["types"] = use.types;
  object["values"] = use.values;
  return object;
}

TableUse use_from(const json& object, Names& unclear) {
  TableUse use;
  use.table = table_from(object);
  use.reads = object.value("read", Names{});
  use.writes = object.value("write", Names{});
  use.reads_all = flag(object, "reads_all");
  use.writes_all = flag(object, "writes_all");
  use.insert = form_named(object.value("insert", ""));
  use.supplies = object.value("supplies", Names{});
  use.positions = object.value("positions", Names{});
  use.deletes = flag(object, "deletes");
  use.conflicts = conflicts_from(object);
  use.nulls = object.value("nulls", Names{});
  use.types = object.value("types", decltype(use.types){});
  use.values = object.value("values", decltype(use.values){});
  for (const std::string& key :
       unknown_in(object, {"schema", "table", "read", "write", "reads_all", "writes_all", "insert", "supplies",
                           "positions", "deletes", "conflicts", "nulls", "types", "values"}))
    unclear.push_back("what a newer switchback says of " + shown(use.table) + " as '" + key + "'");
  const std::string insert = object.value("insert", "");
  if (use.insert == InsertForm::none && !insert.empty() && insert != name(InsertForm::none))
    unclear.push_back("inserts of the form '" + insert + "' into " + shown(use.table));
  return use;
}

json columns_json(const std::vector<PlanEffect::Column>& columns) {
  json list = json::array();
  for (const PlanEffect::Column& column : columns) {
    json one = table_json(column.table);
    one["column"] = column.name;
    list.push_back(one);
  }
  return list;
}

std::vector<PlanEffect::Column> columns_from(const json& object, const char* key) {
  std::vector<PlanEffect::Column> columns;
  for (const json& one : object.value(key, json::array()))
    columns.push_back({table_from(one), one.value("column", "")});
  return columns;
}

}  // namespace

std::string to_json(const Footprint& footprint) {
  json tables = json::array();
  for (const TableUse& use : footprint.tables) tables.push_back(use_json(use));
  return dumped({{"tables", tables},
                 {"functions", tables_json(footprint.functions)},
                 {"types", tables_json(footprint.types)},
                 {"relations", tables_json(footprint.relations)},
                 {"sequences", tables_json(footprint.sequences)},
                 {"role", footprint.role},
                 {"prepares_star", footprint.prepares_star},
                 {"star_tolerated", footprint.star_tolerated},
                 {"statements", footprint.statements},
                 {"prepared", footprint.prepared},
                 {"unclear", footprint.unclear},
                 {"partial", footprint.partial}});
}

Footprint footprint_from_json(const std::string& text) {
  const json object = object_of(text);
  Footprint footprint;
  footprint.unclear = object.value("unclear", Names{});
  for (const json& use : object.value("tables", json::array()))
    footprint.tables.push_back(use_from(use, footprint.unclear));
  footprint.functions = tables_from(object, "functions");
  footprint.types = tables_from(object, "types");
  footprint.relations = tables_from(object, "relations");
  footprint.sequences = tables_from(object, "sequences");
  footprint.role = object.value("role", "");
  footprint.prepares_star = flag(object, "prepares_star");
  footprint.star_tolerated = flag(object, "star_tolerated");
  footprint.statements = object.value("statements", Names{});
  footprint.prepared = object.value("prepared", std::vector<std::size_t>{});
  footprint.partial = flag(object, "partial");
  for (const std::string& key :
       unknown_in(object, {"tables", "functions", "types", "relations", "sequences", "role", "prepares_star",
                           "star_tolerated", "statements", "prepared", "unclear", "partial"}))
    footprint.unclear.push_back("what a newer switchback says of it as '" + key + "'");
  return footprint;
}

std::string to_json(const PlanEffect& effect) {
  json synced = json::array();
  for (const SyncedColumns& pair : effect.synced) {
    json one = table_json(pair.table);
    one["old"] = pair.old_side;
    one["new"] = pair.new_side;
    synced.push_back(one);
  }
  json renames = json::array();
  for (const PlanEffect::Rename& renamed : effect.renames) {
    json one = table_json(renamed.table);
    one["to"] = renamed.to;
    renames.push_back(one);
  }
  return dumped({{"adds", columns_json(effect.adds)},
                 {"fills", columns_json(effect.fills)},
                 {"takes", columns_json(effect.takes)},
                 {"tightens", columns_json(effect.tightens)},
                 {"swaps", columns_json(effect.swaps)},
                 {"makes_relations", tables_json(effect.makes_relations)},
                 {"takes_relations", tables_json(effect.takes_relations)},
                 {"renames", renames},
                 {"takes_functions", tables_json(effect.takes_functions)},
                 {"takes_types", tables_json(effect.takes_types)},
                 {"takes_keys", tables_json(effect.takes_keys)},
                 {"renames_keys", tables_json(effect.renames_keys)},
                 {"undefaults", columns_json(effect.undefaults)},
                 {"synced", synced},
                 {"contract_sql", effect.contract_sql}});
}

PlanEffect effect_from_json(const std::string& text) {
  const json object = object_of(text);
  PlanEffect effect;
  effect.adds = columns_from(object, "adds");
  effect.fills = columns_from(object, "fills");
  effect.takes = columns_from(object, "takes");
  effect.tightens = columns_from(object, "tightens");
  effect.swaps = columns_from(object, "swaps");
  effect.makes_relations = tables_from(object, "makes_relations");
  effect.takes_relations = tables_from(object, "takes_relations");
  for (const json& one : object.value("renames", json::array()))
    effect.renames.push_back({table_from(one), one.value("to", "")});
  effect.takes_functions = tables_from(object, "takes_functions");
  effect.takes_types = tables_from(object, "takes_types");
  effect.takes_keys = tables_from(object, "takes_keys");
  effect.renames_keys = tables_from(object, "renames_keys");
  effect.undefaults = columns_from(object, "undefaults");
  for (const json& one : object.value("synced", json::array()))
    effect.synced.push_back({table_from(one), one.value("old", Names{}), one.value("new", Names{})});
  effect.contract_sql = flag(object, "contract_sql");
  effect.unknown = unknown_in(
      object, {"adds", "fills", "takes", "tightens", "swaps", "makes_relations", "takes_relations", "renames",
               "takes_functions", "takes_types", "takes_keys", "renames_keys", "undefaults", "synced", "contract_sql"});
  return effect;
}

}  // namespace switchback::engine
