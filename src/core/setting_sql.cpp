#include "switchback/core/setting_sql.hpp"

#include <algorithm>
#include <array>
#include <variant>

#include "switchback/core/contract_sql.hpp"

namespace switchback {
namespace {

constexpr const char* catalog_alone = "milliseconds: the catalog alone changes";

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}

std::string alter_column(const TableName& table, const std::string& column) {
  return alter(table) + "ALTER COLUMN " + quote_identifier(column) + " ";
}

/// "toast.autovacuum_enabled": each part is an identifier.
std::string parameter(const std::string& name) {
  const auto dot = name.find('.');
  if (dot == std::string::npos) return quote_identifier(name);
  return quote_identifier(name.substr(0, dot)) + "." + quote_identifier(name.substr(dot + 1));
}

struct Parameters {
  std::string set, reset;
  void add(std::string& list, const std::string& one) { list += (list.empty() ? "" : ", ") + one; }
  void give(const std::string& name, const std::string& value) {
    add(set, parameter(name) + " = " + quote_literal(value));
  }
  void take(const std::string& name) { add(reset, parameter(name)); }
  std::vector<std::string> sql(const std::string& on) const {
    std::vector<std::string> statements;
    if (!set.empty()) statements.push_back(on + "SET (" + set + ")");
    if (!reset.empty()) statements.push_back(on + "RESET (" + reset + ")");
    return statements;
  }
};

std::string identity_sql(const SetReplicaIdentity& step) {
  const std::string to = alter(step.table) + "REPLICA IDENTITY ";
  switch (step.identity) {
    case Identity::primary_key:
      return to + "DEFAULT";
    case Identity::full:
      return to + "FULL";
    case Identity::nothing:
      return to + "NOTHING";
    case Identity::index:
      return to + "USING INDEX " + quote_identifier(step.index);
  }
  return to;
}

std::vector<std::string> storage_sql(const SetStorage& step) {
  std::vector<std::string> sql;
  if (step.storage) sql.push_back(alter_column(step.table, step.column) + "SET STORAGE " + *step.storage);
  if (step.compression) sql.push_back(alter_column(step.table, step.column) + "SET COMPRESSION " + *step.compression);
  return sql;
}

std::string column_query(const TableName& table, const std::string& column, const std::string& what) {
  return "SELECT " + what + " FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass(" +
         quote_literal(quoted(table)) + ") AND a.attname = " + quote_literal(column) + " AND NOT a.attisdropped";
}

bool is_expression(const std::string& key) {
  return key.starts_with('(');
}

}  // namespace

StepSql rename_index_step(const RenameIndex& step) {
  StepSql out;
  out.step = describe(step);
  out.sql.push_back(rename_index_sql(step.name, step.to));
  out.undo.push_back(rename_index_sql({step.name.schema, step.to}, step.name.name));
  out.lock = "SHARE UPDATE EXCLUSIVE on the index";
  out.held = "milliseconds: the catalog alone changes; no statement names an index";
  return out;
}

StepSql set_storage_parameters_sql(const SetStorageParameters& step,
                                   const std::optional<std::vector<std::string>>& was) {
  StepSql out;
  out.step = describe(step);
  const std::string on = std::string(step.index ? "ALTER INDEX " : "ALTER TABLE ") + quoted(step.name) + " ";
  Parameters now, before;
  for (const auto& [name, value] : step.set) {
    value.empty() ? now.take(name) : now.give(name, value);
    const std::string begin = name + "=";
    const auto found = was ? std::ranges::find_if(*was, [&](const std::string& one) { return one.starts_with(begin); })
                           : std::vector<std::string>::const_iterator{};
    if (was && found != was->end())
      before.give(name, found->substr(begin.size()));
    else
      before.take(name);
  }
  out.sql = now.sql(on);
  out.undo = before.sql(on);
  out.lock = "SHARE UPDATE EXCLUSIVE";
  out.held =
      "milliseconds: the catalog alone changes (a few index parameters, user_catalog_table: ACCESS EXCLUSIVE); rows "
      "and "
      "pages that are there stay as they are";
  return out;
}

StepSql set_replica_identity_sql(const SetReplicaIdentity& step, const std::optional<SetReplicaIdentity>& was) {
  StepSql out;
  out.step = describe(step);
  out.sql.push_back(identity_sql(step));
  out.undo.push_back(was ? identity_sql(*was)
                         : identity_sql({step.table, Identity::primary_key, {}}) + " (what it was)");
  out.lock = "ACCESS EXCLUSIVE";
  out.held = catalog_alone;
  return out;
}

StepSql set_statistics_sql(const SetStatistics& step, std::optional<int> was) {
  StepSql out;
  out.step = describe(step);
  const std::string set = alter_column(step.table, step.column) + "SET STATISTICS ";
  out.sql.push_back(set + std::to_string(step.target));
  out.undo.push_back(set + std::to_string(was.value_or(-1)));
  out.lock = "SHARE UPDATE EXCLUSIVE";
  out.held = "milliseconds: the catalog alone changes; the next ANALYZE heeds it";
  return out;
}

StepSql set_storage_sql(const SetStorage& step, const std::optional<SetStorage>& was) {
  StepSql out;
  out.step = describe(step);
  out.sql = storage_sql(step);
  if (was)
    out.undo = storage_sql({step.table, step.column, step.storage ? was->storage : std::nullopt,
                            step.compression ? was->compression : std::nullopt});
  else
    out.undo.push_back("as it was before");
  out.lock = "ACCESS EXCLUSIVE";
  out.held = "milliseconds: the catalog alone changes; values that are there stay as they are until they are written";
  return out;
}

std::vector<std::string> setting_sql(const Action& action) {
  if (const auto* set = std::get_if<SetStorageParameters>(&action)) return set_storage_parameters_sql(*set, {}).sql;
  if (const auto* set = std::get_if<SetReplicaIdentity>(&action)) return set_replica_identity_sql(*set, {}).sql;
  if (const auto* set = std::get_if<SetStatistics>(&action)) return set_statistics_sql(*set, {}).sql;
  if (const auto* set = std::get_if<SetStorage>(&action)) return set_storage_sql(*set, {}).sql;
  return {};
}

std::string storage_parameters_query(const SetStorageParameters& step) {
  // Those of the TOAST table are set through the table.
  return "SELECT o.option FROM pg_catalog.pg_class c CROSS JOIN LATERAL (SELECT pg_catalog.unnest(c.reloptions) AS "
         "option UNION ALL SELECT 'toast.' || pg_catalog.unnest(t.reloptions) FROM pg_catalog.pg_class t WHERE t.oid = "
         "c.reltoastrelid) o WHERE c.oid = pg_catalog.to_regclass(" +
         quote_literal(quoted(step.name)) + ")";
}

std::string replica_identity_query(const TableName& table) {
  return "SELECT c.relreplident, (SELECT x.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = "
         "i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident) FROM pg_catalog.pg_class c WHERE c.oid = "
         "pg_catalog.to_regclass(" +
         quote_literal(quoted(table)) + ")";
}

std::string statistics_query(const SetStatistics& step) {
  // NULL from PostgreSQL 17 on where -1 was before.
  return column_query(step.table, step.column, "coalesce(a.attstattarget, -1)");
}

std::string storage_query(const SetStorage& step) {
  return column_query(step.table, step.column,
                      "a.attstorage, coalesce(pg_catalog.to_jsonb(a) ->> 'attcompression', '')");
}

SetReplicaIdentity identity_from(const TableName& table, char identity, std::string index) {
  switch (identity) {
    case 'f':
      return {table, Identity::full, {}};
    case 'n':
      return {table, Identity::nothing, {}};
    case 'i':
      // One whose index is gone acts as nothing, and cannot be set again.
      if (index.empty()) return {table, Identity::nothing, {}};
      return {table, Identity::index, std::move(index)};
    default:
      return {table, Identity::primary_key, {}};
  }
}

SetStorage storage_from(const SetStorage& step, char storage, std::string_view compression) {
  SetStorage was{step.table, step.column, "extended", "default"};
  if (storage == 'p') was.storage = "plain";
  if (storage == 'e') was.storage = "external";
  if (storage == 'm') was.storage = "main";
  if (compression == "p") was.compression = "pglz";
  if (compression == "l") was.compression = "lz4";
  return was;
}

// --- what is turned over at the hide -----------------------------------------------------------------------------

bool is_turned_over(const Action& action) {
  return std::holds_alternative<DropDefault>(action) || std::holds_alternative<RenameConstraint>(action) ||
         std::holds_alternative<AddExclusion>(action);
}

std::string exclusion_name(const AddExclusion& step) {
  if (step.name) return *step.name;
  std::string name = step.table.name;
  for (const auto& [key, with] : step.elements) name += "_" + (is_expression(key) ? std::string("expr") : key);
  return fit_name(name + "_excl");
}

std::string exclusion_broken_sql(const AddExclusion& step) {
  // What is outside shows none of the table's own names, so that an expression inside means the row inside.
  std::string outside, inside;
  int number = 0;
  for (const auto& [key, with] : step.elements) {
    const std::string element = is_expression(key) ? key : quote_identifier(key);
    const std::string name = quote_identifier("~" + std::to_string(++number));
    outside += ", " + element + " AS " + name;
    inside += " AND \"~a\"." + name + " " + with + " " + element;
  }
  const std::string where = step.where ? "(" + *step.where + ")" : "true";
  return "SELECT pg_catalog.count(*) FROM (SELECT tableoid AS \"~table\", ctid AS \"~row\"" + outside + " FROM " +
         quoted(step.table) + " WHERE " + where + ") AS \"~a\" WHERE EXISTS (SELECT FROM " + quoted(step.table) +
         " AS \"~b\" WHERE " + where +
         " AND (\"~b\".tableoid <> \"~a\".\"~table\" OR \"~b\".ctid <> "
         "\"~a\".\"~row\")" +
         inside + ")";
}

namespace {

StepSql turn_over(const DropDefault& step, const std::optional<std::string>& was) {
  StepSql out;
  const std::string column = alter_column(step.table, step.column);
  out.sql.push_back(column + "DROP DEFAULT");
  out.undo.push_back(was ? column + "SET DEFAULT " + *was : column + "DROP DEFAULT");
  out.held = "milliseconds: the catalog alone changes; an INSERT that leaves the column out gets NULL from then on";
  return out;
}

StepSql turn_over(const RenameConstraint& step) {
  StepSql out;
  out.sql.push_back(rename_constraint_sql(step.table, step.name, step.to));
  out.undo.push_back(rename_constraint_sql(step.table, step.to, step.name));
  out.held = "milliseconds: the catalog alone changes; ON CONFLICT ON CONSTRAINT knows the new name alone from then on";
  return out;
}

StepSql turn_over(const AddExclusion& step) {
  StepSql out;
  std::string elements;
  for (const auto& [key, with] : step.elements)
    elements += (elements.empty() ? "" : ", ") + (is_expression(key) ? key : quote_identifier(key)) + " WITH " + with;
  const std::string name = quote_identifier(exclusion_name(step));
  out.sql.push_back(alter(step.table) + "ADD CONSTRAINT " + name + " EXCLUDE USING " + step.method + " (" + elements +
                    ")" + (step.where ? " WHERE (" + *step.where + ")" : ""));
  out.undo.push_back(alter(step.table) + "DROP CONSTRAINT IF EXISTS " + name);
  out.held = step.lock
                 ? "for as long as its index is built (PostgreSQL makes it of no index that is there): readers and "
                   "writers wait; accepted: " +
                       *step.lock
                 : "for as long as its index is built (PostgreSQL makes it of no index that is there): readers and "
                   "writers wait, at most for lock_timeout, else it is given up and nothing has changed";
  out.scans = true;
  return out;
}

}  // namespace

StepSql turn_over_sql(const Action& action, const std::optional<std::string>& default_value) {
  StepSql out;
  if (const auto* drop = std::get_if<DropDefault>(&action)) out = turn_over(*drop, default_value);
  if (const auto* rename = std::get_if<RenameConstraint>(&action)) out = turn_over(*rename);
  if (const auto* exclusion = std::get_if<AddExclusion>(&action)) out = turn_over(*exclusion);
  out.step = describe(action);
  if (out.lock.empty()) out.lock = "ACCESS EXCLUSIVE";
  out.before = Safety::unsafe;
  return out;
}

}  // namespace switchback
