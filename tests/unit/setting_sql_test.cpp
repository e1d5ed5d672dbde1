// Steps that set or rename something that is there, a statement in batches, and what is turned over at the hide.
#include "switchback/core/setting_sql.hpp"
#include "catch.hpp"
#include "switchback/core/batched.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

const TableName events{"public", "events"};

ReadPlan read(const std::string& text) {
  return read_plan(text, "p.yaml");
}

std::string first_problem(const std::string& text) {
  const ReadPlan plan = read(text);
  return plan.diagnostics.empty() ? "" : plan.diagnostics.front().message;
}

}  // namespace

TEST_CASE("storage parameters are set back to what they were, those that were not given to the default", "[setting]") {
  const SetStorageParameters set{events, false, {{"fillfactor", "80"}, {"toast.autovacuum_enabled", ""}, {"x", "1"}}};
  const StepSql sql =
      set_storage_parameters_sql(set, std::vector<std::string>{"fillfactor=70", "toast.autovacuum_enabled=off"});
  CHECK(sql.sql ==
        std::vector<std::string>{"ALTER TABLE \"public\".\"events\" SET (\"fillfactor\" = '80', \"x\" = '1')",
                                 "ALTER TABLE \"public\".\"events\" RESET (\"toast\".\"autovacuum_enabled\")"});
  CHECK(sql.undo ==
        std::vector<std::string>{
            "ALTER TABLE \"public\".\"events\" SET (\"fillfactor\" = '70', \"toast\".\"autovacuum_enabled\" = "
            "'off')",
            "ALTER TABLE \"public\".\"events\" RESET (\"x\")"});
}

TEST_CASE("a replica identity is set back to what it was, and one whose index is gone to nothing", "[setting]") {
  const SetReplicaIdentity set{events, Identity::full, {}};
  const auto undo = [&](char identity, const std::string& index) {
    return set_replica_identity_sql(set, identity_from(events, identity, index)).undo.front();
  };
  CHECK(undo('d', "") == "ALTER TABLE \"public\".\"events\" REPLICA IDENTITY DEFAULT");
  CHECK(undo('i', "Key") == "ALTER TABLE \"public\".\"events\" REPLICA IDENTITY USING INDEX \"Key\"");
  CHECK(undo('i', "") == "ALTER TABLE \"public\".\"events\" REPLICA IDENTITY NOTHING");
}

TEST_CASE("only what a step sets of a column's storage is set back", "[setting]") {
  const SetStorage set{events, "payload", "external", {}};
  CHECK(set_storage_sql(set, storage_from(set, 'm', "l")).undo ==
        std::vector<std::string>{"ALTER TABLE \"public\".\"events\" ALTER COLUMN \"payload\" SET STORAGE main"});
}

TEST_CASE("a default that goes comes back as the catalog had it", "[setting]") {
  const StepSql sql = turn_over_sql(DropDefault{events, "kind"}, "'new'::text");
  CHECK(sql.sql.front() == "ALTER TABLE \"public\".\"events\" ALTER COLUMN \"kind\" DROP DEFAULT");
  CHECK(sql.undo.front() == "ALTER TABLE \"public\".\"events\" ALTER COLUMN \"kind\" SET DEFAULT 'new'::text");
  CHECK(sql.before == Safety::unsafe);
}

TEST_CASE("rows in each other's way are asked for with the constraint's own operators and condition", "[setting]") {
  const AddExclusion step{events, "gist", {{"room", "="}, {"(span(a, b))", "OPERATOR(public.&&)"}}, "NOT gone", {}, {}};
  CHECK(exclusion_name(step) == "events_room_expr_excl");
  CHECK(turn_over_sql(step, {}).sql.front() ==
        "ALTER TABLE \"public\".\"events\" ADD CONSTRAINT \"events_room_expr_excl\" EXCLUDE USING gist (\"room\" WITH "
        "=, (span(a, b)) WITH OPERATOR(public.&&)) WHERE (NOT gone)");
  const std::string broken = exclusion_broken_sql(step);
  CHECK(broken.find("AND \"~a\".\"~1\" = \"room\" AND \"~a\".\"~2\" OPERATOR(public.&&) (span(a, b))") !=
        std::string::npos);
}

TEST_CASE("a batch is the rows of its range in its own leaf", "[setting]") {
  CHECK(batched_sql("UPDATE events AS t SET a = 1 WHERE {rows} AND b", "t.id > 5", events) ==
        "UPDATE events AS t SET a = 1 WHERE (t.id > 5 AND t.tableoid = '\"public\".\"events\"'::pg_catalog.regclass) "
        "AND b");
}

TEST_CASE("sql_batched is one UPDATE or INSERT over the rows of a batch", "[setting]") {
  const auto with = [](const std::string& run) {
    return first_problem("plan: p\nmigrate:\n  - sql_batched:\n      table: events\n      run: " + run +
                         "\n      irreversible: a reason\n");
  };
  CHECK(with("UPDATE events AS t SET a = 1 WHERE {rows}") == "");
  CHECK(with("INSERT INTO other SELECT t.id FROM events AS t WHERE {rows}") == "");
  CHECK(with("UPDATE events SET a = 1").find("{rows} stands for the rows of one batch") != std::string::npos);
  CHECK(with("DELETE FROM events AS t WHERE {rows}").find("one UPDATE, or one INSERT") != std::string::npos);
  CHECK(with("WITH gone AS (DELETE FROM a) UPDATE events AS t SET a = 1 WHERE {rows}").find("DELETE takes away") !=
        std::string::npos);
  CHECK(with("UPDATE events AS t SET a = 1 WHERE {rows}; SELECT 1").find("one UPDATE") != std::string::npos);
}

TEST_CASE("the new steps are written as they are read", "[setting]") {
  const std::string text =
      "plan: p\n"
      "expand:\n"
      "  - create_index:\n"
      "      table: events\n"
      "      columns: [ { column: kind, collate: '\"C\"', opclass: text_pattern_ops }, { column: at, order: desc, "
      "nulls: last }, id ]\n"
      "      with: { fillfactor: 70 }\n"
      "  - set_storage_parameters: { table: events, set: { fillfactor: 80, autovacuum_enabled: null } }\n"
      "  - set_replica_identity: { table: events, index: events_key }\n"
      "  - set_statistics: { table: events, column: kind, target: 100 }\n"
      "  - set_storage: { table: events, column: kind, storage: main, compression: lz4 }\n"
      "  - rename_index: { name: events_old, to: events_new }\n"
      "contract:\n"
      "  steps:\n"
      "    - drop_default: { table: events, column: kind }\n"
      "    - rename_constraint: { table: events, name: a, to: b }\n"
      "    - add_exclusion: { table: events, elements: { room: \"=\", \"(span(a, b))\": \"&&\" }, lock: it is small "
      "}\n";
  const ReadPlan first = read(text);
  for (const auto& one : first.diagnostics) UNSCOPED_INFO(one.message);
  REQUIRE(first.plan);
  const std::string written = to_yaml(*first.plan);
  const ReadPlan second = read(written);
  INFO(written);
  REQUIRE(second.plan);
  CHECK(to_yaml(*second.plan) == written);
  const auto& index = std::get<CreateIndex>(second.plan->expand.front().action);
  CHECK(
      create_index_sql(index, events, "i") ==
      "CREATE INDEX CONCURRENTLY \"i\" ON \"public\".\"events\" USING btree (\"kind\" COLLATE \"C\" text_pattern_ops, "
      "\"at\" DESC NULLS LAST, \"id\") WITH (\"fillfactor\" = '70')");
  const auto& set = std::get<SetStorageParameters>(second.plan->expand[1].action);
  CHECK(set.set == ColumnExpressions{{"fillfactor", "80"}, {"autovacuum_enabled", ""}});
}

TEST_CASE("change_default to none takes the default away, in the contract", "[setting]") {
  const ReadPlan plan = read("plan: p\nchange:\n  - change_default: { table: events, column: kind, default: none }\n");
  REQUIRE(plan.plan);
  CHECK(takes_away(*plan.plan));
  CHECK(to_yaml(*plan.plan).find("drop_default") != std::string::npos);
}

TEST_CASE("what a storage parameter's name cannot be is refused before any SQL is made of it", "[setting]") {
  CHECK(first_problem("plan: p\nexpand:\n  - set_storage_parameters: { table: t, set: { 'a) , (b': 1 } }\n")
            .find("is no storage parameter") != std::string::npos);
  CHECK(first_problem(
            "plan: p\nexpand:\n  - create_index: { table: t, columns: [ { column: a, opclass: 'x); DROP TABLE t; "
            "--' } ] }\n")
            .find("this is not one CREATE INDEX") != std::string::npos);
}
