#include "switchback/engine/turning_back.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/restore_sql.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/units.hpp"
#include "switchback/core/work.hpp"
#include "switchback/engine/archiver.hpp"
#include "switchback/engine/backfill.hpp"
#include "switchback/engine/batching.hpp"
#include "switchback/engine/copying.hpp"
#include "switchback/engine/counting.hpp"
#include "switchback/engine/hiding.hpp"
#include "switchback/engine/losing.hpp"
#include "switchback/engine/made_tables.hpp"
#include "switchback/engine/moving.hpp"
#include "switchback/engine/probing.hpp"
#include "switchback/engine/replacing.hpp"
#include "switchback/engine/restoring.hpp"
#include "switchback/engine/rolling_forward.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/swapping.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// As the plan declares it, under the names that hold until what it replaces is swapped back.
std::optional<SyncPlan> own_sync(const Workbench& bench, const TakenTable& table) {
  const ResolvedSync* found = bench.resolved().sync_of(table.name);
  return found ? std::optional<SyncPlan>(swapped(found->sync, bench.plan(), table.name)) : std::nullopt;
}

std::vector<TakenTable> load(Workbench& bench, Stop& stop) {
  std::vector<TakenTable> tables;
  stop = bench.outside_transaction([&](ports::Session& session) { tables = load_taken(session, bench.fence().plan); });
  return tables;
}

// --- restore ---------------------------------------------------------------------------------------------------

/// The same steps that the contract ran, undone in reverse, once: when the columns are there and filled again, which
/// they may name, and before constraints and indexes get names back that such a step may have given away.
void undo_contract_sql(Workbench& bench, ports::Session& session) {
  if (!begin_rebuild(session, bench.fence().plan)) return;
  const auto& steps = bench.plan().contract.steps;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const auto* sql = std::get_if<Sql>(&step->action);
    if (!sql || !sql->undo) continue;
    use_own_search_path(session, true);
    session.exec(*sql->undo);
    session.exec("SET LOCAL search_path = pg_catalog, pg_temp");
  }
}

void readd_spare_sync(Workbench& bench, ports::Session& session, const std::vector<TakenTable>& tables) {
  // A synced table of which nothing was dropped lost its marker with the drop: it starts unfilled, and is filled anew.
  for (const ResolvedSync& sync : bench.resolved().sync) {
    if (std::ranges::any_of(tables, [&](const TakenTable& table) { return table.oid == sync.oid; })) continue;
    session.exec("ALTER TABLE " + quoted(sync.table) + " ADD COLUMN IF NOT EXISTS " +
                 quote_identifier(sync.sync.marker) + " \"char\"");
    put_sync(session, bench.fence().plan, sync.oid, sync.sync);
    resync(session, sync.oid, sync.table, true);
    forget_walk(session, bench.fence().plan, backfill_step(sync.table));
  }
}

Stop begin_restore(Workbench& bench, const std::vector<TakenTable>& tables) {
  return bench.in_transaction([&](ports::Session& session) {
    if (!bench.advance(State::contracted, Event::turn_back)) return;
    unhide_objects(session, bench.fence().plan, bench.plan());  // tables that are their own archives
    begin_restoring_tables(session, bench.catalog(), bench.plan());
    start_restore(session, bench.fence().plan, tables);
    for (const TakenTable& table : tables) {
      put_sync(session, bench.fence().plan, table.oid,
               restoring_side(table, own_sync(bench, table), has_archive(session, table)), true);
      resync(session, table.oid, table.name, true);
    }
    readd_spare_sync(bench, session, tables);
    record_shapes(bench);
    for (const TakenTable& table : tables) forget_walk(session, bench.fence().plan, backfill_step(table.name));
  });
}

bool restored_filling(ports::Session& session, const TakenTable& table, const std::string& marker) {
  return session
      .exec("SELECT NOT EXISTS (SELECT FROM " + quoted(table.name) + " WHERE " + quote_identifier(marker) + " IS NULL)")
      .boolean(0, 0);
}

Stop fill_restored(Workbench& bench, const TakenTable& table) {
  ResolvedSync filling;
  bool restoring = false;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    const auto row =
        session.exec("SELECT document FROM switchback.sync WHERE plan_id = $1 AND relation = $2 AND restoring",
                     {std::to_string(bench.fence().plan), std::to_string(table.oid)});
    restoring = !row.empty();
    if (restoring) filling.sync = sync_from_json(row.text(0, 0));
  });
  if (!stop.ok() || !restoring) return stop;
  filling.table = table.name;
  filling.oid = table.oid;
  filling.key = table.key;
  if (const ResolvedSync* own = bench.resolved().sync_of(table.name)) filling.user_triggers = own->user_triggers;
  for (bool all = false; !all;) {
    stop = backfill(bench, filling);
    if (!stop.ok()) return stop;
    stop = bench.in_transaction([&](ports::Session& session) {
      all = restored_filling(session, table, filling.sync.marker);
      if (!all) forget_walk(session, bench.fence().plan, backfill_step(table.name));
    });
    if (!stop.ok()) return stop;
  }
  return bench.in_transaction([&](ports::Session& session) {
    const std::optional<SyncPlan> own = own_sync(bench, table);
    if (own)
      put_sync(session, bench.fence().plan, table.oid, *own);
    else
      remove_sync(session, bench.fence().plan, table.oid);
    resync(session, table.oid, table.name, true);
    end_filling(session, {table}, !own);
    forget_walk(session, bench.fence().plan, backfill_step(table.name));
    record_shapes(bench);
  });
}

/// The restored columns back into their places.
Stop swap_restored(Workbench& bench) {
  return bench.in_transaction([&](ports::Session& session) {
    swap_back(session, bench.plan());
    record_shapes(bench);
  });
}

}  // namespace

Stop unhide_plan(Workbench& bench, const std::vector<std::string>& conditions) {
  return bench.in_transaction([&](ports::Session& session) {
    bench.reload();
    const State from = bench.record().state;
    if (from == State::migrated) return;
    std::string reason;
    for (const std::string& condition : conditions) reason += (reason.empty() ? "" : "; ") + condition;
    if (!conditions.empty()) {
      bench.note("turned_back", reason, json{{"conditions", conditions}}.dump());
      record_pause(session, bench.surroundings().actor, bench.record(), "turned back by itself: " + reason);
    }
    if (from != State::unhiding) bench.advance(from, Event::turn_back, reason);
    const std::vector<TakenTable> tables = load_taken(session, bench.fence().plan);
    give_up_first(session);
    unhide(session, bench.fence().plan, bench.plan(), tables);
    for (const TakenTable& table : tables) rename_in_sync(session, table.oid, table.name, unhiding_names(table));
    swap_back(session, bench.plan());
    replace_back(session, bench.catalog(), bench.plan());
    forget_archive_of_replaced(session, bench.fence().plan, bench.plan());
    record_shapes(bench);
    bench.advance(State::unhiding, Event::arrive);
  });
}

Stop restore_plan(Workbench& bench) {
  Stop stop;
  const std::vector<TakenTable> tables = load(bench, stop);
  if (stop.ok() && bench.record().state == State::contracted) stop = begin_restore(bench, tables);
  for (const TakenTable& table : tables)
    if (stop.ok()) stop = fill_restored(bench, table);
  for (const ResolvedSync& sync : bench.resolved().sync)
    if (stop.ok() && std::ranges::none_of(tables, [&](const TakenTable& table) { return table.oid == sync.oid; }))
      stop = backfill(bench, sync);
  if (stop.ok()) stop = bench.in_transaction([&](ports::Session& session) { undo_contract_sql(bench, session); });
  if (!stop.ok()) return stop;
  std::vector<StoredDefinition> rebuild_all;
  stop = bench.outside_transaction(
      [&](ports::Session& session) { rebuild_all = rebuild_steps(session, bench.fence().plan); });
  bool swapped_back = false;  // before a view is made again, which is written with the names of before the hide
  for (const StoredDefinition& step : rebuild_all) {
    if (stop.ok() && step.kind == "late_object" && !std::exchange(swapped_back, true)) stop = swap_restored(bench);
    if (!stop.ok()) return stop;
    const auto act = [&](ports::Session& session) { rebuild(session, bench.fence().plan, step); };
    stop = outside_transaction(step) ? bench.outside_transaction(act) : bench.in_transaction(act);
  }
  if (stop.ok()) stop = repair_counters(bench);
  if (stop.ok()) stop = swap_restored(bench);
  if (stop.ok()) stop = restore_tables(bench);
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    if (!bench.advance(State::restoring, Event::arrive)) return;
    settle_objects(session, bench.fence().plan, bench.plan(), load_objects(session, bench.fence().plan), "restored");
    end_restore(session, bench.fence().plan, tables);
    record_shapes(bench);
  });
}

// --- rolling back ----------------------------------------------------------------------------------------------

namespace {

std::vector<std::string> recorded_undo(ports::Session& session, PlanId plan, std::string_view phase, int ordinal) {
  const auto status = step_status(session, plan, phase, ordinal);
  if (!status || status->status != "done") return {};
  const json detail = json::parse(status->detail);
  return detail.contains("undo") ? detail.at("undo").get<std::vector<std::string>>() : std::vector<std::string>{};
}

bool was_begun(ports::Session& session, PlanId plan, std::string_view phase, int ordinal) {
  const auto status = step_status(session, plan, phase, ordinal);
  return status && status->status != "undone";
}

Stop undo_index(Workbench& bench, const CreateIndex& index, std::string_view phase, const Work& work) {
  bool begun = false;
  bool partitioned = false;
  std::vector<TableName> parts;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    begun = was_begun(session, bench.fence().plan, phase, work.ordinal);
    const auto table = bench.catalog().table(session, index.table);
    partitioned = table && table->kind == 'p';
    parts = index_parts(index, table);
  });
  if (!stop.ok() || !begun) return stop;
  // A partitioned index goes with all that is attached to it, and only in a transaction; a leaf's that was built and
  // not yet attached goes by itself.
  const auto drop = [&](ports::Session& session) {
    if (index.constraint && !partitioned)
      session.exec("ALTER TABLE " + quoted(index.table) + " DROP CONSTRAINT IF EXISTS " +
                   quote_identifier(index_name(index)));
    for (const TableName& part : parts)
      session.exec(std::string("DROP INDEX ") + (partitioned ? "" : "CONCURRENTLY ") + "IF EXISTS " + quoted(part));
  };
  stop = partitioned ? bench.in_transaction(drop) : bench.outside_transaction(drop);
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    record_shapes(bench);
    mark_step(session, bench.fence().plan, phase, work.ordinal, work.name, "undone");
    bench.note("undone", work.name);
  });
}

Stop undo_statement(Workbench& bench, const Step& step, std::string_view phase, const Work& work) {
  std::vector<std::string> undo;
  bool begun = false;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    begun = was_begun(session, bench.fence().plan, phase, work.ordinal);
    undo = recorded_undo(session, bench.fence().plan, phase, work.ordinal);
  });
  if (!stop.ok() || !begun) return stop;
  std::vector<std::vector<std::string>> transactions{undo};
  if (const auto* relax = std::get_if<DropNotNull>(&step.action); relax && !undo.empty())
    transactions = gentle_not_null_sql(bench.plan().name, relax->table, relax->column);
  for (std::size_t i = 0; i < transactions.size(); ++i) {
    try {
      stop = bench.in_transaction([&](ports::Session& session) {
        if (!was_begun(session, bench.fence().plan, phase, work.ordinal)) return;
        if (const auto* made = std::get_if<CreateTable>(&step.action)) lock_made_table(bench, session, *made);
        use_own_search_path(session, true);
        for (const std::string& sql : transactions[i]) session.exec(sql);
        session.exec("SET LOCAL search_path = pg_catalog, pg_temp");
        record_shapes(bench);
        if (i + 1 < transactions.size()) return;
        mark_step(session, bench.fence().plan, phase, work.ordinal, work.name, "undone");
        bench.note("undone", work.name);
      });
      if (!stop.ok()) return stop;
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data || transactions.size() == 1) throw;
      return Stop::held({HoldKind::violation,
                         "undo " + work.name + ": rows without a value are there by now: " + error.what(),
                         "the rows are given one, then switchback rollback " + bench.plan().name + " again",
                         {}});
    }
  }
  return stop;
}

Stop undo_columns(Workbench& bench, const Work& work) {
  return bench.in_transaction([&](ports::Session& session) {
    if (!was_begun(session, bench.fence().plan, "expand", work.ordinal)) return;
    settle_kept_side(bench, session, work);
    const ResolvedSync* sync = work.sync ? bench.resolved().sync_of(work.table) : nullptr;
    if (sync) {
      if (sync->sync.exact) session.exec(exact_undo_sql({sync->oid, sync->table, {sync->sync}, false}, sync->sync));
      remove_sync(session, bench.fence().plan, sync->oid);
      resync(session, sync->oid, sync->table, true);
    }
    std::vector<ColumnFacts> columns;
    for (const Step* step : work.steps) {
      const auto& add = std::get<AddColumn>(step->action);
      if (const ColumnFacts* facts = bench.resolved().added(add.table, add.name)) columns.push_back(*facts);
    }
    for (const std::string& sql : add_columns_sql(work.table, columns, sync ? sync->sync.marker : "").undo)
      session.exec(sql);
    record_shapes(bench);
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "undone");
    bench.note("undone", work.name);
  });
}

Stop undo_counter(Workbench& bench, const Work& work, int number) {
  return bench.in_transaction([&](ports::Session& session) {
    if (!was_begun(session, bench.fence().plan, "expand", work.ordinal)) return;
    remove_counters(session, bench.fence().plan, number);
    remove_twin_index(session, bench.plan(), *rule_of(work.steps.front()->action));
    record_shapes(bench);
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "undone");
    bench.note("undone", work.name);
  });
}

Stop undo_batch(Workbench& bench, const Work& work, std::string_view phase) {
  bool begun = false;
  Stop stop = bench.outside_transaction(
      [&](ports::Session& session) { begun = was_begun(session, bench.fence().plan, phase, work.ordinal); });
  if (!stop.ok() || !begun) return stop;
  stop = undo_batched(bench, work);
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    mark_step(session, bench.fence().plan, phase, work.ordinal, work.name, "undone");
    forget_batched(session, bench, work);
    bench.note("undone", work.name);
  });
}

Stop undo_phase(Workbench& bench, const std::vector<Work>& all, std::string_view phase) {
  auto counters = static_cast<int>(std::ranges::count(all, Work::Kind::counter, &Work::kind));
  for (auto work = all.rbegin(); work != all.rend(); ++work) {
    Stop stop = bench.pause_point(false);
    if (!stop.ok()) return stop;
    switch (work->kind) {
      case Work::Kind::columns:
        stop = keep_going_side(bench, *work);
        if (stop.ok()) stop = undo_columns(bench, *work);
        break;
      case Work::Kind::index:
        stop = undo_index(bench, std::get<CreateIndex>(work->steps.front()->action), phase, *work);
        break;
      case Work::Kind::statement:
        stop = undo_statement(bench, *work->steps.front(), phase, *work);
        break;
      case Work::Kind::mirror:
        stop = undo_start_copy(bench, *work);
        break;
      case Work::Kind::counter:
        stop = undo_counter(bench, *work, counters--);
        break;
      case Work::Kind::batched:
        stop = undo_batch(bench, *work, phase);
        break;
      case Work::Kind::copy:
      case Work::Kind::backfill:
      case Work::Kind::verify:
      case Work::Kind::fix:
      case Work::Kind::rule:
      case Work::Kind::pairs:
      case Work::Kind::compare:  // filled and mended values stay, or go with their columns
        stop = bench.in_transaction([&](ports::Session& session) {
          if (!was_begun(session, bench.fence().plan, phase, work->ordinal)) return;
          mark_step(session, bench.fence().plan, phase, work->ordinal, work->name, "undone");
          if (work->kind == Work::Kind::backfill) forget_walk(session, bench.fence().plan, backfill_step(work->table));
          if (work->kind == Work::Kind::copy)
            forget_copy(session, bench.fence().plan, std::get<CopyTable>(work->steps.front()->action));
        });
        break;
    }
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

void refuse_while_built_upon(Workbench& bench) {
  for (const PlanRecord& other : live_plans(bench.session())) {
    if (other.id == bench.record().id) continue;
    const auto needs = bench.session().exec(
        "SELECT detail->'requires' ? $2 FROM switchback.event WHERE plan_id = $1 AND kind = 'registered' ORDER BY id "
        "DESC LIMIT 1",
        {std::to_string(other.id), bench.plan().name});
    if (!needs.empty() && needs.boolean(0, 0))
      throw Error(Exit::refused, Remedy::person,
                  "the plan " + other.name + " builds on this one and is " + std::string(name(other.state)),
                  "turn that one back first: switchback rollback " + other.name);
  }
}

}  // namespace

namespace {

/// Nothing may be undone that the state asked for still has.
bool is_behind(State state, State to) {
  switch (state) {
    case State::migrated:
    case State::hiding:
    case State::hidden:
    case State::contracting:
    case State::contracted:
    case State::unhiding:
    case State::restoring:
      return true;
    case State::migrating:
    case State::rolling_back:
      return to != State::migrated;
    case State::expanded:
    case State::expanding:
    case State::done:
      return to == State::rolled_back;
    case State::planned:
    case State::rolled_back:
      return false;
  }
  return false;
}

/// A column without an archive comes back by the reverse expressions; a table without one does not come back.
void refuse_without_archive(Workbench& bench) {
  if (bench.record().state != State::contracted && bench.record().state != State::restoring) return;
  for (const TakenObject& object : load_objects(bench.session(), bench.fence().plan))
    if (object.kind == Structure::Kind::table && !object.part && !find_object(bench.session(), object))
      throw Error(Exit::refused, Remedy::person,
                  "the table " + object.identity + " was dropped and no archive was kept of it",
                  "restore a backup; the plan said archive: { none: … }");
  if (const auto table = lost_tombstone(bench.session(), bench.plan()))
    throw Error(Exit::refused, Remedy::person,
                "what the table " + shown(*table) + " was before was dropped, and no archive was kept of it",
                "the table has all its rows; a plan of its own makes a plain one of it again");
}

}  // namespace

namespace {

/// What was taken away is there again by another plan, and what was added is gone or going.
void refuse_while_undone(Workbench& bench) {
  const auto other = undone_by(bench.session(), bench.plan().name);
  if (!other) return;
  throw Error(Exit::refused, Remedy::person,
              "the plan " + bench.plan().name + " is undone by " + other->inverse + ", which is " +
                  std::string(name(other->state)),
              "turn that one back first: switchback rollback " + other->inverse +
                  "; or undo it in its turn: switchback "
                  "rollforward " +
                  other->inverse + " --out FILE");
}

}  // namespace

void refuse_rollback(Workbench& bench, State to) {
  if (!is_behind(bench.record().state, to))
    throw Error(Exit::refused, Remedy::person,
                "the plan " + bench.plan().name + " is " + std::string(name(bench.record().state)) +
                    ": there is no way back from there to " + std::string(name(to)),
                bench.record().state == State::done && !bench.record().takes_away
                    ? "it took nothing away, so there is nothing to restore; switchback rollback " + bench.plan().name +
                          " removes what it added"
                    : "switchback status " + bench.plan().name + " says what can be done");
  if (bench.record().state == State::rolling_back && to == State::expanded && !is_headed(bench.record(), to))
    throw Error(Exit::refused, Remedy::person,
                "the plan " + bench.plan().name + " is on its way to rolled_back: what expand made is going",
                "switchback rollback " + bench.plan().name + " ends that; switchback run " + bench.plan().file +
                    " --to expanded ends it as well and goes forward again");
  refuse_while_undone(bench);
  refuse_without_archive(bench);
  if (to == State::migrated) return;
  refuse_while_built_upon(bench);
  const State from = bench.record().state;
  if (from == State::done && bench.record().takes_away)
    throw Error(Exit::refused, Remedy::person, "this plan is done: what it took away is in no archive any more",
                "restore a backup, or add it again with a new plan: switchback rollforward " + bench.plan().name +
                    " --out FILE writes it");
  if (bench.record().contracted_at && bench.settings().environment == Environment::production)
    throw Error(Exit::refused, Remedy::person,
                "this plan had been contracted: in production it is not turned back below migrated",
                "undo it with a new plan, so that the versions go on counting upwards: switchback rollforward " +
                    bench.plan().name + " --out FILE writes it");
}

bool is_headed(const PlanRecord& record, State to) {
  return record.target.value_or(State::rolled_back) == to;
}

bool is_contracting_side(State state) {
  return state == State::hiding || state == State::hidden || state == State::contracting || state == State::unhiding ||
         state == State::contracted || state == State::restoring;
}

namespace {

std::string what_stays(const Work& work) {
  if (work.kind == Work::Kind::backfill) return " (filled values go with their columns)";
  if (work.kind == Work::Kind::columns)
    return " (values that the old side does not carry are kept in a table of the schema switchback)";
  const bool value = !work.steps.empty() && std::holds_alternative<AddEnumValue>(work.steps.front()->action);
  return value ? " (it stays: PostgreSQL cannot take a value of an enum away)" : "";
}

}  // namespace

std::vector<std::string> rollback_words(Workbench& bench, State to) {
  std::vector<std::string> words;
  const State from = bench.record().state;
  if (from == State::hiding || from == State::hidden || from == State::contracting || from == State::unhiding)
    words.push_back("unhide: give the old structures their names back (milliseconds); an archive that was begun goes");
  for (const ReplaceTable* step : replaced_tables(bench.plan())) {
    if (from == State::hiding || from == State::hidden || from == State::contracting || from == State::unhiding)
      words.push_back("the table that " + shown(step->table) + " was takes its name again (milliseconds)");
    if (from == State::contracted || from == State::restoring)
      words.push_back("restore: the table that " + shown(step->table) +
                      " was takes over what was written since, is compared with it, and takes its name again");
  }
  if (from == State::contracted || from == State::restoring) {
    words.push_back(
        "restore: add the dropped structures again and fill them from the archive, else by the reverse expressions");
    for (const TakenObject& object : load_objects(bench.session(), bench.fence().plan))
      if (!object.becomes.empty())
        words.push_back("rename: table " + object.identity + " gets its name back, and a view bears the new one again");
      else if (!object.part)
        words.push_back("restore: " + std::string(name(object.kind)) + " " + object.identity +
                        (object.kind == Structure::Kind::table ? " goes back to its schema, with its rows as they were"
                                                               : " is made again from its definition"));
  }
  if (to == State::migrated) return words;
  const std::vector<Work> migrate = migrate_work(bench.plan());
  const std::vector<Work> expand = expand_work(bench.plan());
  const auto add = [&](const std::vector<Work>& all, std::string_view phase) {
    for (auto work = all.rbegin(); work != all.rend(); ++work)
      if (was_begun(bench.session(), bench.fence().plan, phase, work->ordinal) && work->kind != Work::Kind::verify &&
          work->kind != Work::Kind::compare && work->kind != Work::Kind::rule && work->kind != Work::Kind::pairs)
        words.push_back(work->kind == Work::Kind::fix ? work->name + ": rows that were mended or deleted stay so"
                                                      : "undo " + work->name + what_stays(*work));
  };
  add(migrate, "migrate");
  if (to == State::rolled_back) add(expand, "expand");
  return words;
}

long rollback_seconds(Workbench& bench, State to) {
  const State from = bench.record().state;
  double seconds = 1;
  if (from == State::contracted || from == State::restoring)
    for (const TakenTable& taken : load_taken(bench.session(), bench.fence().plan))
      if (const auto table = bench.catalog().table(bench.session(), taken.name))
        seconds += table->rows_estimate / 20000.0;
  // The undo of a relaxed NOT NULL reads the table.
  if (to == State::rolled_back)
    for (const Step& step : bench.plan().expand)
      if (const auto* relax = std::get_if<DropNotNull>(&step.action))
        if (const auto table = bench.catalog().table(bench.session(), relax->table))
          seconds += static_cast<double>(table->bytes) / 200e6;
  return static_cast<long>(seconds);
}

Stop roll_back_plan(Workbench& bench, State to) {
  Stop stop = bench.in_transaction([&](ports::Session& session) {
    bench.reload();
    if (bench.record().state == State::rolling_back && is_headed(bench.record(), to)) return;
    const auto head = [&] {
      session.exec("UPDATE switchback.plan SET target = $2 WHERE id = $1",
                   {std::to_string(bench.fence().plan), std::string(name(to))});
    };
    if (bench.record().state == State::rolling_back) return head();  // further than it was asked to go before
    if (!bench.advance(bench.record().state, Event::turn_back)) return;
    remove_probes(session, bench.fence().plan);
    head();
    for (const auto& [what, reason] : bench.surroundings().despite) bench.note("despite", what + ": " + reason);
  });
  if (stop.ok()) stop = undo_phase(bench, migrate_work(bench.plan()), "migrate");
  if (stop.ok() && to == State::rolled_back) stop = make_not_null_again(bench);
  if (stop.ok() && to == State::rolled_back) stop = undo_phase(bench, expand_work(bench.plan()), "expand");
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    if (!bench.advance(State::rolling_back, to == State::expanded ? Event::arrive_expanded : Event::arrive)) return;
    session.exec(
        "UPDATE switchback.plan SET target = NULL, migrated_at = NULL, hidden_at = NULL, contracted_at = NULL WHERE id "
        "= $1",
        {std::to_string(bench.fence().plan)});
  });
}

}  // namespace switchback::engine
