#include "switchback/engine/contracting.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/archiver.hpp"
#include "switchback/engine/browning_out.hpp"
#include "switchback/engine/brownout.hpp"
#include "switchback/engine/counting.hpp"
#include "switchback/engine/guard.hpp"
#include "switchback/engine/hiding.hpp"
#include "switchback/engine/migrating.hpp"
#include "switchback/engine/moving.hpp"
#include "switchback/engine/probing.hpp"
#include "switchback/engine/quarantine.hpp"
#include "switchback/engine/replacing.hpp"
#include "switchback/engine/restore_points.hpp"
#include "switchback/engine/restoring.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/swapping.hpp"
#include "switchback/engine/tightening.hpp"
#include "switchback/engine/turning_back.hpp"
#include "switchback/engine/turning_over.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* exclusion_violation = "23P01";

/// Holds that are looked at once and again, not while anything is locked.
Stop pass(Workbench& bench, milliseconds every, const std::function<std::optional<Hold>()>& look) {
  std::optional<Hold> hold;
  Stop stop = bench.outside_transaction([&](ports::Session&) { hold = look(); });
  if (!stop.ok() || !hold) return stop;
  return bench.hold_until(*hold, every, look);
}

/// Both, as one hold of the first's kind.
std::optional<Hold> both_holds(std::optional<Hold> first, std::optional<Hold> second) {
  if (!first) return second;
  if (!second) return first;
  for (Hold* one : {&*first, &*second})
    if (one->reasons.empty()) one->reasons = {one->reason};
  for (std::string& reason : second->reasons) first->reasons.push_back(std::move(reason));
  first->ends_when += "; and " + second->ends_when;
  return first;
}

/// Images and usage evidence together: the observation goes on while an image holds. What is seen used comes first,
/// then the images, then what the evidence still lacks.
std::optional<Hold> still_needed_hold(Workbench& bench, UsageReport& report) {
  std::optional<Hold> usage = usage_hold(bench, report);
  std::optional<Hold> horizon = horizon_hold(bench);
  const bool used =
      std::ranges::any_of(report.judged, [](const Judgement& one) { return one.verdict == Verdict::used; });
  return used ? both_holds(std::move(usage), std::move(horizon)) : both_holds(std::move(horizon), std::move(usage));
}

/// Both sides of every row, once more: the comparison at the end of migrate may be weeks old.
Stop compare_before_hiding(Workbench& bench) {
  for (const ResolvedSync& sync : bench.resolved().sync) {
    Compared found;
    const Stop stop = compare_all(bench, sync, "compare " + shown(sync.table) + " before hiding", found);
    if (!stop.ok()) return stop;
    if (found.wrong + found.unfilled == 0) continue;
    std::string reason = show_rows(found.wrong) + " of " + shown(sync.table) + (found.wrong == 1 ? " has" : " have") +
                         " sides that do not agree, " + show_count(found.unfilled) + " are not filled";
    for (const std::string& sample : found.samples) reason += (sample == found.samples.front() ? ": " : ", ") + sample;
    return Stop::held(
        {HoldKind::violation,
         reason,
         "the rows are mended (switchback verify " + bench.plan().name + " lists them), then switchback run again",
         {}});
  }
  return compare_copies(bench);
}

std::vector<TakenTable> taken_of(Workbench& bench, ports::Session& session) {
  std::vector<TableFacts> facts;
  std::vector<std::pair<TableName, SyncPlan>> sync;
  for (const TableName& table : tables_of(bench.plan()))
    if (const auto found = bench.catalog().table(session, table)) facts.push_back(*found);
  for (const ResolvedSync& one : bench.resolved().sync)
    sync.emplace_back(one.table, swapped(one.sync, bench.plan(), one.table));
  return taken_tables(bench.fence().plan, bench.plan(), facts, sync);
}

State now(Workbench& bench, ports::Session& session) {
  const auto rows =
      session.exec("SELECT state FROM switchback.plan WHERE id = $1 FOR UPDATE", {std::to_string(bench.fence().plan)});
  return state_named(rows.text(0, 0)).value();
}

/// From here on a duplicate fails: the plan is on its way into hiding.
Stop begin_hiding(Workbench& bench) {
  const auto rules = rules_of(bench.plan());
  if (std::ranges::none_of(rules, [](const Rule& one) { return std::holds_alternative<AddUnique>(one); }))
    return Stop::arrived();
  const Stop stop = bench.in_transaction([&](ports::Session& session) {
    if (now(bench, session) == State::migrated) bench.advance(State::migrated, Event::hide);
  });
  return stop.ok() ? build_unique_indexes(bench) : stop;
}

void hide_now(Workbench& bench, ports::Session& session, const UsageReport& report) {
  if (now(bench, session) == State::hidden) return;
  if (now(bench, session) == State::migrated) bench.advance(State::migrated, Event::hide);
  make_restore_point(bench, session, "hide");
  note_overridden_horizon(bench);  // before anything is locked
  give_up_first(session);
  lock_from_above(session, bench.plan());
  remove_probes(session, bench.fence().plan);
  forget_counters(session, bench.fence().plan);
  const std::vector<TakenObject> objects = ordered_objects(session, bench.usage(), bench.plan());
  add_exclusions(session, bench.plan());
  swap_in(session, bench.plan());  // first: what is stored of the old columns is stored under their tombstone names
  replace_tables(session, bench.catalog(), bench.plan());
  const std::vector<TakenTable> tables = taken_of(bench, session);
  store_definitions(session, bench.fence().plan, bench.plan(), tables);
  store_objects(session, bench.fence().plan, objects);
  refuse_browned(session, bench.plan().name, tables_of(bench.plan()),
                 session.exec("SELECT pg_catalog.now()").text(0, 0));
  hide(session, bench.plan(), tables);
  enforce_rules(session, bench.fence().plan, bench.plan(), bench.resolved().rules);
  hide_objects(session, bench.plan(), objects);
  for (const TakenTable& table : tables) rename_in_sync(session, table.oid, table.name, hiding_names(table));
  session.exec("INSERT INTO switchback.evidence (plan_id, document) VALUES ($1, $2::jsonb)",
               {std::to_string(bench.fence().plan), report.document});
  record_shapes(bench);
  bench.note("evidence_sealed", "every structure unused over " + show_duration(observe_window(bench)),
             verdicts_document(report.judged));
  for (const auto& [what, reason] : bench.surroundings().despite) bench.note("despite", what + ": " + reason);
  bench.advance(State::hiding, Event::arrive);
}

/// Batches of one leaf or table until `next` says it is finished.
Stop in_batches(Workbench& bench, const std::string& step, double estimate,
                const std::function<ArchiveBatch(ports::Session&, std::int64_t)>& next, ArchiveBatch& sum) {
  BatchSizer sizer;
  bool finished = false;
  const auto started = std::chrono::steady_clock::now();
  auto shown_at = std::chrono::steady_clock::now();
  while (!finished) {
    Stop stop = bench.pause_point(true);
    if (!stop.ok()) return stop;
    ArchiveBatch batch;
    int tries = 0;
    const auto begun = std::chrono::steady_clock::now();
    stop = bench.in_transaction([&](ports::Session& session) {
      if (tries++ > 0) sizer.halve();
      batch = next(session, sizer.size());
    });
    if (!stop.ok()) return stop;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    sizer.observe(batch.rows, took, 0, bench.settings().batch_target, bench.settings().batch_max_wal);
    sum.rows += batch.rows;
    sum.wrong += batch.wrong;
    if (sum.sample.empty()) sum.sample = batch.sample;
    finished = batch.finished;
    if (std::chrono::steady_clock::now() - shown_at < milliseconds(1000)) continue;
    shown_at = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(shown_at - started).count();
    const double rate = static_cast<double>(sum.rows) / std::max(seconds, 0.001);
    const auto all = std::max(static_cast<std::int64_t>(estimate), sum.rows);
    bench.show_progress({step, sum.rows, all, rate, batch.rows, std::chrono::duration<double, std::milli>(took).count(),
                         1, static_cast<std::int64_t>(static_cast<double>(all - sum.rows) / std::max(rate, 1.0)), 0,
                         bench.control().worst_lag()});
  }
  return Stop::arrived();
}

double rows_estimate(Workbench& bench, const TakenTable& table) {
  double rows = 0;
  bench.outside_transaction([&](ports::Session& session) {
    const auto facts = bench.catalog().table(session, table.name);
    rows = facts ? facts->rows_estimate : 0;
  });
  return rows;
}

/// Keys of rows that are gone leave the archive, also those deleted between the verification and the drop.
Stop sweep(Workbench& bench, const TakenTable& table) {
  for (std::int64_t swept = 1; swept > 0;) {
    const Stop stop = bench.in_transaction([&](ports::Session& session) { swept = sweep_gone(session, table, 1000); });
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

Stop copy_rows(Workbench& bench, const TakenTable& table) {
  const std::string step = "archive " + shown(table.name);
  for (bool all = false; !all;) {  // again for partitions made meanwhile
    std::vector<TableName> leaves;
    Stop stop = bench.outside_transaction([&](ports::Session& session) { leaves = leaves_of(session, table); });
    for (const TableName& leaf : leaves) {
      if (!stop.ok()) return stop;
      ArchiveBatch sum;
      stop = in_batches(
          bench, step, rows_estimate(bench, table),
          [&](ports::Session& session, std::int64_t rows) { return copy_next(session, table, leaf, rows); }, sum);
    }
    if (!stop.ok()) return stop;
    stop = bench.outside_transaction([&](ports::Session& session) { all = copied(session, table); });
    if (!stop.ok()) return stop;
  }
  return sweep(bench, table);
}

Stop archive_table(Workbench& bench, const TakenTable& table) {
  Stop stop = bench.in_transaction([&](ports::Session& session) { start_archive(session, table); });
  for (int round = 0; stop.ok() && round < 3; ++round) {
    bool good = false;
    stop =
        bench.outside_transaction([&](ports::Session& session) { good = archive_objections(session, table).empty(); });
    if (!stop.ok() || good) return stop;
    stop = copy_rows(bench, table);
    if (!stop.ok()) return stop;
    ArchiveBatch sum;
    stop = in_batches(
        bench, "verify archive " + shown(table.name), rows_estimate(bench, table),
        [&](ports::Session& session, std::int64_t rows) { return verify_next(session, table, rows); }, sum);
    if (!stop.ok()) return stop;
    stop = bench.in_transaction([&](ports::Session& session) {
      bench.note("archive_verified", show_rows(sum.rows) + " of " + shown(table.name) + " compared with the archive, " +
                                         show_count(sum.wrong) + " differ" +
                                         (sum.sample.empty() ? "" : ": " + sum.sample));
      if (sum.wrong > 0) restart_archive(session, table);
    });
    if (sum.wrong == 0) return stop;
  }
  if (!stop.ok()) return stop;
  return Stop::held({HoldKind::failure,
                     "the archive of " + shown(table.name) + " differs from the table after three attempts",
                     "what writes the table past its triggers stops; then switchback run again",
                     {}});
}

Stop validate_replacements(Workbench& bench) {
  for (const Step& step : bench.plan().contract.steps) {
    const auto* replaced = std::get_if<ReplaceColumn>(&step.action);
    if (!replaced) continue;
    try {
      const Stop stop = bench.in_transaction([&](ports::Session& session) {
        validate_replaced(session, bench.plan(), *replaced);
        record_shapes(bench);  // a validated constraint reads differently
      });
      if (!stop.ok()) return stop;
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      return Stop::held({HoldKind::violation, error.what(), "the rows are mended, then switchback run again", {}});
    }
  }
  return Stop::arrived();
}

/// Under the lock, in one short transaction. A hold found there rolls it back.
void drop_now(Workbench& bench, ports::Session& session, const std::vector<TakenTable>& tables,
              std::optional<Hold>& in_the_way) {
  in_the_way.reset();
  if (now(bench, session) == State::contracted) return;
  in_the_way = horizon_hold(bench);  // before anything is locked
  if (in_the_way) return;
  note_overridden_horizon(bench);
  const std::vector<TakenObject> objects = load_objects(session, bench.fence().plan);
  const bool kept = archive_time(bench).has_value();
  lock_for_drop(session, bench.plan(), tables);
  if (!kept) lock_objects(session, objects);
  std::vector<std::string> objections = drop_objections(session, bench.fence().plan, bench.plan(), tables);
  for (std::string& objection : object_objections(session, objects)) objections.push_back(std::move(objection));
  for (std::string& objection : rule_objections(session, bench.plan())) objections.push_back(std::move(objection));
  if (!objections.empty())
    in_the_way = Hold{HoldKind::failure, objections.front(),
                      "it is mended, then switchback run again: an archive is made anew", objections};
  if (!in_the_way) in_the_way = closure_hold(bench, true);
  if (in_the_way) return;
  for (const ResolvedSync& sync : bench.resolved().sync) {
    const SyncPlan now = swapped(sync.sync, bench.plan(), sync.table);
    if (now.exact) session.exec(exact_undo_sql({sync.oid, sync.table, {now}, false}, now));
    remove_sync(session, bench.fence().plan, sync.oid);
    resync(session, sync.oid, sync.table, true);
  }
  remove_counters(session, bench.fence().plan);
  for (const Rule& rule : rules_of(bench.plan())) remove_twin_index(session, bench.plan(), rule);
  drop_objects(session, bench.plan(), objects, true, kept);  // views first: they may read the columns
  for (const Step& step : bench.plan().contract.steps) {
    if (const auto* sql = std::get_if<Sql>(&step.action)) {
      const auto stood = standing_definitions(session, bench.fence().plan);
      run_written(session, step, {sql->run});
      if (sql->undo) forget_fallen(session, bench.fence().plan, stood);
    } else {
      drop_step(session, bench.plan(), step, tables);
    }
  }
  drop_objects(session, bench.plan(), objects, false, kept);
  drop_replaced(session, bench.plan(), kept);
  end_drop(session, bench.fence().plan, bench.plan(), tables, archive_time(bench).value_or(std::chrono::seconds(0)));
  drop_spare_markers(session, bench.resolved(), tables);
  record_shapes(bench);
  bench.advance(State::contracting, Event::arrive);
}

Stop drop_structures(Workbench& bench, const std::vector<TakenTable>& tables) {
  std::optional<Hold> in_the_way;
  try {
    const Stop stop = bench.in_transaction([&](ports::Session& session) {
      drop_now(bench, session, tables, in_the_way);
      if (in_the_way) throw Error(Exit::not_yet, Remedy::person, in_the_way->reason);  // rolls the locks back
    });
    return stop;
  } catch (const Error&) {
    if (!in_the_way) throw;
    return Stop::held(*in_the_way);
  }
}

}  // namespace

UsageReport judge_usage(Workbench& bench) {
  // From the hide on there is no quiet to be seen: what fails for want of the old side is recorded nowhere.
  const State state = bench.record().state;
  if (is_contracting_side(state) || state == State::done)
    if (auto sealed = sealed_report(bench)) return std::move(*sealed);
  UsageReport report;
  usage_hold(bench, report);
  return report;
}

Stop hide_plan(Workbench& bench) {
  Stop stop = pass(bench, milliseconds(1000), [&] { return consent_hold(bench); });
  if (stop.ok()) stop = pass(bench, milliseconds(1000), [&] { return neighbour_hold(bench); });
  if (stop.ok()) stop = pass(bench, milliseconds(1000), [&] { return stand_in_hold(bench); });
  if (stop.ok()) stop = pass(bench, milliseconds(5000), [&] { return quarantine_hold(bench); });
  if (stop.ok()) stop = compare_before_hiding(bench);
  if (!stop.ok()) return stop;
  stop = bench.in_transaction([&](ports::Session& session) { install_probes(bench, session); });
  if (stop.ok()) stop = repair_counters(bench);
  if (!stop.ok()) return stop;
  UsageReport report;
  const auto window = std::chrono::duration_cast<milliseconds>(observe_window(bench));
  const milliseconds every = std::clamp(window / 20, milliseconds(500), milliseconds(60000));
  const std::function<std::optional<Hold>()> look = [&]() -> std::optional<Hold> {
    if (auto hold = consent_hold(bench)) return hold;
    if (auto hold = quarantine_hold(bench)) return hold;
    auto violation = violation_hold(bench);
    auto needed = still_needed_hold(bench, report);
    if (violation && violation->kind == HoldKind::violation) return both_holds(std::move(violation), std::move(needed));
    return both_holds(std::move(needed), std::move(violation));
  };
  for (bool again = true; again;) {
    stop = pass(bench, every, look);
    if (stop.ok()) stop = brown_out(bench, every, look, again);
    if (!stop.ok()) return stop;
  }
  // A brownout takes its time: what is sealed is fresh.
  if (!brownout_stretches(bench).empty()) stop = pass(bench, every, look);
  if (stop.ok()) stop = settle_rules(bench);
  if (stop.ok()) stop = check_all_pairs(bench);
  if (stop.ok()) stop = pass(bench, milliseconds(1000), [&] { return stand_in_hold(bench); });  // it took its time
  if (stop.ok()) stop = check_surroundings(bench);
  if (stop.ok()) stop = begin_hiding(bench);
  if (!stop.ok()) return stop;
  try {
    return bench.in_transaction([&](ports::Session& session) { hide_now(bench, session, report); });
  } catch (const Error& error) {
    if (error.sqlstate() != exclusion_violation) throw;
    return Stop::held({HoldKind::violation, error.what(), "the rows are mended, then switchback run again", {}});
  }
}

Stop begin_contract(Workbench& bench) {
  Stop stop = pass(bench, milliseconds(1000), [&] { return consent_hold(bench); });
  if (!stop.ok()) return stop;
  const std::string seconds = std::to_string(soak_time(bench).count());
  stop = pass(bench, milliseconds(500), [&]() -> std::optional<Hold> {
    const auto rows = bench.session().exec(
        "SELECT hidden_at + pg_catalog.make_interval(secs => $2::float8) <= pg_catalog.clock_timestamp(), "
        "pg_catalog.to_char((hidden_at + pg_catalog.make_interval(secs => $2::float8)) AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM switchback.plan WHERE id = $1",
        {std::to_string(bench.fence().plan), seconds});
    if (rows.boolean(0, 0)) return std::nullopt;
    return Hold{HoldKind::soak,
                "hidden, soaking for " + show_duration(soak_time(bench)),
                "the soak is over, at " + rows.text(0, 1),
                {}};
  });
  if (stop.ok()) stop = pass(bench, milliseconds(1000), [&] { return horizon_hold(bench); });
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    if (bench.advance(State::hidden, Event::contract)) make_restore_point(bench, session, "contract");
  });
}

Stop contract_plan(Workbench& bench) {
  Stop stop = check_surroundings(bench);
  if (!stop.ok()) return stop;
  std::vector<TakenTable> tables;
  stop = bench.outside_transaction([&](ports::Session& session) { tables = load_taken(session, bench.fence().plan); });
  if (stop.ok() && archive_time(bench))
    stop = bench.in_transaction([&](ports::Session& session) {
      archive_objects(session, bench.fence().plan, load_objects(session, bench.fence().plan));
      archive_replaced(session, bench.fence().plan, bench.plan());
    });
  if (stop.ok() && archive_time(bench))
    for (const TakenTable& table : tables) {
      stop = archive_table(bench, table);
      if (!stop.ok()) return stop;
    }
  if (stop.ok()) stop = validate_rules(bench);
  if (stop.ok()) stop = validate_replacements(bench);
  if (stop.ok()) stop = pass(bench, milliseconds(1000), [&] { return consent_hold(bench); });
  if (stop.ok()) stop = pass(bench, milliseconds(5000), [&] { return backup_hold(bench); });
  if (stop.ok()) stop = pass(bench, milliseconds(1000), [&] { return horizon_hold(bench); });
  std::string segment;
  if (stop.ok())
    stop = bench.in_transaction([&](ports::Session& session) { segment = make_restore_point(bench, session, "drop"); });
  if (stop.ok()) stop = await_archived(bench, segment);
  if (stop.ok()) stop = check_surroundings(bench);
  if (!stop.ok()) return stop;
  stop = drop_structures(bench, tables);
  for (const TakenTable& table : tables)
    if (stop.ok() && archive_time(bench)) stop = sweep(bench, table);
  return stop;
}

namespace {

/// The tables that were their own archives go now, unless something has come to depend on one.
Stop purge_plan(Workbench& bench) {
  std::optional<Hold> in_the_way;
  try {
    return bench.in_transaction([&](ports::Session& session) {
      if (!bench.advance(State::contracted, Event::finish)) return;
      in_the_way = horizon_hold(bench);
      if (in_the_way) throw Error(Exit::not_yet, Remedy::person, in_the_way->reason);
      std::vector<TakenObject> objects = load_objects(session, bench.fence().plan);
      const auto taken_back = std::stable_partition(objects.begin(), objects.end(), [&](const TakenObject& object) {
        return is_hidden(session, bench.plan(), object);
      });
      const std::vector<TakenObject> restored(taken_back, objects.end());
      objects.erase(taken_back, objects.end());
      lock_objects(session, objects);
      if (const auto objections = object_objections(session, objects); !objections.empty())
        in_the_way = Hold{HoldKind::usage, objections.front(), "it is detached, then switchback run again", objections};
      if (!in_the_way) in_the_way = purge_hold(bench);
      if (in_the_way) throw Error(Exit::not_yet, Remedy::person, in_the_way->reason);  // rolls the locks back
      drop_objects(session, bench.plan(), objects, false, false);
      purge(session, bench.fence().plan, load_taken(session, bench.fence().plan));
      purge_replaced(session, bench.fence().plan, bench.plan());
      settle_objects(session, bench.fence().plan, bench.plan(), objects, "purged");
      settle_objects(session, bench.fence().plan, bench.plan(), restored, "restored");
    });
  } catch (const Error&) {
    if (!in_the_way) throw;
    return Stop::held(*in_the_way);
  }
}

}  // namespace

Stop finish_plan(Workbench& bench) {
  const State from = bench.record().state;
  if (from == State::contracted) {
    Stop stop = pass(bench, milliseconds(1000), [&]() -> std::optional<Hold> {
      const auto rows = bench.session().exec(
          "SELECT pg_catalog.to_char(pg_catalog.max(keep_until) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
          "FROM switchback.archive WHERE plan_id = $1 AND state = 'kept' AND keep_until > pg_catalog.clock_timestamp()",
          {std::to_string(bench.fence().plan)});
      if (!rows.at(0, 0)) return std::nullopt;
      return Hold{HoldKind::soak, "the archive is kept until " + rows.text(0, 0), "its time is over", {}};
    });
    if (stop.ok()) stop = pass(bench, milliseconds(1000), [&] { return horizon_hold(bench); });
    return stop.ok() ? purge_plan(bench) : stop;
  }
  Stop stop = from == State::migrated ? pass(bench, milliseconds(5000), [&] { return quarantine_hold(bench); })
                                      : Stop::arrived();
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    if (!bench.advance(from, Event::finish)) return;
    for (const ResolvedSync& sync : bench.resolved().sync) {
      if (sync.sync.exact) session.exec(exact_undo_sql({sync.oid, sync.table, {sync.sync}, false}, sync.sync));
      remove_sync(session, bench.fence().plan, sync.oid);
      resync(session, sync.oid, sync.table, true);
    }
    drop_spare_markers(session, bench.resolved(), {});
    record_shapes(bench);
  });
}

}  // namespace switchback::engine
