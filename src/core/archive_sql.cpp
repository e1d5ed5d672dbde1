#include "switchback/core/archive_sql.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace switchback {
namespace {

std::string numbered(std::string_view letter, std::size_t number) {
  return std::string(letter) + std::to_string(number);
}

/// `make(i)` for i in [0, count), joined by `by`.
template <typename Make>
std::string each(std::size_t count, std::string_view by, Make make) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : std::string(by)) + make(i);
  return out;
}

std::string of(std::string_view row, std::string_view column) {
  return std::string(row) + "." + quote_identifier(column);
}

std::string key_columns(const TakenTable& table) {
  return each(table.key.columns.size(), ", ", [](std::size_t i) { return numbered("k", i); });
}

std::string key_values(const TakenTable& table, std::string_view row) {
  return each(table.key.columns.size(), ", ", [&](std::size_t i) { return of(row, table.key.columns[i]); });
}

std::string value_columns(const TakenTable& table) {
  return each(table.columns.size(), ", ", [](std::size_t i) { return numbered("v", i); });
}

std::string old_values(const TakenTable& table, std::string_view row) {
  return each(table.columns.size(), ", ", [&](std::size_t i) { return of(row, table.columns[i].hidden); });
}

/// (left…) > (right…) in the key's order. A row comparison takes one operator for all columns; where their types'
/// operators live in different schemas it is spelled out, with a first condition that an index can use.
std::string beyond(const TakenTable& table, const std::vector<std::string>& left, const std::vector<std::string>& right,
                   const std::string& strict, const std::string& last) {
  const std::size_t count = left.size();
  const auto side = [&](const std::vector<std::string>& values) {
    return "ROW(" + each(count, ", ", [&](std::size_t i) { return values[i]; }) + ")";
  };
  if (count == 1) return left[0] + key_operator(table, 0, last) + right[0];
  const auto& schemas = table.key_operators;
  if (std::ranges::all_of(schemas, [&](const std::string& schema) { return schema == schemas.front(); }))
    return side(left) + key_operator(table, 0, last) + side(right);
  std::string any;
  for (std::size_t i = 0; i < count; ++i) {
    std::string one;
    for (std::size_t j = 0; j < i; ++j) one += left[j] + key_operator(table, j, "=") + right[j] + " AND ";
    one += left[i] + key_operator(table, i, i + 1 == count ? last : strict) + right[i];
    any += (any.empty() ? "(" : " OR (") + one + ")";
  }
  return "(" + left[0] + key_operator(table, 0, strict + "=") + right[0] + " AND (" + any + "))";
}

std::vector<std::string> parameters(const TakenTable& table, std::size_t from) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < table.key.types.size(); ++i)
    out.push_back("$" + std::to_string(from + i) + "::" + table.key.types[i]);
  return out;
}

std::vector<std::string> table_key(const TakenTable& table, std::string_view row) {
  std::vector<std::string> out;
  for (const std::string& column : table.key.columns) out.push_back(of(row, column));
  return out;
}

std::vector<std::string> archive_key(const TakenTable& table, std::string_view row) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < table.key.columns.size(); ++i) out.push_back(std::string(row) + "." + numbered("k", i));
  return out;
}

std::string source_of_rows(const TakenTable& table) {
  // Children of plain inheritance are tables of their own; partitions are the table's rows.
  return (table.partitioned ? "" : "ONLY ") + quoted(table.name);
}

std::string function_name(const TakenTable& table) {
  return archive_name(table);
}

std::string image(const std::string& values) {
  return "ROW(" + values + ")::pg_catalog.record";
}

std::string function_sql(const TakenTable& table, const std::string& body) {
  return "CREATE OR REPLACE FUNCTION " + function_name(table) +
         "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security "
         "= off " +
         format_settings("SET") + " AS " + dollar_quote("\nBEGIN\n" + body + "  RETURN NULL;\nEND ") +
         ";\nREVOKE ALL ON FUNCTION " + function_name(table) + "() FROM PUBLIC;\n";
}

/// Marks rows as gone. An upsert, not a DELETE: a batch of the copy whose snapshot still shows the row would otherwise
/// put it back afterwards. It names no operator, so that the key's own index decides what is the same key.
std::string mark_gone(const TakenTable& table, const std::string& rows) {
  const std::string clear =
      each(table.columns.size(), "", [](std::size_t i) { return numbered("v", i) + " = NULL, "; });
  return "INSERT INTO " + archive_name(table) + " (" + key_columns(table) + ", gone) " + rows + " ON CONFLICT (" +
         key_columns(table) + ") DO UPDATE SET " + clear + "new_hash = NULL, gone = true";
}

std::string record_row(const TakenTable& table) {
  const std::string take = each(table.columns.size(), "", [](std::size_t i) {
    return numbered("v", i) + " = EXCLUDED." + numbered("v", i) + ", ";
  });
  return "INSERT INTO " + archive_name(table) + " (" + key_columns(table) + ", " + value_columns(table) +
         ", new_hash, gone) VALUES (" + key_values(table, "NEW") + ", " + old_values(table, "NEW") + ", " +
         new_side_hash_sql(table.new_side, "NEW") + ", false) ON CONFLICT (" + key_columns(table) + ") DO UPDATE SET " +
         take + "new_hash = EXCLUDED.new_hash, gone = false";
}

std::string doubled_percent(std::string text) {
  for (std::size_t at = text.find('%'); at != std::string::npos; at = text.find('%', at + 2)) text.insert(at, "%");
  return text;
}

/// `from_leaf` takes away what a partition's TRUNCATE is about to remove; `~leaf~` stands for its name. It runs before,
/// as the other partitions' rows stay; a whole table's TRUNCATE just empties the archive too.
std::string on_truncate(const TakenTable& table, std::string from_leaf) {
  std::string action = "    TRUNCATE " + archive_name(table) + ";\n";
  if (table.partitioned) {
    from_leaf = doubled_percent(from_leaf);
    from_leaf.replace(from_leaf.find("~leaf~"), 6, "%I.%I");
    action = "    EXECUTE pg_catalog.format(" + quote_literal(from_leaf) + ", TG_TABLE_SCHEMA, TG_TABLE_NAME);\n";
  }
  return "  IF TG_OP OPERATOR(pg_catalog.=) 'TRUNCATE' THEN\n" + action + "    RETURN NULL;\n  END IF;\n";
}

std::string same_key(const TakenTable& table, std::string_view row) {
  return each(table.key.columns.size(), " AND ", [&](std::size_t i) {
    return "a." + numbered("k", i) + key_operator(table, i, "=") + of(row, table.key.columns[i]);
  });
}

std::string key_changed(const TakenTable& table) {
  return image(key_values(table, "OLD")) + " OPERATOR(pg_catalog.*<>) " + image(key_values(table, "NEW"));
}

std::string trigger_name(const TakenTable& table, std::string_view suffix) {
  return quote_identifier(archive_trigger_prefix(table.plan_id) + std::string(suffix));
}

std::string row_trigger(const TakenTable& table, std::string_view suffix, std::string_view events,
                        const std::string& when) {
  const std::string name = trigger_name(table, suffix);
  return "CREATE TRIGGER " + name + " AFTER " + std::string(events) + " ON " + quoted(table.name) + " FOR EACH ROW" +
         (when.empty() ? "" : " WHEN (" + when + ")") + " EXECUTE FUNCTION " + function_name(table) + "();\n" +
         "ALTER TABLE " + quoted(table.name) + " ENABLE ALWAYS TRIGGER " + name + ";\n";
}

std::string truncate_triggers(const TakenTable& table, const std::vector<TableName>& leaves) {
  const std::string name = trigger_name(table, "_t");
  std::string sql;
  // Statement triggers are not inherited: each leaf has its own.
  for (const TableName& leaf : table.partitioned ? leaves : std::vector{table.name})
    sql += "CREATE TRIGGER " + name + (table.partitioned ? " BEFORE" : " AFTER") + " TRUNCATE ON " + quoted(leaf) +
           " FOR EACH STATEMENT EXECUTE FUNCTION " + function_name(table) + "();\nALTER TABLE " + quoted(leaf) +
           " ENABLE ALWAYS TRIGGER " + name + ";\n";
  return sql;
}

std::string triggers_gone(const TakenTable& table, const std::vector<TableName>& leaves) {
  std::string sql;
  for (const std::string_view suffix : {"", "_u"})
    sql += "DROP TRIGGER IF EXISTS " + trigger_name(table, suffix) + " ON " + quoted(table.name) + ";\n";
  for (const TableName& leaf : table.partitioned ? leaves : std::vector{table.name})
    sql += "DROP TRIGGER IF EXISTS " + trigger_name(table, "_t") + " ON " + quoted(leaf) + ";\n";
  return sql;
}

}  // namespace

std::string key_operator(const TakenTable& table, std::size_t i, std::string_view symbol) {
  const std::string schema = table.key_operators.empty() ? "pg_catalog" : table.key_operators[i];
  return " OPERATOR(" + quote_identifier(schema) + "." + std::string(symbol) + ") ";
}

std::string archive_relation(const TakenTable& table) {
  return "archive_" + std::to_string(table.plan_id) + "_" + std::to_string(table.oid);
}

std::string archive_name(const TakenTable& table) {
  return quoted({"switchback", archive_relation(table)});
}

std::string archive_trigger_prefix(std::int64_t plan_id) {
  return "~switchback_archive_" + std::to_string(plan_id);
}

std::string format_settings(std::string_view verb) {
  constexpr std::array settings = {std::pair{"datestyle", "'ISO, YMD'"}, std::pair{"intervalstyle", "'postgres'"},
                                   std::pair{"timezone", "'UTC'"},       std::pair{"extra_float_digits", "3"},
                                   std::pair{"bytea_output", "'hex'"},   std::pair{"lc_monetary", "'C'"}};
  std::string out;
  for (const auto& [name, value] : settings)
    out += (out.empty() ? "" : (verb == "SET" ? " " : "; ")) + std::string(verb) + " " + name + " = " + value;
  return out;
}

std::string side_hash_sql(const std::string& values) {
  // sha256 of the row's text in the database's own encoding: the client's encoding and md5's absence under FIPS do not
  // matter, and every type has a text form.
  return "pg_catalog.sha256(pg_catalog.convert_to(ROW(" + values +
         ")::pg_catalog.text, pg_catalog.getdatabaseencoding()))";
}

std::string new_side_hash_sql(const std::vector<SyncColumn>& new_side, std::string_view row) {
  return side_hash_sql(each(new_side.size(), ", ", [&](std::size_t i) { return of(row, new_side[i].name); }));
}

std::string archive_table_sql(const TakenTable& table) {
  const std::string name = archive_name(table);
  const std::string keys = each(table.key.columns.size(), ", ", [&](std::size_t i) {
    return of("t", table.key.columns[i]) + " AS " + numbered("k", i);
  });
  const std::string values = each(table.columns.size(), ", ", [&](std::size_t i) {
    const TakenColumn& column = table.columns[i];
    return "CAST(" + of("t", column.hidden) + " AS " + (column.value_type.empty() ? column.type : column.value_type) +
           ") AS " + numbered("v", i);
  });
  std::string sql = "CREATE TABLE " + name + " AS SELECT " + keys + ", " + values +
                    ", NULL::pg_catalog.bytea AS new_hash, false AS gone FROM ONLY " + quoted(table.name) +
                    " AS t WITH NO DATA;\nALTER TABLE " + name + " ALTER COLUMN gone SET NOT NULL, ADD PRIMARY KEY (" +
                    key_columns(table) + ");\nCREATE INDEX ON " + name + " (" + key_columns(table) +
                    ") WHERE gone;\nREVOKE ALL ON " + name + " FROM PUBLIC;\nCOMMENT ON TABLE " + name + " IS " +
                    quote_literal("switchback: what plan " + table.plan + " takes away from " + shown(table.name)) +
                    ";\n";
  for (std::size_t i = 0; i < table.key.columns.size(); ++i)
    sql += "COMMENT ON COLUMN " + name + "." + numbered("k", i) + " IS " + quote_literal(table.key.columns[i]) + ";\n";
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    sql += "COMMENT ON COLUMN " + name + "." + numbered("v", i) + " IS " + quote_literal(table.columns[i].name) + ";\n";
  return sql;
}

std::string archive_triggers_sql(const TakenTable& table, const std::vector<TableName>& leaves) {
  // First the old key goes, then the new one is written: for a type in which both are the same key the row stays.
  const std::string leaf_gone = mark_gone(table, "SELECT " + key_values(table, "t") + ", true FROM ONLY ~leaf~ AS t");
  const std::string body = on_truncate(table, leaf_gone) + "  IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN\n    " +
                           mark_gone(table, "VALUES (" + key_values(table, "OLD") + ", true)") +
                           ";\n    RETURN NULL;\n  END IF;\n  IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN\n    IF " +
                           key_changed(table) + " THEN\n      " +
                           mark_gone(table, "VALUES (" + key_values(table, "OLD") + ", true)") +
                           ";\n    END IF;\n  END IF;\n  " + record_row(table) + ";\n";
  const auto everything = [&](std::string_view row) {
    std::string values = key_values(table, row) + ", " + old_values(table, row);
    for (const SyncColumn& column : table.new_side) values += ", " + of(row, column.name);
    return image(values);
  };
  return function_sql(table, body) + triggers_gone(table, leaves) + row_trigger(table, "", "INSERT OR DELETE", "") +
         row_trigger(table, "_u", "UPDATE", everything("OLD") + " OPERATOR(pg_catalog.*<>) " + everything("NEW")) +
         truncate_triggers(table, leaves);
}

std::string keeper_triggers_sql(const TakenTable& table, const std::vector<TableName>& leaves) {
  const std::string from_archive = "DELETE FROM " + archive_name(table) + " AS a";
  const std::string body = on_truncate(table, from_archive + " USING ONLY ~leaf~ AS t WHERE " + same_key(table, "t")) +
                           "  " + from_archive + " WHERE " + same_key(table, "OLD") + ";\n";
  return function_sql(table, body) + triggers_gone(table, leaves) + row_trigger(table, "", "DELETE", "") +
         row_trigger(table, "_u", "UPDATE", key_changed(table)) + truncate_triggers(table, leaves);
}

std::string archive_triggers_drop_sql(const TakenTable& table, const std::vector<TableName>& leaves) {
  return triggers_gone(table, leaves) + "DROP FUNCTION IF EXISTS " + function_name(table) + "();\n";
}

std::string archive_copy_sql(const TakenTable& table, const TableName& leaf, bool first) {
  const std::size_t keys = table.key.columns.size();
  const std::string limit = "$" + std::to_string(first ? 1 : keys + 1) + "::pg_catalog.int8";
  const std::string order = key_columns(table);
  const std::string selected =
      each(keys, ", ", [&](std::size_t i) { return of("t", table.key.columns[i]) + " AS " + numbered("k", i); }) +
      ", " + each(table.columns.size(), ", ", [&](std::size_t i) {
        return of("t", table.columns[i].hidden) + " AS " + numbered("v", i);
      });
  return "WITH source AS MATERIALIZED (SELECT " + selected + ", " + new_side_hash_sql(table.new_side, "t") +
         " AS h FROM ONLY " + quoted(leaf) + " AS t" +
         (first ? "" : " WHERE " + beyond(table, table_key(table, "t"), parameters(table, 1), ">", ">")) +
         " ORDER BY " + key_values(table, "t") + " LIMIT " + limit + "), written AS (INSERT INTO " +
         archive_name(table) + " (" + order + ", " + value_columns(table) + ", new_hash, gone) SELECT " + order + ", " +
         value_columns(table) + ", h, false FROM source ON CONFLICT (" + order + ") DO NOTHING) SELECT " +
         each(keys, ", ", [](std::size_t i) { return numbered("k", i) + "::pg_catalog.text"; }) +
         ", (SELECT pg_catalog.count(*) FROM source) FROM source ORDER BY " +
         each(keys, ", ", [](std::size_t i) { return "source." + numbered("k", i) + " DESC"; }) + " LIMIT 1";
}

std::string archive_bound_sql(const TakenTable& table, bool first) {
  const std::size_t keys = table.key.columns.size();
  const std::string limit = "$" + std::to_string(first ? 1 : keys + 1) + "::pg_catalog.int8";
  return "SELECT " +
         each(keys, ", ", [&](std::size_t i) { return of("t", table.key.columns[i]) + "::pg_catalog.text"; }) +
         " FROM " + source_of_rows(table) + " AS t" +
         (first ? "" : " WHERE " + beyond(table, table_key(table, "t"), parameters(table, 1), ">", ">")) +
         " ORDER BY " + key_values(table, "t") + " OFFSET " + limit + " LIMIT 1";
}

std::string archive_compare_sql(const TakenTable& table, bool first, bool last) {
  const std::size_t keys = table.key.columns.size();
  const auto range = [&](const std::vector<std::string>& key) {
    std::string sql;
    if (!first) sql += " AND " + beyond(table, key, parameters(table, 1), ">", ">");
    if (!last) sql += " AND " + beyond(table, key, parameters(table, first ? 1 : keys + 1), "<", "<=");
    return sql;
  };
  const std::string from_table =
      "SELECT " +
      each(keys, ", ", [&](std::size_t i) { return of("t", table.key.columns[i]) + " AS " + numbered("k", i); }) +
      ", ROW(" + old_values(table, "t") + ", " + new_side_hash_sql(table.new_side, "t") +
      ")::pg_catalog.text AS image FROM " + source_of_rows(table) + " AS t WHERE true" + range(table_key(table, "t"));
  const std::string from_archive = "SELECT " + key_columns(table) + ", ROW(" + value_columns(table) +
                                   ", new_hash)::pg_catalog.text AS image FROM " + archive_name(table) +
                                   " AS a WHERE NOT gone" + range(archive_key(table, "a"));
  const std::string join = each(keys, " AND ", [&](std::size_t i) {
    return "t." + numbered("k", i) + key_operator(table, i, "=") + "a." + numbered("k", i);
  });
  const std::string key_text = each(keys, ", ", [&](std::size_t i) {
    return quote_literal(table.key.columns[i]) + ", coalesce(t." + numbered("k", i) + ", a." + numbered("k", i) +
           ")::pg_catalog.text";
  });
  const std::string differs =
      "(t.image IS NULL OR a.image IS NULL OR t.image OPERATOR(pg_catalog.<>) a.image COLLATE pg_catalog.\"C\")";
  const std::string hashed = "ROW(" + each(keys, ", ", [&](std::size_t i) { return "t." + numbered("k", i); }) +
                             ")::pg_catalog.text || t.image";
  return "SELECT pg_catalog.count(t.image), pg_catalog.count(*) FILTER (WHERE " + differs +
         "), coalesce(pg_catalog.sum(pg_catalog.hashtextextended(" + hashed +
         ", 0)::pg_catalog.numeric), 0), pg_catalog.min(pg_catalog.jsonb_build_object(" + key_text +
         ")::pg_catalog.text) FILTER (WHERE " + differs + ") FROM (" + from_table + ") AS t FULL JOIN (" +
         from_archive + ") AS a ON " + join;
}

std::string archive_sweep_sql(const TakenTable& table) {
  const std::string same = each(table.key.columns.size(), " AND ", [&](std::size_t i) {
    return "a." + numbered("k", i) + key_operator(table, i, "=") + "dead." + numbered("k", i);
  });
  return "WITH dead AS (SELECT " + key_columns(table) + " FROM " + archive_name(table) +
         " WHERE gone LIMIT $1::pg_catalog.int8 FOR UPDATE SKIP LOCKED) DELETE FROM " + archive_name(table) +
         " AS a USING dead WHERE " + same;
}

}  // namespace switchback
