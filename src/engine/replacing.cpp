#include "switchback/engine/replacing.hpp"

#include <algorithm>

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/moving.hpp"

namespace switchback::engine {
namespace {

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}

bool is_there(ports::Session& session, const TableName& table) {
  return session.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {quoted(table)}).boolean(0, 0);
}

void run_all(ports::Session& session, const ports::Rows& statements) {
  for (std::size_t i = 0; i < statements.size(); ++i) session.exec(statements.text(i, 0));
}

/// Whether the copy bears the name now.
bool is_replaced(ports::Session& session, const Plan& plan, const ReplaceTable& step) {
  return is_there(session, table_tombstone(plan, step.table));
}

struct View {
  std::string name;     ///< quoted, with its schema
  std::string options;  ///< security_barrier=true, check_option=local
  std::string query;
};

/// They read the table itself, whatever its name: they are written anew with the same text.
std::vector<View> views_on(ports::Session& session, const TableName& table) {
  const auto rows = session.exec(
      R"sql(SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, v.relname), pg_catalog.array_to_string(v.reloptions, ', '),
  pg_catalog.rtrim(pg_catalog.pg_get_viewdef(v.oid), ';')
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = pg_catalog.to_regclass($1) ORDER BY 1)sql",
      {quoted(table)});
  std::vector<View> views;
  for (std::size_t i = 0; i < rows.size(); ++i) views.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2)});
  return views;
}

void write_again(ports::Session& session, const View& view) {
  session.exec("CREATE OR REPLACE VIEW " + view.name + (view.options.empty() ? "" : " WITH (" + view.options + ")") +
               " AS " + view.query);
}

struct UserTrigger {
  std::string name;
  std::string definition;  ///< names the table as it is called now
  char enabled = 'O';
};

std::vector<UserTrigger> triggers_on(ports::Session& session, const TableName& table) {
  const auto rows = session.exec(
      "SELECT tgname, pg_catalog.pg_get_triggerdef(oid), tgenabled FROM pg_catalog.pg_trigger WHERE tgrelid = "
      "pg_catalog.to_regclass($1) AND NOT tgisinternal AND NOT pg_catalog.starts_with(tgname::text, '~switchback_') "
      "ORDER BY tgname",
      {quoted(table)});
  std::vector<UserTrigger> triggers;
  for (std::size_t i = 0; i < rows.size(); ++i)
    triggers.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2).front()});
  return triggers;
}

std::string enable_sql(const TableName& table, const UserTrigger& trigger) {
  const char* mode = trigger.enabled == 'D'   ? "DISABLE TRIGGER "
                     : trigger.enabled == 'A' ? "ENABLE ALWAYS TRIGGER "
                     : trigger.enabled == 'R' ? "ENABLE REPLICA TRIGGER "
                                              : "ENABLE TRIGGER ";
  return alter(table) + mode + quote_identifier(trigger.name);
}

/// Sequences that a column owns are the default of both tables; they must stand in the schema of their owner.
void own_sequences(ports::Session& session, const TableName& from, const TableName& to) {
  run_all(
      session,
      session.exec(
          R"sql(SELECT pg_catalog.format('ALTER SEQUENCE %I.%I OWNED BY %s.%I', n.nspname, c.relname, $2::text, a.attname)
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.refobjid = pg_catalog.to_regclass($1) AND d.deptype = 'a' ORDER BY c.relname)sql",
          {quoted(from), quoted(to)}));
}

/// An identity column's sequence in each of the two tables.
struct Sequences {
  TableName of_written, of_follower;
};

std::vector<Sequences> identity_sequences(ports::Session& session, const TableName& written,
                                          const TableName& follower) {
  const auto rows = session.exec(
      R"sql(SELECT n.nspname, c.relname, m.nspname, o.relname
FROM pg_catalog.pg_attribute a, pg_catalog.pg_attribute b, pg_catalog.pg_class c, pg_catalog.pg_class o, pg_catalog.pg_namespace n, pg_catalog.pg_namespace m
WHERE a.attrelid = pg_catalog.to_regclass($1) AND b.attrelid = pg_catalog.to_regclass($2) AND b.attname = a.attname AND a.attidentity <> '' AND b.attidentity <> ''
  AND c.oid = pg_catalog.pg_get_serial_sequence($1, a.attname)::pg_catalog.regclass AND o.oid = pg_catalog.pg_get_serial_sequence($2, a.attname)::pg_catalog.regclass
  AND n.oid = c.relnamespace AND m.oid = o.relnamespace ORDER BY a.attnum)sql",
      {quoted(written), quoted(follower)});
  std::vector<Sequences> all;
  for (std::size_t i = 0; i < rows.size(); ++i)
    all.push_back({{rows.text(i, 0), rows.text(i, 1)}, {rows.text(i, 2), rows.text(i, 3)}});
  return all;
}

/// The follower's goes on where the written table's is; nobody draws from either, as both tables are locked.
void go_on(ports::Session& session, const std::vector<Sequences>& all) {
  for (const Sequences& one : all)
    session.exec("SELECT pg_catalog.setval(" + quote_literal(quoted(one.of_follower)) +
                 ", last_value, is_called) FROM " + quoted(one.of_written));
}

void rename_sequence(ports::Session& session, const TableName& from, const std::string& to) {
  session.exec("ALTER SEQUENCE " + quoted(from) + " RENAME TO " + quote_identifier(to));
}

void rename_table(ports::Session& session, const TableName& from, const TableName& to) {
  session.exec(alter(from) + "RENAME TO " + quote_identifier(to.name));
}

/// Whoever took its name while it was hidden is not to be pushed aside.
void move_to(ports::Session& session, const TableName& from, const std::string& schema) {
  try {
    session.exec(alter(from) + "SET SCHEMA " + quote_identifier(schema));
  } catch (const Error& error) {
    if (error.sqlstate() != "42P07") throw;
    throw Error(Exit::refused, Remedy::person, shown(from) + " cannot go back to its place: " + error.what(),
                "rename or drop what has taken the name while it was hidden, then again", error.sqlstate());
  }
}

/// As writers do: a view before what it reads, the table that is written before the one that follows.
void lock_both(ports::Session& session, const TableName& written, const TableName& follower) {
  give_up_first(session);
  // LOCK TABLE would take along everything that a view reads; written as it is, it is locked alone.
  for (const View& view : views_on(session, written)) write_again(session, view);
  session.exec("LOCK TABLE " + quoted(written) + " IN ACCESS EXCLUSIVE MODE");
  session.exec("LOCK TABLE " + quoted(follower) + " IN ACCESS EXCLUSIVE MODE");
}

void replace_one(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const ReplaceTable& step) {
  const TableName hidden = table_tombstone(plan, step.table);
  lock_both(session, step.table, step.with);
  if (const std::string why = why_not_replaced(session, plan, step); !why.empty())
    throw Error(Exit::refused, Remedy::person, why, "it is changed, then the same command again");
  const std::vector<View> views = views_on(session, step.table);
  const std::vector<UserTrigger> triggers = triggers_on(session, step.table);
  remove_mirror(session, step.table);
  own_sequences(session, step.table, step.with);
  const std::vector<Sequences> sequences = identity_sequences(session, step.table, step.with);
  go_on(session, sequences);
  for (const std::string& sql : make_hidden_schema_sql(plan.name, step.table.schema)) session.exec(sql);
  // A foreign key looks into it as its owner.
  session.exec(session
                   .exec("SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %s TO %I', $2::text, "
                         "pg_catalog.pg_get_userbyid(relowner)) FROM pg_catalog.pg_class WHERE oid = "
                         "pg_catalog.to_regclass($1)",
                         {quoted(step.table), quote_identifier(hidden.schema)})
                   .text(0, 0));
  move_to(session, step.table, hidden.schema);  // with its indexes and sequences
  rename_table(session, step.with, step.table);
  for (const auto& [name, twin] : step.names) session.exec(rename_index_sql({step.table.schema, twin}, name));
  for (const Sequences& one : sequences) {
    rename_sequence(session, one.of_follower, one.of_written.name);
    rename_sequence(session, {hidden.schema, one.of_written.name}, one.of_follower.name);
  }
  for (const UserTrigger& trigger : triggers) {
    session.exec(trigger.definition);
    session.exec(enable_sql(step.table, trigger));
    session.exec(alter(hidden) + "DISABLE TRIGGER " + quote_identifier(trigger.name));
  }
  for (const View& view : views) write_again(session, view);
  install_mirror(session, mirror_of(session, catalog, copy_of(plan, step), step.table, hidden));
}

void replace_back_one(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const ReplaceTable& step) {
  const TableName hidden = table_tombstone(plan, step.table);
  lock_both(session, step.table, hidden);
  const std::vector<View> views = views_on(session, step.table);
  const std::vector<UserTrigger> triggers = triggers_on(session, step.table);
  remove_mirror(session, step.table);
  const std::vector<Sequences> sequences = identity_sequences(session, step.table, hidden);
  go_on(session, sequences);
  for (const Sequences& one : sequences) {
    rename_sequence(session, one.of_written, one.of_follower.name);
    rename_sequence(session, one.of_follower, one.of_written.name);
  }
  for (const auto& [name, twin] : step.names) session.exec(rename_index_sql({step.table.schema, name}, twin));
  rename_table(session, step.table, step.with);
  move_to(session, hidden, step.table.schema);
  own_sequences(session, step.with, step.table);
  for (const UserTrigger& trigger : triggers) {
    session.exec("DROP TRIGGER " + quote_identifier(trigger.name) + " ON " + quoted(step.with));
    session.exec(enable_sql(step.table, trigger));
  }
  for (const View& view : views) write_again(session, view);
  drop_schema_if_empty(session, hidden.schema);
  install_mirror(session, mirror_of(session, catalog, copy_of(plan, step), step.table, step.with));
}

/// Foreign keys of the one table that the other has not, to be added without reading a row.
ports::Rows missing_foreign_keys(ports::Session& session, const TableName& of, const TableName& to) {
  return session.exec(
      "SELECT pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', $2::text, k.conname, "
      "pg_catalog.pg_get_constraintdef(k.oid)) FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conrelid = "
      "pg_catalog.to_regclass($1) AND k.conname NOT IN (SELECT o.conname FROM pg_catalog.pg_constraint o WHERE "
      "o.conrelid = pg_catalog.to_regclass($2)) ORDER BY k.conname",
      {quoted(of), quoted(to)});
}

ports::Rows unvalidated_foreign_keys(ports::Session& session, const TableName& table) {
  return session.exec(
      "SELECT pg_catalog.format('ALTER TABLE %s VALIDATE CONSTRAINT %I', $1::text, conname) FROM "
      "pg_catalog.pg_constraint WHERE contype = 'f' AND NOT convalidated AND conrelid = pg_catalog.to_regclass($1) "
      "ORDER BY conname",
      {quoted(table)});
}

Stop restore_one(Workbench& bench, const ReplaceTable& step) {
  const CopyTable& copy = copy_of(bench.plan(), step);
  const TableName hidden = table_tombstone(bench.plan(), step.table);
  bool there = false;
  Stop stop = bench.outside_transaction([&](ports::Session& session) { there = is_there(session, hidden); });
  if (!stop.ok() || !there) return stop;
  stop = make_equal(bench, copy, step.table, hidden);
  if (!stop.ok()) return stop;
  // From now on a row that the old table refuses is the writer's to know; what was let pass until then is found first.
  stop = bench.in_transaction([&](ports::Session& session) {
    give_up_first(session);
    session.exec("LOCK TABLE " + quoted(step.table) + " IN SHARE ROW EXCLUSIVE MODE");  // no statement is under way
    session.exec(mirror_function_sql(mirror_of(session, bench.catalog(), copy, step.table, hidden)));
    run_all(session, missing_foreign_keys(session, step.table, hidden));
  });
  if (stop.ok()) stop = make_equal(bench, copy, step.table, hidden);
  if (!stop.ok()) return stop;
  return bench.in_transaction(
      [&](ports::Session& session) { run_all(session, unvalidated_foreign_keys(session, hidden)); });
}

}  // namespace

TableName table_tombstone(const Plan& plan, const TableName& table) {
  return {hidden_schema(plan.name, table.schema), table.name};
}

std::string why_not_replaced(ports::Session& session, const Plan& plan, const ReplaceTable& step) {
  const auto rows = session.exec(R"sql(
SELECT why FROM (SELECT c.*, pg_catalog.to_regclass($1)::pg_catalog.oid AS t FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)) c,
LATERAL (
  SELECT 1, 'row level security of it is forced, also on its owner' WHERE c.relforcerowsecurity
  UNION ALL SELECT 1, 'it is unlogged or temporary' WHERE c.relpersistence <> 'p'
  UNION ALL SELECT 1, 'its replica identity is not its primary key' WHERE c.relreplident <> 'd'
  UNION ALL SELECT 2, pg_catalog.format('it inherits from %s, or is a partition of it', i.inhparent::pg_catalog.regclass) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.t
  UNION ALL SELECT 2, pg_catalog.format('%s inherits from it', i.inhrelid::pg_catalog.regclass) FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.t AND c.relkind = 'r'
  UNION ALL SELECT 3, pg_catalog.format('the publication %I publishes it: its subscribers would have to know the other table', p.pubname)
    FROM pg_catalog.pg_publication_tables p JOIN pg_catalog.pg_namespace n ON n.nspname = p.schemaname WHERE n.oid = c.relnamespace AND p.tablename = c.relname
  UNION ALL SELECT 4, pg_catalog.format('the rule %I is on it', r.rulename) FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.t
  UNION ALL SELECT 5, pg_catalog.format('%s depends on it', pg_catalog.pg_describe_object(d.classid, d.objid, 0))
    FROM pg_catalog.pg_depend d WHERE d.deptype = 'n' AND (
      d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.t
      OR d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid IN (SELECT y.oid FROM pg_catalog.pg_type y WHERE y.oid = c.reltype OR y.typelem = c.reltype)
      OR d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        AND d.refobjid IN (SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.t))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = d.objid AND g.tgrelid = c.t)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = d.objid AND p.polrelid = c.t)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid AND k.conrelid = c.t AND k.contype <> 'f')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_attrdef f WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND f.oid = d.objid AND f.adrelid = c.t)
    AND NOT (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indexrelid = d.objid AND x.indrelid = c.t))
    AND NOT (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
      WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid AND r.rulename = '_RETURN' AND v.relkind = 'v'))
) AS reasons(number, why) ORDER BY number, why LIMIT 1)sql",
                                 {quoted(step.table)});
  if (!rows.empty()) return shown(step.table) + " cannot be replaced by another table: " + rows.text(0, 0);
  if (!session.exec("SELECT pg_catalog.to_regclass('switchback.sync') IS NOT NULL").boolean(0, 0)) return "";
  const auto other = session.exec(
      "SELECT p.name FROM switchback.sync s JOIN switchback.plan p ON p.id = s.plan_id WHERE s.relation = "
      "pg_catalog.to_regclass($1) AND p.name <> $2 LIMIT 1",
      {quoted(step.table), plan.name});
  return other.empty() ? ""
                       : shown(step.table) + " cannot be replaced by another table: the plan " + other.text(0, 0) +
                             " keeps columns of it in step";
}

namespace {

/// Grants of columns that the new table has under the same names go along, too.
std::vector<std::string> rights_sql(ports::Session& session, const CreateTable& made) {
  std::string columns;
  for (const auto& [name, definition] : made.columns) columns += (columns.empty() ? "" : ", ") + quote_literal(name);
  const auto rows = session.exec(R"sql(
SELECT sql FROM pg_catalog.pg_class c, LATERAL (
  SELECT 1, pg_catalog.format('ALTER TABLE %s OWNER TO %I', $2::text, pg_catalog.pg_get_userbyid(c.relowner))
  UNION ALL SELECT 2, pg_catalog.format('GRANT %s ON TABLE %s TO %s%s', x.privilege_type, $2::text,
      CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END, CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_catalog.aclexplode(c.relacl) x WHERE x.grantee <> c.relowner
  UNION ALL SELECT 3, pg_catalog.format('GRANT %s (%I) ON TABLE %s TO %s%s', x.privilege_type, a.attname, $2::text,
      CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END, CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND x.grantee <> c.relowner
      AND a.attname = ANY (ARRAY[)sql" +
                                     columns + R"sql(]::pg_catalog.name[])
) AS parts(number, sql) WHERE c.oid = pg_catalog.to_regclass($1) ORDER BY number, sql)sql",
                                 {quoted(*made.rights_of), quoted(made.name)});
  std::vector<std::string> sql;
  for (std::size_t i = 0; i < rows.size(); ++i) sql.push_back(rows.text(i, 0));
  return sql;
}

}  // namespace

std::vector<std::string> likeness_sql(ports::Session& session, const CreateTable& made) {
  std::vector<std::string> sql;
  if (made.rights_of && is_there(session, *made.rights_of)) return rights_sql(session, made);
  if (!made.like || !is_there(session, *made.like)) return sql;
  const auto rows = session.exec(R"sql(
SELECT sql FROM pg_catalog.pg_class c, LATERAL (
  SELECT 1, pg_catalog.format('ALTER TABLE %s OWNER TO %I', $2::text, pg_catalog.pg_get_userbyid(c.relowner))
  UNION ALL SELECT 2, pg_catalog.format('COMMENT ON TABLE %s IS %L', $2::text, d.description) FROM pg_catalog.pg_description d
    WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = c.oid AND d.objsubid = 0
  UNION ALL SELECT 3, pg_catalog.format('GRANT %s ON TABLE %s TO %s%s', x.privilege_type, $2::text,
      CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END, CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_catalog.aclexplode(c.relacl) x WHERE x.grantee <> c.relowner
  UNION ALL SELECT 4, pg_catalog.format('GRANT %s (%I) ON TABLE %s TO %s%s', x.privilege_type, a.attname, $2::text,
      CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END, CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND x.grantee <> c.relowner
  UNION ALL SELECT 5, pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', $2::text, a.attname, a.attstattarget)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0
  UNION ALL SELECT 6, pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET (%s)', $2::text, a.attname, pg_catalog.array_to_string(a.attoptions, ', '))
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attoptions IS NOT NULL
  UNION ALL SELECT 7, pg_catalog.format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, $2::text, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      (SELECT pg_catalog.string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r)) END, ', ') FROM pg_catalog.unnest(p.polroles) r))
      || coalesce(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '') || coalesce(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid
  UNION ALL SELECT 8, pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', $2::text) WHERE c.relrowsecurity
) AS parts(number, sql) WHERE c.oid = pg_catalog.to_regclass($1) ORDER BY number, sql)sql",
                                 {quoted(*made.like), quoted(made.name)});
  for (std::size_t i = 0; i < rows.size(); ++i) sql.push_back(rows.text(i, 0));
  const auto whole = session.exec(
      "SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(relowner)), pg_catalog.array_to_string(reloptions, "
      "', ') FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1)",
      {quoted(*made.like)});
  for (const auto& [name, bounds] : made.partitions) {
    const TableName part{made.name.schema, name};
    sql.push_back(alter(part) + "OWNER TO " + whole.text(0, 0));
    if (!whole.text(0, 1).empty()) sql.push_back(alter(part) + "SET (" + whole.text(0, 1) + ")");
  }
  return sql;
}

void replace_tables(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  for (const ReplaceTable* step : replaced_tables(plan))
    if (!is_replaced(session, plan, *step)) replace_one(session, catalog, plan, *step);
}

void replace_back(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  for (const ReplaceTable* step : replaced_tables(plan))
    if (is_replaced(session, plan, *step)) replace_back_one(session, catalog, plan, *step);
}

void archive_replaced(ports::Session& session, PlanId plan_id, const Plan& plan) {
  for (const ReplaceTable* step : replaced_tables(plan))
    session.exec(
        "INSERT INTO switchback.archive (plan_id, relation, archive_table, state) VALUES ($1, $2, $3, 'verified') ON "
        "CONFLICT (plan_id, relation) DO UPDATE SET archive_table = excluded.archive_table, state = 'verified', "
        "keep_until = NULL",
        {std::to_string(plan_id), shown(step->table), quoted(table_tombstone(plan, step->table))});
}

void forget_archive_of_replaced(ports::Session& session, PlanId plan_id, const Plan& plan) {
  for (const ReplaceTable* step : replaced_tables(plan))
    session.exec("DELETE FROM switchback.archive WHERE plan_id = $1 AND relation = $2 AND state = 'verified'",
                 {std::to_string(plan_id), shown(step->table)});
}

void drop_replaced(ports::Session& session, const Plan& plan, bool kept) {
  for (const ReplaceTable* step : replaced_tables(plan)) {
    const TableName hidden = table_tombstone(plan, step->table);
    lock_both(session, step->table, hidden);
    remove_mirror(session, step->table);
    if (!kept) {
      session.exec("DROP TABLE " + quoted(hidden) + " RESTRICT");
      drop_schema_if_empty(session, hidden.schema);
      continue;
    }
    // Rows that are deleted from now on stay in it, and must not hold what they refer to.
    run_all(session, session.exec("SELECT pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', $1::text, conname) "
                                  "FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid = "
                                  "pg_catalog.to_regclass($1) ORDER BY conname",
                                  {quoted(hidden)}));
  }
}

void purge_replaced(ports::Session& session, PlanId plan_id, const Plan& plan) {
  for (const ReplaceTable* step : replaced_tables(plan)) {
    const TableName hidden = table_tombstone(plan, step->table);
    session.exec("DROP TABLE IF EXISTS " + quoted(hidden) + " RESTRICT");
    drop_schema_if_empty(session, hidden.schema);
    session.exec("UPDATE switchback.archive SET state = 'purged' WHERE plan_id = $1 AND relation = $2",
                 {std::to_string(plan_id), shown(step->table)});
  }
}

std::optional<TableName> lost_tombstone(ports::Session& session, const Plan& plan) {
  for (const ReplaceTable* step : replaced_tables(plan))
    if (!is_there(session, table_tombstone(plan, step->table)) && !is_there(session, step->with)) return step->table;
  return std::nullopt;
}

void begin_restoring_tables(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  for (const ReplaceTable* step : replaced_tables(plan)) {
    Mirror mirror = mirror_of(session, catalog, copy_of(plan, *step), step->table, table_tombstone(plan, step->table));
    mirror.lenient = true;
    install_mirror(session, mirror);
  }
}

Stop restore_tables(Workbench& bench) {
  for (const ReplaceTable* step : replaced_tables(bench.plan())) {
    const Stop stop = restore_one(bench, *step);
    if (!stop.ok()) return stop;
  }
  return bench.in_transaction([&](ports::Session& session) {
    for (const ReplaceTable* step : replaced_tables(bench.plan()))
      session.exec("UPDATE switchback.archive SET state = 'restored' WHERE plan_id = $1 AND relation = $2",
                   {std::to_string(bench.fence().plan), shown(step->table)});
    replace_back(session, bench.catalog(), bench.plan());
    record_shapes(bench);
  });
}

}  // namespace switchback::engine
