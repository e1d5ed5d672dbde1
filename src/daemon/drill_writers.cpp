#include "drill_writers.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/schema_facts.hpp"

namespace switchback::daemon {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* probe_application = "drill locks";

/// Every fourth row is the old image's, every fourth the new one's; the others are what they write.
struct Shares {
  std::vector<std::string> old_image, new_image, donors;
};
Shares shares_of(const DrillRows& rows) {
  Shares shares;
  std::size_t place = 0;
  for (const auto& [key, row] : rows) {
    const std::size_t rest = place++ % 4;
    (rest == 1 ? shares.old_image : rest == 3 ? shares.new_image : shares.donors).push_back(key);
  }
  return shares;
}

std::string row_of(const std::vector<std::string>& columns, const std::string& alias) {
  std::string text = "ROW(";
  for (std::size_t i = 0; i < columns.size(); ++i)
    text += (i == 0 ? "" : ", ") + alias + "." + quote_identifier(columns[i]);
  return text + ")";
}

/// `$1`: the row that is written, `$2`: the one that it is to look like.
std::string write_sql(const DrilledTable& table, const std::vector<std::string>& side) {
  std::string set;
  for (const std::string& column : side)
    set += (set.empty() ? "" : ", ") + quote_identifier(column) + " = d." + quote_identifier(column);
  return "UPDATE " + quoted(table.name) + " t SET " + set + " FROM " + quoted(table.name) + " d WHERE " +
         row_of(table.key, "t") + "::text = $1::text AND " + row_of(table.key, "d") + "::text = $2::text";
}

bool is_in(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

/// The new side once it is swapped in.
std::vector<std::string> swapped_in(const DrilledTable& table) {
  std::vector<std::string> side = table.new_side;
  for (const auto& [column, with] : table.replaced) std::ranges::replace(side, with, column);
  return side;
}

void add_once(std::vector<std::string>& all, const std::string& one) {
  if (!is_in(all, one)) all.push_back(one);
}

/// Columns that the expressions read. One that cannot be resolved is for the plan's own check to refuse.
void add_read(ports::Session& session, const TableFacts& facts, const ColumnExpressions& expressions,
              DrilledTable& table) {
  postgres::PostgresCatalog catalog;
  for (const auto& [column, expression] : expressions) {
    try {
      for (const std::string& read : catalog.resolve(session, facts, expression).columns)
        add_once(table.old_side, read);
    } catch (const Error& error) {
      if (error.remedy() == Remedy::reconnect) throw;
    }
  }
}

void add_sides(ports::Session& session, const Plan& plan, const TableFacts& facts, DrilledTable& table) {
  for (const Step& step : plan.migrate) {
    const auto* backfill = std::get_if<Backfill>(&step.action);
    if (backfill == nullptr || backfill->table != table.name) continue;
    for (const auto& [column, expression] : backfill->set) add_once(table.new_side, column);
    for (const auto& [column, expression] : backfill->reverse) add_once(table.old_side, column);
    add_read(session, facts, backfill->set, table);
    if (backfill->where) table.unwritten = "its backfill is for some rows only";
    if (backfill->reverse.empty()) table.unwritten = "the plan has no reverse: the old side would not follow";
  }
  for (const Step& step : plan.contract.steps)
    if (const auto* drop = std::get_if<DropColumn>(&step.action); drop != nullptr && drop->table == table.name)
      table.taken.push_back(drop->name);
    else if (const auto* replace = std::get_if<ReplaceColumn>(&step.action);
             replace != nullptr && replace->table == table.name)
      table.replaced.emplace_back(replace->column, replace->with);
    else if (const auto* rename = std::get_if<RenameTable>(&step.action);
             rename != nullptr && rename->table == table.name)
      table.becomes = rename->to;
}

/// Values that are copied from one row to another must not have to be unlike.
void look_for_unique(const Plan& plan, const TableFacts& facts, DrilledTable& table) {
  const auto on_a_side = [&](const std::string& column) {
    return is_in(table.old_side, column) || is_in(table.new_side, column);
  };
  for (const IndexFacts& index : facts.indexes)
    if (index.unique && std::ranges::any_of(index.columns, on_a_side))
      table.unwritten = "values of " + shown(index.name) + " are unique";
  for (const Step& step : plan.migrate)
    if (const auto* index = std::get_if<CreateIndex>(&step.action);
        index != nullptr && index->unique && index->table == table.name)
      table.unwritten = "its values are to be unique";
}

}  // namespace

std::vector<DrilledTable> drilled_tables(ports::Session& session, const Plan& plan) {
  const auto rows = session.exec(
      "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('switchback', "
      "'information_schema') "
      "AND n.nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = "
      "'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1, 2");
  postgres::PostgresCatalog catalog;
  std::vector<DrilledTable> tables;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    DrilledTable table;
    table.name = {rows.text(i, 0), rows.text(i, 1)};
    const auto facts = catalog.table(session, table.name);
    if (!facts) continue;
    if (facts->key) table.key = facts->key->columns;
    add_sides(session, plan, *facts, table);
    look_for_unique(plan, *facts, table);
    for (const ColumnFacts& column : facts->columns)
      if (!is_in(table.old_side, column.name)) table.rest.push_back(column.name);
    if (table.new_side.empty() || table.old_side.empty()) table.unwritten = "the plan does not sync it";
    if (std::ranges::any_of(table.old_side, [&](const std::string& one) { return is_in(table.key, one); }))
      table.unwritten = "its key is on the old side";
    if (table.key.empty()) table.unwritten = "it has no key";
    table.wanted = rows_now(session, table, State::rolled_back);
    table.wanted_without_taken = rows_now(session, table, State::hidden);
    if (table.unwritten.empty() && table.wanted.size() < 8) table.unwritten = "it has hardly any rows";
    tables.push_back(std::move(table));
  }
  return tables;
}

namespace {

/// Renamed, a table has all its rows under its new name.
TableName name_now(ports::Session& session, const DrilledTable& table) {
  if (table.becomes.empty()) return table.name;
  const TableName renamed{table.name.schema, table.becomes};
  const bool gone = session.exec("SELECT pg_catalog.to_regclass($1) IS NULL", {quoted(table.name)}).boolean(0, 0);
  return gone ? renamed : table.name;
}

}  // namespace

DrillRows rows_now(ports::Session& session, const DrilledTable& table, State state) {
  const TableName name = name_now(session, table);
  const bool old_there = state != State::hidden && state != State::contracted;
  std::vector<std::string> there;
  const auto rows = session.exec(
      "SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 "
      "AND NOT a.attisdropped",
      {quoted(name)});
  if (rows.empty()) return {};
  for (std::size_t i = 0; i < rows.size(); ++i) there.push_back(rows.text(i, 0));
  std::vector<std::string> rest = table.rest;
  if (!old_there) std::erase_if(rest, [&](const std::string& one) { return is_in(table.taken, one); });
  std::erase_if(rest, [&](const std::string& one) { return !is_in(there, one); });
  std::vector<std::string> new_side = old_there ? table.new_side : swapped_in(table);
  std::erase_if(new_side, [&](const std::string& one) { return !is_in(there, one) || state == State::rolled_back; });
  std::vector<std::string> old_side = old_there ? table.old_side : std::vector<std::string>{};
  std::erase_if(old_side, [&](const std::string& one) { return !is_in(there, one); });
  return postgres::drill_rows(session, name, table.key, rest, old_side, new_side);
}

std::vector<std::string> write_new_side_once(ports::Session& session, DrilledTable& table) {
  std::vector<std::string> failures;
  if (!table.unwritten.empty()) return failures;
  const Shares shares = shares_of(table.wanted);
  const bool swapped = !table.replaced.empty() &&
                       session
                           .exec(
                               "SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND "
                               "attname = $2 AND NOT attisdropped",
                               {quoted(table.name), table.replaced.front().second})
                           .empty();
  const std::string sql = write_sql(table, swapped ? swapped_in(table) : table.new_side);
  for (std::size_t i = 0; i < shares.new_image.size() && i < 200; ++i) {
    const std::string& donor = shares.donors[i % shares.donors.size()];
    try {
      session.exec(sql, {shares.new_image[i], donor});
      table.written[shares.new_image[i]] = donor;
    } catch (const Error& error) {
      if (error.remedy() == Remedy::reconnect) throw;
      failures.push_back("the new image could not write " + shown(table.name) + ": " + error.what());
      break;
    }
  }
  return failures;
}

DrillWriters::DrillWriters(const DrillStage& stage, std::vector<DrilledTable>& tables, bool old_image, bool new_image,
                           std::uint64_t seed)
    : stage_(stage), tables_(tables) {
  for (DrilledTable& table : tables_) {
    if (!table.unwritten.empty()) continue;
    if (old_image) threads_.emplace_back([this, &table, seed] { write(table, true, seed); });
    if (new_image) threads_.emplace_back([this, &table, seed] { write(table, false, seed + 1); });
  }
  threads_.emplace_back([this] { want_locks(); });
}

void DrillWriters::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void DrillWriters::waited(Clock::time_point since) {
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
  for (std::int64_t known = longest_; took > known && !longest_.compare_exchange_weak(known, took);) {
  }
}

void DrillWriters::write(DrilledTable& table, bool old_image, std::uint64_t seed) {
  const Shares shares = shares_of(table.wanted);
  const std::vector<std::string>& mine = old_image ? shares.old_image : shares.new_image;
  const std::string sql = write_sql(table, old_image ? table.old_side : swapped_in(table));
  std::unique_ptr<ports::Session> session;
  for (std::uint64_t n = seed * 7919; !stopping_; ++n) {
    std::this_thread::sleep_for(3ms);
    const std::string& key = mine[n % mine.size()];
    const std::string& donor = shares.donors[(n * 31) % shares.donors.size()];
    try {
      if (!session) session = stage_.application(old_image ? "drill old image" : "drill new image");
      session->exec(sql, {key, donor});
      ++writes_;
      const std::lock_guard lock(mutex_);
      table.written[key] = donor;
      table.doubtful.erase(key);
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      if (error.remedy() == Remedy::reconnect || error.remedy() == Remedy::in_doubt ||
          error.exit() == Exit::unreachable) {
        table.doubtful.insert(key);
        session.reset();
      } else {
        failures_.insert("the " + std::string(old_image ? "old" : "new") + " image could not write " +
                         shown(table.name) + ": " + error.what());
      }
    }
  }
}

/// What every write of a table takes first (documentation, "Table-Level Locks"): it waits behind whatever would make
/// the application wait.
void DrillWriters::want_locks() {
  std::unique_ptr<ports::Session> session;
  while (!stopping_) {
    for (const DrilledTable& table : tables_) {
      if (stopping_) return;
      const auto since = Clock::now();
      try {
        if (!session) session = stage_.application(probe_application);
        session->exec("BEGIN; LOCK TABLE " + quoted(table.name) + " IN ROW EXCLUSIVE MODE; ROLLBACK");
        waited(since);
      } catch (const Error& error) {
        if (error.remedy() == Remedy::reconnect || error.exit() == Exit::unreachable)
          session.reset();
        else
          session->rollback();  // it is hidden or dropped
      }
    }
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace switchback::daemon
