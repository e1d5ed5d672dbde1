#include "switchback/postgres/statement_reads.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "switchback/postgres/server_judge.hpp"

using namespace switchback;
using namespace switchback::postgres;

namespace {

JudgeTarget users() {
  JudgeTarget target;
  target.name = "full_name";
  target.relations = {{"public", "users"}};
  target.own_columns = {"id", "full_name", "born", "initials"};
  target.all_relations = {{"public", "users"}, {"public", "orders"}};
  target.with_column = {{"public", "users"}};
  return target;
}

RowRead read_of(const std::string& text) {
  return row_read(text, users(), {"id", "full_name", "born"});  // initials is generated
}

}  // namespace

TEST_CASE("a star in a select list reads whole rows, and a row taken as a value is something else", "[evidence]") {
  for (const char* text : {"SELECT * FROM users", "SELECT u.* FROM users u JOIN orders o ON o.user_id = u.id",
                           "SELECT x.id FROM (SELECT * FROM users) x ORDER BY id", "TABLE users",
                           "WITH x AS (SELECT * FROM users) SELECT count(*) FROM x"}) {
    CAPTURE(text);
    CHECK(read_of(text) == RowRead::star);
  }
  for (const char* text :
       {"SELECT row_to_json(u) FROM users u", "SELECT row_to_json(x) FROM (SELECT * FROM users) x",
        "SELECT row(u.*) FROM users u", "SELECT count(u.*) FROM users u", "SELECT * INTO copy FROM users",
        "INSERT INTO orders SELECT * FROM users", "WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone",
        "SELECT * FROM users NATURAL JOIN orders", "SELECT * FROM users ORDER BY 2",
        "SELECT j.* FROM json_populate_record(null::users, $1) j", "SELECT * FROM users; SELECT 1", "SELECT * FROM"}) {
    CAPTURE(text);
    CHECK(read_of(text) == RowRead::no);
  }
}

TEST_CASE("a dump is a COPY of everything, or of every column that can be copied, out of the table", "[evidence]") {
  CHECK(read_of("COPY users TO STDOUT") == RowRead::dump);
  CHECK(read_of("COPY public.users (id, full_name, born) TO stdout") == RowRead::dump);
  CHECK(read_of("COPY public.users (id, full_name) TO stdout") == RowRead::no);
  CHECK(read_of("COPY users FROM STDIN") == RowRead::no);
  CHECK(read_of("COPY (SELECT * FROM users) TO STDOUT") == RowRead::no);
  CHECK(read_of("COPY orders TO STDOUT") == RowRead::no);
}

TEST_CASE("of a table that goes as a whole a dump and its lock are told, and no star", "[evidence]") {
  JudgeTarget target = users();
  target.kind = Structure::Kind::table;
  const auto read = [&](const std::string& text) { return row_read(text, target, {"id", "full_name", "born"}); };
  CHECK(read("COPY public.users (id, full_name, born) TO stdout") == RowRead::dump);
  CHECK(read("LOCK TABLE public.users, public.orders IN ACCESS SHARE MODE") == RowRead::lock);
  CHECK(read("LOCK TABLE public.users IN SHARE MODE") == RowRead::no);
  CHECK(read("LOCK TABLE public.users") == RowRead::no);
  CHECK(read("COPY public.users (id) TO stdout") == RowRead::no);
  CHECK(read("SELECT * FROM users") == RowRead::no);
  CHECK(read_of("LOCK TABLE public.users IN ACCESS SHARE MODE") == RowRead::no);
}

TEST_CASE("the star of EXISTS evaluates nothing, so it is not asked about", "[evidence]") {
  CHECK(without_exists_stars("SELECT 1 WHERE EXISTS (SELECT * FROM users)") ==
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM users)");
  CHECK(without_exists_stars("SELECT 'ä' WHERE NOT exists(select u.* from users u)") ==
        "SELECT 'ä' WHERE NOT exists(select 1   from users u)");
  for (const char* text : {"SELECT * FROM users", "SELECT count(*) FROM users WHERE EXISTS (SELECT 1)",
                           "SELECT id IN (SELECT * FROM orders) FROM users WHERE EXISTS (SELECT count(*) FROM users)",
                           "SELECT 'exists' * "}) {
    CAPTURE(text);
    CHECK(without_exists_stars(text) == text);
  }
}

TEST_CASE("only one statement alone, of a kind that can be prepared, is put behind PREPARE", "[evidence]") {
  CHECK(preparable("SELECT ';' FROM users; \n") == "SELECT ';' FROM users");
  CHECK(preparable("SELECT 1; DROP TABLE users").empty());
  CHECK(preparable("SELECT 1 -- ; one") == "SELECT 1 -- ; one");
  CHECK(preparable("SELECT 'open").empty());
  CHECK(preparable(" ").empty());
  CHECK(preparable("/* shop */ (select 1)") == "/* shop */ (select 1)");
  for (const char* text : {"COPY users TO STDOUT", "LOCK TABLE users", "VACUUM users", "CREATE TABLE t AS SELECT 1"})
    CHECK(preparable(text).empty());
}

TEST_CASE("what both judges say together is the more cautious of the two", "[evidence]") {
  using Word = ServerWord::Word;
  const auto together = [](StatementUse parsed, Word word, bool exact = false, bool several = false) {
    return combine({parsed, "tree"}, {word, "server", exact, "", std::nullopt}, several).use;
  };
  constexpr std::array words{Word::clear, Word::uses, Word::cannot_tell, Word::lacking};
  for (const Word word : words) CHECK(together(StatementUse::uses, word, true) == StatementUse::uses);
  for (const StatementUse use : {StatementUse::does_not, StatementUse::ambiguous, StatementUse::unparsed}) {
    CAPTURE(name(use));
    CHECK(together(use, Word::uses) == StatementUse::uses);
    CHECK(together(use, Word::lacking) == StatementUse::ambiguous);
    CHECK(together(use, Word::cannot_tell) == use);
    CHECK(together(use, Word::clear) == use);
    CHECK(together(use, Word::clear, true) == StatementUse::does_not);
  }
  CHECK(together(StatementUse::ambiguous, Word::clear, true, true) == StatementUse::ambiguous);
  CHECK(together(StatementUse::does_not, Word::clear, true, true) == StatementUse::does_not);
}
