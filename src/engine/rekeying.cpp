#include "switchback/engine/rekeying.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/rule.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/core/swap.hpp"
#include "switchback/engine/expanding.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

std::string alter(const TableName& table) {
  return "ALTER TABLE " + quoted(table) + " ";
}
std::string alter_column(const TableName& table, const std::string& column) {
  return alter(table) + "ALTER COLUMN " + quote_identifier(column) + " ";
}

std::vector<const ReplaceColumn*> replaced(const Plan& plan) {
  std::vector<const ReplaceColumn*> steps;
  for (const Step& step : plan.contract.steps)
    if (const auto* replace = std::get_if<ReplaceColumn>(&step.action)) steps.push_back(replace);
  return steps;
}

std::set<TableName> tables_with_replaced(const Plan& plan) {
  std::set<TableName> tables;
  for (const ReplaceColumn* step : replaced(plan)) tables.insert(step->table);
  return tables;
}

bool has_column(ports::Session& session, const TableName& table, const std::string& column) {
  return !session
              .exec(
                  "SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 "
                  "AND "
                  "NOT attisdropped",
                  {quoted(table), column})
              .empty();
}

bool is_hidden(ports::Session& session, const Plan& plan, const ReplaceColumn& step) {
  return has_column(session, step.table, tombstone_name(plan.name, step.column));
}

std::string type_of(ports::Session& session, const TableName& table, const std::string& column) {
  const auto rows = session.exec(
      "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute WHERE attrelid = "
      "pg_catalog.to_regclass($1) AND attname = $2 AND NOT attisdropped",
      {quoted(table), column});
  return rows.empty() ? "" : rows.text(0, 0);
}

std::vector<std::string> columns_of_key(ports::Session& session, const TableName& table) {
  const auto rows = session.exec(
      "SELECT a.attname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND "
      "a.attnum = ANY (k.conkey) WHERE k.conrelid = pg_catalog.to_regclass($1) AND k.contype = 'p'",
      {quoted(table)});
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < rows.size(); ++i) columns.push_back(rows.text(i, 0));
  return columns;
}

/// The replaced columns of each table that are in its primary key, whichever column bears the name.
std::map<TableName, std::vector<const ReplaceColumn*>> key_columns(ports::Session& session, const Plan& plan) {
  std::map<TableName, std::vector<const ReplaceColumn*>> out;
  for (const TableName& table : tables_with_replaced(plan)) {
    const std::vector<std::string> key = columns_of_key(session, table);
    for (const ReplaceColumn* step : replaced_in(plan, table))
      if (std::ranges::find(key, step->column) != key.end()) out[table].push_back(step);
  }
  return out;
}

// Foreign keys that point at a column by its name, with what each of their pairs of columns is.
constexpr const char* pointing_sql = R"sql(
SELECT k.oid, k.conrelid, n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated,
  pg_catalog.obj_description(k.oid, 'pg_constraint'), k.confrelid, o.attname
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_constraint k ON k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey) AND k.contype = 'f' AND k.conparentid = 0
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute o ON o.attrelid = k.conrelid AND o.attnum = k.conkey[pg_catalog.array_position(k.confkey, a.attnum)]
WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND NOT a.attisdropped ORDER BY k.conrelid, k.conname)sql";

ports::Rows pointing_at(ports::Session& session, const ReplaceColumn& step) {
  return session.exec(pointing_sql, {quoted(step.table), step.column});
}

std::uint32_t oid_in(const ports::Rows& rows, std::size_t row, std::size_t column) {
  return static_cast<std::uint32_t>(rows.integer(row, column));
}

}  // namespace

std::optional<KeySurroundings> key_surroundings(ports::Session& session, const TableName& table) {
  const auto head = session.exec(
      "SELECT c.relreplident, (SELECT pg_catalog.min(p.pubname) FROM pg_catalog.pg_publication p JOIN "
      "pg_catalog.pg_publication_tables t ON t.pubname = p.pubname WHERE (p.pubupdate OR p.pubdelete) AND t.schemaname "
      "= $1 AND t.tablename = $2), c.relispartition OR EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN "
      "(i.inhrelid, i.inhparent)) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relname = $2",
      {table.schema, table.name});
  if (head.empty()) return std::nullopt;
  KeySurroundings out;
  out.replica_identity = head.text(0, 0).front();
  out.publication = head.at(0, 1);
  out.inherits = head.boolean(0, 2);
  const auto rows = session.exec(R"sql(
SELECT k.oid, k.conname, n.nspname, c.relname, a.attname, r.attname
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) WITH ORDINALITY AS u(own, referenced, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own
JOIN pg_catalog.pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = u.referenced
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid = pg_catalog.to_regclass($1) ORDER BY n.nspname, c.relname, k.conname, u.place)sql",
                                 {quoted(table)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || rows.text(i, 0) != rows.text(i - 1, 0))
      out.referenced_by.push_back({rows.text(i, 1), {rows.text(i, 2), rows.text(i, 3)}, {}, {}});
    out.referenced_by.back().columns.push_back(rows.text(i, 4));
    out.referenced_by.back().referenced.push_back(rows.text(i, 5));
  }
  return out;
}

void lock_replaced(ports::Session& session, const Plan& plan) {
  if (replaced(plan).empty()) return;
  std::map<TableName, LockedTable> tables;
  const auto note = [&](const TableName& name, std::uint32_t oid) -> LockedTable& {
    LockedTable& table = tables[name];
    table.name = name;
    table.oid = oid;
    return table;
  };
  for (const ReplaceColumn* step : replaced(plan)) {
    const auto oid = session.exec("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", {quoted(step->table)});
    if (!oid.at(0, 0))
      throw Error(Exit::drift, Remedy::person, "there is no table " + shown(step->table),
                  "see history for what changed it");
    note(step->table, oid_in(oid, 0, 0));
    const auto rows = pointing_at(session, *step);
    for (std::size_t i = 0; i < rows.size(); ++i)
      note({rows.text(i, 2), rows.text(i, 3)}, oid_in(rows, i, 1)).points_at.push_back(oid_in(rows, i, 8));
  }
  session.exec(
      "SELECT pg_catalog.set_config('lock_timeout', least(l.setting::int, d.setting::int / 2)::text || 'ms', true) "
      "FROM "
      "pg_catalog.pg_settings l, pg_catalog.pg_settings d WHERE l.name = 'lock_timeout' AND l.setting <> '0' AND "
      "d.name = 'deadlock_timeout'");
  std::vector<LockedTable> all;
  for (auto& [name, table] : tables) all.push_back(std::move(table));
  for (const LockedTable& table : lock_order(std::move(all)))
    session.exec("LOCK TABLE " + quoted(table.name) + " IN ACCESS EXCLUSIVE MODE");
}

// --- one turn --------------------------------------------------------------------------------------------------

KeyTurn::KeyTurn(ports::Session& session, PlanId plan_id, const Plan& plan, Turn turn)
    : session_(session), plan_id_(plan_id), plan_(plan), turn_(turn) {}

/// The column that takes the place, under the name that it has until then.
std::string KeyTurn::heir_of(const ReplaceColumn& column) const {
  return turn_ == Turn::in ? column.with : tombstone_name(plan_.name, column.column);
}

void KeyTurn::read_keys() {
  for (auto& [table, columns] : key_columns(session_, plan_)) {
    const auto rows = session_.exec(
        "SELECT k.conname, pg_catalog.obj_description(k.oid, 'pg_constraint'), i.indisclustered, i.indisreplident FROM "
        "pg_catalog.pg_constraint k JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid WHERE k.conrelid = "
        "pg_catalog.to_regclass($1) AND k.contype = 'p'",
        {quoted(table)});
    if (rows.boolean(0, 3))
      throw Error(Exit::drift, Remedy::person,
                  "the index of " + shown(std::string_view(rows.text(0, 0))) + " is the replica identity of " +
                      shown(table) + " by now, and would take it along",
                  alter(table) + "REPLICA IDENTITY DEFAULT or FULL; then the same command again");
    keys_.push_back({table, rows.text(0, 0), rows.at(0, 1), rows.boolean(0, 2), std::move(columns)});
  }
}

void KeyTurn::refuse_narrow(const std::string& constraint, const TableName& table, const std::string& column,
                            const ReplaceColumn& referenced) {
  const bool goes_over =
      std::ranges::any_of(replaced_in(plan_, table), [&](const ReplaceColumn* step) { return step->column == column; });
  const int wide = integer_bytes(type_of(session_, referenced.table, referenced.with));
  if (goes_over || integer_bytes(type_of(session_, table, column)) >= wide) return;
  throw Error(Exit::drift, Remedy::person,
              "the foreign key " + shown(std::string_view(constraint)) + " came after the plan was started: " +
                  shown(table) + "." + shown(std::string_view(column)) + " would stay narrower than " +
                  shown(referenced.table) + "." + shown(std::string_view(referenced.column)) + ", which it refers to",
              "drop it until the plan is over, or widen its column first");
}

void KeyTurn::read_pointing() {
  std::set<std::string> seen;
  for (const ReplaceColumn* step : replaced(plan_)) {
    const auto rows = pointing_at(session_, *step);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const TableName table{rows.text(i, 2), rows.text(i, 3)};
      if (turn_ == Turn::in) refuse_narrow(rows.text(i, 4), table, rows.text(i, 9), *step);
      if (seen.insert(rows.text(i, 0)).second)
        pointing_.push_back({table, rows.text(i, 4), rows.text(i, 5), rows.boolean(i, 6), rows.at(i, 7)});
    }
  }
}

/// The sequence of an identity belongs to its column for ever: another one goes on where it was. Nobody takes a number
/// in between: ALTER SEQUENCE, here one that changes nothing, keeps nextval out until the transaction ends.
void KeyTurn::take_identity_away(const ReplaceColumn& column, Numbers& numbers) {
  const auto rows = session_.exec(R"sql(
SELECT n.nspname, c.relname, a.attidentity, s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, s.seqcycle,
  pg_catalog.obj_description(c.oid, 'pg_class'), c.oid
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid
  AND d.refobjsubid = a.attnum AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i'
JOIN pg_catalog.pg_class c ON c.oid = d.objid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND a.attidentity <> '')sql",
                                  {quoted(column.table), column.column});
  if (rows.empty()) return;
  const TableName sequence{rows.text(0, 0), rows.text(0, 1)};
  session_.exec("ALTER SEQUENCE " + quoted(sequence) + " CACHE " + rows.text(0, 7));
  const auto value = session_.exec("SELECT last_value, is_called FROM " + quoted(sequence));
  const auto grants = session_.exec(
      "SELECT pg_catalog.format('GRANT %s ON SEQUENCE %s TO %s%s', x.privilege_type, $2::text, CASE x.grantee WHEN 0 "
      "THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END, CASE WHEN x.is_grantable "
      "THEN ' WITH GRANT OPTION' ELSE '' END) FROM pg_catalog.pg_class c CROSS JOIN LATERAL "
      "pg_catalog.aclexplode(c.relacl) x WHERE c.oid = $1::pg_catalog.oid AND x.grantee <> c.relowner",
      {rows.text(0, 10), quoted(sequence)});
  const int from = integer_bytes(type_of(session_, column.table, column.column));
  const int to = integer_bytes(type_of(session_, column.table, heir_of(column)));
  const auto bound = [&](const std::string& now, const std::string& of_old, const std::string& of_new) {
    if (now == of_old) return of_new;
    return to < from && now.size() >= of_new.size() ? of_new : now;
  };
  numbers.after.push_back(alter_column(column.table, column.column) + "ADD GENERATED " +
                          (rows.text(0, 2) == "a" ? "ALWAYS" : "BY DEFAULT") + " AS IDENTITY (SEQUENCE NAME " +
                          quoted(sequence) + " INCREMENT BY " + rows.text(0, 3) + " MINVALUE " +
                          bound(rows.text(0, 4), integer_least(from), integer_least(to)) + " MAXVALUE " +
                          bound(rows.text(0, 5), integer_greatest(from), integer_greatest(to)) + " START WITH " +
                          rows.text(0, 6) + " CACHE " + rows.text(0, 7) + (rows.boolean(0, 8) ? " CYCLE)" : ")"));
  numbers.after.push_back("SELECT pg_catalog.setval(" + quote_literal(quoted(sequence)) + ", " + value.text(0, 0) +
                          ", " + (value.boolean(0, 1) ? "true)" : "false)"));
  for (std::size_t i = 0; i < grants.size(); ++i) numbers.after.push_back(grants.text(i, 0));
  if (rows.at(0, 9))
    numbers.after.push_back("COMMENT ON SEQUENCE " + quoted(sequence) + " IS " + quote_literal(rows.text(0, 9)));
  session_.exec(alter_column(column.table, column.column) + "DROP IDENTITY");
}

void KeyTurn::take_default_away(const ReplaceColumn& column, Numbers& numbers) {
  const auto rows = session_.exec(R"sql(
SELECT pg_catalog.pg_get_expr(f.adbin, f.adrelid), f.oid FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND a.attgenerated = ''
AND EXISTS (SELECT FROM pg_catalog.regexp_matches(f.adbin::text, ':(opno|funcid) ([0-9]+)', 'g') AS m
  LEFT JOIN pg_catalog.pg_operator o ON m[1] = 'opno' AND o.oid = m[2]::oid
  JOIN pg_catalog.pg_proc p ON p.oid = CASE WHEN m[1] = 'funcid' THEN m[2]::oid ELSE o.oprcode END WHERE p.provolatile = 'v')
AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_attrdef o JOIN pg_catalog.pg_attribute h ON h.attrelid = o.adrelid AND h.attnum = o.adnum
  WHERE o.adrelid = a.attrelid AND h.attname = $3))sql",
                                  {quoted(column.table), column.column, heir_of(column)});
  const int to = integer_bytes(type_of(session_, column.table, heir_of(column)));
  if (rows.empty() || to == 0 || integer_bytes(type_of(session_, column.table, column.column)) == 0) return;
  const auto sequences = session_.exec(R"sql(
SELECT n.nspname, c.relname, pg_catalog.format_type(s.seqtypid, NULL), EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a
  ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a' AND a.attrelid = pg_catalog.to_regclass($2) AND a.attname = $3)
FROM pg_catalog.pg_depend u JOIN pg_catalog.pg_class c ON c.oid = u.refobjid AND c.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
WHERE u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND u.objid = $1::pg_catalog.oid
  AND u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)sql",
                                       {rows.text(0, 1), quoted(column.table), column.column});
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const TableName sequence{sequences.text(i, 0), sequences.text(i, 1)};
    const std::string alter_sequence = "ALTER SEQUENCE " + quoted(sequence);
    if (sequences.boolean(i, 3))
      numbers.after.push_back(alter_sequence + " OWNED BY " + quoted(column.table) + "." +
                              quote_identifier(column.column));
    const std::string type = sequences.text(i, 2);
    if (turn_ == Turn::back || integer_bytes(type) >= to) continue;
    session_.exec(alter_sequence + " AS " + type_of(session_, column.table, heir_of(column)));
    sequence_types_.emplace_back(quoted(sequence), alter_sequence + " AS " + type);
  }
  numbers.default_value = rows.text(0, 0);
  session_.exec(alter_column(column.table, column.column) + "DROP DEFAULT");
}

void KeyTurn::let_go() {
  read_keys();
  read_pointing();
  for (const PointingKey& key : pointing_) session_.exec(drop_constraint_sql(key.table, key.name));
  for (const Key& key : keys_) session_.exec(drop_constraint_sql(key.table, key.name));
  for (const ReplaceColumn* column : replaced(plan_)) {
    Numbers numbers{column, {}, {}};
    take_identity_away(*column, numbers);
    take_default_away(*column, numbers);
    if (numbers.default_value || !numbers.after.empty()) numbers_.push_back(std::move(numbers));
  }
  for (const Key& key : keys_)
    for (const ReplaceColumn* column : key.columns)
      session_.exec(alter_column(key.table, column->column) + "DROP NOT NULL");
}

void KeyTurn::take() {
  for (const Key& key : keys_) {
    for (const ReplaceColumn* column : key.columns) {
      session_.exec(alter_column(key.table, column->column) + "SET NOT NULL");  // proved: nothing is read
      session_.exec(release_not_null_sql(plan_.name, key.table, column->with));
    }
    session_.exec(
        take_key_sql(key.table, key.name,
                     turn_ == Turn::in ? key_twin_name(plan_.name, key.name) : key_spare_name(plan_.name, key.name)));
    if (key.comment)
      session_.exec("COMMENT ON CONSTRAINT " + quote_identifier(key.name) + " ON " + quoted(key.table) + " IS " +
                    quote_literal(*key.comment));
    if (key.clustered) session_.exec(alter(key.table) + "CLUSTER ON " + quote_identifier(key.name));
  }
  if (turn_ == Turn::back)
    for (const ReplaceColumn* column : replaced(plan_))
      session_.exec(alter(column->table) + "DROP CONSTRAINT IF EXISTS " +
                    quote_identifier(same_check_name(plan_.name, column->column)));
  for (const Numbers& numbers : numbers_) {
    if (numbers.default_value)
      session_.exec(alter_column(numbers.column->table, numbers.column->column) + "SET DEFAULT " +
                    *numbers.default_value);
    for (const std::string& sql : numbers.after) session_.exec(sql);
  }
  if (turn_ == Turn::back) {
    const auto types = session_.exec(
        "SELECT definition FROM switchback.definition WHERE plan_id = $1 AND kind = 'sequence_type' ORDER BY ordinal",
        {std::to_string(plan_id_)});
    for (std::size_t i = 0; i < types.size(); ++i) session_.exec(types.text(i, 0));
  }
  for (const PointingKey& key : pointing_)
    for (const std::string& sql : point_again_sql(key)) session_.exec(sql);
}

void KeyTurn::keep() const {
  const auto add = [&](const char* kind, const std::string& structure, const std::string& definition) {
    session_.exec(
        "INSERT INTO switchback.definition (plan_id, ordinal, kind, structure, definition) SELECT $1, coalesce((SELECT "
        "max(ordinal) FROM switchback.definition WHERE plan_id = $1), 0) + 1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM "
        "switchback.definition WHERE plan_id = $1 AND kind = $2 AND structure = $3)",
        {std::to_string(plan_id_), kind, structure, definition});
  };
  for (const PointingKey& key : pointing_)
    if (key.validated)
      add("pointing", quoted(key.table) + "." + quote_identifier(key.name),
          validate_constraint_sql(key.table, key.name));
  for (const auto& [sequence, definition] : sequence_types_) add("sequence_type", sequence, definition);
}

// --- made ready ------------------------------------------------------------------------------------------------

bool turns_keys(ports::Session& session, const Plan& plan) {
  return !key_columns(session, plan).empty() || std::ranges::any_of(replaced(plan), [&](const ReplaceColumn* step) {
    return !pointing_at(session, *step).empty();
  });
}

std::vector<TableName> rekeyed_tables(ports::Session& session, const Plan& plan) {
  std::vector<TableName> tables;
  for (const auto& [table, columns] : key_columns(session, plan)) tables.push_back(table);
  return tables;
}

bool has_keys_to_swap(ports::Session& session, const Plan& plan) {
  for (const auto& [table, columns] : key_columns(session, plan))
    if (!is_hidden(session, plan, *columns.front())) return true;
  return false;
}

namespace {

struct ReadyIndex {
  CreateIndex index;
  int ordinal = 0;  ///< its place among the contract's steps, behind its rules
};

std::vector<ReadyIndex> ready_indexes(ports::Session& session, ports::Catalog& catalog, const Plan& plan) {
  std::vector<ReadyIndex> out;
  int ordinal = static_cast<int>(rules_of(plan).size());
  for (const auto& [table, columns] : key_columns(session, plan)) {
    const auto facts = catalog.table(session, table);
    const std::string key = primary_key_of(*facts)->name.name;
    out.push_back({index_like_key(plan, *facts, key_twin_name(plan.name, key), true), ++ordinal});
    out.push_back({index_like_key(plan, *facts, key_spare_name(plan.name, key), false), ++ordinal});
  }
  return out;
}

std::string step_name(const CreateIndex& index) {
  return "create_index " + *index.name;
}

bool has_constraint(ports::Session& session, const TableName& table, const std::string& name, bool& validated) {
  const auto rows = session.exec(
      "SELECT convalidated FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND conname = "
      "$2::pg_catalog.name",
      {quoted(table), name});
  validated = !rows.empty() && rows.boolean(0, 0);
  return !rows.empty();
}

Stop prove_not_null(Workbench& bench, const ReplaceColumn& step) {
  const std::string check = not_null_check_name(bench.plan().name, step.with);
  for (const bool validating : {false, true}) {
    const Stop stop = bench.in_transaction([&](ports::Session& session) {
      bool validated = false;
      const bool there = has_constraint(session, step.table, check, validated);
      if (!there && !validating)
        session.exec(enforce_not_null_sql(bench.plan().name, step.table, step.with));
      else if (!validated)
        session.exec(validate_not_null_sql(bench.plan().name, step.table, step.with));
      record_shapes(bench);
    });
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

}  // namespace

Stop ready_keys(Workbench& bench) {
  std::vector<ReadyIndex> indexes;
  std::vector<const ReplaceColumn*> columns;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    indexes.clear();
    columns.clear();
    if (!has_keys_to_swap(session, bench.plan())) return;
    indexes = ready_indexes(session, bench.catalog(), bench.plan());
    for (const auto& [table, in_key] : key_columns(session, bench.plan()))
      columns.insert(columns.end(), in_key.begin(), in_key.end());
  });
  for (const ReadyIndex& one : indexes) {
    if (!stop.ok()) return stop;
    // Written before the build, so that an index found later is known to be ours.
    stop = bench.in_transaction([&](ports::Session& session) {
      mark_step(session, bench.fence().plan, "contract", one.ordinal, step_name(one.index), "running",
                json{{"index", *one.index.name}}.dump());
    });
    if (!stop.ok()) return stop;
    try {
      stop = build_one(bench, {one.index.table.schema, *one.index.name},
                       create_index_sql(one.index, one.index.table, *one.index.name));
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      return Stop::held({HoldKind::violation, error.what(), "the rows are mended, then switchback run again", {}});
    }
  }
  for (const ReplaceColumn* column : columns)
    if (stop.ok()) stop = prove_not_null(bench, *column);
  return stop;
}

namespace {

void mark_ready(ports::Session& session, PlanId plan_id, const Plan& plan, const char* status) {
  int ordinal = static_cast<int>(rules_of(plan).size());
  for (const auto& [table, columns] : key_columns(session, plan)) {
    const auto key = session.exec(
        "SELECT conname FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND contype = 'p'",
        {quoted(table)});
    for (const std::string& name :
         {key_twin_name(plan.name, key.text(0, 0)), key_spare_name(plan.name, key.text(0, 0))}) {
      ++ordinal;
      if (!step_status(session, plan_id, "contract", ordinal)) continue;
      if (std::string_view(status) == "undone") session.exec("DROP INDEX IF EXISTS " + quoted({table.schema, name}));
      mark_step(session, plan_id, "contract", ordinal, "create_index " + name, status);
    }
  }
}

}  // namespace

void settle_ready_keys(ports::Session& session, PlanId plan_id, const Plan& plan) {
  mark_ready(session, plan_id, plan, "done");
}

void drop_ready_keys(ports::Session& session, PlanId plan_id, const Plan& plan) {
  for (const auto& [table, columns] : key_columns(session, plan))
    for (const ReplaceColumn* column : columns) session.exec(release_not_null_sql(plan.name, table, column->with));
  mark_ready(session, plan_id, plan, "undone");
}

// --- the way back ----------------------------------------------------------------------------------------------

namespace {

/// Whether the plan's keys are on the new columns, and the old ones are there.
bool are_swapped(ports::Session& session, const Plan& plan) {
  for (const auto& [table, columns] : key_columns(session, plan))
    if (is_hidden(session, plan, *columns.front())) return true;
  return false;
}

std::string old_type(ports::Session& session, const Plan& plan, const ReplaceColumn& step) {
  const std::string hidden = type_of(session, step.table, tombstone_name(plan.name, step.column));
  if (!hidden.empty()) return hidden;
  // Dropped: as it was recorded.
  const auto rows = session.exec(
      "SELECT c ->> 'type' FROM switchback.definition d JOIN switchback.plan p ON p.id = d.plan_id CROSS JOIN LATERAL "
      "pg_catalog.jsonb_array_elements(CASE d.kind WHEN 'taken' THEN d.definition::pg_catalog.jsonb -> 'columns' END) "
      "c WHERE p.name = $1 AND d.structure = $2 AND c ->> 'hidden' = $3",
      {plan.name, shown(step.table), tombstone_name(plan.name, step.column)});
  return rows.empty() ? "" : rows.text(0, 0);
}

std::optional<std::string> sequence_beyond(ports::Session& session, const ReplaceColumn& step, int bytes) {
  const auto rows = session.exec(
      "SELECT s, v FROM pg_catalog.pg_get_serial_sequence($1, $2) s CROSS JOIN LATERAL (SELECT CASE WHEN "
      "pg_catalog.has_sequence_privilege(s, 'USAGE, SELECT') THEN "
      "pg_catalog.pg_sequence_last_value(s::pg_catalog.regclass) END) l(v) WHERE v NOT BETWEEN " +
          integer_least(bytes) + " AND " + integer_greatest(bytes),
      {quoted(step.table), step.column});
  if (rows.empty()) return std::nullopt;
  return "the sequence " + rows.text(0, 0) + " has come to " + rows.text(0, 1);
}

}  // namespace

std::vector<std::string> beyond_old_type(ports::Session& session, const Plan& plan) {
  std::vector<std::string> beyond;
  for (const auto& [table, columns] : key_columns(session, plan))
    for (const ReplaceColumn* step : columns) {
      const std::string type = old_type(session, plan, *step);
      const int bytes = integer_bytes(type);
      const int now = integer_bytes(type_of(session, table, step->column));
      if (bytes == 0 || bytes >= now) continue;  // not swapped
      const std::string column = quote_identifier(step->column);
      // The greatest and the least by the key's index, where it leads with the column.
      const auto rows = session.exec("SELECT pg_catalog.max(" + column + "), pg_catalog.max(" + column + ") > " +
                                     integer_greatest(bytes) + ", pg_catalog.min(" + column + "), pg_catalog.min(" +
                                     column + ") < " + integer_least(bytes) + " FROM ONLY " + quoted(table));
      const std::string shown_column = shown(table) + "." + shown(std::string_view(step->column));
      for (const std::size_t i : {std::size_t{0}, std::size_t{2}})
        if (rows.at(0, i + 1) && rows.boolean(0, i + 1))
          beyond.push_back("there is a row with " + rows.text(0, i) + " in " + shown_column + ", which " + type +
                           " cannot hold");
      if (auto sequence = sequence_beyond(session, *step, bytes))
        beyond.push_back(*sequence + ", which " + type + " of " + shown_column + " cannot hold");
    }
  return beyond;
}

namespace {

Stop closed(std::vector<std::string> reasons) {
  Hold hold{HoldKind::violation,
            reasons.front(),
            "rows and sequence have numbers again that the old type holds; going forward goes on meanwhile",
            {}};
  if (reasons.size() > 1) hold.reasons = std::move(reasons);
  return Stop::held(std::move(hold));
}

std::string same_check_sql(const Plan& plan, const ReplaceColumn& step, bool in_key) {
  const std::string hidden = quote_identifier(tombstone_name(plan.name, step.column));
  const std::string column = quote_identifier(step.column);
  return alter(step.table) + "ADD CONSTRAINT " + quote_identifier(same_check_name(plan.name, step.column)) +
         " CHECK (" +
         (in_key ? hidden + " IS NOT NULL AND " + hidden + " = " + column
                 : hidden + " IS NOT DISTINCT FROM " + column) +
         ") NOT VALID";
}

void drop_same_checks(ports::Session& session, const Plan& plan) {
  for (const ReplaceColumn* step : replaced(plan))
    session.exec(alter(step->table) + "DROP CONSTRAINT IF EXISTS " +
                 quote_identifier(same_check_name(plan.name, step->column)));
}

}  // namespace

Stop prove_way_back(Workbench& bench, const std::function<void(ports::Session&)>& begin) {
  bool swapped = false;
  std::vector<std::string> beyond;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    swapped = are_swapped(session, bench.plan());
    if (swapped) beyond = beyond_old_type(session, bench.plan());
  });
  if (!stop.ok() || !swapped) return stop;
  if (!beyond.empty()) return closed(std::move(beyond));
  stop = bench.in_transaction([&](ports::Session& session) {
    begin(session);
    lock_replaced(session, bench.plan());
    const auto in_keys = key_columns(session, bench.plan());
    for (const ReplaceColumn* step : replaced(bench.plan())) {
      bool validated = false;
      if (has_constraint(session, step->table, same_check_name(bench.plan().name, step->column), validated)) continue;
      const auto key = in_keys.find(step->table);
      const bool in_key = key != in_keys.end() && std::ranges::find(key->second, step) != key->second.end();
      session.exec(same_check_sql(bench.plan(), *step, in_key));
    }
    record_shapes(bench);
  });
  for (const ReplaceColumn* step : replaced(bench.plan())) {
    if (!stop.ok()) return stop;
    try {
      stop = bench.in_transaction([&](ports::Session& session) {
        session.exec(validate_constraint_sql(step->table, same_check_name(bench.plan().name, step->column)));
        record_shapes(bench);
      });
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      // Until somebody has mended it, numbers that do not fit go on being taken.
      stop = bench.in_transaction([&](ports::Session& session) {
        drop_same_checks(session, bench.plan());
        record_shapes(bench);
      });
      return stop.ok() ? closed({std::string(error.what()) + ": a row has a number that the old type cannot hold"})
                       : stop;
    }
  }
  return stop;
}

// --- foreign keys, validated again -----------------------------------------------------------------------------

namespace {

struct Pending {
  std::string structure;
  std::string definition;
};

std::vector<Pending> pending(ports::Session& session, PlanId plan_id) {
  const auto rows = session.exec(R"sql(
SELECT d.structure, d.definition FROM switchback.definition d JOIN pg_catalog.pg_constraint k ON k.contype = 'f' AND NOT k.convalidated
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE d.plan_id = $1 AND d.kind = 'pointing' AND d.structure = pg_catalog.format('"%s"."%s"."%s"', pg_catalog.replace(n.nspname, '"', '""'),
  pg_catalog.replace(c.relname, '"', '""'), pg_catalog.replace(k.conname, '"', '""')) ORDER BY d.ordinal)sql",
                                 {std::to_string(plan_id)});
  std::vector<Pending> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back({rows.text(i, 0), rows.text(i, 1)});
  return out;
}

}  // namespace

std::vector<std::string> pointing_objections(ports::Session& session, PlanId plan_id) {
  std::vector<std::string> objections;
  for (const Pending& one : pending(session, plan_id))
    objections.push_back("the foreign key " + one.structure + " is not validated");
  return objections;
}

Stop validate_pointing(Workbench& bench) {
  std::vector<Pending> all;
  Stop stop = bench.outside_transaction([&](ports::Session& session) { all = pending(session, bench.fence().plan); });
  for (const Pending& one : all) {
    if (!stop.ok()) return stop;
    try {
      stop = bench.in_transaction([&](ports::Session& session) {
        session.exec(one.definition);
        record_shapes(bench);  // a validated constraint reads differently
      });
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      return Stop::held({HoldKind::violation, error.what(), "the rows are mended, then the same command again", {}});
    }
  }
  return stop;
}

void forget_pointing(ports::Session& session, PlanId plan_id) {
  session.exec("DELETE FROM switchback.definition WHERE plan_id = $1 AND kind IN ('pointing', 'sequence_type')",
               {std::to_string(plan_id)});
}

}  // namespace switchback::engine
