#include "switchback/engine/expanding.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/engine/copying.hpp"
#include "switchback/engine/counting.hpp"
#include "switchback/engine/pairing.hpp"
#include "switchback/engine/statements.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/swapping.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

bool is_done(ports::Session& session, const Workbench& bench, std::string_view phase, int ordinal) {
  const auto status = step_status(session, bench.fence().plan, phase, ordinal);
  return status && status->status == "done";
}

void install_sync(Workbench& bench, ports::Session& session, const ResolvedSync& resolved) {
  SyncPlan sync = resolved.sync;
  if (sync.exact) {
    // Omissions are noted by column number, and the new columns have theirs only now.
    const auto table = bench.catalog().table(session, resolved.table);
    for (auto* side : {&sync.old_side, &sync.new_side})
      for (SyncColumn& column : *side)
        if (const ColumnFacts* facts = table ? table->column(column.name) : nullptr) column.number = facts->number;
    session.exec(exact_defaults_sql({resolved.oid, resolved.table, {sync}, false}, sync));
  }
  put_sync(session, bench.fence().plan, resolved.oid, sync);
  resync(session, resolved.oid, resolved.table, true);
}

Stop add_columns(Workbench& bench, const Work& work) {
  return bench.in_transaction([&](ports::Session& session) {
    if (is_done(session, bench, "expand", work.ordinal)) return;
    std::vector<ColumnFacts> columns;
    for (const Step* step : work.steps) {
      const auto& action = std::get<AddColumn>(step->action);
      const ColumnFacts* column = bench.resolved().added(action.table, action.name);
      if (!column) throw Error(Exit::failed, Remedy::bug, "column " + action.name + " was not resolved");
      columns.push_back(*column);
    }
    const ResolvedSync* sync = work.sync ? bench.resolved().sync_of(work.table) : nullptr;
    for (const std::string& sql : add_columns_sql(work.table, columns, sync ? sync->sync.marker : "").sql)
      session.exec(sql);
    if (sync) {
      install_sync(bench, session, *sync);
      relax_replaced(session, bench.plan(), work.table);
    }
    record_shapes(bench);
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "done");
    bench.note("step", work.name);
  });
}

enum class IndexLook { absent, valid, invalid, being_built, paused };

IndexLook look_at(ports::Session& session, const TableName& index, std::string& builder) {
  const auto rows = session.exec(R"sql(
SELECT i.indisvalid, p.pid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.index_relid = c.oid
WHERE n.nspname = $1 AND c.relname = $2)sql",
                                 {index.schema, index.name});
  if (rows.empty()) return IndexLook::absent;
  builder = rows.text(0, 1);
  if (!builder.empty()) return IndexLook::being_built;
  return rows.boolean(0, 0) ? IndexLook::valid : IndexLook::invalid;
}

/// Neither waits inside a transaction nor holds a snapshot while the build goes on; lock_timeout is off, because the
/// build's waits for older transactions block nobody.
void build_concurrently(ports::Session& session, const std::string& sql) {
  const std::string lock_timeout = session.exec("SHOW lock_timeout").text(0, 0);
  const auto set_back = [&] {
    session.exec("SELECT pg_catalog.set_config('lock_timeout', $1, false)", {lock_timeout});
    use_safe_search_path(session);
  };
  use_own_search_path(session, false);
  session.exec("SET lock_timeout = 0");
  try {
    session.exec(sql);
  } catch (const Error& error) {
    if (error.remedy() != Remedy::reconnect) set_back();
    throw;
  }
  set_back();
}

}  // namespace

Stop build_one(Workbench& bench, const TableName& index, const std::string& sql) {
  for (;;) {
    std::string builder;
    IndexLook look = IndexLook::absent;
    int tries = 0;
    Stop stop = bench.outside_transaction([&](ports::Session& session) {
      look = tries++ > 0 && bench.is_paused(session) ? IndexLook::paused : look_at(session, index, builder);
      if (look == IndexLook::paused) return;
      if (look == IndexLook::invalid) session.exec("DROP INDEX CONCURRENTLY IF EXISTS " + quoted(index));
      if (look != IndexLook::valid && look != IndexLook::being_built) build_concurrently(session, sql);
    });
    if (!stop.ok() || look == IndexLook::valid) return stop;
    if (look == IndexLook::paused) {
      stop = bench.pause_point(false);
      if (!stop.ok()) return stop;
    }
    if (look != IndexLook::being_built) continue;  // look again: a build that was cancelled leaves it invalid
    const Hold hold{
        HoldKind::lock, "index " + shown(index) + " is being built by backend " + builder, "that build ends", {}};
    stop = bench.hold_until(hold, std::chrono::milliseconds(500), [&]() -> std::optional<Hold> {
      if (look_at(bench.session(), index, builder) == IndexLook::being_built) return hold;
      return std::nullopt;
    });
    if (!stop.ok()) return stop;
  }
}

namespace {

/// The index that finds twins first, where the rule needs one: written down before, so that what a crash leaves of it
/// is known to be ours.
Stop make_counter(Workbench& bench, const Work& work, int number) {
  const auto rule = rule_of(work.steps.front()->action);
  const auto* unique = std::get_if<AddUnique>(&*rule);
  bool done = false;
  Stop stop = bench.in_transaction([&](ports::Session& session) {
    done = is_done(session, bench, "expand", work.ordinal);
    if (done || !unique) return;
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "running",
              json{{"index", twin_index_name(bench.plan().name, *unique)}}.dump());
  });
  if (stop.ok() && !done && unique) stop = build_twin_index(bench, *unique, number);
  if (!stop.ok() || done) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    if (is_done(session, bench, "expand", work.ordinal)) return;
    install_counter(bench, session, number);
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "done");
    record_shapes(bench);
    bench.note("step", work.name);
  });
}

Stop build_all(Workbench& bench, const CreateIndex& index, const TableFacts& table) {
  const std::string name = index_name(index);
  if (table.kind != 'p')
    return build_one(bench, {index.table.schema, name}, create_index_sql(index, index.table, name));
  // The branches first: a partition made from now on gets its index by itself.
  Stop stop = bench.in_transaction([&](ports::Session& session) {
    use_own_search_path(session, true);
    std::string builder;
    for (const TableName& branch : branches_of(table))
      if (look_at(session, part_index(index, table, branch), builder) == IndexLook::absent)
        for (const std::string& sql : branch_index_sql(index, table, branch)) session.exec(sql);
  });
  for (const TableName& leaf : table.leaves) {
    if (!stop.ok()) return stop;
    const TableName leaf_index = part_index(index, table, leaf);
    stop = build_one(bench, leaf_index, create_index_sql(index, leaf, leaf_index.name));
    if (!stop.ok()) return stop;
    stop = bench.in_transaction([&](ports::Session& session) { session.exec(attach_index_sql(index, table, leaf)); });
  }
  return stop;
}

bool is_constraint(ports::Session& session, const CreateIndex& index) {
  return !session
              .exec(
                  "SELECT FROM pg_catalog.pg_constraint WHERE contype = 'u' AND conindid = pg_catalog.to_regclass($1)",
                  {quoted({index.table.schema, index_name(index)})})
              .empty();
}

}  // namespace

Stop build_index(Workbench& bench, const CreateIndex& index, std::string_view phase, const Work& work) {
  bool done = false;
  Stop stop = bench.in_transaction([&](ports::Session& session) {
    const auto status = step_status(session, bench.fence().plan, phase, work.ordinal);
    done = status && status->status == "done";
    if (status && status->status != "undone") return;
    std::string builder;
    for (const TableName& part : index_parts(index, bench.catalog().table(session, index.table)))
      if (look_at(session, part, builder) != IndexLook::absent)
        throw Error(Exit::refused, Remedy::person,
                    "there is an index " + shown(part) + " already, and it is not this plan's",
                    "give the new one another name in the plan, or leave the step out");
    // Written before the build, so that an index found later is known to be ours.
    mark_step(session, bench.fence().plan, phase, work.ordinal, work.name, "running",
              json{{"index", index_name(index)}}.dump());
  });
  if (!stop.ok() || done) return stop;
  // Leaves are read here, so that partitions made meanwhile are included.
  const auto table = bench.catalog().table(bench.session(), index.table);
  if (!table) throw Error(Exit::drift, Remedy::person, "the table " + shown(index.table) + " is gone");
  try {
    stop = build_all(bench, index, *table);
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    return Stop::held({HoldKind::violation, error.what(), "the rows are mended, then switchback run again", {}});
  }
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    if (index.constraint && !is_constraint(session, index)) session.exec(constraint_of_index_sql(index));
    mark_step(session, bench.fence().plan, phase, work.ordinal, work.name, "done");
    record_shapes(bench);
    bench.note("step", work.name);
  });
}

/// The column would not go any more.
void refuse_own_column(ports::Session& session, const CreateView& view) {
  if (const std::string column = own_column_in(session, view.name); !column.empty())
    throw Error(Exit::refused, Remedy::person,
                "the view " + shown(view.name) + " takes in " + column + ", a column of switchback's own, by its *",
                "name the columns in its query; then switchback rollback, and run with the new text");
}

Stop run_statement(Workbench& bench, const Step& step, std::string_view phase, const Work& work) {
  return bench.in_transaction([&](ports::Session& session) {
    if (is_done(session, bench, phase, work.ordinal)) return;
    const StepSql sql = statement_sql(&session, &bench.catalog(), step);
    run_written(session, step, sql.sql);
    if (const auto* view = std::get_if<CreateView>(&step.action)) refuse_own_column(session, *view);
    record_shapes(bench);
    mark_step(session, bench.fence().plan, phase, work.ordinal, work.name, "done", json{{"undo", sql.undo}}.dump());
    bench.note("step", work.name);
  });
}

Stop expand(Workbench& bench) {
  const std::vector<Work> all = expand_work(bench.plan());
  int counters = 0;
  for (const Work& work : all) {
    Stop stop = bench.pause_point(false);
    if (stop.ok()) stop = check_surroundings(bench);
    if (!stop.ok()) return stop;
    switch (work.kind) {
      case Work::Kind::columns:
        stop = add_columns(bench, work);
        break;
      case Work::Kind::index:
        stop = build_index(bench, std::get<CreateIndex>(work.steps.front()->action), "expand", work);
        break;
      case Work::Kind::statement:
        stop = run_statement(bench, *work.steps.front(), "expand", work);
        break;
      case Work::Kind::counter:
        stop = make_counter(bench, work, ++counters);
        break;
      case Work::Kind::mirror:
        stop = start_copy(bench, work);
        break;
      case Work::Kind::pairing:
        stop = start_pair(bench, work);
        break;
      case Work::Kind::copy:
      case Work::Kind::backfill:
      case Work::Kind::verify:
      case Work::Kind::compare:
      case Work::Kind::fix:
      case Work::Kind::rule:
      case Work::Kind::batched:
      case Work::Kind::pairs:
      case Work::Kind::paired:
        throw Error(Exit::failed, Remedy::bug, work.name + " is no expand step");
    }
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

}  // namespace switchback::engine
