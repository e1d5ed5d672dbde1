#include "switchback/core/sync.hpp"
#include "catch.hpp"

namespace switchback {

TEST_CASE("markers and tombstones fit into a name and stay apart", "[sync]") {
  CHECK(marker_name("split") == "_switchback_split");
  CHECK(tombstone_name("split", "full_name") == "_switchback_split_full_name");
  const std::string plan(60, 'x');
  CHECK(marker_name(plan).size() == 63);
  CHECK(marker_name(plan) != marker_name(plan + "y"));
  CHECK(tombstone_name(plan, "a") != tombstone_name(plan, "b"));
}

TEST_CASE("an expression is put over another row, and a column under another name, exactly", "[sync]") {
  const ResolvedExpression expression{
      R"(pg_catalog.lower("~switchback_row"."a b") OPERATOR(pg_catalog.||) "~switchback_row"."a")",
      {"a b", "a"},
      "text",
      {}};
  CHECK(expression.in("NEW") == R"(pg_catalog.lower(NEW."a b") OPERATOR(pg_catalog.||) NEW."a")");
  const ResolvedExpression hidden = renamed(expression, "a", "gone");
  CHECK(hidden.in("t") == R"(pg_catalog.lower(t."a b") OPERATOR(pg_catalog.||) t."gone")");
  CHECK(hidden.columns == std::vector<std::string>{"a b", "gone"});
  CHECK(renamed(hidden, "gone", "a").sql == expression.sql);
}

TEST_CASE("a difference is looked up in pg_catalog, by image where equality hides it", "[sync]") {
  const SyncColumn text{.name = "a", .type = "text", .default_value = {}};
  CHECK(differs_sql(text, "x", "y") == "((x OPERATOR(pg_catalog.=) y) IS NOT TRUE AND NOT (x IS NULL AND y IS NULL))");
  const SyncColumn json{.name = "a", .type = "json", .default_value = {}, .bitwise_equality = false};
  CHECK(differs_sql(json, "x", "y") ==
        "(ROW(x)::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(y)::pg_catalog.record)");
}

TEST_CASE("a batch under `where` keeps the length check of an assignment", "[sync]") {
  SyncPlan plan;
  plan.marker = "m";
  plan.new_side = {{.name = "c", .type = "character varying(5)", .default_value = {}},
                   {.name = "d", .type = "character(3)[]", .default_value = {}},
                   {.name = "e", .type = "public.mood", .default_value = {}}};
  for (const SyncColumn& column : plan.new_side)
    plan.forward.emplace_back(column.name, ResolvedExpression{"1", {}, "integer", {}});
  plan.where = ResolvedExpression{"true", {}, "boolean", {}};
  const std::string sql = fill_set_sql(plan, "t");
  CHECK(sql.find("AS pg_catalog.varchar)") != std::string::npos);
  CHECK(sql.find("AS pg_catalog.bpchar[])") != std::string::npos);
  CHECK(sql.find("AS public.mood)") != std::string::npos);
  CHECK(sql.ends_with("\"m\" = 's'"));
}

TEST_CASE("one function and one pair of triggers serve all plans of a table", "[sync]") {
  SyncTable table{7, {"public", "t"}, {}, false};
  for (const std::string name : {"a", "b"}) {
    SyncPlan plan;
    plan.plan = name;
    plan.marker = marker_name(name);
    plan.old_side = {{.name = "old_" + name, .type = "text", .default_value = {}}};
    plan.new_side = {{.name = "new_" + name, .type = "text", .default_value = {}}};
    plan.forward = {{"new_" + name, {"\"~switchback_row\".\"old_" + name + "\"", {"old_" + name}, "text", {}}}};
    table.plans.push_back(plan);
  }
  const std::string triggers = sync_triggers_sql(table);
  CHECK(triggers.find("_switchback_a") != std::string::npos);
  CHECK(triggers.find("_switchback_b") != std::string::npos);
  CHECK(triggers.find("ENABLE ALWAYS TRIGGER \"~switchback_i\", ENABLE ALWAYS TRIGGER \"~switchback_u\"") !=
        std::string::npos);
  CHECK(sync_function_sql(table).find("SECURITY DEFINER") == std::string::npos);
  table.definer = true;
  CHECK(sync_function_sql(table).find("SECURITY DEFINER SET search_path = pg_catalog, pg_temp") != std::string::npos);
}

}  // namespace switchback
