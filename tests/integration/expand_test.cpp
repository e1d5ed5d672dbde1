#include <atomic>
#include <csignal>
#include <thread>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* index_plan = R"(plan: mail-index
expand:
  - create_index: { table: users, columns: [email], name: users_email_idx }
)";

/// Whether the index is there, once, valid, and nothing was left beside it.
bool index_is_whole(const std::string& uri, const std::string& index) {
  return server().sql(uri,
                      "SELECT count(*) || ' ' || bool_and(i.indisvalid AND i.indisready) FROM pg_index i JOIN pg_class "
                      "c ON c.oid = i.indexrelid WHERE c.relname LIKE '" +
                          index + "%'") == "1 true";
}

/// A plan that builds an index on users.email, stopped in the middle: a writer's open transaction is in its way, and
/// the runner is killed while it waits for that.
struct HalfBuilt {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  PlanView view{uri};
  std::unique_ptr<ports::Session> writer;

  HalfBuilt() {
    make_users(uri, 2000);
    writer = application(uri, "shop:v41");
    writer->begin();
    writer->exec("UPDATE public.users SET email = 'x' WHERE id = 1");
    tool.plan(index_plan);
    const auto runner = tool.start({"run", "plan.yaml"});
    REQUIRE(eventually(60s, [&] { return !builder().empty(); }));
    CHECK(view.ask("SELECT status FROM switchback.step") == "running");
    runner->signal(SIGKILL);
    REQUIRE(runner->wait(10s));
  }
  std::string builder() {
    return view.ask(
        "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database() AND relid = "
        "'public.users'::regclass");
  }
  bool invalid() {
    return view.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('public.users_email_idx')") == "f";
  }
  process::Outcome run_when_free() {
    process::Outcome outcome;
    eventually(60s, [&] { return (outcome = tool.run({"run", "plan.yaml"})).exit_code != 7; });
    return outcome;
  }
};

}  // namespace

TEST_CASE("expand waits for a lock a moment at a time, lets traffic pass in between, and goes on when it is free",
          "[expand]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 1000);
  Tool tool(uri, "lock_timeout: 400ms\nlease: 3s\n");
  tool.plan(split_plan("split"));
  PlanView view(uri);
  const auto reader = application(uri, "shop:report");
  reader->begin();
  reader->exec("SELECT count(*) FROM public.users");

  const auto runner = tool.start({"run", "plan.yaml", "--to", "expanded"});
  REQUIRE(eventually(60s, [&] { return view.hold_kind() == "lock"; }));
  std::atomic<bool> ending{false};
  double longest = 0;
  int passed = 0;
  std::string failed;
  std::thread traffic([&] {
    try {
      const auto session = application(uri, "shop:v41");
      session->exec("SET statement_timeout = '20s'");
      while (!ending) {
        const auto begun = std::chrono::steady_clock::now();
        session->exec("SELECT full_name FROM public.users WHERE id = 7");
        session->exec("UPDATE public.users SET email = 'e' WHERE id = 7");
        longest = std::max(longest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
        ++passed;
      }
    } catch (const Error& error) {
      failed = error.what();
    }
  });
  // Until it has tried a good many times.
  const bool tried = eventually(60s, [&] {
    return has(view.hold_kind(), "lock") &&
           has(tool.status("split").hold_reason, "pid " + std::to_string(reader->backend_pid())) &&
           view.seconds_since(view.hold_since(), view.now()) > 4;
  });
  const std::string reason = view.hold_reason();
  const std::string ends = view.ask("SELECT hold->>'ends_when' FROM switchback.plan");
  const bool still_there = runner->running();
  ending = true;
  traffic.join();

  INFO(reason);
  CHECK(tried);
  CHECK(still_there);
  CHECK(failed == "");
  CHECK(passed > 10);
  // Two statements, each behind one attempt at the most; the rest is this machine's.
  CHECK(longest < 2 * 0.4 + 1.5);
  CHECK(has(reason, "pid " + std::to_string(reader->backend_pid()) + " (shop:report"));
  CHECK(has(reason, "SELECT count(*) FROM public.users"));
  CHECK(has(ends, "tried again"));
  CHECK(view.state() == "expanding");
  CHECK(view.ask(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.users'::regclass AND attname = 'first_name'") ==
        "0");

  reader->commit();
  CHECK(runner->wait(60s) == 0);
  CHECK(view.state() == "expanded");
  CHECK(view.hold_kind() == "");
  CHECK(has(view.kinds(), "hold_ended"));
}

TEST_CASE("an index that a cancelled build left invalid is cleared away and built again", "[expand]") {
  HalfBuilt half;
  half.view.ask("SELECT pg_terminate_backend(" + half.builder() + ")");
  REQUIRE(eventually(30s, [&] { return half.builder().empty(); }));
  REQUIRE(half.invalid());
  half.writer->rollback();
  const auto outcome = half.run_when_free();
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(index_is_whole(half.uri, "users_email_idx"));
  CHECK(half.view.ask("SELECT status FROM switchback.step") == "done");
}

TEST_CASE("an index that somebody is still building is waited for, not cleared away", "[expand]") {
  HalfBuilt half;
  const std::string builder = half.builder();
  REQUIRE(half.invalid());
  std::unique_ptr<process::Child> runner;
  REQUIRE(eventually(60s, [&] {
    if (runner && runner->running()) return half.view.hold_kind() == "lock";
    runner = half.tool.start({"run", "plan.yaml"});
    return false;
  }));
  CHECK(has(half.view.hold_reason(), "is being built by backend " + builder));
  CHECK(half.builder() == builder);
  half.writer->rollback();
  CHECK(runner->wait(60s) == 0);
  CHECK(index_is_whole(half.uri, "users_email_idx"));
}

TEST_CASE("somebody else's index of that name is refused and left alone, valid or not", "[expand]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 100);
  Tool tool(uri);
  tool.plan(index_plan);
  const bool valid = GENERATE(true, false);
  CAPTURE(valid);
  server().sql(uri, "CREATE INDEX users_email_idx ON users (full_name)");
  if (!valid)
    server().sql(uri, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_email_idx'::regclass");
  const std::string before = server().sql(uri, "SELECT 'users_email_idx'::regclass::oid");
  const auto outcome = tool.run({"run", "plan.yaml"});
  CHECK(outcome.exit_code == 3);
  CHECK(has(outcome.err, "there is an index users_email_idx already, and it is not this plan's"));
  CHECK(server().sql(uri, "SELECT 'users_email_idx'::regclass::oid") == before);
  CHECK(server().sql(uri, "SELECT count(*) FROM switchback.step") == "0");
  // With its name free the same command goes on.
  server().sql(uri, "ALTER INDEX users_email_idx RENAME TO theirs");
  const auto again = tool.run({"run", "plan.yaml"});
  INFO(again.err);
  CHECK(again.exit_code != 3);
}

TEST_CASE("a partitioned table gets its index leaf by leaf, also leaves made meanwhile", "[expand]") {
  const std::string uri = server().fresh_database();
  server().sql(
      uri,
      "CREATE TABLE visits (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
      "CREATE SCHEMA \"Old Data\";"
      "CREATE TABLE \"Old Data\".\"Visits 2024\" PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
      "CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY HASH "
      "(id);"
      "CREATE TABLE visits_2025_0 PARTITION OF visits_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE visits_2025_1 PARTITION OF visits_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "INSERT INTO visits SELECT i, '2024-03-01'::date + i % 600 FROM generate_series(1, 2000) i");
  Tool tool(uri);
  tool.plan("plan: visits-at\nexpand:\n  - create_index: { table: visits, columns: [at], name: visits_at_idx }\n");
  const auto outcome = tool.run({"run", "plan.yaml"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(server().sql(uri,
                     "SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid IN (SELECT relid FROM "
                     "pg_partition_tree('visits'))") == "t");
  // Valid for the parent means: each leaf has one attached. And it was built once: none beside it.
  CHECK(server().sql(uri,
                     "SELECT string_agg(relid::regclass::text, ' ' ORDER BY relid::regclass::text) FROM "
                     "pg_partition_tree('visits_at_idx') WHERE isleaf") ==
        "\"Old Data\".\"Visits 2024_visits_at_idx\" visits_2025_0_visits_at_idx visits_2025_1_visits_at_idx");
  CHECK(server().sql(uri,
                     "SELECT count(*) FROM pg_index WHERE indrelid IN ('\"Old Data\".\"Visits 2024\"'::regclass, "
                     "'visits_2025_0'::regclass, 'visits_2025_1'::regclass) AND NOT indisprimary") == "3");
}

TEST_CASE("a partitioned index stopped half-way is finished, or taken away whole", "[expand]") {
  const std::string uri = server().fresh_database();
  server().sql(uri,
               "CREATE TABLE visits (id bigint PRIMARY KEY, at date) PARTITION BY HASH (id);"
               "CREATE TABLE visits_a PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
               "CREATE TABLE visits_b PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
               "INSERT INTO visits SELECT i, '2024-03-01'::date + i FROM generate_series(1, 1000) i");
  Tool tool(uri);
  PlanView view(uri);
  tool.plan("plan: visits-at\nexpand:\n  - create_index: { table: visits, columns: [at], name: visits_at_idx }\n");
  // The second leaf's build waits for a writer; then its backend is ended, and the runner killed.
  const auto writer = application(uri, "shop:v41");
  writer->begin();
  writer->exec("UPDATE public.visits_b SET at = at WHERE id = (SELECT min(id) FROM public.visits_b)");
  const auto runner = tool.start({"run", "plan.yaml"});
  const std::string builder = "SELECT pid FROM pg_stat_progress_create_index WHERE relid = 'public.visits_b'::regclass";
  REQUIRE(eventually(60s, [&] { return !view.ask(builder).empty(); }));
  runner->signal(SIGKILL);
  REQUIRE(runner->wait(10s));
  view.ask("SELECT pg_terminate_backend((" + builder + "))");
  writer->rollback();
  const std::string indexes = "SELECT count(*) FROM pg_class WHERE relname LIKE '%visits_at_idx'";
  CHECK(view.ask(indexes) == "3");
  // As if it had ended between building the first leaf's and attaching it.
  const bool forward = GENERATE(true, false);
  if (!forward)
    server().sql(uri,
                 "DROP INDEX visits_at_idx; CREATE INDEX visits_at_idx ON ONLY visits (at); CREATE INDEX "
                 "visits_a_visits_at_idx ON visits_a (at)");
  process::Outcome outcome;
  const std::vector<std::string> words = forward ? std::vector<std::string>{"run", "plan.yaml"}
                                                 : std::vector<std::string>{"rollback", "visits-at", "--yes"};
  eventually(60s, [&] { return (outcome = tool.run(words)).exit_code != 7; });
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(view.ask(indexes) == (forward ? "3" : "0"));
  if (forward)
    CHECK(view.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.visits_at_idx'::regclass") == "t");
}

TEST_CASE("somebody else's index under the name of a leaf's is refused and left alone", "[expand]") {
  const std::string uri = server().fresh_database();
  server().sql(uri,
               "CREATE TABLE visits (id bigint PRIMARY KEY, at date) PARTITION BY HASH (id);"
               "CREATE TABLE visits_a PARTITION OF visits FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
               "CREATE INDEX visits_a_visits_at_idx ON visits_a (id)");
  Tool tool(uri);
  tool.plan("plan: visits-at\nexpand:\n  - create_index: { table: visits, columns: [at], name: visits_at_idx }\n");
  const auto outcome = tool.run({"run", "plan.yaml"});
  CHECK(outcome.exit_code == 3);
  CHECK(has(outcome.err, "there is an index visits_a_visits_at_idx already"));
  CHECK(server().sql(uri, "SELECT count(*) FROM pg_class WHERE relname LIKE '%visits_at_idx'") == "1");
}
