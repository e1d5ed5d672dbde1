#include "switchback/postgres/statement_judge.hpp"

#include <string>

#include "statement_cases.hpp"

using namespace switchback;
using namespace switchback::postgres;
using namespace switchback::tests;

namespace {

JudgeTarget users_full_name() {
  JudgeTarget target;
  target.name = "full_name";
  target.relations = {{"public", "users"}, {"public", "users_2024"}};
  target.own_columns = {"id", "full_name", "first_name", "last_name", "email"};
  target.views = {{"public", "v_users"}};
  target.functions = {{"public", "greet"}};
  target.all_relations = {
      {"public", "users"}, {"public", "users_2024"}, {"public", "orders"}, {"public", "people"}, {"public", "v_users"}};
  target.with_column = {{"public", "users"}, {"public", "users_2024"}, {"public", "people"}};
  return target;
}

}  // namespace

TEST_CASE("a column named in a query is used", "[evidence]") {
  check(
      {{uses, "SELECT full_name FROM users WHERE id = $1"},
       {uses, "select U.FULL_NAME from public.USERS u"},
       {uses, "SELECT \"full_name\" FROM \"users\""},
       {uses, "SELECT id FROM users WHERE full_name = $1"},
       {uses, "SELECT id FROM users ORDER BY full_name"},
       {uses, "SELECT count(*) FROM users GROUP BY full_name"},
       {uses, "SELECT lower(u.full_name) FROM users u JOIN orders o ON o.user_id = u.id"},
       {uses, "SELECT full_name FROM users JOIN orders ON user_id = users.id"},
       {uses,
        "SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = o.user_id AND u.full_name = $1)"},
       {uses, "SELECT o.id FROM orders o WHERE o.name IN (SELECT full_name FROM users)"},
       {uses, "SELECT (SELECT u.full_name) FROM users u"},
       {uses, "SELECT public.users.full_name FROM public.users"},
       {uses, "WITH x AS (SELECT id, full_name FROM users) SELECT id FROM x"},
       {uses,
        "WITH RECURSIVE x AS (SELECT id, full_name FROM users UNION ALL SELECT id, full_name FROM x) SELECT 1 FROM x"},
       {uses, "SELECT first_name FROM users UNION SELECT full_name FROM users"},
       {uses, "SELECT rank() OVER (ORDER BY full_name) FROM users"},
       {uses, "SELECT x.full_name FROM users_2024 x"},
       {uses, "SELECT full_name FROM users TABLESAMPLE system ($1)"},
       {uses, "SELECT j.full_name FROM (users JOIN orders ON true) AS j"},
       {uses, "SELECT a FROM users AS u(a, b, c)"}},
      users_full_name());
}

TEST_CASE("the alias of a join hides what is inside it", "[evidence]") {
  check({{uses, "SELECT x.full_name FROM (orders x CROSS JOIN users d) AS x"},
         {uses, "DELETE FROM users USING (orders CROSS JOIN people users) AS a RETURNING users.*"},
         {clear, "SELECT x.full_name FROM users u, (orders x CROSS JOIN people p) AS x"},
         {ambiguous, "SELECT 1 FROM people users, (users JOIN orders ON users.full_name = $1) AS a"}},
        users_full_name());
}

TEST_CASE("whole rows use every column", "[evidence]") {
  check({{uses, "SELECT * FROM users"},
         {uses, "SELECT u.* FROM orders o, users u"},
         {uses, "SELECT public.users.* FROM public.users"},
         {uses, "TABLE users"},
         {uses, "SELECT u FROM users u"},
         {uses, "SELECT row_to_json(u) FROM users u"},
         {uses, "SELECT to_jsonb(users) FROM users"},
         {uses, "SELECT (u).full_name FROM users u"},
         {uses, "SELECT count(u.*) FROM users u"},
         {uses, "SELECT * FROM (SELECT * FROM users) s"},
         {uses, "SELECT * FROM json_populate_record(null::users, $1)"},
         {uses, "SELECT j.* FROM (users u JOIN orders o ON true) AS j"},
         {uses, "DELETE FROM users WHERE id = $1 RETURNING *"},
         {uses, "UPDATE users SET email = $1 RETURNING users.*"},
         {uses, "CREATE TABLE copy (LIKE users)"},
         {clear, "SELECT count(*) FROM users"},
         {clear, "SELECT s.* FROM (SELECT id FROM users) s"},
         {clear, "SELECT * FROM (SELECT id, first_name FROM users) s"},
         {clear, "SELECT 1 FROM orders o WHERE EXISTS (SELECT * FROM users u WHERE u.id = o.user_id)"},
         {clear, "WITH u AS (SELECT id FROM users) SELECT * FROM u"},
         {clear, "WITH users AS (SELECT 1 AS id) SELECT * FROM users"}},
        users_full_name());
}

TEST_CASE("writes use the columns they name, and all of them when they name none", "[evidence]") {
  check(
      {{uses, "INSERT INTO users VALUES ($1, $2)"},
       {uses, "INSERT INTO users SELECT id, name FROM people"},
       {uses, "INSERT INTO users (id, full_name) VALUES ($1, $2)"},
       {uses, "INSERT INTO users (id) VALUES ($1) RETURNING *"},
       {uses, "INSERT INTO users (id) VALUES ($1) RETURNING full_name"},
       {uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET full_name = $2"},
       {uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET email = excluded.full_name"},
       {uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (full_name) DO NOTHING"},
       {uses,
        "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET email = $2 WHERE users.full_name IS NULL"},
       {uses, "UPDATE users SET full_name = $1 WHERE id = $2"},
       {uses, "UPDATE users SET (email, full_name) = ($1, $2)"},
       {uses, "UPDATE users u SET email = u.full_name"},
       {uses, "UPDATE orders SET name = u.full_name FROM users u WHERE u.id = user_id"},
       {uses, "DELETE FROM users WHERE full_name LIKE $1"},
       {uses, "DELETE FROM orders USING users u WHERE u.full_name = orders.name"},
       {uses, "MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN UPDATE SET full_name = o.name"},
       {uses, "MERGE INTO users u USING orders o ON u.id = o.id WHEN NOT MATCHED THEN INSERT VALUES (o.id, o.name)"},
       {uses, "COPY users FROM STDIN"},
       {uses, "COPY users (id, full_name) TO STDOUT"},
       {uses, "COPY (SELECT full_name FROM users) TO STDOUT"},
       {clear, "COPY users (id, email) TO STDOUT"},
       {clear,
        "INSERT INTO users (id, first_name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET first_name = "
        "excluded.first_name"},
       {clear, "INSERT INTO users DEFAULT VALUES"},
       {clear, "INSERT INTO people (id, full_name) SELECT id, first_name FROM users"},
       {clear, "UPDATE users SET first_name = $1, last_name = $2 WHERE id = $3 RETURNING id"},
       {clear, "UPDATE people SET full_name = $1 WHERE id IN (SELECT id FROM users)"},
       {clear, "MERGE INTO users u USING orders o ON u.id = o.id WHEN NOT MATCHED THEN INSERT (id) VALUES (o.id)"},
       {clear, "DELETE FROM users WHERE id = $1"}},
      users_full_name());
}

TEST_CASE("the same name on another relation is not a use", "[evidence]") {
  check({{clear, "SELECT p.full_name FROM people p JOIN users u ON u.id = p.id"},
         {clear, "SELECT first_name AS full_name FROM users"},
         {clear, "SELECT first_name || ' ' || last_name AS full_name FROM users ORDER BY full_name"},
         {clear, "SELECT s.full_name FROM (SELECT first_name AS full_name FROM users) s"},
         {clear, "SELECT full_name FROM (SELECT first_name AS full_name FROM users) s"},
         {clear, "SELECT full_name FROM people WHERE id IN (SELECT id FROM users)"},
         {clear, "SELECT id FROM archive.users"},
         {clear, "SELECT full_name FROM people"},
         {clear, "SELECT 'users.full_name'"},
         {clear, "SELECT id FROM users -- not full_name"},
         {clear, "SELECT id FROM users u NATURAL JOIN orders"},
         {clear, "SELECT users.id FROM users JOIN orders USING (id)"},
         {uses, "SELECT 1 FROM users NATURAL JOIN people"},
         {uses, "SELECT 1 FROM users NATURAL JOIN users u"},
         {uses, "SELECT 1 FROM users JOIN people USING (full_name)"},
         {clear, "SELECT u.full_name_old FROM users u"}},
        users_full_name());
}

TEST_CASE("views and functions that read the column carry its use on", "[evidence]") {
  check({{uses, "SELECT id FROM v_users"},
         {uses, "SELECT greet($1)"},
         {uses, "SELECT * FROM orders, LATERAL public.greet(user_id)"},
         {uses, "UPDATE public.v_users SET id = $1"},
         {clear, "WITH v_users AS (SELECT 1 AS id) SELECT id FROM v_users"},
         {clear, "SELECT greeting FROM orders"}},
        users_full_name());
}

TEST_CASE("what may be meant is ambiguous, never clear", "[evidence]") {
  check({{ambiguous, "SELECT full_name FROM users, some_temporary_table"},
         {ambiguous, "SELECT (SELECT full_name FROM some_temporary_table) FROM users"},
         {ambiguous, "SELECT full_name FROM users, anything($1) f"},
         {ambiguous, "SELECT 1 FROM users NATURAL JOIN some_temporary_table"},
         {ambiguous, "ALTER TABLE users ALTER COLUMN full_name SET STATISTICS 500"},
         {ambiguous, "CREATE INDEX ON users (full_name)"},
         {ambiguous, "ALTER TABLE users RENAME COLUMN full_name TO other"},
         {unparsed, "SELECT full_name FRM users"},
         {unparsed, "SELECT id FROM users WHERE SOMETHING NEWER THAN (IT KNOWS"},
         {clear, "VACUUM users"},
         {clear, "LOCK TABLE users IN SHARE MODE"},
         {clear, "TRUNCATE users"},
         {clear, "COMMENT ON TABLE users IS 'full_name'"},
         {ambiguous, "COMMENT ON COLUMN public.users.full_name IS 'x'"},
         {clear, "GRANT SELECT ON users TO full_name"},
         {ambiguous, "GRANT SELECT (id, full_name) ON users TO somebody"},
         {clear, "CREATE INDEX full_name ON users (email)"},
         {clear, "ALTER TABLE orders ADD COLUMN full_name text, ADD FOREIGN KEY (user_id) REFERENCES users (id)"},
         {ambiguous, "ALTER TABLE orders ADD FOREIGN KEY (name) REFERENCES users (full_name)"},
         {clear, "SELECT FRM nothing of interest"}},
        users_full_name());
}

TEST_CASE("statements inside statements are read", "[evidence]") {
  check({{uses, "PREPARE q (int) AS SELECT full_name FROM users WHERE id = $1"},
         {uses, "EXPLAIN ANALYZE SELECT * FROM users"},
         {uses, "DECLARE c CURSOR FOR SELECT full_name FROM users"},
         {uses, "CREATE TABLE x AS SELECT full_name FROM users"},
         {uses, "CREATE VIEW w AS SELECT * FROM users"},
         {uses, "WITH gone AS (DELETE FROM users RETURNING *) SELECT count(*) FROM gone"},
         {uses, "SELECT 1; SELECT full_name FROM users"},
         {clear, "PREPARE q (int) AS SELECT first_name FROM users WHERE id = $1"},
         {uses, "COPY users (id, full_name, \"_switchback_split\") TO STDOUT"},
         {clear, "EXPLAIN (ANALYZE) /* switchback */ UPDATE users SET full_name = full_name"},
         {clear, "/* switchback */ UPDATE users SET full_name = full_name"}},
        users_full_name());
}

TEST_CASE("blocks and functions are read statement by statement", "[evidence]") {
  check(
      {{uses, "DO $$ BEGIN PERFORM full_name FROM users; END $$"},
       {uses, "DO $$ DECLARE u users%ROWTYPE; BEGIN NULL; END $$"},
       {uses, "DO $$ DECLARE n users.full_name%TYPE; BEGIN NULL; END $$"},
       {uses, "DO $$ DECLARE x text; BEGIN SELECT 1, full_name INTO STRICT i, x FROM users; END $$"},
       {uses, "DO $$ BEGIN IF a THEN NULL; ELSIF (SELECT full_name FROM users) = b THEN NULL; END IF; END $$"},
       {uses, "DO $$ BEGIN FOR i IN 1..(SELECT max(length(full_name)) FROM users) LOOP NULL; END LOOP; END $$"},
       {uses, "DO $$ BEGIN EXECUTE 'SELECT full_name FROM users'; END $$"},
       {uses, "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT max(full_name) FROM users'"},
       {ambiguous, "DO $$ BEGIN EXECUTE format('SELECT %I FROM users', c); END $$"},
       {ambiguous, "DO $$ BEGIN PERFORM anything('DELETE FROM users WHERE full_name IS NULL'); END $$"},
       {ambiguous, "DO $$ BEGIN SELECT id FROM users x y; END $$"},
       {clear, "DO $$ DECLARE full_name users.email%TYPE; BEGIN full_name := 'x'; PERFORM id FROM users; END $$"},
       {clear, "DO $$ BEGIN FOR r IN SELECT id FROM users LOOP r.full_name := 1; END LOOP; END $$"},
       {clear, "DO $$ BEGIN IF NOT FOUND THEN RAISE 'users without %', full_name; END IF; END $$"},
       {clear, "DO $$ BEGIN INSERT INTO users (id, email) VALUES (1, v.full_name) RETURNING id INTO full_name; END $$"},
       {clear, "DO $$ BEGIN EXECUTE 'SET work_mem = 1'; PERFORM id FROM users /* full_name */; END $$"}},
      users_full_name());
}

TEST_CASE("what a set operation or a position rests on is used, also inside EXISTS", "[evidence]") {
  check({{uses, "SELECT EXISTS (SELECT * FROM users EXCEPT SELECT * FROM people)"},
         {uses, "SELECT EXISTS (SELECT * FROM users ORDER BY 2 OFFSET $1)"},
         {clear, "SELECT DISTINCT ON (full_name) first_name AS full_name FROM users"},
         {uses, "SELECT DISTINCT ON (full_name) first_name FROM users"},
         {uses, "UPDATE users SET email = $1 RETURNING to_jsonb(old)"},
         {clear, "UPDATE people SET email = $1 FROM users RETURNING old.full_name"}},
        users_full_name());
}

TEST_CASE("an unqualified name that another schema has too is ambiguous", "[evidence]") {
  JudgeTarget target = users_full_name();
  target.all_relations.insert({"sales", "users"});
  check({{ambiguous, "SELECT full_name FROM users"},
         {ambiguous, "SELECT * FROM users"},
         {uses, "SELECT full_name FROM public.users"},
         {clear, "SELECT full_name FROM sales.users"},
         {clear, "SELECT first_name FROM users"}},
        target);
}

TEST_CASE("indexes and constraints are used by what ON CONFLICT rests on", "[evidence]") {
  JudgeTarget target = users_full_name();
  target.kind = Structure::Kind::constraint;
  target.name = "users_email_key";
  target.keys = {{"users_email_key", {"email"}}};
  check({{uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING"},
         {uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (email) DO NOTHING"},
         {ambiguous, "INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING"},
         {clear, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO NOTHING"},
         {clear, "INSERT INTO users VALUES ($1)"},
         {clear, "SELECT * FROM users"}},
        target);
}

TEST_CASE("what goes along with a column is used by what ON CONFLICT and GROUP BY rest on", "[evidence]") {
  JudgeTarget target = users_full_name();
  target.keys = {{"by_mail", {"email", "age"}}, {"by_text", {"", "age"}}, {"doubled", {}}, {"pk", {"id"}, true}};
  check({{uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT ON CONSTRAINT by_mail DO NOTHING"},
         {uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT ON CONSTRAINT doubled DO NOTHING"},
         {uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (age, email) DO NOTHING"},
         {ambiguous, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (lower(email), age) DO NOTHING"},
         {clear, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (email) DO NOTHING"},
         {clear, "INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING"},
         {clear, "INSERT INTO orders (id) VALUES ($1) ON CONFLICT (age, email) DO NOTHING"},
         {ambiguous, "SELECT id, email FROM users GROUP BY id"},
         {ambiguous, "SELECT u.id, u.email FROM users u GROUP BY ROLLUP (u.age, u.id)"},
         {clear, "SELECT age, count(*) FROM users GROUP BY age"},
         {clear, "SELECT id FROM orders GROUP BY id"}},
        target);
}

TEST_CASE("names that need quoting are found", "[evidence]") {
  JudgeTarget target;
  target.name = "Full \"N\"";
  target.relations = {{"public", "Order Items"}};
  target.all_relations = target.relations;
  target.with_column = target.relations;
  check({{uses, "SELECT \"Full \"\"N\"\"\" FROM \"Order Items\""},
         {clear, "SELECT id FROM \"Order Items\""},
         {clear, "SELECT \"Full \"\"N\"\"\" FROM \"Other Items\""}},
        target);
}

TEST_CASE("a word is found whole, in any case, and behind Unicode escapes", "[evidence]") {
  CHECK(mentions("select * from USERS", "users"));
  CHECK(mentions("users", "users"));
  CHECK_FALSE(mentions("select * from users_old", "users"));
  CHECK_FALSE(mentions("select * from users2", "users"));
  CHECK(mentions("do $$ begin perform 1 from users$$", "users"));
  CHECK(mentions("select * from U&\"\\0075sers\"", "users"));
}

TEST_CASE("deeply nested statements neither crash nor pass", "[evidence][deep]") {
  std::string text = "SELECT id FROM users WHERE 1 = 1";
  for (int i = 0; i < 20'000; ++i) text += "+$1";
  CHECK(judge_statement(text, users_full_name()).use == clear);
  CHECK(judge_statement(text + " AND full_name = $1", users_full_name()).use == uses);
  CHECK(judge_statement("SELECT id FROM users WHERE 1 = " + std::string(150'000, '(') + "1", users_full_name()).use ==
        unparsed);
  CHECK(judge_statement(text + std::string(200'000, ' '), users_full_name()).use == unparsed);
}
