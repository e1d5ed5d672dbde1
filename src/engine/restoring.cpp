#include "switchback/engine/restoring.hpp"

#include <algorithm>
#include <array>

#include "switchback/core/archive_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/engine/archiver.hpp"

namespace switchback::engine {
namespace {

constexpr const char* rebuild_step = "rebuild";

bool at_start(const StoredDefinition& one) {
  constexpr std::array kinds = {"object", "column", "sequence", "default", "comment", "grant", "relax"};
  return std::ranges::find(kinds, one.kind) != kinds.end();
}

/// What a restore needs first is the columns; the rest keeps its order.
void run_start(ports::Session& session, const std::vector<StoredDefinition>& all) {
  for (const StoredDefinition& one : all)
    if (at_start(one)) session.exec(one.definition);
}

std::string inserted(std::string text, std::string_view after, std::string_view what) {
  return text.insert(text.find(after) + after.size(), what);
}

enum class IndexState { absent, invalid, building, valid };

IndexState index_state(ports::Session& session, const std::string& name) {
  const auto rows = session.exec(
      "SELECT i.indisvalid, EXISTS (SELECT 1 FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = "
      "i.indexrelid) FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass($1)",
      {name});
  if (rows.empty()) return IndexState::absent;
  if (rows.boolean(0, 0)) return IndexState::valid;
  return rows.boolean(0, 1) ? IndexState::building : IndexState::invalid;
}

void build_concurrently(ports::Session& session, const std::string& name, const std::string& definition) {
  switch (index_state(session, name)) {
    case IndexState::valid:
      return;
    case IndexState::building:
      throw Error(Exit::not_yet, Remedy::retry, "index " + name + " is being built by another session",
                  "it is looked at again when that one has ended", "55P03");
    case IndexState::invalid:
      session.exec("DROP INDEX CONCURRENTLY IF EXISTS " + name);
      break;
    case IndexState::absent:
      break;
  }
  session.exec(inserted(definition, " INDEX ", "CONCURRENTLY "));
}

/// The parent's index finds and takes in what was built on each leaf before, so it reads nothing itself.
void build_partitioned(ports::Session& session, const StoredDefinition& step, std::size_t only) {
  if (index_state(session, step.structure) == IndexState::valid) return;
  CreateIndex index;
  index.definition = step.definition;
  const std::string parent = step.definition.substr(only + 9, step.definition.find(" USING ") - only - 9);
  const auto leaves = session.exec(
      "SELECT n.nspname, c.relname, (SELECT x.relname FROM pg_catalog.pg_class x WHERE x.oid = "
      "pg_catalog.to_regclass($2)) FROM "
      "pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)) p JOIN pg_catalog.pg_class c ON c.oid = p.relid JOIN "
      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE p.isleaf AND c.relkind = 'r'",
      {parent, step.structure});
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const TableName leaf{leaves.text(i, 0), leaves.text(i, 1)};
    const TableName name{leaf.schema, leaf_index_name(step.structure.substr(step.structure.find('.') + 1), leaf)};
    std::string definition = create_index_sql(index, leaf, name.name);
    definition.replace(definition.find("CONCURRENTLY "), 13, "");
    build_concurrently(session, quoted(name), definition);
  }
  std::string whole = step.definition;
  whole.replace(only, 9, " ON ");
  if (index_state(session, step.structure) == IndexState::invalid) session.exec("DROP INDEX " + step.structure);
  session.exec(whole);
}

void note_done(ports::Session& session, PlanId plan_id, const StoredDefinition& step) {
  session.exec(
      "INSERT INTO switchback.checkpoint (plan_id, step, part, finished) VALUES ($1, $2, $3, true) ON CONFLICT DO "
      "NOTHING",
      {std::to_string(plan_id), rebuild_step, std::to_string(step.ordinal)});
}

std::string key_json(const TableFacts& table, std::string_view row) {
  std::string out;
  for (const std::string& column : table.key->columns)
    out += (out.empty() ? "" : ", ") + quote_literal(column) + ", " + std::string(row) + "." + quote_identifier(column);
  return "pg_catalog.jsonb_build_object(" + out + ")::pg_catalog.text";
}

/// True for a row whose new side does not follow from the old side that is there. Caught row by row: what cannot be
/// computed is lost where there is a value at all.
std::string lost_function_sql(const TableFacts& table, const SyncPlan& sync) {
  std::string differs;
  std::string some;
  for (const auto& [name, expression] : sync.forward) {
    const auto column = std::ranges::find(sync.new_side, name, &SyncColumn::name);
    if (column == sync.new_side.end() || expression.columns.empty()) continue;
    const std::string now = "r." + quote_identifier(name);
    differs += (differs.empty() ? "" : " OR ") +
               differs_sql(*column, now, "CAST((" + expression.in("r") + ") AS " + column->type + ")");
    some += (some.empty() ? "" : " OR ") + now + " IS NOT NULL";
  }
  if (differs.empty()) differs = some = "false";
  const std::string scope =
      sync.where ? "  IF (" + sync.where->in("r") + ") IS NOT TRUE THEN RETURN " + some + "; END IF;\n" : "";
  return "CREATE OR REPLACE FUNCTION pg_temp.switchback_lost(r " + quoted(table.name) +
         ") RETURNS boolean LANGUAGE plpgsql AS " +
         dollar_quote("\nBEGIN\n" + scope + "  RETURN " + differs +
                      ";\nEXCEPTION WHEN OTHERS THEN\n  IF pg_catalog.left(SQLSTATE, 2) IN "
                      "('40', '53', '57', '58', 'XX') THEN RAISE; END IF;\n  RETURN " +
                      some + ";\nEND ");
}

/// True for a row in which somebody gave one of the columns a value: not its default, nor what the backfill gives all.
std::string given_function_sql(const TableFacts& table, const std::vector<AddedColumn>& columns) {
  std::string given;
  for (const AddedColumn& column : columns) {
    const std::string now = "r." + quote_identifier(column.facts.name);
    given += (given.empty() ? "" : " OR ") + now + " IS NOT NULL";
    std::vector<std::string> usual;
    if (column.facts.default_value && !column.facts.default_volatile) usual.push_back(*column.facts.default_value);
    if (column.fill) usual.push_back(*column.fill);
    for (const std::string& value : usual)
      given += " AND " + now + "::pg_catalog.text IS DISTINCT FROM CAST((" + value + ") AS " + column.facts.type +
               ")::pg_catalog.text";
  }
  return "CREATE OR REPLACE FUNCTION pg_temp.switchback_lost(r " + quoted(table.name) +
         ") RETURNS boolean LANGUAGE plpgsql AS " + dollar_quote("\nBEGIN\n  RETURN " + given + ";\nEND ");
}

struct Walk {
  std::vector<ports::Value> cursor;
  bool finished = false;
};

void count_batch(ports::Session& session, const TableFacts& table, const std::string& marker, std::int64_t batch,
                 Walk& walk, LossCount& count) {
  const KeyFacts& key = *table.key;
  std::string columns, cursor, texts, back;
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    const std::string comma = i == 0 ? "" : ", ";
    columns += comma + "t." + quote_identifier(key.columns[i]);
    cursor += comma + "$" + std::to_string(i + 1) + "::" + key.types[i];
    texts += comma + "t." + quote_identifier(key.columns[i]) + "::pg_catalog.text";
    back += comma + "t." + quote_identifier(key.columns[i]) + " DESC";
  }
  auto parameters = walk.cursor;
  parameters.push_back(std::to_string(batch));
  const std::string source = table.kind == 'p' ? quoted(table.name) : "ONLY " + quoted(table.name);
  const std::string filled = marker.empty() ? "" : "t." + quote_identifier(marker) + " IS NOT NULL AND ";
  const auto rows =
      session.exec("WITH t AS MATERIALIZED (SELECT t.* FROM " + source + " AS t" +
                       (walk.cursor.empty() ? "" : " WHERE ROW(" + columns + ") > ROW(" + cursor + ")") + " ORDER BY " +
                       columns + " LIMIT $" + std::to_string(parameters.size()) +
                       "::pg_catalog.int8), lost AS MATERIALIZED (SELECT " + key_json(table, "t") +
                       " AS k FROM t WHERE " + filled + "pg_temp.switchback_lost(ROW(t.*)::" + quoted(table.name) +
                       ")) SELECT (SELECT pg_catalog.count(*) FROM t), (SELECT pg_catalog.count(*) FROM "
                       "lost), (SELECT pg_catalog.string_agg(k, E'\\n') "
                       "FROM (SELECT k FROM lost LIMIT 5) AS sample), " +
                       texts + " FROM t ORDER BY " + back + " LIMIT 1",
                   parameters);
  walk.finished = rows.empty() || rows.integer(0, 0) < batch;
  if (rows.empty()) return;
  count.rows += rows.integer(0, 0);
  count.lost += rows.integer(0, 1);
  walk.cursor.clear();
  for (std::size_t i = 0; i < key.columns.size(); ++i) walk.cursor.push_back(rows.at(0, 3 + i));
  const std::string samples = rows.text(0, 2);
  for (std::size_t from = 0; from < samples.size() && count.samples.size() < 5;) {
    const std::size_t end = std::min(samples.find('\n', from), samples.size());
    count.samples.push_back(samples.substr(from, end - from));
    from = end + 1;
  }
}

/// The rows for which `function` is true, of those that the marker calls filled.
LossCount count_rows(ports::Session& session, const TableFacts& table, const std::string& function,
                     const std::string& marker, std::int64_t batch) {
  session.exec(function);
  LossCount count;
  if (!table.key) {  // at once, for want of an order to read it in
    const auto all =
        session.exec("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE pg_temp.switchback_lost(t)) FROM " +
                     quoted(table.name) + " AS t");
    count.rows = all.integer(0, 0);
    count.lost = all.integer(0, 1);
  }
  for (Walk walk; table.key && !walk.finished;) {
    ports::Transaction transaction(session, "READ ONLY");
    transaction.exec("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off");
    count_batch(session, table, marker, batch, walk, count);
    transaction.commit();
  }
  session.exec("DROP FUNCTION pg_temp.switchback_lost");
  return count;
}

}  // namespace

void start_restore(ports::Session& session, PlanId plan_id, const std::vector<TakenTable>& tables) {
  run_start(session, definitions(session, plan_id));
  for (const TakenTable& table : tables) {
    session.exec("ALTER TABLE " + quoted(table.name) + " ADD COLUMN IF NOT EXISTS " +
                 quote_identifier(marker_name(table.plan)) + " pg_catalog.\"char\"");
    session.exec(restore_function_sql(table, has_archive(session, table)));
  }
}

std::vector<StoredDefinition> rebuild_steps(ports::Session& session, PlanId plan_id) {
  const auto done = session.exec("SELECT part FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2 AND finished",
                                 {std::to_string(plan_id), rebuild_step});
  std::vector<StoredDefinition> out;
  for (StoredDefinition& one : definitions(session, plan_id)) {
    const bool already =
        std::ranges::any_of(done.rows, [&](const auto& row) { return row[0] == std::to_string(one.ordinal); });
    if (one.kind != "taken" && one.kind != "moved" && !at_start(one) && !already) out.push_back(std::move(one));
  }
  return out;
}

bool outside_transaction(const StoredDefinition& step) {
  return step.kind == "index";
}

void rebuild(ports::Session& session, PlanId plan_id, const StoredDefinition& step) {
  if (step.kind != "index")
    session.exec(step.definition);
  else if (const std::size_t only = step.definition.find(" ON ONLY "); only != std::string::npos)
    build_partitioned(session, step, only);
  else
    build_concurrently(session, step.structure, step.definition);
  note_done(session, plan_id, step);
}

void end_filling(ports::Session& session, const std::vector<TakenTable>& tables, bool marker_goes) {
  for (const TakenTable& table : tables) {
    session.exec(restore_function_drop_sql(table));
    if (marker_goes) session.exec(drop_marker_sql(table.name, table.plan));
  }
}

void end_restore(ports::Session& session, PlanId plan_id, const std::vector<TakenTable>& tables) {
  for (const TakenTable& table : tables) drop_archive(session, table, "restored");
  session.exec("DELETE FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2",
               {std::to_string(plan_id), rebuild_step});
  session.exec("DELETE FROM switchback.definition WHERE plan_id = $1", {std::to_string(plan_id)});
}

void purge(ports::Session& session, PlanId /*plan_id*/, const std::vector<TakenTable>& tables) {
  for (const TakenTable& table : tables) drop_archive(session, table, "purged");
}

std::vector<std::vector<std::string>> gentle_not_null_sql(std::string_view plan, const TableName& table,
                                                          std::string_view column) {
  // What a killed runner left of it is in the way of the same name.
  return {{release_not_null_sql(plan, table, column), enforce_not_null_sql(plan, table, column)},
          {validate_not_null_sql(plan, table, column)},
          settle_not_null_sql(plan, table, column)};
}

LossCount losses(ports::Session& session, const TableFacts& table, const SyncPlan& sync, std::int64_t batch) {
  return count_rows(session, table, lost_function_sql(table, sync), sync.marker, batch);
}

LossCount added_losses(ports::Session& session, const TableFacts& table, const std::vector<AddedColumn>& columns,
                       std::int64_t batch) {
  return count_rows(session, table, given_function_sql(table, columns), "", batch);
}

}  // namespace switchback::engine
