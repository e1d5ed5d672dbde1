// What surrounds a synced table: ways to write, kinds of tables, names, rights, and what others may plant.
#include "catch.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/session.hpp"
#include "sync_table.hpp"

namespace switchback::tests {
namespace {

PlanText split() {
  return {.name = "split",
          .add = {{"first_name", "text"}, {"last_name", "text"}},
          .set = {{"first_name", "split_part(full_name, ' ', 1)"},
                  {"last_name", "nullif(substr(full_name, strpos(full_name, ' ') + 1), full_name)"}},
          .reverse = {{"full_name", "concat_ws(' ', first_name, last_name)"}},
          .where = {}};
}

std::string database(const std::string& sql) {
  const std::string uri = server().fresh_database();
  server().sql(uri, sql);
  return uri;
}

constexpr const char* users_table = "CREATE TABLE users (id bigint PRIMARY KEY, age int, full_name text NOT NULL)";
const std::string users_row =
    "SELECT full_name, first_name, last_name, _switchback_split FROM users ORDER BY id LIMIT 1";

SyncedTable users(const std::string& more = "") {
  SyncedTable table(database(std::string(users_table) + ";" + more), {"public", "users"});
  table.add_plan(split());
  return table;
}

}  // namespace

TEST_CASE("sync fires for sessions that apply replicated changes", "[sync]") {
  SyncedTable table = users();
  table.exec("SET session_replication_role = replica; INSERT INTO users VALUES (1, 0, 'Ann Smith')");
  CHECK(table.row(users_row) == "Ann Smith|Ann|Smith|s");
  table.exec("UPDATE users SET last_name = 'X'");
  CHECK(table.row(users_row) == "Ann X|Ann|X|s");
}

TEST_CASE("COPY, INSERT SELECT and upserts of either image are synced", "[sync]") {
  SyncedTable table = users();
  table.exec(
      "COPY users (id, first_name, last_name) FROM PROGRAM E'printf "
      "\"1\\\\tAnn\\\\tSmith\\\\n2\\\\tBob\\\\t\\\\\\\\N\\\\n\"'");
  CHECK(table.one("SELECT string_agg(full_name, ',' ORDER BY id) FROM users") == "Ann Smith,Bob");
  table.exec("INSERT INTO users (id, full_name) SELECT id + 10, 'C ' || id FROM users ORDER BY id DESC");
  CHECK(table.one("SELECT string_agg(last_name, ',' ORDER BY id) FROM users WHERE id > 10") == "1,2");
  const std::string upsert = " ON CONFLICT (id) DO UPDATE SET ";
  table.exec("INSERT INTO users (id, full_name) VALUES (1, 'New Name')" + upsert + "full_name = excluded.full_name");
  CHECK(table.row(users_row) == "New Name|New|Name|s");
  table.exec("INSERT INTO users (id, last_name) VALUES (1, 'Other')" + upsert + "last_name = excluded.last_name");
  CHECK(table.row(users_row) == "New Other|New|Other|s");
}

TEST_CASE("MERGE is synced where the server has it", "[sync]") {
  SyncedTable table = users();
  if (std::stoi(table.one("SHOW server_version_num")) < 150000) return;  // MERGE came with 15
  const std::string merge =
      "MERGE INTO users u USING (VALUES (1, 'Ann Smith')) AS v(id, name) ON u.id = v.id "
      "WHEN MATCHED THEN UPDATE SET first_name = 'Bea' WHEN NOT MATCHED THEN INSERT (id, full_name) VALUES (v.id, "
      "v.name)";
  table.exec(merge);
  CHECK(table.row(users_row) == "Ann Smith|Ann|Smith|s");
  table.exec(merge);
  CHECK(table.row(users_row) == "Bea Smith|Bea|Smith|s");
}

TEST_CASE("partitions are synced, those made later too, and a row that moves keeps its values", "[sync]") {
  SyncedTable table(
      database(
          "CREATE TABLE users (id bigint, region int, full_name text NOT NULL, PRIMARY KEY (id, region)) PARTITION BY "
          "LIST (region); CREATE TABLE users_1 PARTITION OF users FOR VALUES IN (1)"),
      {"public", "users"});
  table.add_plan(split());
  table.exec("CREATE TABLE users_2 PARTITION OF users FOR VALUES IN (2); SET session_replication_role = replica");
  table.exec(
      "INSERT INTO users VALUES (1, 1, 'Ann Smith'); INSERT INTO users_2 (id, region, first_name) VALUES (2, 2, "
      "'Bob')");
  CHECK(
      table.one("SELECT string_agg(concat(full_name, '/', first_name, '/', last_name), ',' ORDER BY id) FROM users") ==
      "Ann Smith/Ann/Smith,Bob/Bob/");
  table.exec("UPDATE users SET first_name = 'Mary Ann' WHERE id = 1");
  table.exec("UPDATE users SET region = 2 WHERE id = 1");
  CHECK(table.row(users_row) == "Mary Ann Smith|Mary Ann|Smith|s");
  table.exec("UPDATE users SET region = 1, full_name = 'Zoe X' WHERE id = 1");
  CHECK(table.row(users_row) == "Zoe X|Zoe|X|s");
}

TEST_CASE("nothing planted in a writer's search_path can take the place of what the function calls", "[sync]") {
  SyncedTable table(
      database(
          "CREATE TABLE users (id bigint PRIMARY KEY, kind int, full_name text NOT NULL DEFAULT 'No Name', doc json)"),
      {"public", "users"});
  PlanText plan = split();
  plan.add.push_back({"kind_name", "text"});
  plan.add.push_back({"doc_b", "jsonb"});
  plan.set.push_back({"kind_name", "case kind when 1 then 'one' when 2 then 'two' else kind::text end"});
  plan.set.push_back({"doc_b", "doc::jsonb"});
  plan.reverse.push_back(
      {"kind", "case when kind_name is not distinct from 'one' then 1 when kind_name in ('two', 'zwei') then 2 end"});
  plan.reverse.push_back({"doc", "doc_b::json"});
  plan.where = "coalesce(kind, 1) < 100";
  table.add_plan(plan);
  const auto trapped = table.connect(R"(
    CREATE SCHEMA trap; SET search_path = trap, pg_catalog;
    CREATE FUNCTION trap.boom(pg_catalog.text, pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS 'begin raise ''trap''; end';
    CREATE FUNCTION trap.boom4(pg_catalog.int4, pg_catalog.int4) RETURNS pg_catalog.bool LANGUAGE plpgsql AS 'begin raise ''trap''; end';
    CREATE FUNCTION trap.boomi(pg_catalog.int4, pg_catalog.int4) RETURNS pg_catalog.int4 LANGUAGE plpgsql AS 'begin raise ''trap''; end';
    CREATE FUNCTION trap.boomc(pg_catalog."char", pg_catalog."char") RETURNS pg_catalog.bool LANGUAGE plpgsql AS 'begin raise ''trap''; end';
    CREATE FUNCTION trap.boomr(pg_catalog.record, pg_catalog.record) RETURNS pg_catalog.bool LANGUAGE plpgsql AS 'begin return false; end';
    CREATE OPERATOR trap.= (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = trap.boom);
    CREATE OPERATOR trap.<> (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = trap.boom);
    CREATE OPERATOR trap.~ (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = trap.boom);
    CREATE OPERATOR trap.= (leftarg = pg_catalog.int4, rightarg = pg_catalog.int4, function = trap.boom4);
    CREATE OPERATOR trap.< (leftarg = pg_catalog.int4, rightarg = pg_catalog.int4, function = trap.boom4);
    CREATE OPERATOR trap.+ (leftarg = pg_catalog.int4, rightarg = pg_catalog.int4, function = trap.boomi);
    CREATE OPERATOR trap.= (leftarg = pg_catalog."char", rightarg = pg_catalog."char", function = trap.boomc);
    CREATE OPERATOR trap.*<> (leftarg = pg_catalog.record, rightarg = pg_catalog.record, function = trap.boomr);
    CREATE FUNCTION trap.split_part(pg_catalog.text, pg_catalog.text, pg_catalog.int4) RETURNS pg_catalog.text LANGUAGE sql AS 'select ''trap''::pg_catalog.text';
    CREATE FUNCTION trap.concat_ws(pg_catalog.text, pg_catalog.text, pg_catalog.text) RETURNS pg_catalog.text LANGUAGE sql AS 'select ''trap''::pg_catalog.text';
    CREATE FUNCTION trap.current_setting(pg_catalog.text, pg_catalog.bool) RETURNS pg_catalog.text LANGUAGE sql AS 'select ''on''::pg_catalog.text';
    CREATE FUNCTION trap."left"(pg_catalog.text, pg_catalog.int4) RETURNS pg_catalog.text LANGUAGE sql AS 'select ''40''::pg_catalog.text';
    CREATE DOMAIN trap.text AS pg_catalog.int4; CREATE DOMAIN trap."char" AS pg_catalog.int4; CREATE DOMAIN trap.jsonb AS pg_catalog.int4;
    CREATE DOMAIN trap.json AS pg_catalog.int4; CREATE DOMAIN trap.record AS pg_catalog.int4; CREATE DOMAIN trap.trigger AS pg_catalog.int4;)");
  trapped->exec(R"(INSERT INTO public.users VALUES (1, 1, 'Ann Smith', '{"a": 1}'))");
  const std::string look =
      "SELECT full_name, first_name, last_name, kind, kind_name, doc, doc_b, _switchback_split FROM users ORDER BY id "
      "DESC";
  CHECK(table.row(look) == R"(Ann Smith|Ann|Smith|1|one|{"a": 1}|{"a": 1}|s)");
  trapped->exec("UPDATE public.users SET first_name = 'Bea', kind_name = 'zwei', doc_b = '{\"b\":2}'");
  CHECK(table.row(look) == R"(Bea Smith|Bea|Smith|2|zwei|{"b": 2}|{"b": 2}|s)");
  table.plant("INSERT INTO users (id, kind, full_name) VALUES (2, 2, 'Un Filled')");
  trapped->exec("UPDATE public.users SET last_name = 'Touched' WHERE id = 2");
  CHECK(table.row(look) == "Un Touched|Un|Touched|2|two|-|-|s");
  trapped->exec("INSERT INTO public.users (id, first_name) VALUES (3, 'New')");
  CHECK(table.row(look) == "New|New|-|-|-|-|-|s");
}

TEST_CASE("names that need quotes, in every place", "[sync]") {
  SyncedTable table(database("CREATE SCHEMA \"My Schema\"; CREATE TYPE \"My Schema\".\"Mo od\" AS ENUM ('a', 'B "
                             "\"c\"'); CREATE TABLE \"My "
                             "Schema\".\"Order Items\" (\"Id\" int PRIMARY KEY, \"NEW\" text, \"a\"\"b'c\\\" text)"),
                    {"My Schema", "Order Items"});
  PlanText plan{.name = "A plan's \"name\", which is so long that its marker does not fit into 63 bytes: größer",
                .add = {{"Select", "\"My Schema\".\"Mo od\""}, {"x$ y", "text"}},
                .set = {{"Select", "\"NEW\"::\"My Schema\".\"Mo od\""}, {"x$ y", "upper(\"a\"\"b'c\\\")"}},
                .reverse = {{"NEW", "\"Select\"::text"}, {"a\"b'c\\", "lower(\"x$ y\")"}},
                .where = {}};
  table.add_plan(plan);
  const std::string name = table.quoted_name();
  table.exec("INSERT INTO " + name + " VALUES (1, 'B \"c\"', 'x')");
  CHECK(table.row("SELECT \"Select\", \"x$ y\" FROM " + name) == "B \"c\"|X");
  table.exec("UPDATE " + name + " SET \"Select\" = 'a', \"x$ y\" = 'QQ'");
  const std::string look = "SELECT \"NEW\", \"a\"\"b'c\\\" FROM " + name;
  CHECK(table.row(look) == "a|qq");
  table.hide(plan.name);
  table.exec("UPDATE " + name + " SET \"x$ y\" = 'ZZ'");
  table.unhide(plan.name);
  CHECK(table.row(look) == "a|zz");
}

TEST_CASE("row level security and column rights of writers are theirs, and sync needs none of its own", "[sync]") {
  SyncedTable table = users(
      "DROP ROLE IF EXISTS sync_writer; CREATE ROLE sync_writer LOGIN; GRANT INSERT (id, full_name), UPDATE "
      "(full_name), SELECT (id) ON users TO sync_writer; ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY "
      "own "
      "ON users TO sync_writer USING (id < 10) WITH CHECK (id < 10)");
  const auto writer =
      postgres::connect({.database = server().as(table.uri(), "sync_writer"), .row_security_off = false});
  writer->exec("INSERT INTO public.users (id, full_name) VALUES (1, 'Ann Smith')");
  writer->exec("UPDATE public.users SET full_name = 'Bea Smith' WHERE id = 1");
  CHECK(table.row(users_row) == "Bea Smith|Bea|Smith|s");
  CHECK_THROWS_AS(writer->exec("INSERT INTO public.users (id, full_name) VALUES (11, 'Ann')"), Error);
}

TEST_CASE("identity keys are no hindrance", "[sync]") {
  SyncedTable table(database("CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, full_name text)"),
                    {"public", "users"});
  table.add_plan(split());
  table.exec("INSERT INTO users (first_name, last_name) VALUES ('Ann', 'Smith')");
  CHECK(table.row(users_row) == "Ann Smith|Ann|Smith|s");
}

TEST_CASE("errors that are not the value's fault are raised on", "[sync]") {
  SyncedTable table(
      database(
          "CREATE TABLE users (id int PRIMARY KEY, code text); CREATE FUNCTION fails_with(state text) RETURNS text "
          "IMMUTABLE LANGUAGE plpgsql AS $$begin raise exception 'no' using errcode = state; end$$"),
      {"public", "users"});
  table.add_plan(
      {.name = "fail", .add = {{"b", "text"}}, .set = {{"b", "fails_with(code)"}}, .reverse = {}, .where = {}});
  for (const std::string state : {"40001", "40P01", "53100", "53200", "57014", "58030", "XX000"})
    CHECK(table.failure("INSERT INTO users VALUES (1, '" + state + "')") == state);
  for (const std::string state : {"22P02", "23514", "42501", "P0001"}) {
    CHECK(table.failure("DELETE FROM users; INSERT INTO users VALUES (1, '" + state + "')").empty());
    CHECK(table.row("SELECT b, _switchback_fail FROM users") == "-|f");
  }
}

TEST_CASE("sync sees what users' own BEFORE triggers wrote", "[sync]") {
  SyncedTable table = users(
      "CREATE FUNCTION trim_name() RETURNS trigger LANGUAGE plpgsql AS $$begin new.full_name := trim(new.full_name); "
      "return new; end$$; CREATE TRIGGER zz_trim BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION "
      "trim_name()");
  table.exec("INSERT INTO users (id, full_name) VALUES (1, '  Ann Smith ')");
  CHECK(table.row(users_row) == "Ann Smith|Ann|Smith|s");
}

TEST_CASE("a change that the type's own equality hides is a change", "[sync]") {
  SyncedTable table(database("CREATE EXTENSION citext; CREATE TABLE users (id int PRIMARY KEY, mail citext, price "
                             "numeric, doc json, low text "
                             "COLLATE \"C\")"),
                    {"public", "users"});
  table.add_plan(
      {.name = "p",
       .add = {{"mail_t", "text"}, {"price_t", "text"}, {"doc_t", "text"}, {"low_t", "text"}},
       .set = {{"mail_t", "mail::text"}, {"price_t", "price::text"}, {"doc_t", "doc::text"}, {"low_t", "low"}},
       .reverse = {{"mail", "mail_t::citext"}, {"price", "price_t::numeric"}, {"doc", "doc_t::json"}, {"low", "low_t"}},
       .where = {}});
  table.exec("INSERT INTO users VALUES (1, 'A@x', 1.0, '{\"a\":1}', 'l')");
  table.exec("UPDATE users SET mail = 'a@X'");
  table.exec("UPDATE users SET price = 1.00");
  table.exec("UPDATE users SET doc = '{\"a\": 1}'");
  table.exec("UPDATE users SET low = 'L'");
  CHECK(table.row("SELECT mail_t, price_t, doc_t, low_t, _switchback_p FROM users") == "a@X|1.00|{\"a\": 1}|L|s");
}

TEST_CASE("exact mode tells an omitted column from one written with its default", "[sync]") {
  PlanText plan = split();
  plan.exact = true;
  SyncedTable table(
      database("CREATE TABLE users (id bigint PRIMARY KEY, age int, full_name text NOT NULL DEFAULT 'No Name')"),
      {"public", "users"});
  table.add_plan(plan);
  table.exec("INSERT INTO users (id, first_name, last_name) VALUES (1, NULL, NULL)");
  CHECK(table.row(users_row) == "|-|-|s");
  table.exec(
      "TRUNCATE users; INSERT INTO users (id, full_name, first_name) VALUES (1, 'No Name', 'X'), (2, DEFAULT, 'Y'), "
      "(3, 'Z', DEFAULT)");
  CHECK(table.one("SELECT string_agg(concat_ws('/', full_name, first_name, last_name, _switchback_split), ' ' ORDER BY "
                  "id) FROM users") == "No Name/X/b Y/Y/s Z/Z/s");
  postgres::PostgresCatalog catalog;
  const auto session = table.connect();
  const auto facts = catalog.table(*session, {"public", "users"});
  CHECK(facts->column("full_name")->default_value == "'No Name'::pg_catalog.text");
  CHECK_FALSE(facts->column("full_name")->default_volatile);
  CHECK_FALSE(facts->column("first_name")->default_value);
  table.exec(exact_undo_sql(table.sync(), table.sync().plans[0]));
  CHECK(table.one("SELECT column_default FROM information_schema.columns WHERE column_name = 'full_name'") ==
        "'No Name'::text");
}

TEST_CASE("a chain of two plans: what either of three images writes reaches the others", "[sync]") {
  SyncedTable table = users();
  table.add_plan({.name = "given",
                  .add = {{"given", "text"}},
                  .set = {{"given", "first_name"}},
                  .reverse = {{"first_name", "given"}},
                  .where = {}});
  const std::string look =
      "SELECT full_name, first_name, last_name, given, _switchback_split, _switchback_given FROM users";
  const auto after = [&](const std::string& sql) {
    table.exec(sql);
    return table.row(look);
  };
  SECTION("inserts") {
    CHECK(after("INSERT INTO users (id, full_name) VALUES (1, 'Ann Smith')") == "Ann Smith|Ann|Smith|Ann|s|s");
    CHECK(after("TRUNCATE users; INSERT INTO users (id, first_name, last_name) VALUES (1, 'Ann', 'S')") ==
          "Ann S|Ann|S|Ann|s|s");
    CHECK(after("TRUNCATE users; INSERT INTO users (id, given, last_name) VALUES (1, 'Ann', 'S')") ==
          "Ann S|Ann|S|Ann|s|s");
    CHECK(after("TRUNCATE users; INSERT INTO users (id) VALUES (1)") == "|-|-|-|s|s");
  }
  SECTION("updates") {
    table.exec("INSERT INTO users (id, full_name) VALUES (1, 'Ann Smith')");
    CHECK(after("UPDATE users SET full_name = 'Bob X'") == "Bob X|Bob|X|Bob|s|s");
    CHECK(after("UPDATE users SET first_name = 'Cid'") == "Cid X|Cid|X|Cid|s|s");
    CHECK(after("UPDATE users SET given = 'Dan'") == "Dan X|Dan|X|Dan|s|s");
    CHECK(after("UPDATE users SET given = 'Eve', last_name = 'Y'") == "Eve Y|Eve|Y|Eve|s|s");
    CHECK(after("UPDATE users SET full_name = 'F G', given = 'H'") == "F G|H|Y|H|b|s");
  }
  SECTION("unfilled rows, by one plan or by both") {
    table.plant(
        "INSERT INTO users (id, full_name, first_name, last_name, _switchback_split) VALUES (1, 'Ann Smith', 'Ann', "
        "'Smith', 's')");
    CHECK(after("UPDATE users SET last_name = 'X'") == "Ann X|Ann|X|Ann|s|s");
    table.exec("TRUNCATE users");
    table.plant("INSERT INTO users (id, full_name) VALUES (1, 'Ann Smith')");
    CHECK(after("UPDATE users SET age = 1") == "Ann Smith|Ann|Smith|Ann|s|s");
    table.exec("TRUNCATE users");
    table.plant("INSERT INTO users (id, full_name) VALUES (1, 'Ann Smith')");
    CHECK(after("UPDATE users SET given = 'Bea'") == "Bea Smith|Bea|Smith|Bea|s|s");
    table.exec("TRUNCATE users");
    table.plant("INSERT INTO users (id, full_name) VALUES (1, 'Ann Smith')");
    table.backfill("split");
    CHECK(after("SELECT 1") == "Ann Smith|Ann|Smith|Ann|s|s");
  }
}

}  // namespace switchback::tests
