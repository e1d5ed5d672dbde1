#include "switchback/core/rekey.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "change_steps.hpp"
#include "switchback/core/sync.hpp"

namespace switchback {
namespace {

struct IntegerName {
  std::string_view name;
  int bytes;
};
constexpr std::array integer_names = {IntegerName{"smallint", 2}, IntegerName{"int2", 2}, IntegerName{"integer", 4},
                                      IntegerName{"int", 4},      IntegerName{"int4", 4}, IntegerName{"bigint", 8},
                                      IntegerName{"int8", 8}};

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}

/// Subscribers find their rows by the columns of the replica identity, and look for these by name and type.
std::optional<KeyObjection> identity_objection(const TableFacts& table, const KeySurroundings& around,
                                               const ColumnFacts& column) {
  const IndexFacts* key = primary_key_of(table);
  const bool by_key = around.replica_identity == 'd' && around.publication && key && changing::mentions(*key, column);
  const bool by_index =
      around.replica_identity == 'i' && std::ranges::any_of(table.indexes, [&](const IndexFacts& index) {
        return index.unique && changing::mentions(index, column);
      });
  if (!by_key && !by_index) return std::nullopt;
  const std::string where = around.publication ? ", by which the publication " +
                                                     shown(std::string_view(*around.publication)) + " tells its rows"
                                               : "";
  return KeyObjection{
      "is in the replica identity of its table" + where,
      "for the time of the plan ALTER TABLE " + quoted(table.name) +
          " REPLICA IDENTITY FULL, or take the table out of the publication and give its subscribers the wider "
          "column first"};
}

}  // namespace

int integer_bytes(std::string_view type) {
  if (type.starts_with("pg_catalog.")) type.remove_prefix(11);
  const std::string name = changing::lower(type);
  const auto found = std::ranges::find(integer_names, std::string_view(name), &IntegerName::name);
  return found == integer_names.end() ? 0 : found->bytes;
}

std::string integer_greatest(int bytes) {
  return bytes == 2 ? "32767" : bytes == 4 ? "2147483647" : "9223372036854775807";
}

std::string integer_least(int bytes) {
  return bytes == 2 ? "-32768" : bytes == 4 ? "-2147483648" : "-9223372036854775808";
}

const IndexFacts* primary_key_of(const TableFacts& table) {
  const auto found = std::ranges::find(table.indexes, true, &IndexFacts::primary);
  return found == table.indexes.end() ? nullptr : &*found;
}

bool in_primary_key(const TableFacts& table, std::string_view column) {
  const IndexFacts* key = primary_key_of(table);
  return key != nullptr && std::ranges::find(key->columns, column) != key->columns.end();
}

std::optional<KeyObjection> rekey_objection(const TableFacts& table, const KeySurroundings& around,
                                            const ColumnFacts& column, const std::string& to) {
  if (table.kind == 'p' || around.inherits)
    return KeyObjection{"is in a table that is partitioned or takes part in inheritance",
                        "a key over several tables cannot be made of indexes that are there: make a table with the "
                        "wider key beside it, fill it, and swap them in a maintenance window"};
  if (column.generated) return KeyObjection{"is a generated column", "widen the column that it is computed from"};
  const int bytes = integer_bytes(column.type);
  if (bytes == 0 || integer_bytes(to) == 0)
    return KeyObjection{"is of type " + column.type + ", and becomes " + to + ": only an integer key is widened",
                        "another key is a new column, filled and made unique in a plan of its own, to which what "
                        "points at the old one is moved"};
  if (bytes >= integer_bytes(to))
    return KeyObjection{"is of type " + column.type + ", which is no narrower than " + to, "leave it out"};
  for (const IndexFacts& index : table.indexes)
    if (!index.immediate && changing::mentions(index, column))
      return KeyObjection{"is in " + shown(std::string_view(index.name.name)) + ", which is deferrable",
                          "such a constraint cannot be made of an index that is there: make it one that is not "
                          "deferrable first"};
  for (const ConstraintFacts& constraint : table.constraints)
    if (constraint.type == 'x' && changing::mentions(constraint, column))
      return KeyObjection{"is in the exclusion constraint " + shown(std::string_view(constraint.name)),
                          "drop it for the time of the plan"};
  return identity_objection(table, around, column);
}

std::vector<ReferringColumn> referring_to(const KeySurroundings& around, std::string_view column) {
  std::vector<ReferringColumn> found;
  for (const ReferenceFacts& reference : around.referenced_by)
    for (std::size_t i = 0; i < reference.referenced.size() && i < reference.columns.size(); ++i)
      if (reference.referenced[i] == column)
        found.push_back({reference.constraint, reference.table, reference.columns[i]});
  return found;
}

std::string key_twin_name(std::string_view plan, std::string_view key) {
  return fit_name("_switchback_" + std::string(plan) + "_" + std::string(key) + "_twin");
}

std::string key_spare_name(std::string_view plan, std::string_view key) {
  return tombstone_name(plan, key);
}

CreateIndex index_like_key(const Plan& plan, const TableFacts& table, const std::string& name, bool twin) {
  IndexFacts index = *primary_key_of(table);
  CreateIndex out = changing::twin_index(index, {table.name, {}, {}}, name);
  if (!twin) return out;
  for (const Step& step : plan.contract.steps) {
    const auto* replace = std::get_if<ReplaceColumn>(&step.action);
    if (!replace || replace->table != table.name) continue;
    index.definition = *out.definition;
    index.columns = out.columns;
    out = changing::twin_index(index, {table.name, replace->column, replace->with}, name);
  }
  return out;
}

std::string same_check_name(std::string_view plan, std::string_view column) {
  return fit_name("_switchback_" + std::string(plan) + "_" + std::string(column) + "_same");
}

std::string drop_constraint_sql(const TableName& table, const std::string& name) {
  return alter(table) + "DROP CONSTRAINT " + quote_identifier(name);
}

std::vector<std::string> point_again_sql(const PointingKey& key) {
  const bool weak = key.definition.ends_with(" NOT VALID") || key.definition.ends_with(" NOT ENFORCED");
  std::vector<std::string> sql{alter(key.table) + "ADD CONSTRAINT " + quote_identifier(key.name) + " " +
                               key.definition + (weak ? "" : " NOT VALID")};
  if (key.comment)
    sql.push_back("COMMENT ON CONSTRAINT " + quote_identifier(key.name) + " ON " + quoted(key.table) + " IS " +
                  quote_literal(*key.comment));
  return sql;
}

std::string validate_constraint_sql(const TableName& table, const std::string& name) {
  return alter(table) + "VALIDATE CONSTRAINT " + quote_identifier(name);
}

std::string take_key_sql(const TableName& table, const std::string& name, const std::string& index) {
  return alter(table) + "ADD CONSTRAINT " + quote_identifier(name) + " PRIMARY KEY USING INDEX " +
         quote_identifier(index);
}

std::vector<LockedTable> lock_order(std::vector<LockedTable> tables) {
  std::ranges::sort(tables, {}, &LockedTable::oid);
  std::vector<LockedTable> order;
  while (!tables.empty()) {
    const auto waits = [&](const LockedTable& one) {
      return std::ranges::any_of(tables, [&](const LockedTable& other) {
        return other.oid != one.oid && std::ranges::find(one.points_at, other.oid) != one.points_at.end();
      });
    };
    auto next = std::ranges::find_if_not(tables, waits);
    if (next == tables.end()) next = tables.begin();  // they refer to each other
    order.push_back(std::move(*next));
    tables.erase(next);
  }
  return order;
}

}  // namespace switchback
