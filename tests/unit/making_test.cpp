// Steps that make something new, and the changes that stand for one step or for several.
#include "switchback/core/making_sql.hpp"

#include "catch.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/inverse.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

Plan plan_of(const std::string& text) {
  const auto read = read_plan("plan: p\n" + text, "plan.yaml");
  for (const auto& diagnostic : read.diagnostics) UNSCOPED_INFO(diagnostic.message);
  REQUIRE(read.plan);
  return *read.plan;
}

std::string message_of(const std::string& text) {
  const auto read = read_plan("plan: p\n" + text, "plan.yaml");
  return read.plan || read.diagnostics.empty() ? "" : read.diagnostics.front().message;
}

std::string described(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) text += (text.empty() ? "" : "; ") + describe(step.action);
  return text;
}

constexpr const char* table =
    "expand:\n  - create_table: { name: shop.notes, columns: { id: bigint, \"text\": 'text NOT NULL' }, primary_key: "
    "[id], constraints: [ \"CHECK (id > 0)\" ] }\n";

}  // namespace

TEST_CASE("a table is made with its columns, key and constraints as they were written, and named exactly", "[making]") {
  const StepSql sql = create_table_sql(std::get<CreateTable>(plan_of(table).expand.front().action));
  CHECK(sql.sql == std::vector<std::string>{"CREATE TABLE \"shop\".\"notes\" (\"id\" bigint, \"text\" text NOT NULL, "
                                            "PRIMARY KEY (\"id\"), CHECK (id > 0))"});
  CHECK(sql.undo == std::vector<std::string>{"DROP TABLE IF EXISTS \"shop\".\"notes\" RESTRICT"});
}

TEST_CASE("what is written in the middle of a statement cannot become another statement", "[making]") {
  CHECK(message_of("expand:\n  - create_table: { name: t, columns: { id: \"int); DROP TABLE users; --\" } }\n")
            .starts_with("this is not one CREATE TABLE"));
  CHECK(message_of("expand:\n  - create_view: { name: v, query: \"SELECT 1; DROP TABLE users\" }\n")
            .starts_with("this is not one CREATE VIEW"));
  const AddEnumValue value{{"public", "mood"}, "it's", "o'k", {}};
  CHECK(add_enum_value_sql(value).sql.front() ==
        "ALTER TYPE \"public\".\"mood\" ADD VALUE IF NOT EXISTS 'it''s' BEFORE 'o''k'");
}

TEST_CASE("a comment goes back to what it was, and to none where there was none", "[making]") {
  const SetComment comment{Commented::column, {"public", "users"}, "name", "it's"};
  CHECK(set_comment_sql(comment, "old").sql.front() == "COMMENT ON COLUMN \"public\".\"users\".\"name\" IS 'it''s'");
  CHECK(set_comment_sql(comment, "old").undo.front() == "COMMENT ON COLUMN \"public\".\"users\".\"name\" IS 'old'");
  CHECK(set_comment_sql(comment, {}).undo.front() == "COMMENT ON COLUMN \"public\".\"users\".\"name\" IS NULL");
}

TEST_CASE("nothing but an index is made of a table that the same plan makes", "[making]") {
  CHECK(message_of(std::string(table) + "  - add_column: { table: shop.notes, name: more, type: text }\n") ==
        "add_column works on shop.notes, which is made by this plan");
  CHECK(plan_of(std::string(table) + "  - create_index: { table: shop.notes, columns: [text], unique: true }\n")
            .expand.size() == 2);
}

TEST_CASE("several changes of one table share its backfill and come in their phases", "[making]") {
  const Plan plan = expand_changes(
      plan_of("change:\n"
              "  - split_column: { table: users, from: name, into: { first: \"left(name, 1)\", rest: \"substr(name, "
              "2)\" }, types: { first: char(1) }, reverse: \"first || rest\" }\n"
              "  - merge_columns: { table: users, from: [a, b], into: ab, fill: \"a || b\", reverse: { a: \"left(ab, "
              "1)\", b: \"substr(ab, 2)\" } }\n"
              "  - create_index: { table: users, columns: [ab] }\n"
              "  - create_index: { table: users, columns: [mail] }\n"
              "  - change_default: { table: users, column: mail, default: \"''\" }\n"
              "  - drop_view: { name: v }\n"),
      {});
  CHECK(described(plan.expand) ==
        "add_column users.first; add_column users.rest; add_column users.ab; create_index on users(mail); "
        "set_default users.mail");
  CHECK(described(plan.migrate) == "backfill users; create_index on users(ab)");
  CHECK(described(plan.contract.steps) ==
        "drop_column users.name; drop_column users.a; drop_column users.b; drop_view v");
  CHECK(std::get<AddColumn>(plan.expand.front().action).type == "char(1)");
  const auto& backfill = std::get<Backfill>(plan.migrate.front().action);
  CHECK(backfill.set.size() == 3);
  CHECK(backfill.reverse.size() == 3);
  CHECK(to_yaml(read_plan(to_yaml(plan), "again").plan.value()) == to_yaml(plan));
}

TEST_CASE("a reverse and none cannot be had of one table", "[making]") {
  const Plan plan = plan_of(
      "change:\n"
      "  - rename_column: { table: users, from: mail, to: email }\n"
      "  - split_column: { table: users, from: name, into: { first: \"left(name, 1)\" }, reverse: { none: lost } }\n");
  CHECK_THROWS(expand_changes(plan, {}));
}

TEST_CASE("the plan that undoes one drops what it made, and says what stays", "[making]") {
  const Plan plan = plan_of(std::string(table) +
                            "  - create_index: { table: shop.notes, columns: [text] }\n"
                            "  - create_enum: { name: mood, values: [sad, ok] }\n"
                            "  - add_enum_value: { type: status, value: sent }\n"
                            "  - create_view: { name: v, query: SELECT 1 AS one }\n");
  const Inverse inverse = inverse_of(plan, {});
  CHECK(described(inverse.plan.contract.steps) == "drop_view v; drop_type mood; drop_table shop.notes");
  REQUIRE(inverse.look.size() == 1);
  CHECK(inverse.look.front().starts_with("the value 'sent' of the enum status stays"));
}
