// Tables, views, types and functions dropped as a whole: hidden, soaked, archived, restored exactly.
#include "catch.hpp"
#include "plan_view.hpp"
#include "schema_dump.hpp"
#include "server.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* roles =
    "DO $$ BEGIN CREATE ROLE struct_owner; CREATE ROLE struct_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; "
    "END $$;";

/// A database with a structure in it, and a plan that drops it.
struct Scene {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  PlanView view{uri};

  Scene(const std::string& structures, const std::string& steps, const std::string& more = {}) {
    sql(std::string("CREATE EXTENSION pg_stat_statements SCHEMA public;") + roles + structures);
    tool.plan("plan: take\nimages: { before: shop:v41, after: shop:v42 }\n" + more +
              "contract:\n  observe: 1s\n  soak: 0s\n  archive: 30d\n  steps:\n" + steps);
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  void to(const std::string& state) const {
    const auto outcome = tool.run(tool.run_to(state));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  /// Without waiting, past the time of observation.
  process::Outcome held(const std::string& state) {
    process::Outcome outcome;
    eventually(60s, [&] {
      outcome = tool.run({"run", "plan.yaml", "--to", state, "--yes", "--approve", tool.plan_hash()});
      return view.hold_kind() != "usage" || !has(view.hold_reason(), "seen for");
    });
    return outcome;
  }
  void back() const {
    const auto outcome = tool.run({"rollback", "take", "--to", "migrated", "--yes"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  bool there(const std::string& relation) const {
    return sql("SELECT to_regclass('" + relation + "') IS NOT NULL") == "t";
  }
  std::string hidden_schemas() const {
    return sql(
        "SELECT coalesce(string_agg(nspname, ' ' ORDER BY nspname), '') FROM pg_namespace WHERE nspname LIKE "
        "'switchback\\_hidden%'");
  }
};

/// Hidden and shown again, then dropped and restored, then once more: each time all is as it was.
void forth_and_back(Scene& scene, const std::string& contents, const std::function<void()>& while_hidden = {}) {
  const std::string before = schema_dump(scene.uri);
  const std::string rows = contents.empty() ? "" : scene.sql(contents);
  const auto same = [&](const char* when) {
    INFO(when);
    CHECK(schema_dump(scene.uri) == before);
    if (!contents.empty()) CHECK(scene.sql(contents) == rows);
    CHECK(scene.hidden_schemas().empty());
  };
  scene.to("migrated");
  same("at migrated");
  scene.to("hidden");
  CHECK(schema_dump(scene.uri) != before);
  if (while_hidden) while_hidden();
  scene.back();
  same("unhidden");
  scene.to("contracted");
  CHECK(schema_dump(scene.uri) != before);
  scene.back();
  same("restored");
  scene.to("contracted");
  scene.back();
  same("restored again");
}

constexpr const char* carts =
    "CREATE SCHEMA parts; CREATE TYPE mood AS ENUM ('sad', 'glad');"
    "CREATE TABLE carts (id bigserial PRIMARY KEY, owner text NOT NULL DEFAULT 'nobody', price numeric CONSTRAINT "
    "positive CHECK (price > 0), place integer GENERATED ALWAYS AS IDENTITY, parent bigint REFERENCES carts, m mood, "
    "shouted text GENERATED ALWAYS AS (upper(owner)) STORED, UNIQUE (owner, id));"
    "CREATE INDEX carts_lower ON carts (lower(owner)); CREATE STATISTICS carts_stat ON owner, price FROM carts;"
    "ALTER TABLE carts ALTER owner SET STATISTICS 77, REPLICA IDENTITY FULL, ENABLE ROW LEVEL SECURITY;"
    "ALTER TABLE carts OWNER TO struct_owner; GRANT SELECT, INSERT ON carts TO struct_reader WITH GRANT OPTION;"
    "GRANT UPDATE (owner) ON carts TO PUBLIC; COMMENT ON TABLE carts IS 'what one meant to buy';"
    "CREATE POLICY own ON carts USING (owner = current_user AND id IN (SELECT id FROM carts));"
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER touched BEFORE UPDATE ON carts FOR EACH ROW EXECUTE FUNCTION touch();"
    "CREATE RULE noted AS ON UPDATE TO carts WHERE NEW.id < 0 DO INSTEAD NOTHING;"
    "CREATE TABLE orders (id bigint PRIMARY KEY, cart_id bigint CONSTRAINT orders_cart REFERENCES carts ON DELETE SET "
    "NULL);"
    "INSERT INTO carts (owner, price) SELECT 'o' || i, i FROM generate_series(1, 100) i;"
    "INSERT INTO orders SELECT i, i FROM generate_series(1, 50) i;"
    "CREATE PUBLICATION shelf FOR TABLE carts, orders;";

constexpr const char* cart_steps =
    "    - drop_constraint: { table: orders, name: orders_cart }\n"
    "    - drop_table: { name: carts }\n";

constexpr const char* cart_contents =
    "SELECT md5(string_agg(c::text, ',' ORDER BY id)), (SELECT last_value || is_called::text FROM carts_id_seq), "
    "(SELECT "
    "last_value || is_called::text FROM carts_place_seq) FROM carts c";

}  // namespace

TEST_CASE("a table goes into a schema of its own and comes back exactly, with all that belongs to it",
          "[structures][contract]") {
  Scene scene(carts, cart_steps, "external: { checked: [shelf] }\n");
  forth_and_back(scene, cart_contents, [&] {
    CHECK_FALSE(scene.there("public.carts"));
    CHECK_FALSE(scene.there("public.carts_id_seq"));
    CHECK_FALSE(scene.there("public.carts_lower"));
    CHECK(scene.hidden_schemas() == "switchback_hidden.take.public");
    CHECK(scene.sql("SELECT has_schema_privilege('struct_reader', 'switchback_hidden.take.public', 'USAGE')") == "f");
    CHECK(scene.sql("SELECT count(*) FROM \"switchback_hidden.take.public\".carts") == "100");
  });
}

TEST_CASE("a hidden table is its own archive until its time is over", "[structures][contract]") {
  Scene scene(carts, cart_steps, "external: { checked: [shelf] }\n");
  scene.to("contracted");
  CHECK(scene.sql("SELECT count(*) FROM \"switchback_hidden.take.public\".carts") == "100");
  CHECK(scene.sql("SELECT count(*) FROM pg_constraint WHERE conname = 'orders_cart'") == "0");
  CHECK(scene.sql("SELECT relation || ' ' || state || ' ' || (keep_until > now() + interval '29 days')::text FROM "
                  "switchback.archive") == "public.carts kept true");
  CHECK(scene.held("done").exit_code == 6);
  CHECK(scene.view.hold_kind() == "soak");
  scene.sql("UPDATE switchback.archive SET keep_until = now()");
  // What has come to depend on it holds the purge, and goes on working.
  scene.sql("CREATE VIEW late AS SELECT id FROM \"switchback_hidden.take.public\".carts");
  const auto held = scene.held("done");
  CHECK(held.exit_code == 6);
  CHECK(has(scene.view.hold_reason(), "view public.late"));
  CHECK(scene.view.state() == "contracted");
  CHECK(scene.sql("SELECT count(*) FROM late") == "100");
  scene.sql("DROP VIEW late");
  scene.to("done");
  CHECK(scene.hidden_schemas().empty());
  CHECK(scene.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'carts%'") == "0");
  CHECK(scene.sql("SELECT state FROM switchback.archive") == "purged");
  CHECK(scene.tool.run({"rollback", "take", "--to", "migrated", "--yes"}).exit_code == 3);
}

TEST_CASE("a table without an archive goes with the drop, and says that it does not come back",
          "[structures][contract]") {
  Scene scene(carts, cart_steps, "external: { checked: [shelf] }\n");
  const std::string text =
      "plan: take\nimages: { before: shop:v41, after: shop:v42 }\nexternal: { checked: [shelf] }\n"
      "contract:\n  observe: 1s\n  soak: 0s\n  archive: { none: a test }\n  steps:\n";
  scene.tool.plan(text + cart_steps);
  scene.to("contracted");
  CHECK(scene.hidden_schemas().empty());
  CHECK(scene.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'carts%'") == "0");
  const auto refused = scene.tool.run({"rollback", "take", "--to", "migrated", "--yes"});
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, "no archive was kept"));
  CHECK(scene.view.state() == "contracted");
}

TEST_CASE("a partitioned table takes its partitions along, from wherever they are", "[structures][contract]") {
  Scene scene(
      "CREATE SCHEMA parts; CREATE TABLE events (id bigint NOT NULL, note text) PARTITION BY RANGE (id);"
      "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE parts.events_2 PARTITION OF events FOR VALUES FROM (100) TO (200) PARTITION BY LIST (note);"
      "CREATE TABLE parts.events_2a PARTITION OF parts.events_2 DEFAULT;"
      "CREATE INDEX events_note ON events (note); INSERT INTO events SELECT i, 'n' || i FROM generate_series(0, 199) "
      "i;",
      "    - drop_table: { name: events }\n");
  forth_and_back(scene, "SELECT md5(string_agg(tableoid::regclass || e::text, ',' ORDER BY id)) FROM events e", [&] {
    CHECK(scene.hidden_schemas() == "switchback_hidden.take.parts switchback_hidden.take.public");
    CHECK_FALSE(scene.there("public.events_1"));
    CHECK_FALSE(scene.there("parts.events_2a"));
  });
}

TEST_CASE("what others have in a table holds its drop until the plan names it", "[structures][contract]") {
  Scene scene(
      std::string(carts) +
          "CREATE VIEW totals AS SELECT sum(price) FROM carts; CREATE FUNCTION first_of() RETURNS carts LANGUAGE "
          "sql AS 'SELECT NULL::carts'; CREATE TABLE big_carts () INHERITS (carts);"
          "CREATE POLICY cart_owner ON orders USING (cart_id IN (SELECT id FROM carts));",
      "    - drop_table: { name: carts }\n");
  CHECK(scene.held("hidden").exit_code == 6);
  const std::string reason = scene.view.hold_reason();
  INFO(reason);
  CHECK(has(reason, "table constraint orders_cart on public.orders"));
  CHECK(has(reason, "view public.totals"));
  CHECK(has(reason, "function public.first_of()"));
  CHECK(has(reason, "table public.big_carts"));
  CHECK(has(reason, "policy cart_owner on public.orders"));
  CHECK(has(reason, "publication shelf"));
  // What is the table's own needs no naming.
  for (const char* own :
       {"carts_pkey", "positive on public.carts", "touched on", "carts_lower", "carts_stat", "carts_id_seq", "own on "})
    CHECK_FALSE(has(reason, own));
  CHECK(scene.there("public.carts"));
}

TEST_CASE("a table that a statement names is used, and one that a function's body names", "[structures][contract]") {
  Scene scene(std::string(carts) +
                  "ALTER TABLE orders DROP CONSTRAINT orders_cart; DROP PUBLICATION shelf;"
                  "CREATE FUNCTION wipe() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM carts; END';"
                  "CREATE FUNCTION harmless() RETURNS void LANGUAGE plpgsql AS 'BEGIN /* carts */ PERFORM 1; END';",
              "    - drop_table: { name: carts }\n");
  scene.to("migrated");
  REQUIRE(scene.held("hidden").exit_code == 6);
  application(scene.uri, "shop:v42")->exec("SELECT count(*) FROM public.carts");
  CHECK(scene.held("hidden").exit_code == 6);
  const std::string reason = scene.view.hold_reason();
  INFO(reason);
  CHECK(has(reason, "public.carts used: statements on primary: SELECT count(*) FROM public.carts"));
  CHECK(has(reason, "function public.wipe() names carts"));
  CHECK_FALSE(has(reason, "harmless"));
  scene.sql("DROP FUNCTION wipe()");
  scene.to("hidden");  // the statement is out of the window soon
}

namespace {

constexpr const char* reports =
    "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric, legacy text, note text);"
    "INSERT INTO orders SELECT i, i, 'l' || i, 'n' FROM generate_series(1, 10) i; GRANT SELECT ON orders TO "
    "struct_owner;"
    "CREATE FUNCTION doubled(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';"
    "ALTER FUNCTION doubled(numeric) OWNER TO struct_owner; REVOKE ALL ON FUNCTION doubled(numeric) FROM PUBLIC;"
    "GRANT EXECUTE ON FUNCTION doubled(numeric) TO struct_reader; COMMENT ON FUNCTION doubled(numeric) IS 'twice';"
    "CREATE VIEW report WITH (security_barrier = true) AS SELECT id, doubled(total) AS twice, legacy FROM orders WHERE "
    "id "
    "> 0 WITH LOCAL CHECK OPTION;"
    "CREATE FUNCTION keep_report() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER kept INSTEAD OF INSERT ON report FOR EACH ROW EXECUTE FUNCTION keep_report();"
    "CREATE RULE gone AS ON DELETE TO report DO INSTEAD NOTHING;"
    "ALTER VIEW report ALTER id SET DEFAULT 7; ALTER VIEW report OWNER TO struct_owner;"
    "GRANT SELECT ON report TO struct_reader WITH GRANT OPTION; GRANT UPDATE (legacy) ON report TO PUBLIC;"
    "COMMENT ON VIEW report IS 'for the office'; COMMENT ON COLUMN report.twice IS 'two times';"
    "CREATE MATERIALIZED VIEW kept_report WITH (fillfactor = 70) AS SELECT id, twice FROM report;"
    "CREATE UNIQUE INDEX kept_report_id ON kept_report (id); ALTER MATERIALIZED VIEW kept_report CLUSTER ON "
    "kept_report_id; COMMENT ON INDEX kept_report_id IS 'by id'; ALTER MATERIALIZED VIEW kept_report ALTER twice SET "
    "STATISTICS 50; GRANT SELECT ON kept_report TO struct_reader;"
    "CREATE FUNCTION all_reports() RETURNS SETOF report LANGUAGE sql BEGIN ATOMIC SELECT * FROM report; END;"
    "CREATE PROCEDURE nothing(INOUT n integer) LANGUAGE plpgsql AS 'BEGIN n := 1; END';"
    // Rights that a thing made anew would get beside its own.
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO struct_reader;"
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO struct_reader;";

}  // namespace

TEST_CASE("views and functions come back from their definitions, in the order in which they need each other",
          "[structures][contract]") {
  // Written in an order in which neither dropping nor making would do; together with a column that the view reads.
  Scene scene(reports,
              "    - drop_function: { name: doubled, arguments: \"decimal\" }\n"
              "    - drop_column: { table: orders, name: note, born_since: \"'n'\" }\n"
              "    - drop_view: { name: report }\n"
              "    - drop_function: { name: all_reports }\n"
              "    - drop_view: { name: kept_report }\n"
              "    - drop_function: { name: nothing, arguments: int }\n");
  forth_and_back(
      scene,
      "SELECT md5(string_agg(k::text, ',' ORDER BY id)), (SELECT count(*) FROM all_reports()) FROM kept_report k", [&] {
        CHECK_FALSE(scene.there("public.report"));
        CHECK_FALSE(scene.there("public.kept_report"));
        CHECK(scene.sql("SELECT to_regprocedure('public.doubled(numeric)') IS NULL") == "t");
      });
}

TEST_CASE("types of every kind come back exactly", "[structures][contract]") {
  Scene scene(
      "CREATE TYPE mood AS ENUM ('sad', 'so ''so''', 'glad'); ALTER TYPE mood ADD VALUE 'meh' BEFORE 'glad';"
      "COMMENT ON TYPE mood IS 'how it feels'; ALTER TYPE mood OWNER TO struct_owner; REVOKE ALL ON TYPE mood FROM "
      "PUBLIC;"
      "GRANT USAGE ON TYPE mood TO struct_reader;"
      "CREATE FUNCTION small(n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n < 10';"
      "CREATE DOMAIN digit AS integer DEFAULT 3 NOT NULL CONSTRAINT is_small CHECK (small(VALUE));"
      "ALTER DOMAIN digit ADD CONSTRAINT is_positive CHECK (VALUE >= 0) NOT VALID; COMMENT ON CONSTRAINT is_small ON "
      "DOMAIN digit IS 'one digit';"
      "CREATE TYPE pair AS (one digit, \"the Other\" text COLLATE \"C\"); COMMENT ON COLUMN pair.one IS 'first';"
      "CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi);",
      "    - drop_type: { name: digit }\n"
      "    - drop_type: { name: mood }\n"
      "    - drop_type: { name: pair }\n"
      "    - drop_type: { name: span }\n"
      "    - drop_function: { name: small, arguments: integer }\n");
  forth_and_back(scene, "", [&] {
    CHECK(scene.sql(
              "SELECT to_regtype('mood') IS NULL AND to_regtype('digit') IS NULL AND to_regtype('pair') IS NULL AND "
              "to_regtype('span') IS NULL AND to_regtype('spanmultirange') IS NULL") == "t");
    CHECK(scene.sql("SELECT to_regprocedure('span(float8,float8)') IS NULL") == "t");
  });
}

TEST_CASE("who took a name while its owner was hidden is not pushed aside", "[structures][contract]") {
  Scene scene(reports,
              "    - drop_view: { name: kept_report }\n"
              "    - drop_function: { name: nothing, arguments: int }\n");
  scene.to("hidden");
  scene.sql("CREATE TABLE kept_report (mine text); INSERT INTO kept_report VALUES ('x')");
  const auto refused = scene.tool.run({"rollback", "take", "--to", "migrated", "--yes"});
  INFO(refused.err);
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, "public.kept_report cannot go back to its place"));
  CHECK(scene.view.state() == "hidden");
  CHECK(scene.sql("SELECT mine FROM kept_report") == "x");
  scene.sql("DROP TABLE kept_report");
  scene.back();
  CHECK(scene.view.state() == "migrated");
}

TEST_CASE("what cannot be hidden, or could not come back, is refused before anything is done",
          "[structures][contract]") {
  const auto [step, words] = GENERATE(table<std::string, std::string>({
      {"drop_table: { name: nosuch }", "there is no table public.nosuch"},
      {"drop_table: { name: v }", "is not a table"},
      {"drop_view: { name: t }", "is not a view"},
      {"drop_view: { name: pg_stat_statements }", "is part of the extension pg_stat_statements"},
      {"drop_table: { name: part }", "is a partition of public.whole"},
      {"drop_table: { name: heir }", "inherits from public.t"},
      {"drop_type: { name: t }", "is the row type of a table or view"},
      {"drop_type: { name: nosuch }", "there is no type public.nosuch"},
      {"drop_type: { name: _mood }", "is not an enum"},
      {"drop_function: { name: f, arguments: text }", "there is no function public.f(text)"},
      {"drop_function: { name: total, arguments: integer }", "is an aggregate"},
  }));
  CAPTURE(step);
  const Scene scene(
      "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; CREATE TABLE whole (a int) PARTITION BY LIST (a); "
      "CREATE "
      "TABLE part PARTITION OF whole DEFAULT; CREATE TABLE heir () INHERITS (t); CREATE TYPE mood AS ENUM ('a'); "
      "CREATE "
      "FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = "
      "int)",
      "    - " + step + "\n");
  const std::string before = schema_dump(scene.uri);
  const auto outcome = scene.tool.run({"run", "plan.yaml"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 4);
  CHECK(has(outcome.err, words));
  CHECK(has(outcome.err, "plan.yaml:"));
  CHECK(schema_dump(scene.uri) == before);
}

TEST_CASE("an index that enforces or identifies is not unused because nothing names it", "[structures][contract]") {
  Scene scene(
      "CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL, b int NOT NULL, c int);"
      "CREATE UNIQUE INDEX t_a ON t (a); CREATE UNIQUE INDEX t_b ON t (b); CREATE INDEX t_c ON t (c); CREATE INDEX t_d "
      "ON "
      "t (c, b); ALTER TABLE t REPLICA IDENTITY USING INDEX t_b; ALTER TABLE t CLUSTER ON t_c;"
      "CREATE TABLE u (a int REFERENCES t (a))",
      "    - drop_index: { name: t_a }\n    - drop_index: { name: t_b }\n    - drop_index: { name: t_c }\n"
      "    - drop_index: { name: t_d }\n");
  CHECK(scene.held("hidden").exit_code == 6);
  const std::string reason = scene.view.hold_reason();
  INFO(reason);
  CHECK(has(reason, "public.t_a used: catalog on primary: table constraint u_a_fkey on public.u"));
  CHECK(has(reason, "it keeps rows unique"));
  CHECK(has(reason, "public.t_b used: catalog on primary: it tells logical subscribers"));
  CHECK(has(reason, "public.t_c unknown: catalog on primary: it is what CLUSTER orders the table by"));
  CHECK_FALSE(has(reason, "public.t_d"));
}

TEST_CASE("explain shows where a table goes, what is kept and how it comes back", "[structures]") {
  const Scene scene(carts, cart_steps, "external: { checked: [shelf] }\n");
  const auto outcome = scene.tool.run({"explain", "plan.yaml"});
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(has(outcome.out, "SET SCHEMA \"switchback_hidden.take.public\""));
  CHECK(has(outcome.out, "SET SCHEMA \"public\""));
  CHECK(has(outcome.out, "the hidden table is its own archive"));
  CHECK(has(outcome.out,
            "when the archive's time is over: DROP TABLE \"switchback_hidden.take.public\".\"carts\" RESTRICT"));
}
