#include <algorithm>
#include <string>
#include <vector>

#include "switchback/core/error.hpp"
#include "switchback/core/rule.hpp"
#include "switchback/core/setting_sql.hpp"
#include "switchback/engine/hiding.hpp"
#include "switchback/engine/turning_over.hpp"
#include "taken_json.hpp"

namespace switchback::engine {
namespace {

// The relations whose columns go together with the table's: itself and its partitions or children, by the column's
// name. Parameters: $1 the table's oid, $2 the column's name.
constexpr const char* columns_of_tree = R"(
WITH RECURSIVE tree(oid, at_top) AS (
  SELECT $1::pg_catalog.oid, true
  UNION
  SELECT i.inhrelid, false FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
), col AS (
  SELECT a.*, tree.at_top, format('%I.%I', n.nspname, c.relname) AS tab, format('%I', $2::text) AS name, c.relkind,
         format('%I.%I.%I', n.nspname, c.relname, $2::text) AS shown
  FROM tree JOIN pg_catalog.pg_attribute a ON a.attrelid = tree.oid AND a.attname = $2::name AND NOT a.attisdropped
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
), root AS (SELECT * FROM col WHERE at_top)
)";

constexpr const char* own_definitions = R"(
SELECT kind, structure, definition FROM (
  SELECT 10 AS step, 'column' AS kind, shown AS structure,
         format('ALTER TABLE %s ADD COLUMN %s %s', tab, name, format_type(atttypid, atttypmod)) ||
         CASE WHEN attcollation <> 0 AND attcollation <> t.typcollation
              THEN (SELECT format(' COLLATE %I.%I', n.nspname, l.collname) FROM pg_collation l
                    JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = attcollation) ELSE '' END AS definition
    FROM root JOIN pg_type t ON t.oid = atttypid
  UNION ALL
  SELECT 11, 'column', shown, format('ALTER TABLE %s ALTER COLUMN %s SET STORAGE %s', tab, name,
         CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END)
    FROM root JOIN pg_type t ON t.oid = atttypid WHERE attstorage <> t.typstorage
  UNION ALL
  SELECT 12, 'column', shown, format('ALTER TABLE %s ALTER COLUMN %s SET COMPRESSION %s', tab, name,
         CASE to_jsonb(root) ->> 'attcompression' WHEN 'p' THEN 'pglz' ELSE 'lz4' END)
    FROM root WHERE to_jsonb(root) ->> 'attcompression' IN ('p', 'l')
  UNION ALL
  SELECT 13, 'column', shown, format('ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %s', tab, name, attstattarget)
    FROM root WHERE attstattarget >= 0
  UNION ALL
  SELECT 14, 'column', shown, format('ALTER TABLE %s ALTER COLUMN %s SET (%s)', tab, name, array_to_string(attoptions, ', '))
    FROM root WHERE attoptions IS NOT NULL
  UNION ALL
  SELECT 20, 'sequence', format('%I.%I', n.nspname, c.relname),
         format('CREATE SEQUENCE %I.%I AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s', n.nspname, c.relname,
                format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
                CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)
    FROM root JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = attrelid AND d.refobjsubid = attnum
      AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequence s ON s.seqrelid = c.oid
  UNION ALL
  SELECT 20 + w.place, 'sequence', format('%I.%I', n.nspname, c.relname), w.definition
    FROM root JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = attrelid AND d.refobjsubid = attnum
      AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (VALUES (1, format('ALTER SEQUENCE %I.%I OWNER TO %I', n.nspname, c.relname, pg_get_userbyid(c.relowner))),
      (2, format('ALTER SEQUENCE %I.%I OWNED BY %s.%s', n.nspname, c.relname, tab, name)),
      (3, format('COMMENT ON SEQUENCE %I.%I IS %L', n.nspname, c.relname, obj_description(c.oid, 'pg_class')))) w(place, definition)
    WHERE w.place < 3 OR obj_description(c.oid, 'pg_class') IS NOT NULL
  UNION ALL
  SELECT 24, 'grant', format('%I.%I', n.nspname, c.relname), format('GRANT %s ON SEQUENCE %I.%I TO %s%s', x.privilege_type, n.nspname,
         c.relname, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
         CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM root JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = attrelid AND d.refobjsubid = attnum
      AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(c.relacl) x
  UNION ALL
  SELECT 30, 'default', shown, format('ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s', tab, name, pg_get_expr(f.adbin, f.adrelid))
    FROM root JOIN pg_attrdef f ON f.adrelid = attrelid AND f.adnum = attnum WHERE attgenerated = ''
  UNION ALL
  SELECT 40, 'comment', shown, format('COMMENT ON COLUMN %s.%s IS %L', tab, name, col_description(attrelid, attnum))
    FROM root WHERE col_description(attrelid, attnum) IS NOT NULL
  UNION ALL
  SELECT 41, 'grant', shown, format('GRANT %s (%s) ON %s TO %s%s', x.privilege_type, name, tab,
         CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
         CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM root CROSS JOIN LATERAL aclexplode(attacl) x
) AS own ORDER BY step, structure, definition)";

// NOT NULL by way of a CHECK, so that no step reads the table under a strong lock; identity needs NOT NULL to be there.
constexpr const char* late_definitions = R"(
SELECT kind, structure, definition FROM (
  SELECT 10 AS step, 'not_null' AS kind, shown AS structure,
         format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s IS NOT NULL) NOT VALID', tab, $3::text, name) AS definition
    FROM root WHERE attnotnull
  UNION ALL
  SELECT 11, 'validate', shown, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', tab, $3::text) FROM root WHERE attnotnull
  UNION ALL
  SELECT 12, 'not_null', shown, format('ALTER TABLE %s ALTER COLUMN %s SET NOT NULL, DROP CONSTRAINT IF EXISTS %I', tab, name, $3::text)
    FROM root WHERE attnotnull
  UNION ALL
  SELECT 20, 'identity', shown,
         format('ALTER TABLE %s ALTER COLUMN %s ADD GENERATED %s AS IDENTITY (SEQUENCE NAME %I.%I INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s)',
                tab, name, CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, n.nspname, c.relname, s.seqincrement, s.seqmin,
                s.seqmax, s.seqstart, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)
    FROM root JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = attrelid AND d.refobjsubid = attnum
      AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequence s ON s.seqrelid = c.oid WHERE attidentity <> ''
  UNION ALL
  SELECT 21, 'sequence_value', format('%I.%I', n.nspname, c.relname),
         format('SELECT pg_catalog.setval(%L, greatest((SELECT max(%s) FROM %s), %s))', format('%I.%I', n.nspname, c.relname), name, tab,
                coalesce(pg_sequence_last_value(c.oid)::text, 'NULL'))
    FROM root JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = attrelid AND d.refobjsubid = attnum
      AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace
) AS late ORDER BY step)";

// Objects that depend on the column in any table of the tree: what a plain DROP COLUMN takes along. A partition's share
// of a parent's index or constraint comes with the parent's.
constexpr const char* dependents = R"(
SELECT DISTINCT d.classid::pg_catalog.oid, d.objid, CASE WHEN d.classid = 'pg_class'::regclass THEN 1 WHEN d.classid = 'pg_constraint'::regclass THEN 2 ELSE 3 END AS step
FROM col JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = col.attrelid
  AND d.refobjsubid = col.attnum AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_class i ON d.classid = 'pg_class'::regclass AND i.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
WHERE (i.relkind IN ('i', 'I') AND NOT i.relispartition)
   OR (k.contype IN ('c', 'f', 'u', 'p', 'x') AND k.conparentid = 0 AND k.conislocal)
   OR d.classid = 'pg_statistic_ext'::regclass
ORDER BY step, d.objid)";

constexpr const char* generated_from = R"(
SELECT format('%s.%I', col.tab, g.attname) FROM col
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = col.attrelid AND d.refobjsubid = col.attnum
  AND d.classid IN ('pg_class'::regclass, 'pg_attrdef'::regclass)
LEFT JOIN pg_catalog.pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
JOIN pg_catalog.pg_attribute g ON g.attrelid = col.attrelid AND g.attgenerated <> ''
  AND g.attnum = CASE WHEN f.oid IS NULL THEN d.objsubid ELSE f.adnum END AND g.attnum <> col.attnum LIMIT 1)";

constexpr const char* index_definitions = R"(
SELECT kind, structure, definition FROM (
  SELECT 1 AS step, 'index' AS kind, format('%I.%I', n.nspname, c.relname) AS structure, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indexrelid = $1::oid
  UNION ALL
  SELECT 2, 'index_comment', format('%I.%I', n.nspname, c.relname), format('COMMENT ON INDEX %I.%I IS %L', n.nspname, c.relname, obj_description(c.oid, 'pg_class'))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid AND obj_description(c.oid, 'pg_class') IS NOT NULL
  UNION ALL
  SELECT 3, 'statistics', format('%I.%I', n.nspname, c.relname), format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', n.nspname, c.relname, a.attnum, a.attstattarget)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.oid = $1::oid AND a.attstattarget >= 0
  UNION ALL
  SELECT 4, 'index_use', format('%I.%I', n.nspname, c.relname), format('ALTER TABLE %I.%I CLUSTER ON %I', tn.nspname, t.relname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE i.indexrelid = $1::oid AND i.indisclustered
  UNION ALL
  SELECT 5, 'index_use', format('%I.%I', n.nspname, c.relname), format('ALTER TABLE %I.%I REPLICA IDENTITY USING INDEX %I', tn.nspname, t.relname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE i.indexrelid = $1::oid AND i.indisreplident
) AS one ORDER BY step)";

// A unique constraint is made of an index built beforehand, which a partitioned table cannot (18 and older), nor an
// exclusion constraint; a foreign key of a partitioned table cannot be NOT VALID (17 and older).
constexpr const char* constraint_definitions = R"(
WITH k AS (
  SELECT con.*, format('%I.%I', n.nspname, c.relname) AS tab, c.relkind, format('%I.%I.%I', n.nspname, c.relname, con.conname) AS shown,
         CASE WHEN x.oid IS NOT NULL THEN format('%I.%I', xn.nspname, x.relname) END AS index_shown, pg_get_constraintdef(con.oid) AS text,
         con.contype IN ('u', 'p') AND c.relkind <> 'p' AS by_index,
         con.contype IN ('c', 'f') AND con.convalidated AND NOT (con.contype = 'f' AND c.relkind = 'p') AS in_two
  FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class x ON x.oid = con.conindid AND con.contype IN ('u', 'p', 'x') LEFT JOIN pg_namespace xn ON xn.oid = x.relnamespace
  WHERE con.oid = $1::oid
)
SELECT kind, structure, definition FROM (
  SELECT 1 AS step, 'index' AS kind, index_shown AS structure, pg_get_indexdef(conindid) AS definition FROM k WHERE by_index
  UNION ALL
  SELECT 2, 'constraint', shown, format('ALTER TABLE %s ADD CONSTRAINT %I ', tab, conname) || CASE WHEN by_index
           THEN CASE contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END || format(' USING INDEX %I', conname) ||
                CASE WHEN condeferrable THEN ' DEFERRABLE' || CASE WHEN condeferred THEN ' INITIALLY DEFERRED' ELSE '' END ELSE '' END
           ELSE text || CASE WHEN in_two THEN ' NOT VALID' ELSE '' END END FROM k
  UNION ALL
  SELECT 3, 'validate', shown, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', tab, conname) FROM k WHERE in_two
  UNION ALL
  SELECT 4, 'constraint_comment', shown, format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, tab, obj_description(oid, 'pg_constraint'))
    FROM k WHERE obj_description(oid, 'pg_constraint') IS NOT NULL
  UNION ALL
  SELECT 5, 'index_use', format('%I.%I', n.nspname, c.relname), format('ALTER TABLE %I.%I CLUSTER ON %I', tn.nspname, t.relname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE i.indexrelid IN (SELECT conindid FROM k WHERE contype IN ('u', 'p', 'x')) AND i.indisclustered
  UNION ALL
  SELECT 6, 'index_use', format('%I.%I', n.nspname, c.relname), format('ALTER TABLE %I.%I REPLICA IDENTITY USING INDEX %I', tn.nspname, t.relname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE i.indexrelid IN (SELECT conindid FROM k WHERE contype IN ('u', 'p', 'x')) AND i.indisreplident
) AS one ORDER BY step)";

constexpr const char* statistics_definitions = R"(
SELECT kind, structure, definition FROM (
  SELECT 1 AS step, 'statistics' AS kind, format('%I.%I', n.nspname, s.stxname) AS structure, pg_get_statisticsobjdef(s.oid) AS definition
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.oid = $1::oid
  UNION ALL
  SELECT 2, 'statistics', format('%I.%I', n.nspname, s.stxname), format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, s.stxname, s.stxstattarget)
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.oid = $1::oid AND s.stxstattarget >= 0
  UNION ALL
  SELECT 4, 'statistics', format('%I.%I', n.nspname, s.stxname), format('ALTER STATISTICS %I.%I OWNER TO %I', n.nspname, s.stxname, pg_get_userbyid(s.stxowner))
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.oid = $1::oid
  UNION ALL
  SELECT 3, 'statistics', format('%I.%I', n.nspname, s.stxname), format('COMMENT ON STATISTICS %I.%I IS %L', n.nspname, s.stxname, obj_description(s.oid, 'pg_statistic_ext'))
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.oid = $1::oid AND obj_description(s.oid, 'pg_statistic_ext') IS NOT NULL
) AS one ORDER BY step)";

constexpr const char* index_constraint =
    "SELECT 1 FROM pg_catalog.pg_constraint WHERE conindid = $1::pg_catalog.oid AND contype IN ('u', 'p', 'x')";

/// Collects the definitions of one plan in the order in which a restore runs them.
class Collector {
 public:
  explicit Collector(ports::Session& session) : session_(session) {}

  void add(std::string kind, std::string structure, std::string definition) {
    const auto same = [&](const StoredDefinition& one) {
      return one.kind == kind && one.structure == structure && one.definition == definition;
    };
    if (std::ranges::any_of(found_, same)) return;
    found_.push_back({static_cast<int>(found_.size()), std::move(kind), std::move(structure), std::move(definition)});
  }
  void query(const std::string& sql, const std::vector<ports::Value>& parameters) {
    const ports::Rows rows = session_.exec(sql, parameters);
    for (std::size_t i = 0; i < rows.size(); ++i) add(rows.text(i, 0), rows.text(i, 1), rows.text(i, 2));
  }
  void refuse_generated(const TakenTable& table, const TakenColumn& column) {
    const auto found =
        session_.exec(std::string(columns_of_tree) + generated_from, {std::to_string(table.oid), column.name});
    if (found.empty()) return;
    throw Error(Exit::invalid, Remedy::person,
                "generated column " + found.text(0, 0) + " is computed from " + shown(table.name) + "." +
                    shown(column.name) + ", which the plan drops",
                "drop the generated column in an earlier plan");
  }
  void dependents_of(const TakenTable& table, const TakenColumn& column) {
    const auto found =
        session_.exec(std::string(columns_of_tree) + dependents, {std::to_string(table.oid), column.name});
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::string oid = found.text(i, 1);
      const auto kind = found.integer(i, 2);
      if (kind == 1)
        index(oid);
      else
        query(kind == 2 ? constraint_definitions : statistics_definitions, {oid});
    }
  }
  void index(const std::string& oid) {
    // An index that belongs to a constraint comes with it.
    if (session_.exec(index_constraint, {oid}).empty()) query(index_definitions, {oid});
  }
  void put_last(const std::string& kind) {
    std::stable_partition(found_.begin(), found_.end(), [&](const StoredDefinition& one) { return one.kind != kind; });
    for (std::size_t i = 0; i < found_.size(); ++i) found_[i].ordinal = static_cast<int>(i);
  }
  const std::vector<StoredDefinition>& found() const { return found_; }

 private:
  ports::Session& session_;
  std::vector<StoredDefinition> found_;
};

bool is_there(ports::Session& session, const TakenTable& table, const std::string& column) {
  return !session
              .exec(
                  "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND attname = "
                  "$2::pg_catalog.name AND NOT attisdropped",
                  {std::to_string(table.oid), column})
              .empty();
}

/// A restored column is empty at first: a domain that forbids NULL could come back only by rewriting the table.
void refuse_strict_domain(ports::Session& session, const TakenTable& table, const TakenColumn& column) {
  if (column.value_type == column.type) return;
  session.exec("SAVEPOINT domain");
  try {
    session.exec("SELECT CAST(NULL AS " + column.type + ")");
    session.exec("RELEASE SAVEPOINT domain");
  } catch (const Error& error) {
    session.exec("ROLLBACK TO SAVEPOINT domain; RELEASE SAVEPOINT domain");
    throw Error(Exit::invalid, Remedy::person,
                "column " + shown(table.name) + "." + shown(column.name) + " is of the domain " + column.type +
                    ", which forbids NULL: once dropped it could come back only by rewriting the table",
                "give it the domain's base type first, which rewrites nothing: ALTER TABLE " + quoted(table.name) +
                    " ALTER COLUMN " + quote_identifier(column.name) + " TYPE " + column.value_type,
                error.sqlstate());
  }
}

void collect_table(ports::Session& session, Collector& collector, const TakenTable& table) {
  const std::string json = taken_json(session, table);
  collector.add("taken", shown(table.name), json);
  for (const TakenColumn& column : taken_from_json(session, table.plan_id, json).columns)
    refuse_strict_domain(session, table, column);
  for (const TakenColumn& column : table.columns) {
    collector.refuse_generated(table, column);
    collector.query(std::string(columns_of_tree) + own_definitions, {std::to_string(table.oid), column.name});
  }
}

void collect_late(Collector& collector, const TakenTable& table) {
  for (const TakenColumn& column : table.columns) {
    collector.dependents_of(table, column);
    collector.query(std::string(columns_of_tree) + late_definitions,
                    {std::to_string(table.oid), column.name, not_null_check_name(table.plan, column.name)});
  }
}

Error nothing_named(std::string_view what, const std::string& name) {
  return {Exit::invalid, Remedy::person, "there is no " + std::string(what) + " " + name + " to drop",
          "correct the name in the plan, or leave the step out"};
}

void collect_step(ports::Session& session, Collector& collector, const std::string& plan, const Step& step) {
  if (const auto* index = std::get_if<DropIndex>(&step.action)) {
    const auto found = session.exec(
        "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid WHERE c.oid = "
        "pg_catalog.to_regclass($1)",
        {quoted(index->name)});
    if (found.empty()) throw nothing_named("index", shown(index->name));
    collector.index(found.text(0, 0));
  } else if (const auto* constraint = std::get_if<DropConstraint>(&step.action)) {
    const auto found = session.exec(
        "SELECT oid FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND conname = $2",
        {quoted(constraint->table), constraint->name});
    if (found.empty()) throw nothing_named("constraint", shown(constraint->table) + "." + shown(constraint->name));
    collector.query(constraint_definitions, {found.text(0, 0)});
  } else if (const auto* not_null = std::get_if<SetNotNull>(&step.action)) {
    const auto found = session.exec(
        "SELECT attnotnull FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 "
        "AND NOT attisdropped",
        {quoted(not_null->table), not_null->column});
    if (found.empty()) throw nothing_named("column", shown(not_null->table) + "." + shown(not_null->column));
    if (!found.boolean(0, 0))
      collector.add("relax", shown(not_null->table) + "." + shown(not_null->column),
                    "ALTER TABLE " + quoted(not_null->table) + " ALTER COLUMN " + quote_identifier(not_null->column) +
                        " DROP NOT NULL");
  } else if (const auto rule = rule_of(step.action)) {
    collector.add("relax", shown(*rule), release_sql(plan, *rule));
  } else if (is_turned_over(step.action)) {
    for (const std::string& sql : turned_over_sql(&session, step).undo)
      collector.add("turned", describe(step.action), sql);
  }
}

}  // namespace

void store_definitions(ports::Session& session, PlanId plan_id, const Plan& plan,
                       const std::vector<TakenTable>& tables) {
  // Already hidden: what is recorded is right, and the names in the catalog are not the application's any more. What is
  // replaced bears its tombstone name before it is recorded.
  for (const TakenTable& table : tables)
    for (const TakenColumn& column : table.columns)
      if (column.name != column.hidden && is_there(session, table, column.hidden)) return;
  Collector collector(session);
  for (const TakenTable& table : tables) collect_table(session, collector, table);
  for (const TakenTable& table : tables) collect_late(collector, table);
  for (const Step& step : plan.contract.steps) collect_step(session, collector, plan.name, step);
  collector.put_last("index_use");  // a replica identity's columns must be NOT NULL
  for (const TakenTable& table : tables) collector.add("analyze", shown(table.name), "ANALYZE " + quoted(table.name));
  session.exec("DELETE FROM switchback.definition WHERE plan_id = $1", {std::to_string(plan_id)});
  for (const StoredDefinition& one : collector.found())
    session.exec(
        "INSERT INTO switchback.definition (plan_id, ordinal, kind, structure, definition) VALUES ($1, $2, $3, $4, $5)",
        {std::to_string(plan_id), std::to_string(one.ordinal), one.kind, one.structure, one.definition});
}

std::vector<std::string> standing_definitions(ports::Session& session, PlanId plan_id) {
  const auto rows = session.exec(R"sql(
SELECT d.ordinal FROM switchback.definition d WHERE d.plan_id = $1 AND CASE
  WHEN d.kind IN ('constraint', 'validate', 'constraint_comment') THEN EXISTS (
    SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE pg_catalog.format('%I.%I.%I', n.nspname, c.relname, k.conname) = d.structure)
  WHEN d.kind IN ('index', 'index_comment', 'index_use') THEN pg_catalog.to_regclass(d.structure) IS NOT NULL
  END ORDER BY d.ordinal)sql",
                                 {std::to_string(plan_id)});
  std::vector<std::string> ordinals;
  for (std::size_t i = 0; i < rows.size(); ++i) ordinals.push_back(rows.text(i, 0));
  return ordinals;
}

void forget_fallen(ports::Session& session, PlanId plan_id, const std::vector<std::string>& stood) {
  const std::vector<std::string> stands = standing_definitions(session, plan_id);
  for (const std::string& ordinal : stood)
    if (std::ranges::find(stands, ordinal) == stands.end())
      session.exec("DELETE FROM switchback.definition WHERE plan_id = $1 AND ordinal = $2",
                   {std::to_string(plan_id), ordinal});
}

std::vector<StoredDefinition> definitions(ports::Session& session, PlanId plan_id) {
  const auto rows = session.exec(
      "SELECT ordinal, kind, structure, definition FROM switchback.definition WHERE plan_id = $1 ORDER BY ordinal",
      {std::to_string(plan_id)});
  std::vector<StoredDefinition> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({static_cast<int>(rows.integer(i, 0)), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3)});
  return out;
}

}  // namespace switchback::engine
