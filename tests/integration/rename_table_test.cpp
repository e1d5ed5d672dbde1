// A table goes over to another name, under which a view of it stands until then.
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "schema_fingerprint.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* people =
    "CREATE EXTENSION pg_stat_statements SCHEMA public;"
    "CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', mail text);"
    "INSERT INTO users (name) SELECT 'Name' || i FROM generate_series(1, 100) i;";
constexpr const char* renaming =
    "plan: names\nimages: { before: shop:v41, after: shop:v42 }\nchange:\n"
    "  - rename_table: { table: users, to: accounts }\ncontract: { observe: 1s, soak: 0s }\n";

struct Shop {
  std::string uri = server().fresh_database();
  Tool tool{uri, Tool::default_configuration() + "environment: staging\n"};
  mutable PlanView view{uri};

  explicit Shop(const std::string& more = {}, const std::string& plan = renaming) {
    sql(people + more);
    tool.plan(plan);
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  static bool newer(int version) { return std::stoi(server().sandbox().version) >= version; }
  std::vector<std::string> words_to(const std::string& state) const {
    auto words = tool.run_to(state);
    words.insert(words.end(), {"--despite", "horizon", "--reason", "a test"});
    return words;
  }
  void to(const std::string& state) const {
    const auto outcome = tool.run(words_to(state));
    INFO("to " << state << ": " << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  /// Waits for a hold whose reason has the words in it, does what ends it, and sees the plan hidden.
  template <class Act>
  void held_by(const std::string& words, const Act& mend) const {
    const auto runner = tool.start(words_to("hidden"));
    const bool held = eventually(60s, [&] { return has(view.hold_reason(), words); });
    INFO(view.hold_reason());
    CHECK(held);
    mend();
    CHECK(runner->wait(90s) == 0);
    INFO(runner->err());
    CHECK(view.state() == "hidden");
  }
  process::Outcome other_plan(const std::string& text) const {
    std::ofstream(tool.folder() + "/other.yaml") << text;
    return tool.run({"run", "other.yaml"});
  }
  /// The error of the statement, run by a role; empty: it went through.
  std::string as(const std::string& role, const std::string& statement) const {
    const auto session = application(uri, "test");
    session->exec("SET ROLE " + role + "; SET search_path = public");
    try {
      session->exec(statement);
      return "";
    } catch (const Error& error) {
      return error.sqlstate();
    }
  }
};

}  // namespace

TEST_CASE("who says the old name of a table that is renamed holds the hide; who says the new one does not",
          "[rename_table]") {
  const Shop shop;
  shop.to("migrated");
  auto old_image = application(shop.uri, "shop:v41");
  const auto new_image = application(shop.uri, "shop:v42");
  const auto runner = shop.tool.start(shop.words_to("hidden"));
  const bool held = eventually(60s, [&] {
    old_image->exec("SELECT count(*) FROM public.users WHERE mail IS NULL");
    new_image->exec("UPDATE public.accounts SET mail = 'm' WHERE id = 1");
    return has(shop.view.hold_reason(), "users WHERE mail IS");
  });
  INFO(shop.view.hold_reason());
  CHECK(held);
  CHECK_FALSE(has(shop.view.hold_reason(), "UPDATE public.accounts"));
  old_image.reset();
  const bool hidden = eventually(60s, [&] {
    new_image->exec("INSERT INTO public.accounts (mail) VALUES ('x') RETURNING id");
    return shop.view.state() == "hidden";
  });
  INFO(shop.view.hold_reason());
  CHECK(hidden);
  runner->wait(30s);
  CHECK(shop.sql("SELECT to_regclass('public.users') IS NULL AND (SELECT relkind = 'r' FROM pg_class WHERE oid = "
                 "'public.accounts'::regclass)") == "t");
}

TEST_CASE("what is made or granted on the view alone holds the hide, until it is put right", "[rename_table]") {
  const Shop shop("DO $$ BEGIN CREATE ROLE names_clerk; EXCEPTION WHEN duplicate_object THEN NULL; END $$;");
  shop.to("migrated");
  shop.sql("CREATE VIEW late AS SELECT name FROM accounts");
  shop.held_by("view public.late is made on the view accounts", [&] {
    shop.sql("DROP VIEW late; GRANT SELECT ON accounts TO names_clerk");
    CHECK(eventually(60s, [&] { return has(shop.view.hold_reason(), "GRANT SELECT ON"); }));
    shop.sql("GRANT SELECT ON users TO names_clerk");
  });
  CHECK(shop.as("names_clerk", "SELECT name FROM accounts") == "");
}

TEST_CASE("a publication of a table that is renamed holds the hide until its subscribers are seen to",
          "[rename_table]") {
  const Shop shop("CREATE PUBLICATION feed FOR TABLE users;");
  shop.to("migrated");
  shop.held_by("feed", [&] { shop.sql("DROP PUBLICATION feed"); });
}

TEST_CASE("the view of a table gives nobody more than the table does", "[rename_table]") {
  const Shop shop(
      "DO $$ BEGIN CREATE ROLE names_owner; CREATE ROLE names_stranger; EXCEPTION WHEN duplicate_object THEN NULL; END "
      "$$; DO $$ BEGIN CREATE ROLE names_clerk; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "GRANT CREATE ON SCHEMA public TO names_owner; ALTER TABLE users OWNER TO names_owner;"
      "GRANT SELECT (id, name), UPDATE (name) ON users TO names_clerk;"
      "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO names_stranger;");
  shop.to("migrated");
  CHECK(shop.as("names_clerk", "SELECT id, name FROM accounts") == "");
  CHECK(shop.as("names_clerk", "UPDATE accounts SET name = 'x' WHERE id = 3") == "");
  CHECK(shop.as("names_clerk", "SELECT mail FROM accounts") == "42501");
  CHECK(shop.as("names_clerk", "UPDATE accounts SET mail = 'x' WHERE id = 3") == "42501");
  CHECK(shop.as("names_stranger", "SELECT id FROM accounts") == "42501");
  CHECK(shop.as("names_owner", "DELETE FROM accounts WHERE id = 4") == "");
  shop.to("hidden");
  CHECK(shop.as("names_clerk", "SELECT id, name FROM accounts") == "");
  CHECK(shop.as("names_clerk", "SELECT mail FROM accounts") == "42501");
}

TEST_CASE("policies of the table count for those who read its view, or the plan is refused", "[rename_table]") {
  const Shop shop(
      "DO $$ BEGIN CREATE ROLE names_clerk; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "GRANT SELECT ON users TO names_clerk; ALTER TABLE users ENABLE ROW LEVEL SECURITY;"
      "CREATE POLICY few ON users USING (id <= 3);");
  if (!Shop::newer(15)) {
    const auto outcome = shop.tool.run({"run", "plan.yaml"});
    CHECK(outcome.exit_code == 2);
    CHECK(has(outcome.err, "row level security"));
    return;
  }
  shop.to("migrated");
  const auto clerk = application(shop.uri, "test");
  clerk->exec("SET ROLE names_clerk");
  CHECK(clerk->exec("SELECT count(*) FROM public.accounts").text(0, 0) == "3");
  clerk->rollback();
}

TEST_CASE("other plans keep off a table while it goes over to another name", "[rename_table]") {
  const Shop shop;
  shop.to("migrated");
  const auto other =
      shop.other_plan("plan: phone\nchange:\n  - add_column: { table: users, name: phone, type: text }\n");
  INFO(other.err);
  CHECK(other.exit_code == 3);
  CHECK(has(other.err, "the plan names is renaming users"));
  shop.to("contracted");
  const std::string on_accounts =
      "plan: phone\nchange:\n  - add_column: { table: accounts, name: phone, type: text }\n";
  CHECK(has(shop.other_plan(on_accounts).err, "the plan names is renaming accounts"));
  shop.to("done");
  const auto after = shop.other_plan(on_accounts);
  INFO(after.err);
  CHECK(after.exit_code == 0);
}

TEST_CASE("a table that another plan works on is not renamed", "[rename_table]") {
  const Shop shop;
  REQUIRE(
      shop.other_plan("plan: mail\nchange:\n  - rename_column: { table: users, from: mail, to: email }\n").exit_code ==
      0);
  const auto outcome = shop.tool.run({"run", "plan.yaml"});
  CHECK(outcome.exit_code == 3);
  CHECK(has(outcome.err, "the plan mail works on"));
}

TEST_CASE("the gates know of both names, and of what no view can do", "[rename_table]") {
  const Shop shop;
  REQUIRE(shop.tool.run({"init"}).exit_code == 0);
  const auto add = [&](const std::string& image, const std::string& manifest) {
    std::ofstream(shop.tool.folder() + "/m.yaml") << "image: " << image << "\ntables: " << manifest << "\n";
    const auto outcome = shop.tool.run({"image", "add", "--manifest", "m.yaml"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  };
  add("shop:v41", "{ users: { read: [id, name], write: [name] } }");
  add("shop:v42", "{ accounts: { read: [id, name], write: [name] } }");
  add("load:v1", "{ accounts: { insert: copy, write: [name] } }");
  const auto gate = [&](const std::string& image) {
    const auto outcome = shop.tool.run({"gate", "deploy", image});
    return std::to_string(outcome.exit_code) + " " + outcome.out + outcome.err;
  };
  CHECK(has(gate("shop:v42"), "3 "));
  shop.to("migrated");
  for (const std::string image : {"shop:v41", "shop:v42"}) {
    INFO(gate(image));
    CHECK(gate(image).starts_with("0 "));
  }
  CHECK(has(gate("load:v1"), "copies into it"));
  shop.to("hidden");
  INFO(gate("shop:v41"));
  CHECK(gate("shop:v41").starts_with("3 "));
  CHECK(has(gate("shop:v41"), "it was taken away"));
  CHECK(gate("shop:v42").starts_with("0 "));
  CHECK(gate("load:v1").starts_with("0 "));
}

TEST_CASE("a renamed table whose old name somebody took is not pushed in front of it", "[rename_table]") {
  const Shop shop;
  shop.to("hidden");
  shop.sql("CREATE TABLE users (id int)");
  const auto refused = shop.tool.run({"rollback", "names", "--to", "migrated", "--yes"});
  INFO(refused.err);
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, "cannot go back to its place"));
  CHECK(shop.sql("SELECT count(*) FROM accounts") == "100");
  shop.sql("DROP TABLE users");
  REQUIRE(shop.tool.run({"rollback", "names", "--to", "migrated", "--yes"}).exit_code == 0);
  CHECK(shop.sql("SELECT count(*) FROM users") == "100");
  CHECK(shop.sql("SELECT relkind FROM pg_class WHERE oid = 'accounts'::regclass") == "v");
}
