// Tables, views, types and functions that go as a whole: which statements use them.
#include "statement_cases.hpp"

using namespace switchback;
using namespace switchback::postgres;
using namespace switchback::tests;

namespace {

JudgeTarget carts() {
  JudgeTarget target;
  target.kind = Structure::Kind::table;
  target.name = "carts";
  target.relations = {{"public", "carts"}, {"public", "carts_2024"}};
  target.views = {{"public", "open_carts"}};
  target.functions = {{"public", "cart_total"}};
  target.all_relations = {
      {"public", "carts"}, {"public", "carts_2024"}, {"public", "orders"}, {"public", "open_carts"}};
  return target;
}

JudgeTarget object(Structure::Kind kind, const std::string& name) {
  JudgeTarget target;
  target.kind = kind;
  target.name = name;
  target.object = {"public", name};
  target.all_relations = {{"public", "carts"}, {"public", "orders"}};
  return target;
}

}  // namespace

TEST_CASE("a table is used by every statement that names it, in whatever place", "[evidence]") {
  check({{uses, "SELECT 1 FROM carts"},
         {uses, "SELECT count(*) FROM public.carts c"},
         {uses, "SELECT 1 FROM orders WHERE EXISTS (SELECT FROM carts WHERE id = cart_id)"},
         {uses, "SELECT 1 FROM carts_2024"},
         {uses, "SELECT * FROM open_carts"},
         {uses, "SELECT cart_total($1)"},
         {uses, "TABLE carts"},
         {uses, "INSERT INTO carts DEFAULT VALUES"},
         {uses, "UPDATE orders SET a = 1 FROM carts WHERE carts.id = cart_id"},
         {uses, "DELETE FROM orders USING carts"},
         {uses, "MERGE INTO orders USING carts ON true WHEN MATCHED THEN DELETE"},
         {uses, "COPY carts TO STDOUT"},
         {uses, "COPY (SELECT 1 FROM carts) TO STDOUT"},
         {uses, "LOCK TABLE carts IN SHARE MODE"},
         {uses, "TRUNCATE orders, carts"},
         {uses, "VACUUM ANALYZE carts"},
         {uses, "CREATE TABLE IF NOT EXISTS carts (id int)"},
         {uses, "CREATE TABLE more (LIKE carts)"},
         {uses, "CREATE TABLE more (cart bigint REFERENCES carts)"},
         {uses, "CREATE INDEX ON carts (id)"},
         {uses, "SELECT * FROM json_populate_record(NULL::carts, $1)"},
         {uses, "DECLARE c CURSOR FOR SELECT 1 FROM carts"},
         {uses, "PREPARE p AS SELECT 1 FROM carts"},
         {uses, "EXPLAIN SELECT 1 FROM carts"},
         {uses, "WITH carts AS (SELECT 1 FROM carts) SELECT * FROM carts"},
         {ambiguous, "DROP TABLE IF EXISTS carts"},
         {ambiguous, "COMMENT ON TABLE carts IS 'old'"},
         {ambiguous, "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM carts; END'"},
         {ambiguous, "DO 'BEGIN DELETE FROM carts; END'"},
         {unparsed, "SELECT FROM FROM carts"}},
        carts());
}

TEST_CASE("what only looks like the table's name is no use of it", "[evidence]") {
  check({{clear, "SELECT carts FROM orders"},
         {clear, "SELECT id AS carts FROM orders"},
         {clear, "SELECT o.carts FROM orders o"},
         {clear, "SELECT 1 FROM shop.carts"},
         {clear, "WITH carts AS (SELECT 1) SELECT * FROM carts"},
         {clear, "SELECT 1 FROM orders AS carts"},
         {clear, "SELECT carts(1)"},
         {clear, "SELECT 1 FROM orders -- carts"},
         {clear, "INSERT INTO orders (carts) VALUES ($1)"},
         {clear, "SELECT 1 FROM carts_old"}},
        carts());
}

TEST_CASE("a table's bare name that another schema has too may be either", "[evidence]") {
  JudgeTarget target = carts();
  target.all_relations.insert({"archive", "carts"});
  check({{ambiguous, "SELECT 1 FROM carts"},
         {uses, "SELECT 1 FROM public.carts"},
         {clear, "SELECT 1 FROM archive.carts"}},
        target);
}

TEST_CASE("a type is used where it is named as a type, also as an array and as a function", "[evidence]") {
  JudgeTarget mood = object(Structure::Kind::type, "mood");
  check({{uses, "SELECT $1::mood"},
         {uses, "SELECT CAST($1 AS public.mood[])"},
         {uses, "SELECT $1::_mood"},
         {uses, "SELECT mood 'sad'"},
         {uses, "SELECT mood(NULL)"},
         {uses, "CREATE TABLE t (m mood)"},
         {uses, "ALTER TABLE orders ADD COLUMN m mood"},
         {uses, "SELECT * FROM jsonb_to_record($1) AS x(m mood)"},
         {uses, "DROP TYPE IF EXISTS mood"},
         {ambiguous, "ALTER TYPE mood ADD VALUE 'glad'"},
         {clear, "SELECT mood FROM orders"},
         {clear, "SELECT 1 AS mood"},
         {clear, "SELECT $1::shop.mood"},
         {clear, "SELECT 1 FROM mood"}},
        mood);
  mood.namesakes = true;
  check({{ambiguous, "SELECT $1::mood"}, {uses, "SELECT $1::public.mood"}}, mood);
}

TEST_CASE("a function is used where it is called, one of several of its name perhaps", "[evidence]") {
  JudgeTarget lowered = object(Structure::Kind::function, "lowered");
  check({{uses, "SELECT lowered(name) FROM orders"},
         {uses, "SELECT * FROM public.lowered($1) AS l"},
         {uses, "CALL lowered(1)"},
         {uses, "SELECT 1 FROM orders WHERE lowered(a) = $1"},
         {uses, "CREATE INDEX ON orders (lowered(a))"},
         {clear, "SELECT lowered FROM orders"},
         {clear, "SELECT shop.lowered(1)"},
         {clear, "SELECT o.lowered FROM orders o"}},
        lowered);
  lowered.namesakes = true;
  lowered.takes_row = true;
  check({{ambiguous, "SELECT lowered(1)"}, {ambiguous, "SELECT o.lowered FROM orders o"}}, lowered);
}
