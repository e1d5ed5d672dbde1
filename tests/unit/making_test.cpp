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

bool has(const std::string& text, std::string_view words) {
  return text.find(words) != std::string::npos;
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

TEST_CASE("a view like a table shows its columns, one of them in another's place, and is its owner's", "[making]") {
  const Plan plan = plan_of(
      "expand:\n  - create_view: { name: v42.orders, like: orders, columns: { amount: amount_new }, without: [old] "
      "}\n");
  const auto& step = std::get<CreateView>(plan.expand.front().action);
  CHECK(named_columns(step) == std::vector<std::string>{"old", "amount_new"});
  ShownTable shown;
  shown.columns = shown_columns(step, {"id", "amount", "old", "amount_new", "Note"});
  shown.rights = {"GRANT SELECT ON x TO y"};
  CHECK(create_view_sql(step, &shown).sql ==
        std::vector<std::string>{"CREATE VIEW \"v42\".\"orders\" AS SELECT \"id\", \"amount_new\" AS \"amount\", "
                                 "\"Note\" FROM \"public\".\"orders\"",
                                 "GRANT SELECT ON x TO y"});
  shown.invoker = true;
  CHECK(create_view_sql(step, &shown)
            .sql.front()
            .starts_with("CREATE VIEW \"v42\".\"orders\" WITH (security_invoker = true) AS"));
  CHECK(to_yaml(read_plan(to_yaml(plan), "again").plan.value()) == to_yaml(plan));
  CHECK(message_of("expand:\n  - create_view: { name: v, like: t, query: SELECT 1 }\n") ==
        "create_view: query and like exclude one another");
  CHECK(message_of("expand:\n  - create_view: { name: v, query: SELECT 1, without: [a] }\n") ==
        "create_view: without goes with like");
}

TEST_CASE("a column that a view shows under a name that no other column has stays in its place", "[making]") {
  CreateView step;
  step.columns = {{"mail", "email"}};
  CHECK(shown_columns(step, {"id", "email", "name"}) ==
        std::vector<std::pair<std::string, std::string>>{{"id", "id"}, {"mail", "email"}, {"name", "name"}});
  CHECK(with_column("GRANT SELECT (\1) ON \"%\" TO r", "\"a\"") == "GRANT SELECT (\"a\") ON \"%\" TO r");
}

TEST_CASE("a table is renamed behind a view that bears the new name", "[making]") {
  const std::string change = "change:\n  - rename_table: { table: shop.users, to: \"\\\"All Accounts\\\"\" }\n";
  const Plan plan = expand_changes(plan_of(change), {});
  CHECK(described(plan.expand) == "create_view shop.\"All Accounts\"");
  CHECK(described(plan.contract.steps) == "rename_table shop.users to \"All Accounts\"");
  CHECK(to_yaml(read_plan(to_yaml(plan), "again").plan.value()) == to_yaml(plan));
  CHECK(to_yaml(plan_of(change)) == to_yaml(read_plan(to_yaml(plan_of(change)), "again").plan.value()));
  const Inverse inverse = inverse_of(plan, {});
  REQUIRE(inverse.plan.changes.size() == 1);
  const auto& back = std::get<ChangeRenameTable>(inverse.plan.changes.front().what);
  CHECK(back.table == TableName{"shop", "All Accounts"});
  CHECK(back.to == "users");
  CHECK(inverse.plan.contract.steps.empty());
}

TEST_CASE("nothing else is done to a table that a plan renames", "[making]") {
  CHECK(message_of("contract:\n  steps:\n    - rename_table: { table: users, to: accounts }\n")
            .starts_with("rename_table: until the table is renamed a view must bear its new name"));
  CHECK(message_of("expand:\n  - create_view: { name: accounts, like: users }\n"
                   "  - add_column: { table: users, name: a, type: text }\n"
                   "contract:\n  steps:\n    - rename_table: { table: users, to: accounts }\n") ==
        "add_column works on users, which this plan renames");
  for (const std::string other :
       {"rename_column: { table: users, from: a, to: b }", "rename_table: { table: users, to: people }",
        "set_not_null: { table: users, column: a }", "create_index: { table: users, columns: [a] }"})
    CHECK(has(message_of("change:\n  - rename_table: { table: users, to: accounts }\n  - " + other + "\n"),
              "is renamed by this plan"));
  CHECK(message_of("change:\n  - rename_table: { table: users, to: users }\n") ==
        "rename_table: that is its name already");
}
