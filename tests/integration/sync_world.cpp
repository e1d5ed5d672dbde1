#include "sync_world.hpp"

#include <cstdlib>
#include <iostream>
#include <thread>

#include "server.hpp"
#include "switchback/core/error.hpp"

namespace switchback::tests {

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* given = std::getenv("SWITCHBACK_SEED");
    const std::uint64_t chosen = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "SWITCHBACK_SEED=" << chosen << std::endl;
    return chosen;
  }();
  return value;
}

std::chrono::milliseconds phase_length() {
  const char* given = std::getenv("SWITCHBACK_SECONDS");
  return std::chrono::milliseconds(given ? static_cast<long>(std::strtod(given, nullptr) * 1000) : 150);
}

std::size_t below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}
bool chance(Random& random, double probability) {
  return std::bernoulli_distribution(probability)(random);
}

bool transient(const Error& error) {
  return error.sqlstate() == "40001" || error.sqlstate() == "40P01";
}

World::World(const Kind& kind, std::string isolation, std::size_t rows)
    : kind_(kind),
      isolation_(std::move(isolation)),
      table_(made(kind), {"public", "t"}),
      model_(kind, table_.connect()) {
  Random random(seed());
  for (std::size_t id = 0; id < rows; ++id) {
    Writes writes;
    for (std::size_t i = 0; i < kind_.base.size(); ++i) writes[i] = choose(random, i);
    const auto row = model_.inserted(writes);
    if (!row) continue;
    exec_insert(table_, id, writes);
    live_[id] = *row;
  }
}

void World::add_plan() {
  const Kind::Step& step = kind_.steps.at(model_.plans());
  PlanText text = step.plan;
  for (const ColumnSpec& column : step.added)
    text.add.emplace_back(column.name, column.type + (column.not_null ? " NOT NULL" : "") +
                                           (column.default_value ? " DEFAULT " + *column.default_value : ""));
  table_.add_plan(text);
  model_.add_plan(table_.plan(text.name));
  for (auto& [id, row] : live_) row = model_.widened(row);
}

void World::hide(bool hidden) {
  const std::string plan = kind_.steps[0].plan.name;
  if (hidden)
    table_.hide(plan);
  else
    table_.unhide(plan);
  hidden_ = hidden;
}

Value World::choose(Random& random, std::size_t column) {
  const ColumnSpec& spec = model_.columns()[column];
  return model_.canonical(column, spec.values[below(random, spec.values.size())]);
}

std::string World::name(std::size_t column) const {
  const std::string& plain = model_.columns()[column].name;
  const bool gone = hidden_ && column < kind_.base.size();
  return quote_identifier(gone ? tombstone_name(kind_.steps[0].plan.name, plain) : plain);
}

std::string World::literal(std::size_t column, const Value& value) const {
  return "CAST(" + (value ? quote_literal(*value) : "NULL") + " AS " + model_.columns()[column].type + ")";
}

std::string World::outputs() const {
  std::string out;
  for (std::size_t i = 0; i < model_.columns().size(); ++i) out += name(i) + "::text, ";
  for (std::size_t k = 0; k < model_.plans(); ++k)
    out += (k ? ", " : "") + quote_identifier(marker_name(kind_.steps[k].plan.name));
  return out;
}

Row World::row_of(const std::vector<Value>& values, std::size_t from) const {
  Row row;
  for (std::size_t i = 0; i < model_.columns().size(); ++i) row.values.push_back(values.at(from + i));
  for (std::size_t k = 0; k < model_.plans(); ++k)
    row.marks.push_back(values.at(from + model_.columns().size() + k).value_or(std::string(1, '\0')).front());
  return row;
}

std::optional<Row> World::read(ports::Session& session, std::size_t id, const std::string& lock) const {
  const ports::Rows rows = session.exec("SELECT " + outputs() + " FROM t WHERE id = " + std::to_string(id) + lock);
  return rows.empty() ? std::nullopt : std::optional<Row>(row_of(rows.rows[0]));
}

std::vector<const Image*> World::images() const {
  std::vector<const Image*> out;
  for (const Image& image : kind_.images) {
    bool runs = image.plans <= model_.plans();
    for (const std::string& column : image.columns) runs = runs && model_.column(column) < model_.columns().size();
    if (hidden_)
      for (const std::string& column : image.columns) runs = runs && model_.column(column) >= kind_.base.size();
    if (runs) out.push_back(&image);
  }
  return out;
}

void World::wrong(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (++wrong_ <= 5) first_wrong_ += "\n  " + what;
}

void World::compare(const std::string& phase, bool filled) {
  const auto session = table_.connect();
  const ports::Rows rows = session->exec("SELECT id, " + outputs() + " FROM t");
  if (rows.size() != live_.size())
    wrong(phase + ": " + std::to_string(rows.size()) + " rows, not " + std::to_string(live_.size()));
  for (const auto& values : rows.rows) {
    const std::size_t id = std::stoul(*values[0]);
    const Row got = row_of(values, 1);
    const auto known = live_.find(id);
    if (known == live_.end()) {
      wrong(phase + ": row " + *values[0] + " should not be there");
      continue;
    }
    const auto want = model_.updated(known->second, {});  // filled where it was not
    if (got != want && (filled || got != known->second))
      wrong(phase + ": row " + *values[0] + " is " + shown(got) + ", not " + shown(*want));
  }
  if (!filled) return;
  for (const SyncPlan& plan : table_.sync().plans) {
    const std::string out_of_step =
        session->exec("SELECT count(*) FROM t WHERE NOT (" + in_step_sql(plan, "t") + ")").text(0, 0);
    if (out_of_step != "0") wrong(phase + ": " + out_of_step + " rows out of step by " + plan.plan);
  }
}

void World::backfill() {
  const auto session = table_.connect();
  const SyncPlan& plan = table_.sync().plans.back();
  const std::string marker = quote_identifier(plan.marker);
  const std::string fill = "UPDATE t SET " + fill_set_sql(plan, "t") + " WHERE " + marker + " IS NULL AND ";
  const auto commits = [&](const std::string& sql) {
    for (;;) try {
        ports::Transaction transaction(*session, "ISOLATION LEVEL " + isolation_);
        session->exec(sql);
        transaction.commit();
        return true;
      } catch (const Error& error) {
        if (error.remedy() == Remedy::data) return false;
        if (!transient(error)) throw;
      }
  };
  for (long block = 0;; ++block) {
    if (block >= session->exec("SELECT pg_relation_size('t') / 8192").integer(0, 0)) break;
    const std::string page =
        "ctid >= '(" + std::to_string(block) + ",0)' AND ctid < '(" + std::to_string(block + 1) + ",0)'";
    if (commits(fill + page)) continue;
    const ports::Rows ids = session->exec("SELECT id FROM t WHERE " + marker + " IS NULL AND " + page);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::string one = "id = " + ids.text(i, 0);
      if (!commits(fill + one)) commits("UPDATE t SET " + marker + " = 'f' WHERE " + marker + " IS NULL AND " + one);
    }
  }
  const std::string missed = session->exec("SELECT count(*) FROM t WHERE " + marker + " IS NULL").text(0, 0);
  if (missed != "0") wrong("the backfill missed " + missed + " rows");
}

std::string World::made(const Kind& kind) {
  static const std::string uri = [] {  // one for all: making a database takes longer than a phase
    const std::string made = server().fresh_database();
    server().sql(made, "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('new', 'done', 'gone')");
    return made;
  }();
  std::string columns;
  for (const ColumnSpec& column : kind.base)
    columns += ", " + quote_identifier(column.name) + " " + column.type + (column.not_null ? " NOT NULL" : "") +
               (column.default_value ? " DEFAULT " + *column.default_value : "");
  server().sql(uri,
               "DROP TABLE IF EXISTS t; CREATE TABLE t (id bigint PRIMARY KEY, ver int NOT NULL DEFAULT 0, pad text "
               "DEFAULT repeat('x', 150)" +
                   columns + ")");
  return uri;
}

void World::exec_insert(SyncedTable& table, std::size_t id, const Writes& writes) const {
  std::string columns = "id";
  std::string values = std::to_string(id);
  for (const auto& [column, value] : writes) {
    columns += ", " + name(column);
    values += ", " + literal(column, value);
  }
  table.exec("INSERT INTO t (" + columns + ") VALUES (" + values + ")");
}

void together(World& world, std::vector<std::function<void(const std::atomic<bool>&)>> runs,
              const std::function<void()>& work) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (const auto& run : runs)
    threads.emplace_back([&world, &stop, run] {
      try {
        run(stop);
      } catch (const std::exception& error) {
        world.wrong(std::string("a writer stopped: ") + error.what());
      }
    });
  try {
    work();
  } catch (const std::exception& error) {
    world.wrong(std::string("the backfill stopped: ") + error.what());
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace switchback::tests
