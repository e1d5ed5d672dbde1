#include "switchback/core/drill.hpp"

#include "../../src/cli/render_drill.hpp"
#include "catch.hpp"
#include "switchback/core/made_rows.hpp"
#include "switchback/plan_file/plan_reader.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

Plan plan_of(const std::string& text) {
  const ReadPlan read = read_plan(text, "plan.yaml");
  REQUIRE(read.plan);
  return *read.plan;
}

// The formatter takes this text for code.
// clang-format off
const char* const split =
    "plan: split\n"
    "expand:\n"
    "  - add_column: { table: users, name: first_name, type: text }\n"
    "  - sql: { run: CREATE TABLE public.notes (id bigint), undo: DROP TABLE public.notes }\n"
    "migrate:\n"
    "  - backfill: { table: users, set: { first_name: full_name }, reverse: { full_name: first_name } }\n"
    "contract:\n"
    "  steps:\n"
    "    - drop_column: { table: users, name: full_name }\n";
// clang-format on

std::string words(const std::vector<DrillLeg>& way) {
  std::string text;
  for (const DrillLeg& leg : way) text += (text.empty() ? "" : ", ") + shown(leg);
  return text;
}

}  // namespace

TEST_CASE("a drill goes back from every resting state to every one that rollback knows, and forward again", "[drill]") {
  CHECK(
      words(drill_way(plan_of(split))) ==
      "rolled_back to expanded, back from expanded to rolled_back, rolled_back to expanded, expanded to migrated, back "
      "from migrated to expanded, expanded to migrated, back from migrated to rolled_back, rolled_back to migrated, "
      "migrated to hidden, back from hidden to migrated, migrated to hidden, hidden to contracted, back from "
      "contracted to migrated, migrated to contracted, back from contracted to rolled_back");
  CHECK(words(drill_way(plan_of("plan: p\nexpand:\n  - add_column: { table: t, name: c, type: text }\n"))) ==
        "rolled_back to expanded, back from expanded to rolled_back, rolled_back to expanded, expanded to done, back "
        "from done to rolled_back");
}

TEST_CASE("what differs between two schemas is said object by object", "[drill]") {
  const SchemaFacts wanted{{"index a", "x"}, {"table t", "y"}};
  CHECK(schema_differences(wanted, wanted).empty());
  const auto found = schema_differences(wanted, {{"table t", "z"}, {"view v", "w"}});
  REQUIRE(found.size() == 3);
  CHECK(found[0].words == "index a is gone");
  CHECK(found[1].words == "table t is `z`, was `y`");
  CHECK(found[2].words == "view v is left over");
}

TEST_CASE("a row that an image wrote must look like the one that it copied, any other as it was", "[drill]") {
  const DrillRows wanted{{"1", {"r1", "o1", "n1"}}, {"2", {"r2", "o2", "n2"}}, {"3", {"r3", "o3", "n3"}}};
  DrillRows found = wanted;
  CHECK(row_differences(wanted, {}, found, true).empty());
  found["1"] = {"r1", "o2", "n2"};
  CHECK(row_differences(wanted, {{"1", "2"}}, found, true).empty());
  CHECK(row_differences(wanted, {}, found, true) ==
        std::vector<std::string>{"row 1: the old side is o2, should be o1"});
  found["1"].new_side = "n1";
  CHECK(row_differences(wanted, {{"1", "2"}}, found, false).empty());
  CHECK(row_differences(wanted, {{"1", "2"}}, found, true) ==
        std::vector<std::string>{"row 1: the new side is n1, should be n2 since an image wrote it"});
  found = wanted;
  found.erase("3");
  found["4"] = {};
  CHECK(row_differences(wanted, {}, found, true) ==
        std::vector<std::string>{"row 3 is gone", "row 4 was not there before"});
}

TEST_CASE("the step is named that the difference speaks of, and the one that a runner stopped at", "[drill]") {
  const Plan plan = plan_of(split);
  const DrillLeg back{State::migrated, State::rolled_back, true};
  CHECK(step_about(plan, back, "table public.notes is left over") == "sql CREATE TABLE public.notes (id bigint)");
  CHECK(step_about(plan, back, "column public.users.first_name is left over") == "add_column users.first_name");
  CHECK(step_about(plan, back, "index public.nobodys is gone").empty());
  CHECK(step_under_way(plan, State::expanding, {{"expand", 1}}, "") == "sql CREATE TABLE public.notes (id bigint)");
  CHECK(step_under_way(plan, State::migrating, {}, "") == "backfill users");
  CHECK(step_under_way(plan, State::rolling_back, {{"expand", 1}}, "") == "add_column users.first_name");
  CHECK(step_under_way(plan, State::hiding, {}, "full_name is used") == "drop_column users.full_name");
  const Plan mixed = plan_of(
      "plan: p\ncontract:\n  steps:\n    - sql: { run: COMMENT ON TABLE users IS 'x', undo: SELECT 1 }\n    - "
      "drop_column: { "
      "table: users, name: fax }\n");
  CHECK(step_under_way(mixed, State::contracting, {}, "view public.v uses public.users.\"_switchback_p_fax\"") ==
        "drop_column users.fax");
  CHECK(step_under_way(mixed, State::contracting, {}, "the step sql COMMENT ON TABLE users IS 'x' failed") ==
        "sql COMMENT ON TABLE users IS 'x'");
}

TEST_CASE("what grows with the rows is estimated on the real ones, the rest is not", "[drill]") {
  std::vector<DrillStep> steps{{"backfill users", "users", 100ms, true, {}},
                               {"add_column users.a", "users", 5ms, false, {}}};
  estimate(steps, {{"users", 500, 5e6}});
  CHECK(steps[0].real == 1'000'000ms);
  CHECK_FALSE(steps[1].real);
}

TEST_CASE("made values are the same for the same seed, fit their type, and are unlike where they must be", "[drill]") {
  MadeColumn column{"name", "character varying(6)", "varchar", 'S', 6, 0, 0, true, true, {}};
  std::set<std::string> values;
  for (std::int64_t row = 0; row < 2000; ++row) {
    const auto value = made_value(column, 7, row, 0);
    REQUIRE(value);
    CHECK(value == made_value(column, 7, row, 0));
    CHECK(value->size() <= 6 + 2 + std::string("::character varying(6)").size());
    values.insert(*value);
  }
  CHECK(values.size() == 2000);
  column.unique = false;
  CHECK(made_value(column, 7, 1, 0) != made_value(column, 8, 1, 0));
  column.choices = {"open"};
  CHECK(made_value(column, 7, 1, 0) == "'open'::character varying(6)");
  CHECK(made_value({"p", "point", "point", 'G', 0, 0, 0, true, false, {}}, 7, 1, 0) == std::nullopt);
  CHECK(literals_of("CHECK ((state = ANY (ARRAY['open'::text, 'it''s'::text])) AND (n1 > 12))") ==
        std::vector<std::string>{"open", "it's", "12"});
}

TEST_CASE("a drill's JUnit file has a case for each thing tried, and escapes what it quotes", "[drill]") {
  DrillReport report;
  report.plan = "split";
  report.cases = {{"boundary", "a to b", 1500ms},
                  {"boundary", "b to a", 10ms, DrillFinding{"sql \"x\" <y>", "it is wrong", {"a & b"}}},
                  {"replica", "paused", 0ms, {}, "no replica"}};
  const std::string text = cli::drill_junit(report);
  CHECK(text.find("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\"") != std::string::npos);
  CHECK(text.find("<testcase classname=\"split.boundary\" name=\"a to b\" time=\"1.500\"/>") != std::string::npos);
  CHECK(text.find("sql &quot;x&quot; &lt;y&gt;: it is wrong") != std::string::npos);
  CHECK(text.find("a &amp; b") != std::string::npos);
  CHECK(text.find("<skipped message=\"no replica\"/>") != std::string::npos);
  CHECK_FALSE(report.passed());
  CHECK(cli::drill_markdown(report).find("split: 1 finding") != std::string::npos);
}
