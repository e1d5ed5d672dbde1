// What switchback runs itself is never taken for a use.
#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;

TEST_CASE("every statement that a plan's whole life runs on its table bears the mark", "[usage][own]") {
  const std::string uri = server().fresh_database();
  server().sql(
      uri, "DO $$ BEGIN CREATE ROLE marked_runner LOGIN SUPERUSER; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  Tool tool(server().as(uri, "marked_runner"), Tool::default_configuration() + "environment: staging\n");
  make_users(uri, 500);
  tool.plan(split_plan("split"));
  const auto unmarked = [&] {
    const bool levels = server().sql(uri, "SELECT current_setting('server_version_num')::int >= 140000") == "t";
    return server().sql(
        uri,
        "SELECT coalesce(string_agg(query, E'\\n---\\n'), '') FROM pg_stat_statements s JOIN pg_roles r "
        "ON r.oid = s.userid WHERE rolname = 'marked_runner' AND query ~* '\\musers\\M' AND query NOT "
        "LIKE '%/* switchback */%' AND dbid = (SELECT oid FROM pg_database WHERE datname = "
        "current_database())" +
            std::string(levels ? " AND toplevel" : ""));
  };
  const auto ran = [&](const std::vector<std::string>& words) {
    const auto outcome = tool.run(words);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  };
  ran({"run", "plan.yaml"});
  CHECK(unmarked().empty());
  CHECK(server().sql(uri,
                     "SELECT count(*) > 0 FROM pg_stat_statements WHERE query LIKE 'CREATE /* switchback */ TRIGGER "
                     "\"~switchback_u\"%'") == "t");
  ran({"verify", "split"});
  ran(tool.run_to("contracted"));
  CHECK(unmarked().empty());
  ran({"restore", "split", "--yes"});
  ran({"usage", "split"});
  ran({"rollback", "split", "--to", "expanded", "--yes", "--despite", "loss", "--reason", "a test"});
  CHECK(unmarked().empty());
}
