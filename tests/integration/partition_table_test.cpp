// A table becomes partitioned by a copy that takes its place: the same few rows under many writers, killed runners,
// roles that may write only the one table, and what is refused by name.
#include <atomic>
#include <csignal>
#include <mutex>
#include <random>
#include <thread>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* plan_text = R"yaml(plan: parts
images: { before: shop:v1, after: shop:v2 }
change:
  - partition_table: { table: events, by: range, key: at, every: month, from: 2026-01-01, to: 2026-05-01, primary_key: [id, at] }
contract:
  observe: 1s
  soak: 0s
)yaml";

constexpr const char* table_sql =
    "CREATE EXTENSION pg_stat_statements; CREATE TABLE events (id bigint PRIMARY KEY, at date NOT NULL, n bigint NOT "
    "NULL "
    "DEFAULT 0, doc json); INSERT INTO events SELECT i, date '2026-01-01' + i % 150, 0, '{}' FROM generate_series(1, "
    "3000) i;";

struct Scene {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  explicit Scene(const std::string& before = table_sql, const std::string& plan = plan_text) {
    sql(before);
    tool.plan(plan);
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  static std::vector<std::string> with_consent(std::vector<std::string> words) {
    words.insert(words.end(), {"--despite", "horizon", "--reason", "a test"});
    return words;
  }
  std::vector<std::string> words_to(const std::string& state, bool forward) const {
    if (forward) return with_consent(tool.run_to(state));
    return with_consent({"rollback", "parts", "--to", state, "--yes"});
  }
  void go(const std::string& state, bool forward) const {
    const auto outcome = tool.run(words_to(state, forward));
    INFO("to " << state << ": " << outcome.out << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  /// The runner is killed after a while, and another one ends what it began.
  void go_killed(const std::string& state, bool forward, std::chrono::milliseconds after) const {
    const auto child = tool.start(words_to(state, forward));
    if (!child->wait(after)) child->signal_group(SIGKILL);
    child->finish(10s);
    eventually(30s, [&] { return tool.run(words_to(state, forward)).exit_code == 0; });
    CHECK(tool.status("parts").state == state);
  }
  /// Rows that the two tables do not have alike, in one snapshot.
  std::string difference(const std::string& other) const {
    return sql("SELECT count(*) FROM ((SELECT id, at, n FROM events EXCEPT SELECT id, at, n FROM " + other +
               ") UNION ALL (SELECT id, at, n FROM " + other + " EXCEPT SELECT id, at, n FROM events)) x");
  }
};

constexpr const char* hidden = "\"switchback_hidden.parts.public\".events";

/// Rows 1 to 10 are counted up and moved between partitions, and never lost; 11 to 20 come and go.
class Writers {
 public:
  explicit Writers(std::string uri, unsigned seed) : uri_(std::move(uri)) {
    for (unsigned i = 0; i < 4; ++i) threads_.emplace_back([this, i, seed] { write(seed * 10 + i); });
  }
  ~Writers() { stop(); }
  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  long counted() const { return counted_; }
  std::vector<std::string> failures() const { return failures_; }

 private:
  void write(unsigned seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    const auto session = application(uri_, below(2) == 0 ? "shop:v1" : "shop:v2");
    session->exec("SET search_path = public");
    while (!stopping_) {
      const std::string id = std::to_string(1 + below(10));
      const std::string other = std::to_string(11 + below(10));
      const std::string day = "date '2025-12-20' + " + std::to_string(below(160));
      const unsigned what = below(10);
      std::string statement = "UPDATE events SET n = n + 1 WHERE id = " + id;
      if (what == 0) statement = "UPDATE events SET n = n + 1, at = " + day + " WHERE id = " + id;
      if (what == 1) statement = "DELETE FROM events WHERE id = " + other;
      if (what == 2)
        statement = "INSERT INTO events (id, at) VALUES (" + other + ", date '2026-01-01' + " + other +
                    ") ON CONFLICT DO NOTHING";
      if (what == 3) statement = "UPDATE events SET doc = '{\"a\": " + id + "}' WHERE id = " + other;
      const bool counts = what == 0 || what > 3;
      try {
        ports::Transaction transaction(*session, below(6) == 0 ? "ISOLATION LEVEL REPEATABLE READ" : "");
        const auto done = session->exec(statement);
        transaction.commit();
        if (counts) counted_ += done.affected;
      } catch (const Error& error) {
        // A snapshot that is too old, or a row that moved to another partition.
        if (error.sqlstate() == "40001") continue;
        const std::lock_guard lock(mutex_);
        failures_.push_back(statement + ": " + error.sqlstate() + " " + error.what());
        return;
      }
    }
  }

  std::string uri_;
  std::atomic<bool> stopping_ = false;
  std::atomic<long> counted_ = 0;
  std::mutex mutex_;
  std::vector<std::string> failures_;
  std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("writers on the same few rows lose nothing and meet no deadlock while their table is replaced and put back",
          "[partition_table]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto a_while = [&] { return std::chrono::milliseconds(100 + random() % 1500); };
  const Scene scene;
  Writers writers(scene.uri, seed);
  scene.go_killed("migrated", true, a_while());
  CHECK(scene.difference("events_new") == "0");
  scene.go_killed("hidden", true, a_while());
  CHECK(scene.difference(hidden) == "0");
  scene.go_killed("migrated", false, a_while());
  CHECK(scene.difference("events_new") == "0");
  scene.go("expanded", false);
  scene.go_killed("contracted", true, a_while());
  scene.go_killed("migrated", false, a_while());
  CHECK(scene.difference("events_new") == "0");
  writers.stop();
  for (const std::string& failure : writers.failures()) FAIL_CHECK(failure);
  CHECK(scene.sql("SELECT sum(n) FROM events WHERE id <= 10") == std::to_string(writers.counted()));
  CHECK(scene.sql("SELECT sum(n) FROM events_new WHERE id <= 10") == std::to_string(writers.counted()));
}

TEST_CASE("a role that may write the table alone goes on writing it, and TRUNCATE goes over, in both directions",
          "[partition_table]") {
  const Scene scene;
  scene.sql(
      "DO $$ BEGIN CREATE ROLE parts_writer; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT SELECT, INSERT, "
      "UPDATE, DELETE, TRUNCATE ON events TO parts_writer");
  const auto as_writer = [&](const std::string& text) { scene.sql("SET ROLE parts_writer; " + text); };
  scene.go("migrated", true);
  as_writer("UPDATE events SET n = 5 WHERE id = 1; INSERT INTO events VALUES (9001, '2026-02-02')");
  CHECK(scene.difference("events_new") == "0");
  scene.go("hidden", true);
  as_writer("UPDATE events SET n = 6 WHERE id = 1; DELETE FROM events WHERE id = 9001");
  CHECK(scene.difference(hidden) == "0");
  as_writer("TRUNCATE events; INSERT INTO events VALUES (1, '2026-02-02')");
  CHECK(scene.sql("SELECT count(*) FROM " + std::string(hidden)) == "1");
  scene.go("migrated", false);
  as_writer("TRUNCATE events");
  CHECK(scene.sql("SELECT count(*) FROM events_new") == "0");
}

TEST_CASE("what a partitioned table would leave behind is refused by name before anything is made",
          "[partition_table]") {
  const auto [more, said] = GENERATE(table<std::string, std::string>(
      {{"CREATE TABLE notes (event bigint REFERENCES events)", "notes_event_fkey"},
       {"CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM events", "totals"},
       {"CREATE PUBLICATION out_there FOR TABLE events", "out_there"},
       {"CREATE UNIQUE INDEX by_n ON events (n) WHERE n > 0", "by_n"},
       {"ALTER TABLE events ADD CONSTRAINT late CHECK (n >= 0) NOT VALID", "late"},
       {"CREATE TABLE later () INHERITS (events)", "later"},
       {"CREATE FUNCTION of_event(events) RETURNS bigint LANGUAGE sql AS 'SELECT $1.id'", "of_event"},
       {"ALTER TABLE events REPLICA IDENTITY FULL", "replica identity"}}));
  CAPTURE(more);
  const Scene scene(std::string(table_sql) + more);
  const auto outcome = scene.tool.run(scene.words_to("migrated", true));
  CHECK(outcome.exit_code != 0);
  CHECK((outcome.err + outcome.out).find(said) != std::string::npos);
  CHECK(scene.sql("SELECT to_regclass('events_new') IS NULL") == "t");
}

TEST_CASE("a row that the old key refuses is refused until the old table is gone, and holds a way back after it",
          "[partition_table]") {
  const Scene scene;
  scene.go("hidden", true);
  CHECK_THROWS(scene.sql("INSERT INTO events VALUES (1, '2026-03-03')"));
  scene.go("contracted", true);
  scene.sql(
      "INSERT INTO events VALUES (1, '2026-03-03'); UPDATE events SET at = at + 1 WHERE id = 7; DELETE FROM events "
      "WHERE id = 8");
  const auto outcome = scene.tool.run(scene.words_to("migrated", false));
  CHECK(outcome.exit_code != 0);
  CHECK(scene.tool.status("parts").hold_kind == "violation");
  scene.sql("DELETE FROM events WHERE id = 1 AND at = '2026-03-03'");
  scene.go("migrated", false);
  CHECK(scene.difference("events_new") == "0");
  CHECK(scene.sql("SELECT count(*) FROM events") == "2999");
}
