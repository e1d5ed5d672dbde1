#include "switchback/engine/walk.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

struct Checkpoint {
  std::optional<KeyValue> cursor;
  bool finished = false;
  std::optional<std::string> tally;
};

class Walker {
 public:
  Walker(Workbench& bench, const WalkOptions& options, const WalkWork& work)
      : bench_(bench), options_(options), work_(work), started_(Clock::now()) {}

  Stop run() {
    std::optional<TableFacts> table;
    Stop stop = bench_.outside_transaction([&](ports::Session& session) {
      table = bench_.catalog().table(session, options_.table);
      if (!table) throw Error(Exit::drift, Remedy::person, "the table " + shown(options_.table) + " is gone");
      search_path_ = key_search_path(session, options_.table, options_.key, "LOCAL");
      before_ = walk_totals(session, bench_.fence().plan, options_.step).rows;
    });
    if (!stop.ok()) return stop;
    estimate_ = table->rows_estimate;
    for (const TableName& leaf : options_.leaves.empty() ? table->leaves : options_.leaves) {
      stop = run_leaf(leaf);
      if (!stop.ok()) break;
    }
    show_progress(true);
    return stop;
  }

 private:
  Stop run_leaf(const TableName& leaf) {
    for (bool finished = false; !finished;) {
      Stop stop = wait_for_turn();
      if (!stop.ok()) return stop;
      const auto begun = Clock::now();
      stop = run_batch(leaf, finished);
      if (!stop.ok()) return stop;
      if (options_.heed_health && !finished) rest(Clock::now() - begun);
      if (options_.committed)
        if (const auto hold = options_.committed()) return Stop::held(*hold);
      show_progress(false);
    }
    return Stop::arrived();
  }

  /// While the plan is paused or held, and until the replicas have taken what was written.
  Stop wait_for_turn() {
    while (true) {
      const Stop stop = bench_.pause_point(options_.heed_health);
      if (!stop.ok() || !options_.heed_health) return stop;
      const auto pause = bench_.control().pace();
      if (pause <= std::chrono::milliseconds(0)) return stop;
      bench_.control().wait(std::min(pause, std::chrono::milliseconds(100)));
    }
  }

  void rest(Clock::duration batch) {
    const auto time = rest_after(batch, bench_.settings().gentle, bench_.control().slowdown());
    if (time > Clock::duration::zero())
      bench_.control().wait(std::chrono::duration_cast<std::chrono::milliseconds>(time));
  }

  Stop run_batch(const TableName& leaf, bool& finished) {
    std::int64_t rows = 0;
    const auto attempt = [&](bool careful) {
      int tries = 0;
      return bench_.in_transaction([&](ports::Session& session) {
        rows = 0;
        if (tries++ > 0) {
          if (options_.heed_health && bench_.is_paused(session)) return;
          sizer_.halve();
        }
        const Checkpoint at = read_checkpoint(session, leaf);
        finished = at.finished;
        if (!finished) rows = one_batch(session, leaf, at, careful, finished);
      });
    };
    try {
      const Stop stop = attempt(false);
      done_ += rows;
      return stop;
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
    }
    const Stop stop = attempt(true);
    done_ += rows;
    return stop;
  }

  std::int64_t one_batch(ports::Session& session, const TableName& leaf, const Checkpoint& at, bool careful,
                         bool& finished) {
    const long wanted = sizer_.size();
    // With stale statistics a batch would become a sequential scan; what walks the key's index is right at any size.
    session.exec("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;" + search_path_);
    const auto upper = key_bound(session, options_.key, leaf, at.cursor, wanted);
    WalkBatch batch = range_of(options_.key, leaf, at.cursor, upper);
    batch.careful = careful;
    batch.tally = at.tally;
    std::int64_t rows = wanted;
    if (!upper)
      rows = session.exec("SELECT pg_catalog.count(*) FROM ONLY " + quoted(leaf) + " AS t WHERE " + batch.range)
                 .integer(0, 0);
    const auto begun = Clock::now();
    const WalkCost cost = work_(session, batch);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun);
    finished = !upper;
    store_checkpoint(session, leaf, upper ? upper : at.cursor, finished, rows, cost, took);
    const Settings& settings = bench_.settings();
    sizer_.observe(rows, took, cost.wal_bytes,
                   batch_target(options_.limits.target.value_or(settings.batch_target), settings.gentle),
                   options_.limits.max_wal.value_or(settings.batch_max_wal));
    bench_.control().wrote(cost.wal_bytes);
    last_rows_ = rows;
    last_took_ = took;
    return rows;
  }

  Checkpoint read_checkpoint(ports::Session& session, const TableName& leaf) {
    const auto rows = session.exec(
        "SELECT cursor, finished, tally FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2 AND part = $3",
        {std::to_string(bench_.fence().plan), options_.step, shown(leaf)});
    Checkpoint at;
    if (rows.empty()) return at;
    if (rows.at(0, 0)) at.cursor = json::parse(*rows.at(0, 0)).get<KeyValue>();
    at.finished = rows.boolean(0, 1);
    at.tally = rows.at(0, 2);
    return at;
  }

  void store_checkpoint(ports::Session& session, const TableName& leaf, const std::optional<KeyValue>& cursor,
                        bool finished, std::int64_t rows, const WalkCost& cost, std::chrono::microseconds took) {
    session.exec(
        R"sql(
INSERT INTO switchback.checkpoint AS c (plan_id, step, part, cursor, finished, rows_done, rows_bad, active, tally)
VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8::interval, $9::jsonb)
ON CONFLICT (plan_id, step, part) DO UPDATE SET cursor = excluded.cursor, finished = excluded.finished,
  rows_done = c.rows_done + excluded.rows_done, rows_bad = c.rows_bad + excluded.rows_bad, active = c.active + excluded.active,
  tally = excluded.tally, updated_at = pg_catalog.clock_timestamp())sql",
        {std::to_string(bench_.fence().plan), options_.step, shown(leaf),
         cursor ? ports::Value(json(*cursor).dump()) : ports::Value(), finished ? "t" : "f", std::to_string(rows),
         std::to_string(cost.rows_bad), std::to_string(took.count()) + " us", cost.tally});
  }

  void show_progress(bool last) {
    const auto now = Clock::now();
    if (!last && now - shown_ < std::chrono::milliseconds(1000)) return;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    Progress progress;
    progress.step = options_.step;
    progress.rows_done = before_ + done_;
    progress.rows_estimate = static_cast<std::int64_t>(std::max(estimate_, static_cast<double>(progress.rows_done)));
    progress.rows_per_second = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
    progress.batch_rows = last_rows_;
    progress.batch_ms = std::chrono::duration<double, std::milli>(last_took_).count();
    progress.workers = 1;
    if (progress.rows_per_second > 0)
      progress.eta_seconds = static_cast<std::int64_t>(
          static_cast<double>(progress.rows_estimate - progress.rows_done) / progress.rows_per_second);
    progress.worst_lag = bench_.control().worst_lag();
    if (options_.heed_health) progress.slowed_by = bench_.control().slowed_by();
    bench_.show_progress(progress);
  }

  Workbench& bench_;
  const WalkOptions& options_;
  const WalkWork& work_;
  std::string search_path_;
  BatchSizer sizer_;
  Clock::time_point started_;
  Clock::time_point shown_{};
  std::int64_t before_ = 0;
  std::int64_t done_ = 0;
  double estimate_ = 0;
  std::int64_t last_rows_ = 0;
  std::chrono::microseconds last_took_{};
};

}  // namespace

Stop walk(Workbench& bench, const WalkOptions& options, const WalkWork& work) {
  bench.control().writing(true);
  Stop stop;
  try {
    stop = Walker(bench, options, work).run();
  } catch (...) {
    bench.control().writing(false);
    throw;
  }
  bench.control().writing(false);
  return stop;
}

std::optional<KeyValue> key_bound(ports::Session& session, const KeyFacts& key, const TableName& leaf,
                                  const std::optional<KeyValue>& after, long rows) {
  const auto bound = session.exec(key_bound_sql(key, leaf, after, rows));
  if (bound.empty()) return std::nullopt;
  KeyValue upper;
  for (std::size_t i = 0; i < key.columns.size(); ++i) upper.push_back(bound.text(0, i));
  return upper;
}

WalkBatch range_of(const KeyFacts& key, const TableName& leaf, const std::optional<KeyValue>& after,
                   const std::optional<KeyValue>& upper) {
  return {leaf, key_compare(key, "t", ">", after) + " AND " + key_compare(key, "t", "<=", upper), true, {}};
}

std::string key_search_path(ports::Session& session, const TableName& table, const KeyFacts& key,
                            std::string_view scope) {
  const auto schemas = session.exec(R"sql(
SELECT DISTINCT n.nspname FROM pg_catalog.pg_index i CROSS JOIN pg_catalog.unnest(i.indclass::oid[]) AS c(oid)
JOIN pg_catalog.pg_opclass o ON o.oid = c.oid JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
WHERE i.indexrelid = pg_catalog.to_regclass($1) AND n.nspname <> 'pg_catalog')sql",
                                    {quoted({table.schema, key.index})});
  if (schemas.empty()) return {};
  std::string path = "SET " + std::string(scope) + " search_path = pg_catalog";
  for (std::size_t i = 0; i < schemas.size(); ++i) path += ", " + quote_identifier(schemas.text(i, 0));
  return path + ", pg_temp";
}

WalkCost run_counted(ports::Session& session, const std::string& sql) {
  const auto explained =
      session.exec("EXPLAIN (ANALYZE, WAL, BUFFERS OFF, TIMING OFF, COSTS OFF, SUMMARY OFF, FORMAT JSON) " + sql);
  std::string text;
  for (const auto& row : explained.rows) text += row.at(0).value_or("");
  const json plan = json::parse(text).at(0).at("Plan");
  WalkCost cost;
  cost.wal_bytes = plan.value("WAL Bytes", std::int64_t{0});
  if (plan.contains("Plans"))
    cost.rows_bad = static_cast<std::int64_t>(plan.at("Plans").at(0).value("Actual Rows", 0.0));
  return cost;
}

WalkTotals walk_totals(ports::Session& session, PlanId plan, std::string_view step) {
  const auto rows = session.exec(
      "SELECT pg_catalog.sum(rows_done)::bigint, pg_catalog.sum(rows_bad)::bigint FROM switchback.checkpoint WHERE "
      "plan_id = $1 AND step = $2",
      {std::to_string(plan), std::string(step)});
  return {rows.integer(0, 0), rows.integer(0, 1)};
}

std::vector<std::string> walk_tallies(ports::Session& session, PlanId plan, std::string_view step) {
  const auto rows =
      session.exec("SELECT tally FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2 AND tally IS NOT NULL",
                   {std::to_string(plan), std::string(step)});
  std::vector<std::string> tallies;
  for (std::size_t i = 0; i < rows.size(); ++i) tallies.push_back(rows.text(i, 0));
  return tallies;
}

bool walk_is_recent(ports::Session& session, PlanId plan, std::string_view step) {
  return session
      .exec(
          "SELECT coalesce(pg_catalog.max(updated_at) > pg_catalog.clock_timestamp() - interval '1 hour', false) FROM "
          "switchback.checkpoint WHERE plan_id = $1 AND step = $2",
          {std::to_string(plan), std::string(step)})
      .boolean(0, 0);
}

void forget_walk(ports::Session& session, PlanId plan, std::string_view step) {
  session.exec("DELETE FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2",
               {std::to_string(plan), std::string(step)});
}

}  // namespace switchback::engine
