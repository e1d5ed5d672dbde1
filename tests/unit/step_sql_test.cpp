#include "switchback/core/step_sql.hpp"

#include "catch.hpp"

using namespace switchback;

namespace {

const TableName order_items{"My Shop", "Order \"Items\""};
const std::string quoted_items = "\"My Shop\".\"Order \"\"Items\"\"\"";

ColumnFacts fact(const std::string& name, const std::string& type) {
  ColumnFacts column;
  column.name = name;
  column.type = type;
  return column;
}

CreateIndex index_on(const TableName& table, std::vector<std::string> columns) {
  CreateIndex index;
  index.table = table;
  index.columns = std::move(columns);
  return index;
}

}  // namespace

TEST_CASE("all columns and the marker are one statement, every name quoted", "[step_sql]") {
  ColumnFacts price = fact("Unit \"Price\"", "numeric(10,2)");
  price.default_value = "0";
  price.not_null = true;
  ColumnFacts note = fact("note", "text");
  note.collation = "pg_catalog.\"C\"";
  note.comment = "it's \\ here";
  note.statistics_target = 500;
  note.grants = {"GRANT SELECT (note) ON x TO y"};
  const StepSql step = add_columns_sql(order_items, {price, note}, "_switchback_p");
  REQUIRE(step.sql.size() == 4);
  CHECK(step.sql[0] == "ALTER TABLE " + quoted_items +
                           " ADD COLUMN \"Unit \"\"Price\"\"\" numeric(10,2) DEFAULT 0 NOT NULL, ADD COLUMN \"note\" "
                           "text COLLATE pg_catalog.\"C\", ADD COLUMN \"_switchback_p\" \"char\"");
  CHECK(step.sql[1] == "COMMENT ON COLUMN " + quoted_items + ".\"note\" IS E'it''s \\\\ here'");
  CHECK(step.sql[2] == "ALTER TABLE " + quoted_items + " ALTER COLUMN \"note\" SET STATISTICS 500");
  CHECK(step.sql[3] == "GRANT SELECT (note) ON x TO y");
  REQUIRE(step.undo.size() == 1);
  CHECK(step.undo[0] == "ALTER TABLE " + quoted_items +
                            " DROP COLUMN IF EXISTS \"Unit \"\"Price\"\"\", DROP COLUMN IF EXISTS \"note\", DROP "
                            "COLUMN IF EXISTS \"_switchback_p\"");
  CHECK(step.transactional);
  CHECK_FALSE(step.rewrites);
  CHECK(step.lock == "ACCESS EXCLUSIVE");
}

TEST_CASE("without columns and marker there is no statement, and nothing to undo", "[step_sql]") {
  const StepSql step = add_columns_sql(order_items, {}, "");
  CHECK(step.sql.empty());
  CHECK(step.undo.empty());
  CHECK(step.step.starts_with("sync "));
}

TEST_CASE("an index is built concurrently, plain columns quoted, expressions as written", "[step_sql]") {
  CreateIndex index = index_on(order_items, {"User Name (old)", "(lower(mail))"});
  index.method = "gin";
  index.include = {"Note"};
  index.where = "open";
  index.unique = true;
  index.name = "My Index";
  const StepSql step = index_sql(index, nullptr);
  REQUIRE(step.sql.size() == 1);
  CHECK(step.sql[0] == "CREATE UNIQUE INDEX CONCURRENTLY \"My Index\" ON " + quoted_items +
                           " USING gin (\"User Name (old)\", (lower(mail))) INCLUDE (\"Note\") WHERE (open)");
  CHECK(step.undo == std::vector<std::string>{"DROP INDEX CONCURRENTLY IF EXISTS \"My Shop\".\"My Index\""});
  CHECK_FALSE(step.transactional);
}

TEST_CASE("an index without a name gets one made of table and columns that fits the server's limit", "[step_sql]") {
  CHECK(index_name(index_on({"public", "users"}, {"last_name"})) == "users_last_name_idx");
  CHECK(index_name(index_on({"public", "users"}, {"a", "(lower(b))"})) == "users_a_expr_idx");
  const std::string one = index_name(index_on({"public", std::string(60, 't')}, {"first_column"}));
  const std::string other = index_name(index_on({"public", std::string(60, 't')}, {"other_column"}));
  CHECK(one.size() <= 63);
  CHECK(one != other);
}

TEST_CASE("an index's own text from the catalog is kept from USING on", "[step_sql]") {
  CreateIndex index = index_on({"public", "users"}, {});
  index.definition =
      "CREATE UNIQUE INDEX old_idx ON public.users USING btree (lower(mail) DESC NULLS LAST) WITH (fillfactor='70')";
  CHECK(create_index_sql(index, {"public", "users"}, "new_idx") ==
        "CREATE UNIQUE INDEX CONCURRENTLY \"new_idx\" ON \"public\".\"users\" USING btree (lower(mail) DESC NULLS "
        "LAST) WITH (fillfactor='70')");
}

TEST_CASE("a partitioned table's index is made on the parent alone, then leaf by leaf, each attached", "[step_sql]") {
  TableFacts table;
  table.name = {"public", "events"};
  table.kind = 'p';
  table.leaves = {{"public", "events_1"}, {"Old Data", "events 2"}};
  CreateIndex index = index_on(table.name, {"at"});
  index.name = "events_at_idx";
  index.unique = true;
  const StepSql step = index_sql(index, &table);
  REQUIRE(step.sql.size() == 5);
  CHECK(step.sql[0] == "CREATE UNIQUE INDEX \"events_at_idx\" ON ONLY \"public\".\"events\" USING btree (\"at\")");
  CHECK(step.sql[1] ==
        "CREATE UNIQUE INDEX CONCURRENTLY \"events_1_events_at_idx\" ON \"public\".\"events_1\" USING btree (\"at\")");
  CHECK(step.sql[2] ==
        "ALTER INDEX \"public\".\"events_at_idx\" ATTACH PARTITION \"public\".\"events_1_events_at_idx\"");
  CHECK(
      step.sql[3] ==
      "CREATE UNIQUE INDEX CONCURRENTLY \"events 2_events_at_idx\" ON \"Old Data\".\"events 2\" USING btree (\"at\")");
  CHECK(step.sql[4] ==
        "ALTER INDEX \"public\".\"events_at_idx\" ATTACH PARTITION \"Old Data\".\"events 2_events_at_idx\"");
  CHECK(step.undo == std::vector<std::string>{"DROP INDEX IF EXISTS \"public\".\"events_at_idx\""});
}

TEST_CASE("a partitioned table's name that looks like SQL does not get into the statement", "[step_sql]") {
  TableFacts table;
  table.name = {"public", "a ON b"};
  table.kind = 'p';
  table.leaves = {{"public", "leaf"}};
  CreateIndex index = index_on(table.name, {"x"});
  index.name = "CONCURRENTLY  ON i";
  const StepSql step = index_sql(index, &table);
  CHECK(step.sql[0] == "CREATE INDEX \"CONCURRENTLY  ON i\" ON ONLY \"public\".\"a ON b\" USING btree (\"x\")");
}

TEST_CASE("an undo gives back what was there before, or nothing when there was nothing", "[step_sql]") {
  const TableName users{"public", "users"};
  ColumnFacts was = fact("a", "text");
  CHECK(drop_not_null_sql({users, "a"}, &was).undo.empty());
  was.not_null = true;
  CHECK(drop_not_null_sql({users, "a"}, &was).undo ==
        std::vector<std::string>{"ALTER TABLE \"public\".\"users\" ALTER COLUMN \"a\" SET NOT NULL"});
  CHECK(set_default_sql({users, "a", "now()"}, &was).sql ==
        std::vector<std::string>{"ALTER TABLE \"public\".\"users\" ALTER COLUMN \"a\" SET DEFAULT (now())"});
  CHECK(set_default_sql({users, "a", "now()"}, &was).undo ==
        std::vector<std::string>{"ALTER TABLE \"public\".\"users\" ALTER COLUMN \"a\" DROP DEFAULT"});
  was.default_value = "'x'::text";
  CHECK(set_default_sql({users, "a", "now()"}, &was).undo ==
        std::vector<std::string>{"ALTER TABLE \"public\".\"users\" ALTER COLUMN \"a\" SET DEFAULT 'x'::text"});
}

TEST_CASE("sql has its undo, or the reason why there is none", "[step_sql]") {
  CHECK(sql_sql({"a", "b", {}}).undo == std::vector<std::string>{"b"});
  CHECK(sql_sql({"a", {}, "because"}).undo.empty());
  CHECK(sql_sql({"a", {}, "because"}).no_undo == "because");
}
