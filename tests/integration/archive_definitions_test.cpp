#include "archive_scene.hpp"
#include "catch.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"

namespace switchback::tests {
namespace {

/// Everything about two tables that a drop may take along, without attribute numbers.
constexpr const char* shape = R"(
SELECT line FROM (
  SELECT 'column ' || concat_ws('|', c.relname, a.attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attstorage, to_jsonb(a) ->> 'attcompression',
         attstattarget, attoptions, attcollation::regcollation, col_description(attrelid, attnum), pg_get_expr(d.adbin, d.adrelid),
         (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(attacl) x)) AS line
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND d.adnum = attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped AND attname NOT LIKE '%switchback%'
  UNION ALL
  SELECT 'index ' || concat_ws('|', pg_get_indexdef(indexrelid), indisvalid, indisclustered, indisreplident, obj_description(indexrelid, 'pg_class'))
    FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL
  SELECT 'constraint ' || concat_ws('|', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated, obj_description(oid, 'pg_constraint'))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conparentid = 0
  UNION ALL
  SELECT 'statistics ' || concat_ws('|', stxname, stxrelid::regclass, stxkind, stxstattarget, obj_description(oid, 'pg_statistic_ext'),
         (SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = stxrelid AND attnum = ANY (stxkeys))) FROM pg_statistic_ext
  UNION ALL
  SELECT 'sequence ' || concat_ws('|', c.oid::regclass, s.seqtypid::regtype, seqstart, seqincrement, seqmax, seqcache, seqcycle, d.refobjid::regclass,
         (SELECT attname FROM pg_attribute WHERE attrelid = d.refobjid AND attnum = d.refobjsubid), c.relacl)
    FROM pg_sequence s JOIN pg_class c ON c.oid = seqrelid LEFT JOIN pg_depend d ON d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    WHERE c.relnamespace = 'public'::regnamespace
) AS every ORDER BY line)";

SceneText rich_scene() {
  SceneText text;
  text.table = {"public", "Items"};
  text.create = R"(
CREATE DOMAIN code AS text CHECK (VALUE <> '');
CREATE TABLE kinds (name varchar(30) PRIMARY KEY);
INSERT INTO kinds VALUES ('a'), ('b');
CREATE TABLE "Items" (
  id bigint PRIMARY KEY, "Le""gacy" varchar(30) COLLATE "C" NOT NULL DEFAULT 'a', other int, ref int NOT NULL, serial_no serial, doc text, dom code DEFAULT 'x', zone int,
  CONSTRAINT pair UNIQUE ("Le""gacy", other) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT whole UNIQUE (ref),
  CONSTRAINT short CHECK (length("Le""gacy") < 25), CONSTRAINT kind FOREIGN KEY ("Le""gacy") REFERENCES kinds ON UPDATE CASCADE);
ALTER TABLE "Items" ADD CONSTRAINT late CHECK (other > 0 OR "Le""gacy" IS NOT NULL) NOT VALID;
COMMENT ON CONSTRAINT short ON "Items" IS 'it''s short';
CREATE TABLE pointing (id int PRIMARY KEY, item int CONSTRAINT into_items REFERENCES "Items" (ref) ON DELETE SET NULL);
CREATE INDEX "by le""gacy" ON "Items" USING btree (lower("Le""gacy") text_pattern_ops, other DESC NULLS LAST) INCLUDE (ref) WHERE "Le""gacy" > 'a';
COMMENT ON INDEX "by le""gacy" IS 'partial, expression';
CREATE INDEX goes_alone ON "Items" (zone);
CREATE STATISTICS together (ndistinct, dependencies) ON "Le""gacy", other FROM "Items";
ALTER STATISTICS together SET STATISTICS 200;
COMMENT ON STATISTICS together IS 'both';
COMMENT ON COLUMN "Items"."Le""gacy" IS 'the ''old'' one';
ALTER TABLE "Items" ALTER doc SET STORAGE EXTERNAL, ALTER "Le""gacy" SET STATISTICS 77, ALTER "Le""gacy" SET (n_distinct = 5);
DO $$ BEGIN IF current_setting('server_version_num')::int >= 140000 THEN EXECUTE 'ALTER TABLE "Items" ALTER doc SET COMPRESSION pglz'; END IF; END $$;
ALTER TABLE "Items" CLUSTER ON whole, REPLICA IDENTITY USING INDEX whole;
GRANT SELECT ("Le""gacy"), UPDATE ("Le""gacy") ON "Items" TO reader WITH GRANT OPTION;
GRANT INSERT ("Le""gacy") ON "Items" TO PUBLIC;
GRANT USAGE ON SEQUENCE "Items_serial_no_seq" TO reader;
INSERT INTO "Items" (id, "Le""gacy", other, ref, doc, zone) SELECT n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, n, n, 'doc' || n, n FROM generate_series(1, 40) AS n;
INSERT INTO pointing SELECT n, n FROM generate_series(1, 10) AS n;)";
  for (const char* column : {"Le\"gacy", "serial_no", "doc", "dom", "ref"})
    text.contract.push_back({DropColumn{text.table, column, std::nullopt}, {}});
  text.contract.insert(text.contract.begin(), {DropConstraint{{"public", "pointing"}, "into_items"}, {}});
  text.contract.push_back({DropIndex{{"public", "goes_alone"}}, {}});
  text.contract.push_back({SetNotNull{text.table, "zone"}, {}});
  return text;
}

/// Why the plan may not be hidden; empty when it was.
std::string refusal(const SceneText& text) {
  ContractScene scene(text);
  try {
    scene.hide();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

bool says(const std::string& message, const std::string& part) {
  return message.find(part) != std::string::npos;
}

void make_reader() {
  server().sql(server().uri(), "DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
}

}  // namespace

TEST_CASE("everything that a drop takes along is the same after the restore as before the hide") {
  make_reader();
  ContractScene scene(rich_scene());
  const std::string before = scene.rows(shape);
  const std::string values =
      scene.rows("SELECT id, \"Le\"\"gacy\", serial_no, doc, dom, ref FROM \"Items\" ORDER BY id");
  scene.hide();
  scene.unhide();
  CHECK(scene.rows(shape) == before);
  scene.hide();
  scene.archive();
  scene.drop();
  CHECK(scene.one("SELECT attnotnull FROM pg_attribute WHERE attrelid = '\"Items\"'::regclass AND attname = 'zone'") ==
        "t");
  CHECK(scene.one("SELECT count(*) FROM pg_constraint WHERE conname LIKE '\\_switchback%'") == "0");
  CHECK(scene.one("SELECT count(*) FROM pg_statistic_ext") == "0");
  scene.restore();
  CHECK(scene.rows(shape) == before);
  CHECK(scene.rows("SELECT id, \"Le\"\"gacy\", serial_no, doc, dom, ref FROM \"Items\" ORDER BY id") == values);
  scene.exec("INSERT INTO \"Items\" (id, ref, zone) VALUES (41, 41, 1)");
  CHECK(scene.one("SELECT serial_no FROM \"Items\" WHERE id = 41") == "41");
}

TEST_CASE(
    "a NOT NULL that the contract sets holds from the hide on, costs no scan at the drop, and goes with unhide and "
    "restore") {
  SceneText text = split_scene(10);
  text.contract.insert(text.contract.begin(), {SetNotNull{text.table, "first_name"}, {}});
  ContractScene scene(text);
  scene.hide();
  const auto refused = [&] {
    try {
      scene.exec("UPDATE users SET first_name = NULL WHERE id = 1");
      return std::string();
    } catch (const Error& error) {
      return error.sqlstate();
    }
  };
  CHECK(refused() == "23514");
  scene.unhide();
  CHECK(refused().empty());
  scene.hide();
  scene.archive();
  // A row from before, that the check has never seen: validation finds it, and the drop does not happen.
  CHECK_THROWS_AS(scene.drop(), Error);
  CHECK(scene.objections().size() == 1);
  scene.exec("UPDATE users SET first_name = 'Mended' WHERE id = 1");
  scene.drop();
  CHECK(refused() == "23502");
  scene.restore();
  CHECK(refused().empty());
}

TEST_CASE("an index that an earlier attempt left invalid is built anew, and one that somebody builds is left to them") {
  make_reader();
  ContractScene scene(rich_scene());
  scene.hide();
  scene.archive();
  scene.drop();
  scene.begin_restore();
  scene.fill();
  scene.end_filling();
  // What a killed CREATE INDEX CONCURRENTLY leaves: it waited for an old transaction and was cancelled.
  auto old = scene.connect("BEGIN");
  old->exec("SELECT count(*) FROM \"Items\"; UPDATE \"Items\" SET zone = zone WHERE id = 1");
  auto builder = scene.connect("SET lock_timeout = '500ms'");
  CHECK_THROWS_AS(builder->exec("CREATE INDEX CONCURRENTLY \"by le\"\"gacy\" ON \"Items\" (id)"), Error);
  CHECK(scene.one("SELECT indisvalid FROM pg_index WHERE indexrelid = '\"by le\"\"gacy\"'::regclass") == "f");
  old->exec("COMMIT");
  scene.rebuild();
  CHECK(scene.one("SELECT indisvalid AND pg_get_indexdef(indexrelid) LIKE '%lower%' FROM pg_index WHERE indexrelid = "
                  "'\"by le\"\"gacy\"'::regclass") == "t");
}

TEST_CASE("indexes, constraints and grants of a partitioned table come back on every leaf") {
  make_reader();
  SceneText text;
  text.table = {"public", "parts"};
  text.create = R"(
CREATE TABLE parts (id int, part int, legacy text DEFAULT 'd', ref int, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts_rest FOR VALUES FROM (0) TO (50);
CREATE TABLE parts_high PARTITION OF parts_rest DEFAULT;
CREATE INDEX parts_legacy ON parts (legacy, ref);
CREATE INDEX only_here ON parts_low (legacy) WHERE ref > 3;
ALTER TABLE parts ADD CONSTRAINT narrow CHECK (legacy <> 'never');
ALTER TABLE parts ADD CONSTRAINT one UNIQUE (legacy, id, part);
GRANT SELECT (legacy) ON parts TO reader;
INSERT INTO parts SELECT n, n % 3, 'v' || n, n FROM generate_series(1, 90) AS n;)";
  text.contract = {{DropColumn{text.table, "legacy", std::nullopt}, {}}};
  ContractScene scene(text);
  const std::string names = "regexp_replace(line, ' INDEX \\S+ ON', ' INDEX ON')";  // a leaf's share is named anew
  const std::string same =
      "SELECT " + names + " AS line FROM (" + std::string(shape) + ") AS s WHERE line !~ '^constraint' ORDER BY 1";
  const std::string before = scene.rows(same);
  const std::string constraints = scene.rows(
      "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'parts'::regclass ORDER BY 1");
  const std::string values = scene.rows("SELECT * FROM (SELECT id, part, legacy, ref FROM parts) AS p ORDER BY 1, 2");
  scene.hide();
  scene.archive();
  scene.drop();
  scene.exec("CREATE TABLE parts_2 (LIKE parts)");
  scene.exec("DROP TABLE parts_2");
  scene.restore();
  CHECK(scene.rows("SELECT * FROM (SELECT id, part, legacy, ref FROM parts) AS p ORDER BY 1, 2") == values);
  CHECK(scene.rows("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'parts'::regclass "
                   "ORDER BY 1") == constraints);
  CHECK(scene.rows(same) == before);
}

TEST_CASE("what could not be brought back, or archived, is refused before anything is hidden") {
  SceneText text;
  text.create = "CREATE TABLE users (id int PRIMARY KEY, a text, g text GENERATED ALWAYS AS (a || '!') STORED)";
  text.contract = {{DropColumn{text.table, "a", std::nullopt}, {}}};
  CHECK(says(refusal(text), "generated column public.users.g"));
  text.create =
      "CREATE DOMAIN strict AS text CHECK (VALUE IS NOT NULL); CREATE TABLE users (id int PRIMARY KEY, a strict)";
  CHECK(says(refusal(text), "domain public.strict"));
  text.create = "CREATE TABLE users (id int, a text)";
  CHECK(says(refusal(text), "no key"));
  text.create = "CREATE TABLE users (a text PRIMARY KEY, b int)";
  CHECK(says(refusal(text), "part of the key"));
  text.contract = {{DropIndex{{"public", "nowhere"}}, {}}, {DropColumn{text.table, "b", std::nullopt}, {}}};
  CHECK(says(refusal(text), "no index nowhere"));
}

TEST_CASE("a key of a type whose operators live elsewhere is walked in the order of its index") {
  SceneText text;
  text.create =
      "CREATE EXTENSION citext; CREATE TABLE users (name citext, day date, v text, PRIMARY KEY (name, day));"
      "INSERT INTO users SELECT CASE n % 2 WHEN 0 THEN 'a' ELSE 'B' END || n, '2024-01-01'::date + n % 3, 'v' || n "
      "FROM generate_series(1, 50) AS n";
  text.contract = {{DropColumn{text.table, "v", std::nullopt}, {}}};
  ContractScene scene(text);
  scene.hide();
  scene.start_archive();
  scene.copy(3);
  CHECK(scene.verify(4) == 0);
  CHECK(scene.one("SELECT rows FROM switchback.archive") == "50");
  scene.exec("UPDATE users SET name = upper(name::text)::citext");  // the same keys
  scene.drop();
  scene.exec("DELETE FROM users WHERE name = 'A2'");
  scene.restore();
  CHECK(scene.one("SELECT count(*) FROM users WHERE v = 'v' || substr(name::text, 2)") == "49");
}

}  // namespace switchback::tests
