#include "switchback/postgres/catalog.hpp"

#include <map>

#include "qualify.hpp"
#include "switchback/core/error.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;
using ports::Session;

/// Under search_path pg_catalog everything that the server deparses is qualified, but what is in pg_catalog itself. In
/// the same string, so that it holds also where no transaction is open (both are then one).
Rows read(Session& session, const std::string& sql) {
  return session.exec("SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true); " + sql);
}

/// A text[] that the query has put together with array_to_string(…, E'\x1f'): no name contains that character.
std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> items;
  if (text.empty()) return items;
  std::size_t start = 0;
  for (std::size_t at = text.find('\x1f'); at != std::string::npos; at = text.find('\x1f', start)) {
    items.push_back(text.substr(start, at - start));
    start = at + 1;
  }
  items.push_back(text.substr(start));
  return items;
}
constexpr const char* separator = "E'\\x1f'";

std::string in_every_search_path(const std::string& default_value, bool& is_null) {
  try {
    const std::string text = qualify_default(default_value);
    is_null = text.empty();
    return text;
  } catch (const Unqualifiable&) {  // newer syntax than libpg_query's: as the server wrote it
    return default_value;
  }
}

// bitwise: equal means the same bytes. PostgreSQL says so of a type by its default btree operator class's support
// function 4, "equalimage" (documentation, "B-Tree Support Functions"); for text it depends on the collation. bpchar
// has it although 'a' = 'a ', which may differ outside of a column with a length; types that are not built in have
// their operators in some other schema.
constexpr const char* columns_sql = R"(
WITH RECURSIVE base(attnum, oid) AS (
  SELECT attnum, atttypid FROM pg_attribute WHERE attrelid = $oid AND attnum > 0 AND NOT attisdropped
  UNION ALL SELECT b.attnum, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.oid AND t.typtype = 'd'),
bitwise AS (
  SELECT b.attnum FROM base b JOIN pg_type t ON t.oid = b.oid AND t.typtype <> 'd'
  JOIN pg_attribute a ON a.attrelid = $oid AND a.attnum = b.attnum
  JOIN pg_opclass k ON k.opcdefault AND k.opcintype = CASE WHEN t.typtype = 'e' THEN 'anyenum'::regtype
                                                          WHEN t.oid = 'varchar'::regtype THEN 'text'::regtype ELSE t.oid END
  JOIN pg_am m ON m.oid = k.opcmethod AND m.amname = 'btree'
  JOIN pg_amproc p ON p.amprocfamily = k.opcfamily AND p.amproclefttype = k.opcintype AND p.amprocrighttype = k.opcintype
                  AND p.amprocnum = 4
  WHERE (t.typnamespace = 'pg_catalog'::regnamespace OR t.typtype = 'e') AND t.oid <> 'bpchar'::regtype
    AND a.attcollation = (SELECT d.typcollation FROM pg_type d WHERE d.oid = a.atttypid)
    AND CASE p.amproc::text WHEN 'btequalimage' THEN true
             WHEN 'btvarstrequalimage' THEN coalesce((SELECT c.collisdeterministic FROM pg_collation c WHERE c.oid = a.attcollation), true)
             ELSE false END)
SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
  a.attgenerated = '' AND EXISTS (SELECT FROM regexp_matches(d.adbin::text, ':(opno|funcid) ([0-9]+)', 'g') AS f
    LEFT JOIN pg_operator o ON f[1] = 'opno' AND o.oid = f[2]::oid
    JOIN pg_proc p ON p.oid = CASE WHEN f[1] = 'funcid' THEN f[2]::oid ELSE o.oprcode END
    WHERE p.provolatile = 'v' AND NOT (p.proname = 'omit' AND p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'switchback'))),
  a.attidentity <> '', a.attgenerated <> '', EXISTS (SELECT FROM bitwise b WHERE b.attnum = a.attnum),
  CASE WHEN a.attcollation <> t.typcollation THEN (SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation c
    JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = a.attcollation) END,
  col_description(a.attrelid, a.attnum),
  (SELECT string_agg(format('GRANT %s ("%s") ON %s TO %s%s', g.privilege_type, replace(a.attname, '"', '""'), $table,
      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), $separator ORDER BY g.grantee, g.privilege_type)
    FROM aclexplode(a.attacl) g),
  a.attstattarget,
  (SELECT string_agg(e.enumlabel, $separator ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid IN (t.oid, t.typelem))
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)";

constexpr const char* indexes_sql = R"(
SELECT n.nspname, c.relname, pg_get_indexdef(i.indexrelid),
  (SELECT string_agg(coalesce(a.attname, ''), $separator ORDER BY k.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place)
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0 WHERE k.place <= i.indnkeyatts),
  i.indisunique, i.indisprimary, i.indisvalid, i.indpred IS NOT NULL, i.indimmediate,
  (SELECT conname FROM pg_constraint x WHERE x.conindid = i.indexrelid AND x.conrelid = i.indrelid AND x.contype IN ('p','u','x')),
  (SELECT string_agg(DISTINCT m.number::text, $separator) FROM (
     SELECT unnest(i.indkey::int2[])::int UNION SELECT x[1]::int FROM regexp_matches(concat(i.indexprs, i.indpred), ':varattno ([0-9]+)', 'g') x) m(number)
   WHERE m.number <> 0),
  am.amname, i.indnkeyatts
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am am ON am.oid = c.relam
WHERE i.indrelid = $oid AND i.indislive ORDER BY c.relname)";

constexpr const char* constraints_sql = R"(
SELECT k.conname, k.contype, pg_get_constraintdef(k.oid),
  (SELECT string_agg(a.attname, $separator ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
  k.convalidated
FROM pg_constraint k WHERE k.conrelid = $oid ORDER BY k.conname)";

// tgtype: 1 row, 2 before, 4 insert, 16 update (pg_trigger.h). Triggers of a partition's own count with the table's.
constexpr const char* triggers_sql = R"(
SELECT DISTINCT ON (g.tgname, g.tgrelid) g.tgname, pg_get_triggerdef(g.oid),
  g.tgenabled <> 'D' AND g.tgtype & 3 = 3 AND g.tgtype & 20 <> 0, g.tgenabled <> 'D' AND g.tgtype & 17 = 17
FROM pg_trigger g WHERE NOT g.tgisinternal AND NOT pg_catalog.starts_with(g.tgname::text, '~switchback_') AND (g.tgrelid = $oid
  OR g.tgparentid = 0 AND g.tgrelid IN (SELECT relid FROM pg_partition_tree($oid)))
ORDER BY g.tgname, g.tgrelid)";

constexpr const char* partition_key_sql = R"(
SELECT DISTINCT a.attname FROM pg_partitioned_table p
CROSS JOIN LATERAL (SELECT unnest(p.partattrs::int2[])::int UNION
  SELECT x[1]::int FROM regexp_matches(coalesce(p.partexprs::text, ''), ':varattno ([0-9]+)', 'g') x) k(number)
JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.number AND k.number > 0
WHERE p.partrelid IN (SELECT relid FROM pg_partition_ancestors($oid) UNION SELECT relid FROM pg_partition_tree($oid)) ORDER BY 1)";

// A plain table's leaf is itself, and whoever inherits from it.
constexpr const char* leaves_sql = R"(
WITH RECURSIVE heirs(oid) AS (SELECT $oid::oid UNION SELECT h.inhrelid FROM pg_inherits h JOIN heirs ON heirs.oid = h.inhparent)
SELECT n.nspname, c.relname, greatest(c.reltuples, 0), CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) ELSE 0 END
FROM heirs JOIN pg_class c ON c.oid = heirs.oid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind <> 'p'
ORDER BY c.oid <> $oid, n.nspname, c.relname)";

constexpr const char* branches_sql = R"(
SELECT n.nspname, c.relname, pn.nspname, pc.relname, c.relkind FROM pg_partition_tree($oid) p
JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class pc ON pc.oid = p.parentrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
WHERE p.level > 0 ORDER BY p.level, n.nspname, c.relname)";

std::string with(const std::string& sql, std::uint32_t oid, const TableName& table) {
  std::string out = sql;
  const auto put = [&](std::string_view name, const std::string& value) {
    for (std::size_t at = out.find(name); at != std::string::npos; at = out.find(name, at + value.size()))
      out.replace(at, name.size(), value);
  };
  put("$oid", std::to_string(oid));
  put("$separator", separator);
  put("$table", quote_literal(quoted(table)));
  return out;
}

void read_columns(Session& session, TableFacts& facts) {
  const Rows rows = read(session, with(columns_sql, facts.oid, facts.name));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ColumnFacts column;
    column.number = static_cast<int>(rows.integer(i, 0));
    column.name = rows.text(i, 1);
    column.type = rows.text(i, 2);
    column.not_null = rows.boolean(i, 3);
    if (rows.at(i, 4)) {
      bool is_null = false;
      column.default_value = in_every_search_path(*rows.at(i, 4), is_null);
      if (is_null) column.default_value.reset();
    }
    column.default_volatile = rows.boolean(i, 5);
    column.identity = rows.boolean(i, 6);
    column.generated = rows.boolean(i, 7);
    column.bitwise_equality = rows.boolean(i, 8);
    column.collation = rows.at(i, 9);
    column.comment = rows.at(i, 10);
    column.grants = list(rows.text(i, 11));
    column.statistics_target = rows.at(i, 12) ? static_cast<std::int32_t>(rows.integer(i, 12)) : -1;
    column.enum_values = list(rows.text(i, 13));
    facts.columns.push_back(std::move(column));
  }
}

/// The primary key, else the usable unique key of the fewest columns, then of the shortest types' names: any is right.
void choose_key(TableFacts& facts, const std::vector<bool>& btree, const std::vector<std::size_t>& key_columns) {
  const IndexFacts* best = nullptr;
  for (std::size_t i = 0; i < facts.indexes.size(); ++i) {
    const IndexFacts& index = facts.indexes[i];
    bool usable = btree[i] && index.unique && index.valid && index.immediate && !index.partial &&
                  index.columns.size() == key_columns[i];
    for (const std::string& name : index.columns) {
      const ColumnFacts* column = facts.column(name);
      usable = usable && column && column->not_null;
    }
    if (!usable) continue;
    if (!best || index.primary || (!best->primary && index.columns.size() < best->columns.size())) best = &index;
  }
  if (!best) return;
  KeyFacts key{best->name.name, best->columns, {}};
  for (const std::string& name : key.columns) key.types.push_back(facts.column(name)->type);
  facts.key = std::move(key);
}

void read_indexes(Session& session, TableFacts& facts) {
  const Rows rows = read(session, with(indexes_sql, facts.oid, facts.name));
  std::vector<bool> btree;
  std::vector<std::size_t> key_columns;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    IndexFacts index;
    index.name = {rows.text(i, 0), rows.text(i, 1)};
    index.definition = rows.text(i, 2);
    index.columns = list(rows.text(i, 3));
    if (index.columns.empty()) index.columns.emplace_back();  // one expression: its place is an empty string
    index.unique = rows.boolean(i, 4);
    index.primary = rows.boolean(i, 5);
    index.valid = rows.boolean(i, 6);
    index.partial = rows.boolean(i, 7);
    index.immediate = rows.boolean(i, 8);
    index.constraint = rows.at(i, 9);
    for (const std::string& number : list(rows.text(i, 10))) index.mentions.push_back(std::stoi(number));
    btree.push_back(rows.text(i, 11) == "btree");
    key_columns.push_back(static_cast<std::size_t>(rows.integer(i, 12)));
    facts.indexes.push_back(std::move(index));
  }
  choose_key(facts, btree, key_columns);
}

void read_constraints_and_triggers(Session& session, TableFacts& facts) {
  const Rows constraints = read(session, with(constraints_sql, facts.oid, facts.name));
  for (std::size_t i = 0; i < constraints.size(); ++i)
    facts.constraints.push_back({constraints.text(i, 0), constraints.text(i, 1).front(), constraints.text(i, 2),
                                 list(constraints.text(i, 3)), constraints.boolean(i, 4)});
  const Rows triggers = read(session, with(triggers_sql, facts.oid, facts.name));
  for (std::size_t i = 0; i < triggers.size(); ++i)
    facts.triggers.push_back(
        {triggers.text(i, 0), triggers.text(i, 1), triggers.boolean(i, 2), triggers.boolean(i, 3)});
}

void read_partitions(Session& session, TableFacts& facts) {
  const Rows key = read(session, with(partition_key_sql, facts.oid, facts.name));
  for (std::size_t i = 0; i < key.size(); ++i) facts.partition_key.push_back(key.text(i, 0));
  const Rows leaves = read(session, with(leaves_sql, facts.oid, facts.name));
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    facts.leaves.push_back({leaves.text(i, 0), leaves.text(i, 1)});
    facts.rows_estimate += leaves.number(i, 2);
    facts.bytes += leaves.integer(i, 3);
  }
  const Rows branches = read(session, with(branches_sql, facts.oid, facts.name));
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const TableName below{branches.text(i, 0), branches.text(i, 1)};
    facts.parents[below] = {branches.text(i, 2), branches.text(i, 3)};
    if (branches.text(i, 4) == "p") facts.branches.push_back(below);
  }
}

Rows find(Session& session, const TableName& name) {
  return read(session,
              "SELECT c.oid, c.relkind, pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity "
              "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = " +
                  quote_literal(name.schema) + " AND c.relname = " + quote_literal(name.name));
}

std::string_view kind_name(char kind) {
  switch (kind) {
    case 'v':
      return "a view";
    case 'm':
      return "a materialized view";
    case 'f':
      return "a foreign table";
    case 'S':
      return "a sequence";
    case 'i':
    case 'I':
      return "an index";
    case 'c':
      return "a composite type";
    default:
      return "no table";
  }
}

}  // namespace

std::optional<TableFacts> PostgresCatalog::table(Session& session, const TableName& name) {
  const Rows found = find(session, name);
  if (found.empty()) return std::nullopt;
  TableFacts facts;
  facts.oid = static_cast<std::uint32_t>(found.integer(0, 0));
  facts.name = name;
  facts.kind = found.text(0, 1).front();
  if (facts.kind != 'r' && facts.kind != 'p')
    throw Error(Exit::invalid, Remedy::person,
                shown(name) + " is " + std::string(kind_name(facts.kind)) + ", not a table", "name the table itself");
  facts.owner = found.text(0, 2);
  facts.row_security = found.boolean(0, 3);
  facts.row_security_forced = found.boolean(0, 4);
  read_columns(session, facts);
  read_indexes(session, facts);
  read_constraints_and_triggers(session, facts);
  read_partitions(session, facts);
  return facts;
}

std::string PostgresCatalog::fingerprint(Session& session, const TableName& name,
                                         const std::vector<std::string>& without_indexes) {
  const Rows found = find(session, name);
  if (found.empty())
    throw Error(Exit::drift, Remedy::person, "there is no table " + shown(name),
                "look at what has dropped or renamed it");
  // Names and texts only, no oids: another server with the same shape gives the same.
  constexpr const char* sql = R"(
SELECT encode(sha256(convert_to(string_agg(line, E'\n' ORDER BY line COLLATE "C"), 'UTF8')), 'hex') FROM (
SELECT concat('table ', relkind, ' ', relrowsecurity, ' ', relforcerowsecurity) AS line FROM pg_class WHERE oid = $oid
UNION ALL SELECT concat('column ', row_number() OVER (ORDER BY a.attnum), ' ', quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
    ' ', a.attnotnull, ' ', a.attidentity, a.attgenerated, ' ', pg_get_expr(d.adbin, d.adrelid), ' ', c.collname)
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum LEFT JOIN pg_collation c ON c.oid = a.attcollation
  WHERE a.attrelid = $oid AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT concat('index ', i.indisvalid, ' ', pg_get_indexdef(i.indexrelid)) FROM pg_index i WHERE i.indrelid = $oid AND i.indislive
  AND i.indexrelid NOT IN (SELECT oid FROM pg_class WHERE relname IN ($without))
UNION ALL SELECT concat('constraint ', quote_ident(conname), ' ', convalidated, ' ', pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid = $oid
  AND NOT pg_catalog.starts_with(conname::text, '_switchback_')
UNION ALL SELECT concat('trigger ', tgenabled, ' ', pg_get_triggerdef(oid)) FROM pg_trigger WHERE tgrelid = $oid AND NOT tgisinternal
  AND NOT pg_catalog.starts_with(tgname::text, '~switchback_')
UNION ALL SELECT concat('partitioned ', pg_get_partkeydef(partrelid)) FROM pg_partitioned_table WHERE partrelid = $oid) AS shape)";
  std::string without;
  for (const std::string& index : without_indexes) without += quote_literal(index) + ", ";
  std::string shape = sql;
  shape.replace(shape.find("$without"), 8, without + "NULL");
  return read(session, with(shape, static_cast<std::uint32_t>(found.integer(0, 0)), name)).text(0, 0);
}

}  // namespace switchback::postgres
