#include <algorithm>

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "switchback/postgres/closure.hpp"
#include "usage_world.hpp"

using namespace switchback;
using namespace switchback::tests;
using ports::Dependent;

namespace {

std::vector<std::string> of_effect(const ports::Closure& closure, Dependent::Effect effect) {
  std::vector<std::string> names;
  for (const Dependent& one : closure.dependents)
    if (one.effect == effect) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  return names;
}

const Structure full_name{Structure::Kind::column, {"public", "users"}, "full_name"};

}  // namespace

TEST_CASE("what RESTRICT takes along silently is listed with its definition", "[usage][closure]") {
  UsageWorld world;
  world.run(
      "CREATE TABLE public.titles (name text PRIMARY KEY);"
      "CREATE INDEX by_name ON public.users (full_name);"
      "CREATE INDEX by_lower ON public.users (lower(full_name)) WHERE id > 5;"
      "ALTER TABLE public.users ADD CONSTRAINT one_name UNIQUE (last_name, full_name),"
      " ADD CONSTRAINT some_name CHECK (full_name <> '' OR first_name IS NOT NULL),"
      " ADD CONSTRAINT title FOREIGN KEY (full_name) REFERENCES public.titles (name) NOT VALID;"
      "CREATE STATISTICS public.together ON full_name, last_name FROM public.users;"
      "CREATE INDEX of_another ON public.users (first_name);"
      "ALTER TABLE public.users ALTER full_name SET DEFAULT 'x', ALTER full_name SET NOT NULL");
  const ports::Closure found = postgres::closure(*world.session, full_name);
  CHECK(of_effect(found, Dependent::Effect::silent) ==
        std::vector<std::string>{"by_lower", "by_name", "one_name", "some_name", "title", "together"});
  CHECK(of_effect(found, Dependent::Effect::blocks).empty());
  for (const Dependent& one : found.dependents) {
    CAPTURE(one.identity);
    CHECK_FALSE(one.definition.empty());
  }
  // The server agrees: it drops the column without CASCADE, and all of these with it; and they can be made again.
  world.run("BEGIN; ALTER TABLE public.users DROP COLUMN full_name RESTRICT");
  CHECK(world.session->exec("SELECT count(*) FROM pg_class WHERE relname IN ('by_name', 'by_lower', 'one_name')")
            .integer(0, 0) == 0);
  world.run("ALTER TABLE public.users ADD COLUMN full_name text");
  for (const Dependent& one : found.dependents) world.run(one.definition);
  world.run("ROLLBACK");
}

TEST_CASE("silent dependents are unknown until the plan names them", "[usage][closure]") {
  UsageWorld world;
  world.run("CREATE INDEX by_name ON public.users (full_name)");
  CHECK(has(against(world.gather(), "catalog"), "allow_silent: [by_name]"));
  world.request.allow_silent = {"by_name"};
  CHECK(against(world.gather(), "catalog").empty());
  world.request.allow_silent = {};
  world.request.structures.push_back({Structure::Kind::index, {"public", ""}, "by_name"});
  CHECK(against(world.gather(), "catalog").empty());
}

TEST_CASE("views block, and views on views, and what stands on them", "[usage][closure]") {
  UsageWorld world;
  world.run(
      "CREATE VIEW public.names AS SELECT id, full_name FROM public.users;"
      "CREATE VIEW public.ids AS SELECT id FROM public.names;"
      "CREATE MATERIALIZED VIEW public.kept AS SELECT id FROM public.ids;"
      "CREATE FUNCTION public.listed() RETURNS SETOF public.ids LANGUAGE sql AS 'SELECT 1::bigint';"
      "CREATE VIEW public.innocent AS SELECT id, first_name FROM public.users");
  const ports::Closure found = postgres::closure(*world.session, full_name);
  CHECK(of_effect(found, Dependent::Effect::blocks) == std::vector<std::string>{"ids", "kept", "listed", "names"});
  const auto findings = against(world.gather(), "catalog");
  CHECK(has(findings, "used: view public.names"));
  CHECK(has(findings, "used: materialized view public.kept"));
  CHECK_FALSE(has(findings, "innocent"));
  CHECK_THROWS_AS(world.run("ALTER TABLE public.users DROP COLUMN full_name RESTRICT"), Error);
}

TEST_CASE("triggers, policies, generated columns, foreign keys to it, publications and rules block",
          "[usage][closure]") {
  UsageWorld world;
  world.run(
      "ALTER TABLE public.users ADD CONSTRAINT one_name UNIQUE (full_name);"
      "CREATE TABLE public.children (parent text CONSTRAINT of_parent REFERENCES public.users (full_name));"
      "ALTER TABLE public.users ADD COLUMN shouted text GENERATED ALWAYS AS (upper(full_name)) STORED;"
      "CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TRIGGER renamed AFTER UPDATE OF full_name ON public.users FOR EACH ROW EXECUTE FUNCTION public.nothing();"
      "CREATE POLICY own ON public.users USING (full_name = current_user);"
      "CREATE RULE noted AS ON UPDATE TO public.users WHERE NEW.full_name = 'x' DO ALSO SELECT 1;"
      "CREATE TRIGGER \"~switchback_u\" BEFORE UPDATE OF full_name ON public.users FOR EACH ROW EXECUTE FUNCTION "
      "public.nothing()");
  const auto blocking = of_effect(postgres::closure(*world.session, full_name), Dependent::Effect::blocks);
  CHECK(blocking == std::vector<std::string>{"noted", "of_parent", "own", "renamed", "shouted"});
}

TEST_CASE("what is bound to the row type is unknown", "[usage][closure]") {
  UsageWorld world;
  world.run(
      "CREATE FUNCTION public.takes(u public.users) RETURNS bigint LANGUAGE sql AS 'SELECT $1.id';"
      "CREATE TABLE public.holder (one public.users)");
  const ports::Closure found = postgres::closure(*world.session, full_name);
  CHECK(of_effect(found, Dependent::Effect::row) == std::vector<std::string>{"one", "takes"});
  CHECK(has(against(world.gather(), "catalog"), "unknown: table column public.holder.one"));
}

TEST_CASE("a view that takes whole rows is found though the catalog names no column", "[usage][closure]") {
  UsageWorld world;
  world.run(
      "CREATE VIEW public.rows AS SELECT row_to_json(u) AS j FROM public.users u;"
      "CREATE VIEW public.over_rows AS SELECT j FROM public.rows");
  CHECK(postgres::closure(*world.session, full_name).dependents.empty());
  const auto findings = against(world.gather(), "catalog");
  CHECK(has(findings, "used: view rows"));
  CHECK(has(findings, "used: view over_rows"));
}

TEST_CASE("partitions are part of the table", "[usage][closure]") {
  UsageWorld world;
  world.run(
      "CREATE TABLE public.events (id bigint, note text) PARTITION BY RANGE (id);"
      "CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM (0) TO (10);"
      "CREATE INDEX events_note ON public.events (note); CREATE INDEX leaf_note ON public.events_1 (lower(note));"
      "CREATE VIEW public.leaf AS SELECT note FROM public.events_1");
  const ports::Closure found =
      postgres::closure(*world.session, {Structure::Kind::column, {"public", "events"}, "note"});
  CHECK(of_effect(found, Dependent::Effect::silent) == std::vector<std::string>{"events_note", "leaf_note"});
  CHECK(of_effect(found, Dependent::Effect::blocks) == std::vector<std::string>{"leaf"});
}

TEST_CASE("indexes and constraints have closures of their own", "[usage][closure]") {
  UsageWorld world;
  world.run(
      "ALTER TABLE public.users ADD CONSTRAINT one_name UNIQUE (full_name);"
      "CREATE TABLE public.children (parent text CONSTRAINT of_parent REFERENCES public.users (full_name));"
      "CREATE INDEX plain ON public.users (last_name)");
  const auto closure = [&](Structure::Kind kind, const std::string& name) {
    return of_effect(postgres::closure(*world.session, {kind, {"public", "users"}, name}), Dependent::Effect::blocks);
  };
  CHECK(closure(Structure::Kind::constraint, "one_name") == std::vector<std::string>{"of_parent"});
  CHECK(closure(Structure::Kind::index, "one_name") == std::vector<std::string>{"of_parent", "one_name"});
  CHECK(closure(Structure::Kind::index, "plain").empty());
}

TEST_CASE("inside the transaction that drops, a change of the catalog shows", "[usage][closure]") {
  UsageWorld world;
  world.run(
      "CREATE TABLE public.\"Odd \"\"Names\"\"\" (\"Full, Name\" text); CREATE INDEX odd ON public.\"Odd "
      "\"\"Names\"\"\" (\"Full, Name\")");
  const Structure odd{Structure::Kind::column, {"public", "Odd \"Names\""}, "Full, Name"};
  const ports::Closure before = world.usage->closure(*world.session, odd);
  CHECK(of_effect(before, Dependent::Effect::silent) == std::vector<std::string>{"odd"});
  ports::Transaction transaction(*world.session);
  CHECK(world.usage->closure(*world.session, odd) == before);
  world.run("CREATE VIEW public.late AS SELECT \"Full, Name\" FROM public.\"Odd \"\"Names\"\"\"");
  CHECK_FALSE(world.usage->closure(*world.session, odd) == before);
}

TEST_CASE("a structure that is not there is drift", "[usage][closure]") {
  UsageWorld world;
  try {
    postgres::closure(*world.session, {Structure::Kind::column, {"public", "users"}, "no_such"});
    FAIL("a column that is not there has a closure");
  } catch (const Error& error) {
    CHECK(error.exit() == Exit::drift);
    CHECK(std::string(error.what()).find("public.users.no_such") != std::string::npos);
  }
}

TEST_CASE("function bodies that name the column are found", "[usage][functions]") {
  UsageWorld world;
  world.run(
      "CREATE FUNCTION public.lowers() RETURNS trigger LANGUAGE plpgsql AS "
      "  'BEGIN NEW.full_name := lower(NEW.full_name); RETURN NEW; END';"
      "CREATE TRIGGER lowers BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.lowers();"
      "CREATE FUNCTION public.audits() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM to_jsonb(NEW); RETURN NEW; "
      "END';"
      "CREATE TRIGGER audits BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.audits();"
      "CREATE FUNCTION public.harmless() RETURNS trigger LANGUAGE plpgsql AS "
      "  'BEGIN NEW.first_name := lower(NEW.first_name); RETURN NEW; END';"
      "CREATE TRIGGER harmless BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.harmless();"
      "CREATE FUNCTION public.sql_reads() RETURNS text LANGUAGE sql AS 'SELECT max(full_name) FROM public.users';"
      "CREATE FUNCTION public.sql_does_not() RETURNS text LANGUAGE sql AS 'SELECT max(first_name) FROM public.users';"
      "CREATE FUNCTION public.pl_reads() RETURNS text LANGUAGE plpgsql AS "
      "  'BEGIN RETURN (SELECT max(full_name) FROM public.users); END';"
      "CREATE FUNCTION public.builds(c text) RETURNS void LANGUAGE plpgsql AS "
      "  'BEGIN EXECUTE format($q$SELECT %I FROM public.users$q$, c); END';"
      "CREATE FUNCTION public.takes_all() RETURNS void LANGUAGE plpgsql AS "
      "  'DECLARE r record; BEGIN FOR r IN SELECT * FROM public.users LOOP NULL; END LOOP; END';"
      "CREATE FUNCTION public.comments() RETURNS bigint LANGUAGE plpgsql AS "
      "  'BEGIN /* users.full_name */ RETURN (SELECT count(*) FROM public.users); END';"
      "CREATE FUNCTION public.atomic() RETURNS bigint LANGUAGE sql RETURN (SELECT count(full_name) FROM "
      "public.users);");
  const StructureEvidence evidence = world.gather();
  const auto functions = against(evidence, "functions");
  CHECK(has(functions, "used: function public.lowers()"));
  CHECK(has(functions, "unknown: function public.audits()"));
  CHECK(has(functions, "used: function public.sql_reads()"));
  CHECK(has(functions, "used: function public.pl_reads()"));
  CHECK(has(functions, "unknown: function public.builds(c text)"));
  CHECK(has(functions, "used: function public.takes_all()"));
  CHECK(functions.size() == 6);
  CHECK(has(against(evidence, "catalog"), "used: function public.atomic()"));
}
