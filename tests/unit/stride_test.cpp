#include "switchback/core/stride.hpp"

#include "catch.hpp"

using namespace switchback;

namespace {

TableFacts users_with_indexes() {
  TableFacts table;
  table.name = {"public", "users"};
  int number = 0;
  for (const char* name : {"id", "email", "city", "age", "total"}) {
    ColumnFacts column;
    column.number = ++number;
    column.name = name;
    column.type = "text";
    table.columns.push_back(column);
  }
  const auto index = [&](const char* name, std::vector<std::string> columns, std::vector<int> mentions, bool unique) {
    IndexFacts facts;
    facts.name = {"public", name};
    facts.columns = std::move(columns);
    facts.mentions = std::move(mentions);
    facts.unique = unique;
    facts.valid = true;
    table.indexes.push_back(facts);
  };
  index("users_pkey", {"id"}, {1}, true);
  index("users_email", {"email"}, {2}, false);
  index("users_city_age", {"city", "age"}, {3, 4}, false);
  return table;
}

constexpr HotCount all_hot{1000, 1000};
constexpr HotCount none_hot{1000, 0};

}  // namespace

TEST_CASE("a heap is walked by page from PostgreSQL 14 on, anything else by key", "[stride]") {
  CHECK(walks_by_page({140000, true, 10, 100, true}));
  CHECK_FALSE(walks_by_page({130014, true, 10, 100, true}));
  CHECK_FALSE(walks_by_page({170000, false, 10, 100, true}));
}

TEST_CASE(
    "a page's rows are divided into sixteen, into fewer where there are few, not at all without a secondary index",
    "[stride]") {
  CHECK(passes_for({150000, true, 1000, 70000, true}) == 16);
  CHECK(passes_for({150000, true, 1000, 15000, true}) == 4);
  CHECK(passes_for({150000, true, 1000, 2000, true}) == 1);
  CHECK(passes_for({150000, true, 1000, 70000, false}) == 1);
  CHECK(passes_for({150000, true, 0, 0, true}) == 1);
}

TEST_CASE("the passes over a range of pages take each row once", "[stride]") {
  CHECK(page_range_sql("t", 0, 16, 0, 1) == "t.ctid >= '(0,0)'::pg_catalog.tid AND t.ctid < '(16,0)'::pg_catalog.tid");
  // Part after part, without a gap and without an overlap, whatever the ratio.
  for (const int passes : {2, 4, 8, 16}) {
    int end = 0;
    int before = 1024;
    for (int pass = 0; pass < passes; ++pass) {
      CAPTURE(passes, pass);
      const std::string sql = page_range_sql("t", 0, 1, pass, passes);
      const int begin = std::stoi(sql.substr(sql.find("hashtid(t.ctid) - ") + 18));
      const int width = std::stoi(sql.substr(sql.rfind("< ") + 2));
      CHECK(begin == end);
      CHECK(width > 0);
      CHECK(width <= before + 1);
      before = width;
      end = begin + width;
    }
    CHECK(end == 1024);
  }
}

TEST_CASE("one column of each index that only finds rows is touched", "[stride]") {
  const TableFacts table = users_with_indexes();
  CHECK(touch_columns(table, {}, 150000) == std::vector<std::string>{"email", "city"});
  CHECK(touch_columns(table, {}, 140023).empty());  // has no effect there
}

TEST_CASE("no column of a unique index is touched: its row locks would hold up foreign keys", "[stride]") {
  TableFacts table = users_with_indexes();
  IndexFacts unique = table.indexes[0];
  unique.columns = {"city", "email"};
  unique.mentions = {3, 2};
  table.indexes.push_back(unique);
  CHECK(touch_columns(table, {}, 150000) == std::vector<std::string>{"age"});
}

TEST_CASE("nothing is touched where a trigger could see it, nor what the plan fills or the server generates",
          "[stride]") {
  TableFacts table = users_with_indexes();
  SyncPlan sync;
  SyncColumn filled;
  filled.name = "email";
  sync.new_side.push_back(filled);
  CHECK(touch_columns(table, sync, 150000) == std::vector<std::string>{"city"});
  table.columns[2].generated = true;
  CHECK(touch_columns(table, sync, 150000) == std::vector<std::string>{"age"});
  TriggerFacts trigger;
  trigger.name = "audit";
  table.triggers.push_back(trigger);
  CHECK(touch_columns(table, sync, 150000).empty());
}

TEST_CASE("several passes that find no room give way to one, and are tried again later", "[stride]") {
  StrideJudge judge(8);
  CHECK(judge.passes() == 8);
  judge.window_done(8, none_hot, all_hot);
  CHECK(judge.passes() == 8);
  judge.window_done(8, none_hot, none_hot);  // a long transaction holds what is dead
  int windows = 0;
  while (judge.passes() == 1 && windows < 1000) {
    judge.window_done(1, none_hot, {});
    ++windows;
  }
  CHECK(windows == 16);
  CHECK(judge.passes() == 8);
}

TEST_CASE("where pages have room enough one pass does, until they have not", "[stride]") {
  StrideJudge judge(8);
  judge.window_done(8, all_hot, all_hot);
  CHECK(judge.passes() == 1);
  judge.window_done(1, all_hot, {});
  CHECK(judge.passes() == 1);
  judge.window_done(1, none_hot, {});
  CHECK(judge.passes() == 8);
}

TEST_CASE("windows with hardly anything to fill say nothing", "[stride]") {
  StrideJudge judge(8);
  judge.window_done(8, {10, 10}, {70, 0});
  CHECK(judge.passes() == 8);
}
