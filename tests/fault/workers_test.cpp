#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "catch.hpp"
#include "server.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/session.hpp"
#include "tool.hpp"

namespace switchback::tests {
namespace {

constexpr int people = 120'000;

unsigned worker_seed() {
  const char* given = std::getenv("SWITCHBACK_SEED");
  const unsigned value = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::cerr << "seed " << value << " (SWITCHBACK_SEED)\n";
  return value;
}

/// Ages as text become years as numbers; every 997th cannot.
void make_people(const std::string& uri) {
  server().sql(
      uri,
      "CREATE TABLE people AS SELECT g::bigint AS id, CASE WHEN g % 997 = 0 THEN 'unknown' ELSE (g % 90)::text "
      "END AS age, md5(g::text) AS email, 'n' AS note FROM generate_series(1, " +
          std::to_string(people) +
          ") g; ALTER TABLE people ADD PRIMARY KEY (id); CREATE INDEX ON people (email); CREATE INDEX ON "
          "people (note)");
}

/// Four writers, each on rows of its own: the old side, the new side, and columns that have nothing to do with either.
class AgeWriters {
 public:
  AgeWriters(const std::string& uri, unsigned seed) {
    for (unsigned i = 0; i < 4; ++i) threads_.emplace_back([this, uri, i, seed] { write(uri, i, seed + i); });
  }
  ~AgeWriters() { stop(); }
  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  /// What was acknowledged last, by id. After stop().
  const std::map<long, int>& written() const { return written_; }
  const std::string& failure() const { return failure_; }

 private:
  void write(const std::string& uri, unsigned number, unsigned seed) {
    std::mt19937 random(seed);
    try {
      const auto session = postgres::connect({.database = uri, .application_name = "shop"});
      while (!stopping_) {
        // Ids that leave the rest `number` by ten; the new side only where it is there already.
        const long id = 10 * static_cast<long>(random() % (people / 10)) + number + 1;
        const int value = static_cast<int>(random() % 90);
        const std::string set = number == 0   ? "age = " + quote_literal(std::to_string(value))
                                : number == 1 ? "years = " + std::to_string(value)
                                : number == 2 ? "note = 'n" + std::to_string(value) + "'"
                                              : "email = md5('" + std::to_string(value) + "'), note = 'm'";
        session->exec("UPDATE public.people SET " + set + " WHERE id = " + std::to_string(id));
        if (number > 1) continue;
        const std::lock_guard lock(mutex_);
        written_[id] = value;
      }
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex_);
      failure_ = error.what();
    }
  }

  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::map<long, int> written_;
  std::string failure_;
};

}  // namespace

TEST_CASE("two hundred SIGKILLs of four workers lose no row, overwrite none, and quarantine just the bad ones",
          "[fault]") {
  const Repaired repaired;
  const unsigned from = worker_seed();
  std::mt19937 random(from);
  int kills = 0;
  for (unsigned round = 0; kills < 200; ++round) {
    CAPTURE(round, kills);
    const std::string uri = server().fresh_database();
    make_people(uri);
    Tool tool(uri, Tool::default_configuration() +
                       "backfill: { workers: 4, batch: { target: 4ms }, quarantine: { rows: 1000, share: 100% } }\n");
    tool.plan(R"yaml(plan: ages
expand:
  - add_column: { table: people, name: years, type: int }
migrate:
  - backfill: { table: people, set: { years: "age::int" }, reverse: { age: "years::text" } }
)yaml");
    REQUIRE(tool.run({"run", "plan.yaml", "--to", "expanded"}).exit_code == 0);
    AgeWriters writers(uri, from + 10 * round);
    for (;;) {
      const auto runner = tool.start({"run", "plan.yaml"});
      const auto ended =
          runner->wait(kills < 200 ? std::chrono::milliseconds(60 + random() % 200) : std::chrono::minutes(3));
      if (ended) {
        INFO(runner->err());
        REQUIRE((*ended == 0 || *ended == 7));
        if (*ended == 0) break;
        continue;
      }
      REQUIRE(kills < 200);  // else it did not end by itself
      runner->signal(SIGKILL);
      runner->wait(std::chrono::seconds(10));
      ++kills;
    }
    writers.stop();
    CHECK(writers.failure().empty());

    long overwritten = 0;
    const auto session = postgres::connect({.database = uri});
    const auto rows = session->exec("SELECT id, age, years FROM public.people WHERE id % 10 IN (1, 2)");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto written = writers.written().find(rows.integer(i, 0));
      if (written == writers.written().end()) continue;
      const std::string value = std::to_string(written->second);
      overwritten += rows.text(i, 1) != value || rows.text(i, 2) != value;
    }
    CHECK(overwritten == 0);
    CHECK(writers.written().size() > 100);
    CHECK(server().sql(uri, "SELECT count(*) FROM people WHERE age <> 'unknown' AND years IS DISTINCT FROM age::int") ==
          "0");
    CHECK(
        server().sql(uri,
                     "SELECT count(*) FROM people p FULL JOIN (SELECT (key->>'id')::bigint AS id FROM "
                     "switchback.quarantine WHERE status = 'open') q USING (id) WHERE (p.age = 'unknown') IS DISTINCT "
                     "FROM (q.id IS NOT NULL)") == "0");
  }
}

}  // namespace switchback::tests
