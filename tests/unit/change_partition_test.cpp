#include "catch.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/mirror.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

const TableName old_table{"public", "events"};

ColumnFacts column(int number, std::string name, std::string type) {
  ColumnFacts facts;
  facts.number = number;
  facts.name = std::move(name);
  facts.type = std::move(type);
  facts.not_null = true;
  return facts;
}

IndexFacts index(std::string name, const std::string& columns, std::vector<std::string> keys, bool unique) {
  IndexFacts facts;
  facts.definition = std::string(unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") + name +
                     " ON public.events USING btree (" + columns + ")";
  facts.name = {"public", std::move(name)};
  facts.unique = unique;
  facts.columns = std::move(keys);
  facts.valid = true;
  return facts;
}

TableFacts events() {
  TableFacts facts;
  facts.name = old_table;
  facts.columns = {column(1, "id", "bigint"), column(2, "at", "timestamp with time zone"), column(3, "kind", "text")};
  facts.indexes = {index("events_pkey", "id", {"id"}, true), index("events_kind", "kind", {"kind"}, false)};
  facts.indexes.front().primary = true;
  facts.indexes.front().constraint = "events_pkey";
  return facts;
}

ChangePartition monthly() {
  ChangePartition change;
  change.table = old_table;
  change.key = "at";
  change.every = "month";
  change.from = "2026-11";
  change.to = "2027-02-01";
  change.primary_key = {"id", "at"};
  return change;
}

Plan expanded(ChangePartition change, const TableFacts& facts) {
  Plan plan;
  plan.name = "parts";
  plan.changes = {{std::move(change), {3, 5}}};
  return expand_changes(std::move(plan), [&](const TableName&) { return std::optional(facts); });
}

std::string why_not(ChangePartition change, const TableFacts& facts) {
  try {
    expanded(std::move(change), facts);
  } catch (const Error& error) {
    return std::string(error.what()) + " / " + error.hint();
  }
  return "";
}

bool has(const std::string& text, const std::string& what) {
  INFO(text);
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a table partitioned by month is made beside the old one, copied, and put into its place", "[change]") {
  const Plan plan = expanded(monthly(), events());
  const auto& made = std::get<CreateTable>(plan.expand.at(0).action);
  CHECK(made.name == TableName{"public", "events_new"});
  CHECK(made.partition_by == "RANGE (\"at\")");
  CHECK(
      made.partitions ==
      ColumnExpressions{{"events_2026_11", "FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00')"},
                        {"events_2026_12", "FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00')"},
                        {"events_2027_01", "FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00')"},
                        {"events_default", "DEFAULT"}});
  CHECK(made.constraints == std::vector<std::string>{"CONSTRAINT \"events_pkey_new\" PRIMARY KEY (\"id\", \"at\")"});
  const auto& copy = std::get<CopyTable>(plan.migrate.at(0).action);
  CHECK(copy.key == std::vector<std::string>{"id", "at"});
  CHECK(std::get<CreateIndex>(plan.migrate.at(1).action).definition ==
        "CREATE INDEX \"events_kind_new\" ON \"public\".\"events_new\" USING btree (kind)");
  const auto& replace = std::get<ReplaceTable>(plan.contract.steps.at(0).action);
  CHECK(replace.names == std::vector<std::pair<std::string, std::string>>{{"events_pkey", "events_pkey_new"},
                                                                          {"events_kind", "events_kind_new"}});
}

TEST_CASE("the long form of a partitioned table, pasted into a plan, reads as the same plan", "[change]") {
  const Plan plan = expanded(monthly(), events());
  const auto again = read_plan(to_yaml(plan), "plan.yaml");
  REQUIRE(again.plan);
  CHECK(to_yaml(*again.plan) == to_yaml(plan));
}

TEST_CASE("a hash has as many partitions as its modulus, and none that takes the rest", "[change]") {
  ChangePartition change;
  change.table = old_table;
  change.by = PartitionBy::hash;
  change.key = "id";
  change.modulus = 2;
  const Plan plan = expanded(change, events());
  CHECK(std::get<CreateTable>(plan.expand.at(0).action).partitions ==
        ColumnExpressions{{"events_p0", "FOR VALUES WITH (MODULUS 2, REMAINDER 0)"},
                          {"events_p1", "FOR VALUES WITH (MODULUS 2, REMAINDER 1)"}});
}

TEST_CASE("a primary key without the partition key is not made longer unless the plan says so", "[change]") {
  ChangePartition change = monthly();
  change.primary_key.clear();
  CHECK(has(why_not(change, events()), "say primary_key: [id, at]"));
  change.primary_key = {"at"};
  CHECK(has(why_not(change, events()), "would lose id"));
}

TEST_CASE("what a partitioned table cannot have is named", "[change]") {
  TableFacts facts = events();
  SECTION("a unique index without the key") {
    facts.indexes.push_back(index("by_kind", "kind", {"kind"}, true));
    CHECK(has(why_not(monthly(), facts), "by_kind"));
  }
  SECTION("a foreign key that acts") {
    facts.constraints = {
        {"of_kind", 'f', "FOREIGN KEY (kind) REFERENCES kinds(name) ON DELETE CASCADE", {"kind"}, true}};
    CHECK(has(why_not(monthly(), facts), "of_kind"));
  }
  SECTION("an exclusion") {
    facts.constraints = {{"alone", 'x', "EXCLUDE USING gist (kind WITH =)", {"kind"}, true}};
    CHECK(has(why_not(monthly(), facts), "alone"));
  }
  SECTION("a key that may be NULL") {
    facts.columns[1].not_null = false;
    CHECK(has(why_not(monthly(), facts), "set_not_null"));
  }
  SECTION("a table without a primary key") {
    facts.indexes.clear();
    CHECK(has(why_not(monthly(), facts), "no primary key"));
  }
  SECTION("one that is partitioned already") {
    facts.kind = 'p';
    CHECK(has(why_not(monthly(), facts), "partitioned already"));
  }
}

TEST_CASE("dates that make no partitions are refused", "[change]") {
  ChangePartition change = monthly();
  const auto [from, to, every] =
      GENERATE(table<std::string, std::string, std::string>({{"2026-02-30", "2027-01-01", "month"},
                                                             {"2027-01-01", "2026-01-01", "month"},
                                                             {"2026-01-31", "2026-05-01", "month"},
                                                             {"1000-01-01", "2026-01-01", "day"},
                                                             {"x", "2026-01-01", "day"},
                                                             {"2026-01-01", "2027-01-01", "hour"}}));
  change.from = from;
  change.to = to;
  change.every = every;
  CHECK(!why_not(change, events()).empty());
}

TEST_CASE("a copy without what replaces the table, and a step on a table that is replaced, are errors of the plan",
          "[change]") {
  const auto errors = [](const std::string& text) {
    std::string all;
    for (const auto& one : read_plan("plan: p\n" + text, "plan.yaml").diagnostics) all += one.message + "\n";
    return all;
  };
  CHECK(has(errors("migrate:\n  - copy_table: { table: a, to: b, key: [id] }\n"), "does not make b"));
  CHECK(has(errors("contract:\n  steps:\n    - replace_table: { table: a, with: b }\n"), "no copy_table"));
  CHECK(has(errors("change:\n  - partition_table: { table: a, by: hash, key: id, modulus: 1 }\n"), "from 2 to 1000"));
  CHECK(has(errors("change:\n  - partition_table: { table: a, by: list, key: id }\n"), "needs partitions"));
  CHECK(has(
      errors("expand:\n  - create_table: { name: b, like: a }\n  - add_column: { table: a, name: x, type: text }\n"
             "migrate:\n  - copy_table: { table: a, to: b, key: [id] }\ncontract:\n  steps:\n    - replace_table: { "
             "table: a, with: b }\n"),
      "replaces by another table"));
}

TEST_CASE("a table of nothing but its key is copied as well", "[mirror]") {
  const Mirror mirror{7, old_table, {"public", "b"}, {"id"}, {}, false};
  CHECK(has(mirror_function_sql(mirror), "PERFORM FROM \"public\".\"b\" AS t"));
  CHECK(!has(mirror_differing_sql(mirror, old_table, "true"), "*="));
}
