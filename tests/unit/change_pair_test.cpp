#include "catch.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

const TableName users{"public", "users"};
const TableName profiles{"public", "profiles"};

ColumnFacts column(int number, std::string name, std::string type, bool not_null = false) {
  ColumnFacts facts;
  facts.number = number;
  facts.name = std::move(name);
  facts.type = std::move(type);
  facts.not_null = not_null;
  return facts;
}

IndexFacts index(std::string name, std::vector<std::string> columns, std::vector<int> mentions) {
  IndexFacts facts;
  std::string keys;
  for (const std::string& one : columns) keys += (keys.empty() ? "" : ", ") + one;
  facts.definition = "CREATE INDEX " + name + " ON public.users USING btree (" + keys + ")";
  facts.name = {"public", std::move(name)};
  facts.valid = true;
  facts.columns = std::move(columns);
  facts.mentions = std::move(mentions);
  return facts;
}

TableFacts users_facts() {
  TableFacts facts;
  facts.name = users;
  facts.columns = {column(1, "id", "bigint", true), column(2, "street", "text"), column(3, "city", "text", true)};
  facts.columns[2].comment = "where";
  facts.indexes = {index("users_city_idx", {"city"}, {3}), index("users_both", {"id", "city"}, {1, 3})};
  facts.constraints = {{"city_given", 'c', "CHECK ((city <> ''::text))", {"city"}, true}};
  return facts;
}

Plan expanded(GoOver what, std::vector<std::string> columns, bool with_database = true) {
  ChangePair change;
  change.what = what;
  change.table = users;
  change.to = profiles;
  change.columns = std::move(columns);
  change.on = {{"user_id", "id"}};
  Plan plan;
  plan.name = "over";
  plan.changes = {{std::move(change), {3, 5}}};
  if (!with_database) return expand_changes(std::move(plan), {});
  return expand_changes(std::move(plan), [](const TableName& name) {
    return name == users ? std::optional(users_facts()) : std::nullopt;
  });
}

template <class ActionType>
std::vector<ActionType> all(const std::vector<Step>& steps) {
  std::vector<ActionType> found;
  for (const Step& step : steps)
    if (const auto* action = std::get_if<ActionType>(&step.action)) found.push_back(*action);
  return found;
}

bool has(const std::string& text, const std::string& what) {
  INFO(text);
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a moved column is added like the old one, paired with it, and takes along what is its own", "[change]") {
  const Plan plan = expanded(GoOver::move_column, {"city"});
  const auto added = all<AddColumn>(plan.expand);
  REQUIRE(added.size() == 1);
  CHECK(added[0].table == profiles);
  CHECK(added[0].like == "city");
  CHECK(added[0].of == users);
  CHECK(all<DropNotNull>(plan.expand).size() == 1);
  const auto pairs = all<PairTables>(plan.migrate);
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].rows == MakeRows::of_none);
  const auto indexes = all<CreateIndex>(plan.migrate);
  REQUIRE(indexes.size() == 1);  // the one over id as well holds the hide until somebody speaks of it
  CHECK(indexes[0].definition == "CREATE INDEX \"profiles_city_idx\" ON \"public\".\"profiles\" USING btree (city)");
  CHECK(plan.contract.allow_silent == std::vector<std::string>{"users_city_idx", "city_given"});
  CHECK(has(all<Sql>(plan.contract.steps).at(0).run, "ADD CONSTRAINT \"city_given_profiles\" CHECK"));
  CHECK(all<SetNotNull>(plan.contract.steps).at(0).table == profiles);
  CHECK(all<DropColumn>(plan.contract.steps).at(0).table == users);
}

TEST_CASE("an extracted table has key, foreign key, types, checks and rights as the columns had them", "[change]") {
  const Plan plan = expanded(GoOver::extract_table, {"street", "city"});
  const auto made = all<CreateTable>(plan.expand).at(0);
  CHECK(made.columns ==
        ColumnExpressions{{"user_id", "bigint NOT NULL"}, {"street", "text"}, {"city", "text NOT NULL"}});
  CHECK(made.primary_key == std::vector<std::string>{"user_id"});
  CHECK(has(made.constraints.at(0), "ON DELETE CASCADE"));
  CHECK(has(made.constraints.at(1), "CHECK ((city <> ''::text))"));
  CHECK(made.rights_of == users);
  CHECK(all<SetComment>(plan.expand).at(0).comment == "where");
  CHECK(all<PairTables>(plan.migrate).at(0).rows == MakeRows::of_to);
  CHECK(is_copy(plan, profiles));
  CHECK(all<DropColumn>(plan.contract.steps).size() == 2);
}

TEST_CASE("an inlined table's rows follow the columns until it is dropped", "[change]") {
  const Plan plan = expanded(GoOver::inline_table, {"street", "city"});
  CHECK(all<AddColumn>(plan.expand).size() == 2);
  CHECK(all<PairTables>(plan.migrate).at(0).rows == MakeRows::of_table);
  CHECK(all<DropTable>(plan.contract.steps).at(0).name == users);
  CHECK_FALSE(is_copy(plan, profiles));
}

TEST_CASE("the long form of columns that go over, pasted into a plan, reads as the same plan", "[change]") {
  for (const GoOver what : {GoOver::move_column, GoOver::extract_table, GoOver::inline_table}) {
    const Plan plan = expanded(what, {"street"});
    const auto again = read_plan(to_yaml(plan), "plan.yaml");
    for (const Diagnostic& one : again.diagnostics) FAIL_CHECK(one.message);
    REQUIRE(again.plan);
    CHECK(to_yaml(*again.plan) == to_yaml(plan));
  }
}

TEST_CASE("without a database the types of a table that is made must be given", "[change]") {
  CHECK_THROWS_WITH(expanded(GoOver::extract_table, {"street"}, false), Catch::Contains("is not known"));
  CHECK_NOTHROW(expanded(GoOver::move_column, {"street"}, false));
}

TEST_CASE("a column that is not there is refused with its place", "[change]") {
  CHECK_THROWS_WITH(expanded(GoOver::move_column, {"nowhere"}), Catch::Contains("no column nowhere"));
}

TEST_CASE("a pair without an end, and a column in two pairs, are refused when the plan is read", "[plan_file]") {
  const auto errors = [](const std::string& text) {
    std::string all_errors;
    for (const Diagnostic& one : read_plan("plan: over\n" + text, "plan.yaml").diagnostics)
      all_errors += one.message + "\n";
    return all_errors;
  };
  const std::string pair = "  - pair_tables: { table: users, to: profiles, on: { user_id: id }, columns: [phone] }\n";
  const std::string drop = "contract:\n  steps:\n    - drop_column: { table: users, name: phone }\n";
  CHECK(errors("migrate:\n" + pair + drop).empty());
  CHECK(has(errors("migrate:\n" + pair), "does not drop users.phone"));
  CHECK(has(errors("migrate:\n" + pair + pair + drop), "twice"));
  CHECK(has(errors("change:\n  - move_column: { table: users, column: phone, to: users, on: { id: id } }\n"),
            "the same table"));
  CHECK(has(errors("change:\n  - move_column: { table: users, column: phone, to: profiles, on: user_id }\n"),
            "on must be a map"));
}
