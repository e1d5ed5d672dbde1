#include "switchback/postgres/row_maker.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "switchback/core/error.hpp"
#include "switchback/core/made_rows.hpp"
#include "switchback/core/sql.hpp"

namespace switchback::postgres {
namespace {

constexpr int attempts = 12;

struct ForeignKey {
  std::vector<std::string> columns;
  std::uint32_t target = 0;
  std::string target_name;     ///< quoted
  std::string target_columns;  ///< quoted, a list
};

struct Table {
  std::uint32_t oid = 0;
  TableName name;
  std::vector<MadeColumn> columns;  ///< but for those that have their value from elsewhere
  std::vector<ForeignKey> keys;
};

constexpr const char* tables_sql = R"sql(
SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname <> 'switchback' AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
    AND d.objid = c.oid AND d.deptype = 'e') ORDER BY c.oid)sql";

/// Columns that take a value: not generated, no identity, no sequence behind them. What is unique in a key of several
/// columns is taken for unique by itself: enough, if stricter than it need be.
constexpr const char* columns_sql = R"sql(
WITH RECURSIVE base AS (
  SELECT a.attnum, a.atttypid AS type, a.atttypmod AS modifier FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.attnum, t.typbasetype, t.typtypmod FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), t.typname, t.typcategory, b.modifier, t.typtype,
  a.attnotnull OR EXISTS (SELECT FROM pg_catalog.pg_type d WHERE d.oid = a.atttypid AND d.typnotnull),
  EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey::smallint[])),
  ARRAY(SELECT v.enumlabel::text FROM pg_catalog.pg_enum v WHERE v.enumtypid = t.oid ORDER BY v.enumsortorder)::text[],
  coalesce((SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ') FROM pg_catalog.pg_constraint k
    WHERE k.contype = 'c' AND ((k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)) OR k.contypid = a.atttypid)), ''),
  EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey))
FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype <> 'd'
JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::oid AND a.attnum = b.attnum
LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
WHERE a.attidentity = '' AND a.attgenerated = '' AND coalesce(pg_catalog.pg_get_expr(f.adbin, f.adrelid), '') !~ '^nextval'
ORDER BY a.attnum)sql";

constexpr const char* keys_sql = R"sql(
SELECT k.confrelid, pg_catalog.format('%I.%I', n.nspname, r.relname),
  (SELECT pg_catalog.json_agg(a.attname ORDER BY o.place) FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY o(number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.number),
  (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY o.place) FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY o(number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = o.number)
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE k.contype = 'f' AND k.conrelid = $1::oid AND k.conparentid = 0 ORDER BY k.oid)sql";

/// `["a", "b"]`, of names that hold no quotes or backslashes; and `{a,b}` of labels likewise.
std::vector<std::string> listed(ports::Session& session, const std::string& sql, const std::string& value) {
  const auto rows = session.exec(sql, {value});
  std::vector<std::string> all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(rows.text(i, 0));
  return all;
}

MadeColumn column_from(ports::Session& session, const ports::Rows& rows, std::size_t i) {
  MadeColumn column;
  column.name = rows.text(i, 0);
  column.type = rows.text(i, 1);
  column.base = rows.text(i, 2);
  column.category = rows.text(i, 3).empty() ? 'U' : rows.text(i, 3).front();
  const std::int64_t modifier = rows.integer(i, 4);
  if ((column.base == "varchar" || column.base == "bpchar") && modifier > 4)
    column.length = static_cast<int>(modifier - 4);
  if (column.base == "numeric" && modifier > 4) {  // precision and scale as numeric.c packs them
    column.precision = static_cast<int>((modifier - 4) >> 16);
    column.scale = static_cast<int>((modifier - 4) & 0x7ff);
  }
  column.not_null = rows.boolean(i, 6);
  column.unique = rows.boolean(i, 7);
  if (rows.text(i, 5) == "e")
    column.choices = listed(session, "SELECT pg_catalog.unnest($1::text[])", rows.text(i, 8));
  else if (column.category != 'B')
    column.choices = literals_of(rows.text(i, 9));
  return column;
}

Table table_from(ports::Session& session, const ports::Rows& rows, std::size_t i) {
  Table table;
  table.oid = static_cast<std::uint32_t>(rows.integer(i, 0));
  table.name = {rows.text(i, 1), rows.text(i, 2)};
  const std::string oid = rows.text(i, 0);
  const auto columns = session.exec(columns_sql, {oid});
  for (std::size_t k = 0; k < columns.size(); ++k)
    if (!columns.boolean(k, 10)) table.columns.push_back(column_from(session, columns, k));
  const auto keys = session.exec(keys_sql, {oid});
  for (std::size_t k = 0; k < keys.size(); ++k)
    table.keys.push_back({listed(session, "SELECT pg_catalog.json_array_elements_text($1::json)", keys.text(k, 2)),
                          static_cast<std::uint32_t>(keys.integer(k, 0)), keys.text(k, 1), keys.text(k, 3)});
  return table;
}

/// Those that others point at first; what points at itself, or in a circle, where it stands.
std::vector<Table> in_order(std::vector<Table> left) {
  std::vector<Table> ordered;
  while (!left.empty()) {
    const auto waits = [&](const Table& table) {
      return std::ranges::any_of(table.keys, [&](const ForeignKey& key) {
        return key.target != table.oid && std::ranges::find(left, key.target, &Table::oid) != left.end();
      });
    };
    auto next = std::ranges::find_if_not(left, waits);
    if (next == left.end()) next = left.begin();
    ordered.push_back(std::move(*next));
    left.erase(next);
  }
  return ordered;
}

class Filler {
 public:
  Filler(ports::Session& session, const Table& table, std::uint64_t seed)
      : session_(session), table_(table), seed_(seed) {
    for (const ForeignKey& key : table.keys)
      targets_.push_back(session.exec("SELECT " + key.target_columns + " FROM " + key.target_name + " ORDER BY " +
                                      key.target_columns + " LIMIT 10000"));
  }

  /// Empty, or why there are fewer.
  std::string fill(std::int64_t rows) {
    ports::Transaction transaction(session_);
    std::string why;
    std::int64_t made = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      if (const std::string refused = insert(row); !refused.empty())
        why = refused;
      else
        ++made;
      if (row == 20 && made == 0) break;  // a rule that is not kept to by chance
    }
    transaction.commit();
    session_.exec("ANALYZE " + quoted(table_.name));
    return made == rows ? "" : why;
  }

 private:
  std::string insert(std::int64_t row) {
    std::string refused;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      const auto sql = statement(row, attempt, refused);
      if (!sql) return refused;
      session_.exec("SAVEPOINT made");
      try {
        session_.exec(*sql);
        session_.exec("RELEASE SAVEPOINT made");
        return {};
      } catch (const Error& error) {
        if (error.remedy() == Remedy::reconnect || error.remedy() == Remedy::in_doubt) throw;
        session_.exec("ROLLBACK TO SAVEPOINT made");
        refused = error.what();
      }
    }
    return refused;
  }

  std::optional<std::string> statement(std::int64_t row, int attempt, std::string& why) const {
    std::string names;
    std::string values;
    const auto add = [&](const std::string& name, const std::string& value) {
      names += (names.empty() ? "" : ", ") + quote_identifier(name);
      values += (values.empty() ? "" : ", ") + value;
    };
    for (const MadeColumn& column : table_.columns) {
      const auto value = made_value(column, seed_, row, attempt);
      if (!value) {
        why = "no values of type " + column.type + " are made (column " + column.name + "): give rows by --seed-sql";
        return std::nullopt;
      }
      add(column.name, *value);
    }
    for (std::size_t k = 0; k < table_.keys.size(); ++k)
      for (std::size_t i = 0; i < table_.keys[k].columns.size(); ++i)
        add(table_.keys[k].columns[i], reference(k, i, row));
    const std::string table = quoted(table_.name);
    return names.empty() ? "INSERT INTO " + table + " DEFAULT VALUES"
                         : "INSERT INTO " + table + " (" + names + ") VALUES (" + values + ")";
  }

  /// The n-th row of the table it points at, from the start again when that has fewer.
  std::string reference(std::size_t key, std::size_t column, std::int64_t row) const {
    const ports::Rows& there = targets_[key];
    if (there.empty()) return "NULL";
    const auto& value = there.at(static_cast<std::size_t>(row) % there.size(), column);
    return value ? quote_literal(*value) : "NULL";
  }

  ports::Session& session_;
  const Table& table_;
  std::uint64_t seed_;
  std::vector<ports::Rows> targets_;  ///< of each foreign key: what is there to point at; nothing at itself
};

}  // namespace

std::vector<DrillTable> make_rows(ports::Session& session, std::int64_t rows, std::uint64_t seed) {
  const auto found = session.exec(tables_sql);
  std::vector<Table> tables;
  for (std::size_t i = 0; i < found.size(); ++i) tables.push_back(table_from(session, found, i));
  std::vector<DrillTable> made;
  for (const Table& table : in_order(std::move(tables))) {
    DrillTable done{shown(table.name)};
    const std::string count = "SELECT pg_catalog.count(*) FROM " + quoted(table.name);
    if (session.exec(count).integer(0, 0) == 0) done.lacking = Filler(session, table, seed).fill(rows);
    done.rows = session.exec(count).integer(0, 0);
    made.push_back(std::move(done));
  }
  return made;
}

}  // namespace switchback::postgres
