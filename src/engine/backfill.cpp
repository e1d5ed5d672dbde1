#include "switchback/engine/backfill.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/migrating.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

class Filling {
 public:
  Filling(Workbench& bench, const ResolvedSync& sync) : bench_(bench), sync_(sync), step_(backfill_step(sync.table)) {}

  WalkCost batch(ports::Session& session, const WalkBatch& batch) {
    prepare(session);
    if (!batch.careful) return {fill(session, batch.leaf, batch.range), 0, {}};
    std::vector<KeyValue> keys;
    const auto rows = session.exec(std::string(own_mark) + "SELECT " + key_texts() + " FROM ONLY " +
                                   quoted(batch.leaf) + " AS t WHERE " + batch.range + " AND " + marker() +
                                   " IS NULL ORDER BY " + key_columns(sync_.key, "t"));
    for (const auto& row : rows.rows) {
      KeyValue key;
      for (const ports::Value& value : row) key.push_back(value.value_or(""));
      keys.push_back(std::move(key));
    }
    WalkCost cost;
    bisect(session, batch.leaf, keys, 0, keys.size(), cost);
    return cost;
  }

 private:
  std::string marker() const { return "t." + quote_identifier(sync_.sync.marker); }

  std::string key_texts() const {
    std::string out;
    for (const std::string& column : sync_.key.columns)
      out += (out.empty() ? "" : ", ") + ("t." + quote_identifier(column)) + "::pg_catalog.text";
    return out;
  }

  void prepare(ports::Session& session) {
    // Waiting for a writer's row lock is given up well before deadlock_timeout, so that never an application's
    // statement is the one that a deadlock ends.
    if (lock_timeout_.empty())
      lock_timeout_ =
          session
              .exec(
                  "SELECT (setting::int / 3)::text || 'ms' FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'")
              .text(0, 0);
    std::string settings = "SET LOCAL lock_timeout = " + quote_literal(lock_timeout_) + ";";
    if (sync_.user_triggers == UserTriggers::skip) settings += "SET LOCAL session_replication_role = replica;";
    if (!bench_.settings().synchronous_commit) settings += "SET LOCAL synchronous_commit = off;";
    session.exec(settings);
  }

  /// Bytes of WAL that the statement wrote. EXPLAIN executes it and counts (WAL: PostgreSQL 13).
  std::int64_t fill(ports::Session& session, const TableName& leaf, const std::string& range) {
    const auto explained =
        session.exec("EXPLAIN (ANALYZE, WAL, TIMING OFF, COSTS OFF, SUMMARY OFF, FORMAT JSON) " +
                     std::string(own_mark) + "UPDATE ONLY " + quoted(leaf) + " AS t SET " +
                     fill_set_sql(sync_.sync, "t") + " WHERE " + range + " AND " + marker() + " IS NULL");
    std::string text;
    for (const auto& row : explained.rows) text += row.at(0).value_or("");
    const json plan = json::parse(text);
    return plan.at(0).at("Plan").value("WAL Bytes", std::int64_t{0});
  }

  void bisect(ports::Session& session, const TableName& leaf, const std::vector<KeyValue>& keys, std::size_t from,
              std::size_t to, WalkCost& cost) {
    if (from >= to) return;
    const std::string range =
        key_compare(sync_.key, "t", ">=", keys[from]) + " AND " + key_compare(sync_.key, "t", "<=", keys[to - 1]);
    session.exec("SAVEPOINT part");
    try {
      cost.wal_bytes += fill(session, leaf, range);
      session.exec("RELEASE SAVEPOINT part");
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      session.exec("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part");
      if (to - from == 1) {
        quarantine(session, leaf, range, error);
        ++cost.rows_bad;
        return;
      }
      const std::size_t middle = from + (to - from) / 2;
      bisect(session, leaf, keys, from, middle, cost);
      bisect(session, leaf, keys, middle, to, cost);
    }
  }

  void quarantine(ports::Session& session, const TableName& leaf, const std::string& range, const Error& error) {
    std::string old_values;
    for (const SyncColumn& column : sync_.sync.old_side)
      old_values +=
          (old_values.empty() ? "" : ", ") + quote_literal(column.name) + ", t." + quote_identifier(column.name);
    const auto marked = session.exec(
        std::string(own_mark) + "UPDATE ONLY " + quoted(leaf) + " AS t SET " + quote_identifier(sync_.sync.marker) +
        " = '" + sync_.sync.forward_failed + "' WHERE " + range + " AND " + marker() + " IS NULL RETURNING " +
        key_object(sync_.key, "t") + ", pg_catalog.jsonb_build_object(" + old_values + ")");
    for (std::size_t i = 0; i < marked.size(); ++i)
      session.exec(R"sql(
INSERT INTO switchback.quarantine (plan_id, step, relation, key, sqlstate, message, old_values)
VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7::jsonb)
ON CONFLICT (plan_id, step, relation, key) DO UPDATE SET sqlstate = excluded.sqlstate, message = excluded.message,
  old_values = excluded.old_values, status = 'open', at = pg_catalog.clock_timestamp())sql",
                   {std::to_string(bench_.fence().plan), step_, shown(sync_.table), marked.at(i, 0), error.sqlstate(),
                    std::string(error.what()), marked.at(i, 1)});
  }

  Workbench& bench_;
  const ResolvedSync& sync_;
  std::string step_;
  std::string lock_timeout_;
};

/// Beyond 100 rows or 0.1 %, whichever is less, something is wrong with the expression and not with the rows.
std::int64_t budget(const Settings& settings, double rows) {
  const auto share = static_cast<std::int64_t>(std::ceil(settings.quarantine_share * std::max(rows, 1.0)));
  return std::max<std::int64_t>(1, std::min(settings.quarantine_rows, share));
}

std::int64_t open_rows(ports::Session& session, PlanId plan) {
  return session
      .exec("SELECT pg_catalog.count(*) FROM switchback.quarantine WHERE plan_id = $1 AND status = 'open'",
            {std::to_string(plan)})
      .integer(0, 0);
}

}  // namespace

std::string backfill_step(const TableName& table) {
  return "backfill " + shown(table);
}

Stop analyze(Workbench& bench, const TableName& table) {
  return bench.outside_transaction([&](ports::Session& session) { session.exec("ANALYZE " + quoted(table)); });
}

Stop backfill(Workbench& bench, const ResolvedSync& sync) {
  Stop stop = analyze(bench, sync.table);
  if (!stop.ok()) return stop;
  Filling filling(bench, sync);
  std::int64_t allowed = 0;
  std::int64_t bad = 0;
  stop = bench.outside_transaction([&](ports::Session& session) {
    const auto table = bench.catalog().table(session, sync.table);
    allowed = budget(bench.settings(), table ? table->rows_estimate : 0);
    bad = open_rows(session, bench.fence().plan);
  });
  if (!stop.ok()) return stop;
  bool over = false;
  WalkOptions options{backfill_step(sync.table), sync.table, sync.key, sync.batch, true, {}};
  std::int64_t pending = 0;
  options.committed = [&]() -> std::optional<Hold> {
    bad += std::exchange(pending, 0);
    over = bad > allowed;
    if (!over) return std::nullopt;
    return Hold{HoldKind::quarantine,
                show_count(bad) + " rows of " + shown(sync.table) + " could not be converted, over the budget of " +
                    show_count(allowed),
                "the rows are mended or accepted (switchback quarantine " + bench.plan().name +
                    " list), or the budget is raised: switchback set " + bench.plan().name +
                    " backfill.quarantine.rows=N backfill.quarantine.share=P% (the smaller counts)",
                {}};
  };
  return walk(bench, options, [&](ports::Session& session, const WalkBatch& batch) {
    const WalkCost cost = filling.batch(session, batch);
    pending = cost.rows_bad;
    return cost;
  });
}

std::optional<Hold> quarantine_hold(Workbench& bench) {
  ports::Session& session = bench.session();
  std::int64_t unconverted = 0;
  const std::string plan = std::to_string(bench.fence().plan);
  for (const ResolvedSync& sync : bench.resolved().sync) {
    const std::string failed =
        " FROM " + quoted(sync.table) + " AS t WHERE t." + quote_identifier(sync.sync.marker) + " IN ('f', 'r')";
    const std::string key = key_object(sync.key, "t");
    // A row that the application has written since is in step again; one that is gone needs nothing more.
    session.exec(
        "UPDATE switchback.quarantine q SET status = 'mended', settled_at = pg_catalog.clock_timestamp(), settled_by = "
        "'the application', "
        "reason = 'written or deleted since' WHERE q.plan_id = $1 AND q.relation = $2 AND q.status = 'open' AND q.key "
        "NOT IN (SELECT " +
            key + failed + ")",
        {plan, shown(sync.table)});
    // Those that sync met: it runs with the writer's rights and can only mark the row.
    session.exec(
        "INSERT INTO switchback.quarantine AS q (plan_id, step, relation, key, sqlstate, message) SELECT $1, $2, $3, " +
            key + ", '22000', CASE t." + quote_identifier(sync.sync.marker) +
            " WHEN 'f' THEN 'the forward expression failed' ELSE 'the reverse expression failed' END "
            "|| ' when the application wrote the row'" +
            failed +
            " ON CONFLICT (plan_id, step, relation, key) DO UPDATE SET status = 'open', at = "
            "pg_catalog.clock_timestamp() WHERE q.status = 'mended'",
        {plan, backfill_step(sync.table), shown(sync.table)});
    unconverted += session
                       .exec(
                           "SELECT pg_catalog.count(*) FROM switchback.quarantine WHERE plan_id = $1 AND relation = $2 "
                           "AND status = 'open'",
                           {plan, shown(sync.table)})
                       .integer(0, 0);
  }
  if (unconverted == 0) return std::nullopt;
  return Hold{HoldKind::quarantine,
              show_count(unconverted) + " rows could not be converted",
              "they are mended or accepted: switchback quarantine " + bench.plan().name + " list",
              {}};
}

}  // namespace switchback::engine
