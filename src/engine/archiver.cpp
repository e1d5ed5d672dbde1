#include "switchback/engine/archiver.hpp"

#include "switchback/core/archive_sql.hpp"
#include "switchback/core/error.hpp"

namespace switchback::engine {
namespace {

using Parameters = std::vector<ports::Value>;

std::string copy_step(const TakenTable& table) {
  return "archive " + shown(table.name);
}
std::string verify_step(const TakenTable& table) {
  return "verify archive " + shown(table.name);
}
std::string plan_id(const TakenTable& table) {
  return std::to_string(table.plan_id);
}

struct Checkpoint {
  bool there = false;
  bool finished = false;
  std::int64_t wrong = 0;
  Parameters cursor;  ///< one value a key column; empty at the beginning
};

Checkpoint checkpoint(ports::Session& session, const TakenTable& table, const std::string& step,
                      const std::string& part) {
  std::string values;
  for (std::size_t i = 0; i < table.key.columns.size(); ++i) values += ", cursor ->> " + std::to_string(i);
  const auto rows = session.exec("SELECT finished, rows_bad, cursor IS NOT NULL" + values +
                                     " FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2 AND part = $3",
                                 {plan_id(table), step, part});
  Checkpoint out;
  if (rows.empty()) return out;
  out.there = true;
  out.finished = rows.boolean(0, 0);
  out.wrong = rows.integer(0, 1);
  if (rows.boolean(0, 2))
    for (std::size_t i = 0; i < table.key.columns.size(); ++i) out.cursor.push_back(rows.at(0, 3 + i));
  return out;
}

/// Moves the checkpoint. An empty `cursor` leaves the one that is there.
void move_checkpoint(ports::Session& session, const TakenTable& table, const std::string& step, const std::string& part,
                     const Parameters& cursor, const ArchiveBatch& batch) {
  Parameters parameters{
      plan_id(table), step, part, batch.finished ? "t" : "f", std::to_string(batch.rows), std::to_string(batch.wrong)};
  std::string built;
  for (const ports::Value& value : cursor) {
    parameters.push_back(value);
    built += (built.empty() ? "$" : ", $") + std::to_string(parameters.size()) + "::pg_catalog.text";
  }
  session.exec(
      "INSERT INTO switchback.checkpoint AS c (plan_id, step, part, finished, rows_done, rows_bad, cursor) VALUES "
      "($1, $2, $3, $4, $5, $6, " +
          (built.empty() ? "NULL" : "pg_catalog.jsonb_build_array(" + built + ")") +
          ") ON CONFLICT (plan_id, step, part) DO UPDATE SET finished = EXCLUDED.finished, rows_done = c.rows_done "
          "+ EXCLUDED.rows_done, rows_bad = c.rows_bad + EXCLUDED.rows_bad, cursor = coalesce(EXCLUDED.cursor, "
          "c.cursor), updated_at = pg_catalog.clock_timestamp()",
      parameters);
}

void forget_checkpoints(ports::Session& session, const TakenTable& table) {
  session.exec("DELETE FROM switchback.checkpoint WHERE plan_id = $1 AND step IN ($2, $3)",
               {plan_id(table), copy_step(table), verify_step(table)});
}

/// Settings of a batch, until the transaction ends: values as text as the triggers write them, index plans whatever the
/// statistics say, and a wait for a lock that ends before the server would look for a deadlock, which could choose the
/// application's statement as its victim.
void settle_in(ports::Session& session) {
  session.exec(
      format_settings("SET LOCAL") +
      "; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off; SELECT "
      "pg_catalog.set_config('lock_timeout', least(nullif(l.setting::int8, 0), greatest(d.setting::int8 / 2, "
      "1))::text, true) FROM pg_catalog.pg_settings l, pg_catalog.pg_settings d WHERE l.name = 'lock_timeout' AND "
      "d.name = 'deadlock_timeout'");
}

/// The state of every trigger of ours on the table and its partitions, and of their function. Disabling a trigger and
/// enabling it again, or replacing it, makes a new row version, hence another text.
constexpr const char* trigger_state = R"(
WITH RECURSIVE tree(oid) AS (
  SELECT $1::pg_catalog.oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
)
SELECT coalesce(pg_catalog.string_agg(pg_catalog.concat_ws(' ', t.oid, t.xmin, t.tgenabled, p.xmin), ',' ORDER BY t.oid), ''),
       pg_catalog.count(*) FILTER (WHERE t.tgenabled <> 'A' AND t.tgparentid = 0 OR t.tgenabled = 'D'),
       pg_catalog.count(*) FILTER (WHERE t.tgrelid = $1::pg_catalog.oid AND t.tgname IN ($2::text, $2::text || '_u'))
FROM tree JOIN pg_catalog.pg_trigger t ON t.tgrelid = tree.oid AND t.tgname IN ($2::text, $2::text || '_u', $2::text || '_t')
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid)";

ports::Rows triggers(ports::Session& session, const TakenTable& table) {
  return session.exec(trigger_state, {std::to_string(table.oid), archive_trigger_prefix(table.plan_id)});
}

bool all_truncates_watched(ports::Session& session, const TakenTable& table, const std::vector<TableName>& leaves) {
  for (const TableName& leaf : leaves)
    if (session
            .exec("SELECT 1 FROM pg_catalog.pg_trigger WHERE tgrelid = pg_catalog.to_regclass($1) AND tgname = $2",
                  {quoted(leaf), archive_trigger_prefix(table.plan_id) + "_t"})
            .empty())
      return false;
  return true;
}

/// Whether some trigger is off or missing, or was since the verification began: what happened then nobody saw.
bool triggers_touched(ports::Session& session, const TakenTable& table) {
  const auto now = triggers(session, table);
  const auto then =
      session.exec("SELECT detail ->> 'triggers' FROM switchback.archive WHERE plan_id = $1 AND relation = $2",
                   {plan_id(table), shown(table.name)});
  const bool changed = !then.empty() && then.at(0, 0) && then.text(0, 0) != now.text(0, 0);
  return changed || now.integer(0, 1) > 0 || now.integer(0, 2) != 2;
}

void end_verification(ports::Session& session, const TakenTable& table, std::int64_t wrong) {
  const bool right = wrong == 0;
  session.exec(
      "UPDATE switchback.archive AS a SET state = CASE WHEN $2::bool AND detail ->> 'triggers' = $3 THEN 'verified' "
      "ELSE 'filling' END, rows = (SELECT rows_done FROM switchback.checkpoint WHERE plan_id = a.plan_id AND step = "
      "$4 AND part = '') WHERE plan_id = $1 AND relation = $5",
      {plan_id(table), right ? "t" : "f", triggers(session, table).text(0, 0), verify_step(table), shown(table.name)});
}

}  // namespace

bool has_archive(ports::Session& session, const TakenTable& table) {
  return session.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {archive_name(table)}).boolean(0, 0);
}

std::vector<TableName> leaves_of(ports::Session& session, const TakenTable& table) {
  if (!table.partitioned) return {table.name};
  const auto rows = session.exec(
      "SELECT n.nspname, c.relname FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass) p JOIN "
      "pg_catalog.pg_class c ON c.oid = p.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
      "p.isleaf AND "
      "c.relkind = 'r' ORDER BY c.oid",
      {std::to_string(table.oid)});
  std::vector<TableName> leaves;
  for (std::size_t i = 0; i < rows.size(); ++i) leaves.push_back({rows.text(i, 0), rows.text(i, 1)});
  return leaves;
}

void start_archive(ports::Session& session, const TakenTable& table) {
  const auto leaves = leaves_of(session, table);
  if (has_archive(session, table)) {
    const bool blind = triggers_touched(session, table);
    if (blind || !all_truncates_watched(session, table, leaves)) session.exec(archive_triggers_sql(table, leaves));
    if (blind) restart_archive(session, table);
    return;
  }
  session.exec(archive_table_sql(table));
  session.exec(archive_triggers_sql(table, leaves));
  forget_checkpoints(session, table);
  session.exec(
      "INSERT INTO switchback.archive (plan_id, relation, archive_table, state) VALUES ($1, $2, $3, 'filling') ON "
      "CONFLICT (plan_id, relation) DO UPDATE SET archive_table = EXCLUDED.archive_table, state = 'filling', rows = "
      "NULL, checksum = NULL, keep_until = NULL, detail = '{}'",
      {plan_id(table), shown(table.name), archive_name(table)});
}

ArchiveBatch copy_next(ports::Session& session, const TakenTable& table, const TableName& leaf, std::int64_t limit) {
  ArchiveBatch batch;
  const Checkpoint at = checkpoint(session, table, copy_step(table), shown(leaf));
  batch.finished = at.finished;
  if (at.finished) return batch;
  if (!at.there)  // rows that an earlier verification has not seen
    session.exec("DELETE FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2",
                 {plan_id(table), verify_step(table)});
  settle_in(session);
  Parameters parameters = at.cursor;
  parameters.push_back(std::to_string(limit));
  const auto rows = session.exec(archive_copy_sql(table, leaf, at.cursor.empty()), parameters);
  Parameters cursor;
  if (!rows.empty()) {
    for (std::size_t i = 0; i < table.key.columns.size(); ++i) cursor.push_back(rows.at(0, i));
    batch.rows = rows.integer(0, table.key.columns.size());
  }
  batch.finished = batch.rows < limit;
  move_checkpoint(session, table, copy_step(table), shown(leaf), cursor, batch);
  return batch;
}

bool copied(ports::Session& session, const TakenTable& table) {
  for (const TableName& leaf : leaves_of(session, table))
    if (!checkpoint(session, table, copy_step(table), shown(leaf)).finished) return false;
  return true;
}

std::int64_t sweep_gone(ports::Session& session, const TakenTable& table, std::int64_t limit) {
  if (!copied(session, table))
    throw Error(
        Exit::failed, Remedy::bug,
        "rows that are gone were to be swept from the archive of " + shown(table.name) + " before it was filled");
  settle_in(session);
  return session.exec(archive_sweep_sql(table), {std::to_string(limit)}).affected;
}

ArchiveBatch verify_next(ports::Session& session, const TakenTable& table, std::int64_t limit) {
  const std::string step = verify_step(table);
  const Checkpoint at = checkpoint(session, table, step, "");
  ArchiveBatch batch;
  if (at.finished) {
    batch.finished = true;
    batch.wrong = at.wrong;
    return batch;
  }
  settle_in(session);
  if (!at.there)
    session.exec(
        "UPDATE switchback.archive SET checksum = '0', detail = detail || pg_catalog.jsonb_build_object('triggers', "
        "$3::pg_catalog.text) WHERE plan_id = $1 AND relation = $2",
        {plan_id(table), shown(table.name), triggers(session, table).text(0, 0)});
  const bool first = at.cursor.empty();
  Parameters parameters = at.cursor;
  parameters.push_back(std::to_string(limit));
  const auto bound = session.exec(archive_bound_sql(table, first), parameters);
  Parameters cursor;
  parameters = at.cursor;
  for (std::size_t i = 0; !bound.empty() && i < table.key.columns.size(); ++i) {
    cursor.push_back(bound.at(0, i));
    parameters.push_back(bound.at(0, i));
  }
  const auto compared = session.exec(archive_compare_sql(table, first, bound.empty()), parameters);
  batch.rows = compared.integer(0, 0);
  batch.wrong = compared.integer(0, 1);
  batch.sample = compared.text(0, 3);
  batch.finished = bound.empty();
  session.exec(
      "UPDATE switchback.archive SET checksum = (checksum::numeric + $3::numeric)::text WHERE plan_id = $1 AND "
      "relation = $2",
      {plan_id(table), shown(table.name), compared.text(0, 2)});
  move_checkpoint(session, table, step, "", cursor, batch);
  if (batch.finished) {
    batch.wrong += at.wrong;
    end_verification(session, table, batch.wrong);
  }
  return batch;
}

void restart_archive(ports::Session& session, const TakenTable& table) {
  session.exec("TRUNCATE " + archive_name(table));
  forget_checkpoints(session, table);
  session.exec(
      "UPDATE switchback.archive SET state = 'filling', rows = NULL, checksum = NULL, detail = '{}' WHERE plan_id = $1 "
      "AND relation = $2",
      {plan_id(table), shown(table.name)});
}

std::vector<std::string> archive_objections(ports::Session& session, const TakenTable& table) {
  const std::string name = "the archive of " + shown(table.name);
  const auto rows =
      session.exec("SELECT state, detail ->> 'triggers' FROM switchback.archive WHERE plan_id = $1 AND relation = $2",
                   {plan_id(table), shown(table.name)});
  if (rows.empty() || !has_archive(session, table)) return {name + " is not there"};
  std::vector<std::string> objections;
  if (rows.text(0, 0) != "verified") objections.push_back(name + " is not verified: its state is " + rows.text(0, 0));
  const auto now = triggers(session, table);
  if (now.text(0, 0) != rows.text(0, 1))
    objections.push_back("the triggers that keep " + name + " are not as they were when it was verified");
  if (now.integer(0, 1) > 0) objections.push_back("a trigger that keeps " + name + " is disabled");
  if (now.integer(0, 2) != 2) objections.push_back("a trigger that keeps " + name + " is missing");
  if (!copied(session, table)) objections.push_back(name + " lacks a partition that was added since it was filled");
  return objections;
}

void keep_archive(ports::Session& session, const TakenTable& table) {
  session.exec(keeper_triggers_sql(table, leaves_of(session, table)));
}

void drop_archive(ports::Session& session, const TakenTable& table, std::string_view state) {
  if (has_archive(session, table)) {
    // By their function, so that a partition detached meanwhile gives up its trigger too.
    const auto hung = session.exec(
        "SELECT n.nspname, c.relname, t.tgname FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = "
        "t.tgrelid JOIN "
        "pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid WHERE "
        "t.tgparentid "
        "= 0 AND p.pronamespace = 'switchback'::pg_catalog.regnamespace AND p.proname = $1 ORDER BY 1, 2, 3",
        {archive_relation(table)});
    for (std::size_t i = 0; i < hung.size(); ++i)
      session.exec("DROP TRIGGER IF EXISTS " + quote_identifier(hung.text(i, 2)) + " ON " +
                   quoted({hung.text(i, 0), hung.text(i, 1)}));
    session.exec(archive_triggers_drop_sql(table, leaves_of(session, table)));
    session.exec("DROP TABLE " + archive_name(table));
  }
  forget_checkpoints(session, table);
  if (state.empty())
    session.exec("DELETE FROM switchback.archive WHERE plan_id = $1 AND relation = $2",
                 {plan_id(table), shown(table.name)});
  else
    session.exec("UPDATE switchback.archive SET state = $3 WHERE plan_id = $1 AND relation = $2",
                 {plan_id(table), shown(table.name), std::string(state)});
}

}  // namespace switchback::engine
