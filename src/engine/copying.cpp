#include "switchback/engine/copying.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/backfill.hpp"
#include "switchback/engine/walk.hpp"

namespace switchback::engine {
namespace {

std::string copy_step(const TableName& from, const TableName& to) {
  return "copy " + shown(from) + " to " + shown(to);
}
std::string compare_step(const TableName& from, const TableName& to) {
  return "compare " + shown(from) + " with " + shown(to);
}
std::string surplus_step(const TableName& from, const TableName& to) {
  return "look in " + shown(to) + " for what " + shown(from) + " has not";
}

TableFacts facts_of(ports::Session& session, ports::Catalog& catalog, const TableName& table) {
  auto facts = catalog.table(session, table);
  if (!facts)
    throw Error(Exit::drift, Remedy::person, "the table " + shown(table) + " is gone",
                "see who has dropped or renamed it, and when");
  return std::move(*facts);
}

/// The copy's key, as far as comparing needs it.
KeyFacts key_of(const CopyTable& copy, const TableFacts& table) {
  KeyFacts key;
  for (const std::string& column : copy.key) {
    const ColumnFacts* facts = table.column(column);
    if (!facts)
      throw Error(Exit::drift, Remedy::person, "there is no column " + shown(table.name) + "." + shown(column),
                  "see history for what changed it");
    key.columns.push_back(column);
    key.types.push_back(facts->type);
  }
  return key;
}

const KeyFacts& walked(const TableFacts& table) {
  if (!table.key)
    throw Error(Exit::drift, Remedy::person, "the table " + shown(table.name) + " has no usable key any more",
                "give it its primary key again");
  return *table.key;
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

/// One walk over `table` that mends what `look` finds; how many rows that were.
Stop mend_by(Workbench& bench, const CopyTable& copy, const std::string& step, const TableFacts& table,
             const std::function<std::string(const WalkBatch&)>& look,
             const std::function<std::vector<std::string>(const KeyValue&)>& mend, std::int64_t& mended) {
  Stop stop = bench.in_transaction([&](ports::Session& session) { forget_walk(session, bench.fence().plan, step); });
  if (!stop.ok()) return stop;
  stop = walk(bench, {step, table.name, walked(table), copy.batch, true, {}},
              [&](ports::Session& session, const WalkBatch& batch) {
                give_up_first(session);
                const std::vector<KeyValue> keys = keys_in(session.exec(look(batch)));
                for (const KeyValue& key : keys)
                  for (const std::string& sql : mend(key)) session.exec(sql);
                return WalkCost{0, static_cast<std::int64_t>(keys.size()), {}};
              });
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    mended = walk_totals(session, bench.fence().plan, step).bad;
    forget_walk(session, bench.fence().plan, step);
  });
}

/// First what is too much in `to`: it may be in the way of what is missing.
Stop mend_once(Workbench& bench, const CopyTable& copy, const TableName& from, const TableName& to,
               std::int64_t& mended) {
  Mirror mirror;
  TableFacts source;
  TableFacts target;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    mirror = mirror_of(session, bench.catalog(), copy, from, to);
    source = facts_of(session, bench.catalog(), from);
    target = facts_of(session, bench.catalog(), to);
  });
  if (!stop.ok()) return stop;
  const KeyFacts key = key_of(copy, source);
  std::int64_t surplus = 0;
  std::int64_t differing = 0;
  stop = mend_by(
      bench, copy, surplus_step(from, to), target,
      [&](const WalkBatch& batch) { return mirror_surplus_sql(mirror, batch.leaf, batch.range); },
      [&](const KeyValue& value) { return mirror_remove_sql(mirror, key_compare(key, "t", "=", value)); }, surplus);
  if (!stop.ok()) return stop;
  stop = mend_by(
      bench, copy, compare_step(from, to), source,
      [&](const WalkBatch& batch) { return mirror_differing_sql(mirror, batch.leaf, batch.range); },
      [&](const KeyValue& value) { return mirror_mend_sql(mirror, key_compare(key, "s", "=", value)); }, differing);
  mended = surplus + differing;
  return stop;
}

}  // namespace

void give_up_first(ports::Session& session) {
  session.exec(
      "SELECT pg_catalog.set_config('lock_timeout', (d.setting::int / 3)::text || 'ms', true) FROM "
      "pg_catalog.pg_settings d, pg_catalog.pg_settings l WHERE d.name = 'deadlock_timeout' AND l.name = "
      "'lock_timeout' AND l.setting::int NOT BETWEEN 1 AND d.setting::int / 3");
}

Mirror mirror_of(ports::Session& session, ports::Catalog& catalog, const CopyTable& copy, const TableName& from,
                 const TableName& to) {
  const TableFacts source = facts_of(session, catalog, from);
  const TableFacts target = facts_of(session, catalog, to);
  for (const auto& [one, other] : {std::pair{&source, &target}, std::pair{&target, &source}})
    for (const ColumnFacts& column : one->columns) {
      const ColumnFacts* twin = other->column(column.name);
      if (!twin || twin->type != column.type || twin->generated != column.generated)
        throw Error(Exit::drift, Remedy::person,
                    shown(one->name) + " has the column " + shown(std::string_view(column.name)) + " " + column.type +
                        ", and " + shown(other->name) + (twin ? " has another of that name" : " has not"),
                    "change the column in both tables, or take the change back; then the same command again");
    }
  Mirror mirror{source.oid, from, to, copy.key, {}, false};
  key_of(copy, source);
  for (const ColumnFacts& column : source.columns)
    if (!column.generated && std::ranges::find(copy.key, column.name) == copy.key.end())
      mirror.other.push_back(column.name);
  return mirror;
}

void install_mirror(ports::Session& session, const Mirror& mirror) {
  for (const std::string& sql : mirror_drop_sql(mirror.from, mirror.oid)) session.exec(sql);
  for (const std::string& sql : mirror_sql(mirror)) session.exec(sql);
}

void remove_mirror(ports::Session& session, const TableName& from) {
  const auto oid = session.exec("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", {quoted(from)});
  if (!oid.at(0, 0)) return;
  for (const std::string& sql : mirror_drop_sql(from, static_cast<std::uint32_t>(oid.integer(0, 0)))) session.exec(sql);
}

Stop start_copy(Workbench& bench, const Work& work) {
  const auto& copy = std::get<CopyTable>(work.steps.front()->action);
  return bench.in_transaction([&](ports::Session& session) {
    const auto status = step_status(session, bench.fence().plan, "expand", work.ordinal);
    if (status && status->status == "done") return;
    install_mirror(session, mirror_of(session, bench.catalog(), copy, copy.table, copy.to));
    record_shapes(bench);
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "done");
    bench.note("step", work.name);
  });
}

Stop undo_start_copy(Workbench& bench, const Work& work) {
  const auto& copy = std::get<CopyTable>(work.steps.front()->action);
  return bench.in_transaction([&](ports::Session& session) {
    const auto status = step_status(session, bench.fence().plan, "expand", work.ordinal);
    if (!status || status->status == "undone") return;
    remove_mirror(session, copy.table);
    record_shapes(bench);
    mark_step(session, bench.fence().plan, "expand", work.ordinal, work.name, "undone");
    bench.note("undone", work.name);
  });
}

Stop copy_rows(Workbench& bench, const CopyTable& copy) {
  Stop stop = analyze(bench, copy.table);
  if (!stop.ok()) return stop;
  Mirror mirror;
  TableFacts source;
  stop = bench.outside_transaction([&](ports::Session& session) {
    mirror = mirror_of(session, bench.catalog(), copy, copy.table, copy.to);
    source = facts_of(session, bench.catalog(), copy.table);
  });
  if (!stop.ok()) return stop;
  const WalkOptions options{copy_step(copy.table, copy.to), copy.table, walked(source), copy.batch, true, {}};
  stop = walk(bench, options, [&](ports::Session& session, const WalkBatch& batch) {
    give_up_first(session);
    if (!bench.settings().synchronous_commit) session.exec("SET LOCAL synchronous_commit = off");
    session.exec(mirror_copy_sql(mirror, batch.leaf, batch.range));
    return WalkCost{};
  });
  if (stop.ok()) stop = analyze(bench, copy.to);
  return stop.ok() ? make_equal(bench, copy, copy.table, copy.to) : stop;
}

void forget_copy(ports::Session& session, PlanId plan, const CopyTable& copy) {
  forget_walk(session, plan, copy_step(copy.table, copy.to));
}

Stop make_equal(Workbench& bench, const CopyTable& copy, const TableName& from, const TableName& to) {
  constexpr int rounds = 5;
  std::int64_t mended = 0;
  for (int round = 0; round < rounds; ++round) {
    try {
      const Stop stop = mend_once(bench, copy, from, to, mended);
      if (!stop.ok()) return stop;
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      return Stop::held({HoldKind::violation,
                         std::string(error.what()) + ": a row of " + shown(from) + " does not fit into " + shown(to),
                         "the row is changed or deleted, then the same command again",
                         {}});
    }
    const Stop noted = bench.in_transaction([&](ports::Session&) {
      bench.note("compared", shown(from) + " with " + shown(to) + ": " + show_rows(mended) + " taken over");
    });
    if (!noted.ok() || mended == 0) return noted;
  }
  return Stop::held({HoldKind::failure,
                     "rows of " + shown(from) + " are still being written past its triggers: " + show_rows(mended) +
                         " had to be taken over in the last round",
                     "whoever writes with triggers disabled stops; then switchback run again",
                     {}});
}

Stop compare_copies(Workbench& bench) {
  for (const ReplaceTable* step : replaced_tables(bench.plan())) {
    const Stop stop = make_equal(bench, copy_of(bench.plan(), *step), step->table, step->with);
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

}  // namespace switchback::engine
