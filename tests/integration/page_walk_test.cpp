#include <atomic>
#include <thread>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/postgres/session.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;

namespace {

constexpr const char* fill_plan = R"yaml(plan: fill
expand:
  - add_column: { table: users, name: full_name, type: text }
migrate:
  - backfill:
      table: users
      set: { full_name: "first_name || ' ' || last_name" }
      reverse: { first_name: "split_part(full_name, ' ', 1)", last_name: "split_part(full_name, ' ', 2)" }
)yaml";

void make_users(const std::string& uri, int rows, const std::string& with = "") {
  server().sql(uri, "CREATE TABLE users " + with +
                        " AS SELECT g::bigint AS id, 'First' || g % 1000 AS first_name, 'Last' || g AS last_name, "
                        "md5(g::text) AS email, 'city' || g % 77 AS city FROM generate_series(1, " +
                        std::to_string(rows) +
                        ") g; ALTER TABLE users ADD PRIMARY KEY (id); CREATE INDEX users_email ON users (email); "
                        "CREATE INDEX users_city ON users (city)");
  server().sql(uri, "VACUUM ANALYZE users");
}

std::string wrong_users(const std::string& uri) {
  return server().sql(uri,
                      "SELECT count(*) FROM users WHERE full_name IS DISTINCT FROM first_name || ' ' || last_name");
}

std::string filled_windows(const std::string& uri, const std::string& what) {
  return server().sql(uri, "SELECT " + what + " FROM switchback.checkpoint WHERE step LIKE 'backfill%'");
}

}  // namespace

TEST_CASE("most rows of a table with secondary indexes are filled without telling its indexes", "[backfill][pages]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 150000, "WITH (autovacuum_enabled = off)");
  const double before = std::stod(server().sql(uri, "SELECT pg_relation_size('users')"));
  Tool tool(uri);
  tool.plan(fill_plan);
  const auto outcome = tool.run({"run", "plan.yaml"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(wrong_users(uri) == "0");
  CHECK(eventually(std::chrono::seconds(10), [&] {
    return server().sql(uri,
                        "SELECT n_tup_hot_upd > 0.5 * n_tup_upd AND n_tup_upd = 150000 FROM pg_stat_user_tables WHERE "
                        "relname = 'users'") == "t";
  }));
  CHECK(std::stod(server().sql(uri, "SELECT pg_relation_size('users')")) < 1.6 * before);
}

TEST_CASE("with a transaction that holds the horizon, several passes give way to one", "[backfill][pages]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 200000);
  const auto holder = postgres::connect({.database = uri});
  holder->exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_catalog.pg_class");
  Tool tool(uri);
  tool.plan(fill_plan);
  REQUIRE(tool.run({"run", "plan.yaml"}).exit_code == 0);
  holder->exec("ROLLBACK");
  CHECK(wrong_users(uri) == "0");
  CHECK(filled_windows(uri, "bool_or((cursor->>'passes')::int = 1)") == "t");
}

TEST_CASE("four workers fill a table and its partitions, each row once", "[backfill][pages]") {
  const std::string uri = server().fresh_database();
  server().sql(
      uri,
      "CREATE TABLE users (id bigint PRIMARY KEY, first_name text, last_name text, email text) PARTITION BY "
      "RANGE (id); CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (0) TO (90000); CREATE TABLE users_2 "
      "PARTITION OF users FOR VALUES FROM (90000) TO (95000); CREATE TABLE users_3 PARTITION OF users DEFAULT; "
      "INSERT INTO users SELECT g, 'First' || g, 'Last' || g, md5(g::text) FROM generate_series(1, 150000) g; "
      "CREATE INDEX ON users (email)");
  Tool tool(uri, Tool::default_configuration() + "backfill: { workers: 4 }\n");
  tool.plan(fill_plan);
  const auto outcome = tool.run({"run", "plan.yaml"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(wrong_users(uri) == "0");
  CHECK(filled_windows(uri, "sum(rows_done)") == "150000");
  CHECK(filled_windows(uri, "count(DISTINCT split_part(part, ' #', 2)) > 2") == "t");  // more than one worker had work
}

TEST_CASE("a table that VACUUM FULL rewrites during its backfill is filled all the same", "[backfill][pages]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 200000);
  Tool tool(uri, Tool::default_configuration() + "backfill: { workers: 2, batch: { target: 2ms } }\n");
  tool.plan(fill_plan);
  const auto run = tool.start({"run", "plan.yaml"});
  const auto filled = [&] {
    return std::stol("0" + server().sql(uri, "SELECT coalesce(sum(rows_done), 0) FROM switchback.checkpoint"));
  };
  REQUIRE(eventually(std::chrono::seconds(60), [&] {
    return server().sql(uri, "SELECT to_regclass('switchback.checkpoint') IS NOT NULL") == "t" && filled() > 20000;
  }));
  server().sql(uri, "VACUUM FULL users");
  CHECK(filled() < 200000);  // else it was over before
  const auto outcome = run->finish(std::chrono::seconds(120));
  REQUIRE(outcome.exit_code == 0);
  CHECK(wrong_users(uri) == "0");
  CHECK(filled_windows(uri, "count(DISTINCT cursor->>'file')") == "1");
}

TEST_CASE("rows that writers move about while several workers pass are all filled", "[backfill]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 100000);
  std::atomic<bool> over{false};
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i)
    writers.emplace_back([&, i] {
      const auto session = postgres::connect({.database = uri, .application_name = "shop:v1"});
      session->exec("SET lock_timeout = 0");
      for (int n = i; !over; n += 7919)
        session->exec(
            "UPDATE public.users SET city = 'moved' || $2::text, email = md5($2::text) WHERE id = $1 % 100000 + 1",
            {std::to_string(n), std::to_string(n)});
    });
  Tool tool(uri, Tool::default_configuration() + "backfill: { workers: 3 }\n");
  tool.plan(fill_plan);
  const auto outcome = tool.run({"run", "plan.yaml"});
  over = true;
  for (std::thread& writer : writers) writer.join();
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(wrong_users(uri) == "0");
}

TEST_CASE("the number of workers follows what is set while it runs", "[backfill][pages]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 300000);
  Tool tool(uri, Tool::default_configuration() + "backfill: { gentle: on }\n");
  tool.plan(fill_plan);
  const auto run = tool.start({"run", "plan.yaml"});
  const auto runners = [&] {
    return server().sql(uri,
                        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'switchback runner' AND "
                        "datname = current_database()");
  };
  REQUIRE(eventually(std::chrono::seconds(30), [&] { return runners() == "2"; }));  // the runner's own and one worker
  REQUIRE(tool.run({"set", "fill", "backfill.workers=4", "backfill.gentle=off"}).exit_code == 0);
  CHECK(eventually(std::chrono::seconds(10), [&] { return runners() == "5"; }));
  REQUIRE(run->finish(std::chrono::seconds(120)).exit_code == 0);
  CHECK(wrong_users(uri) == "0");
}

TEST_CASE("rows that cannot be converted are quarantined one by one, whichever pass meets them", "[backfill]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 50000);
  server().sql(uri,
               "ALTER TABLE users ADD age text; UPDATE users SET age = CASE WHEN id % 9973 = 0 THEN 'old' ELSE '7' "
               "END");
  server().sql(uri, "VACUUM FULL users");
  Tool tool(uri, Tool::default_configuration() + "backfill: { workers: 2 }\n");
  tool.plan(R"yaml(plan: ages
expand:
  - add_column: { table: users, name: years, type: int }
migrate:
  - backfill: { table: users, set: { years: "age::int" } }
)yaml");
  const auto outcome = tool.run({"run", "plan.yaml"});
  INFO(outcome.err);
  CHECK(server().sql(uri, "SELECT string_agg(key->>'id', ',' ORDER BY (key->>'id')::int) FROM switchback.quarantine") ==
        "9973,19946,29919,39892,49865");
  CHECK(server().sql(uri, "SELECT count(*) FROM users WHERE years = 7") == "49995");

  // One is mended behind the triggers' back and tried again, some are accepted by a condition, the rest stays.
  server().sql(uri,
               "SET session_replication_role = replica; ALTER TABLE users DISABLE TRIGGER \"~switchback_u\"; UPDATE "
               "users SET age = '42' WHERE id = 9973; ALTER TABLE users ENABLE ALWAYS TRIGGER \"~switchback_u\"");
  const auto statuses = [&] {
    return server().sql(uri, "SELECT string_agg(status, ',' ORDER BY (key->>'id')::int) FROM switchback.quarantine");
  };
  const auto retried = tool.run({"quarantine", "ages", "retry"});
  INFO(retried.err + retried.out);
  CHECK(retried.exit_code == 0);
  CHECK(server().sql(uri, "SELECT years FROM users WHERE id = 9973") == "42");
  CHECK(statuses() == "mended,open,open,open,open");
  CHECK(tool.run({"quarantine", "ages", "accept", "--where", "nonsense = 1", "--reason", "x"}).exit_code == 4);
  const auto accepted =
      tool.run({"quarantine", "ages", "accept", "--where", "age = 'old' AND id < 30000", "--reason", "test accounts"});
  INFO(accepted.err);
  CHECK(accepted.exit_code == 0);
  CHECK(statuses() == "mended,accepted,accepted,open,open");
  CHECK(server().sql(uri,
                     "SELECT count(*) FROM switchback.event WHERE kind = 'accept' AND reason = 'test accounts' AND "
                     "detail->>'where' = 'age = ''old'' AND id < 30000'") == "2");
  CHECK(server().sql(uri, "SELECT count(*) FROM switchback.event WHERE kind = 'mended'") == "1");
}

TEST_CASE("rows whose conversion failed are converted by retry once the function that it calls is mended",
          "[backfill]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 4000);
  server().sql(uri,
               "CREATE FUNCTION public.town(text) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 = "
               "'city0' THEN 1 / (length($1) - 5) ELSE substr($1, 5)::int END $$");
  Tool tool(uri, Tool::default_configuration() + "backfill: { quarantine: { share: 10% } }\n");
  tool.plan(R"yaml(plan: towns
expand:
  - add_column: { table: users, name: town, type: int }
migrate:
  - backfill: { table: users, set: { town: "public.town(city)" } }
)yaml");
  REQUIRE(tool.run({"run", "plan.yaml"}).exit_code == 0);
  CHECK(server().sql(uri, "SELECT count(*) FROM switchback.quarantine WHERE status = 'open' AND sqlstate = '22012'") ==
        "51");
  server().sql(uri,
               "CREATE OR REPLACE FUNCTION public.town(text) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT "
               "substr($1, 5)::int $$");
  const auto retried = tool.run({"quarantine", "towns", "retry"});
  CHECK_THAT(retried.err, Catch::Contains("converted 51 rows, 0 still cannot be, 0 left open"));
  CHECK(server().sql(uri, "SELECT count(*) FROM users WHERE town IS DISTINCT FROM substr(city, 5)::int") == "0");
}

TEST_CASE("a pause is heard by every worker within 200 ms", "[backfill][timing]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 900000);
  Tool tool(uri, Tool::default_configuration() + "backfill: { workers: 2 }\n");
  tool.plan(fill_plan);
  const auto run = tool.start({"run", "plan.yaml"});
  const auto filled = [&] {
    return server().sql(uri, "SELECT coalesce(sum(rows_done), 0) FROM switchback.checkpoint");
  };
  REQUIRE(eventually(std::chrono::seconds(60), [&] {
    return server().sql(uri, "SELECT to_regclass('switchback.checkpoint') IS NOT NULL") == "t" && filled() != "0";
  }));
  // From the server's own clock: when it was asked to pause, and when the last batch was done. The median of five,
  // since a disk may take its time over one commit.
  int heard = 0;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(tool.run({"pause", "fill", "--reason", "test"}).exit_code == 0);
    REQUIRE(eventually(std::chrono::seconds(10), [&] { return tool.status("fill").hold_kind == "operator"; }));
    heard += server().sql(uri,
                          "SELECT (SELECT max(updated_at) FROM switchback.checkpoint) - (SELECT max(at) FROM "
                          "switchback.request WHERE kind = 'pause') < interval '200 ms'") == "t";
    const std::string then = filled();
    REQUIRE(tool.run({"resume", "fill"}).exit_code == 0);
    REQUIRE(eventually(std::chrono::seconds(10), [&] { return filled() != then; }));
  }
  CHECK(heard >= 3);
  REQUIRE(run->finish(std::chrono::seconds(120)).exit_code == 0);
  CHECK(wrong_users(uri) == "0");
}

TEST_CASE("what a backfill leaves dead is vacuumed, and what the table has grown by is reported", "[backfill]") {
  const bool wanted = GENERATE(true, false);
  const std::string uri = server().fresh_database();
  make_users(uri, 60000, "WITH (autovacuum_enabled = off)");
  const std::string before = server().sql(uri, "SELECT pg_table_size('users')");
  Tool tool(uri, Tool::default_configuration() + "backfill: { vacuum: " + (wanted ? "on" : "off") + " }\n");
  tool.plan(fill_plan);
  const auto run = tool.run({"run", "plan.yaml"});
  REQUIRE(run.exit_code == 0);
  CHECK_THAT(run.err, Catch::Contains("public.users: 60,000 rows in ") || Catch::Contains("users: 60,000 rows in "));
  CHECK_THAT(run.err, Catch::Contains("; table ") && Catch::Contains("; indexes "));
  CHECK(server().sql(uri, "SELECT detail->>'table_bytes' FROM switchback.step WHERE name LIKE 'backfill%'") == before);
  CHECK(server().sql(uri,
                     "SELECT count(*) FROM switchback.event WHERE kind = 'backfilled' AND reason LIKE '%users: "
                     "60,000 rows in %'") == "1");
  // The statistics arrive when the session that counted them has ended.
  CHECK(eventually(std::chrono::seconds(10), [&] {
    return server().sql(uri, "SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'users'") ==
           (wanted ? "2" : "1");  // one of them is the test's own
  }));
}

TEST_CASE("outside its hours a backfill waits, and says so", "[backfill]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 3000);
  // An hour that is over, and one that is not, by the server's own clock in a zone of its own.
  const auto hours = [&](int from, int to) {
    return server().sql(uri, "SELECT to_char(t + interval '" + std::to_string(from) +
                                 " h', 'HH24:MI') || '-' || to_char(t + interval '" + std::to_string(to) +
                                 " h', 'HH24:MI') || ' Asia/Tokyo' FROM (SELECT now() AT TIME ZONE 'Asia/Tokyo') s(t)");
  };
  Tool tool(uri, Tool::default_configuration() + "backfill: { hours: [\"" + hours(-3, -1) + "\"] }\n");
  tool.plan(fill_plan);
  const auto run = tool.start({"run", "plan.yaml"});
  REQUIRE(eventually(std::chrono::seconds(30), [&] { return tool.status("fill").hold_kind == "hours"; }));
  CHECK(server().sql(uri, "SELECT count(*) FROM users WHERE full_name IS NOT NULL") == "0");
  REQUIRE(tool.run({"set", "fill", "backfill.hours=" + hours(-1, 1)}).exit_code == 0);
  REQUIRE(run->finish(std::chrono::seconds(60)).exit_code == 0);
  CHECK(wrong_users(uri) == "0");
}

TEST_CASE("a replica that stands still leaves a backfill a trickle, long before a limit holds it", "[backfill][lag]") {
  const Repaired repaired;
  const std::string uri = server().fresh_database();
  make_users(uri, 300000);
  server().await_replica();
  Tool tool(uri, Tool::default_configuration() + "backfill: { batch: { target: 10ms } }\n");
  tool.plan(fill_plan);
  REQUIRE(tool.run({"run", "plan.yaml", "--to", "expanded"}).exit_code == 0);
  REQUIRE(tool.run({"set", "fill", "health.replication_lag.limit=1h", "health.replication_lag.target=200ms",
                    "health.grace=1h"})
              .exit_code == 0);
  const auto run = tool.start({"run", "plan.yaml"});
  server().freeze(process::Server::replica);
  REQUIRE(eventually(std::chrono::seconds(30), [&] {
    return server().sql(uri,
                        "SELECT progress->'slowed_by' @> '[]' AND progress->>'slowed_by' LIKE '%replicas take%' "
                        "FROM switchback.plan") == "t";
  }));
  const auto filled = [&] {
    return std::stol(server().sql(uri, "SELECT coalesce(sum(rows_done), 0) FROM switchback.checkpoint"));
  };
  const long then = filled();
  const auto seen = std::chrono::steady_clock::now();
  CHECK_FALSE(eventually(std::chrono::seconds(3), [&] { return filled() > then + 20000; }));  // at full speed: 200,000
  CHECK(std::chrono::steady_clock::now() - seen > std::chrono::seconds(2));
  CHECK(filled() < 300000);
  server().thaw(process::Server::replica);
  REQUIRE(run->finish(std::chrono::seconds(180)).exit_code == 0);
  CHECK(wrong_users(uri) == "0");
}
