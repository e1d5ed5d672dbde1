#include "switchback/engine/migrating.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/backfill.hpp"
#include "switchback/engine/batching.hpp"
#include "switchback/engine/copying.hpp"
#include "switchback/engine/expanding.hpp"
#include "switchback/engine/pairing.hpp"
#include "switchback/engine/quarantine.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/tightening.hpp"
#include "switchback/engine/turning_over.hpp"
#include "switchback/engine/upkeep.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// Finished steps are skipped; each is marked when complete.
Stop once(Workbench& bench, const Work& work, const std::function<Stop()>& act,
          const std::function<void(ports::Session&)>& report = {}) {
  bool done = false;
  Stop stop = bench.in_transaction([&](ports::Session& session) {
    const auto status = step_status(session, bench.fence().plan, "migrate", work.ordinal);
    done = status && status->status == "done";
    if (!done) mark_step(session, bench.fence().plan, "migrate", work.ordinal, work.name, "running");
  });
  if (!stop.ok() || done) return stop;
  stop = act();
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    mark_step(session, bench.fence().plan, "migrate", work.ordinal, work.name, "done");
    bench.note("step", work.name);
    if (report) report(session);
  });
}

Stop fill_table(Workbench& bench, const Work& work) {
  TableSize before;
  const auto fill = [&] {
    Stop stop = bench.in_transaction([&](ports::Session& session) {
      const auto status = step_status(session, bench.fence().plan, "migrate", work.ordinal);
      const json known = json::parse(status ? status->detail : "{}");
      if (known.contains("table_bytes")) {  // an earlier runner began
        before = {known.at("table_bytes"), known.at("index_bytes")};
        return;
      }
      before = size_of(session, work.table);
      mark_step(session, bench.fence().plan, "migrate", work.ordinal, work.name, "running",
                json{{"table_bytes", before.table}, {"index_bytes", before.indexes}}.dump());
    });
    return stop.ok() ? backfill(bench, *bench.resolved().sync_of(work.table)) : stop;
  };
  const Stop stop = once(bench, work, fill, [&](ports::Session& session) {
    bench.note("backfilled", backfill_report(session, bench.fence().plan, work.table, before));
  });
  return stop.ok() ? vacuum_where_it_pays(bench, work.table) : stop;
}

Stop check_rows(Workbench& bench, const Verify& verify, const Work& work) {
  const auto found = std::ranges::find_if(bench.resolved().checks, [&](const ResolvedCheck& check) {
    return check.table == verify.table && check.written == verify.check;
  });
  if (found == bench.resolved().checks.end())
    throw Error(Exit::failed, Remedy::bug, "check was not resolved: " + verify.check);
  std::vector<std::string> samples;
  const std::string step = work.name + " #" + std::to_string(work.ordinal);
  const Stop stop = walk(
      bench, {step, verify.table, found->key, {}, false, {}}, [&](ports::Session& session, const WalkBatch& batch) {
        const auto rows =
            session.exec("SELECT pg_catalog.count(*), (pg_catalog.array_agg(" + key_object(found->key, "t") +
                         "::pg_catalog.text))[1] FROM ONLY " + quoted(batch.leaf) + " AS t WHERE " + batch.range +
                         " AND (" + found->check.in("t") + ") IS NOT TRUE");
        if (rows.at(0, 1) && samples.size() < 5) samples.push_back(rows.text(0, 1));
        return WalkCost{0, rows.integer(0, 0), {}};
      });
  if (!stop.ok()) return stop;
  const WalkTotals totals = walk_totals(bench.session(), bench.fence().plan, step);
  if (totals.bad == 0) return stop;
  std::string reason = show_rows(totals.bad) + " of " + shown(verify.table) + (totals.bad == 1 ? " does" : " do") +
                       " not fulfil " + verify.check;
  for (const std::string& sample : samples) reason += (sample == samples.front() ? ": " : ", ") + sample;
  const Stop forgotten =
      bench.in_transaction([&](ports::Session& session) { forget_walk(session, bench.fence().plan, step); });
  if (!forgotten.ok()) return forgotten;
  return Stop::held({HoldKind::violation, reason, "the rows are mended, then switchback run again", {}});
}

std::string tally_of(const Compared& found) {
  return json{{"rows", found.rows},
              {"wrong", found.wrong},
              {"quarantined", found.quarantined},
              {"both_sides", found.both_sides},
              {"unfilled", found.unfilled},
              {"samples", found.samples}}
      .dump();
}

Compared tally_from(const std::string& text) {
  const json from = json::parse(text);
  return {from.at("rows"),        from.at("wrong"),    from.at("both_sides"),
          from.at("quarantined"), from.at("unfilled"), from.at("samples").get<std::vector<std::string>>()};
}

void note_comparison(Workbench& bench, const TableName& table, const Compared& found) {
  bench.note("compared",
             show_rows(found.rows) + " of " + shown(table) + ": " + show_count(found.wrong) + " wrong, " +
                 show_count(found.quarantined) + " quarantined, " + show_count(found.both_sides) +
                 " written on both sides by the application",
             tally_of(found));
}

Stop compare_table(Workbench& bench, const Work& work) {
  const ResolvedSync* sync = bench.resolved().sync_of(work.table);
  if (!sync) throw Error(Exit::failed, Remedy::bug, "no sync for " + shown(work.table));
  // Rows inserted past the triggers (disabled ones) are unfilled: they are filled, and compared again.
  for (int round = 0; round < 3; ++round) {
    Compared found;
    Stop stop = compare_all(bench, *sync, work.name, found);
    if (!stop.ok()) return stop;
    stop = bench.in_transaction([&](ports::Session& session) {
      settle_mended(session, bench.fence().plan, *sync);
      note_comparison(bench, work.table, found);
    });
    if (!stop.ok()) return stop;
    if (found.wrong > 0) {
      std::string reason = show_rows(found.wrong) + " of " + shown(work.table) + (found.wrong == 1 ? " has" : " have") +
                           " sides that do not agree";
      for (const std::string& sample : found.samples)
        reason += (sample == found.samples.front() ? ": " : ", ") + sample;
      return Stop::held(
          {HoldKind::violation,
           reason,
           "the rows are mended (switchback verify " + bench.plan().name + " lists them), then switchback run again",
           {}});
    }
    if (found.unfilled == 0) return stop;
    stop = bench.in_transaction(
        [&](ports::Session& session) { forget_walk(session, bench.fence().plan, backfill_step(work.table)); });
    if (stop.ok()) stop = backfill(bench, *sync);
    if (!stop.ok()) return stop;
  }
  return Stop::held({HoldKind::failure,
                     "rows of " + shown(work.table) + " are still being inserted past the sync trigger",
                     "whoever inserts with triggers disabled stops; then switchback run again",
                     {}});
}

std::string marker_counts(const ResolvedSync& sync) {
  const std::string marker = "t." + quote_identifier(sync.sync.marker);
  // CASE keeps the expressions away from rows they are known to fail on.
  const std::string wrong =
      "CASE WHEN " + marker + " = 's' THEN (" + in_step_sql(sync.sync, "t") + ") IS NOT TRUE ELSE false END";
  return "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE " + wrong +
         "), pg_catalog.count(*) FILTER (WHERE " + marker + " = 'b'), pg_catalog.count(*) FILTER (WHERE " + marker +
         " IN ('f', 'r')), pg_catalog.count(*) FILTER (WHERE " + marker + " IS NULL), (pg_catalog.array_agg(" +
         key_object(sync.key, "t") + "::pg_catalog.text) FILTER (WHERE " + wrong + "))[1]";
}

/// For a batch with a row whose expressions raise: that row is wrong, the others are judged as ever.
Compared compare_row_by_row(ports::Session& session, const ResolvedSync& sync, const WalkBatch& batch) {
  std::string columns;
  for (const std::string& column : sync.key.columns)
    columns += (columns.empty() ? "" : ", ") + ("t." + quote_identifier(column)) + "::pg_catalog.text";
  const auto keys =
      session.exec("SELECT " + columns + " FROM ONLY " + quoted(batch.leaf) + " AS t WHERE " + batch.range);
  Compared sum;
  for (const auto& row : keys.rows) {
    KeyValue key;
    for (const ports::Value& value : row) key.push_back(value.value_or(""));
    session.exec("SAVEPOINT one");
    try {
      sum += compare_rows(session, sync, batch.leaf, key_compare(sync.key, "t", "=", key));
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      session.exec("ROLLBACK TO SAVEPOINT one");
      // What reverse gave may be a value that forward cannot convert; such a row is right all the same.
      const auto right =
          session.exec("SELECT " + in_step_by_reverse_sql(sync.sync, "t") + ", " + key_object(sync.key, "t") +
                       " FROM ONLY " + quoted(batch.leaf) + " AS t WHERE " + key_compare(sync.key, "t", "=", key));
      if (!right.empty() && right.boolean(0, 0))
        sum += Compared{1, 0, 0, 0, 0, {}};
      else if (!right.empty())
        sum += Compared{1, 1, 0, 0, 0, {right.text(0, 1)}};
    }
    session.exec("RELEASE SAVEPOINT one");
  }
  return sum;
}

}  // namespace

Compared& Compared::operator+=(const Compared& part) {
  rows += part.rows;
  wrong += part.wrong;
  both_sides += part.both_sides;
  quarantined += part.quarantined;
  unfilled += part.unfilled;
  for (const std::string& sample : part.samples)
    if (samples.size() < 20) samples.push_back(sample);
  return *this;
}

Compared compare_rows(ports::Session& session, const ResolvedSync& sync, const TableName& leaf,
                      const std::string& range) {
  const auto rows = session.exec(marker_counts(sync) + " FROM ONLY " + quoted(leaf) + " AS t WHERE " + range);
  Compared found{rows.integer(0, 0), rows.integer(0, 1), rows.integer(0, 2),
                 rows.integer(0, 3), rows.integer(0, 4), {}};
  if (rows.at(0, 5)) found.samples.push_back(rows.text(0, 5));
  return found;
}

Compared compare_range(ports::Session& session, const ResolvedSync& sync, const WalkBatch& batch) {
  try {
    return compare_rows(session, sync, batch.leaf, batch.range);
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    ports::Transaction transaction(session);
    return compare_row_by_row(session, sync, batch);
  }
}

Stop compare_all(Workbench& bench, const ResolvedSync& sync, const std::string& step, Compared& found) {
  // One that was interrupted a moment ago goes on; an older one starts again, because what it saw may have changed.
  Stop stop = bench.in_transaction([&](ports::Session& session) {
    if (!walk_is_recent(session, bench.fence().plan, step)) forget_walk(session, bench.fence().plan, step);
  });
  if (!stop.ok()) return stop;
  stop = walk(bench, {step, sync.table, sync.key, {}, false, {}}, [&](ports::Session& session, const WalkBatch& batch) {
    const Compared here =
        batch.careful ? compare_row_by_row(session, sync, batch) : compare_rows(session, sync, batch.leaf, batch.range);
    if (here.quarantined > 0) note_marked(session, bench.fence().plan, sync, batch.leaf, batch.range);
    Compared leaf = batch.tally ? tally_from(*batch.tally) : Compared{};
    leaf += here;
    return WalkCost{0, here.wrong, tally_of(leaf)};
  });
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    found = {};
    for (const std::string& tally : walk_tallies(session, bench.fence().plan, step)) found += tally_from(tally);
    forget_walk(session, bench.fence().plan, step);
  });
}

Compared compare_now(ports::Session& session, ports::Catalog& catalog, const PlanRecord& record) {
  constexpr long batch_rows = 5000;
  Compared sum;
  bool any = false;
  for (ResolvedSync sync : resolved_from_json(record.resolved).sync) {
    // Under the names that the columns have now.
    const auto now =
        session.exec("SELECT document FROM switchback.sync WHERE plan_id = $1 AND relation = $2 AND NOT restoring",
                     {std::to_string(record.id), std::to_string(sync.oid)});
    const auto table = catalog.table(session, sync.table);
    if (now.empty() || !table) continue;
    any = true;
    sync.sync = sync_from_json(now.text(0, 0));
    if (const std::string path = key_search_path(session, sync.table, sync.key, "SESSION"); !path.empty())
      session.exec(path);
    for (const TableName& leaf : table->leaves) {
      std::optional<KeyValue> at;
      for (bool more = true; more;) {
        const auto upper = key_bound(session, sync.key, leaf, at, batch_rows);
        more = upper.has_value();
        sum += compare_range(session, sync, range_of(sync.key, leaf, at, upper));
        at = upper;
      }
    }
  }
  if (!any)
    throw Error(
        Exit::refused, Remedy::person,
        "the plan " + record.name + " is " + std::string(name(record.state)) + ": there are no two sides to compare",
        "there are two between expanded and the drop, for plans with a backfill");
  return sum;
}

Stop migrate(Workbench& bench) {
  const std::vector<Work> all = migrate_work(bench.plan());
  int fixes = 0;
  int rules = 0;
  for (const Work& work : all) {
    Stop stop = bench.pause_point(false);
    if (stop.ok()) stop = check_surroundings(bench);
    if (!stop.ok()) return stop;
    switch (work.kind) {
      case Work::Kind::backfill:
        stop = fill_table(bench, work);
        break;
      case Work::Kind::verify:
        stop = once(bench, work, [&] { return check_rows(bench, std::get<Verify>(work.steps.front()->action), work); });
        break;
      case Work::Kind::compare:
        stop = once(bench, work, [&] { return compare_table(bench, work); });
        break;
      case Work::Kind::fix:
        stop = once(bench, work, [&, number = ++fixes] { return fix_rows(bench, number); });
        break;
      case Work::Kind::rule:
        stop = once(bench, work, [&, number = ++rules] { return settle_rule(bench, number, false); });
        break;
      case Work::Kind::pairs:
        stop =
            once(bench, work, [&] { return check_pairs(bench, std::get<AddExclusion>(work.steps.front()->action)); });
        break;
      case Work::Kind::batched:
        stop = once(
            bench, work, [&] { return run_batched(bench, work); },
            [&](ports::Session& session) { forget_batched(session, bench, work); });
        break;
      case Work::Kind::index:
        stop = build_index(bench, std::get<CreateIndex>(work.steps.front()->action), "migrate", work);
        break;
      case Work::Kind::statement:
        stop = run_statement(bench, *work.steps.front(), "migrate", work);
        break;
      case Work::Kind::copy:
        stop = once(bench, work, [&] { return copy_rows(bench, std::get<CopyTable>(work.steps.front()->action)); });
        break;
      case Work::Kind::paired:
        stop = once(bench, work, [&] { return fill_pair(bench, std::get<PairTables>(work.steps.front()->action)); });
        break;
      case Work::Kind::columns:
      case Work::Kind::counter:
      case Work::Kind::mirror:
      case Work::Kind::pairing:
        throw Error(Exit::failed, Remedy::bug, work.name + " is no migrate step");
    }
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

}  // namespace switchback::engine
