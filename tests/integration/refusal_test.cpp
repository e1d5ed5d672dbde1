#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> run{"run", "plan.yaml"};

/// A database with the table users, and a plan for it.
struct Scene {
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};
  explicit Scene(const std::string& plan = split_plan("split"), int rows = 100,
                 const std::string& configuration = Tool::default_configuration())
      : tool(uri, configuration) {
    make_users(uri, rows);
    tool.plan(plan);
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  /// Columns, triggers and functions: what a refusal must not have touched.
  std::string shape() const {
    return sql("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'users'::regclass "
               "AND attnum > 0 AND NOT attisdropped") +
           "; " + sql("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal");
  }
};

/// A plan that fills one new column of users.
std::string fill_plan(const std::string& type, const std::string& expression, const std::string& more = {}) {
  return "plan: fill\nexpand:\n  - add_column: { table: users, name: made, type: " + type +
         " }\nmigrate:\n  - backfill:\n      table: users\n      set: { made: \"" + expression +
         "\" }\n      reverse: { none: a test }\n" + more;
}

/// It would change what tells which side an INSERT supplied.
const std::string with_default =
    "plan: x\nexpand:\n  - add_column: { table: users, name: made, type: text }\n  - set_default: { table: users, "
    "column: "
    "full_name, default: \"'x'\" }\nmigrate:\n  - backfill: { table: users, set: { made: full_name }, reverse: { "
    "full_name: made } }\n";

}  // namespace

TEST_CASE("a database that cannot be reached ends a run with 8 and names it", "[refusal]") {
  Tool tool("postgresql://nobody:geheim@127.0.0.1:1/nowhere");
  tool.plan(split_plan("split"));
  const auto outcome = tool.run(run);
  CHECK(outcome.exit_code == 8);
  CHECK(has(outcome.err, "cannot connect to database nowhere at 127.0.0.1:1"));
  CHECK_FALSE(has(outcome.err, "geheim"));
}

TEST_CASE("a role without rights is told which, and that GRANT is enough", "[refusal]") {
  Scene scene;
  const std::string role = "poor_runner";
  scene.sql("DO $$ BEGIN CREATE ROLE poor_runner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  Tool tool(server().as(scene.uri, role));
  tool.plan(split_plan("split"));
  const auto refused = tool.run(run);
  CHECK(refused.exit_code == 8);
  CHECK(has(refused.err, "SQLSTATE 42501"));
  CHECK(has(refused.err, "GRANT CREATE ON DATABASE"));
  const std::string before = scene.shape();

  scene.sql("GRANT CREATE ON DATABASE " + scene.uri.substr(scene.uri.rfind('/') + 1) +
            " TO poor_runner; GRANT pg_monitor TO poor_runner");
  const auto not_owner = tool.run(run);
  INFO(not_owner.err);
  CHECK(not_owner.exit_code == 8);
  CHECK(has(not_owner.err, "users"));
  CHECK(has(not_owner.err, "SQLSTATE 42501"));
  CHECK(scene.shape() == before);
  CHECK(tool.status("split").state != "migrated");

  scene.sql("ALTER TABLE users OWNER TO poor_runner; GRANT CREATE ON SCHEMA public TO poor_runner");
  const auto outcome = tool.run(run);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
}

TEST_CASE("a plan that does not fit the database is refused with 4, its place, and nothing changed", "[refusal]") {
  Scene scene;
  const auto [plan, words] = GENERATE(table<std::string, std::string>({
      {fill_plan("text", "nosuch"), "nosuch"},
      {fill_plan("nosuchtype", "full_name"), "nosuchtype"},
      {fill_plan("integer", "full_name"), "integer"},
      {fill_plan("text", "random()::text"), "volatile"},
      {fill_plan("text", "max(full_name)"), "aggregate"},
      {fill_plan("text", "nosuchfunction(full_name)"), "nosuchfunction"},
      {"plan: x\nexpand:\n  - add_column: { table: nosuch, name: a, type: text }\n", "there is no table nosuch"},
      {"plan: x\nexpand:\n  - add_column: { table: users, name: email, type: text }\n", "already has a column email"},
      {"plan: x\nexpand:\n  - set_default: { table: users, column: nosuch, default: \"1\" }\n", "no column nosuch"},
      {with_default, "kept in step"},
      {"plan: x\nchange:\n  - change_type: { table: users, column: email, to: varchar(90) }\n  - add_check: { table: "
       "users, "
       "check: \"email <> ''\" }\n",
       "the check reads users.email"},
      {"plan: x\ncontract:\n  steps:\n    - drop_column: { table: users, name: nosuch }\n", "no column nosuch"},
      {"plan: x\ncontract:\n  steps:\n    - drop_index: { name: nosuch_idx }\n", "no index nosuch_idx"},
      {"plan: x\ncontract:\n  steps:\n    - drop_constraint: { table: users, name: nosuch_check }\n",
       "no constraint nosuch_check"},
      {"plan: x\ncontract:\n  steps:\n    - drop_column: { table: users, name: id }\n", "part of the key"},
      {"plan: x\nexpand:\n  - add_column: { table: users, name: a, type: text, default: \"gen_random_uuid()::text\" "
       "}\n",
       "rewrite the whole table"},
  }));
  CAPTURE(words);
  scene.tool.plan(plan);
  const std::string before = scene.shape();
  const auto outcome = scene.tool.run(run);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 4);
  CHECK(has(outcome.err, words));
  CHECK(has(outcome.err, "plan.yaml:"));
  CHECK(scene.shape() == before);
  CHECK((scene.view.ask("SELECT count(*) FROM switchback.plan") + "0").front() == '0');  // nor is it registered
}

TEST_CASE("where a table has heirs, what triggers would have to see there too is refused", "[refusal]") {
  Scene scene;
  scene.sql("CREATE TABLE old_users (until date, PRIMARY KEY (id)) INHERITS (users)");
  const std::string plan = GENERATE(fill_plan("text", "full_name"),
                                    "plan: x\ncontract:\n  steps:\n    - drop_column: { table: users, name: email }\n");
  scene.tool.plan(plan);
  const auto outcome = scene.tool.run(run);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 4);
  CHECK(has(outcome.err, "old_users inherits from users"));
  CHECK(has(outcome.err, "NO INHERIT"));
}

TEST_CASE("a table without a key that batches can follow is refused with what it needs", "[refusal]") {
  Scene scene;
  scene.sql(
      "ALTER TABLE users DROP CONSTRAINT users_pkey; CREATE UNIQUE INDEX some_mails ON users (email) WHERE email IS "
      "NOT NULL");
  const auto outcome = scene.tool.run(run);
  CHECK(outcome.exit_code == 4);
  CHECK(has(outcome.err, "has no key that batches can follow"));
  CHECK(has(outcome.err, "primary key"));
  CHECK(scene.shape() == "id full_name email; 0");
}

TEST_CASE("a table with triggers wants to know whether the backfill fires them", "[refusal]") {
  Scene scene;
  scene.sql(
      "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.email := upper(NEW.email); RETURN NEW; "
      "END'; CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()");
  const auto refused = scene.tool.run(run);
  CHECK(refused.exit_code == 4);
  CHECK(has(refused.err, "trigger touch"));
  CHECK(has(refused.err, "user_triggers: fire"));
  const std::string skip = GENERATE("skip", "fire");
  scene.tool.plan(fill_plan("text", "lower(full_name)", "      user_triggers: " + skip + "\n"));
  const auto outcome = scene.tool.run(run);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(scene.sql("SELECT count(*) FROM users WHERE made = lower(full_name)") == "100");
  CHECK(scene.sql("SELECT count(*) FROM users WHERE email = upper(email)") == (skip == "skip" ? "0" : "100"));
}

TEST_CASE("a plan that was changed after it was started is drift, 5, and its old text still goes", "[refusal]") {
  Scene scene;
  REQUIRE(scene.tool.run({"run", "plan.yaml", "--to", "expanded"}).ok());
  const auto events = scene.view.events();
  scene.tool.plan(split_plan("split") + "# a word more\n");
  const auto outcome = scene.tool.run(run);
  CHECK(outcome.exit_code == 5);
  CHECK(has(outcome.err, "is not the one that plan split was started with"));
  CHECK(scene.view.state() == "expanded");
  CHECK(scene.view.events() == events);
  scene.tool.plan(split_plan("split"));
  CHECK(scene.tool.run(run).exit_code == 0);
}

TEST_CASE("a table that somebody changed in between is drift, 5, until that is undone", "[refusal]") {
  Scene scene;
  REQUIRE(scene.tool.run({"run", "plan.yaml", "--to", "expanded"}).ok());
  const auto [change, undo] = GENERATE(table<std::string, std::string>({
      {"ALTER TABLE users ADD COLUMN extra int", "ALTER TABLE users DROP COLUMN extra"},
      {"ALTER TABLE users ALTER COLUMN email SET DEFAULT 'x'", "ALTER TABLE users ALTER COLUMN email DROP DEFAULT"},
      {"CREATE INDEX extra ON users (email)", "DROP INDEX extra"},
      {"ALTER TABLE users ADD CONSTRAINT extra CHECK (id > 0)", "ALTER TABLE users DROP CONSTRAINT extra"},
      {"ALTER TABLE users DROP CONSTRAINT users_pkey", "ALTER TABLE users ADD PRIMARY KEY (id)"},
  }));
  CAPTURE(change);
  scene.sql(change);
  const auto outcome = scene.tool.run(run);
  CHECK(outcome.exit_code == 5);
  CHECK(has(outcome.err, "the table users is not shaped as this plan left it"));
  CHECK(scene.sql("SELECT count(*) FROM users WHERE first_name IS NOT NULL") == "0");
  scene.sql(undo);
  const auto again = scene.tool.run(run);
  INFO(again.err);
  CHECK(again.exit_code == 0);
  CHECK(scene.view.state() == "migrated");
}

TEST_CASE("plans that share a table do not take each other's work for drift", "[refusal]") {
  Scene scene;
  REQUIRE(scene.tool.run(run).ok());
  Tool other(scene.uri);
  other.plan(
      "plan: given\nrequires: [split]\nimages: { before: shop:v42, after: shop:v43 }\nexpand:\n  - add_column: { "
      "table: users, name: given, type: text }\nmigrate:\n  - backfill: { table: users, set: { given: "
      "lower(first_name) }, reverse: { first_name: initcap(given) } }\n  - create_index: { table: users, columns: "
      "[given] }\n");
  const auto built = other.run(run);
  INFO(built.err);
  REQUIRE(built.exit_code == 0);
  scene.sql("UPDATE users SET full_name = 'Zoe Zahn' WHERE id = 1; UPDATE users SET given = 'kim' WHERE id = 2");
  CHECK(scene.sql("SELECT given FROM users WHERE id = 1") == "zoe");
  CHECK(scene.sql("SELECT full_name FROM users WHERE id = 2") == "Kim Last2");
  // The first one goes back and forth beside the second.
  const auto hidden = scene.tool.run(scene.tool.run_to("hidden"));
  INFO(hidden.err);
  CHECK(hidden.exit_code != 5);
  REQUIRE(other.run({"rollback", "given", "--yes", "--despite", "loss", "--reason", "a test"}).ok());
  const auto again = scene.tool.run(scene.tool.run_to("hidden"));
  INFO(again.err);
  CHECK(again.exit_code == 0);
}

TEST_CASE("row level security that hides rows stops the runner with that reason, and skips none", "[refusal]") {
  Scene scene;
  scene.sql(
      "DO $$ BEGIN CREATE ROLE rls_runner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT CREATE ON "
      "DATABASE " +
      scene.uri.substr(scene.uri.rfind('/') + 1) +
      " TO rls_runner; GRANT pg_monitor TO rls_runner; GRANT CREATE ON SCHEMA public TO rls_runner; ALTER TABLE users "
      "OWNER TO rls_runner;"
      "CREATE POLICY half ON users USING (id % 2 = 0)");
  Tool tool(server().as(scene.uri, "rls_runner"), slow_configuration());
  tool.plan(split_plan("split"));

  SECTION("when it is there from the start") {
    scene.sql("ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
    const auto outcome = tool.run(run);
    CHECK(outcome.exit_code == 8);
    CHECK(has(outcome.err, "row level security on users would hide rows from role rls_runner"));
    CHECK(has(outcome.err, "BYPASSRLS"));
    CHECK(scene.shape() == "id full_name email; 0");
    scene.sql("ALTER TABLE users NO FORCE ROW LEVEL SECURITY");  // the owner sees every row
    const auto allowed = tool.run(run);
    INFO(allowed.err);
    CHECK(allowed.exit_code == 0);
    CHECK(scene.sql("SELECT count(*) FROM users WHERE first_name IS NOT NULL") == "100");
  }
  SECTION("when it comes in the middle of the backfill") {
    scene.sql("INSERT INTO users SELECT i, 'First' || i || ' Last' || i FROM generate_series(101, 5000) i");
    const auto runner = tool.start(run);
    REQUIRE(eventually(60s, [&] { return scene.view.rows_done() > 200; }));
    scene.sql("ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
    const auto ended = runner->wait(60s);
    INFO(runner->err());
    CHECK(ended == 8);
    CHECK(has(runner->err(), "row-level security"));
    CHECK(scene.view.state() == "migrating");
    // What it says it has done, it has done: no row was passed over.
    CHECK(scene.sql("SELECT count(*) FROM users WHERE first_name IS NOT NULL") ==
          std::to_string(scene.view.rows_done()));
    CHECK(scene.view.rows_done() < 5000);
  }
}

TEST_CASE("rows that do not convert are quarantined, the rest goes on, and beyond the budget the plan holds",
          "[refusal]") {
  Scene scene(fill_plan("integer", "email::integer"), 3000);
  scene.sql("UPDATE users SET email = id::text; UPDATE users SET email = 'x' || id WHERE id IN (7, 2000)");
  const auto outcome = scene.tool.run(run);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(scene.sql("SELECT count(*) FROM users WHERE made = email::integer AND id NOT IN (7, 2000)") == "2998");
  CHECK(scene.sql("SELECT string_agg(key->>'id' || ' ' || sqlstate, ', ' ORDER BY (key->>'id')::int) FROM "
                  "switchback.quarantine") == "7 22P02, 2000 22P02");

  Scene many(fill_plan("integer", "email::integer"), 3000);
  many.sql("UPDATE users SET email = id::text; UPDATE users SET email = 'x' || id WHERE id % 100 = 0");
  const auto held = many.tool.run(run);
  CHECK(held.exit_code == 6);
  CHECK(many.view.hold_kind() == "quarantine");
  CHECK(has(many.view.hold_reason(), "over the budget"));
  REQUIRE(many.tool.run({"set", "fill", "backfill.quarantine.rows=1000", "backfill.quarantine.share=10%"}).ok());
  const auto raised = many.tool.run(run);
  INFO(raised.err);
  CHECK(raised.exit_code == 0);
  CHECK(many.sql("SELECT count(*) FROM switchback.quarantine WHERE status = 'open'") == "30");
}

TEST_CASE("pause from elsewhere is heard within a batch and shown, resume goes on, and set is heeded", "[refusal]") {
  Scene scene(split_plan("split"), 20'000, slow_configuration());
  const auto runner = scene.tool.start(run);
  REQUIRE(eventually(60s, [&] { return scene.view.rows_done() > 200; }));
  const Tool elsewhere(scene.uri);
  REQUIRE(elsewhere.run({"pause", "split", "--reason", "lunch"}).ok());
  const auto paused_at = scene.view.rows_done();
  REQUIRE(eventually(10s, [&] { return scene.view.hold_kind() == "operator"; }));
  const auto at = scene.view.rows_done();
  CHECK(at - paused_at <= 500);  // batches of ten rows: a few of them, for the time this test takes to ask
  CHECK_FALSE(eventually(1500ms, [&] { return scene.view.rows_done() != at; }));
  const auto shown = elsewhere.run({"status", "split"});
  CHECK(has(shown.out, "lunch"));
  CHECK(elsewhere.status("split").hold_kind == "operator");

  REQUIRE(elsewhere.run({"set", "split", "backfill.batch.max_wal=200kB", "backfill.batch.target=50ms"}).ok());
  REQUIRE(elsewhere.run({"resume", "split"}).ok());
  REQUIRE(eventually(30s, [&] {
    return scene.view.ask("SELECT (progress->>'batch_rows')::int > 60 OR state = 'migrated' FROM switchback.plan") ==
           "t";
  }));
  CHECK(runner->wait(120s) == 0);
  CHECK(scene.view.state() == "migrated");
  CHECK(has(scene.view.kinds(), "pause"));
  CHECK(has(scene.view.kinds(), "resume"));
}

TEST_CASE("a pause that comes before the run keeps it from doing anything", "[refusal]") {
  Scene scene;
  REQUIRE(scene.tool.run({"run", "plan.yaml", "--to", "expanded"}).ok());
  REQUIRE(scene.tool.run({"pause", "split"}).ok());
  const auto runner = scene.tool.start(run);
  REQUIRE(eventually(30s, [&] { return scene.view.hold_kind() == "operator" && scene.view.epoch() == 2; }));
  CHECK(scene.view.rows_done() == 0);
  REQUIRE(scene.tool.run({"resume", "split"}).ok());
  CHECK(runner->wait(60s) == 0);
}

TEST_CASE("a journal that a newer version wrote is refused politely by a run", "[refusal]") {
  Scene scene;
  REQUIRE(scene.tool.run({"run", "plan.yaml", "--to", "expanded"}).ok());
  scene.sql("UPDATE switchback.meta SET version = " + std::to_string(engine::journal_version() + 1));
  const auto outcome = scene.tool.run(run);
  CHECK(outcome.exit_code == 1);
  CHECK(has(outcome.err, "use the newer switchback"));
  CHECK(scene.tool.run({"status", "split"}).exit_code == 0);
  CHECK(scene.view.state() == "expanded");
}

TEST_CASE("two live plans that change the same column are refused, unless one builds on the other", "[refusal]") {
  Scene scene;
  REQUIRE(scene.tool.run({"run", "plan.yaml", "--to", "expanded"}).ok());
  Tool other(scene.uri);
  other.plan(fill_plan("text", "upper(full_name)"));
  const auto outcome = other.run(run);
  CHECK(outcome.exit_code == 3);
  CHECK(has(outcome.err, "the plan split is changing users.full_name too"));
  CHECK(scene.view.ask("SELECT count(*) FROM switchback.plan") == "1");
}

TEST_CASE("wrong usage of run is 64", "[refusal]") {
  const Scene scene;
  CHECK(scene.tool.run({"run"}).exit_code == 64);
  CHECK(scene.tool.run({"run", "plan.yaml", "--to", "rolled_back"}).exit_code == 64);
  CHECK(scene.tool.run({"run", "plan.yaml", "extra"}).exit_code == 64);
  CHECK(scene.tool.run({"rollback", "split", "--to", "contracted"}).exit_code == 64);
  CHECK(scene.shape() == "id full_name email; 0");
}
