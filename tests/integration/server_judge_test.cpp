#include "switchback/postgres/server_judge.hpp"

#include <chrono>

#include "catch.hpp"
#include "clone_scene.hpp"
#include "switchback/daemon/schema_clone.hpp"
#include "switchback/postgres/usage.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace switchback::postgres;
using namespace std::chrono_literals;

namespace {

using Word = ServerWord::Word;

std::string_view shown(Word word) {
  constexpr std::array words{"clear", "uses", "cannot_tell", "lacking"};
  return words.at(static_cast<std::size_t>(word));
}

struct Judged {
  Word expected;
  const char* text;
};

const Structure full_name{Structure::Kind::column, {"public", "users"}, "full_name"};

JudgeTarget target_of(const Structure& structure) {
  JudgeTarget target;
  target.kind = structure.kind;
  target.name = structure.name;
  target.relations = {{"public", "users"}};
  return target;
}

void check(const ports::OpenClone& clone, const Structure& structure, const std::vector<Judged>& cases,
           bool exactly = false) {
  const JudgeTarget target = target_of(structure);
  ServerJudge judge(clone, structure, target);
  std::vector<Question> questions;
  for (const Judged& one : cases) questions.push_back({one.text, {"public", true}, exactly});
  const auto words = judge.ask(questions);
  REQUIRE(words.size() == cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(cases[i].text, words[i].why);
    CHECK(shown(words[i].word) == shown(cases[i].expected));
  }
}

/// A world with more in it than users, and its clone opened.
struct Opened {
  CloneWorld scene;
  ports::OpenClone clone;

  explicit Opened(const std::string& more = "SELECT") {
    scene.world.run(
        "CREATE TABLE public.orders (id bigint PRIMARY KEY, user_id bigint, full_name text);"
        "CREATE VIEW public.names AS SELECT id, full_name FROM public.users;"
        "CREATE VIEW public.ids AS SELECT id FROM public.users;"
        "CREATE FUNCTION public.users_of(bigint) RETURNS SETOF public.users LANGUAGE sql AS "
        "  'SELECT * FROM public.users WHERE id = $1';");
    scene.world.run(more);
    clone = scene.clone->open(*scene.world.session, "1");
    CAPTURE(clone.why_not);
    REQUIRE(clone.session);
  }
};

}  // namespace

TEST_CASE("the server tells which statements use a column, of whole rows and stars too", "[usage][clone]") {
  Opened opened;
  check(
      opened.clone, full_name,
      {{Word::uses, "SELECT full_name FROM users WHERE id = $1"},
       {Word::uses, "SELECT * FROM users"},
       {Word::uses, "SELECT row_to_json(u) FROM users u"},
       {Word::uses, "SELECT count(*) FROM users WHERE full_name LIKE $1"},
       {Word::uses, "INSERT INTO users VALUES ($1, $2)"},
       {Word::uses, "UPDATE users SET full_name = $1 WHERE id = $2"},
       {Word::uses, "UPDATE users SET first_name = full_name"},
       {Word::uses, "DELETE FROM users WHERE id = $1 RETURNING *"},
       {Word::uses, "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET full_name = excluded.full_name"},
       {Word::uses, "SELECT u.id FROM users u JOIN orders USING (full_name)"},
       {Word::uses, "SELECT u.id FROM users u NATURAL JOIN orders"},
       {Word::uses, "SELECT full_name FROM names"},
       {Word::uses, "SELECT full_name FROM users_of($1)"},
       {Word::uses, "SELECT (users_of($1)).full_name"},
       {Word::uses, "WITH x AS (SELECT * FROM users) SELECT id FROM x"},
       {Word::clear, "SELECT first_name FROM users WHERE id = $1 AND last_name = $2 ORDER BY id LIMIT $3"},
       {Word::clear, "SELECT count(*) FROM users"},
       {Word::clear, "SELECT ctid, tableoid FROM users FOR UPDATE"},
       {Word::clear, "SELECT id FROM ids"},
       {Word::clear, "INSERT INTO users (id, first_name) VALUES ($1, $2) RETURNING id"},
       {Word::clear,
        "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name"},
       {Word::clear, "UPDATE users SET first_name = $1 WHERE id = $2"},
       {Word::clear, "DELETE FROM users WHERE id = $1"},
       {Word::clear, "SELECT o.full_name FROM users u JOIN orders o ON o.user_id = u.id"},
       {Word::clear, "SELECT 1 WHERE EXISTS (SELECT * FROM users WHERE id = $1)"},
       {Word::clear, "SELECT id FROM users_of($1)"},
       {Word::cannot_tell, "COPY users TO STDOUT"},
       {Word::cannot_tell, "SELECT id FROM users WHERE now() > interval $1"},
       {Word::lacking, "SELECT id FROM nowhere JOIN users USING (id)"},
       {Word::cannot_tell, "SELECT id FROM users; SELECT 1"},
       {Word::cannot_tell, "VACUUM users"}});
}

TEST_CASE("where the parse tree has no word a named row type is a use", "[usage][clone]") {
  Opened opened;
  check(opened.clone, full_name,
        {{Word::uses, "SELECT id FROM json_populate_record(NULL::users, $1)"},
         {Word::clear, "SELECT first_name FROM users"}},
        true);
  const JudgeTarget target = target_of(full_name);
  ServerJudge judge(opened.clone, full_name, target);
  CHECK(judge.ask({{"SELECT first_name FROM users", {"public", true}, true}}).at(0).exact);
  CHECK_FALSE(judge.ask({{"SELECT first_name FROM users", {"public", true}, false}}).at(0).exact);
}

TEST_CASE("an index that ON CONFLICT infers, and a key that GROUP BY rests on, are used", "[usage][clone]") {
  Opened opened("CREATE UNIQUE INDEX one_name ON public.users (full_name)");
  check(opened.clone, {Structure::Kind::index, {"public", ""}, "one_name"},
        {{Word::uses, "INSERT INTO users (id, full_name) VALUES ($1, $2) ON CONFLICT (full_name) DO NOTHING"},
         {Word::clear, "INSERT INTO users (id, full_name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING"},
         {Word::clear, "SELECT full_name FROM users"}});
  check(opened.clone, {Structure::Kind::constraint, {"public", "users"}, "users_pkey"},
        {{Word::uses, "SELECT id, full_name FROM users GROUP BY id"},
         {Word::clear, "SELECT id, count(*) FROM users GROUP BY id"}});
}

TEST_CASE("asking leaves the clone as it was", "[usage][clone]") {
  Opened opened;
  const auto state = [&] {
    return opened.clone.session
        ->exec(
            "SELECT count(*), pg_catalog.string_agg(relacl::text, ''), (SELECT count(*) FROM pg_prepared_statements), "
            "(SELECT count(*) FROM pg_attribute WHERE attname = 'full_name') FROM pg_class WHERE oid > 16384")
        .rows;
  };
  check(opened.clone, full_name, {{Word::clear, "SELECT id FROM users"}});
  const auto before = state();
  check(opened.clone, full_name, {{Word::uses, "SELECT * FROM users"}, {Word::clear, "SELECT id FROM users"}}, true);
  CHECK(state() == before);
}

TEST_CASE("what the parse tree cannot read the server clears, or finds used", "[usage][clone]") {
  CloneWorld scene;
  // Texts over 200 kB are not parsed here; that of a newer grammar is treated the same.
  const auto longer = [](const std::string& column) {
    return "SELECT " + column + " /* " + std::string(200'100, 'x') + " */ FROM users";
  };
  scene.world.application(longer("first_name"));
  CHECK(scene.against_statements().empty());
  scene.world.application(longer("full_name"));
  const auto findings = scene.against_statements();
  CHECK(findings.size() == 1);
  CHECK(has(findings, "used: SELECT full_name"));
}

TEST_CASE("an ambiguous name is settled by the server, but not over several schemas", "[usage][clone]") {
  CloneWorld scene;
  scene.world.run(
      "CREATE FUNCTION public.people() RETURNS TABLE (id bigint, full_name text) LANGUAGE sql AS 'SELECT 1::bigint, "
      "''x''::text'");
  const std::string text = "SELECT (SELECT full_name FROM people() LIMIT 1) FROM users";
  scene.world.application(text);
  CHECK(scene.against_statements().empty());
  scene.world.run("CREATE SCHEMA sales; CREATE TABLE sales.users (id bigint, full_name text)");
  CHECK(has(scene.against_statements(), "unknown: " + std::string("SELECT (SELECT full_name FROM people()")));
}

TEST_CASE("a statement is judged under the search_path of its role", "[usage][clone]") {
  CloneWorld scene;
  // Found by no name in the text: the view is of the role's own schema, and does not show what it reads by whole rows.
  server().sql(scene.world.uri,
               "DROP ROLE IF EXISTS seller; CREATE ROLE seller LOGIN;"
               "CREATE SCHEMA shop; CREATE TABLE shop.clients (id bigint);"
               "GRANT USAGE ON SCHEMA shop TO seller; GRANT SELECT ON shop.clients TO seller;"
               "GRANT SELECT ON public.users TO seller; ALTER ROLE seller SET search_path = shop");
  const auto session = scene.world.connect("till", server().as(scene.world.uri, "seller"));
  session->exec("SELECT count(*) FROM public.users JOIN shop.clients USING (id)");
  session->exec("SET search_path = shop");
  session->exec("SELECT count(*) FROM clients JOIN public.users USING (id)");
  // Without the role's path `clients` is nowhere, and the clone lacks an extension: it would be unknown.
  CHECK(scene.against_statements().empty());
  server().sql(scene.world.uri, "ALTER ROLE seller RESET search_path");
  CHECK(has(scene.against_statements(), "unknown: SELECT count(*) FROM clients JOIN public.users"));
  server().sql(scene.world.uri, "DROP OWNED BY seller; DROP ROLE seller");
}

TEST_CASE("a temporary table is nowhere to be found, and no reason to doubt the parse tree", "[usage][clone]") {
  CloneWorld scene;
  scene.world.application(
      "CREATE TEMP TABLE chosen (user_id bigint); SELECT u.id FROM users u JOIN chosen ON user_id = u.id");
  CHECK(scene.against_statements().empty());
}

TEST_CASE("a statement that needs what the clone lacks is unknown by name", "[usage][clone]") {
  CloneWorld scene;  // the cloning role may not make pg_stat_statements
  scene.world.application("SELECT first_name, (SELECT max(calls) FROM pg_stat_statements) FROM users");
  const auto findings = scene.against_statements();
  CHECK(findings.size() == 1);
  CHECK(has(findings, "the schema clone lacks"));
  CHECK(has(findings, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"));
}

TEST_CASE("a SQL function that only the server finds broken without the column is a use", "[usage][clone][functions]") {
  CloneWorld scene;
  scene.world.run(
      "CREATE FUNCTION public.users_of(bigint) RETURNS SETOF public.users LANGUAGE sql AS "
      "  'SELECT * FROM public.users WHERE id = $1';"
      "CREATE FUNCTION public.shouted(bigint) RETURNS text LANGUAGE sql AS "
      "  'SELECT upper(full_name) FROM public.users_of($1)';"
      "CREATE FUNCTION public.harmless(bigint) RETURNS text LANGUAGE sql AS "
      "  'SELECT upper(first_name) /* not the full_name */ FROM public.users_of($1)'");
  const auto functions = against(scene.gather(), "functions");
  CHECK(has(functions, "used: function public.shouted("));
  CHECK_FALSE(has(functions, "harmless"));
}

TEST_CASE("a PL/pgSQL function that only plpgsql_check finds broken without the column is a use",
          "[usage][clone][functions]") {
  if (server().sql(server().uri(), "SELECT count(*) FROM pg_available_extensions WHERE name = 'plpgsql_check'") ==
      "0") {
    WARN("no plpgsql_check for this server");
    return;
  }
  UsageWorld world;
  world.run(
      "CREATE FUNCTION public.users_of(bigint) RETURNS SETOF public.users LANGUAGE sql AS "
      "  'SELECT * FROM public.users WHERE id = $1';"
      "CREATE FUNCTION public.shouted(bigint) RETURNS text LANGUAGE plpgsql AS "
      "  'BEGIN RETURN (SELECT upper(full_name) FROM public.users_of($1)); END';"
      "CREATE FUNCTION public.harmless(bigint) RETURNS text LANGUAGE plpgsql AS "
      "  'BEGIN RETURN (SELECT upper(first_name) /* not the full_name */ FROM public.users_of($1)); END'");
  daemon::CloneOptions options;
  options.database = world.uri;
  const auto clone = daemon::make_schema_clone(options);  // on a server of its own, whose superuser makes extensions
  world.sample();
  const auto functions =
      against(postgres::make_usage_source(clone.get())->gather(*world.session, world.request).at(0), "functions");
  CHECK(has(functions, "used: function public.shouted(bigint) does not work without it: "));
  CHECK_FALSE(has(functions, "harmless"));
}

TEST_CASE("5,000 statements are judged in under five seconds, once, and judged again only when the schema changes",
          "[usage][clone][timing]") {
  CloneWorld scene;
  scene.world.run(
      "CREATE TABLE public.orders (id bigint PRIMARY KEY, user_id bigint, total numeric, placed_at timestamptz)");
  scene.world.run(
      "INSERT INTO switchback.usage_statement (plan_id, server, key, role, text, calls, calls_rose_at, first_seen) "
      "SELECT " +
      std::to_string(scene.world.request.plan) +
      ", 'primary', 'k' || g, 'postgres', format('SELECT u.id AS c%s, u.first_name, sum(o.total) FROM users u "
      "JOIN orders o ON o.user_id = u.id WHERE u.last_name = $1 AND o.placed_at > $2 GROUP BY u.id ORDER BY %s LIMIT "
      "$3', "
      "g, g % 2 + 1), 1, now(), now() FROM generate_series(1, 5000) g");
  const auto usage = make_usage_source(scene.clone.get());
  const auto gather = [&] { return usage->gather(*scene.world.session, scene.world.request).at(0); };
  const auto begin = std::chrono::steady_clock::now();
  const StructureEvidence evidence = gather();
  const auto took = std::chrono::steady_clock::now() - begin;
  CAPTURE(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  CHECK(against(evidence, "statements").empty());
  CHECK(took < 5s);
  CHECK(scene.clone->opened == 1);
  const auto judged = [&] {
    return scene.world.session->exec("SELECT count(*) FROM switchback.usage_statement WHERE judged <> '{}'")
        .integer(0, 0);
  };
  CHECK(judged() == 5000);

  gather();
  CHECK(scene.clone->opened == 1);
  scene.world.run("UPDATE switchback.usage_statement SET judged = '{}' WHERE key = 'k7'");
  gather();
  CHECK(scene.clone->opened == 2);
  CHECK(judged() == 5000);
  scene.world.run("ALTER TABLE public.orders ADD COLUMN note text");
  gather();
  CHECK(scene.clone->opened == 3);
}
