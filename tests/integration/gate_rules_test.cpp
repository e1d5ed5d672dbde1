// What a gate sees beside columns: rules, values, rights and functions, and a journal that is newer than the binary.
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using nlohmann::json;

namespace {

/// Orders with a status of an enum, registered with one image: what it runs is its manifest.
struct Orders {
  std::string uri = server().fresh_database();
  Tool tool{uri};

  explicit Orders(const std::string& more = "") {
    sql("CREATE TYPE order_status AS ENUM ('new', 'paid');"
        "CREATE TABLE customers (id bigint PRIMARY KEY);"
        "CREATE TABLE orders (id bigint PRIMARY KEY, status order_status NOT NULL, total integer, customer bigint);"
        "CREATE FUNCTION taxed(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'");
    REQUIRE(tool.run({"init"}).ok());
    add(more);
  }
  void add(const std::string& more = "") const {
    std::ofstream(tool.folder() + "/m.yaml") << "image: shop:v1\n" + more +
                                                    "statements:\n"
                                                    "  - SELECT id, status, taxed(total) FROM orders\n"
                                                    "  - INSERT INTO orders (id, status, total) VALUES ($1, $2, $3)\n"
                                                    "  - UPDATE orders SET total = $2 WHERE id = $1\n"
                                                    "  - DELETE FROM orders WHERE id = $1\n";
    const auto added = tool.run({"image", "add", "--manifest", "m.yaml"});
    INFO(added.err);
    REQUIRE(added.ok());
  }
  void sql(const std::string& text) const { server().sql(uri, text); }
  json gate() const {
    const auto outcome = tool.run({"gate", "deploy", "shop:v1", "-o", "json"});
    INFO(outcome.err);
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 3));
    return json::parse(outcome.out);
  }
  std::string answer() const { return gate().at("answer"); }
  /// `answer`, and the first reason has these words.
  void says(const std::string& answer, const std::string& words) const {
    const json said = gate();
    INFO(said.dump(1));
    CHECK(said.at("answer") == answer);
    CHECK(has(said.at("reasons").dump(), words));
  }
};

}  // namespace

TEST_CASE("a rule that came since an image was registered, on what it writes, is unknown until it is registered again",
          "[gate]") {
  const Orders orders;
  CHECK(orders.answer() == "yes");
  const auto made =
      GENERATE("ALTER TABLE orders ADD CONSTRAINT since CHECK (total < 100) NOT VALID",
               "ALTER TABLE orders ADD CONSTRAINT since UNIQUE (total)", "CREATE UNIQUE INDEX since ON orders (total)",
               "ALTER TABLE customers ADD COLUMN big integer UNIQUE; ALTER TABLE orders ADD CONSTRAINT since FOREIGN "
               "KEY (total) "
               "REFERENCES customers (big)",
               "CREATE TABLE lines (order_id bigint CONSTRAINT since REFERENCES orders)");
  CAPTURE(made);
  orders.sql(made);
  orders.says("unknown", "since, ");
  orders.add();
  CHECK(orders.answer() == "yes");
}

TEST_CASE("a rule on what the image does not write, or made anew as it was, is none of its business", "[gate]") {
  const Orders orders;
  orders.sql("ALTER TABLE orders ADD CONSTRAINT since CHECK (customer > 0)");
  CHECK(orders.answer() == "yes");
  orders.sql("ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0)");
  orders.add();
  orders.sql("ALTER TABLE orders DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (total > 0)");
  CHECK(orders.answer() == "yes");
  orders.sql("ALTER TABLE orders DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (total > 1)");
  CHECK(orders.answer() == "unknown");
}

TEST_CASE("an enum's value that came later is unknown, and a no where the manifest says which values it knows",
          "[gate]") {
  const Orders orders;
  orders.sql("ALTER TYPE order_status ADD VALUE 'shipped'");
  orders.says("unknown", "the value shipped came since");
  const std::string table = "tables: { orders: { read: [status], write: [status], insert: false, values: { status: ";
  orders.add(table + "[new, paid] } } }\n");
  orders.says("no", "values that the image does not know: shipped");
  orders.add(table + "[new, paid, shipped] } } }\n");
  CHECK(orders.answer() == "yes");
  orders.add(table + "[new, paid, shipped, gone] } } }\n");
  orders.says("no", "has not the values that the image uses: gone");
}

TEST_CASE("a column of another type than when the image was registered is unknown", "[gate]") {
  const Orders orders;
  orders.sql("ALTER TABLE orders ALTER customer TYPE text");  // none of its
  CHECK(orders.answer() == "yes");
  orders.sql("ALTER TABLE orders ALTER id TYPE integer");
  orders.says("unknown", "its type was bigint");
  // Where the server refuses a statement because of it, that is certain.
  orders.sql("ALTER TABLE orders ALTER total TYPE bigint");
  orders.says("no", "function taxed(bigint) does not exist");
}

TEST_CASE("a role that may not do what its image does is a no with the GRANT, and a role that is not there", "[gate]") {
  const Orders orders("role: gate_shop\n");
  orders.says("no", "the role gate_shop, as which it runs, is not there");
  orders.sql("CREATE ROLE gate_shop LOGIN");
  const auto denied = [&](const std::string& words) { orders.says("no", words); };
  denied("GRANT SELECT (\\\"id\\\") ON \\\"public\\\".\\\"orders\\\" TO \\\"gate_shop\\\"");
  orders.sql("GRANT SELECT ON orders TO gate_shop; GRANT INSERT (id, status) ON orders TO gate_shop");
  denied("GRANT INSERT (\\\"total\\\")");
  orders.sql("GRANT INSERT (total) ON orders TO gate_shop");
  denied("GRANT DELETE ON ");
  orders.sql("GRANT DELETE ON orders TO gate_shop");
  CHECK(orders.answer() == "yes");
  orders.sql("REVOKE USAGE ON SCHEMA public FROM PUBLIC");
  denied("GRANT USAGE ON SCHEMA");
  orders.sql("DROP OWNED BY gate_shop; DROP ROLE gate_shop");
}

TEST_CASE("a function that an image calls is a no once a plan has taken it, with the way back", "[gate]") {
  Orders orders;
  orders.tool.plan(
      "plan: untaxed\nimages: { before: shop:v1, after: shop:v2 }\ncontract:\n  observe: 1s\n  soak: 0s\n  steps:\n"
      "    - drop_function: { name: taxed, arguments: integer }\n");
  std::vector<std::string> words = orders.tool.run_to("hidden");
  words.insert(words.end(), {"--despite", "usage", "--despite", "horizon", "--reason", "a test"});
  CHECK(orders.answer() == "yes");
  const auto hidden = orders.tool.run(words);
  INFO(hidden.err);
  REQUIRE(hidden.ok());
  orders.says("no", "it is out of reach: untaxed is hidden");
  CHECK(orders.gate().at("reasons").at(0).at("remedy") == "switchback restore untaxed");
  CHECK_THROWS_AS(application(orders.uri, "shop:v1")->exec("SELECT public.taxed(total) FROM public.orders"), Error);
  REQUIRE(orders.tool.run({"restore", "untaxed", "--yes"}).ok());
  CHECK(orders.answer() == "yes");
}

TEST_CASE("once a plan that took nothing away is done, the image before loses its writes, and the gate says so",
          "[gate]") {
  const std::string uri = server().fresh_database();
  Tool tool(uri);
  make_users(uri, 20);
  std::string text = split_plan("split");
  tool.plan(text.substr(0, text.find("contract:")));
  const auto answer = [&](const std::string& image) {
    return json::parse(tool.run({"gate", "rollback", image, "-o", "json"}).out).at("answer").get<std::string>();
  };
  REQUIRE(tool.run({"init"}).ok());
  std::ofstream(tool.folder() + "/m.yaml")
      << "image: shop:v41\ntables: { users: { read: [id, full_name], write: [full_name], insert: false } }\n";
  REQUIRE(tool.run({"image", "add", "--manifest", "m.yaml"}).ok());
  REQUIRE(tool.run({"run", "plan.yaml"}).ok());
  CHECK(answer("shop:v41") == "yes");
  REQUIRE(tool.run({"run", "plan.yaml", "--to", "done", "--yes"}).ok());
  server().sql(uri, "UPDATE users SET full_name = 'Grace Hopper' WHERE id = 1");
  CHECK(server().sql(uri, "SELECT first_name FROM users WHERE id = 1") == "First1");  // the write is lost
  CHECK(answer("shop:v41") == "no");
  CHECK(answer("shop:v42") == "yes");
  const json status = json::parse(tool.run({"status", "split", "-o", "json"}).out);
  CHECK(status.at("plans").at(0).at("images").at("before") == "breaks");
}

TEST_CASE("a gate is right with a journal one version newer than the binary, and run refuses it", "[gate][journal]") {
  const std::string uri = server().fresh_database();
  Tool tool(uri);
  make_users(uri, 20);
  tool.plan(split_plan("split"));
  REQUIRE(tool.run({"run", "plan.yaml"}).ok());
  const auto sql = [&](const std::string& statements) { server().sql(uri, statements); };
  const auto gate = [&](const std::string& image) {
    const auto outcome = tool.run({"gate", "deploy", image, "-o", "json"});
    INFO(outcome.err);
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 3));
    return json::parse(outcome.out);
  };
  const auto answer = [&](const std::string& image) { return gate(image).at("answer").get<std::string>(); };
  for (const char* image : {"shop:v41", "shop:v42"}) {
    std::ofstream(tool.folder() + "/m.yaml")
        << "image: " << image << "\ntables: { users: { read: [id, "
        << (std::string(image) == "shop:v41" ? "full_name" : "first_name") << "] } }\n";
    REQUIRE(tool.run({"image", "add", "--manifest", "m.yaml"}).ok());
  }
  // As a newer one would make it: columns, tables, kinds and documents that this binary has never heard of.
  sql("UPDATE switchback.meta SET version = version + 1;"
      "ALTER TABLE switchback.meta ADD COLUMN gates text DEFAULT 'v2';"
      "ALTER TABLE switchback.plan ADD COLUMN rehearsed jsonb DEFAULT '{}', ALTER COLUMN file SET DEFAULT '';"
      "ALTER TABLE switchback.image ADD COLUMN digest text DEFAULT 'sha256:1';"
      "CREATE TABLE switchback.rehearsal (plan_id bigint REFERENCES switchback.plan);"
      "INSERT INTO switchback.event (kind, os_user, host) VALUES ('rehearsed', 'x', 'y');"
      "UPDATE switchback.plan SET effect = effect || '{\"retypes\": []}', progress = '{\"phases\": [1]}'");
  CHECK(answer("shop:v41") == "yes");
  CHECK(answer("shop:v42") == "yes");
  const auto refused = tool.run({"run", "plan.yaml"});
  CHECK(refused.exit_code == 1);
  CHECK(has(refused.err, "journal is version"));
  sql("UPDATE switchback.plan SET state = 'hidden'; ALTER TABLE users RENAME full_name TO \"_switchback_x\"");
  CHECK(answer("shop:v41") == "no");
  CHECK(answer("shop:v42") == "yes");
  // What it cannot take into account makes it say so.
  sql("UPDATE switchback.plan SET state = 'rehearsing'");
  CHECK(answer("shop:v42") == "unknown");
  sql("UPDATE switchback.plan SET state = 'hidden', effect = effect || '{\"retypes\": [1]}'");
  CHECK(answer("shop:v42") == "unknown");
  sql("UPDATE switchback.plan SET effect = effect - 'retypes';"
      "UPDATE switchback.image SET footprint = footprint || '{\"queues\": [\"mail\"]}' WHERE name = 'shop:v42'");
  CHECK(has(gate("shop:v42").dump(), "a newer switchback says of it as 'queues'"));
  sql("UPDATE switchback.image SET footprint = footprint - 'queues' WHERE name = 'shop:v42'");
  CHECK(answer("shop:v42") == "yes");
  sql("UPDATE switchback.meta SET readable_by = version");
  CHECK(answer("shop:v42") == "unknown");
  CHECK(has(gate("shop:v42").dump(), "the journal is of version"));
}
