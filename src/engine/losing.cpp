#include "switchback/engine/losing.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/archive_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/swap.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/made_tables.hpp"
#include "switchback/engine/walk.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

constexpr std::string_view counting_function = "pg_temp.switchback_lost";

const ResolvedExpression* forward_of(const GoingSide& going, const std::string& column) {
  if (!going.sync) return nullptr;
  const auto& all = going.sync->forward;
  const auto found = std::ranges::find_if(all, [&](const auto& one) { return one.first == column; });
  return found == all.end() ? nullptr : &found->second;
}

/// Whether its values are computed from the old side, not the same for every row.
bool is_carried(const GoingSide& going, const std::string& column) {
  const ResolvedExpression* forward = forward_of(going, column);
  return forward && !forward->columns.empty();
}

/// True where `now` holds neither the column's default nor what the backfill gives every row alike.
std::string given_sql(const SyncColumn& column, const ResolvedExpression* fill, const std::string& now) {
  std::string given = now + " IS NOT NULL";
  const auto unlike = [&](const std::string& value) {
    given += " AND " + differs_sql(column, now, "CAST((" + value + ") AS " + column.type + ")");
  };
  if (column.default_value && !column.default_volatile) unlike(*column.default_value);
  if (fill) unlike(fill->in("r"));
  return "(" + given + ")";
}

void add_or(std::string& all, const std::string& part) {
  all += (all.empty() ? "" : " OR ") + part;
}

/// True for a row that holds what cannot be computed again. Caught row by row: of what cannot be computed at all, every
/// value is lost.
std::string lost_function_sql(std::string_view function, const TableFacts& table, const GoingSide& going) {
  std::string plain;    // columns that nothing is computed for
  std::string differs;  // columns with a forward
  std::string some;     // those, with any value
  for (const SyncColumn& column : going.columns) {
    const std::string now = "r." + quote_identifier(column.name);
    const ResolvedExpression* forward = forward_of(going, column.name);
    if (!is_carried(going, column.name)) {
      add_or(plain, given_sql(column, forward, now));
      continue;
    }
    add_or(differs, differs_sql(column, now, "CAST((" + forward->in("r") + ") AS " + column.type + ")"));
    add_or(some, now + " IS NOT NULL");
  }
  if (plain.empty()) plain = "false";
  if (differs.empty()) differs = some = "false";
  std::string before;
  if (going.marked)
    before += "  IF r." + quote_identifier(going.sync->marker) + " IS NULL THEN RETURN " + plain + "; END IF;\n";
  if (going.sync && going.sync->where)
    before +=
        "  IF (" + going.sync->where->in("r") + ") IS NOT TRUE THEN RETURN " + plain + " OR " + some + "; END IF;\n";
  return "CREATE OR REPLACE FUNCTION " + std::string(function) + "(r " + quoted(table.name) +
         ") RETURNS boolean LANGUAGE plpgsql AS " +
         dollar_quote("\nBEGIN\n" + before + "  RETURN " + plain + " OR " + differs +
                      ";\nEXCEPTION WHEN OTHERS THEN\n  IF pg_catalog.left(SQLSTATE, 2) IN "
                      "('40', '53', '57', '58', 'XX') THEN RAISE; END IF;\n  RETURN " +
                      plain + " OR " + some + ";\nEND ");
}

std::string lost(std::string_view function, const TableFacts& table) {
  return std::string(function) + "(t::" + quoted(table.name) + ")";  // a partition's row as its parent's
}

/// One leaf from its first row to its last.
void count_leaf(ports::Session& session, const TableFacts& table, const TableName& leaf, std::int64_t batch,
                LossCount& count) {
  std::optional<KeyValue> at;
  for (bool more = true; more;) {
    ports::Transaction transaction(session, "READ ONLY");
    transaction.exec("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off" +
                     [&](const std::string& path) {
                       return path.empty() ? path : "; " + path;
                     }(key_search_path(session, table.name, *table.key, "LOCAL")));
    const auto upper = key_bound(session, *table.key, leaf, at, static_cast<long>(batch));
    const auto rows = session.exec(
        "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE l), (pg_catalog.array_agg(k) FILTER (WHERE "
        "l))[1:5]::pg_catalog.text[] FROM (SELECT " +
        lost(counting_function, table) + " AS l, " + key_object(*table.key, "t") + "::pg_catalog.text AS k FROM ONLY " +
        quoted(leaf) + " AS t WHERE " + range_of(*table.key, leaf, at, upper).range + " ORDER BY " +
        key_columns(*table.key, "t") + ") s");
    count.rows += rows.integer(0, 0);
    count.lost += rows.integer(0, 1);
    if (rows.integer(0, 1) > 0 && count.samples.size() < 5) {
      const auto samples = session.exec("SELECT pg_catalog.unnest($1::pg_catalog.text[])", {rows.text(0, 2)});
      for (std::size_t i = 0; i < samples.size() && count.samples.size() < 5; ++i)
        count.samples.push_back(samples.text(i, 0));
    }
    transaction.commit();
    more = upper.has_value();
    at = upper;
  }
}

/// A column that is swapped in bears the name of the one that it replaces.
std::string name_now(const Plan& plan, const TableFacts& table, const AddColumn& add) {
  for (const ReplaceColumn* replace : replaced_in(plan, add.table))
    if (replace->with == add.name && table.column(tombstone_name(plan.name, replace->column))) return replace->column;
  return add.name;
}

/// What of a table goes now, under the names that the columns have now; empty: nothing, or it cannot be told yet.
std::optional<GoingSide> going_side(Workbench& bench, ports::Session& session, const TableFacts& table,
                                    const std::vector<const Step*>& steps) {
  GoingSide going;
  const ResolvedSync* own = bench.resolved().sync_of(table.name);
  if (own) {
    const auto now =
        session.exec("SELECT document FROM switchback.sync WHERE plan_id = $1 AND relation = $2 AND NOT restoring",
                     {std::to_string(bench.record().id), std::to_string(own->oid)});
    const bool ended = bench.record().state == State::done;  // nothing carries values over any more, or marks rows
    going.marked = !now.empty() && !ended;
    if (!now.empty())
      going.sync = sync_from_json(now.text(0, 0));
    else if (ended || bench.record().state == State::rolling_back)
      going.sync = own->sync;  // it ended with the plan, which took nothing away
  }
  for (const Step* step : steps) {
    const auto& add = std::get<AddColumn>(step->action);
    const ColumnFacts* resolved = bench.resolved().added(add.table, add.name);
    const bool synced =
        own && std::ranges::find(own->sync.new_side, add.name, &SyncColumn::name) != own->sync.new_side.end();
    if (!resolved || (synced && !going.sync)) continue;
    SyncColumn column = sync_column(*resolved);
    column.name = name_now(bench.plan(), table, add);
    if (table.column(column.name)) going.columns.push_back(std::move(column));
  }
  return going.columns.empty() ? std::nullopt : std::optional(going);
}

/// The columns that expand adds, by table, in the plan's order.
std::vector<std::pair<TableName, std::vector<const Step*>>> added_columns(const Plan& plan) {
  std::vector<std::pair<TableName, std::vector<const Step*>>> added;
  for (const Step& step : plan.expand) {
    const auto* add = std::get_if<AddColumn>(&step.action);
    if (!add) continue;
    auto of = std::ranges::find_if(added, [&](const auto& one) { return one.first == add->table; });
    if (of == added.end()) of = added.insert(of, {add->table, {}});
    of->second.push_back(&step);
  }
  return added;
}

std::string what_is_lost(const GoingSide& going) {
  std::string names;
  for (const SyncColumn& column : going.columns) {
    if (is_carried(going, column.name)) return " hold values on the new side that the old side does not carry";
    names += (names.empty() ? "" : ", ") + shown(column.name);
  }
  return " hold values of their own in " + names;
}

/// Names of this way back's own; a second one of the same plan keeps its rows apart.
struct Kept {
  std::string table, function, lost;  ///< quoted, with their schema
  std::string trigger;                ///< quoted; fires after those of most users
};

Kept kept_names(Workbench& bench, ports::Session& session, std::uint32_t oid, const Work& work) {
  const std::string number = session
                                 .exec(
                                     "SELECT pg_catalog.count(*) FROM switchback.event WHERE plan_id = $1 AND kind = "
                                     "'state' AND to_state = $2",
                                     {std::to_string(bench.fence().plan), std::string(name(State::rolling_back))})
                                 .text(0, 0);
  const std::string base = std::to_string(bench.fence().plan) + "_" + number + "_" + std::to_string(oid) + "_" +
                           std::to_string(work.ordinal);
  const auto in_journal = [](const std::string& one) { return quoted(TableName{"switchback", one}); };
  return {in_journal("kept_" + base), in_journal("keep_" + base), in_journal("lost_" + base),
          quote_identifier("~switchback_keep_" + base)};
}

/// What a row has in a column, as it is kept. Values of types that are not PostgreSQL's own are kept as text: a plan
/// that has made the type takes it away after the column, and it must not be held by what is kept of that.
std::string kept_value(const SyncColumn& column, std::string_view row) {
  const std::string value = std::string(row) + "." + quote_identifier(column.name);
  return column.type.find('.') == std::string::npos ? value : "CAST(" + value + " AS pg_catalog.text)";
}

std::string list(const std::vector<std::string>& columns, std::string_view row) {
  std::string text;
  for (const std::string& column : columns)
    text += (text.empty() ? "" : ", ") + std::string(row) + (row.empty() ? "" : ".") + quote_identifier(column);
  return text;
}

/// INSERT of the rows that `source` (a FROM clause, or nothing: the row NEW of a trigger) names.
std::string keep_sql(const Kept& kept, const KeyFacts& key, const GoingSide& going, std::string_view row,
                     const std::string& source) {
  std::vector<std::string> values;
  std::string set;
  std::string kept_values;
  for (const SyncColumn& column : going.columns) {
    values.push_back(column.name);
    kept_values += (kept_values.empty() ? "" : ", ") + kept_value(column, row);
    set += (set.empty() ? "" : ", ") + quote_identifier(column.name) + " = excluded." + quote_identifier(column.name);
  }
  return "INSERT INTO " + kept.table + " (" + list(key.columns, "") + ", " + list(values, "") + ") SELECT " +
         list(key.columns, row) + ", " + kept_values + source + " ON CONFLICT (" + list(key.columns, "") +
         ") DO UPDATE SET " + set;
}

void start_keeping(ports::Session& session, const TableFacts& table, const GoingSide& going, const Kept& kept) {
  if (session.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {kept.table}).boolean(0, 0)) return;
  std::vector<std::string> values;
  std::string kept_values;
  for (const SyncColumn& column : going.columns) {
    values.push_back(column.name);
    kept_values += ", " + kept_value(column, "t") + " AS " + quote_identifier(column.name);
  }
  session.exec("CREATE TABLE " + kept.table + " AS SELECT " + list(table.key->columns, "t") + kept_values +
               " FROM " + quoted(table.name) + " AS t WITH NO DATA");
  session.exec("ALTER TABLE " + kept.table + " ADD PRIMARY KEY (" + list(table.key->columns, "") + ")");
  session.exec(lost_function_sql(kept.lost, table, going));
  std::vector<std::string> all = table.key->columns;
  all.insert(all.end(), values.begin(), values.end());
  // What is written from now on is kept whole: to ask whether it could be computed again is not worth a writer's time.
  session.exec("CREATE FUNCTION " + kept.function +
               "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp " +
               format_settings("SET") + " AS " +
               dollar_quote("\nBEGIN\n  IF TG_OP = 'UPDATE' AND ROW(" + list(all, "NEW") + ")::pg_catalog.text = ROW(" +
                            list(all, "OLD") + ")::pg_catalog.text THEN RETURN NULL; END IF;\n  " +
                            keep_sql(kept, *table.key, going, "NEW", "") + ";\n  RETURN NULL;\nEND "));
  session.exec("CREATE TRIGGER " + kept.trigger + " AFTER INSERT OR UPDATE ON " + quoted(table.name) +
               " FOR EACH ROW EXECUTE FUNCTION " + kept.function + "()");
  session.exec("ALTER TABLE " + quoted(table.name) + " ENABLE ALWAYS TRIGGER " + kept.trigger);
}

std::string keep_step(const Work& work) {
  return "keep " + work.name;
}

}  // namespace

LossCount losses(ports::Session& session, const TableFacts& table, const GoingSide& going, std::int64_t batch) {
  session.exec(lost_function_sql(counting_function, table, going));
  LossCount count;
  if (table.key) {
    for (const TableName& leaf : table.leaves) count_leaf(session, table, leaf, batch, count);
  } else {
    const auto rows = session.exec("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE " +
                                   lost(counting_function, table) + ") FROM " + quoted(table.name) + " AS t");
    count.rows = rows.integer(0, 0);
    count.lost = rows.integer(0, 1);
  }
  session.exec("DROP FUNCTION " + std::string(counting_function));
  return count;
}

std::vector<std::string> rollback_losses(Workbench& bench, State to) {
  std::vector<std::string> out;
  if (to != State::rolled_back) return out;  // nothing goes
  for (const auto& [name, steps] : added_columns(bench.plan())) {
    const auto table = bench.catalog().table(bench.session(), name);
    const auto going = table ? going_side(bench, bench.session(), *table, steps) : std::nullopt;
    if (!going) continue;
    const LossCount count = losses(bench.session(), *table, *going);
    if (count.lost == 0) continue;
    std::string line =
        show_count(count.lost) + " of " + show_rows(count.rows) + " of " + shown(name) + what_is_lost(*going);
    for (const std::string& sample : count.samples) line += (sample == count.samples.front() ? ": " : ", ") + sample;
    out.push_back(line);
  }
  for (std::string& loss : made_table_losses(bench)) out.push_back(std::move(loss));
  return out;
}

Stop keep_going_side(Workbench& bench, const Work& work) {
  std::optional<TableFacts> table;
  std::optional<GoingSide> going;
  Kept kept;
  Stop stop = bench.in_transaction([&](ports::Session& session) {
    table = bench.catalog().table(session, work.table);
    going = table && table->key ? going_side(bench, session, *table, work.steps) : std::nullopt;
    if (!going) return;
    kept = kept_names(bench, session, table->oid, work);
    start_keeping(session, *table, *going, kept);
  });
  if (!stop.ok() || !going) return stop;
  // The row is locked before its values are taken: a writer's newer ones come after, by the trigger. Of two that wait
  // for one another the server ends this one, not the application's (it is tried again).
  const std::string patience =
      "SET LOCAL lock_timeout = '" +
      std::to_string(std::max<std::int64_t>(
          1,
          bench.session()
              .exec("SELECT setting::pg_catalog.int8 / 2 FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'")
              .integer(0, 0))) +
      "ms'";
  return walk(bench, {keep_step(work), work.table, *table->key, {}, false, {}},
              [&](ports::Session& session, const WalkBatch& batch) {
                session.exec(patience + "; " + format_settings("SET LOCAL"));
                const auto kept_now =
                    session.exec(keep_sql(kept, *table->key, *going, "t",
                                          " FROM ONLY " + quoted(batch.leaf) + " AS t WHERE " + batch.range + " AND " +
                                              lost(kept.lost, *table) + " FOR SHARE OF t"));
                return WalkCost{0, static_cast<std::int64_t>(kept_now.affected), {}};
              });
}

void settle_kept_side(Workbench& bench, ports::Session& session, const Work& work) {
  const auto table = bench.catalog().table(session, work.table);
  if (!table) return;
  const Kept kept = kept_names(bench, session, table->oid, work);
  if (!session.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {kept.table}).boolean(0, 0)) return;
  session.exec("DROP TRIGGER " + kept.trigger + " ON " + quoted(work.table));
  session.exec("DROP FUNCTION " + kept.function + "()");
  session.exec("DROP FUNCTION " + kept.lost + "(" + quoted(work.table) + ")");
  const std::int64_t rows = walk_totals(session, bench.fence().plan, keep_step(work)).bad;
  forget_walk(session, bench.fence().plan, keep_step(work));
  if (!session.exec("SELECT EXISTS (SELECT FROM " + kept.table + ")").boolean(0, 0)) {
    session.exec("DROP TABLE " + kept.table);
    return;
  }
  bench.note("kept",
             "what the old side of " + shown(work.table) + " does not carry, " + show_rows(rows) +
                 " and what was written meanwhile, is in " + kept.table + " until somebody drops that table",
             json{{"table", shown(work.table)}, {"kept_in", kept.table}, {"rows", rows}}.dump());
}

}  // namespace switchback::engine
