// Migrations in plain SQL, statement by statement and together, as entries of a plan.
#include "switchback/core/drafting.hpp"

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/draft_file.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/postgres/migration_reader.hpp"

using namespace switchback;

namespace {

TableFacts users() {
  TableFacts facts;
  facts.name = {"public", "users"};
  const auto column = [&](const char* name, const char* type, bool not_null, std::optional<std::string> usual) {
    ColumnFacts one;
    one.number = static_cast<int>(facts.columns.size()) + 1;
    one.name = name;
    one.type = type;
    one.not_null = not_null;
    one.default_value = std::move(usual);
    facts.columns.push_back(one);
  };
  column("id", "bigint", true, {});
  column("mail", "text", true, {});
  column("city", "text", false, "'Bonn'::text");
  IndexFacts index;
  index.name = {"public", "users_mail_idx"};
  index.definition = "CREATE INDEX users_mail_idx ON public.users USING btree (mail)";
  index.columns = {"mail"};
  index.valid = true;
  facts.indexes = {index};
  facts.key = KeyFacts{"users_pkey", {"id"}, {"bigint"}};
  return facts;
}

std::optional<TableFacts> lookup(const TableName& name) {
  return name == TableName{"public", "users"} ? std::optional(users()) : std::nullopt;
}

struct Result {
  std::vector<std::string> entries;  ///< "phase kind key=value …"
  std::vector<std::string> notes;
  DraftFiles files;
};

std::string shown_value(const Argument::Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  std::string out;
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value))
    for (const std::string& text : *texts) out += (out.empty() ? "" : ",") + text;
  if (const auto* map = std::get_if<ColumnExpressions>(&value))
    for (const auto& [key, text] : *map) out += (out.empty() ? "" : "; ") + key + ": " + text;
  return "[" + out + "]";
}

Result draft(const std::string& sql, const TableLookup& facts = {}) {
  const Drafted drafted = draft_plans(postgres::read_migration(sql), facts);
  Result result;
  for (const DraftEntry& entry : drafted.entries) {
    std::string line = (entry.phase == "change" ? "" : entry.phase + " ") + entry.kind;
    for (const Argument& argument : entry.arguments) line += " " + argument.key + "=" + shown_value(argument.value);
    result.entries.push_back(line);
  }
  for (const DraftNote& note : drafted.notes)
    result.notes.push_back(std::to_string(note.place.line) + ":" + std::to_string(note.place.column) + " " +
                           note.message);
  DraftOptions options;
  options.name = "made";
  options.lookup = facts;
  result.files = write_drafts(drafted.entries, options);
  return result;
}

using Lines = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each statement alone becomes the change that says it", "[drafting]") {
  const auto [sql, expected] = GENERATE(table<std::string, Lines>({
      {"ALTER TABLE users ADD COLUMN phone varchar(20)", {"add_column table=users name=phone type=varchar(20)"}},
      {"ALTER TABLE sales.\"Order Items\" ADD \"Note\" text DEFAULT 'it''s' NOT NULL",
       {"add_column table=sales.\"Order Items\" name=\"Note\" type=text default='it''s' not_null=true"}},
      {"ALTER TABLE users ADD COLUMN qty int CHECK (qty > 0) UNIQUE REFERENCES items (id) ON DELETE SET NULL",
       {"add_column table=users name=qty type=int", "add_check table=users check=qty > 0 name=users_qty_check",
        "add_unique table=users columns=[qty] name=users_qty_key",
        "add_foreign_key table=users columns=[qty] name=users_qty_fkey references=items(id) on_delete=set null"}},
      {"ALTER TABLE users DROP COLUMN mail", {"drop_column table=users name=mail"}},
      {"ALTER TABLE users RENAME mail TO email", {"rename_column table=users from=mail to=email"}},
      {"ALTER TABLE users ALTER age TYPE bigint", {"change_type table=users column=age to=bigint"}},
      {"ALTER TABLE users ALTER age TYPE bigint USING age::bigint", {"change_type table=users column=age to=bigint"}},
      {"ALTER TABLE users ALTER age DROP NOT NULL", {"drop_not_null table=users column=age"}},
      {"ALTER TABLE users ALTER age SET NOT NULL", {"set_not_null table=users column=age"}},
      {"ALTER TABLE users ALTER age SET DEFAULT 3", {"change_default table=users column=age default=3"}},
      {"ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18) NOT VALID",
       {"add_check table=users check=age >= 18 name=adult"}},
      {"ALTER TABLE users ADD UNIQUE (a, b)", {"add_unique table=users columns=[a,b] name=users_a_b_key"}},
      {"ALTER TABLE users ADD CONSTRAINT apart EXCLUDE USING gist (city WITH =, (span(id)) WITH &&) WHERE (id > 0)",
       {"add_exclusion table=users elements=[city: =; (span(id)): &&] where=id > 0 name=apart"}},
      {"ALTER TABLE users SET (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = false)",
       {"set_storage_parameters table=users set=[fillfactor: 70; autovacuum_enabled: off; toast.autovacuum_enabled: "
        "false]"}},
      {"ALTER INDEX users_pkey SET (fillfactor = 90)",
       {"set_storage_parameters index=users_pkey set=[fillfactor: 90]"}},
      {"ALTER TABLE users REPLICA IDENTITY FULL", {"set_replica_identity table=users identity=full"}},
      {"ALTER TABLE users REPLICA IDENTITY USING INDEX i", {"set_replica_identity table=users index=i"}},
      {"ALTER TABLE users ALTER mail SET STATISTICS 500", {"set_statistics table=users column=mail target=500"}},
      {"ALTER TABLE users ALTER mail SET STORAGE EXTERNAL", {"set_storage table=users column=mail storage=external"}},
      {"ALTER TABLE users ALTER mail SET COMPRESSION lz4", {"set_storage table=users column=mail compression=lz4"}},
      {"ALTER TABLE users RENAME CONSTRAINT adult TO grown", {"rename_constraint table=users name=adult to=grown"}},
      {"ALTER INDEX users_mail_idx RENAME TO users_email_idx", {"rename_index name=users_mail_idx to=users_email_idx"}},
      {"ALTER TABLE users DROP CONSTRAINT adult", {"drop_constraint table=users name=adult"}},
      {"CREATE INDEX CONCURRENTLY i ON users (lower(mail), id) INCLUDE (city) WHERE city <> ''",
       {"create_index table=users columns=[(lower(mail)),id] where=city <> '' include=[city] name=i"}},
      {"CREATE INDEX i ON users (mail DESC)",
       {"create_index table=users definition=CREATE INDEX i ON users USING btree (mail DESC) name=i"}},
      {"CREATE UNIQUE INDEX i ON users (mail)", {"add_unique table=users columns=[mail] name=i"}},
      {"DROP INDEX CONCURRENTLY i", {"drop_index name=i"}},
      {"DROP TABLE a, sales.b", {"drop_table name=a", "drop_table name=sales.b"}},
      {"DROP VIEW v", {"drop_view name=v"}},
      {"DROP TYPE mood", {"drop_type name=mood"}},
      {"DROP FUNCTION f(integer, text)", {"drop_function name=f arguments=int, text"}},
      {"CREATE TYPE mood AS ENUM ('a', 'b')", {"create_enum name=mood values=[a,b]"}},
      {"ALTER TYPE mood ADD VALUE 'c' AFTER 'a'", {"add_enum_value type=mood value=c after=a"}},
      {"CREATE VIEW v AS SELECT 1 AS one", {"create_view name=v query=SELECT 1 AS one"}},
      {"COMMENT ON COLUMN users.mail IS 'where to'", {"set_comment table=users column=mail comment=where to"}},
      {"GRANT SELECT ON users TO reader",
       {"expand sql run=GRANT SELECT ON users TO reader undo=REVOKE select ON users FROM reader"}},
      {"CREATE FUNCTION f(a int, OUT b int) LANGUAGE sql AS 'SELECT 1'",
       {"expand sql run=CREATE FUNCTION f(a int, OUT b int) LANGUAGE sql AS 'SELECT 1' undo=DROP FUNCTION f(int)"}},
  }));
  CAPTURE(sql);
  const Result result = draft(sql);
  CHECK(result.entries == expected);
  CHECK(result.files.refused.empty());
  for (const DraftFile& file : result.files.files) {
    INFO(file.text);
    CHECK(file.blanks.empty());
    CHECK(read_plan(file.text, "made.yaml").plan);
  }
}

TEST_CASE("a column that is added, filled and made NOT NULL is one change", "[drafting]") {
  CHECK(
      draft(
          "ALTER TABLE users ADD slug text; UPDATE users u SET slug = lower(u.name); ALTER TABLE users ALTER slug SET "
          "NOT NULL")
          .entries == Lines{"add_column table=users name=slug type=text fill=lower(name) not_null=true"});
  CHECK(
      draft("ALTER TABLE t ADD s text; UPDATE t SET s = 'a'; UPDATE t SET s = 'b' WHERE n > 1; UPDATE t SET s = 'c' "
            "WHERE s IS NULL; ALTER TABLE t ALTER s SET DEFAULT 'a', ALTER s SET NOT NULL")
          .entries ==
      Lines{
          "add_column table=t name=s type=text fill=coalesce(CASE WHEN n > 1 THEN 'b' ELSE 'a' END, 'c') not_null=true",
          "change_default table=t column=s default='a'"});
  CHECK(draft("ALTER TABLE t ADD s int DEFAULT 0 NOT NULL; ALTER TABLE t ALTER s DROP DEFAULT").entries.front() ==
        "add_column table=t name=s type=int default=0 not_null=true");
  const Result unfilled = draft("ALTER TABLE t ADD s int; ALTER TABLE t ALTER s SET NOT NULL");
  REQUIRE(unfilled.files.files.size() == 1);
  REQUIRE(unfilled.files.files.front().blanks.size() == 1);
  CHECK(has(unfilled.files.files.front().blanks.front().message, "fill is still to be filled in: t.s"));
}

TEST_CASE("a fill that is not SQL over the row stays a statement, and says what it leaves out", "[drafting]") {
  const Result result = draft(
      "ALTER TABLE t ADD s int; UPDATE t SET s = o.n FROM o WHERE o.id = t.id; ALTER TABLE t ALTER s SET NOT NULL");
  CHECK(result.entries ==
        Lines{"add_column table=t name=s type=int", "set_not_null table=t column=s",
              "migrate sql run=UPDATE t SET s = o.n FROM o WHERE o.id = t.id undo=UPDATE t SET s = NULL"});
  REQUIRE(result.files.files.size() == 1);
  CHECK(has(result.files.files.front().text, "is not SQL over the row alone"));
}

TEST_CASE("columns made from others that are dropped are kept in step with them, both ways", "[drafting]") {
  const Result split = draft(
      "ALTER TABLE users ADD first text, ADD last text; UPDATE users SET first = split_part(name, ' ', 1), last = "
      "split_part(name, ' ', 2); ALTER TABLE users DROP name; ALTER TABLE users ALTER first SET NOT NULL");
  REQUIRE(split.entries.size() == 2);
  CHECK(split.entries.front() ==
        "split_column table=users from=name into=[first: split_part(name, ' ', 1); last: split_part(name, ' ', 2)] "
        "types=[first: text; last: text] reverse=<fill in: name of first and last, as SQL over the row; or reverse: { "
        "none: "
        "reason }>");
  CHECK(split.entries.back() == "set_not_null table=users column=first");
  REQUIRE(split.files.files.size() == 1);
  CHECK(split.files.files.front().blanks.size() == 1);

  const Result merge = draft("ALTER TABLE t ADD c text; UPDATE t SET c = a || b; ALTER TABLE t DROP a, DROP b");
  REQUIRE(merge.entries.size() == 1);
  CHECK(merge.entries.front().starts_with(
      "merge_columns table=t from=[a,b] into=c type=text fill=a || b reverse=[a: <fill in"));

  // A copy needs no answer: it is its own reverse.
  const Result copy = draft("ALTER TABLE t ADD c text; UPDATE t SET c = a; ALTER TABLE t DROP a");
  CHECK(copy.entries == Lines{"split_column table=t from=a into=[c: a] types=[c: text] reverse=c"});
  CHECK(copy.files.files.front().blanks.empty());

  const Result both =
      draft("ALTER TABLE t ADD c text, ADD d text; UPDATE t SET c = a || b, d = b; ALTER TABLE t DROP a, DROP b");
  REQUIRE(both.files.files.size() == 1);
  CHECK(both.entries.size() == 5);
  CHECK(has(both.files.files.front().text, "b: d"));
}

TEST_CASE("what tightens is one change, however carefully it was written", "[drafting]") {
  CHECK(draft("UPDATE t SET city = '' WHERE city IS NULL; ALTER TABLE t ALTER city SET NOT NULL").entries ==
        Lines{"set_not_null table=t column=city fix=''"});
  CHECK(
      draft(
          "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; ALTER "
          "TABLE t ALTER a SET NOT NULL; ALTER TABLE t DROP CONSTRAINT c")
          .entries == Lines{"set_not_null table=t column=a"});
  CHECK(draft("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a); ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i")
            .entries == Lines{"add_unique table=t columns=[a] name=k"});
}

TEST_CASE("what a file does to a table that it makes is part of making it", "[drafting]") {
  CHECK(draft("CREATE TABLE t (id bigserial PRIMARY KEY, a int NOT NULL DEFAULT 1, CHECK (a > 0)); ALTER TABLE t ADD b "
              "text; "
              "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES o (id); CREATE UNIQUE INDEX i ON t (b)")
            .entries ==
        Lines{"create_table name=t columns=[id: bigserial PRIMARY KEY; a: int NOT NULL DEFAULT 1; b: text] "
              "constraints=[CHECK (a > 0),CONSTRAINT f FOREIGN KEY (a) REFERENCES o (id)]",
              "create_index table=t columns=[b] unique=true name=i"});
}

TEST_CASE("an exclusion constraint and settings of a table that the file makes go with the table", "[drafting]") {
  const Result result = draft(
      "CREATE TABLE stays (room int, during tsrange); ALTER TABLE stays ADD CONSTRAINT apart EXCLUDE USING gist (room "
      "WITH =, during WITH &&); ALTER TABLE stays SET (fillfactor = 70)");
  CHECK(result.entries ==
        Lines{"create_table name=stays columns=[room: int; during: tsrange] constraints=[CONSTRAINT \"apart\" EXCLUDE "
              "USING gist (\"room\" WITH =, \"during\" WITH &&)]",
              "expand sql run=ALTER TABLE stays SET (fillfactor = 70) irreversible=it goes with the table"});
  CHECK(result.files.refused.empty());
}

TEST_CASE("an index of a column whose type changes is dropped by a plan before", "[drafting]") {
  const Result result = draft("DROP INDEX users_mail_idx; ALTER TABLE users ALTER mail TYPE varchar(80)", lookup);
  REQUIRE(result.files.refused.empty());
  REQUIRE(result.files.files.size() == 2);
  CHECK(has(result.files.files[0].text, "drop_index"));
  CHECK(has(result.files.files[1].text, "change_type"));
}

TEST_CASE("what tools and psql put around a migration is passed over, aloud", "[drafting]") {
  const Result result = draft(
      "\\set ON_ERROR_STOP on\n-- +goose Up\nSET lock_timeout = '1s';\nBEGIN;\nSET search_path = shop;\nALTER TABLE "
      "users ADD "
      "a int;\nINSERT INTO schema_migrations VALUES ('1');\nCOMMIT;\n-- +goose Down\nALTER TABLE users DROP a;\n");
  CHECK(result.entries == Lines{"add_column table=shop.users name=a type=int"});
  REQUIRE(result.notes.size() == 7);
  CHECK(result.notes.front() == "1:1 passed over: a command of psql");
  CHECK(has(result.notes.back(), "9:1 passed over: the section that takes the migration back"));
}

TEST_CASE("what cannot be known is a marked place, which the reader refuses by its name", "[drafting]") {
  const auto [sql, words] = GENERATE(table<std::string, std::string>({
      {"ALTER TABLE t ALTER a TYPE int USING length(a)", "reverse is still to be filled in: the old a"},
      {"INSERT INTO t VALUES (1)", "undo is still to be filled in: SQL that takes this INSERT of t back"},
      {"DELETE FROM t WHERE a = 1", "undo is still to be filled in"},
      {"CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "undo is still to be filled in"},
      {"DO $$ BEGIN END $$", "undo is still to be filled in: SQL that takes this DO back"},
      {"ALTER TABLE t ADD id bigint GENERATED ALWAYS AS IDENTITY", "only if the table may be locked"},
      {"ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o", "references is still to be filled in: o("},
      {"SELEKT 1", "it could not be read"},
      {"\\i other.sql", "it could not be read"},
  }));
  CAPTURE(sql);
  const Result result = draft(sql);
  CHECK(result.files.refused.empty());
  REQUIRE(result.files.files.size() == 1);
  const DraftFile& file = result.files.files.front();
  INFO(file.text);
  REQUIRE_FALSE(file.blanks.empty());
  CHECK(has(file.blanks.front().message, words));
  CHECK_FALSE(read_plan(file.text, "made.yaml").plan);
}

TEST_CASE("with a database, what the catalog says is not asked", "[drafting]") {
  CHECK(draft("ALTER TABLE users ALTER city DROP DEFAULT", lookup).entries.front().find("fill in") ==
        std::string::npos);
  CHECK(draft("ALTER TABLE orders ADD FOREIGN KEY (who) REFERENCES users", lookup).entries ==
        Lines{"add_foreign_key table=orders columns=[who] name=orders_who_fkey references=users(id)"});
  const Result drop = draft("ALTER TABLE users DROP mail", lookup);
  REQUIRE(drop.entries.size() == 2);
  CHECK(drop.entries.front() == "drop_not_null table=users column=mail");
  CHECK(has(drop.entries.back(), "born_since=<fill in"));
  CHECK(has(drop.files.files.front().text, "allow_silent: [users_mail_idx]"));
}

TEST_CASE("what goes along with a column that others are made from is named", "[drafting]") {
  const Result split =
      draft("ALTER TABLE users ADD a text; UPDATE users SET a = mail; ALTER TABLE users DROP mail", lookup);
  REQUIRE(split.files.files.size() == 1);
  CHECK(has(split.files.files.front().text, "allow_silent: [users_mail_idx]"));
}

TEST_CASE("changes that cannot share a plan are plans in order, each requiring the one before", "[drafting]") {
  const Result result =
      draft("ALTER TABLE t RENAME a TO b; GRANT SELECT ON t TO r; DROP VIEW v; CREATE VIEW v AS SELECT 1 AS one");
  REQUIRE(result.files.refused.empty());
  REQUIRE(result.files.files.size() == 3);
  CHECK(has(result.files.files[1].text, "requires: [made]"));
  CHECK(has(result.files.files[2].text, "requires: [made-2]"));
  for (const DraftFile& file : result.files.files) CHECK(read_plan(file.text, "made.yaml").plan);
}

TEST_CASE("no text, however broken, makes the reader of migrations fail", "[drafting]") {
  for (const std::string& sql :
       {std::string(), std::string(";;;"), std::string("'"), std::string("$$"), std::string("\\"), std::string("/*"),
        std::string("CREATE TABLE t ("), std::string("\xEF\xBB\xBF") + "ALTER TABLE t ADD a int",
        std::string("ALTER TABLE t ADD a int CHECK (") + std::string(200000, '(') + ")",
        std::string("COPY t FROM stdin;\n1\t'\n\\.\n"), std::string("\\set q '\nALTER TABLE t ADD a int;\n")}) {
    CAPTURE(sql.substr(0, 60));
    const Result result = draft(sql);
    CHECK(result.files.refused.empty());
  }
}
