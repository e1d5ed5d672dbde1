#include "switchback/engine/restoring.hpp"

#include <algorithm>
#include <array>

#include "switchback/core/archive_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/engine/archiver.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/turning_over.hpp"

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

}  // namespace

void start_restore(ports::Session& session, PlanId plan_id, const std::vector<TakenTable>& tables) {
  turn_back_over(session, plan_id);  // first: what is made again may want the name
  run_start(session, definitions(session, plan_id));
  for (const TakenTable& table : tables) {
    session.exec("ALTER TABLE " + quoted(table.name) + " ADD COLUMN IF NOT EXISTS " +
                 quote_identifier(marker_name(table.plan)) + " pg_catalog.\"char\"");
    session.exec(restore_function_sql(table, has_archive(session, table)));
  }
}

bool begin_rebuild(ports::Session& session, PlanId plan_id) {
  return session
             .exec(
                 "INSERT INTO switchback.checkpoint (plan_id, step, part, finished) VALUES ($1, $2, 'begun', true) ON "
                 "CONFLICT DO NOTHING",
                 {std::to_string(plan_id), rebuild_step})
             .affected == 1;
}

std::vector<StoredDefinition> rebuild_steps(ports::Session& session, PlanId plan_id) {
  const auto done = session.exec("SELECT part FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2 AND finished",
                                 {std::to_string(plan_id), rebuild_step});
  std::vector<StoredDefinition> out;
  for (StoredDefinition& one : definitions(session, plan_id)) {
    const bool already =
        std::ranges::any_of(done.rows, [&](const auto& row) { return row[0] == std::to_string(one.ordinal); });
    constexpr std::array elsewhere = {"taken", "moved", "turned", "pointing", "sequence_type"};
    if (std::ranges::find(elsewhere, one.kind) == elsewhere.end() && !at_start(one) && !already)
      out.push_back(std::move(one));
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
    if (marker_goes) drop_marker(session, table.name, table.plan);
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

}  // namespace switchback::engine
