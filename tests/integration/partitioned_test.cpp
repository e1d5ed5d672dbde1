#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;

TEST_CASE("a table with partitions of partitions goes the whole way, and back from contracted", "[partitioned]") {
  const std::string uri = server().fresh_database();
  const auto sql = [&](const std::string& text) { return server().sql(uri, text); };
  sql("CREATE EXTENSION pg_stat_statements;"
      "CREATE TABLE \"Visits\" (id bigint, at date, \"Full Name\" text NOT NULL, PRIMARY KEY (id, at)) PARTITION BY "
      "RANGE (at);"
      "CREATE SCHEMA \"Old Data\";"
      "CREATE TABLE \"Old Data\".\"Visits 2024\" PARTITION OF \"Visits\" FOR VALUES FROM ('2024-01-01') TO "
      "('2025-01-01');"
      "CREATE TABLE visits_2025 PARTITION OF \"Visits\" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY "
      "HASH (id);"
      "CREATE TABLE visits_2025_0 PARTITION OF visits_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE visits_2025_1 PARTITION OF visits_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "CREATE INDEX visits_name ON \"Visits\" (\"Full Name\");"
      "INSERT INTO \"Visits\" SELECT i, '2024-03-01'::date + i % 600, 'First' || i || ' Last' || i FROM "
      "generate_series(1, 3000) i");
  Tool tool(uri);
  PlanView view(uri);
  tool.plan(R"yaml(plan: names
images: { before: shop:v41, after: shop:v42 }
expand:
  - add_column: { table: '"Visits"', name: '"First Name"', type: text }
  - add_column: { table: '"Visits"', name: rest, type: text }
migrate:
  - backfill:
      table: '"Visits"'
      set: { '"First Name"': "split_part(\"Full Name\", ' ', 1)", rest: "split_part(\"Full Name\", ' ', 2)"
}
      reverse: { '"Full Name"': "concat_ws(' ', \"First Name\", rest)" }
  - create_index: { table: '"Visits"', columns: ['"First Name"'], name: first_idx }
contract:
  observe: 1s
  soak: 0s
  allow_silent: [visits_name]
  steps:
    - drop_column: { table: '"Visits"', name: '"Full Name"' }
)yaml");
  const auto run = [&](const std::string& state) {
    const auto outcome =
        tool.run(state == "restore" ? std::vector<std::string>{"restore", "names", "--yes"} : tool.run_to(state));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  };
  run("migrated");
  CHECK(sql("SELECT count(*) FROM \"Visits\" WHERE \"First Name\" = 'First' || id AND rest = 'Last' || id") == "3000");
  CHECK(sql("SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid IN (SELECT relid FROM "
            "pg_partition_tree('first_idx'))") == "t");
  // A partition made meanwhile, and a row that moves between partitions.
  sql("CREATE TABLE visits_2026 PARTITION OF \"Visits\" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')");
  sql("INSERT INTO \"Visits\" (id, at, \"Full Name\") VALUES (5000, '2026-02-02', 'Old ShopImage')");
  sql("INSERT INTO \"Visits\" (id, at, \"First Name\", rest) VALUES (5001, '2026-02-02', 'New', 'ShopImage')");
  sql("UPDATE \"Visits\" SET at = '2026-03-03', \"Full Name\" = 'Moved Far' WHERE id = 1");
  CHECK(sql("SELECT \"First Name\" || '/' || rest FROM \"Visits\" WHERE id = 5000") == "Old/ShopImage");
  CHECK(sql("SELECT \"Full Name\" FROM \"Visits\" WHERE id = 5001") == "New ShopImage");
  CHECK(sql("SELECT \"First Name\" || '/' || rest FROM \"Visits\" WHERE id = 1") == "Moved/Far");

  run("contracted");
  sql("INSERT INTO \"Visits\" (id, at, \"First Name\", rest) VALUES (5002, '2025-06-06', 'Born', 'Since')");
  sql("UPDATE \"Visits\" SET at = '2025-07-07' WHERE id = 2");
  run("restore");
  CHECK(sql("SELECT count(*) FROM \"Visits\" WHERE \"Full Name\" = 'First' || id || ' Last' || id AND id BETWEEN 2 "
            "AND 3000") == "2999");
  CHECK(sql("SELECT string_agg(\"Full Name\", ', ' ORDER BY id) FROM \"Visits\" WHERE id IN (1, 5000, 5001, 5002)") ==
        "Moved Far, Old ShopImage, New ShopImage, Born Since");
  CHECK(sql("SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid IN (SELECT relid FROM "
            "pg_partition_tree('visits_name'))") == "t");
  CHECK(tool.run({"verify", "names"}).exit_code == 0);
}
