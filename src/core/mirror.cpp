#include "switchback/core/mirror.hpp"

namespace switchback {
namespace {

std::string listed(const std::vector<std::string>& columns, std::string_view row) {
  std::string text;
  for (const std::string& column : columns)
    text += (text.empty() ? "" : ", ") + (row.empty() ? "" : std::string(row) + ".") + quote_identifier(column);
  return text;
}

std::vector<std::string> all_columns(const Mirror& mirror) {
  std::vector<std::string> all = mirror.key;
  all.insert(all.end(), mirror.other.begin(), mirror.other.end());
  return all;
}

/// `t."id" = s."id" AND …`
std::string same_key(const Mirror& mirror, std::string_view left, std::string_view right) {
  std::string text;
  for (const std::string& column : mirror.key)
    text += (text.empty() ? "" : " AND ") + std::string(left) + "." + quote_identifier(column) + " = " +
            std::string(right) + "." + quote_identifier(column);
  return text;
}

std::string insert_into(const Mirror& mirror) {
  // The key may be an identity column, which is given its values by the other table's.
  return "INSERT INTO " + quoted(mirror.to) + " (" + listed(all_columns(mirror), "") + ") OVERRIDING SYSTEM VALUE ";
}

std::string insert_row(const Mirror& mirror, const std::string& is_row) {
  return insert_into(mirror) + "SELECT " + listed(all_columns(mirror), "s") + " FROM " + quoted(mirror.from) +
         " AS s WHERE " + is_row;
}

/// Finds the row too where there is nothing to set.
std::string update_row(const Mirror& mirror, const std::string& is_row) {
  const std::string both = same_key(mirror, "t", "s") + " AND " + is_row;
  if (mirror.other.empty())
    return "SELECT FROM " + quoted(mirror.to) + " AS t, " + quoted(mirror.from) + " AS s WHERE " + both;
  std::string set;
  for (const std::string& column : mirror.other)
    set += (set.empty() ? "" : ", ") + quote_identifier(column) + " = s." + quote_identifier(column);
  return "UPDATE " + quoted(mirror.to) + " AS t SET " + set + " FROM " + quoted(mirror.from) + " AS s WHERE " + both;
}

/// In PL/pgSQL, where a bare SELECT is no statement.
std::string update_row_here(const Mirror& mirror, const std::string& is_row) {
  const std::string sql = update_row(mirror, is_row);
  return mirror.other.empty() ? "PERFORM" + sql.substr(6) : sql;
}

std::string body(const Mirror& mirror) {
  const std::string to = quoted(mirror.to);
  const std::string from = quoted(mirror.from);
  const std::string gone = "NOT EXISTS (SELECT FROM " + from + " AS s WHERE " + same_key(mirror, "s", "OLD") + ")";
  const std::string is_new = same_key(mirror, "s", "NEW");
  std::string sql = "  IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND ROW(" + listed(mirror.key, "OLD") +
                    ") IS DISTINCT FROM ROW(" + listed(mirror.key, "NEW") + ") THEN\n";
  sql += "    DELETE FROM " + to + " AS t WHERE " + same_key(mirror, "t", "OLD") + " AND " + gone + ";\n";
  sql += "    -- A snapshot older than the copy does not see the copied row: claiming its key fails with 40001 then.\n";
  sql +=
      "    IF NOT FOUND AND current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') "
      "AND " +
      gone + " THEN\n";
  sql +=
      "      " + insert_into(mirror) + "VALUES (" + listed(all_columns(mirror), "OLD") + ") ON CONFLICT DO NOTHING;\n";
  sql += "      DELETE FROM " + to + " AS t WHERE " + same_key(mirror, "t", "OLD") + ";\n";
  sql += "    END IF;\n  END IF;\n";
  sql += "  IF TG_OP <> 'DELETE' THEN\n    done := false;\n";
  sql += "    IF TG_OP = 'UPDATE' THEN\n      " + update_row_here(mirror, is_new) +
         ";\n      done := FOUND;\n    END IF;\n";
  sql += "    IF NOT done THEN\n      " + insert_row(mirror, is_new) +
         " ON CONFLICT DO NOTHING;\n      done := FOUND;\n" + "    END IF;\n";
  sql += "    IF NOT done THEN\n      " + update_row_here(mirror, is_new) + ";\n      done := FOUND;\n    END IF;\n";
  sql += "    -- Another row is in its way there: the constraint says which.\n";
  sql += "    IF NOT done THEN\n      " + insert_row(mirror, is_new) + ";\n    END IF;\n  END IF;\n";
  return sql;
}

}  // namespace

std::string mirror_function_name(std::uint32_t oid) {
  return "switchback." + quote_identifier("mirror_" + std::to_string(oid));
}

std::string mirror_function_sql(const Mirror& mirror) {
  std::string sql = "CREATE OR REPLACE FUNCTION " + mirror_function_name(mirror.oid) +
                    "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS "
                    "$mirror$\nDECLARE\n  done boolean;\nBEGIN\n  IF TG_OP = 'TRUNCATE' THEN\n    TRUNCATE TABLE " +
                    quoted(mirror.to) + ";\n    RETURN NULL;\n  END IF;\n";
  if (mirror.lenient) sql += "  BEGIN\n";
  sql += body(mirror);
  if (mirror.lenient) sql += "  EXCEPTION WHEN unique_violation THEN NULL;  -- the comparison finds the row\n  END;\n";
  return sql + "  RETURN NULL;\nEND $mirror$";
}

std::vector<std::string> mirror_sql(const Mirror& mirror) {
  const std::string function = mirror_function_name(mirror.oid) + "()";
  const std::string from = quoted(mirror.from);
  const std::string row = quote_identifier(mirror_row_trigger);
  const std::string truncate = quote_identifier(mirror_truncate_trigger);
  return {
      mirror_function_sql(mirror),
      "CREATE TRIGGER " + row + " AFTER INSERT OR UPDATE OR DELETE ON " + from + " FOR EACH ROW EXECUTE FUNCTION " +
          function,
      "CREATE TRIGGER " + truncate + " AFTER TRUNCATE ON " + from + " FOR EACH STATEMENT EXECUTE FUNCTION " + function,
      "ALTER TABLE " + from + " ENABLE ALWAYS TRIGGER " + row + ", ENABLE ALWAYS TRIGGER " + truncate};
}

std::vector<std::string> mirror_drop_sql(const TableName& from, std::uint32_t oid) {
  return {"DROP TRIGGER IF EXISTS " + quote_identifier(mirror_row_trigger) + " ON " + quoted(from),
          "DROP TRIGGER IF EXISTS " + quote_identifier(mirror_truncate_trigger) + " ON " + quoted(from),
          "DROP FUNCTION IF EXISTS " + mirror_function_name(oid) + "()"};
}

std::string mirror_copy_sql(const Mirror& mirror, const TableName& leaf, const std::string& range) {
  return insert_into(mirror) + "SELECT " + listed(all_columns(mirror), "t") + " FROM ONLY " + quoted(leaf) +
         " AS t WHERE " + range + " FOR SHARE SKIP LOCKED ON CONFLICT DO NOTHING";
}

namespace {

std::string keys_as_text(const Mirror& mirror) {
  std::string text;
  for (const std::string& column : mirror.key)
    text += (text.empty() ? "" : ", ") + ("t." + quote_identifier(column)) + "::pg_catalog.text";
  return text;
}

/// The row of `in` for each row of the leaf, looked up by its key: at any size of either.
std::string beside(const Mirror& mirror, const TableName& leaf, const TableName& in, const std::string& columns,
                   const std::string& range) {
  return "SELECT " + keys_as_text(mirror) + " FROM ONLY " + quoted(leaf) +
         " AS t LEFT JOIN LATERAL (SELECT true AS \"~there\"" + (columns.empty() ? "" : ", ") + columns + " FROM " +
         quoted(in) + " AS s WHERE " + same_key(mirror, "s", "t") + " OFFSET 0) AS s ON true WHERE " + range + " AND ";
}

}  // namespace

std::string mirror_differing_sql(const Mirror& mirror, const TableName& leaf, const std::string& range) {
  std::string sql = beside(mirror, leaf, mirror.to, listed(mirror.other, "s"), range) + "(s.\"~there\" IS NULL";
  if (!mirror.other.empty())
    sql += " OR NOT (ROW(" + listed(mirror.other, "t") + ")::pg_catalog.record OPERATOR(pg_catalog.*=) ROW(" +
           listed(mirror.other, "s") + ")::pg_catalog.record)";
  return sql + ")";
}

std::string mirror_surplus_sql(const Mirror& mirror, const TableName& leaf, const std::string& range) {
  return beside(mirror, leaf, mirror.from, "", range) + "s.\"~there\" IS NULL";
}

std::vector<std::string> mirror_mend_sql(const Mirror& mirror, const std::string& is_row) {
  return {"SELECT FROM " + quoted(mirror.from) + " AS s WHERE " + is_row + " FOR SHARE",
          insert_row(mirror, is_row + " AND NOT EXISTS (SELECT FROM " + quoted(mirror.to) + " AS t WHERE " +
                                 same_key(mirror, "t", "s") + ")"),
          update_row(mirror, is_row)};
}

std::vector<std::string> mirror_remove_sql(const Mirror& mirror, const std::string& is_row) {
  return {"SELECT FROM " + quoted(mirror.to) + " AS t WHERE " + is_row + " FOR UPDATE",
          "DELETE FROM " + quoted(mirror.to) + " AS t WHERE " + is_row + " AND NOT EXISTS (SELECT FROM " +
              quoted(mirror.from) + " AS s WHERE " + same_key(mirror, "s", "t") + ")"};
}

}  // namespace switchback
