#include "archive_scene.hpp"

#include <chrono>

#include "server.hpp"
#include "switchback/core/archive_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::tests {

SceneText split_scene(int rows, bool lossy) {
  SceneText text;
  text.create =
      "CREATE TABLE users (id bigint PRIMARY KEY, full_name text, touched int DEFAULT 0); "
      "INSERT INTO users (id, full_name) SELECT n, 'First' || n || ' Last' || n FROM generate_series(1, " +
      std::to_string(rows) + ") AS n";
  PlanText plan;
  plan.name = "split";
  plan.add = {{"first_name", "text"}, {"last_name", "text"}};
  plan.set = {{"first_name", lossy ? "lower(split_part(full_name, ' ', 1))" : "split_part(full_name, ' ', 1)"},
              {"last_name", "nullif(substr(full_name, strpos(full_name, ' ') + 1), full_name)"}};
  plan.reverse = {{"full_name", "concat_ws(' ', first_name, last_name)"}};
  text.sync = plan;
  text.contract = {{DropColumn{{"public", "users"}, "full_name", std::nullopt}, {}}};
  return text;
}

ContractScene::ContractScene(const SceneText& text) {
  const std::string uri = server().fresh_database();
  session_ = postgres::connect({.database = uri, .application_name = "switchback"});
  engine::ensure_journal(*session_);
  {
    auto maker = postgres::connect({.database = uri, .application_name = "maker"});
    maker->exec("SET search_path = public; " + text.create);
  }
  table_ = std::make_unique<SyncedTable>(uri, text.table);
  application_ = table_->connect();
  plan_.name = text.sync ? text.sync->name : "plain";
  plan_.contract.steps = text.contract;
  if (text.no_archive) plan_.contract.archive = Archive{std::nullopt, "not needed"};
  id_ = session_
            ->exec(
                "INSERT INTO switchback.plan (name, hash, text, long_form, file, environment, takes_away, "
                "system_identifier, timeline) "
                "VALUES ($1, 'h', 't', 't', 'f', 'development', true, '1', 1) RETURNING id",
                {plan_.name})
            .integer(0, 0);
  if (text.sync) {
    table_->add_plan(*text.sync);
    table_->backfill(text.sync->name);
    normal_ = table_->plan(text.sync->name);
  }
}

void ContractScene::transaction(const std::function<void(ports::Session&)>& work) {
  // As the stepper: what may pass is tried again.
  for (int attempt = 0;; ++attempt) {
    try {
      ports::Transaction transaction(*session_);
      work(*session_);
      transaction.commit();
      return;
    } catch (const Error& error) {
      if (error.remedy() != Remedy::retry || attempt > 2000) throw;
    }
  }
}

void ContractScene::put_sync(const std::optional<SyncPlan>& plan, bool definer, bool triggers) {
  SyncTable table{table_->sync().oid, table_->sync().name, {}, definer};
  if (plan) table.plans.push_back(*plan);
  if (table.plans.empty())
    session_->exec(sync_drop_sql(table.oid, table.name));
  else
    session_->exec(sync_function_sql(table) + (triggers ? sync_triggers_sql(table) : ""));
}

void ContractScene::hide() {
  transaction([&](ports::Session& session) {
    postgres::PostgresCatalog catalog;
    std::vector<std::pair<TableName, SyncPlan>> sync;
    if (normal_) sync.emplace_back(table_->sync().name, *normal_);
    const auto tables = taken_tables(id_, plan_, {*catalog.table(session, table_->sync().name)}, sync);
    engine::store_definitions(session, id_, plan_, tables);
    engine::hide(session, plan_, tables);
    if (normal_) put_sync(with_names(*normal_, hiding_names(tables.front())), false, false);
    taken_ = engine::load_taken(session, id_);
  });
}

void ContractScene::unhide() {
  transaction([&](ports::Session& session) {
    engine::unhide(session, id_, plan_, taken_);
    if (normal_) put_sync(normal_, false, false);
  });
}

void ContractScene::start_archive() {
  transaction([&](ports::Session& session) { engine::start_archive(session, taken()); });
}

void ContractScene::copy(std::int64_t limit) {
  for (const TableName& leaf : engine::leaves_of(*session_, taken()))
    for (bool finished = false; !finished;)
      transaction(
          [&](ports::Session& session) { finished = engine::copy_next(session, taken(), leaf, limit).finished; });
}

void ContractScene::sweep() {
  for (std::int64_t swept = 1; swept > 0;)
    transaction([&](ports::Session& session) { swept = engine::sweep_gone(session, taken(), 10); });
}

std::int64_t ContractScene::verify(std::int64_t limit) {
  for (engine::ArchiveBatch batch;;) {
    transaction([&](ports::Session& session) { batch = engine::verify_next(session, taken(), limit); });
    if (batch.finished) return batch.wrong;
  }
}

std::vector<std::string> ContractScene::objections() {
  return engine::drop_objections(*session_, id_, plan_, taken_);
}

void ContractScene::drop() {
  for (const Step& step : plan_.contract.steps)
    if (const auto* not_null = std::get_if<SetNotNull>(&step.action))
      transaction([&](ports::Session& session) { engine::validate(session, plan_, *not_null); });
  transaction([&](ports::Session& session) {
    engine::lock_for_drop(session, plan_, taken_);
    for (const std::string& objection : engine::drop_objections(session, id_, plan_, taken_))
      throw Error(Exit::refused, Remedy::person, objection);
    put_sync(std::nullopt, false, true);
    for (const Step& step : plan_.contract.steps) engine::drop_step(session, plan_, step, taken_);
    engine::end_drop(session, id_, plan_, taken_, std::chrono::hours(1));
  });
}

void ContractScene::begin_restore() {
  transaction([&](ports::Session& session) {
    taken_ = engine::load_taken(session, id_);
    engine::start_restore(session, id_, taken_);
    put_sync(restoring_side(taken(), normal_, engine::has_archive(session, taken())), true, true);
  });
}

void ContractScene::fill() {
  const SyncPlan filling = restoring_side(taken(), normal_, engine::has_archive(*session_, taken()));
  const std::string marker = quote_identifier(filling.marker);
  for (const TableName& leaf : engine::leaves_of(*session_, taken())) {
    const auto rows = session_->exec("SELECT ctid FROM ONLY " + quoted(leaf) + " WHERE " + marker + " IS NULL");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string here = " WHERE t.ctid = '" + rows.text(i, 0) + "' AND t." + marker + " IS NULL";
      const std::string update = "UPDATE ONLY " + quoted(leaf) + " AS t SET ";
      try {
        transaction([&](ports::Session& session) { session.exec(update + fill_set_sql(filling, "t") + here); });
      } catch (const Error& error) {
        if (error.remedy() != Remedy::data) throw;
        session_->exec(update + marker + " = '" + filling.forward_failed + "'" + here);
      }
    }
  }
}

void ContractScene::end_filling() {
  transaction([&](ports::Session& session) {
    put_sync(normal_, false, true);
    engine::end_filling(session, taken_, !normal_);
  });
}

void ContractScene::rebuild() {
  for (const engine::StoredDefinition& step : engine::rebuild_steps(*session_, id_)) {
    if (engine::outside_transaction(step))
      engine::rebuild(*session_, id_, step);
    else
      transaction([&](ports::Session& session) { engine::rebuild(session, id_, step); });
  }
}

void ContractScene::end_restore() {
  transaction([&](ports::Session& session) { engine::end_restore(session, id_, taken_); });
}

engine::LossCount ContractScene::losses(std::int64_t batch) {
  postgres::PostgresCatalog catalog;
  return engine::losses(*session_, *catalog.table(*session_, table_->sync().name), {normal_->new_side, *normal_, true},
                        batch);
}

std::string ContractScene::fingerprint() {
  postgres::PostgresCatalog catalog;
  return catalog.fingerprint(*session_, table_->sync().name);
}

std::string ContractScene::rows(const std::string& sql) {
  std::string out;
  for (const auto& row : exec(sql).rows) {
    std::string line;
    for (const ports::Value& value : row) line += (line.empty() ? "" : "|") + value.value_or("-");
    out += line + "\n";
  }
  return out;
}

Writers::Writers(int count, std::function<void(int, std::atomic<bool>&)> work)
    : failures_(static_cast<std::size_t>(count)) {
  for (int number = 0; number < count; ++number)
    threads_.emplace_back([this, number, work] {
      try {
        work(number, go_);
      } catch (...) {
        failures_[static_cast<std::size_t>(number)] = std::current_exception();
      }
    });
}

Writers::~Writers() {
  go_ = false;
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void Writers::stop() {
  go_ = false;
  for (std::thread& thread : threads_) thread.join();
  for (const std::exception_ptr& failure : failures_)
    if (failure) std::rethrow_exception(failure);
}

void until(const std::string& what, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("not within 20 s: " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace switchback::tests
