#include "switchback/postgres/capture.hpp"

#include "catch.hpp"
#include "switchback/core/footprint_difference.hpp"
#include "switchback/plan_file/manifest_reader.hpp"
#include "switchback/plan_file/manifest_writer.hpp"

using namespace switchback;
using Names = std::vector<std::string>;

namespace {

const postgres::KnownColumns known{{{"public", "users"}, {"id", "full_name", "email"}},
                                   {{"public", "orders"}, {"id", "user_id", "total"}},
                                   {{"sales", "Line Items"}, {"id", "yes", "select"}}};

Names texts(const std::vector<Need>& needs) {
  Names all;
  for (const Need& need : needs) all.push_back(shown(need));
  return all;
}

Names needs_of(const postgres::CapturedStatements& captured) {
  return texts(needs_beyond(postgres::footprint_of(captured, known), {}));
}

Footprint read_back(const std::string& manifest) {
  const ReadManifest read = read_manifest(manifest, "m.yaml");
  for (const Diagnostic& one : read.diagnostics) UNSCOPED_INFO(render(one));
  UNSCOPED_INFO(manifest);
  REQUIRE(read.manifest);
  Footprint footprint = read.manifest->footprint;
  postgres::add_statements(footprint, Names(footprint.statements), known);
  return footprint;
}

/// What decides: tables, with how each is inserted into.
std::vector<TableUse> sorted_tables(Footprint footprint) {
  std::ranges::sort(footprint.tables, {}, &TableUse::table);
  for (TableUse& use : footprint.tables)
    for (Names* names : {&use.reads, &use.writes, &use.supplies}) std::ranges::sort(*names);
  return footprint.tables;
}

}  // namespace

TEST_CASE("in a statement of a function, a name that no table has is a variable", "[capture]") {
  const std::string text = "SELECT full_name FROM users WHERE id = p_id AND email = r.mail";
  CHECK(needs_of({{}, {text}}) == Names{"users.full_name read", "users.id read", "users.email read"});
  CHECK(needs_of({{}, {"UPDATE users SET email = v_mail WHERE full_name = new.name"}}) ==
        Names{"users.full_name read", "users.email written"});
  // From a client it is a column that is not there yet.
  CHECK(needs_of({{"SELECT full_name FROM users WHERE p_id = $1"}, {}}) ==
        Names{"users.full_name read", "users.p_id read"});
  CHECK(postgres::footprint_of({{}, {text}}, known).statements.empty());
}

TEST_CASE("what a session does for itself is no need of the image", "[capture]") {
  const Footprint footprint = postgres::footprint_of(
      {{"BEGIN", "CREATE TEMP TABLE picked (id bigint)", "CREATE TEMP TABLE copied AS SELECT email FROM users",
        "DO $$BEGIN PERFORM 1; END$$", "CALL refresh($1)", "DROP TABLE picked, copied",
        "INSERT INTO picked SELECT id FROM orders", "SELECT * FROM picked", "SET search_path = public", "SELECT f($1)",
        "DEALLOCATE ALL", "TRUNCATE orders", "DEALLOCATE $1", "SAVEPOINT $1", "SET search_path = $1",
        "PREPARE TRANSACTION $1"},
       {}},
      known);
  CHECK(footprint.unclear == Names{});
  CHECK(texts(needs_beyond(footprint, {})) == Names{"users.email read", "orders.id read"});
  CHECK(std::ranges::find(footprint.statements, "BEGIN") == footprint.statements.end());
  CHECK(std::ranges::find(footprint.statements, "SELECT f($1)") != footprint.statements.end());
}

TEST_CASE("statements that make or change tables are unclear, and say so", "[capture]") {
  for (const std::string text : {"CREATE TABLE t (a int)", "DROP TABLE users", "ALTER TABLE users ADD a int",
                                 "CREATE TABLE t AS SELECT id FROM users"}) {
    CAPTURE(text);
    CHECK(postgres::footprint_of({{text}, {}}, known).unclear.size() == 1);
  }
}

TEST_CASE("what one footprint needs beyond another is named column by column", "[capture]") {
  Footprint one;
  postgres::add_statements(one, {"SELECT id, email FROM users", "INSERT INTO users VALUES ($1, $2)", "TRUNCATE orders"},
                           known);
  Footprint other;
  postgres::add_statements(other, {"SELECT id FROM users", "INSERT INTO users (id) VALUES ($1)"}, known);
  CHECK(texts(needs_beyond(one, other)) ==
        Names{"users.email read", "users.full_name written", "users insert positional", "orders"});
  CHECK(needs_beyond(other, one).empty());
  Footprint all;
  postgres::add_statements(all, {"SELECT * FROM users"}, known);
  CHECK(texts(needs_beyond(all, one)) == Names{"users read *"});
  CHECK(texts(needs_beyond(one, all)) ==
        Names{"users.id written", "users.full_name written", "users insert positional", "orders"});
}

TEST_CASE("a written manifest is read as the same needs", "[capture][manifest]") {
  for (const Names& statements : std::vector<Names>{
           {"SELECT id, full_name FROM users WHERE email = $1", "UPDATE users SET email = $1"},
           {"INSERT INTO users (id, full_name) VALUES ($1, $2)"},
           {"INSERT INTO users (id, full_name) VALUES ($1, $2)", "UPDATE users SET email = $1"},
           {"INSERT INTO users (id, full_name) VALUES ($1, $2)", "INSERT INTO users (id, email) VALUES ($1, $2)"},
           {"UPDATE users SET email = $1", "INSERT INTO users VALUES ($1, $2)"},
           {"COPY users FROM STDIN"},
           {"INSERT INTO orders DEFAULT VALUES", "SELECT * FROM users", "TRUNCATE orders"},
           {"SELECT \"yes\", \"select\" FROM sales.\"Line Items\"", "COPY users (id) TO STDOUT"},
           {"TRUNCATE orders"}}) {
    CAPTURE(statements);
    Footprint footprint;
    postgres::add_statements(footprint, statements, known);
    footprint.role = "Shop Role";
    footprint.star_tolerated = true;
    // Also without the statements that it was told from: as what a function ran is kept.
    for (const bool with_statements : {true, false}) {
      if (!with_statements) footprint.statements.clear();
      const Footprint again = read_back(write_manifest("shop:v41", footprint, "a\nb"));
      CHECK(sorted_tables(again) == sorted_tables(footprint));
      CHECK(again.role == "Shop Role");
      CHECK(again.star_tolerated);
      CHECK(again.unclear.empty());
    }
  }
}
