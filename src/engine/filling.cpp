#include "switchback/engine/filling.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/sync.hpp"

namespace switchback::engine {

using nlohmann::json;

struct Filling::Careful {
  const TableName& leaf;
  const std::string& range;
  std::vector<KeyValue> keys;
};

Filling::Filling(PlanId plan, std::string step, const ResolvedSync& sync)
    : plan_(plan), step_(std::move(step)), sync_(sync) {}

std::string Filling::marker() const {
  return "t." + quote_identifier(sync_.sync.marker);
}

/// Waiting for a writer's row lock is given up well before deadlock_timeout, so that never an application's statement
/// is the one that a deadlock ends.
std::string Filling::preparation(ports::Session& session, const Settings& settings) {
  if (lock_timeout_.empty())
    lock_timeout_ =
        session
            .exec("SELECT (setting::int / 3)::text || 'ms' FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'")
            .text(0, 0);
  std::string sql = "SET LOCAL lock_timeout = " + quote_literal(lock_timeout_) + ";";
  if (sync_.user_triggers == UserTriggers::skip) sql += "SET LOCAL session_replication_role = replica;";
  if (!settings.synchronous_commit) sql += "SET LOCAL synchronous_commit = off;";
  return sql;
}

/// EXPLAIN executes the update and counts its rows and its WAL (PostgreSQL 13).
FillCost Filling::update(ports::Session& session, const std::string& before, const TableName& leaf,
                         const std::string& range, const std::vector<std::string>& touch) {
  std::string set = fill_set_sql(sync_.sync, "t");
  for (const std::string& column : touch) set += ", " + quote_identifier(column) + " = t." + quote_identifier(column);
  const auto explained = session.exec(
      before + "EXPLAIN (ANALYZE, WAL, BUFFERS OFF, TIMING OFF, COSTS OFF, SUMMARY OFF, FORMAT JSON) " +
      "UPDATE ONLY " + quoted(leaf) + " AS t SET " + set + " WHERE " + range + " AND " + marker() + " IS NULL");
  std::string text;
  for (const auto& row : explained.rows) text += row.at(0).value_or("");
  const json plan = json::parse(text).at(0).at("Plan");
  FillCost cost;
  cost.wal_bytes = plan.value("WAL Bytes", std::int64_t{0});
  cost.wal_records = plan.value("WAL Records", std::int64_t{0});
  if (plan.contains("Plans"))
    cost.rows_filled = static_cast<std::int64_t>(plan.at("Plans").at(0).value("Actual Rows", 0.0));
  return cost;
}

FillCost Filling::fill(ports::Session& session, const Settings& settings, const TableName& leaf,
                       const std::string& range, const std::vector<std::string>& touch) {
  return update(session, preparation(session, settings), leaf, range, touch);
}

FillCost Filling::fill_carefully(ports::Session& session, const Settings& settings, const TableName& leaf,
                                 const std::string& range) {
  session.exec(preparation(session, settings));
  std::string texts;
  for (const std::string& column : sync_.key.columns)
    texts += (texts.empty() ? "" : ", ") + ("t." + quote_identifier(column)) + "::pg_catalog.text";
  const auto found = session.exec("SELECT " + texts + " FROM ONLY " + quoted(leaf) + " AS t WHERE " + range + " AND " +
                                  marker() + " IS NULL ORDER BY " + key_columns(sync_.key, "t"));
  Careful rows{leaf, range, {}};
  for (const auto& row : found.rows) {
    KeyValue key;
    for (const ports::Value& value : row) key.push_back(value.value_or(""));
    rows.keys.push_back(std::move(key));
  }
  FillCost cost;
  bisect(session, rows, 0, rows.keys.size(), cost);
  return cost;
}

void Filling::bisect(ports::Session& session, const Careful& rows, std::size_t from, std::size_t to, FillCost& cost) {
  if (from >= to) return;
  // The range too: between two keys that lie near each other in the table there may be all the others.
  const std::string range = "(" + rows.range + ") AND " + key_compare(sync_.key, "t", ">=", rows.keys[from]) + " AND " +
                            key_compare(sync_.key, "t", "<=", rows.keys[to - 1]);
  session.exec("SAVEPOINT part");
  try {
    const FillCost part = update(session, "", rows.leaf, range, {});
    session.exec("RELEASE SAVEPOINT part");
    cost.rows_filled += part.rows_filled;
    cost.wal_bytes += part.wal_bytes;
    cost.wal_records += part.wal_records;
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    session.exec("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part");
    if (to - from == 1) {
      quarantine(session, rows.leaf, range, error);
      ++cost.rows_bad;
      return;
    }
    const std::size_t middle = from + (to - from) / 2;
    bisect(session, rows, from, middle, cost);
    bisect(session, rows, middle, to, cost);
  }
}

void Filling::quarantine(ports::Session& session, const TableName& leaf, const std::string& range, const Error& error) {
  std::string old_values;
  for (const SyncColumn& column : sync_.sync.old_side)
    old_values +=
        (old_values.empty() ? "" : ", ") + quote_literal(column.name) + ", t." + quote_identifier(column.name);
  const auto marked =
      session.exec("UPDATE ONLY " + quoted(leaf) + " AS t SET " + quote_identifier(sync_.sync.marker) + " = '" +
                   sync_.sync.forward_failed + "' WHERE " + range + " AND " + marker() + " IS NULL RETURNING " +
                   key_object(sync_.key, "t") + ", pg_catalog.jsonb_build_object(" + old_values + ")");
  for (std::size_t i = 0; i < marked.size(); ++i)
    session.exec(R"sql(
INSERT INTO switchback.quarantine (plan_id, step, relation, key, sqlstate, message, old_values)
VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7::jsonb)
ON CONFLICT (plan_id, step, relation, key) DO UPDATE SET sqlstate = excluded.sqlstate, message = excluded.message,
  old_values = excluded.old_values, status = 'open', at = pg_catalog.clock_timestamp())sql",
                 {std::to_string(plan_), step_, shown(sync_.table), marked.at(i, 0), error.sqlstate(),
                  std::string(error.what()), marked.at(i, 1)});
}

}  // namespace switchback::engine
