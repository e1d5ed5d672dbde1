// The write probe: what it notes, and that no statement of the application fails or waits for it.
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

/// A plan at migrated whose old side is being observed, over a table of a hundred rows.
struct Observed {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  PlanView view{uri};

  Observed() {
    make_users(uri, 100);
    tool.plan(split_plan("split", "1h"));
    REQUIRE(tool.run({"run", "plan.yaml"}).exit_code == 0);
    observe();
  }
  void observe() {
    const auto held = tool.run({"run", "plan.yaml", "--to", "hidden", "--yes", "--approve", tool.plan_hash()});
    INFO(held.err);
    REQUIRE(held.exit_code == 6);
    REQUIRE(view.hold_kind() == "usage");
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  /// The findings of the probe that are uses, and its coverage's `cut_by`, as the command says.
  struct Seen {
    std::vector<std::string> uses;
    std::string reasons;
  };
  Seen look() {
    const auto usage = tool.run({"usage", "split", "-o", "json"});
    INFO(usage.err);
    REQUIRE(usage.exit_code == 0);
    Seen seen;
    const auto structure = nlohmann::json::parse(usage.out).at("structures").at(0);
    for (const auto& found : structure.at("findings"))
      if (found.at("source") == "write_probe" && found.at("finding") == "used") seen.uses.push_back(found.at("detail"));
    for (const auto& reason : structure.at("reasons")) seen.reasons += reason.get<std::string>() + "\n";
    return seen;
  }
  /// As one that finds its tables by the search_path.
  std::unique_ptr<ports::Session> shop(const std::string& name, const std::string& role = {}) const {
    auto session = application(role.empty() ? uri : server().as(uri, role), name);
    session->exec("SET search_path = public");
    return session;
  }
  std::string notes() const { return sql("SELECT count(*) FROM switchback.usage_write"); }
  std::string triggers() const { return sql("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~switchback_0%'"); }
};

struct Replayed {
  Replayed() = default;
  Replayed(const Replayed&) = delete;
  Replayed& operator=(const Replayed&) = delete;
  ~Replayed() { server().await_replica(); }
};

}  // namespace

TEST_CASE("a write of the old column is noted with role and application, and what sync writes is not",
          "[usage][probe]") {
  Observed plan;
  CHECK(plan.triggers() == "2");
  const auto fresh = plan.shop("shop:v42");
  fresh->exec("UPDATE users SET first_name = 'Ada' WHERE id = 1");
  fresh->exec("UPDATE users SET email = 'x', last_name = last_name");
  fresh->exec("INSERT INTO users (id, email, first_name, last_name) VALUES (901, 'e', 'New', 'Image')");
  fresh->exec("DELETE FROM users WHERE id = 50");
  CHECK(plan.sql("SELECT full_name FROM users WHERE id = 901") == "New Image");
  CHECK(plan.notes() == "0");
  CHECK(plan.look().uses.empty());

  const std::vector<std::pair<std::string, std::string>> writes{
      {"UPDATE users SET full_name = 'Old Image' WHERE id = 2", "an UPDATE assigned it"},
      {"UPDATE users SET full_name = 'Nobody' WHERE id = -2", "an UPDATE assigned it"},
      {"INSERT INTO users (id, full_name) VALUES (902, 'Old Image')", "an INSERT gave it a value"},
      {"INSERT INTO users VALUES (903, 'Old Image', 'e')", "an INSERT gave it a value"},
      {"INSERT INTO users (id, first_name, last_name) VALUES (3, 'a', 'b') ON CONFLICT (id) DO UPDATE SET full_name = "
       "'Up Serted'",
       "an UPDATE assigned it"}};
  for (const auto& [statement, words] : writes) {
    CAPTURE(statement);
    plan.sql("DELETE FROM switchback.usage_writer");
    plan.shop("shop:v41")->exec(statement);
    const auto seen = plan.look();
    REQUIRE(seen.uses.size() == 1);
    CHECK(seen.uses[0].starts_with(words + ", by role "));
    CHECK(seen.uses[0].ends_with(", application shop:v41"));
    CHECK(plan.notes() == "0");  // summed up
  }
}

TEST_CASE("a session notes once what it goes on doing, and again under another name", "[usage][probe]") {
  Observed plan;
  const auto old = plan.shop("shop:v41");
  for (int i = 0; i < 200; ++i) old->exec("UPDATE users SET full_name = 'Old Image' WHERE id = 2");
  const auto notes = std::stoi(plan.notes());
  CHECK(notes >= 1);
  CHECK(notes <= 2);  // where a period ends in between
  old->exec("SET application_name = 'pooled client'");
  old->exec("UPDATE users SET full_name = 'Old Image' WHERE id = 2");
  CHECK(std::stoi(plan.notes()) > notes);
  // What is rolled back was no write, and is noted when it happens.
  plan.sql("DELETE FROM switchback.usage_write");
  old->exec("SET application_name = 'third'");
  old->exec("BEGIN; UPDATE users SET full_name = 'x y' WHERE id = 2; ROLLBACK");
  CHECK(plan.notes() == "0");
  old->exec("UPDATE users SET full_name = 'x y' WHERE id = 2");
  CHECK(plan.notes() == "1");
}

TEST_CASE("writers with no rights on the journal are noted under the role they act as", "[usage][probe]") {
  Observed plan;
  plan.sql(
      "DO $$ BEGIN CREATE ROLE shop_login LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "DO $$ BEGIN CREATE ROLE shop_app; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "GRANT shop_app TO shop_login; GRANT SELECT, INSERT, UPDATE ON users TO shop_app, shop_login");
  const auto session = plan.shop("shop:v41", "shop_login");
  session->exec("UPDATE users SET full_name = 'x y' WHERE id = 2");
  session->exec("SET ROLE shop_app");
  session->exec("UPDATE users SET full_name = 'x y' WHERE id = 2");
  const auto uses = plan.look().uses;
  REQUIRE(uses.size() == 2);
  CHECK((uses[0] + uses[1]).find("by role shop_app,") != std::string::npos);
  CHECK((uses[0] + uses[1]).find("by role shop_login,") != std::string::npos);
}

TEST_CASE("the probe neither makes writers wait for one another nor for the journal", "[usage][probe]") {
  Observed plan;
  const auto first = plan.shop("shop:v41");
  const auto second = plan.shop("shop:v41");
  second->exec("SET lock_timeout = '500ms'");
  first->exec("BEGIN");
  first->exec("UPDATE users SET full_name = 'x y' WHERE id = 2");
  second->exec("UPDATE users SET full_name = 'x y' WHERE id = 3");
  first->exec("COMMIT");
  CHECK(plan.notes() == "2");

  const auto locker = plan.shop("maintenance");
  locker->exec("BEGIN; LOCK TABLE switchback.usage_write");
  const auto third = plan.shop("shop:v41");
  third->exec("SET statement_timeout = '2s'");
  third->exec("UPDATE users SET full_name = 'not lost' WHERE id = 4");
  locker->exec("ROLLBACK");
  CHECK(plan.sql("SELECT first_name FROM users WHERE id = 4") == "not");
  CHECK(plan.notes() == "2");
  third->exec("UPDATE users SET full_name = 'not lost' WHERE id = 4");  // nothing remembers that the note failed
  CHECK(plan.notes() == "3");

  // A strict writer has nothing to read here that the sampler writes.
  first->exec("SET application_name = 'strict'; BEGIN ISOLATION LEVEL SERIALIZABLE");
  first->exec("UPDATE users SET full_name = 'x y' WHERE id = 5");
  plan.look();
  first->exec("COMMIT");
  CHECK(plan.look().uses.size() == 2);
}

TEST_CASE("a prepared transaction is a use by its statement at once, and by what it wrote when it commits",
          "[usage][probe]") {
  Repaired repaired;
  const SystemSetting on_replica(Server::replica, "max_prepared_transactions", "5", true);
  const Replayed replayed;  // a standby must not have fewer than what it has heard of
  const SystemSetting on_primary(Server::primary, "max_prepared_transactions", "5", true);
  Observed plan;
  const auto old = plan.shop("worker");
  old->exec("BEGIN");
  old->exec("UPDATE users SET full_name = 'Old Image' WHERE id = 2");
  old->exec("PREPARE TRANSACTION 'held'");
  const auto seen = plan.look();
  CHECK(has(seen.reasons, "UPDATE users SET full_name = $1 WHERE id = $2"));
  CHECK(seen.uses.empty());
  // However long it is held.
  plan.sql("UPDATE switchback.usage_coverage SET since = since - interval '1 day'");
  plan.sql("UPDATE switchback.usage_statement SET calls_rose_at = calls_rose_at - interval '1 day'");
  CHECK(plan.look().reasons == "");
  old->exec("COMMIT PREPARED 'held'");
  const auto after = plan.look();
  REQUIRE(after.uses.size() == 1);
  CHECK(after.uses[0].ends_with(", application worker"));
  CHECK(has(after.reasons, "an UPDATE assigned it"));
}

TEST_CASE("a probe that somebody disabled or dropped covers nothing until it is made again", "[usage][probe]") {
  Observed plan;
  const std::string update = plan.sql("SELECT tgname FROM pg_trigger WHERE tgname LIKE '~switchback_0%u'");
  plan.sql("UPDATE switchback.usage_coverage SET since = since - interval '1 day'");
  CHECK(plan.look().reasons == "");
  const std::string how = GENERATE("ALTER TABLE users DISABLE TRIGGER \"", "DROP TRIGGER \"");
  plan.sql(how + update + (how.starts_with("DROP") ? "\" ON users" : "\""));
  CHECK(has(plan.look().reasons, "a trigger of the write probe on public.users was dropped or disabled"));
  plan.sql("UPDATE switchback.usage_coverage SET since = since - interval '1 day' WHERE source <> 'write_probe'");
  plan.observe();
  CHECK(plan.triggers() == "2");
  CHECK(has(plan.view.hold_reason(), "write_probe on primary: seen for "));
  CHECK(has(plan.view.hold_reason(), "the write probe was made again"));
  CHECK_FALSE(has(plan.view.hold_reason(), "statements on primary: seen for "));
}

TEST_CASE("the probe is gone when the old side is hidden or the plan is turned back", "[usage][probe]") {
  Observed plan;
  const std::string functions =
      "SELECT count(*) FROM pg_proc WHERE proname LIKE 'probe\\_%' AND pronamespace = "
      "'switchback'::regnamespace";
  REQUIRE(plan.sql(functions) == "1");
  SECTION("hidden, and there again once it is observed again") {
    plan.sql(
        "UPDATE switchback.usage_coverage SET since = since - interval '1 day';"
        "UPDATE switchback.counter SET since = since - interval '1 day'");
    const auto hidden =
        plan.tool.run({"run", "plan.yaml", "--to", "hidden", "--yes", "--approve", plan.tool.plan_hash()});
    INFO(hidden.err);
    REQUIRE(hidden.exit_code == 0);
    CHECK(plan.triggers() == "0");
    CHECK(plan.sql(functions) == "0");
    REQUIRE(plan.tool.run({"rollback", "split", "--to", "migrated", "--yes"}).exit_code == 0);
    plan.observe();
    CHECK(plan.triggers() == "2");
    CHECK(has(plan.view.hold_reason(), "write_probe on primary: seen for "));
    CHECK_FALSE(has(plan.view.hold_reason(), "TRIGGER"));  // switchback's own statements use nothing
  }
  SECTION("turned back") {
    REQUIRE(plan.tool.run({"rollback", "split", "--yes"}).exit_code == 0);
    CHECK(plan.triggers() == "0");
    CHECK(plan.sql(functions) == "0");
  }
}
