// What tightens: counted while both images write, mended, enforced without reading the table, validated after the soak.
#include <csignal>

#include "catch.hpp"
#include "plan_view.hpp"
#include "rule_traffic.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

const std::string windows = "contract: { observe: 2s, soak: 0s }\n";

/// Each rule: a plan, a table with rows that break it, an image that breaks it now and then and one that does not.
struct Case {
  std::string name;
  std::string change;
  std::string schema;
  RuleTraffic::Next before, after;
  std::string refused;  ///< SQL that the constraint refuses
  std::string sqlstate;
  std::string validated;  ///< SQL: true when the rule stands, validated
  std::string broken;     ///< SQL: how many rows break it
};

std::string row(std::int64_t n) {
  return std::to_string(n % 500 + 1);
}

std::string constraint(const std::string& name) {
  return "SELECT coalesce((SELECT convalidated FROM pg_constraint WHERE conname = '" + name + "'), false)";
}

Case not_null() {
  return {
      "not null",
      "set_not_null: { table: items, column: city, fix: \"'Bonn'\" }",
      "CREATE TABLE items (id bigint PRIMARY KEY, city text, n int); INSERT INTO items SELECT i, CASE WHEN i % 10 > 0 "
      "THEN 'Ulm' END, 0 FROM generate_series(1, 500) i",
      [](std::int64_t n) {
        return n % 3 == 0 ? "UPDATE items SET city = NULL WHERE id = " + row(n)
                          : "INSERT INTO items (id) VALUES (" + std::to_string(100000 + n) + ")";
      },
      [](std::int64_t n) { return "UPDATE items SET city = 'Jena', n = n + 1 WHERE id = " + row(n); },
      "INSERT INTO items (id) VALUES (-1)",
      "23502",
      "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = 'city'",
      "SELECT count(*) FROM items WHERE city IS NULL"};
}

Case check() {
  return {"check", "add_check: { table: items, check: 10 / qty > 0, name: qty_small, fix: { qty: \"1\" } }",
          "CREATE TABLE items (id bigint PRIMARY KEY, qty int, n int DEFAULT 0); INSERT INTO items (id, qty) SELECT i, "
          "CASE "
          "WHEN i % 10 > 0 THEN 2 ELSE 11 END FROM generate_series(1, 500) i",
          // 10 / 0 raises: that is a violation too, and must not fail what writes it.
          [](std::int64_t n) {
            return "UPDATE items SET qty = " + std::string(n % 2 == 0 ? "20" : "3") + " WHERE id = " + row(n);
          },
          [](std::int64_t n) { return "UPDATE items SET qty = 5, n = n + 1 WHERE id = " + row(n); },
          "INSERT INTO items (id, qty) VALUES (-1, 20)", "23514", constraint("qty_small"),
          "SELECT count(*) FROM items WHERE qty > 10"};
}

Case foreign_key() {
  return {
      "foreign key",
      "add_foreign_key: { table: items, columns: [owner], references: owners(id), name: of_owner, fix: null }",
      "CREATE TABLE owners (id bigint PRIMARY KEY); INSERT INTO owners SELECT i FROM generate_series(1, 50) i; CREATE "
      "TABLE items (id bigint PRIMARY KEY, owner int, n int); INSERT INTO items SELECT i, i % 60, 0 FROM "
      "generate_series(1, 500) i",
      [](std::int64_t n) {
        return n % 2 == 0 ? "UPDATE items SET owner = 77 WHERE id = " + row(n)
                          : "UPDATE items SET owner = NULL WHERE id = " + row(n);
      },
      [](std::int64_t n) { return "UPDATE items SET owner = " + std::to_string(n % 40 + 1) + " WHERE id = " + row(n); },
      "INSERT INTO items (id, owner) VALUES (-1, 99)",
      "23503",
      constraint("of_owner"),
      "SELECT count(*) FROM items i WHERE owner IS NOT NULL AND NOT EXISTS (SELECT FROM owners o WHERE o.id = "
      "i.owner)"};
}

Case unique() {
  return {
      "unique",
      "add_unique: { table: items, columns: [mail], name: items_mail, fix: \"mail || '#' || id\" }",
      "CREATE TABLE items (id bigint PRIMARY KEY, mail text, n int DEFAULT 0); INSERT INTO items SELECT i, 'm' || i % "
      "450 FROM generate_series(1, 500) i",
      [](std::int64_t n) { return "UPDATE items SET mail = 'm1' WHERE id = " + row(n * 7); },
      [](std::int64_t n) { return "UPDATE items SET mail = 'new" + std::to_string(n) + "' WHERE id = " + row(n); },
      "INSERT INTO items (id, mail) SELECT -1, mail FROM items WHERE mail IS NOT NULL LIMIT 1",
      "23505",
      constraint("items_mail"),
      "SELECT count(*) FROM (SELECT mail FROM items GROUP BY mail HAVING count(*) > 1) s"};
}

std::unique_ptr<ports::Session> old_image(const std::string& uri) {
  auto session = application(uri, "shop:v41");
  session->exec("SET search_path = public");
  return session;
}

struct Scene {
  Case rule;
  std::string uri = server().fresh_database();
  Tool tool{uri};
  PlanView view{uri};

  explicit Scene(Case one, const std::string& more = {}) : rule(std::move(one)) {
    sql("CREATE EXTENSION pg_stat_statements; " + rule.schema);
    tool.plan("plan: tighten\nchange:\n  - " + rule.change + "\n" + windows + more);
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  process::Outcome to(const std::string& state) const {
    std::vector<std::string> words = tool.run_to(state);
    for (const char* word : {"--despite", "horizon", "--reason", "a test"}) words.emplace_back(word);
    return tool.run(words);
  }
  std::unique_ptr<process::Child> start_to(const std::string& state) const {
    std::vector<std::string> words = tool.run_to(state);
    for (const char* word : {"--despite", "horizon", "--reason", "a test"}) words.emplace_back(word);
    return tool.start(words);
  }
  void reach(const std::string& state) {
    const auto outcome = to(state);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    REQUIRE(view.state() == state);
  }
  void back_to(const std::string& state) {
    const auto outcome = tool.run({"rollback", "tighten", "--to", state, "--yes"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    REQUIRE(view.state() == state);
  }
  /// The SQLSTATE that the refused statement meets; empty: it goes through (and is rolled back).
  std::string refusal() const {
    const auto session = old_image(uri);
    session->exec("BEGIN");
    try {
      session->exec(rule.refused);
    } catch (const Error& error) {
      return error.sqlstate();
    }
    session->exec("ROLLBACK");
    return {};
  }
  std::string counters() const {
    return sql("SELECT count(*) > 0 FROM pg_trigger WHERE tgname LIKE '~switchback_3%' AND tgenabled = 'A'");
  }
  /// Anything of switchback's that is left outside of its journal's tables.
  std::string leftovers() const {
    return sql(
        "SELECT concat_ws(' ', (SELECT string_agg(tgname, ' ') FROM pg_trigger WHERE tgname LIKE '~switchback%'), "
        "(SELECT "
        "string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = 'switchback'::regnamespace AND proname LIKE "
        "'count%'), (SELECT string_agg(relname, ' ') FROM pg_class WHERE relname LIKE '\\_switchback%'), (SELECT "
        "string_agg(conname, ' ') FROM pg_constraint WHERE conname LIKE '\\_switchback%'))");
  }
};

}  // namespace

TEST_CASE(
    "while an image breaks a rule it is named and not hindered; when it is gone the rule is enforced and validated",
    "[tighten]") {
  Scene scene(GENERATE(not_null(), check(), foreign_key(), unique()));
  CAPTURE(scene.rule.name);
  CHECK(scene.sql(scene.rule.broken) != "0");
  RuleTraffic traffic(scene.uri, scene.rule.before, scene.rule.after);
  scene.reach("migrated");
  CHECK(eventually(30s, [&] {
    return scene.sql("SELECT sum(writes) > 0 FROM switchback.violation WHERE application = 'shop:v41'") == "t";
  }));
  CHECK(scene.sql("SELECT count(*) FROM switchback.violation WHERE application <> 'shop:v41'") == "0");
  const auto runner = scene.start_to("hidden");
  CHECK(eventually(60s, [&] { return scene.view.hold_kind() == "violation"; }));
  const std::string reason = scene.view.hold_reason();
  INFO(reason);
  CHECK(has(reason, "shop:v41"));
  CHECK(has(reason, "would be refused"));
  CHECK(has(reason, "public.items {\"id\": "));
  CHECK(scene.refusal().empty());
  traffic.stop_before();
  CHECK(runner->wait(60s) == 0);
  CHECK(scene.view.state() == "hidden");
  CHECK(scene.sql(scene.rule.broken) == "0");
  CHECK((scene.refusal() == scene.rule.sqlstate || scene.refusal() == "23514"));
  scene.reach("contracted");
  traffic.stop();
  for (const std::string& failure : traffic.failures()) FAIL_CHECK(failure);
  CHECK(traffic.writes() > 100);
  CHECK(scene.sql(scene.rule.validated) == "t");
  CHECK(scene.refusal() == scene.rule.sqlstate);
  CHECK(scene.leftovers() == "");
}

TEST_CASE("what was tightened is taken back from every state, and counted again where the contract may come again",
          "[tighten]") {
  Scene scene(GENERATE(not_null(), check(), foreign_key(), unique()));
  CAPTURE(scene.rule.name);
  scene.reach("expanded");
  CHECK(scene.counters() == "t");
  scene.back_to("rolled_back");
  CHECK(scene.leftovers() == "");
  scene.reach("migrated");
  CHECK(scene.sql(scene.rule.broken) == "0");
  scene.back_to("expanded");
  CHECK(scene.counters() == "t");
  scene.reach("hidden");
  CHECK_FALSE(scene.refusal().empty());
  scene.back_to("migrated");
  CHECK(scene.refusal().empty());
  CHECK(scene.counters() == "t");
  CHECK(scene.sql(scene.rule.validated) == "f");
  scene.reach("hidden");
  scene.back_to("rolled_back");
  CHECK(scene.refusal().empty());
  CHECK(scene.leftovers() == "");
  scene.reach("contracted");
  CHECK(scene.sql(scene.rule.validated) == "t");
  scene.back_to("migrated");
  CHECK(scene.refusal().empty());
  CHECK(scene.counters() == "t");
  CHECK(scene.sql(scene.rule.validated) == "f");
}

TEST_CASE("a fix that waits for an image's write does not write over it", "[tighten]") {
  const std::string uri = server().fresh_database();
  PlanView view(uri);
  Tool tool(uri);
  server().sql(
      uri,
      "CREATE TABLE users (id bigint PRIMARY KEY); CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint); "
      "CREATE INDEX ON orders (user_id); INSERT INTO orders SELECT i, 7 FROM generate_series(1, 50) i; ANALYZE "
      "users, orders");
  tool.plan(
      "plan: refers\nchange:\n  - add_foreign_key: { table: orders, columns: [user_id], references: users(id), "
      "fix: null }\n" +
      windows);
  // A user and the order that refers to it come in one transaction; before it, the order refers to nobody.
  REQUIRE(tool.run({"run", "plan.yaml", "--to", "expanded"}).exit_code == 0);
  const auto image = application(uri, "shop:v41");
  image->begin();
  image->exec("INSERT INTO public.users VALUES (8)");
  image->exec("UPDATE public.orders SET user_id = 8 WHERE id = 20");
  const auto runner = tool.start({"run", "plan.yaml", "--to", "migrated"});
  REQUIRE(eventually(60s, [&] {
    return view.ask(
               "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
               "current_database()") == "t";
  }));
  image->commit();
  REQUIRE(runner->wait(60s));
  CHECK(server().sql(uri, "SELECT user_id FROM orders WHERE id = 20") == "8");
  CHECK(server().sql(uri, "SELECT count(*) FROM orders WHERE user_id IS NULL") == "49");
}

TEST_CASE("without a fix the rows that break a rule are listed, and the plan holds until they are mended",
          "[tighten]") {
  Case one = check();
  one.change = "add_check: { table: items, check: qty <= 10 }";
  Scene scene(std::move(one));
  const auto outcome = scene.to("migrated");
  CHECK(outcome.exit_code == 6);
  CHECK(scene.view.hold_kind() == "violation");
  CHECK(has(scene.view.hold_reason(), "50 rows of items break items CHECK (qty <= 10): {\"id\": "));
  scene.sql("UPDATE items SET qty = 1 WHERE qty > 10");
  scene.reach("contracted");
  CHECK(scene.sql(constraint("items_check")) == "t");
}

TEST_CASE("a check that raises counts as broken, and fails nobody before it is enforced", "[tighten]") {
  Scene scene(check());
  scene.reach("migrated");
  const auto session = old_image(scene.uri);
  session->exec("UPDATE items SET qty = 0 WHERE id = 7");
  CHECK(scene.sql("SELECT key FROM switchback.violation") == "{\"id\": 7}");
  session->exec("UPDATE items SET qty = 2 WHERE id = 7");
  scene.reach("hidden");
}

TEST_CASE("a role that may write the table and nothing of switchback's is counted like any other", "[tighten]") {
  Scene scene(GENERATE(not_null(), check(), foreign_key(), unique()));
  CAPTURE(scene.rule.name);
  scene.sql(
      "DO $$ BEGIN CREATE ROLE tighten_writer LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT "
      "SELECT, INSERT, UPDATE, DELETE ON items TO tighten_writer");
  scene.reach("migrated");
  const std::string uri = server().as(scene.uri, "tighten_writer", "shop:v41");
  server().sql(uri, scene.rule.refused);
  CHECK(scene.sql("SELECT role || ' ' || application || ' ' || coalesce(failure, '') FROM switchback.violation") ==
        "tighten_writer shop:v41 ");
}

TEST_CASE("a deleted row that others would refer to is counted, and one that nobody refers to is not", "[tighten]") {
  Scene scene(foreign_key());
  scene.reach("migrated");
  const auto session = old_image(scene.uri);
  scene.sql("UPDATE items SET owner = 5 WHERE id = 1; DELETE FROM items WHERE owner = 6");
  session->exec("DELETE FROM owners WHERE id = 6");
  CHECK(scene.sql("SELECT count(*) FROM switchback.violation") == "0");
  session->exec("DELETE FROM owners WHERE id = 5");
  CHECK(scene.sql("SELECT how || ' ' || relation || ' ' || key FROM switchback.violation") ==
        "delete public.owners {\"id\": 5}");
}

TEST_CASE("a runner killed anywhere between two commits is taken up again", "[tighten][kill]") {
  Scene scene(GENERATE(not_null(), check(), foreign_key(), unique()));
  CAPTURE(scene.rule.name);
  // Each round one commit further: whoever comes after finds what the one before had done.
  for (int round = 0; round < 60 && scene.view.state() != "contracted"; ++round) {
    const auto before = scene.view.events();
    const auto runner = scene.start_to("contracted");
    eventually(30s, [&] { return scene.view.events() > before || scene.view.state() == "contracted"; });
    runner->signal_group(SIGKILL);
    runner->wait(10s);
  }
  scene.reach("contracted");
  CHECK(scene.sql(scene.rule.broken) == "0");
  CHECK(scene.sql(scene.rule.validated) == "t");
  CHECK(scene.leftovers() == "");
}

TEST_CASE("a check over partitions is counted and enforced on each; what the server cannot enforce so is refused",
          "[tighten]") {
  Case one = check();
  one.schema =
      "CREATE TABLE items (id bigint PRIMARY KEY, qty int, n int DEFAULT 0) PARTITION BY RANGE (id); CREATE TABLE "
      "items_1 "
      "PARTITION OF items FOR VALUES FROM (0) TO (250); CREATE TABLE items_2 PARTITION OF items FOR VALUES FROM (250) "
      "TO "
      "(1000000); INSERT INTO items (id, qty) SELECT i, CASE WHEN i % 10 > 0 THEN 2 ELSE 11 END FROM "
      "generate_series(1, "
      "500) i";
  Scene scene(one);
  scene.reach("migrated");
  old_image(scene.uri)->exec("UPDATE items_2 SET qty = 20 WHERE id = 300");
  CHECK(scene.sql("SELECT relation FROM switchback.violation") == "public.items_2");
  scene.reach("contracted");
  CHECK(scene.sql("SELECT count(*) FROM pg_constraint WHERE conname = 'qty_small' AND convalidated") == "3");
  Case other = unique();
  other.schema = one.schema + "; ALTER TABLE items ADD mail text";
  Scene refused(other);
  const auto outcome = refused.to("migrated");
  CHECK(outcome.exit_code == 4);
  CHECK(has(outcome.err, "a unique constraint of a partitioned table"));
}
