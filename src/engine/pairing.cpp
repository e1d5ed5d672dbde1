#include "switchback/engine/pairing.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/backfill.hpp"
#include "switchback/engine/copying.hpp"
#include "switchback/engine/replacing.hpp"
#include "switchback/engine/walk.hpp"

namespace switchback::engine {
namespace {

std::string both(const PairTables& step) {
  return shown(step.table) + " with " + shown(step.to);
}
std::string fill_step(const PairTables& step) {
  return "pair " + both(step);
}
std::string compare_step(const PairTables& step) {
  return "compare " + both(step);
}
std::string homeless_step(const PairTables& step) {
  return "look in " + shown(step.table) + " for what finds no row of " + shown(step.to);
}

bool is_there(ports::Session& session, const TableName& table) {
  return session.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {quoted(table)}).boolean(0, 0);
}

/// From the hide on it is elsewhere.
TableName table_now(ports::Session& session, const Plan& plan, const TableName& table) {
  const TableName hidden = table_tombstone(plan, table);
  return is_there(session, hidden) ? hidden : table;
}

TableFacts facts_of(ports::Session& session, ports::Catalog& catalog, const TableName& table) {
  auto facts = catalog.table(session, table);
  if (!facts)
    throw Error(Exit::drift, Remedy::person, "the table " + shown(table) + " is gone",
                "see who has dropped or renamed it, and when");
  return std::move(*facts);
}

Renames names_now(const Plan& plan, const PairTables& step, const TableFacts& table) {
  Renames names;
  for (const std::string& column : step.columns)
    if (const std::string hidden = tombstone_name(plan.name, column); table.column(hidden))
      names.emplace_back(column, hidden);
  return names;
}

struct Paired {
  Pair pair;
  TableFacts table;  ///< the old side
  TableFacts to;
  const TableFacts& base() const { return pair.base.old ? table : to; }
};

Paired look(ports::Session& session, ports::Catalog& catalog, PlanId plan_id, const Plan& plan,
            const PairTables& step) {
  Paired out;
  out.table = facts_of(session, catalog, table_now(session, plan, step.table));
  out.to = facts_of(session, catalog, step.to);
  const Renames names = names_now(plan, step, out.table);
  if (const PairObjection no = pair_objection(step, out.table, out.to, names); !no.what.empty())
    throw Error(Exit::drift, Remedy::person, describe(step) + ": " + no.what, no.hint);
  out.pair = pair_from(step, out.table, out.to, names);
  out.pair.plan_id = plan_id;
  const auto all = pairs_of(plan);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i]->table == step.table && all[i]->to == step.to && all[i]->columns == step.columns)
      out.pair.number = static_cast<int>(i) + 1;
  out.pair.patience = std::chrono::milliseconds(
      session
          .exec("SELECT greatest(1, setting::pg_catalog.int8 / 3) FROM pg_catalog.pg_settings WHERE name = "
                "'deadlock_timeout'")
          .integer(0, 0));
  return out;
}

Stop look(Workbench& bench, const PairTables& step, Paired& out) {
  return bench.outside_transaction(
      [&](ports::Session& session) { out = look(session, bench.catalog(), bench.fence().plan, bench.plan(), step); });
}

void run_all(ports::Session& session, const std::vector<std::string>& statements) {
  for (const std::string& sql : statements) session.exec(sql);
}

/// The new side first: who is writing it goes on to the old side unhindered, and who is writing the old side waits in
/// its trigger, for less than deadlock_timeout even where this one gives up and tries again.
void lock_both(ports::Session& session, const TableName& old_side, const TableName& new_side) {
  give_up_first(session);
  session.exec("LOCK TABLE " + quoted(new_side) + " IN ACCESS EXCLUSIVE MODE");
  session.exec("LOCK TABLE " + quoted(old_side) + " IN ACCESS EXCLUSIVE MODE");
}

const KeyFacts& walked(const TableFacts& table) {
  if (!table.key)
    throw Error(Exit::drift, Remedy::person, "the table " + shown(table.name) + " has no usable key any more",
                "give it its primary key again");
  return *table.key;
}

/// The pair's own key, to find a row again.
KeyFacts key_of(const PairSide& side, const TableFacts& table) {
  KeyFacts key;
  for (const std::string& column : side.key) {
    key.columns.push_back(column);
    key.types.push_back(table.column(column)->type);
  }
  return key;
}

std::vector<KeyValue> keys_in(const ports::Rows& rows) {
  std::vector<KeyValue> keys;
  for (const auto& row : rows.rows) {
    KeyValue key;
    for (const ports::Value& value : row) key.push_back(value.value_or(""));
    keys.push_back(std::move(key));
  }
  return keys;
}

Stop walk_from_start(Workbench& bench, const WalkOptions& options, const WalkWork& work, std::int64_t& found) {
  Stop stop =
      bench.in_transaction([&](ports::Session& session) { forget_walk(session, bench.fence().plan, options.step); });
  if (stop.ok()) stop = walk(bench, options, work);
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    found = walk_totals(session, bench.fence().plan, options.step).bad;
    forget_walk(session, bench.fence().plan, options.step);
  });
}

Stop mend_once(Workbench& bench, const PairTables& step, PairSource source, std::int64_t& mended) {
  Paired paired;
  const Stop stop = look(bench, step, paired);
  if (!stop.ok()) return stop;
  const KeyFacts key = key_of(paired.pair.base, paired.base());
  return walk_from_start(
      bench, {compare_step(step), paired.base().name, walked(paired.base()), step.batch, true, {}},
      [&](ports::Session& session, const WalkBatch& batch) {
        give_up_first(session);
        const auto keys = keys_in(session.exec(pair_differing_sql(paired.pair, batch.leaf, batch.range)));
        for (const KeyValue& value : keys)
          run_all(session, pair_mend_sql(paired.pair, source, key_compare(key, "t", "=", value)));
        return WalkCost{0, static_cast<std::int64_t>(keys.size()), {}};
      },
      mended);
}

/// Again and again until a comparison finds nothing: what was skipped while it was being written, and what was written
/// past the triggers.
Stop make_equal(Workbench& bench, const PairTables& step, PairSource source) {
  constexpr int rounds = 5;
  std::int64_t mended = 0;
  for (int round = 0; round < rounds; ++round) {
    try {
      const Stop stop = mend_once(bench, step, source, mended);
      if (!stop.ok()) return stop;
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      return Stop::held({HoldKind::violation,
                         std::string(error.what()) + ": a row of the one does not fit into the other, " + both(step),
                         "the row is changed or deleted, then the same command again",
                         {}});
    }
    const Stop noted = bench.in_transaction(
        [&](ports::Session&) { bench.note("compared", both(step) + ": " + show_rows(mended) + " taken over"); });
    if (!noted.ok() || mended == 0) return noted;
  }
  return Stop::held({HoldKind::failure,
                     "rows of " + both(step) + " are still being written past the triggers: " + show_rows(mended) +
                         " had to be taken over in the last round",
                     "whoever writes with triggers disabled stops; then switchback run again",
                     {}});
}

/// How many rows of the old side have a value that would have nowhere to go, with some of their keys.
Stop count_homeless(Workbench& bench, const PairTables& step, std::int64_t& found, std::vector<std::string>& samples) {
  Paired paired;
  Stop stop = look(bench, step, paired);
  found = 0;
  samples.clear();
  if (!stop.ok() || pair_homeless_sql(paired.pair, paired.table.name, "true").empty()) return stop;
  return walk_from_start(
      bench, {homeless_step(step), paired.table.name, walked(paired.table), step.batch, true, {}},
      [&](ports::Session& session, const WalkBatch& batch) {
        const auto keys = keys_in(session.exec(pair_homeless_sql(paired.pair, batch.leaf, batch.range)));
        for (const KeyValue& key : keys) {
          std::string one;
          for (const std::string& value : key) one += (one.empty() ? "" : ", ") + value;
          if (samples.size() < 5) samples.push_back(one);
        }
        return WalkCost{0, static_cast<std::int64_t>(keys.size()), {}};
      },
      found);
}

std::string columns_of(const PairTables& step) {
  std::string text;
  for (const std::string& column : step.columns) text += (text.empty() ? "" : ", ") + shown(std::string_view(column));
  return text;
}

std::string homeless_words(const PairTables& step, std::int64_t found, const std::vector<std::string>& samples) {
  std::string words = show_rows(found) + " of " + shown(step.table) + (found == 1 ? " has" : " have") + " a value in " +
                      columns_of(step) + " and no row of " + shown(step.to);
  for (const std::string& sample : samples) words += (sample == samples.front() ? ": " : "; ") + sample;
  return words;
}

}  // namespace

Stop start_pair(Workbench& bench, const Work& work) {
  const auto& step = std::get<PairTables>(work.steps.front()->action);
  return bench.in_transaction([&](ports::Session& session) {
    const auto status = step_status(session, bench.fence().plan, "expand", work.ordinal);
    if (status && status->status == "done") return;
    lock_both(session, step.table, step.to);
    run_all(session, pair_sql(look(session, bench.catalog(), bench.fence().plan, bench.plan(), step).pair));
    record_shapes(bench);
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "done");
    bench.note("step", work.name);
  });
}

Stop undo_start_pair(Workbench& bench, const Work& work) {
  const auto& step = std::get<PairTables>(work.steps.front()->action);
  return bench.in_transaction([&](ports::Session& session) {
    const auto status = step_status(session, bench.fence().plan, "expand", work.ordinal);
    if (!status || status->status == "undone") return;
    lock_both(session, step.table, step.to);
    run_all(session, pair_drop_sql(look(session, bench.catalog(), bench.fence().plan, bench.plan(), step).pair));
    record_shapes(bench);
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "undone");
    bench.note("undone", work.name);
  });
}

Stop fill_pair(Workbench& bench, const PairTables& step) {
  Paired paired;
  Stop stop = analyze(bench, step.table);
  if (stop.ok()) stop = look(bench, step, paired);
  if (!stop.ok()) return stop;
  stop = walk(bench, {fill_step(step), paired.base().name, walked(paired.base()), step.batch, true, {}},
              [&](ports::Session& session, const WalkBatch& batch) {
                give_up_first(session);
                if (!bench.settings().synchronous_commit) session.exec("SET LOCAL synchronous_commit = off");
                run_all(session, pair_fill_sql(paired.pair, PairSource::old_side, batch.leaf, batch.range));
                return WalkCost{};
              });
  if (stop.ok()) stop = analyze(bench, step.to);
  if (stop.ok()) stop = make_equal(bench, step, PairSource::old_side);
  std::int64_t found = 0;
  std::vector<std::string> samples;
  if (stop.ok()) stop = count_homeless(bench, step, found, samples);
  if (!stop.ok() || found == 0) return stop;
  return bench.in_transaction([&](ports::Session&) {
    bench.note("homeless", homeless_words(step, found, samples) + "; they are not hidden before they have one");
  });
}

void forget_pair(ports::Session& session, PlanId plan, const PairTables& step) {
  forget_walk(session, plan, fill_step(step));
}

Stop compare_pairs(Workbench& bench, PairSource right) {
  for (const PairTables* step : pairs_of(bench.plan())) {
    Stop stop = make_equal(bench, *step, right);
    std::int64_t found = 0;
    std::vector<std::string> samples;
    if (stop.ok()) stop = count_homeless(bench, *step, found, samples);
    if (!stop.ok()) return stop;
    if (found > 0)
      return Stop::held({HoldKind::violation,
                         homeless_words(*step, found, samples) + ": it would have nowhere to go",
                         "they get a row of " + shown(step->to) + ", or no value; then switchback run again",
                         {}});
  }
  return Stop::arrived();
}

void lock_pairs(ports::Session& session, const Plan& plan) {
  for (const PairTables* step : pairs_of(plan)) lock_both(session, table_now(session, plan, step->table), step->to);
}

void rename_in_pairs(ports::Session& session, ports::Catalog& catalog, PlanId plan_id, const Plan& plan) {
  for (const PairTables* step : pairs_of(plan))
    run_all(session, pair_functions_sql(look(session, catalog, plan_id, plan, *step).pair));
}

void drop_pairs(ports::Session& session, ports::Catalog& catalog, PlanId plan_id, const Plan& plan) {
  for (const PairTables* step : pairs_of(plan))
    run_all(session, pair_drop_sql(look(session, catalog, plan_id, plan, *step).pair));
}

void begin_restoring_pairs(ports::Session& session, ports::Catalog& catalog, PlanId plan_id, const Plan& plan) {
  lock_pairs(session, plan);
  for (const PairTables* step : pairs_of(plan)) {
    Pair pair = look(session, catalog, plan_id, plan, *step).pair;
    pair.only_back = true;
    run_all(session, pair_sql(pair));
  }
}

Stop restore_pairs(Workbench& bench) {
  for (const PairTables* step : pairs_of(bench.plan())) {
    const Stop stop = make_equal(bench, *step, PairSource::new_side);
    if (!stop.ok()) return stop;
  }
  if (pairs_of(bench.plan()).empty()) return Stop::arrived();
  return bench.in_transaction([&](ports::Session& session) {
    lock_pairs(session, bench.plan());
    for (const PairTables* step : pairs_of(bench.plan()))
      run_all(session, pair_sql(look(session, bench.catalog(), bench.fence().plan, bench.plan(), *step).pair));
    record_shapes(bench);
  });
}

std::vector<std::string> pair_losses(Workbench& bench) {
  std::vector<std::string> losses;
  for (const PairTables* step : pairs_of(bench.plan())) {
    const auto table = bench.catalog().table(bench.session(), table_now(bench.session(), bench.plan(), step->table));
    const auto to = bench.catalog().table(bench.session(), step->to);
    if (!table || !to) continue;
    const Renames names = names_now(bench.plan(), *step, *table);
    if (!pair_objection(*step, *table, *to, names).what.empty()) continue;  // the columns are not there yet, or no more
    const auto rows = bench.session().exec(pair_not_carried_sql(pair_from(*step, *table, *to, names))).integer(0, 0);
    if (rows > 0)
      losses.push_back(show_rows(rows) + " of " + shown(step->to) + (rows == 1 ? " holds" : " hold") + " values in " +
                       columns_of(*step) + " and " + (rows == 1 ? "has" : "have") + " no row of " + shown(step->table));
  }
  return losses;
}

}  // namespace switchback::engine
