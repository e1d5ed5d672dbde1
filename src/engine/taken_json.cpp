#include "taken_json.hpp"

#include <vector>

#include "switchback/core/error.hpp"
#include "switchback/engine/hiding.hpp"

namespace switchback::engine {
namespace {

std::string json_array(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + quote_literal(part) + "::text";
  return "jsonb_build_array(" + out + ")";
}

std::string json_text(const std::optional<std::string>& text) {
  return text ? quote_literal(*text) + "::text" : "NULL::text";
}

}  // namespace

std::string taken_json(ports::Session& session, const TakenTable& table) {
  const std::string key_schemas =
      R"(
    (SELECT coalesce(jsonb_agg(n.nspname ORDER BY p.position), '[]') FROM pg_index i
     CROSS JOIN LATERAL unnest(i.indclass::oid[]) WITH ORDINALITY AS p(opclass, position)
     JOIN pg_opclass c ON c.oid = p.opclass
     JOIN pg_amop o ON o.amopfamily = c.opcfamily AND o.amoplefttype = c.opcintype AND o.amoprighttype = c.opcintype AND o.amopstrategy = 3
     JOIN pg_operator op ON op.oid = o.amopopr JOIN pg_namespace n ON n.oid = op.oprnamespace
     WHERE p.position <= i.indnkeyatts AND i.indrelid = )" +
      std::to_string(table.oid) +
      " AND i.indexrelid = (SELECT x.oid FROM pg_class x JOIN pg_class t ON t.oid = " + std::to_string(table.oid) +
      " AND x.relnamespace = t.relnamespace WHERE x.relname = " + quote_literal(table.key.index) + "))";
  std::vector<std::string> new_names, new_types;
  for (const SyncColumn& column : table.new_side) {
    new_names.push_back(column.name);
    new_types.push_back(column.type);
  }
  std::string columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const TakenColumn& column = table.columns[i];
    const std::string value_type =
        "(WITH RECURSIVE base(oid, typmod) AS (SELECT atttypid, atttypmod FROM pg_attribute WHERE attrelid = " +
        std::to_string(table.oid) + " AND attname = " + quote_literal(column.name) +
        " AND NOT attisdropped UNION ALL SELECT t.typbasetype, t.typtypmod FROM base JOIN pg_type t ON t.oid = "
        "base.oid AND t.typtype = 'd') "
        "SELECT format_type(base.oid, base.typmod) FROM base JOIN pg_type t ON t.oid = base.oid AND t.typtype <> 'd')";
    columns += (i == 0 ? "" : ", ") + std::string("jsonb_build_object('name', ") + json_text(column.name) +
               ", 'hidden', " + json_text(column.hidden) + ", 'type', " + json_text(column.type) + ", 'value_type', " +
               value_type + ", 'default', " + json_text(column.default_value) + ", 'born_since', " +
               json_text(column.born_since) + ", 'bitwise', " + (column.bitwise_equality ? "true" : "false") +
               ", 'volatile', " + (column.default_volatile ? "true" : "false") + ")";
  }
  const auto built = session.exec(
      "SELECT jsonb_build_object('plan', " + json_text(table.plan) + ", 'oid', " + std::to_string(table.oid) +
      ", 'partitioned', " + (table.partitioned ? "true" : "false") + ", 'index', " + json_text(table.key.index) +
      ", 'key', " + json_array(table.key.columns) + ", 'key_types', " + json_array(table.key.types) +
      ", 'key_operators', " + key_schemas + ", 'new', " + json_array(new_names) + ", 'new_types', " +
      json_array(new_types) + ", 'columns', jsonb_build_array(" + columns + "))::text");
  return built.text(0, 0);
}

namespace {

std::vector<std::string> strings_of(ports::Session& session, const std::string& json, std::string_view key) {
  const auto rows = session.exec(
      "SELECT e FROM pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb -> $2) WITH ORDINALITY AS x(e, n) ORDER "
      "BY n",
      {json, std::string(key)});
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
  return out;
}

}  // namespace

TakenTable taken_from_json(ports::Session& session, PlanId plan_id, const std::string& json) {
  const auto head = session.exec(
      "SELECT d ->> 'plan', d ->> 'oid', (d ->> 'partitioned')::bool, d ->> 'index', n.nspname, c.relname FROM (SELECT "
      "$1::pg_catalog.jsonb AS d) AS x "
      "LEFT JOIN pg_catalog.pg_class c ON c.oid = (d ->> 'oid')::pg_catalog.oid LEFT JOIN pg_catalog.pg_namespace n ON "
      "n.oid = c.relnamespace",
      {json});
  if (!head.at(0, 5))
    throw Error(Exit::drift, Remedy::person,
                "a table of plan " + head.text(0, 0) + " (oid " + head.text(0, 1) + ") is not there any more",
                "if it was dropped on purpose, there is nothing left to bring back");
  TakenTable table;
  table.plan_id = plan_id;
  table.plan = head.text(0, 0);
  table.oid = static_cast<std::uint32_t>(head.integer(0, 1));
  table.partitioned = head.boolean(0, 2);
  table.name = {head.text(0, 4), head.text(0, 5)};
  table.key = {head.text(0, 3), strings_of(session, json, "key"), strings_of(session, json, "key_types")};
  table.key_operators = strings_of(session, json, "key_operators");
  const auto names = strings_of(session, json, "new");
  const auto types = strings_of(session, json, "new_types");
  for (std::size_t i = 0; i < names.size(); ++i) {
    SyncColumn column;
    column.name = names[i];
    column.type = types.at(i);
    table.new_side.push_back(std::move(column));
  }
  const auto columns = session.exec(
      "SELECT c ->> 'name', c ->> 'hidden', c ->> 'type', c ->> 'value_type', (c ->> 'bitwise')::bool, c ->> "
      "'default', (c ->> 'volatile')::bool, c ->> 'born_since' "
      "FROM pg_catalog.jsonb_array_elements($1::pg_catalog.jsonb -> 'columns') WITH ORDINALITY AS x(c, n) ORDER BY n",
      {json});
  for (std::size_t i = 0; i < columns.size(); ++i)
    table.columns.push_back({.name = columns.text(i, 0),
                             .hidden = columns.text(i, 1),
                             .type = columns.text(i, 2),
                             .value_type = columns.text(i, 3),
                             .bitwise_equality = columns.boolean(i, 4),
                             .default_value = columns.at(i, 5),
                             .default_volatile = columns.boolean(i, 6),
                             .born_since = columns.at(i, 7)});
  return table;
}

std::vector<TakenTable> load_taken(ports::Session& session, PlanId plan_id) {
  std::vector<TakenTable> tables;
  for (const StoredDefinition& one : definitions(session, plan_id))
    if (one.kind == "taken") tables.push_back(taken_from_json(session, plan_id, one.definition));
  return tables;
}

}  // namespace switchback::engine
