// What tightens, as plans say it: the short form and what it stands for, names, and the SQL of rules.
#include "catch.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/counter_sql.hpp"
#include "switchback/core/rule.hpp"
#include "switchback/core/work.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

Plan read(const std::string& change) {
  const ReadPlan read = read_plan("plan: a\nchange:\n  - " + change + "\n", "a.yaml");
  REQUIRE(read.plan);
  return *read.plan;
}

std::vector<std::string> steps(const std::vector<Step>& all) {
  std::vector<std::string> out;
  for (const Step& step : all) out.push_back(describe(step.action));
  return out;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a whole change that tightens mends in migrate and tightens in contract", "[tighten]") {
  const Plan plan = expand_changes(read("set_not_null: { table: users, column: city, fix: \"''\" }"), {});
  CHECK(plan.expand.empty());
  REQUIRE(plan.migrate.size() == 1);
  const auto& fix = std::get<Fix>(plan.migrate[0].action);
  CHECK(fix.set == ColumnExpressions{{"city", "''"}});
  CHECK_FALSE(fix.remove);
  CHECK(steps(plan.contract.steps) == Words{"set_not_null users.city"});
  CHECK(takes_away(plan));
}

TEST_CASE("a foreign key brings an index on its columns, unless there is one that leads with them", "[tighten]") {
  const std::string key = "add_foreign_key: { table: orders, columns: [user_id], references: users(id), fix: null }";
  TableFacts orders;
  const TableLookup lookup = [&](const TableName&) { return orders; };
  const Plan without = expand_changes(read(key), lookup);
  CHECK(steps(without.expand) == Words{"create_index on orders(user_id)"});
  CHECK(std::get<Fix>(without.migrate.at(0).action).set == ColumnExpressions{{"user_id", "NULL"}});
  IndexFacts index;
  index.valid = true;
  index.definition = "CREATE INDEX i ON public.orders USING btree (user_id, placed_at)";
  index.columns = {"user_id", "placed_at"};
  orders.indexes = {index};
  CHECK(expand_changes(read(key), lookup).expand.empty());
  orders.indexes.front().partial = true;
  CHECK(expand_changes(read(key), lookup).expand.size() == 1);
  orders.indexes.front() = index;
  orders.indexes.front().columns = {"placed_at", "user_id"};
  CHECK(expand_changes(read(key), lookup).expand.size() == 1);
}

TEST_CASE("what tightens is written as it was read, in both forms", "[tighten]") {
  for (const std::string change :
       {"set_not_null: { table: users, column: city }", "add_check: { table: t, check: a > 0, name: n, fix: delete }",
        "add_check: { table: t, check: a > 0, fix: { a: 1, b: \"NULL\" } }",
        "add_foreign_key: { table: s.t, columns: [a, '\"B c\"'], references: 's.\"U (x, y)\"(id, \"I,d\")', on_delete: "
        "cascade, on_update: set null, name: n, fix: delete }",
        "add_foreign_key: { table: t, columns: [a, b], references: \"u(c, d)\", fix: ~ }",
        "add_unique: { table: t, columns: [a, b], fix: { b: b || id } }", "drop_not_null: { table: t, column: a }",
        "drop_constraint: { table: t, name: n }"}) {
    CAPTURE(change);
    const Plan plan = read(change);
    for (const Plan& one : {plan, expand_changes(plan, {})}) {
      const std::string yaml = to_yaml(one);
      CAPTURE(yaml);
      const ReadPlan again = read_plan(yaml, "again.yaml");
      REQUIRE(again.plan);
      CHECK(to_yaml(*again.plan) == yaml);
    }
  }
}

TEST_CASE("the quotes in what a foreign key refers to are a name's", "[tighten]") {
  const Plan plan = read("add_foreign_key: { table: t, columns: [a, b], references: 's.\"U (x, y)\"(id, \"I,d\")' }");
  const auto& key = std::get<AddForeignKey>(std::get<ChangeTighten>(plan.changes.at(0).what).rule);
  CHECK(key.referenced == TableName{"s", "U (x, y)"});
  CHECK(key.referenced_columns == Words{"id", "I,d"});
  CHECK(
      enforce_sql("p", key, {}) ==
      "ALTER TABLE \"public\".\"t\" ADD CONSTRAINT \"t_a_b_fkey\" FOREIGN KEY (\"a\", \"b\") REFERENCES \"s\".\"U (x, "
      "y)\" (\"id\", \"I,d\") NOT VALID");
}

TEST_CASE("a counter comes after the steps of expand, and every row is read after those of migrate", "[tighten]") {
  const Plan plan = expand_changes(read("add_check: { table: t, check: a > 0, fix: { a: 1 } }"), {});
  REQUIRE(expand_work(plan).size() == 1);
  CHECK(expand_work(plan)[0].kind == Work::Kind::counter);
  const auto migrate = migrate_work(plan);
  REQUIRE(migrate.size() == 2);
  CHECK(migrate[0].kind == Work::Kind::fix);
  CHECK(migrate[1].kind == Work::Kind::rule);
  CHECK(migrate[1].name == "check t CHECK (a > 0)");
}

TEST_CASE("a NULL breaks no check and no foreign key, and of twins the later one gives way", "[tighten]") {
  RuleFacts facts;
  facts.check = ResolvedExpression{"(\"~switchback_row\".\"a\" > 0)", {"a"}, "boolean", {}};
  facts.key = KeyFacts{"t_pkey", {"id"}, {"bigint"}};
  const TableName t{"public", "t"};
  CHECK(offends_sql(AddCheck{t, "a > 0", {}}, facts, "t") == "((t.\"a\" > 0)) IS FALSE");
  CHECK(offends_sql(AddForeignKey{t, {"a"}, {"public", "u"}, {"id"}, {}, {}, {}}, facts, "t") ==
        "t.\"a\" IS NOT NULL AND NOT EXISTS (SELECT FROM \"public\".\"u\" AS \"~switchback_other\" WHERE "
        "\"~switchback_other\".\"id\" = t.\"a\")");
  CHECK(
      offends_sql(AddUnique{t, {"a"}, {}}, facts, "t") ==
      "EXISTS (SELECT FROM ONLY \"public\".\"t\" AS \"~switchback_other\" WHERE \"~switchback_other\".\"a\" = t.\"a\" "
      "AND ROW(\"~switchback_other\".\"id\") < ROW(t.\"id\"))");
}
