// A plan that undoes another one: written by `rollforward`, run, and the schema is what it was.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "catch.hpp"
#include "hurried_plan.hpp"
#include "plan_view.hpp"
#include "schema_fingerprint.hpp"
#include "server.hpp"
#include "source_folder.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "test_part.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using nlohmann::json;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const fs::path plans = source_folder() / "plans";

constexpr const char* roles =
    "CREATE EXTENSION pg_stat_statements SCHEMA public;"
    "DO $$ BEGIN CREATE ROLE forward_owner; CREATE ROLE forward_reader; EXCEPTION WHEN duplicate_object THEN NULL; "
    "END $$;";

struct Scene {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  std::string name;
  bool contracts = false;

  Scene(const std::string& schema, const std::string& text) {
    sql(roles + schema);
    const std::string plan = hurried(text);
    tool.plan(plan);
    name = read_plan(plan, "plan.yaml").plan.value().name;
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }

  process::Outcome run_file(const std::string& file, const std::string& state) const {
    const std::string hash = sha256_hex(content(tool.folder() + "/" + file)).substr(0, 12);
    return tool.run({"run", file, "--to", state, "--wait", "--yes", "--approve", hash, "--despite", "horizon",
                     "--reason", "a test"});
  }
  /// To contracted, or to done where there is nothing to contract.
  void run_to_end(const std::string& file) const {
    const auto plan = read_plan_file(tool.folder() + "/" + file).plan;
    const std::string end = takes_away(plan.value()) ? "contracted" : "done";
    const auto outcome = run_file(file, end);
    INFO(file << ": " << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  json roll_forward(const std::string& plan, const std::string& file) const {
    const auto outcome = tool.run({"rollforward", plan, "--out", file, "-o", "json"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const auto valid = tool.run({"validate", file});
    INFO(valid.err << content(tool.folder() + "/" + file));
    REQUIRE(valid.exit_code == 0);
    return json::parse(outcome.out);
  }
  void afterwards(const json& written) const {
    for (const json& statement : written.at("afterwards")) sql(statement.get<std::string>());
  }
};

/// The schema that each shipped plan starts from, with a row or two in it.
const std::map<std::string, std::string> starts{
    {"add-column-default.yaml", "CREATE TABLE users (id bigserial PRIMARY KEY, name text);"},
    {"add-column-fill.yaml",
     "CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL); INSERT INTO users (name) VALUES ('Ada');"},
    {"add-column-filled-default.yaml",
     "CREATE TABLE users (id bigserial PRIMARY KEY); INSERT INTO users VALUES (1), (2);"},
    {"add-column.yaml", "CREATE TABLE users (id bigserial PRIMARY KEY);"},
    {"add-check.yaml", "CREATE TABLE items (id bigint PRIMARY KEY, qty int); INSERT INTO items VALUES (1, 0), (2, 5);"},
    {"add-foreign-key.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY); CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint); INSERT "
     "INTO users VALUES (1); INSERT INTO orders VALUES (1, 1), (2, 2), (3, NULL);"},
    {"add-unique.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY, mail text); INSERT INTO users VALUES (1, 'a@b'), (2, 'a@b'), (3, "
     "NULL), (4, NULL);"},
    {"change-type.yaml",
     "CREATE SCHEMA sales; CREATE TABLE sales.\"Order Items\" (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL "
     "DEFAULT 0.5); COMMENT ON COLUMN sales.\"Order Items\".amount IS 'in euros'; INSERT INTO sales.\"Order Items\" "
     "VALUES (1, 12.34);"},
    {"change-type-in-place.yaml",
     "CREATE TABLE orders (id bigint PRIMARY KEY, amount integer NOT NULL DEFAULT 5 CONSTRAINT amount_positive CHECK "
     "(amount > 0)); CREATE INDEX orders_amount_idx ON orders (amount); GRANT UPDATE (amount) ON orders TO "
     "forward_reader; COMMENT ON COLUMN orders.amount IS 'in cents'; INSERT INTO orders VALUES (1, 7), (2, 9);"},
    {"create-index.yaml",
     "CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz, customer_id bigint, reference text, total "
     "numeric, open boolean);"},
    {"drop-column-brownout.yaml", "CREATE TABLE users (id bigint PRIMARY KEY, legacy text NOT NULL DEFAULT 'none');"},
    {"drop-column.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY, legacy text COLLATE \"C\" NOT NULL); INSERT INTO users VALUES (1, "
     "'x'); GRANT SELECT (legacy) ON users TO forward_reader WITH GRANT OPTION; COMMENT ON COLUMN users.legacy IS "
     "'it''s "
     "old'; ALTER TABLE users ALTER legacy SET STATISTICS 77, ALTER legacy SET STORAGE EXTERNAL;"},
    {"drop-index.yaml",
     "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric CONSTRAINT orders_total_check CHECK (total >= 0)); "
     "CREATE INDEX orders_old_idx ON orders (total DESC) WHERE total > 7; COMMENT ON INDEX orders_old_idx IS 'old'; "
     "COMMENT ON CONSTRAINT orders_total_check ON orders IS 'no debts'; INSERT INTO orders VALUES (1, 10);"},
    {"drop-not-null.yaml", "CREATE TABLE users (id bigint PRIMARY KEY, fax text NOT NULL);"},
    {"drop-table.yaml",
     "CREATE TABLE carts (id bigserial PRIMARY KEY, owner text NOT NULL DEFAULT 'nobody'); CREATE INDEX carts_owner ON "
     "carts (lower(owner)); CREATE TABLE orders (id bigint PRIMARY KEY, cart_id bigint CONSTRAINT orders_cart_fkey "
     "REFERENCES carts ON DELETE SET NULL); ALTER TABLE carts OWNER TO forward_owner; GRANT SELECT ON carts TO "
     "forward_reader; COMMENT ON TABLE carts IS 'wanted'; INSERT INTO carts VALUES (1), (2); INSERT INTO orders VALUES "
     "(1, 1);"},
    {"drop-type.yaml",
     "CREATE TYPE old_status AS ENUM ('new', 'paid'); COMMENT ON TYPE old_status IS 'old'; ALTER TYPE old_status OWNER "
     "TO forward_owner; GRANT USAGE ON TYPE old_status TO forward_reader;"},
    {"rename-table.yaml",
     "CREATE TABLE users (id bigserial PRIMARY KEY, name text); CREATE TABLE orders (id bigint PRIMARY KEY, user_id "
     "bigint REFERENCES users); ALTER TABLE users OWNER TO forward_owner; GRANT SELECT (name) ON users TO "
     "forward_reader; COMMENT ON TABLE users IS 'who'; INSERT INTO users VALUES (1, 'Ada');"},
    {"drop-view.yaml",
     "CREATE TABLE sales (id bigint PRIMARY KEY, at date, amount numeric); CREATE VIEW monthly_totals AS SELECT "
     "date_trunc('month', at) AS month, sum(amount) AS total FROM sales GROUP BY 1; GRANT SELECT ON monthly_totals TO "
     "forward_reader; COMMENT ON VIEW monthly_totals IS 'months'; CREATE FUNCTION totals_of(n integer, since date) "
     "RETURNS integer LANGUAGE sql STABLE AS 'SELECT n'; REVOKE EXECUTE ON FUNCTION totals_of FROM PUBLIC; GRANT "
     "EXECUTE "
     "ON FUNCTION totals_of TO forward_reader;"},
    {"merge-columns.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY, street text, city varchar(40) DEFAULT 'Bonn', country text); INSERT "
     "INTO users VALUES (1, 'Weg 1', 'Köln', 'de'), (2, 'Rue 2', 'Paris', 'fr');"},
    {"own-settings.yaml", "CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz);"},
    {"rename-column.yaml",
     "CREATE TABLE teams (id bigint PRIMARY KEY, address text UNIQUE); CREATE TABLE users (id bigint PRIMARY KEY, mail "
     "text NOT NULL DEFAULT 'none' CONSTRAINT mail_has_at CHECK (mail <> '') CONSTRAINT of_team REFERENCES teams "
     "(address)); CREATE UNIQUE INDEX contact ON users (mail); CREATE INDEX users_mail_lower ON users (lower(mail)) "
     "WHERE "
     "mail <> 'x'; COMMENT ON COLUMN users.mail IS 'where to'; GRANT UPDATE (mail) ON users TO forward_reader; INSERT "
     "INTO teams VALUES (1, 'a@b'); INSERT INTO users VALUES (1, 'a@b');"},
    {"set-not-null.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY, city text DEFAULT 'Bonn'); INSERT INTO users VALUES (1, 'Köln'), (2, "
     "NULL);"},
    {"split-full-name.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY, full_name text NOT NULL); CREATE INDEX users_full_name_idx ON users "
     "(full_name); INSERT INTO users VALUES (1, 'Ada Lovelace'), (2, 'Cher');"},
    {"sql.yaml",
     "CREATE TABLE orders (id bigint PRIMARY KEY, remark text, total numeric); INSERT INTO orders VALUES (1, 'quick', "
     "5);"},
    {"add-enum-value.yaml", "CREATE TYPE order_status AS ENUM ('new', 'paid', 'sent');"},
    {"change-default.yaml",
     "CREATE TABLE orders (id bigint PRIMARY KEY, status text DEFAULT 'new'); COMMENT ON COLUMN orders.status IS "
     "'new or sent';"},
    {"create-enum.yaml", "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);"},
    {"create-table.yaml", "CREATE TABLE orders (id bigint PRIMARY KEY);"},
    {"drop-unused.yaml",
     "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric); CREATE INDEX orders_old_idx ON orders (total); "
     "CREATE "
     "TABLE old_carts (id bigint PRIMARY KEY); CREATE TYPE old_status AS ENUM ('new'); CREATE VIEW old_report AS "
     "SELECT "
     "sum(total) FROM orders; CREATE FUNCTION old_total(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1';"},
    {"merge-columns-short.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY, area text, number text); INSERT INTO users VALUES (1, '030', "
     "'1234');"},
    {"split-column.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL); INSERT INTO users VALUES (1, 'Ada Lovelace');"},
    {"tolerant-readers.yaml", "CREATE TABLE users (id bigint PRIMARY KEY, fax text DEFAULT 'none');"},
    {"drop-default.yaml", "CREATE TABLE orders (id bigint PRIMARY KEY, status text DEFAULT 'new'::text);"},
    {"rename-constraint.yaml",
     "CREATE TABLE orders (id bigint PRIMARY KEY, reference text CONSTRAINT orders_reference_key UNIQUE);"},
    {"rename-index.yaml",
     "CREATE TABLE orders (id bigint PRIMARY KEY, placed_at date); CREATE INDEX orders_placed_idx ON orders "
     "(placed_at);"},
    {"set-storage-parameters.yaml",
     "CREATE TABLE events (id bigint PRIMARY KEY, at date, kind text, payload text) WITH (fillfactor = 70, "
     "autovacuum_analyze_scale_factor = 0.3); CREATE INDEX events_at_idx ON events (at); ALTER TABLE events ALTER kind "
     "SET STATISTICS 7;"},
    {"set-replica-identity.yaml",
     "CREATE TABLE events (id bigint PRIMARY KEY, public_id text NOT NULL CONSTRAINT events_public_id_key UNIQUE); "
     "ALTER TABLE events REPLICA IDENTITY FULL;"},
    {"add-exclusion.yaml",
     "CREATE TABLE bookings (id bigint PRIMARY KEY, room int, begins timestamptz, ends timestamptz, cancelled "
     "boolean);"},
    {"create-index-kinds.yaml",
     "CREATE TABLE documents (id bigint PRIMARY KEY, reference text, title text, tags text[], added timestamptz);"},
    {"add-foreign-key-columns.yaml",
     "CREATE TABLE orders (tenant int, no bigint, PRIMARY KEY (tenant, no)); CREATE TABLE lines (id bigint PRIMARY "
     "KEY, tenant int NOT NULL, order_no bigint); INSERT INTO orders VALUES (1, 1); INSERT INTO lines VALUES (1, 1, "
     "1), (2, 1, 2), (3, 2, NULL);"},
    {"add-unique-columns.yaml",
     "CREATE TABLE products (id bigint PRIMARY KEY, tenant int NOT NULL, code text); INSERT INTO products VALUES (1, "
     "1, 'a'), (2, 1, 'a'), (3, 2, 'a'), (4, 2, NULL);"},
    {"drop-constraint.yaml",
     "CREATE TABLE users (id bigint PRIMARY KEY); CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint "
     "CONSTRAINT orders_user_id_fkey REFERENCES users ON DELETE SET NULL, reference text CONSTRAINT "
     "orders_reference_key UNIQUE, total numeric CONSTRAINT orders_total_check CHECK (total >= 0)); COMMENT ON "
     "CONSTRAINT orders_reference_key ON orders IS 'by the customer'; INSERT INTO users VALUES (1); INSERT INTO orders "
     "VALUES (1, 1, 'R1', 5);"},
    {"set-comment.yaml",
     "CREATE TYPE order_status AS ENUM ('new', 'sent'); CREATE TABLE orders (id bigint PRIMARY KEY, status "
     "order_status, total numeric CONSTRAINT orders_total_check CHECK (total >= 0)); CREATE INDEX orders_open_idx ON "
     "orders (id) WHERE status = 'new'; CREATE VIEW open_orders AS SELECT id FROM orders; COMMENT ON COLUMN "
     "orders.total IS 'it''s in euros';"},
    {"set-statistics.yaml",
     "CREATE TABLE events (id bigint PRIMARY KEY, kind text, payload text); ALTER TABLE events ALTER kind SET "
     "STATISTICS 7;"},
    {"set-storage.yaml",
     "CREATE TABLE events (id bigint PRIMARY KEY, payload text, note text); ALTER TABLE events ALTER note SET STORAGE "
     "external;"},
    {"several-at-once.yaml",
     "CREATE TABLE reviews (id bigint PRIMARY KEY, rating text DEFAULT '4'); CREATE INDEX reviews_rating_idx ON "
     "reviews (rating); COMMENT ON COLUMN reviews.rating IS 'as the form sends it'; INSERT INTO reviews VALUES (1, "
     "'2'), (2, NULL);"},
    {"turn-back.yaml", "CREATE TABLE users (id bigint PRIMARY KEY, mail text); INSERT INTO users VALUES (1, 'a@b');"},
};

}  // namespace

TEST_CASE("every shipped plan is rolled forward, and the schema is the one before it", "[rollforward][shared]") {
  std::size_t place = 0;
  for (const auto& entry : fs::directory_iterator(plans)) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() != ".yaml" || !is_of_this_part(place++)) continue;
    CAPTURE(file);
    const std::string text = content(entry.path());
    if (has(text, "\nrolls_forward:")) continue;      // such a one is what the others become
    if (has(text, "add_enum_value:")) continue;       // PostgreSQL cannot take it back
    if (has(text, "partition_table:")) continue;      // refused by name
    if (has(text, "sql_batched:")) continue;          // rows alone
    if (has(text, "replace_primary_key:")) continue;  // no plan makes a key narrower again
    REQUIRE(starts.contains(file));
    const Scene scene(starts.at(file), text);
    const std::string before = schema_fingerprint(scene.uri);
    scene.run_to_end("plan.yaml");
    CHECK(schema_fingerprint(scene.uri) != before);
    const json written = scene.roll_forward(scene.name, "undo.yaml");
    INFO(content(scene.tool.folder() + "/undo.yaml"));
    const auto lint = scene.tool.run({"lint", "undo.yaml"});
    CHECK(lint.exit_code == 0);
    INFO(lint.out << lint.err);
    scene.run_to_end("undo.yaml");
    scene.afterwards(written);
    CHECK(fingerprint_difference(before, schema_fingerprint(scene.uri)) == "");
  }
}

TEST_CASE("a plan that undoes another one passes its drill", "[rollforward][timing]") {
  // Rows as there are: a first name of two words would come back as another one, and the drill says so.
  const auto [file, rows] = GENERATE(
      table<std::string, std::string>({{"split-full-name.yaml",
                                        "INSERT INTO users (id, first_name, last_name) SELECT g, 'Ada' || g, 'King' "
                                        "FROM generate_series(1, 100) g"},
                                       {"rename-column.yaml", ""},
                                       {"rename-table.yaml", ""},
                                       {"drop-index.yaml", ""}}));
  CAPTURE(file);
  const Scene scene(starts.at(file), content(plans / file));
  scene.run_to_end("plan.yaml");
  scene.roll_forward(scene.name, "undo.yaml");
  std::ofstream(scene.tool.folder() + "/rows.sql") << rows;
  std::vector<std::string> words{"drill", "undo.yaml", "--quick"};
  if (!rows.empty()) words.insert(words.end(), {"--seed-sql", "rows.sql"});
  const auto drill = scene.tool.run(words, 240s);
  INFO(drill.out << drill.err << content(scene.tool.folder() + "/undo.yaml"));
  CHECK(drill.exit_code == 0);
}

TEST_CASE("a plan that undoes another one is linked with it both ways, and is undone in its turn", "[rollforward]") {
  Scene scene(starts.at("split-full-name.yaml"), content(plans / "split-full-name.yaml"));
  const std::string names = "SELECT string_agg(concat_ws(' ', first_name, last_name), ',' ORDER BY id) FROM users";
  scene.run_to_end("plan.yaml");
  const std::string split = schema_fingerprint(scene.uri);
  scene.sql("UPDATE users SET last_name = 'Byron' WHERE id = 1");
  scene.roll_forward("split-full-name", "undo.yaml");
  scene.run_to_end("undo.yaml");
  CHECK(scene.sql("SELECT string_agg(full_name, ',' ORDER BY id) FROM users") == "Ada Byron,Cher");
  const auto shown = [&](const std::string& plan) { return scene.tool.run({"history", plan}).out; };
  CHECK(has(shown("split-full-name"), "is undone by undo-split-full-name"));
  CHECK(has(shown("undo-split-full-name"), "undoes split-full-name"));
  const auto status = [&](const std::string& plan) {
    return json::parse(scene.tool.run({"status", plan, "-o", "json"}).out).at("plans").at(0);
  };
  CHECK(status("split-full-name").at("undone_by") == "undo-split-full-name");
  CHECK(status("undo-split-full-name").at("undoes") == "split-full-name");
  // What is undone already is not turned back beneath it.
  const auto restored = scene.tool.run({"restore", "split-full-name", "--yes"});
  CHECK(restored.exit_code == 3);
  CHECK(has(restored.err, "is undone by undo-split-full-name"));

  scene.roll_forward("undo-split-full-name", "redo.yaml");
  CHECK(read_plan_file(scene.tool.folder() + "/redo.yaml").plan.value().name == "redo-split-full-name");
  CHECK(read_plan_file(scene.tool.folder() + "/redo.yaml").plan.value().images.before == "shop:v41");
  scene.run_to_end("redo.yaml");
  CHECK(fingerprint_difference(split, schema_fingerprint(scene.uri)) == "");
  CHECK(scene.sql(names) == "Ada Byron,Cher");
}

TEST_CASE("in production a contracted plan is restored and turned back no further; elsewhere it is", "[rollforward]") {
  const std::string environment = GENERATE("production", "staging", "development");
  CAPTURE(environment);
  Scene scene(starts.at("split-full-name.yaml"), content(plans / "split-full-name.yaml"));
  const std::string before = schema_fingerprint(scene.uri);
  scene.run_to_end("plan.yaml");
  std::ofstream(scene.tool.folder() + "/switchback.yaml", std::ios::app) << "environment: " << environment << "\n";
  const auto refused_in_production = [&](const std::string& to) {
    const auto outcome = scene.tool.run({"rollback", "split-full-name", "--to", to, "--yes"});
    INFO(outcome.err);
    CHECK(outcome.exit_code == (environment == "production" ? 3 : 0));
    if (environment == "production") CHECK(has(outcome.err, "switchback rollforward split-full-name --out FILE"));
  };
  if (environment == "production") refused_in_production("rolled_back");
  const auto restored = scene.tool.run({"restore", "split-full-name", "--yes"});
  INFO(restored.err);
  CHECK(restored.exit_code == 0);
  CHECK(scene.tool.status("split-full-name").state == "migrated");
  refused_in_production("expanded");
  refused_in_production("rolled_back");
  CHECK(scene.tool.status("split-full-name").state == (environment == "production" ? "migrated" : "rolled_back"));
  if (environment != "production") CHECK(fingerprint_difference(before, schema_fingerprint(scene.uri)) == "");
}

TEST_CASE("a table taken out of its archive by the plan that undoes its drop is not purged", "[rollforward]") {
  std::string text = content(plans / "drop-table.yaml");
  text = std::regex_replace(text, std::regex("archive: 30d"), "archive: 1s");
  Scene scene(starts.at("drop-table.yaml"), text);
  scene.run_to_end("plan.yaml");
  scene.roll_forward("drop-old-carts", "undo.yaml");
  scene.run_to_end("undo.yaml");
  const auto done = scene.run_file("plan.yaml", "done");
  INFO(done.err);
  CHECK(done.exit_code == 0);
  CHECK(scene.tool.status("drop-old-carts").state == "done");
  CHECK(scene.sql("SELECT count(*) FROM carts") == "2");
}

TEST_CASE("what cannot be undone any more is refused by name, and a plan that has not got far by its state",
          "[rollforward]") {
  std::string text = content(plans / "drop-table.yaml");
  text = std::regex_replace(text, std::regex("archive: 30d"), "archive: 1s");
  Scene scene(starts.at("drop-table.yaml"), text);
  const auto refused = [&](const std::string& words) {
    const auto outcome = scene.tool.run({"rollforward", "drop-old-carts", "--out", "undo.yaml"});
    CHECK(outcome.exit_code == 3);
    CHECK(has(outcome.err, words));
    CHECK_FALSE(fs::exists(scene.tool.folder() + "/undo.yaml"));
  };
  scene.run_file("plan.yaml", "migrated");
  REQUIRE(scene.tool.run({"rollback", "drop-old-carts", "--yes"}).exit_code == 0);
  refused("there is nothing to undo");
  REQUIRE(scene.run_file("plan.yaml", "done").exit_code == 0);
  refused("the table public.carts was purged");
}

TEST_CASE("before the contract the plan that would undo it can be had, and waits for it", "[rollforward]") {
  Scene scene(starts.at("split-full-name.yaml"), content(plans / "split-full-name.yaml"));
  REQUIRE(scene.run_file("plan.yaml", "migrated").exit_code == 0);
  const std::string journal = "SELECT count(*) FROM switchback.definition";
  scene.roll_forward("split-full-name", "early.yaml");
  CHECK(scene.sql(journal) == "0");
  CHECK(has(content(scene.tool.folder() + "/early.yaml"), "`switchback rollback split-full-name`"));
  CHECK(scene.tool.run({"rollforward", "split-full-name", "--out", "early.yaml"}).exit_code == 3);  // it is there
  const auto too_early = scene.run_file("early.yaml", "migrated");
  CHECK(too_early.exit_code == 3);
  CHECK(has(too_early.err, "which is migrated"));
  scene.run_to_end("plan.yaml");
  scene.run_to_end("early.yaml");
  CHECK(scene.sql("SELECT string_agg(full_name, ',' ORDER BY id) FROM users") == "Ada Lovelace,Cher");
  // Only one plan undoes a plan.
  const std::string undone = "is undone by undo-split-full-name already";
  const auto again = scene.tool.run({"rollforward", "split-full-name", "--out", "second.yaml"});
  CHECK(again.exit_code == 3);
  CHECK(has(again.err, undone));
  std::ofstream(scene.tool.folder() + "/second.yaml") << std::regex_replace(
      content(scene.tool.folder() + "/early.yaml"), std::regex("\nplan: .*\n"), "\nplan: second\n");
  const auto refused = scene.run_file("second.yaml", "migrated");
  CHECK(refused.exit_code == 3);
  CHECK(has(refused.err, undone));
}
