#include "switchback/core/work.hpp"

#include "catch.hpp"

using namespace switchback;

namespace {

const TableName users{"public", "users"};
const TableName orders{"public", "orders"};

Step column(const TableName& table, const std::string& name) {
  return {AddColumn{table, name, "text", {}, false, {}}, {}};
}
Step filling(const TableName& table) {
  Backfill backfill;
  backfill.table = table;
  return {backfill, {}};
}
Step index(const TableName& table, const std::string& name) {
  CreateIndex index;
  index.table = table;
  index.columns = {"a"};
  index.name = name;
  return {index, {}};
}

std::vector<std::string> names(const std::vector<Work>& work) {
  std::vector<std::string> out;
  for (const Work& one : work) out.push_back(one.name);
  return out;
}

}  // namespace

TEST_CASE("all of a synced table's columns are one work, at the place of its first", "[work]") {
  Plan plan;
  plan.expand = {column(users, "first_name"), index(users, "users_mail_idx"), column(users, "last_name"),
                 column(users, "Middle Name")};
  plan.migrate = {filling(users)};
  const auto work = expand_work(plan);
  REQUIRE(work.size() == 2);
  CHECK(work[0].kind == Work::Kind::columns);
  CHECK(work[0].sync);
  CHECK(work[0].table == users);
  REQUIRE(work[0].steps.size() == 3);
  CHECK(std::get<AddColumn>(work[0].steps[1]->action).name == "last_name");
  CHECK(work[0].name == "add_column users.first_name, last_name, Middle Name");
  CHECK(work[1].kind == Work::Kind::index);
  CHECK_FALSE(work[1].sync);
  CHECK(work[0].ordinal == 1);
  CHECK(work[1].ordinal == 2);
}

TEST_CASE("columns of a table without sync are one work each", "[work]") {
  Plan plan;
  plan.expand = {column(orders, "a"), column(users, "b"), column(orders, "c")};
  plan.migrate = {filling(users)};
  const auto work = expand_work(plan);
  REQUIRE(work.size() == 3);
  CHECK_FALSE(work[0].sync);
  CHECK(work[1].sync);
  CHECK_FALSE(work[2].sync);
  CHECK(names(work) == std::vector<std::string>{"add_column orders.a", "add_column users.b", "add_column orders.c"});
}

TEST_CASE("two synced tables have their own work, whatever the order of their columns", "[work]") {
  Plan plan;
  plan.expand = {column(users, "a"), column(orders, "b"), column(users, "c"), column(orders, "d")};
  plan.migrate = {filling(orders), filling(users)};
  const auto work = expand_work(plan);
  CHECK(names(work) == std::vector<std::string>{"add_column users.a, c", "add_column orders.b, d"});
  CHECK((work[0].sync && work[1].sync));
}

TEST_CASE("a synced table to which expand adds no column still gets its sync", "[work]") {
  Plan plan;
  plan.migrate = {filling(users)};
  const auto work = expand_work(plan);
  REQUIRE(work.size() == 1);
  CHECK(work[0].kind == Work::Kind::columns);
  CHECK(work[0].sync);
  CHECK(work[0].steps.empty());
  CHECK(work[0].name == "sync users");
}

TEST_CASE("statements and indexes of expand keep their order, each on its own", "[work]") {
  Plan plan;
  plan.expand = {{DropNotNull{users, "a"}, {}},
                 index(users, "i"),
                 {Sql{"select 1", "select 2", {}}, {}},
                 {SetDefault{users, "a", "1"}, {}}};
  const auto work = expand_work(plan);
  REQUIRE(work.size() == 4);
  CHECK(work[0].kind == Work::Kind::statement);
  CHECK(work[1].kind == Work::Kind::index);
  CHECK(work[2].kind == Work::Kind::statement);
  CHECK(work[3].kind == Work::Kind::statement);
  for (int i = 0; i < 4; ++i) CHECK(work[static_cast<std::size_t>(i)].ordinal == i + 1);
}

TEST_CASE("migrate goes as written and ends with a comparison of each synced table", "[work]") {
  Plan plan;
  plan.migrate = {filling(users),
                  index(users, "i"),
                  {Verify{users, "a is not null"}, {}},
                  filling(orders),
                  {Sql{"select 1", {}, "x"}, {}}};
  const auto work = migrate_work(plan);
  REQUIRE(work.size() == 7);
  const std::vector<Work::Kind> kinds{Work::Kind::backfill, Work::Kind::index,     Work::Kind::verify,
                                      Work::Kind::backfill, Work::Kind::statement, Work::Kind::compare,
                                      Work::Kind::compare};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    CHECK(work[i].kind == kinds[i]);
    CHECK(work[i].ordinal == static_cast<int>(i) + 1);
  }
  CHECK(work[5].table == users);
  CHECK(work[6].name == "compare orders");
}

TEST_CASE("a plan without phases is no work", "[work]") {
  CHECK(expand_work(Plan{}).empty());
  CHECK(migrate_work(Plan{}).empty());
}
