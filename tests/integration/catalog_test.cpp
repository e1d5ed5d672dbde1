// What PostgresCatalog reads of tables and makes of expressions, on a real server.
#include <algorithm>

#include "catch.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::tests {
namespace {

struct Database {
  explicit Database(const std::string& sql) : uri(server().fresh_database()) {
    if (!sql.empty()) server().sql(uri, sql);
    session = postgres::connect({.database = uri});
  }
  TableFacts table(const std::string& name) { return catalog.table(*session, {"public", name}).value(); }
  std::string fingerprint(const std::string& name) { return catalog.fingerprint(*session, {"public", name}); }
  ResolvedExpression resolve(const std::string& expression, const char* target = nullptr) {
    const TableFacts facts = table("t");
    return catalog.resolve(*session, facts, expression, target ? facts.column(target) : nullptr);
  }
  /// SQLSTATE and message of the refusal.
  std::string refusal(const std::string& expression, const char* target = nullptr) {
    try {
      return "accepted: " + resolve(expression, target).sql;
    } catch (const Error& error) {
      CHECK(error.exit() == Exit::invalid);
      CHECK_FALSE(error.hint().empty());
      return error.sqlstate() + " " + error.what();
    }
  }

  std::string uri;
  std::unique_ptr<ports::Session> session;
  postgres::PostgresCatalog catalog;
};

constexpr const char* wide_table = R"(
  CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('a', 'b'); CREATE DOMAIN short AS varchar(5); CREATE TYPE pair AS (x int, y text);
  CREATE FUNCTION twice(a text) RETURNS text IMMUTABLE LANGUAGE sql AS 'select $1 || $1';
  CREATE FUNCTION luck(a text) RETURNS text VOLATILE LANGUAGE sql AS 'select $1';
  CREATE TABLE t (id int PRIMARY KEY, full_name text NOT NULL DEFAULT 'n/a', mail citext, m mood, j json, jb jsonb, v varchar(5),
    n numeric(10,2) DEFAULT 0, low text COLLATE "C", arr text[], s short, c char(4), p pair, at timestamptz DEFAULT now(),
    u uuid DEFAULT gen_random_uuid(), k int GENERATED ALWAYS AS IDENTITY, g int GENERATED ALWAYS AS (id + 1) STORED, UNIQUE (full_name, id)))";

bool contains(const std::string& text, const std::string& part) {
  UNSCOPED_INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a table's facts say what sync decides on", "[catalog]") {
  Database db(wide_table);
  server().sql(
      db.uri,
      "CREATE INDEX i ON t (lower(full_name), n) INCLUDE (v) WHERE mail IS NOT NULL; COMMENT ON COLUMN t.mail IS 'hi';"
      "GRANT SELECT (mail) ON t TO PUBLIC; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; "
      "end';"
      "CREATE TRIGGER before BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();"
      "CREATE TRIGGER \"~switchback_u\" BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();"
      "INSERT INTO t SELECT n FROM generate_series(1, 1000) n; ANALYZE t");
  const TableFacts facts = db.table("t");
  const auto column = [&](const char* name) { return *facts.column(name); };
  CHECK(column("full_name").not_null);
  CHECK(column("full_name").default_value == "'n/a'::pg_catalog.text");
  CHECK(column("v").type == "character varying(5)");
  CHECK(column("m").type == "public.mood");
  CHECK(column("mail").comment == "hi");
  CHECK(column("mail").grants == std::vector<std::string>{R"(GRANT SELECT ("mail") ON "public"."t" TO PUBLIC)"});
  CHECK(column("low").collation == "pg_catalog.\"C\"");
  CHECK(column("at").default_value == "pg_catalog.now()");
  CHECK_FALSE(column("at").default_volatile);
  CHECK(column("u").default_volatile);
  CHECK(column("k").identity);
  CHECK(column("g").generated);
  for (const char* name : {"id", "full_name", "m", "v", "s", "at", "u"}) {
    CAPTURE(name);
    CHECK(column(name).bitwise_equality);
  }
  for (const char* name : {"mail", "j", "jb", "n", "low", "arr", "c", "p"}) {
    CAPTURE(name);
    CHECK_FALSE(column(name).bitwise_equality);
  }
  CHECK(facts.rows_estimate == 1000);
  CHECK(facts.bytes > 8192);
  CHECK(facts.key->columns == std::vector<std::string>{"id"});
  REQUIRE(facts.triggers.size() == 1);
  CHECK(facts.triggers[0].before_row_write);
  const auto index = std::ranges::find_if(facts.indexes, [](const IndexFacts& one) { return one.name.name == "i"; });
  REQUIRE(index != facts.indexes.end());
  CHECK(index->columns == std::vector<std::string>{"", "n"});
  CHECK(index->partial);
  std::vector<int> mentions = index->mentions;
  std::ranges::sort(mentions);
  CHECK(mentions == std::vector<int>{2, 3, 7, 8});
  CHECK_FALSE(db.catalog.table(*db.session, {"public", "nothing"}).has_value());
  server().sql(db.uri, "CREATE VIEW v AS SELECT 1 AS one");
  CHECK_THROWS_AS(db.table("v"), Error);
}

TEST_CASE("a partitioned table's facts reach up and down", "[catalog]") {
  Database db(
      "CREATE TABLE t (id int, region int, part int, PRIMARY KEY (id, region, part)) PARTITION BY LIST (region);"
      "CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2) PARTITION BY "
      "LIST (part);"
      "CREATE TABLE t21 PARTITION OF t2 FOR VALUES IN (1)");
  CHECK(db.table("t").leaves == std::vector<TableName>{{"public", "t1"}, {"public", "t21"}});
  CHECK(db.table("t").partition_key == std::vector<std::string>{"part", "region"});
  CHECK(db.table("t21").partition_key == std::vector<std::string>{"part", "region"});
  CHECK(db.table("t21").leaves == std::vector<TableName>{{"public", "t21"}});
}

TEST_CASE("the key to walk is the primary one, else a unique one that is whole, immediate and not null", "[catalog]") {
  Database db("CREATE TABLE t (a int NOT NULL, b uuid NOT NULL, c int, UNIQUE (c), UNIQUE (a) DEFERRABLE)");
  server().sql(db.uri, "CREATE UNIQUE INDEX p ON t (b) WHERE a > 0; CREATE UNIQUE INDEX e ON t ((a + 1))");
  CHECK_FALSE(db.table("t").key.has_value());
  server().sql(db.uri, "CREATE UNIQUE INDEX ab ON t (a, b)");
  CHECK(db.table("t").key->columns == std::vector<std::string>{"a", "b"});
  server().sql(db.uri, "CREATE UNIQUE INDEX zb ON t (b)");
  CHECK(db.table("t").key->types == std::vector<std::string>{"uuid"});
}

TEST_CASE("fingerprints are of the shape alone, and of all of it", "[catalog]") {
  Database one(wide_table);
  Database other("CREATE TABLE first (a int)");
  server().sql(other.uri, wide_table);
  const std::string before = one.fingerprint("t");
  CHECK(before == other.fingerprint("t"));
  for (const char* change :
       {"ALTER TABLE t ALTER COLUMN v TYPE varchar(6)", "ALTER TABLE t ALTER COLUMN v SET DEFAULT 'x'",
        "CREATE INDEX i ON t (v)", "ALTER TABLE t ADD CHECK (id > 0) NOT VALID",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY", "ALTER TABLE t RENAME v TO w"}) {
    CAPTURE(change);
    const std::string last = one.fingerprint("t");
    server().sql(one.uri, change);
    CHECK(one.fingerprint("t") != last);
  }
  server().sql(
      other.uri,
      "INSERT INTO t (id) VALUES (1); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';"
      "CREATE TRIGGER \"~switchback_i\" BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()");
  CHECK(other.fingerprint("t") == before);
}

TEST_CASE("an expression is resolved once, and written so that no search_path matters", "[catalog]") {
  Database db(wide_table);
  const ResolvedExpression name = db.resolve("nullif(split_part(full_name, ' ', 1), '') -- the first word");
  CHECK(name.columns == std::vector<std::string>{"full_name"});
  CHECK(name.type == "text");
  CHECK(contains(name.sql, "pg_catalog.split_part(\"~switchback_row\".\"full_name\""));
  CHECK_FALSE(contains(name.sql, "NULLIF"));
  CHECK(db.resolve("twice(v)").calls == std::vector<std::string>{"public.twice(text)"});
  CHECK(contains(db.resolve("mail is distinct from 'A@x'").sql, "OPERATOR(public.=)"));
  CHECK(db.resolve("'{}'", "jb").type == "jsonb");
  // Each gives the same value in its new words: written as a user would, and as it was resolved.
  server().sql(db.uri,
               "INSERT INTO t (id, full_name, mail, m, j, jb, v, n, arr, s, c, p, at) VALUES (1, 'Ann Smith', 'A@x', "
               "'b', '{\"a\":1}', "
               "'{\"a\":[1]}', 'abc', 12.5, '{q,NULL}', 'dom', 'pad', (3, 'y'), '2024-02-29 12:00+00'), (2, '', NULL, "
               "NULL, NULL, NULL, "
               "NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
  for (const std::string expression : {"case full_name when '' then 'none' when 'x' then 'y' else upper(full_name) end",
                                       "v in ('abc', 'b') and n between 1 and 20 or mail like 'a%'",
                                       "extract(year from at)::int + 1",
                                       "(at at time zone 'UTC')::date - 1",
                                       "v::char(2) || c::bpchar || '|'",
                                       "m is not distinct from 'b'",
                                       "(p).x is distinct from id",
                                       "arr[1] || coalesce(arr[2], '-')",
                                       "array[id, 2] || 3",
                                       "jsonb_build_object('n', n, 'j', j)",
                                       "jb->'a'->>0",
                                       "- n - (-id) - (3 - 2) * -1",
                                       "substring(full_name from 2 for 3)",
                                       "overlay(full_name placing 'x' from 1)",
                                       "trim(both 'A' from full_name)",
                                       "position('S' in full_name)",
                                       "greatest(id, 2, n::int)",
                                       "row(id, n) < row(1, 20)",
                                       "interval '1 day' * id",
                                       "E'a\\\\b' || '\"~' || full_name",
                                       "full_name collate \"C\" < 'B'",
                                       "not (id = 1 or n is null)",
                                       "id = any(array[1, 5]::bigint[])",
                                       "s::text || '~x'",
                                       "n::numeric(4,1)"}) {
    CAPTURE(expression);
    const ResolvedExpression resolved = db.resolve(expression);
    CAPTURE(resolved.sql);
    const auto values = [&](const std::string& sql) {
      return server().sql(db.uri, "SELECT string_agg(coalesce((" + sql + ")::text, '-'), ';' ORDER BY id) FROM t AS x");
    };
    CHECK(values(resolved.in("x")) == values(expression));
  }
}

TEST_CASE("expressions that cannot be a conversion are refused with what is wrong", "[catalog]") {
  Database db(wide_table);
  CHECK(contains(db.refusal("full_nam"), "42703"));
  CHECK(contains(db.refusal("count(*)"), "aggregates"));
  CHECK(contains(db.refusal("sum(n) over ()"), "window function"));
  CHECK(contains(db.refusal("(select 1)"), "subquery"));
  CHECK(contains(db.refusal("luck(full_name)"), "volatile function public.luck(text)"));
  CHECK(contains(db.refusal("random()"), "volatile"));
  CHECK(contains(db.refusal("generate_series(1, id)"), "returns a set"));
  CHECK(contains(db.refusal("g + 1"), "generated column g"));
  CHECK(contains(db.refusal("t::text"), "42703"));
  CHECK(contains(db.refusal("\"~switchback_row\"::text"), "~switchback"));
  CHECK(contains(db.refusal("1), (2"), "not one expression"));
  CHECK(contains(db.refusal("id FROM t"), "42601"));
  CHECK(contains(db.refusal("id; DROP TABLE t"), "42601"));
  CHECK(contains(db.refusal("$1"), "42P02"));
  CHECK(contains(db.refusal("ctid"), "42703"));
  CHECK(contains(db.refusal("case mail when 'a' then 1 end"), "means the same under every search_path"));
  CHECK(contains(db.refusal("full_name", "n"), "42804"));
  CHECK(contains(db.refusal("'x'", "jb"), "22P02"));
  CHECK(contains(db.refusal(std::string(20000, ' ') + "id"), "longer than"));
  CHECK(server().sql(db.uri, "SELECT count(*) FROM pg_class WHERE relname LIKE '~switchback%'") == "0");
}

TEST_CASE("an expression means what the role's own search_path makes of it", "[catalog]") {
  Database db(
      "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE SCHEMA app; CREATE FUNCTION app.norm(text) RETURNS text "
      "IMMUTABLE LANGUAGE "
      "sql AS 'select lower($1)'");
  CHECK(contains(db.refusal("norm(a)"), "42883"));
  server().sql(
      db.uri,
      "DO $$begin execute format('alter database %I set search_path = app, public', current_database()); end$$");
  db.session = postgres::connect({.database = db.uri});
  CHECK(db.resolve("norm(a)").calls == std::vector<std::string>{"app.norm(text)"});
}

}  // namespace switchback::tests
