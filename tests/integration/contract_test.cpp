#include <atomic>
#include <thread>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

/// A role that may approve, made once a cluster.
void make_approver(const std::string& uri, const std::string& role) {
  server().sql(uri, "DO $$ BEGIN CREATE ROLE " + role +
                        " LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT USAGE ON SCHEMA switchback "
                        "TO " +
                        role + "; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA switchback TO " + role);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

const std::string images_line = "images: { before: shop:v41, after: shop:v42 }\n";

/// A plan at migrated, over a table of a thousand rows.
struct Migrated {
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};

  explicit Migrated(const std::string& plan = split_plan("split"),
                    const std::string& configuration = Tool::default_configuration())
      : tool(uri, configuration) {
    make_users(uri, 1000);
    tool.plan(plan);
    const auto outcome = tool.run({"run", "plan.yaml"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  /// With consent, and without --wait.
  process::Outcome to(const std::string& state, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"run", "plan.yaml", "--to", state, "--yes", "--approve", tool.plan_hash()};
    words.insert(words.end(), more.begin(), more.end());
    return tool.run(words);
  }
  /// Short observation windows are not over at once: again, as a person would.
  process::Outcome past_observation(const std::string& state, const std::vector<std::string>& more = {}) {
    process::Outcome outcome;
    eventually(60s, [&] {
      outcome = to(state, more);
      return view.hold_kind() != "usage" || !has(view.hold_reason(), "seen for");
    });
    return outcome;
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  bool has_column(const std::string& column) const {
    return sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = '" + column +
               "' AND NOT attisdropped") == "1";
  }
};

}  // namespace

TEST_CASE("an old column that is still used holds the contract with who and what, and the window starts again",
          "[contract]") {
  Migrated plan(split_plan("split", "3s"));
  std::atomic<bool> stopping{false};
  std::atomic<int> reads{0};
  std::thread reader([&] {
    const auto session = application(plan.uri, "shop:v41");
    while (!stopping) {
      session->exec("SELECT full_name FROM public.users WHERE id = 17");
      ++reads;
      session->exec("SELECT pg_catalog.pg_sleep(0.1)");
    }
  });
  const auto runner = plan.tool.start(plan.tool.run_to("hidden"));
  const bool held = eventually(
      60s, [&] { return plan.view.hold_kind() == "usage" && has(plan.view.hold_reason(), "SELECT full_name"); });
  const std::string reason = plan.view.hold_reason();
  // Longer than the window: while it is used it does not pass.
  const auto from = plan.view.now();
  const bool passed =
      eventually(
          60s, [&] { return plan.view.seconds_since(from, plan.view.now()) > 5 || plan.view.state() != "migrated"; }) &&
      plan.view.state() != "migrated";
  const auto shown = plan.tool.status("split");
  const auto usage = plan.tool.run({"usage", "split"});
  stopping = true;
  reader.join();
  const std::string stopped = plan.view.now();

  INFO(reason);
  CHECK(held);
  CHECK_FALSE(passed);
  CHECK(reads > 5);
  CHECK(has(reason, "public.users.full_name used: "));
  CHECK(has(reason, "shop:v41"));
  CHECK(has(reason, "SELECT full_name FROM public.users WHERE id = $1"));
  CHECK(shown.hold_kind == "usage");
  CHECK(has(plan.view.ask("SELECT hold->>'ends_when' FROM switchback.plan"), "3 s"));
  CHECK(has(usage.out, "used"));
  CHECK(plan.has_column("full_name"));

  CHECK(runner->wait(60s) == 0);
  CHECK(plan.view.state() == "hidden");
  CHECK_FALSE(plan.has_column("full_name"));
  const std::string hidden = plan.view.ask("SELECT hidden_at::text FROM switchback.plan");
  CHECK(plan.view.seconds_since(stopped, hidden) > 2.5);  // the last read was within 0.2 s of `stopped`
  CHECK(has(plan.view.kinds(), "evidence_sealed"));
}

TEST_CASE("restored after contracted, every row has its right value, also written, deleted and born again since",
          "[contract]") {
  // Forward loses something, so that only the archive has it.
  Migrated plan(
      replaced(split_plan("split"), "split_part(full_name, ' ', 1)", "initcap(split_part(full_name, ' ', 1))"));
  plan.sql(
      "UPDATE users SET full_name = 'ann Lee' WHERE id = 1; UPDATE users SET full_name = 'bo Ek' WHERE id = 2; UPDATE "
      "users SET full_name = 'first6 Last6' WHERE id = 6");
  const auto contracted = plan.tool.run(plan.tool.run_to("contracted"));
  INFO(contracted.err);
  REQUIRE(contracted.exit_code == 0);
  REQUIRE_FALSE(plan.has_column("full_name"));
  REQUIRE(
      plan.sql(
          "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped") ==
      "4");
  CHECK(plan.sql("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname = '~switchback_u'") ==
        "0");

  plan.sql("UPDATE users SET first_name = 'Bob' WHERE id = 2");                                 // written
  plan.sql("UPDATE users SET email = 'new' WHERE id = 3");                                      // written, not its name
  plan.sql("DELETE FROM users WHERE id = 4");                                                   // deleted
  plan.sql("DELETE FROM users WHERE id = 5; INSERT INTO users VALUES (5, 'e', 'Eva', 'Neu')");  // born again
  plan.sql("DELETE FROM users WHERE id = 6; INSERT INTO users VALUES (6, 'e', 'First6', 'Last6')");  // born again,
                                                                                                     // looking the same
  plan.sql("INSERT INTO users VALUES (5001, 'e', 'Born', 'Since')");                                 // born
  plan.sql("UPDATE users SET id = 7000 WHERE id = 7; UPDATE users SET id = 8 WHERE id = 8");         // another key

  const auto restored = plan.tool.run({"restore", "split", "--yes"});
  INFO(restored.err);
  REQUIRE(restored.exit_code == 0);
  CHECK(plan.view.state() == "migrated");
  const auto name = [&](int id) { return plan.sql("SELECT full_name FROM users WHERE id = " + std::to_string(id)); };
  CHECK(name(1) == "ann Lee");
  CHECK(name(2) == "Bob Ek");
  CHECK(name(3) == "First3 Last3");
  CHECK(name(4) == "");
  CHECK(name(5) == "Eva Neu");
  CHECK(name(6) == "First6 Last6");
  CHECK(name(5001) == "Born Since");
  CHECK(name(7000) == "First7 Last7");
  CHECK(plan.sql("SELECT count(*) FROM users WHERE id BETWEEN 8 AND 1000 AND full_name IS DISTINCT FROM 'First' || id "
                 "|| ' Last' || id") == "0");
  CHECK(plan.sql("SELECT count(*) FROM users WHERE full_name IS NULL") == "0");
  // Its index and NOT NULL are back, and sync is: both images work.
  CHECK(plan.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_full_name_idx'::regclass") == "t");
  CHECK(plan.sql("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'full_name'") ==
        "t");
  plan.sql(
      "UPDATE users SET full_name = 'Old ShopImage' WHERE id = 10; UPDATE users SET last_name = 'New' WHERE id = 11");
  CHECK(plan.sql("SELECT first_name || '/' || last_name FROM users WHERE id = 10") == "Old/ShopImage");
  CHECK(name(11) == "First11 New");
  CHECK(plan.tool.run({"verify", "split"}).exit_code == 0);
  // And forward again.
  const auto again = plan.tool.run(plan.tool.run_to("contracted"));
  INFO(again.err);
  CHECK(again.exit_code == 0);
  CHECK_FALSE(plan.has_column("full_name"));
}

TEST_CASE("a contract waits for its approvals, each by a role of its own, and none by who registered the plan",
          "[contract]") {
  Migrated plan(replaced(split_plan("split"), "contract:\n", "contract:\n  approvals: 2\n"));
  const auto held = plan.to("hidden");
  CHECK(held.exit_code == 9);
  CHECK(plan.view.hold_kind() == "approval");
  CHECK(has(plan.view.hold_reason(), "0 of 2 approvals"));
  const auto own = plan.tool.run({"approve", "split", "--phase", "contract", "--reason", "my own"});
  CHECK(own.ok());
  CHECK(has(own.err, "0 of the 2 approvals that its contract phase needs"));
  for (const char* role : {"one_approver", "two_approver"}) make_approver(plan.uri, role);
  const auto approve = [&](const std::string& role) {
    return plan.tool.run(
        {"approve", "split", "--phase", "contract", "--reason", "read it", "-d", server().as(plan.uri, role)});
  };
  REQUIRE(approve("one_approver").ok());
  REQUIRE(approve("one_approver").ok());
  CHECK(plan.to("hidden").exit_code == 9);
  CHECK(has(plan.view.hold_reason(), "1 of 2 approvals"));
  CHECK(plan.has_column("full_name"));
  REQUIRE(approve("two_approver").ok());
  const auto outcome = plan.past_observation("hidden");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(plan.view.state() == "hidden");
}

TEST_CASE("the configuration names who must approve each phase: a person, a member of a group", "[contract]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 10);
  Tool tool(uri, "approve: { expand: [person], migrate: [switchback_dba] }\n");
  tool.plan(split_plan("split"));
  PlanView view(uri);
  CHECK(tool.run({"run", "plan.yaml"}).exit_code == 9);
  CHECK(view.state() == "planned");
  CHECK(has(view.hold_reason(), "0 of 1 approvals of the expand phase"));
  for (const char* role : {"one_approver", "two_approver"}) make_approver(uri, role);
  server().sql(uri,
               "DO $$ BEGIN CREATE ROLE switchback_dba; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
               "GRANT switchback_dba TO two_approver");
  const auto approve = [&](const std::string& role, const std::string& phase) {
    return tool.run({"approve", "split", "--phase", phase, "--reason", "read it", "-d", server().as(uri, role)});
  };
  // For another phase, or by an override of another phase, is for nothing.
  REQUIRE(approve("one_approver", "contract").ok());
  REQUIRE(tool.run({"approve", "split", "--phase", "contract", "--despite", "approval", "--reason", "alone"}).ok());
  CHECK(tool.run({"run", "plan.yaml"}).exit_code == 9);
  REQUIRE(approve("one_approver", "expand").ok());
  CHECK(tool.run({"run", "plan.yaml"}).exit_code == 9);
  CHECK(view.state() == "expanded");
  const auto outside = approve("one_approver", "migrate");
  CHECK(has(outside.err, "by a member of switchback_dba"));
  CHECK(tool.run({"run", "plan.yaml"}).exit_code == 9);
  REQUIRE(approve("two_approver", "migrate").ok());
  const auto outcome = tool.run({"run", "plan.yaml"});
  INFO(outcome.err);
  CHECK(outcome.ok());
  CHECK(view.state() == "migrated");
}

TEST_CASE("without consent a contract asks for it and takes nothing away", "[contract]") {
  const Migrated plan;
  const auto events = PlanView(plan.uri).events();
  const auto outcome = plan.tool.run({"run", "plan.yaml", "--to", "contracted", "--wait"});
  CHECK(outcome.exit_code == 9);
  CHECK(has(outcome.err, "--approve " + plan.tool.plan_hash()));
  CHECK(plan.tool.run({"run", "plan.yaml", "--to", "contracted", "--wait", "--yes", "--approve", "0123456789ab"})
            .exit_code == 9);
  CHECK(plan.has_column("full_name"));
  CHECK(PlanView(plan.uri).events() == events);
}

TEST_CASE("observation and soak hold a run that does not wait with exit 6, and say until when", "[contract]") {
  Migrated plan(split_plan("split", "1s", "1h"));
  CHECK(plan.past_observation("contracted").exit_code == 6);
  CHECK(plan.view.state() == "hidden");
  CHECK(plan.view.hold_kind() == "soak");
  CHECK(has(plan.view.hold_reason(), "soaking for 1h"));
  CHECK(has(plan.view.ask("SELECT hold->>'ends_when' FROM switchback.plan"), "the soak is over, at 20"));
  // Time is what ends it.
  plan.sql("UPDATE switchback.plan SET hidden_at = hidden_at - interval '1 hour'");
  const auto outcome = plan.to("contracted");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(plan.view.state() == "contracted");
}

TEST_CASE("in production nothing is dropped before somebody said what the backup is", "[contract]") {
  Migrated plan(split_plan("split"), "contract: { observe: 1s, soak: 0s }\nlease: 3s\n");
  const auto held = plan.past_observation("contracted");
  CHECK(held.exit_code == 6);
  CHECK(plan.view.state() == "contracting");
  CHECK(plan.view.hold_kind() == "backup");
  CHECK(has(plan.view.ask("SELECT hold->>'ends_when' FROM switchback.plan"), "--despite backup"));
  // Unhide is still possible, and loses nothing.
  REQUIRE(plan.tool.run({"rollback", "split", "--to", "migrated", "--yes"}).ok());
  CHECK(plan.has_column("full_name"));
  const auto outcome = plan.past_observation("contracted", {"--despite", "backup", "--reason", "a test server"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(plan.view.state() == "contracted");
  CHECK(plan.sql("SELECT count(*) > 0 FROM switchback.event WHERE reason LIKE '%a test server%'") == "t");
}

TEST_CASE("a plan that names no image holds at the horizon, and an override goes on record", "[contract]") {
  Migrated plan(replaced(split_plan("split"), images_line, ""));
  CHECK(plan.to("hidden").exit_code == 6);
  CHECK(plan.view.hold_kind() == "horizon");
  CHECK(plan.to("hidden", {"--despite", "horizon"}).exit_code == 64);  // an override says why
  const auto outcome = plan.past_observation("hidden", {"--despite", "horizon", "--reason", "one image only"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(plan.view.state() == "hidden");
  CHECK(
      plan.sql("SELECT count(*) FROM switchback.event WHERE kind = 'despite' AND reason = 'horizon: one image only'") ==
      "1");
}

TEST_CASE("in development nobody has to know the horizon or the backup", "[contract]") {
  Migrated plan(replaced(split_plan("split"), images_line, ""),
                "environment: development\ncontract: { observe: 1s, soak: 0s }\n");
  const auto outcome = plan.tool.run({"run", "plan.yaml", "--to", "contracted", "--wait", "--yes"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
}

TEST_CASE("what a drop would take along silently holds until it is named", "[contract]") {
  Migrated plan(replaced(split_plan("split"), "  allow_silent: [users_full_name_idx]\n", ""));
  const auto held = plan.past_observation("hidden");
  CHECK(held.exit_code == 6);
  CHECK(plan.view.hold_kind() == "usage");
  INFO(plan.view.hold_reason());
  CHECK(has(plan.view.hold_reason(), "users_full_name_idx"));
  CHECK(plan.has_column("full_name"));
}

TEST_CASE("what depends on a column since it was hidden is found under the drop's lock", "[contract]") {
  Migrated plan(split_plan("split", "1s", "1h"));
  REQUIRE(plan.past_observation("hidden").exit_code == 0);
  const std::string tombstone =
      plan.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum = 2");
  plan.sql("CREATE VIEW late AS SELECT id, \"" + tombstone + "\" AS name FROM users");
  plan.sql("UPDATE switchback.plan SET hidden_at = hidden_at - interval '1 hour'");
  const auto held = plan.to("contracted");
  INFO(held.err);
  CHECK(held.exit_code == 6);
  CHECK(plan.view.state() == "contracting");
  CHECK(has(plan.view.hold_reason(), "view public.late"));
  CHECK(plan.sql("SELECT count(*) FROM late WHERE name LIKE 'First%'") == "1000");
  plan.sql("DROP VIEW late");
  const auto outcome = plan.to("contracted");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
}

TEST_CASE("what would go along silently since a column was hidden is found under the drop's lock", "[contract]") {
  Migrated plan(split_plan("split", "1s", "1h"));
  REQUIRE(plan.past_observation("hidden").exit_code == 0);
  plan.sql(
      "DO $$ BEGIN EXECUTE format('CREATE INDEX late ON users (%I)', (SELECT attname FROM pg_attribute WHERE attrelid "
      "= "
      "'users'::regclass AND attnum = 2)); END $$");
  plan.sql("UPDATE switchback.plan SET hidden_at = hidden_at - interval '1 hour'");
  CHECK(plan.to("contracted").exit_code == 5);  // the table is not as the plan left it
  REQUIRE(plan.tool.run({"repair", "split", "--yes"}).exit_code == 0);
  const auto held = plan.to("contracted");
  INFO(held.err);
  CHECK(held.exit_code == 6);
  CHECK(has(plan.view.hold_reason(), "late would be dropped along with public.users."));
  CHECK(plan.sql("SELECT count(*) FROM pg_class WHERE relname = 'late'") == "1");
}

TEST_CASE("rows that break what a contract tightens hold it, and none is dropped", "[contract]") {
  Migrated plan(split_plan("split", "1s", "1h"));
  plan.sql("UPDATE users SET first_name = NULL WHERE id = 3");
  const auto held = plan.past_observation("contracted");
  CHECK(held.exit_code == 6);
  CHECK(plan.view.state() == "migrated");
  CHECK(plan.view.hold_kind() == "violation");
  CHECK(has(plan.view.hold_reason(), "users.first_name IS NOT NULL: 1 write of psql"));
  // Nothing writes such any more: the window passes, and the row that is there is in the way by itself.
  CHECK(eventually(60s, [&] {
    plan.to("contracted");
    return has(plan.view.hold_reason(), "1 row of users breaks users.first_name IS NOT NULL: {\"id\": 3}");
  }));
  CHECK(plan.view.state() == "migrated");
  plan.sql("UPDATE users SET first_name = 'Some', last_name = 'Body' WHERE id = 3");
  CHECK(eventually(60s, [&] {
    plan.to("contracted");
    return plan.view.state() == "hidden";
  }));
  CHECK(plan.view.hold_kind() == "soak");
  plan.sql("UPDATE switchback.plan SET hidden_at = hidden_at - interval '1 hour'");
  CHECK(plan.to("contracted").exit_code == 0);
  CHECK(plan.view.state() == "contracted");
}

TEST_CASE("an index and a constraint that one plan hides, drops and restores are no drift for another, nor its columns",
          "[contract][drift]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 200);
  server().sql(uri,
               "CREATE INDEX users_email_idx ON users (email);"
               "ALTER TABLE users ADD CONSTRAINT has_email CHECK (email <> '')");
  Tool columns(uri);
  columns.plan(split_plan("split"));
  Tool parts(uri);
  parts.plan(
      "plan: lighter\nimages: { before: shop:v40, after: shop:v41 }\ncontract:\n  observe: 1s\n  soak: 0s\n  "
      "archive: 30d\n  steps:\n    - drop_index: { name: users_email_idx }\n    - drop_constraint: { table: users, "
      "name: has_email }\n");
  Tool index(uri);
  index.plan(
      "plan: lightest\nimages: { before: shop:v40, after: shop:v41 }\ncontract:\n  observe: 1s\n  soak: 0s\n  "
      "archive: 30d\n  steps:\n    - drop_index: { name: users_email_idx }\n");
  const auto goes = [](const Tool& tool, const std::vector<std::string>& words) {
    const auto outcome = tool.run(words);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  };
  const Tool& other = GENERATE(true, false) ? parts : index;
  const std::string name = &other == &parts ? "lighter" : "lightest";
  goes(columns, {"run", "plan.yaml", "--to", "expanded"});
  goes(other, {"run", "plan.yaml", "--to", "migrated"});
  goes(columns, {"run", "plan.yaml"});
  goes(other, other.run_to("hidden"));
  goes(columns, columns.run_to("hidden"));
  goes(other, other.run_to("contracted"));
  goes(columns, columns.run_to("contracted"));
  goes(other, {"rollback", name, "--to", "migrated", "--yes"});
  goes(columns, {"restore", "split", "--yes"});
  goes(other, other.run_to("hidden"));
  goes(other, {"rollback", name, "--to", "migrated", "--yes"});
  goes(columns, columns.run_to("hidden"));
  // What anybody else does is drift for both.
  server().sql(uri, "CREATE INDEX by_hand ON users (email, id)");
  CHECK(other.run(other.run_to("hidden")).exit_code == 5);
  CHECK(columns.run(columns.run_to("contracted")).exit_code == 5);
}
