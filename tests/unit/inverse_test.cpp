#include "switchback/core/inverse.hpp"

#include <filesystem>

#include "catch.hpp"
#include "source_folder.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/inverse_file.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

namespace fs = std::filesystem;
const fs::path plans = tests::source_folder() / "plans";

Plan shipped(const std::string& file) {
  return read_plan_file((plans / file).string()).plan.value();
}

Plan plan(const std::string& text) {
  return read_plan("plan: change\n" + text, "plan.yaml").plan.value();
}

/// What the journal and the catalog know of the split once it is contracted.
InverseFacts after_split() {
  InverseFacts facts;
  facts.definitions = {{"taken", "users", "{}"},
                       {"column", "public.users.full_name", "ALTER TABLE public.users ADD COLUMN full_name text"},
                       {"index", "public.users_full_name_idx",
                        "CREATE INDEX users_full_name_idx ON public.users USING btree (full_name)"},
                       {"not_null", "public.users.full_name",
                        "ALTER TABLE public.users ALTER COLUMN full_name SET NOT NULL, DROP CONSTRAINT IF EXISTS x"},
                       {"relax", "users.first_name", "ALTER TABLE public.users ALTER COLUMN first_name DROP NOT NULL"}};
  TableFacts users;
  users.name = {"public", "users"};
  ColumnFacts last;
  last.number = 4;
  last.name = "last_name";
  users.columns = {last};
  IndexFacts index;
  index.name = {"public", "users_last_name_idx"};
  index.mentions = {4};
  users.indexes = {index};
  facts.tables = {users};
  facts.archives = {{"users", "switchback.archive_1_users", "2026-12-21T10:20:22Z"}};
  return facts;
}

std::string text_of(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += item + "\n";
  return text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What the hide records of a dropped column.
KnownDefinition column(const std::string& name, const std::string& type) {
  return {"column", "public.t." + name, "ALTER TABLE public.t ADD COLUMN " + name + " " + type};
}

}  // namespace

TEST_CASE("the shipped plan that undoes the split is what is written for it", "[inverse]") {
  const Plan split = shipped("split-full-name.yaml");
  const Inverse inverse = inverse_plan(split, after_split());
  CHECK(to_yaml(inverse.plan) == to_yaml(shipped("undo-split-full-name.yaml")));
  const std::string file = inverse_file(split, State::contracted, inverse);
  CHECK(has(file, "# Undoes the plan split-full-name (sha256 " + split.hash + ")"));
  CHECK(has(text_of(inverse.lost), "users.full_name is filled with concat_ws(' ', first_name, last_name)"));
  CHECK(has(text_of(inverse.lost), "switchback.archive_1_users until 2026-12-21T10:20:22Z"));
}

TEST_CASE("once the archive is purged only backups have what a column held", "[inverse]") {
  InverseFacts facts = after_split();
  facts.archives.clear();
  facts.state = State::done;
  const Inverse inverse = inverse_plan(shipped("split-full-name.yaml"), facts);
  CHECK(has(text_of(inverse.lost), "are in backups alone"));
  CHECK_FALSE(has(inverse_comment(shipped("split-full-name.yaml"), State::done, inverse), "switchback restore"));
}

TEST_CASE("before the contract rolling back is named as the cheaper way", "[inverse]") {
  const Plan split = shipped("split-full-name.yaml");
  const std::string head = inverse_comment(split, State::migrated, inverse_plan(split, after_split()));
  CHECK(has(head, "`switchback rollback split-full-name`"));
}

TEST_CASE("a comment stays a comment whatever names have in them", "[inverse]") {
  Inverse inverse;
  inverse.look = {"a name with\nplan: another\r\nin it"};
  inverse.afterwards = {"ALTER TABLE \"a\nb\" VALIDATE CONSTRAINT c"};
  Plan original;
  original.name = "x";
  const std::string head = inverse_comment(original, State::done, inverse);
  for (std::size_t at = 0; at < head.size(); at = head.find('\n', at) + 1) CHECK(head[at] == '#');
}

TEST_CASE("a column without a reverse gets what born_since says, and its data is said to be lost", "[inverse]") {
  InverseFacts facts;
  facts.definitions = {column("legacy", "text")};
  const Inverse inverse = inverse_plan(
      plan("contract:\n  steps:\n    - drop_column: { table: t, name: legacy, born_since: \"''\" }\n"), facts);
  REQUIRE(inverse.plan.migrate.size() == 1);
  CHECK(std::get<Backfill>(inverse.plan.migrate[0].action).set == ColumnExpressions{{"legacy", "''"}});
  CHECK(has(text_of(inverse.lost), "the values of t.legacy: rows get ''"));
  CHECK_FALSE(takes_away(inverse.plan));
}

TEST_CASE("a NOT NULL column that nothing fills has a place marked for it, and holds until it is filled in",
          "[inverse]") {
  InverseFacts facts;
  facts.definitions = {column("a", "text"),
                       {"not_null", "public.t.a", "…"},
                       column("b", "integer"),
                       {"default", "public.t.b", "ALTER TABLE public.t ALTER COLUMN b SET DEFAULT 7"},
                       {"not_null", "public.t.b", "…"}};
  const Inverse inverse = inverse_plan(
      plan("contract:\n  steps:\n    - drop_column: { table: t, name: a }\n    - drop_column: { table: t, name: b }\n"),
      facts);
  CHECK(has(text_of(inverse.look), "FILL IN what the rows get in t.a"));
  CHECK(std::get<Backfill>(inverse.plan.migrate.at(0).action).set == ColumnExpressions{{"a", "NULL"}});
  REQUIRE(inverse.plan.contract.steps.size() == 1);
  CHECK(describe(inverse.plan.contract.steps[0].action) == "set_not_null t.a");
  const auto& b = std::get<AddColumn>(inverse.plan.expand.at(1).action);  // its default fills it
  CHECK(b.not_null);
  CHECK(b.default_value == "7");
}

TEST_CASE("sql is undone by its undo, where both images bear it early, else in the contract", "[inverse]") {
  const Inverse inverse = inverse_plan(
      plan("expand:\n  - sql: { run: 'CREATE TABLE a (i int)', undo: DROP TABLE a }\n"
           "  - sql: { run: GRANT SELECT ON a TO b, undo: REVOKE SELECT ON a FROM b }\n"
           "migrate:\n  - sql: { run: SELECT 1, irreversible: it did something }\n"
           "contract:\n  steps:\n    - sql: { run: REVOKE INSERT ON a FROM b, undo: GRANT INSERT ON a TO b }\n"),
      {});
  REQUIRE(inverse.plan.expand.size() == 1);
  CHECK(describe(inverse.plan.expand[0].action) == "sql GRANT INSERT ON a TO b");
  REQUIRE(inverse.plan.contract.steps.size() == 2);
  CHECK(describe(inverse.plan.contract.steps[0].action) == "sql REVOKE SELECT ON a FROM b");
  CHECK(describe(inverse.plan.contract.steps[1].action) == "drop_table a");  // hidden and archived first
  CHECK(has(text_of(inverse.look), "nothing here undoes `sql SELECT 1`, which is irreversible: it did something"));
}

TEST_CASE("a default and NOT NULL go back to what was recorded when they were changed", "[inverse]") {
  const Plan change = plan(
      "expand:\n  - set_default: { table: t, column: a, default: 5 }\n  - drop_not_null: { table: t, column: b }\n"
      "  - drop_not_null: { table: t, column: c }\n");
  InverseFacts facts;
  facts.undo = {{{"expand", 1}, {"ALTER TABLE t ALTER a SET DEFAULT 4"}},
                {{"expand", 2}, {"ALTER TABLE t ALTER b SET NOT NULL"}},
                {{"expand", 3}, {}}};
  const Inverse inverse = inverse_plan(change, facts);
  REQUIRE(inverse.plan.contract.steps.size() == 2);
  CHECK(describe(inverse.plan.contract.steps[0].action) == "set_not_null t.b");
  CHECK(std::get<Sql>(inverse.plan.contract.steps[1].action).run == "ALTER TABLE t ALTER a SET DEFAULT 4");
  CHECK(inverse.look.empty());
  CHECK(has(text_of(inverse_plan(change, {}).look), "the default that t.a had before is not known"));
}

TEST_CASE("a purged table is refused by its name, and so is a plan that left nothing", "[inverse]") {
  InverseFacts facts;
  WholeTaken table;
  table.object.identity = "public.carts";
  facts.wholes = {table};
  const auto refusal = [](const Plan& undone, const InverseFacts& known) -> std::string {
    try {
      inverse_plan(undone, known);
    } catch (const Error& error) {
      CHECK(error.exit() == Exit::refused);
      return error.what();
    }
    return "";
  };
  CHECK(has(refusal(plan("contract:\n  steps:\n    - drop_table: { name: carts }\n"), facts),
            "the table public.carts was purged"));
  CHECK(has(refusal(plan("migrate:\n  - sql: { run: SELECT 1, irreversible: x }\n"), {}), "left nothing"));
  CHECK(
      has(refusal(plan("expand:\n  - create_table: { name: b, like: a }\nmigrate:\n  - copy_table: { table: a, to: b, "
                       "key: [id] }\ncontract:\n  steps:\n    - replace_table: { table: a, with: b }\n"),
                  {}),
          "no plan is written that undoes replace_table a with b"));
  CHECK(has(refusal(plan("contract:\n  steps:\n    - drop_column: { table: t, name: a }\n"), {}),
            "does not say how t.a was made"));
}

TEST_CASE("what tightens comes back in the contract, and is validated by hand", "[inverse]") {
  InverseFacts facts;
  facts.definitions = {
      column("a", "text COLLATE pg_catalog.\"C\""),
      {"index", "public.t_a_key", "CREATE UNIQUE INDEX t_a_key ON public.t USING btree (a)"},
      {"constraint", "public.t.t_a_key", "ALTER TABLE public.t ADD CONSTRAINT t_a_key UNIQUE USING INDEX t_a_key"},
      {"constraint", "public.t.\"O K\"",
       "ALTER TABLE public.t ADD CONSTRAINT \"O K\" CHECK ((a <> ''::text)) NOT VALID"},
      {"validate", "public.t.\"O K\"", "ALTER TABLE public.t VALIDATE CONSTRAINT \"O K\""}};
  const Inverse inverse = inverse_plan(plan("contract:\n  steps:\n    - drop_column: { table: t, name: a }\n"), facts);
  CHECK(std::get<AddColumn>(inverse.plan.expand.at(0).action).type == "text COLLATE pg_catalog.\"C\"");
  CHECK(describe(inverse.plan.migrate.at(0).action) == "create_index t_a_key on t");
  REQUIRE(inverse.plan.contract.steps.size() == 2);
  CHECK(std::get<Sql>(inverse.plan.contract.steps[1].action).undo == "ALTER TABLE public.t DROP CONSTRAINT \"O K\"");
  CHECK(inverse.afterwards == std::vector<std::string>{"ALTER TABLE public.t VALIDATE CONSTRAINT \"O K\""});
  CHECK_NOTHROW(inverse_file(plan("expand:\n  - sql: { run: SELECT 1, undo: SELECT 2 }\n"), State::done, inverse));
}

TEST_CASE("names go undo, redo, undo, and never meet one that there is", "[inverse]") {
  CHECK(inverse_name("split", {}) == "undo-split");
  CHECK(inverse_name("undo-split", {"split", "undo-split"}) == "redo-split");
  CHECK(inverse_name("redo-split", {"split", "undo-split", "redo-split"}) == "undo-split-2");
  CHECK(inverse_name(std::string(63, 'x'), {}).size() == 63);
}
