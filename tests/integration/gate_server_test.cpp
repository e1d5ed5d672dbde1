// What a gate has from the server: what statements rest on, what functions read, what names mean and roles may do.
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

/// Users, and images whose statements are their manifests. What a gate says is held to what a session of theirs finds.
struct Scene {
  std::string uri = server().fresh_database();
  Tool tool{uri};

  Scene() {
    sql("CREATE TABLE users (id bigint PRIMARY KEY, full_name text, email text, note text DEFAULT 'none');"
        "CREATE UNIQUE INDEX users_email ON users (email);"
        "ALTER TABLE users ADD CONSTRAINT users_note UNIQUE (note, id);"
        "CREATE SEQUENCE tickets");
    REQUIRE(tool.run({"init"}).ok());
  }
  void sql(const std::string& text) const { server().sql(uri, text); }
  void add(const std::vector<std::string>& statements, const std::string& more = "") const {
    std::string text = "image: shop:v1\n" + more + (statements.empty() ? "" : "statements:\n");
    for (const std::string& one : statements) text += "  - " + json(one).dump() + "\n";
    std::ofstream(tool.folder() + "/m.yaml") << text;
    const auto added = tool.run({"image", "add", "--manifest", "m.yaml"});
    INFO(added.err);
    REQUIRE(added.ok());
  }
  json gate() const {
    const auto outcome = tool.run({"gate", "deploy", "shop:v1", "-o", "json"});
    INFO(outcome.err);
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 3));
    return json::parse(outcome.out);
  }
  void says(const std::string& answer, const std::string& words = "") const {
    const json said = gate();
    INFO(said.dump(1));
    CHECK(said.at("answer") == answer);
    CHECK(has(said.at("reasons").dump(), words));
  }
  /// The gate's answer is what really happens to the statement.
  void says_what_is(const std::string& answer, const std::string& statement, const std::string& words = "") const {
    CAPTURE(statement);
    says(answer, words);
    const auto session = application(uri, "shop:v1");
    session->exec("SET search_path = public");
    session->begin();
    if (answer == "yes")
      CHECK_NOTHROW(session->exec(statement));
    else
      CHECK_THROWS_AS(session->exec(statement), Error);
    session->rollback();
  }
  void hide(const std::string& plan) {
    tool.plan(plan);
    std::vector<std::string> words = tool.run_to("hidden");
    words.insert(words.end(), {"--despite", "usage", "--despite", "horizon", "--reason", "a test"});
    const auto hidden = tool.run(words);
    INFO(hidden.err);
    REQUIRE(hidden.ok());
  }
};

const std::string quick =
    "images: { before: shop:v0, after: shop:v9 }\ncontract:\n  observe: 1s\n  soak: 0s\n  steps:\n";

}  // namespace

TEST_CASE("what an ON CONFLICT rests on must be there, and a plan that hides it is named", "[gate][server]") {
  Scene scene;
  const std::string columns = "INSERT INTO users (id, email) VALUES (1, 'a') ON CONFLICT (email) DO NOTHING";
  const std::string constraint =
      "INSERT INTO users (id, email) VALUES (1, 'a') ON CONFLICT ON CONSTRAINT users_note DO NOTHING";
  scene.add({columns});
  scene.says_what_is("yes", columns);
  scene.sql("DROP INDEX users_email");
  scene.says_what_is("no", columns, "ON CONFLICT (email) has no unique index that it can rest on");
  scene.sql("CREATE UNIQUE INDEX users_email ON users (email) WHERE id > 0");
  scene.says_what_is("no", columns);
  scene.sql("DROP INDEX users_email; ALTER TABLE users ADD CONSTRAINT late UNIQUE (email) DEFERRABLE");
  scene.says_what_is("no", columns);

  scene.add({constraint});
  scene.says_what_is("yes", constraint);
  scene.hide("plan: loose\n" + quick + "    - drop_constraint: { table: users, name: users_note }\n");
  scene.says_what_is("no", constraint, "users_note has no constraint that it can rest on: loose is hidden");
  CHECK(scene.gate().at("reasons").at(0).at("remedy") == "switchback restore loose");
}

TEST_CASE("a function that reads a hidden column is a no for its callers, however far down it is called",
          "[gate][server]") {
  Scene scene;
  scene.sql(
      "CREATE FUNCTION inner_name(bigint) RETURNS text LANGUAGE plpgsql AS $$ DECLARE found text; BEGIN SELECT "
      "full_name INTO found FROM users WHERE id = $1; RETURN found; END $$;"
      "CREATE FUNCTION outer_name(bigint) RETURNS text LANGUAGE sql AS 'SELECT inner_name($1)';"
      "CREATE FUNCTION mail(bigint) RETURNS text LANGUAGE sql AS 'SELECT email FROM users WHERE id = $1';"
      "INSERT INTO users VALUES (1, 'Ada King', 'a')");
  const std::string reads = "SELECT outer_name(id) FROM users";
  const std::string other = "SELECT mail(id) FROM users";
  scene.add({reads});
  scene.says_what_is("yes", reads);
  scene.hide("plan: nameless\n" + quick + "    - drop_column: { table: users, name: full_name }\n");
  scene.says_what_is("no", reads, "out of reach: nameless is hidden, and the function outer_name needs it");
  CHECK(scene.gate().at("reasons").at(0).at("remedy") == "switchback restore nameless");
  scene.add({other});
  scene.says_what_is("yes", other);
  scene.add({reads});
  scene.sql("CREATE OR REPLACE FUNCTION inner_name(bigint) RETURNS text LANGUAGE sql AS 'SELECT note FROM users'");
  scene.says_what_is("yes", reads);
}

TEST_CASE("when one of two functions of a name goes, the server tells whose calls it was", "[gate][server]") {
  Scene scene;
  scene.sql(
      "CREATE FUNCTION shout(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)';"
      "CREATE FUNCTION shout(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1'");
  const std::string text = "SELECT shout(email) FROM users";
  const std::string number = "SELECT shout(1)";
  scene.add({text});
  scene.hide("plan: quiet\n" + quick + "    - drop_function: { name: shout, arguments: text }\n");
  scene.says_what_is("no", text, "quiet is hidden");
  CHECK(scene.gate().at("reasons").at(0).at("remedy") == "switchback restore quiet");
  scene.add({number});
  scene.says_what_is("yes", number);
  // Of a manifest without statements nobody can tell.
  scene.add({}, "functions: [shout]\ntables: { users: { read: [id] } }\n");
  scene.says("unknown", "which took one of several of that name");
}

TEST_CASE("a namesake in a schema that is not searched is not the type that a plan has taken", "[gate][server]") {
  Scene scene;
  scene.sql("CREATE TYPE mood AS ENUM ('fine'); CREATE SCHEMA elsewhere; CREATE TYPE elsewhere.mood AS ENUM ('bad')");
  const std::string uses = "SELECT 'fine'::mood";
  scene.add({uses});
  scene.says_what_is("yes", uses);
  scene.hide("plan: moodless\n" + quick + "    - drop_type: { name: mood }\n");
  scene.says_what_is("no", uses, "moodless is hidden");
}

TEST_CASE("a NULL into a column that takes none, and a row's field that is hidden, are a no", "[gate][server]") {
  Scene scene;
  const std::string update = "UPDATE users SET note = NULL WHERE id = 1";
  scene.sql("INSERT INTO users VALUES (1, 'Ada King', 'a')");
  scene.add({update});
  scene.says_what_is("yes", update);
  scene.sql("ALTER TABLE users ALTER note SET NOT NULL");
  scene.says_what_is("no", update, "the image writes NULL there, and it takes none");
  const std::string field = "SELECT (NULL::users).full_name";
  scene.add({field});
  scene.says_what_is("yes", field);
  scene.hide("plan: nameless\n" + quick + "    - drop_column: { table: users, name: full_name }\n");
  scene.says_what_is("no", field, "nameless is hidden");
}

TEST_CASE("sequences and relations that stand in strings must be there, and the role may use them", "[gate][server]") {
  Scene scene;
  const std::string next = "SELECT nextval('tickets')";
  scene.add({next, "SELECT 'users'::regclass"}, "role: gate_clerk\n");
  scene.says("no", "the role gate_clerk, as which it runs, is not there");
  scene.sql(
      "CREATE ROLE gate_clerk LOGIN; CREATE FUNCTION secret() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
      "REVOKE ALL ON FUNCTION secret() FROM PUBLIC; CREATE TABLE log (id serial, line text)");
  scene.says("no", "GRANT USAGE ON SEQUENCE public.tickets TO ");
  scene.sql("GRANT USAGE ON SEQUENCE tickets TO gate_clerk");
  scene.says_what_is("yes", next);
  scene.add({"SELECT secret()"}, "role: gate_clerk\n");
  scene.says("no", "GRANT EXECUTE ON FUNCTION public.secret() TO ");
  scene.sql("GRANT EXECUTE ON FUNCTION secret() TO gate_clerk; GRANT INSERT (line) ON log TO gate_clerk");
  scene.says("yes");
  // The default of a serial column is nextval() by whoever inserts.
  scene.add({"INSERT INTO log (line) VALUES ($1)"}, "role: gate_clerk\n");
  scene.says("no", "SEQUENCE public.log_id_seq TO ");
  scene.sql("GRANT USAGE ON SEQUENCE log_id_seq TO gate_clerk");
  scene.says("yes");
  scene.add({next});
  scene.sql("DROP SEQUENCE tickets");
  scene.says_what_is("no", next, "there is no such sequence");
  scene.sql("DROP TABLE log; DROP OWNED BY gate_clerk; DROP ROLE gate_clerk");
}

TEST_CASE("what the server refuses of an image's writes and names is a no", "[gate][server]") {
  Scene scene;
  scene.sql(
      "CREATE TABLE sums (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED, k bigint GENERATED ALWAYS AS "
      "IDENTITY); CREATE VIEW totals AS SELECT a, count(*) AS n FROM sums GROUP BY a");
  const auto statement = GENERATE(as<std::string>{}, "INSERT INTO sums (a, b) VALUES (1, 2)",
                                  "INSERT INTO sums (a, k) VALUES (1, 2)", "INSERT INTO totals (a) VALUES (1)",
                                  "SELECT email COLLATE \"no_such\" FROM users", "SELECT relhasoids FROM pg_class");
  scene.add({statement});
  scene.says_what_is("no", statement, "the server does not take ");
  const std::string fine = "INSERT INTO sums (a, b, k) OVERRIDING SYSTEM VALUE VALUES (1, DEFAULT, 7)";
  scene.add({fine});
  scene.says_what_is("yes", fine);
}

TEST_CASE("a function of the row that is written as a column is found, and what a CALL or DO needs too",
          "[gate][server]") {
  Scene scene;
  scene.sql(
      "CREATE FUNCTION uname(users) RETURNS text LANGUAGE sql AS 'SELECT upper($1.email)';"
      "CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users WHERE full_name = ''; END $$;"
      "CREATE MATERIALIZED VIEW mails AS SELECT email FROM users");
  const std::string attribute = "SELECT u.uname FROM users u";
  scene.add({attribute});
  scene.says_what_is("yes", attribute);
  const std::string block = "DO $$ BEGIN PERFORM full_name FROM users; END $$";
  scene.add({"CALL tidy()", "REFRESH MATERIALIZED VIEW mails", block});
  scene.says_what_is("yes", "CALL tidy()");
  scene.hide("plan: nameless\n" + quick + "    - drop_column: { table: users, name: full_name }\n");
  scene.says_what_is("no", block, "nameless is hidden");
  scene.add({"CALL tidy()"});
  scene.says_what_is("no", "CALL tidy()", "the function tidy needs it");
}

TEST_CASE("a partition that an image uses by itself has the way back of its table", "[gate][server]") {
  Scene scene;
  scene.sql(
      "CREATE TABLE visits (id bigint PRIMARY KEY, who text) PARTITION BY RANGE (id);"
      "CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (1) TO (9)");
  scene.add({"SELECT who FROM visits_1"});
  scene.says("yes");
  scene.hide("plan: whoever\n" + quick + "    - drop_column: { table: visits, name: who }\n");
  scene.says_what_is("no", "SELECT who FROM visits_1", "whoever is hidden");
  CHECK(scene.gate().at("reasons").at(0).at("remedy") == "switchback restore whoever");
}

TEST_CASE("types in a manifest are read as the server reads them, and nonsense is refused", "[gate][server]") {
  Scene scene;
  scene.sql(
      "CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE kinds (a int, b varchar(20), c numeric(10), d timestamptz(3), "
      "e char, f mood, g text[], h varchar(5)[])");
  scene.add(
      {},
      "tables: { kinds: { read: [a, b, c, d, e, f, g, h], types: { a: int4, b: \"VARCHAR (20)\", c: \"decimal( 10 )\", "
      "d: timestamptz(3), e: char, f: mood, g: \"text[]\", h: \"varchar(5)[]\" } } }\n");
  scene.says("yes");
  scene.sql("ALTER TABLE kinds ALTER b TYPE varchar(30)");
  scene.says("no", "the image takes it for character varying(20)");
  for (const std::string type : {"nonsense", "int int", "a; b", ""}) {
    std::ofstream(scene.tool.folder() + "/m.yaml")
        << "image: shop:v2\ntables: { kinds: { read: [a], types: { a: \"" << type << "\" } } }\n";
    const auto refused = scene.tool.run({"image", "add", "--manifest", "m.yaml"});
    CAPTURE(type, refused.err);
    CHECK(refused.exit_code == 4);
  }
}

TEST_CASE("an image that nobody registered is on record when it is deployed, and unknown to the horizon",
          "[gate][server]") {
  Scene scene;
  const auto deployed = scene.tool.run({"image", "deployed", "shop:v7", "--environment", "prod"});
  CHECK(deployed.ok());
  CHECK(has(deployed.err, "switchback image add shop:v7 --manifest FILE"));
  const auto horizon = scene.tool.run({"image", "list", "--horizon"});
  CHECK(has(horizon.out, "no: unknown"));
  scene.add({"SELECT id FROM users"});
  const auto typo = scene.tool.run({"image", "deployed", "shop:v11"});
  CHECK(has(typo.err, "did you mean shop:v1?"));
  // It takes back a pin only where there is one.
  CHECK(has(scene.tool.run({"image", "unpin", "shop:v1"}).err, "was not pinned: nothing has changed"));
  CHECK(scene.tool.run({"image", "pin", "shop:v1", "--reason", "a test"}).ok());
  CHECK(has(scene.tool.run({"image", "unpin", "shop:v1"}).err, "is no longer pinned"));
}

TEST_CASE("what is no image's name gets into no registry, and a folder is no list of ReplicaSets", "[gate][server]") {
  Scene scene;
  for (const std::string name : {"shop v1", "shop;id", "$(id)", "a\x1b[31m"}) {
    CAPTURE(name);
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"image", "deployed", name}, {"image", "capture", name, "--role", "postgres", "--for", "1s"}}) {
      const auto refused = scene.tool.run(words);
      CHECK(refused.exit_code == 4);
      CHECK(has(refused.err, "cannot be the name of an image"));
    }
    const auto gate = scene.tool.run({"gate", "deploy", name});
    CHECK(gate.exit_code == 3);
    CHECK_FALSE(has(gate.out, "image add"));
  }
  const auto folder = scene.tool.run({"image", "sync", "--replicasets", "/tmp"});
  CHECK(folder.exit_code == 4);
  CHECK(has(folder.err, "/tmp is a folder"));
}

TEST_CASE("a gate that could not be asked is an error annotation too", "[gate][server]") {
  Scene scene;
  const auto outcome =
      scene.tool.run({"gate", "deploy", "shop:v1", "--format", "github", "-d", "postgresql://nobody@127.0.0.1:1/none"});
  CHECK(outcome.exit_code == 8);
  CHECK(has(outcome.out, "::error title=switchback gate deploy shop%3Av1::cannot connect to "));
}
