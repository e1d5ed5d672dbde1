#include "switchback/core/pair.hpp"

#include <algorithm>

#include "catch.hpp"

using namespace switchback;

namespace {

ColumnFacts column(int number, std::string name, std::string type, bool not_null = false) {
  ColumnFacts facts;
  facts.number = number;
  facts.name = std::move(name);
  facts.type = std::move(type);
  facts.not_null = not_null;
  return facts;
}

TableFacts table(std::string name, const std::string& key, std::vector<ColumnFacts> columns) {
  TableFacts facts;
  facts.name = {"public", std::move(name)};
  facts.columns = std::move(columns);
  facts.leaves = {facts.name};
  IndexFacts index;
  index.name = {"public", facts.name.name + "_key"};
  index.unique = index.valid = true;
  index.columns = {key};
  facts.indexes = {index};
  return facts;
}

TableFacts users() {
  return table("users", "id", {column(1, "id", "bigint", true), column(2, "phone", "text")});
}
TableFacts profiles() {
  return table("profiles", "user_id",
               {column(1, "id", "bigint", true), column(2, "user_id", "bigint", true), column(3, "phone", "text")});
}

PairTables step(MakeRows rows = MakeRows::of_none) {
  PairTables pair;
  pair.table = {"public", "users"};
  pair.to = {"public", "profiles"};
  pair.on = {{"user_id", "id"}};
  pair.columns = {"phone"};
  pair.rows = rows;
  return pair;
}

Pair pair_of(MakeRows rows = MakeRows::of_none) {
  Pair pair = pair_from(step(rows), users(), profiles());
  pair.plan_id = 7;
  return pair;
}

bool has(const std::string& text, const std::string& what) {
  INFO(text);
  return text.find(what) != std::string::npos;
}

std::string triggers(const std::vector<std::string>& sql) {
  std::string all;
  for (const std::string& one : sql)
    if (one.starts_with("CREATE TRIGGER")) all += one + "\n";
  return all;
}

std::string why_not(const TableFacts& left, const TableFacts& right, MakeRows rows = MakeRows::of_none) {
  return pair_objection(step(rows), left, right).what;
}

}  // namespace

TEST_CASE("who writes the new side asks for the old side's row first, and stands in no queue for it", "[pair]") {
  const Pair pair = pair_of();
  const auto functions = pair_functions_sql(pair);
  const std::string& old_side = functions.at(0);
  const std::string& new_side = functions.at(1);
  CHECK(has(new_side, "FROM \"public\".\"users\" AS o WHERE o.\"id\" = NEW.\"user_id\" FOR NO KEY UPDATE SKIP LOCKED"));
  CHECK(has(new_side, "ERRCODE = 'serialization_failure'"));
  CHECK_FALSE(has(old_side, "SKIP LOCKED"));
  // A table that somebody locks for a moment is waited for.
  CHECK_FALSE(has(new_side, "lock_timeout"));
}

TEST_CASE("only a change of the key or of the columns goes over, and what is equal is not written again", "[pair]") {
  const auto sql = pair_sql(pair_of());
  CHECK(has(triggers(sql),
            "AFTER UPDATE ON \"public\".\"users\" FOR EACH ROW WHEN (ROW(OLD.\"id\", OLD.\"phone\")::pg_catalog.record "
            "OPERATOR(pg_catalog.*<>) ROW(NEW.\"id\", NEW.\"phone\")::pg_catalog.record)"));
  for (const std::string& function : pair_functions_sql(pair_of()))
    CHECK(has(function, "AND ROW(t.\"phone\")::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(s.\"phone\")"));
}

TEST_CASE("rows of the new side that are the application's are neither made nor deleted by a trigger", "[pair]") {
  const Pair pair = pair_of();
  for (const std::string& function : pair_functions_sql(pair)) {
    CHECK_FALSE(has(function, "INSERT INTO"));
    CHECK_FALSE(has(function, "DELETE /* switchback */"));
  }
  CHECK_FALSE(has(triggers(pair_sql(pair)), "DELETE"));
  CHECK_FALSE(has(triggers(pair_sql(pair)), "TRUNCATE"));
  CHECK(has(pair_homeless_sql(pair, {"public", "users"}, "true"), "p.\"~there\" IS NULL"));
}

TEST_CASE("rows that a pair makes are made where the base has a value, and go with it", "[pair]") {
  for (const MakeRows rows : {MakeRows::of_to, MakeRows::of_table}) {
    const Pair pair = pair_of(rows);
    CHECK(pair.base.old == (rows == MakeRows::of_to));
    const std::string base = pair_functions_sql(pair).at(0);
    const std::string part = pair_functions_sql(pair).at(1);
    CHECK(has(base, "INSERT /* switchback */ INTO " + quoted(pair.part.table)));
    CHECK(has(base, "DELETE /* switchback */ FROM " + quoted(pair.part.table)));
    CHECK(has(part, "SET \"phone\" = DEFAULT"));
    CHECK(has(triggers(pair_sql(pair)), "AFTER TRUNCATE"));
    CHECK(pair_homeless_sql(pair, {"public", "users"}, "true").empty() == (rows == MakeRows::of_to));
  }
}

TEST_CASE("while the old side is being restored it does not write the new one", "[pair]") {
  Pair pair = pair_of();
  pair.only_back = true;
  CHECK_FALSE(has(triggers(pair_sql(pair)), "ON \"public\".\"users\""));
  CHECK(has(triggers(pair_sql(pair)), "ON \"public\".\"profiles\""));
}

TEST_CASE("a hidden column is written under its tombstone's name", "[pair]") {
  TableFacts hidden = users();
  hidden.columns.back().name = "_switchback_p_phone";
  const Renames names{{"phone", "_switchback_p_phone"}};
  REQUIRE(pair_objection(step(), hidden, profiles(), names).what.empty());
  const Pair pair = pair_from(step(), hidden, profiles(), names);
  CHECK(has(pair_functions_sql(pair).at(1), "SET \"_switchback_p_phone\" = s.\"phone\""));
}

TEST_CASE("what makes two columns no pair is said, with what to do", "[pair]") {
  CHECK(why_not(users(), profiles()).empty());
  TableFacts left = users();
  TableFacts right = profiles();
  SECTION("a row that has several") {
    right.indexes.front().unique = false;
    CHECK(has(why_not(left, right), "profiles is not unique by user_id"));
  }
  SECTION("a partial index does not count") {
    right.indexes.front().partial = true;
    CHECK(has(why_not(left, right), "profiles is not unique by user_id"));
  }
  SECTION("a row that has none of a name") {
    right.columns.at(1).not_null = false;
    CHECK(has(why_not(left, right), "profiles.user_id is not NOT NULL"));
  }
  SECTION("other types") {
    right.columns.at(2).type = "integer";
    CHECK(has(why_not(left, right), "profiles.phone is integer, and users.phone is text"));
  }
  SECTION("a default that tells nothing") {
    left.columns.at(1).default_volatile = true;
    CHECK(has(why_not(left, right), "differs from call to call"));
  }
  SECTION("heirs") {
    left.leaves.push_back({"public", "more_users"});
    CHECK(has(why_not(left, right), "inherit from users"));
  }
  SECTION("a row that could not be made") {
    CHECK(has(why_not(left, right, MakeRows::of_to), "profiles.id is NOT NULL and has no default"));
  }
}
