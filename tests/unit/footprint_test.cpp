#include "switchback/postgres/footprint.hpp"

#include <algorithm>

#include "catch.hpp"

using namespace switchback;
using postgres::KnownColumns;

namespace {

const KnownColumns known{{{"public", "users"}, {"id", "full_name", "email"}},
                         {{"public", "orders"}, {"id", "user_id", "total"}},
                         {{"sales", "items"}, {"order_id", "sku"}}};

std::string joined(std::vector<std::string> names, bool all) {
  std::ranges::sort(names);
  std::string text = all ? "*" : "";
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

/// `users r:email id w:full_name insert:named(full_name)`, tables sorted, then `?` for each thing that is unclear.
std::string needs(const std::vector<std::string>& statements) {
  Footprint footprint;
  postgres::add_statements(footprint, statements, known);
  std::vector<std::string> lines;
  for (const TableUse& use : footprint.tables) {
    std::string line = shown(use.table);
    const std::string reads = joined(use.reads, use.reads_all);
    const std::string writes = joined(use.writes, use.writes_all);
    if (!reads.empty()) line += " r:" + reads;
    if (!writes.empty()) line += " w:" + writes;
    if (use.insert != InsertForm::none)
      line += " insert:" + std::string(name(use.insert)) + "(" + joined(use.supplies, false) + ")";
    lines.push_back(line);
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : " | ") + line;
  for (std::size_t i = 0; i < footprint.unclear.size(); ++i) text += " ?";
  return text;
}

std::string needs(const std::string& statement) {
  return needs(std::vector<std::string>{statement});
}

}  // namespace

TEST_CASE("a query reads the columns it names, by alias, bare, and of outer queries", "[footprint]") {
  CHECK(needs("SELECT id, full_name FROM users WHERE email = $1") == "users r:email full_name id");
  CHECK(needs("SELECT u.id FROM public.users AS u ORDER BY u.full_name") == "users r:full_name id");
  CHECK(needs("SELECT o.total FROM orders o TABLESAMPLE SYSTEM (10) REPEATABLE (1)") == "orders r:total");
  CHECK(needs("SELECT total FROM orders o JOIN users u ON u.id = o.user_id") == "orders r:total user_id | users r:id");
  CHECK(needs("SELECT 1 FROM users u WHERE EXISTS (SELECT 1 FROM orders WHERE user_id = u.id AND email = 'x')") ==
        "orders r:user_id | users r:email id");
  CHECK(needs("SELECT sku FROM sales.items") == "sales.items r:sku");
  CHECK(needs("SELECT total FROM orders JOIN sales.items USING (order_id)") ==
        "orders r:order_id total | sales.items r:order_id");
  CHECK(needs("SELECT ctid, tableoid FROM users") == "users");
}

TEST_CASE("stars, whole rows and natural joins are every column", "[footprint]") {
  CHECK(needs("SELECT * FROM users") == "users r:*");
  CHECK(needs("SELECT o.id, u.* FROM users u, orders o") == "orders r:id | users r:*");
  CHECK(needs("SELECT row_to_json(u) FROM users u") == "users r:*");
  CHECK(needs("SELECT users.total FROM orders AS users NATURAL JOIN sales.items") ==
        "orders r:* total | sales.items r:*");
}

TEST_CASE("a column that is not there yet is the only table's it can be of, else unclear", "[footprint]") {
  CHECK(needs("SELECT first_name FROM users") == "users r:first_name");
  CHECK(needs("SELECT u.first_name FROM users u, orders o") == "orders | users r:first_name");
  CHECK(needs("SELECT first_name FROM users, orders") == "orders | users ?");
  CHECK(needs("SELECT x.first_name FROM users") == "users ?");
}

TEST_CASE("what WITH, subqueries and select lists name is no column of a table", "[footprint]") {
  CHECK(needs("WITH gone AS (DELETE FROM orders WHERE total = 0 RETURNING user_id AS who) "
              "SELECT who, users.email FROM gone JOIN users ON users.id = who") ==
        "orders r:total user_id | users r:email id");
  CHECK(needs("SELECT n FROM (SELECT count(*) AS n FROM orders) AS t") == "orders");
  CHECK(needs("SELECT lower(email) AS mail FROM users ORDER BY mail") == "users r:email");
  CHECK(needs("WITH RECURSIVE t AS (SELECT id FROM users UNION ALL SELECT t.id + 1 FROM t) SELECT * FROM t") ==
        "users r:id");
  CHECK(needs("SELECT g FROM generate_series(1, 3) AS g") == "");
}

TEST_CASE("writes name their columns; each insert is counted on for what all of them give", "[footprint]") {
  CHECK(needs("INSERT INTO users (id, full_name) VALUES ($1, $2)") ==
        "users w:full_name id insert:named(full_name id)");
  CHECK(needs(std::vector<std::string>{"INSERT INTO users (id, full_name) VALUES ($1, $2)",
                                       "INSERT INTO users (id, email) VALUES ($1, $2)"}) ==
        "users w:email full_name id insert:named(id)");
  CHECK(needs("INSERT INTO users (id, email) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET email = excluded.email, "
              "full_name = users.full_name RETURNING *") ==
        "users r:* email full_name id w:email full_name id insert:named(email id)");
  CHECK(needs("UPDATE users SET full_name = $1 FROM orders o WHERE o.user_id = users.id") ==
        "orders r:user_id | users r:id w:full_name");
  CHECK(needs("DELETE FROM users WHERE email IS NULL") == "users r:email");
  CHECK(needs("INSERT INTO users DEFAULT VALUES") == "users insert:named()");
}

TEST_CASE("inserts without columns go by position, as far as the values reach", "[footprint]") {
  CHECK(needs("INSERT INTO users VALUES ($1, $2)") == "users w:full_name id insert:positional(full_name id)");
  CHECK(needs("INSERT INTO users SELECT id, total::text FROM orders") ==
        "orders r:id total | users w:full_name id insert:positional(full_name id)");
  CHECK(needs("COPY users FROM STDIN") == "users w:email full_name id insert:copy(email full_name id)");
  CHECK(needs("COPY users (id, email) FROM STDIN") == "users w:email id insert:named(email id)");
  CHECK(needs("COPY users TO STDOUT") == "users r:*");
  CHECK(needs("INSERT INTO elsewhere VALUES (1)") == "elsewhere ?");
  CHECK(needs("INSERT INTO users VALUES (1, 2, 3, 4)") == "users ?");
}

TEST_CASE("what cannot be understood is said, never left out", "[footprint]") {
  CHECK(needs("SELEC id FROM users") == " ?");
  CHECK(needs("CREATE INDEX ON users (email)") == " ?");
  CHECK(needs("DO $$ BEGIN EXECUTE 'SELECT 1'; END $$") == " ?");
  CHECK(needs("SELECT id INTO kept FROM users") == "users r:id ?");
  CHECK(needs("BEGIN; SELECT id FROM users; COMMIT") == "users r:id");
  CHECK(needs("PREPARE p AS SELECT id FROM users") == "users r:id");
  CHECK(needs("SELECT relname FROM pg_catalog.pg_class") == "");
  CHECK(needs("SELECT '" + std::string(30'000, 'x') + "'") == " ?");
}

TEST_CASE("tables are told without knowing their columns", "[footprint]") {
  CHECK(postgres::tables_in({"SELECT a FROM x TABLESAMPLE SYSTEM (1)"}) == std::set<TableName>{{"public", "x"}});
  CHECK(postgres::tables_in({"SELECT a FROM x JOIN s.y USING (b)", "DELETE FROM z"}) ==
        std::set<TableName>{{"public", "x"}, {"s", "y"}, {"public", "z"}});
}

TEST_CASE("functions, types and deletes of statements are needs too", "[footprint]") {
  Footprint footprint;
  postgres::add_statements(
      footprint,
      {"SELECT shop.taxed(total), lower('X')::order_status FROM orders",
       "DELETE FROM orders WHERE user_id IN (SELECT id FROM users)", "SELECT 1::integer, $1::sales.mood"},
      known);
  CHECK(footprint.functions == std::vector<TableName>{{"shop", "taxed"}, {"", "lower"}});
  CHECK(footprint.types == std::vector<TableName>{{"", "order_status"}, {"sales", "mood"}});
  CHECK(use_of(footprint, {"public", "orders"}).deletes);
  CHECK_FALSE(use_of(footprint, {"public", "users"}).deletes);
}

TEST_CASE("what an ON CONFLICT rests on is a need: columns, an expression, a predicate, or a constraint",
          "[footprint]") {
  Footprint footprint;
  postgres::add_statements(
      footprint,
      {"INSERT INTO users (id, email) VALUES (1, 'a') ON CONFLICT (email, id) DO NOTHING",
       "INSERT INTO users (id) VALUES (1) ON CONFLICT (lower(email)) WHERE id > 0 DO UPDATE SET email = 'a'",
       "INSERT INTO users (id) VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING",
       "INSERT INTO users (id) VALUES (1) ON CONFLICT DO NOTHING"},
      known);
  CHECK(use_of(footprint, {"public", "users"}).conflicts ==
        std::vector<ConflictTarget>{{{"email", "id"}, false, ""}, {{""}, true, ""}, {{}, false, "users_pkey"}});
}

TEST_CASE("a literal NULL that is written is told from a parameter", "[footprint]") {
  const auto nulls = [](const std::string& statement) {
    Footprint footprint;
    postgres::add_statements(footprint, {statement}, known);
    return joined(use_of(footprint, {"public", "users"}).nulls, false);
  };
  CHECK(nulls("UPDATE users SET full_name = NULL, email = $1") == "full_name");
  CHECK(nulls("INSERT INTO users (id, email, full_name) VALUES (1, 'a', 'b'), (2, NULL::text, 'c')") == "email");
  CHECK(nulls("INSERT INTO users VALUES ($1, NULL)") == "full_name");
  CHECK(nulls("INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET email = NULL") == "email");
  CHECK(nulls("UPDATE users SET full_name = NULLIF($1, '') WHERE email IS NULL").empty());
}

TEST_CASE("a table's row as a type is its columns, and a field of it that column", "[footprint]") {
  CHECK(needs("SELECT (NULL::users).full_name") == "users r:full_name");
  CHECK(needs("SELECT * FROM json_populate_record(NULL::users, $1)") == "users r:*");
  CHECK(needs("SELECT (NULL::sales.items).sku, NULL::text") == "sales.items r:sku");
  CHECK(postgres::tables_in({"SELECT NULL::users"}) == std::set<TableName>{{"public", "users"}});
}

TEST_CASE("relations that stand in strings are needs", "[footprint]") {
  Footprint footprint;
  postgres::add_statements(
      footprint,
      {"SELECT nextval('ids'), currval('sales.\"Order Ids\"'::regclass), setval('Ids'::text, 1)",
       "SELECT 'users'::regclass, CAST('pg_catalog.pg_class' AS regclass), '17'::regclass, $1::regclass",
       "SELECT nextval($1)"},
      known);
  CHECK(footprint.sequences == std::vector<TableName>{{"", "ids"}, {"sales", "Order Ids"}});
  CHECK(footprint.relations == std::vector<TableName>{{"sales", "Order Ids"}, {"", "users"}});
}

TEST_CASE("EXISTS asks for no column through its star, and an output is no column", "[footprint]") {
  CHECK(needs("SELECT EXISTS (SELECT * FROM users WHERE id = 1)") == "users r:id");
  CHECK(needs("SELECT id FROM orders o WHERE NOT EXISTS (SELECT u.* FROM users u WHERE u.id = o.user_id)") ==
        "orders r:id user_id | users r:id");
  CHECK(needs("SELECT id IN (SELECT * FROM users) FROM orders") == "orders r:id | users r:*");
  CHECK(needs("SELECT email || '' AS full_name FROM users ORDER BY full_name") == "users r:email");
  CHECK(needs("SELECT email AS full_name, count(*) FROM users GROUP BY full_name") == "users r:email");
  CHECK(needs("SELECT email AS full_name FROM users ORDER BY lower(full_name)") == "users r:email full_name");
}

TEST_CASE("an alias with names for columns reads the columns that it names anew", "[footprint]") {
  CHECK(needs("SELECT b FROM users AS u (a, b) WHERE u.a = 1 AND email = 'x'") == "users r:email full_name id");
  CHECK(needs("SELECT total FROM users AS u (total)") == "users r:id");
}

TEST_CASE("procedures, blocks, refreshes and maintenance are told as far as they can be", "[footprint]") {
  Footprint footprint;
  postgres::add_statements(footprint, {"CALL sales.close_day($1)"}, known);
  CHECK(footprint.functions == std::vector<TableName>{{"sales", "close_day"}});
  CHECK(needs("DO $$ DECLARE n text; BEGIN SELECT full_name INTO n FROM users; DELETE FROM orders WHERE total = 0; END "
              "$$") == "orders r:total | users r:full_name");
  CHECK(needs("REFRESH MATERIALIZED VIEW CONCURRENTLY sales.items") == "sales.items");
  CHECK(needs("SELECT id INTO TEMP kept FROM users") == "users r:id");
  CHECK(needs("VACUUM ANALYZE users (email), orders") == "orders | users r:email");
}
