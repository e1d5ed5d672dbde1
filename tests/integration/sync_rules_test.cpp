// Every row of the decision tables, for a split with a NOT NULL old side.
#include "catch.hpp"
#include "server.hpp"
#include "sync_table.hpp"

namespace switchback::tests {
namespace {

const PlanText split{.name = "split",
                     .add = {{"first_name", "text"}, {"last_name", "text"}},
                     .set = {{"first_name", "split_part(full_name, ' ', 1)"},
                             {"last_name", "nullif(substr(full_name, strpos(full_name, ' ') + 1), full_name)"}},
                     .reverse = {{"full_name", "concat_ws(' ', first_name, last_name)"}},
                     .where = {}};

/// A conversion that fails both ways for some values: text to a small number and back.
const PlanText convert{
    .name = "convert",
    .add = {{"code_n", "smallint"}},
    .set = {{"code_n", "code::integer"}},
    .reverse = {{"code", "case when code_n < 0 then (1 / (code_n - code_n))::text else code_n::text end"}},
    .where = {}};

struct Users : SyncedTable {
  explicit Users(const std::string& old_column = "full_name text NOT NULL", const PlanText& plan = split)
      : SyncedTable(made(old_column), {"public", "users"}) {
    add_plan(plan);
  }
  static std::string made(const std::string& old_column) {
    const std::string uri = server().fresh_database();
    server().sql(uri, "CREATE TABLE users (id bigint PRIMARY KEY, age int, " + old_column + ")");
    return uri;
  }
  void filled(const std::string& full, const std::string& first, const std::string& last, char marker = 's') {
    plant("INSERT INTO users (id, full_name, first_name, last_name, _switchback_split) VALUES (1, '" + full + "', '" +
          first + "', " + last + ", '" + marker + "')");
  }
  void unfilled(const std::string& full) { plant("INSERT INTO users (id, full_name) VALUES (1, '" + full + "')"); }
  std::string after(const std::string& sql) {
    exec(sql);
    return row("SELECT full_name, first_name, last_name, _switchback_split FROM users WHERE id = 1");
  }
};

struct Codes : SyncedTable {
  explicit Codes(PlanText plan = convert) : SyncedTable(made(), {"public", "codes"}) { add_plan(plan); }
  static std::string made() {
    const std::string uri = server().fresh_database();
    server().sql(uri, "CREATE TABLE codes (id bigint PRIMARY KEY, age int, code text)");
    return uri;
  }
  std::string after(const std::string& sql) {
    exec(sql);
    return row("SELECT code, code_n, _switchback_convert FROM codes WHERE id = 1");
  }
};

/// Three changes of one table that share no column: one with no way back, one of a default, one that may not fit.
const PlanText three{.name = "three",
                     .add = {{"big", "boolean"}, {"remark", "text"}, {"amount_new", "bigint"}},
                     .set = {{"big", "weight > 100"}, {"remark", "note"}, {"amount_new", "amount"}},
                     .reverse = {{"note", "remark"}, {"amount", "amount_new::integer"}},
                     .where = {}};

struct Orders : SyncedTable {
  Orders() : SyncedTable(made(), {"public", "orders"}) { add_plan(three); }
  static std::string made() {
    const std::string uri = server().fresh_database();
    server().sql(
        uri, "CREATE TABLE orders (id bigint PRIMARY KEY, age int, weight int, note text DEFAULT 'none', amount int)");
    return uri;
  }
  std::string after(const std::string& sql) {
    exec(sql);
    return row("SELECT weight, big, note, remark, amount, amount_new, _switchback_three FROM orders WHERE id = 1");
  }
  /// Whether the comparison at the end of migrate finds the row right.
  std::string in_step() { return one("SELECT " + in_step_sql(plan("three"), "t") + " FROM orders t WHERE id = 1"); }
};

}  // namespace

TEST_CASE("changes that share no column are judged each by itself, whatever one statement writes", "[sync]") {
  Orders orders;
  orders.plant(
      "INSERT INTO orders (id, weight, big, note, remark, amount, amount_new, _switchback_three) VALUES (1, 5, false, "
      "'n', "
      "'n', 3, 3, 's')");
  SECTION("what feeds one, and the new side of another: forward there, reverse here") {
    CHECK(orders.after("UPDATE orders SET weight = 150, amount_new = 7") == "150|t|n|n|7|7|s");
    CHECK(orders.after("UPDATE orders SET note = 'o', amount_new = 8") == "150|t|o|o|8|8|s");
    CHECK(orders.after("UPDATE orders SET remark = 'p', amount = 9") == "150|t|p|p|9|9|s");
    CHECK(orders.in_step() == "t");
  }
  SECTION("both sides of one do not keep another from its direction") {
    CHECK(orders.after("UPDATE orders SET note = 'o', remark = 'r', amount = 9") == "5|f|o|r|9|9|b");
    CHECK(orders.after("UPDATE orders SET amount = 10") == "5|f|o|r|10|10|b");
    CHECK(orders.after("UPDATE orders SET note = 'q'") == "5|f|q|q|10|10|s");
  }
  SECTION("one that failed stays marked until it is right, whatever becomes of the others") {
    CHECK(orders.after("UPDATE orders SET amount_new = 99999999999, note = 'o'") == "5|f|o|o|3|99999999999|r");
    CHECK(orders.after("UPDATE orders SET remark = 'p'") == "5|f|p|p|3|99999999999|r");
    CHECK(orders.after("UPDATE orders SET amount_new = 4") == "5|f|p|p|4|4|s");
  }
  SECTION("a row is in step when all of them are") {
    orders.exec("UPDATE orders SET weight = 200, amount_new = 12");
    CHECK(orders.in_step() == "t");
    orders.exec("ALTER TABLE orders DISABLE TRIGGER USER; UPDATE orders SET amount_new = 13");
    CHECK(orders.in_step() == "f");
  }
}

TEST_CASE("an insert's changes that share no column are judged each by itself, the undecided by the others", "[sync]") {
  Orders orders;
  SECTION("the new image, which also writes what feeds another change") {
    CHECK(orders.after("INSERT INTO orders (id, weight, big, remark, amount_new) VALUES (1, 150, true, 'r', 7)") ==
          "150|t|r|r|7|7|s");
  }
  SECTION("the new image, which leaves out what has no default on its side: not the old default") {
    CHECK(orders.after("INSERT INTO orders (id, amount_new) VALUES (1, 7)") == "-|-|-|-|7|7|s");
  }
  SECTION("the old image") {
    CHECK(orders.after("INSERT INTO orders (id, weight, amount) VALUES (1, 150, 7)") == "150|t|none|none|7|7|s");
  }
  SECTION("nothing given: forward") {
    CHECK(orders.after("INSERT INTO orders (id) VALUES (1)") == "-|-|none|none|-|-|s");
  }
}

TEST_CASE("an unfilled row of changes that share no column is filled, and each goes its way", "[sync]") {
  Orders orders;
  orders.plant("INSERT INTO orders (id, weight, note, amount) VALUES (1, 150, 'n', 3)");
  CHECK(orders.after("UPDATE orders SET weight = 5, amount_new = 7") == "5|f|n|n|7|7|s");
}

TEST_CASE("an update of a filled row goes the way its changed side says", "[sync]") {
  Users users;
  users.filled("Ann Smith", "Ann", "'Smith'");
  SECTION("neither side: nothing") {
    CHECK(users.after("UPDATE users SET age = 3") == "Ann Smith|Ann|Smith|s");
  }
  SECTION("the old side: forward") {
    CHECK(users.after("UPDATE users SET full_name = 'Bob de la X'") == "Bob de la X|Bob|de la X|s");
  }
  SECTION("one column of the new side: reverse, and the other stays") {
    CHECK(users.after("UPDATE users SET first_name = 'Bea'") == "Bea Smith|Bea|Smith|s");
  }
  SECTION("both sides, agreeing by forward: as written") {
    CHECK(users.after("UPDATE users SET full_name = 'C D', first_name = 'C', last_name = 'D'") == "C D|C|D|s");
  }
  SECTION("both sides, agreeing by reverse only: as written") {
    CHECK(users.after("UPDATE users SET full_name = 'Mary Ann X', first_name = 'Mary Ann', last_name = 'X'") ==
          "Mary Ann X|Mary Ann|X|s");
  }
  SECTION("both sides, not agreeing: as written, and marked so") {
    CHECK(users.after("UPDATE users SET full_name = 'C D', first_name = 'E', last_name = 'F'") == "C D|E|F|b");
    CHECK(users.after("UPDATE users SET age = 4") == "C D|E|F|b");
    CHECK(users.after("UPDATE users SET full_name = 'G H'") == "G H|G|H|s");
  }
  SECTION("a whole row as an object mapper writes it, with one side changed: that side's direction") {
    CHECK(users.after("UPDATE users SET age = 9, full_name = 'Ann Jones', first_name = 'Ann', last_name = 'Smith'") ==
          "Ann Jones|Ann|Jones|s");
  }
  SECTION("a stale marker is put back") {
    CHECK(users.after("UPDATE users SET age = 5, _switchback_split = NULL") == "Ann Smith|Ann|Smith|s");
    CHECK(users.after("UPDATE users SET _switchback_split = 'f'") == "Ann Smith|Ann|Smith|s");
  }
  SECTION("the new side cleared on purpose stays so, also after an unrelated update") {
    CHECK(users.after("UPDATE users SET first_name = NULL, last_name = NULL") == "|-|-|s");
    CHECK(users.after("UPDATE users SET age = 6") == "|-|-|s");
  }
}

TEST_CASE("an update of an unfilled row is what the backfill and then the update would have made", "[sync]") {
  Users users;
  users.unfilled("Ann Smith");
  SECTION("neither side: filled") {
    CHECK(users.after("UPDATE users SET age = 3") == "Ann Smith|Ann|Smith|s");
  }
  SECTION("the old side: forward from the new value") {
    CHECK(users.after("UPDATE users SET full_name = 'Bob X'") == "Bob X|Bob|X|s");
  }
  SECTION("a part of the new side: the rest is kept") {
    CHECK(users.after("UPDATE users SET first_name = 'Bea'") == "Bea Smith|Bea|Smith|s");
  }
  SECTION("the new side with the value that forward gives: nothing changed") {
    CHECK(users.after("UPDATE users SET first_name = 'Ann'") == "Ann Smith|Ann|Smith|s");
  }
  SECTION("both sides: as written, unwritten columns filled") {
    CHECK(users.after("UPDATE users SET full_name = 'Bea Smith', first_name = 'Bea'") == "Bea Smith|Bea|Smith|s");
  }
  SECTION("the old side, and the new side as forward had it: forward from the new value") {
    CHECK(users.after("UPDATE users SET full_name = 'C D', first_name = 'Ann'") == "C D|C|D|s");
  }
  SECTION("the backfill itself passes") {
    users.backfill("split");
    CHECK(users.after("SELECT 1") == "Ann Smith|Ann|Smith|s");
  }
}

TEST_CASE("an insert goes from the side that was supplied", "[sync]") {
  SECTION("old: forward") {
    Users users;
    CHECK(users.after("INSERT INTO users (id, full_name) VALUES (1, 'Ann Smith')") == "Ann Smith|Ann|Smith|s");
  }
  SECTION("new: reverse, which also satisfies NOT NULL") {
    Users users;
    CHECK(users.after("INSERT INTO users (id, first_name, last_name) VALUES (1, 'Ann', 'Smith')") ==
          "Ann Smith|Ann|Smith|s");
  }
  SECTION("both: as written") {
    Users users;
    CHECK(users.after("INSERT INTO users (id, full_name, first_name) VALUES (1, 'Ann Smith', 'Ann')") ==
          "Ann Smith|Ann|-|b");
  }
  SECTION("neither, old NOT NULL without default: reverse") {
    Users users;
    CHECK(users.after("INSERT INTO users (id) VALUES (1)") == "|-|-|s");
  }
  SECTION("neither, old side nullable: forward") {
    Users users("full_name text");
    CHECK(users.after("INSERT INTO users (id) VALUES (1)") == "-|-|-|s");
  }
  SECTION("neither, old side with a default: forward from it") {
    Users users("full_name text NOT NULL DEFAULT 'No Name'");
    CHECK(users.after("INSERT INTO users (id) VALUES (1)") == "No Name|No|Name|s");
  }
  SECTION("neither, but the session says which side it writes: reverse") {
    Users users("full_name text NOT NULL DEFAULT 'No Name'");
    CHECK(users.after("SET switchback.side = 'new'; INSERT INTO users (id) VALUES (1)") == "|-|-|s");
  }
  SECTION("neither, and the plan prefers the new side: reverse") {
    PlanText plan = split;
    plan.new_side_wins_insert = true;
    Users users("full_name text NOT NULL DEFAULT 'No Name'", plan);
    CHECK(users.after("INSERT INTO users (id) VALUES (1)") == "|-|-|s");
  }
  SECTION("with the marker: nothing, it was moved or restored") {
    Users users;
    CHECK(users.after("INSERT INTO users VALUES (1, 2, 'Ann Smith', 's', 'X', 'Y')") == "Ann Smith|X|Y|s");
  }
}

TEST_CASE("a conversion that fails is marked and never fails the statement", "[sync]") {
  Codes codes;
  SECTION("forward on a filled row: the new side becomes NULL") {
    codes.exec("INSERT INTO codes VALUES (1, 0, '12')");
    CHECK(codes.after("UPDATE codes SET code = 'abc'") == "abc|-|f");
    CHECK(codes.after("UPDATE codes SET age = 1") == "abc|-|f");
    CHECK(codes.after("UPDATE codes SET code_n = 7") == "7|7|s");
  }
  SECTION("a value that converts but does not fit the column") {
    CHECK(codes.after("INSERT INTO codes VALUES (1, 0, '70000')") == "70000|-|f");
  }
  SECTION("forward on an unfilled row that is updated elsewhere: the new side as it was") {
    codes.plant("INSERT INTO codes (id, code, code_n) VALUES (1, 'abc', 3)");
    CHECK(codes.after("UPDATE codes SET age = 1") == "abc|3|f");
  }
  SECTION("forward on an unfilled row whose new side is written: as written") {
    codes.plant("INSERT INTO codes (id, code) VALUES (1, 'abc')");
    CHECK(codes.after("UPDATE codes SET code_n = 5") == "5|5|s");
  }
  SECTION("reverse: the old side keeps what it has") {
    codes.exec("INSERT INTO codes VALUES (1, 0, '12')");
    CHECK(codes.after("UPDATE codes SET code_n = -3") == "12|-3|r");
    CHECK(codes.after("UPDATE codes SET code_n = 4") == "4|4|s");
  }
  SECTION("the engine's own retry sets the marker, an image cannot") {
    codes.exec("INSERT INTO codes VALUES (1, 0, 'abc')");
    CHECK(codes.after("UPDATE codes SET code_n = 9, _switchback_convert = 's'") == "9|9|s");
    CHECK(codes.after("UPDATE codes SET code = 'x'") == "x|-|f");
    CHECK(codes.after("SET switchback.engine = on; UPDATE codes SET code_n = 8, _switchback_convert = 's'") == "x|8|s");
  }
  SECTION("verification counts rows that agree, rows that do not, and leaves failed ones apart") {
    codes.exec("INSERT INTO codes VALUES (1, 0, '12'), (2, 0, 'abc'), (3, 0, ' 7')");
    codes.plant(
        "INSERT INTO codes (id, code, code_n, _switchback_convert) VALUES (4, '1', 2, 's'), (5, '1', 2, 'b'), (6, '1', "
        "1, NULL)");
    const std::string test = in_step_sql(codes.plan("convert"), "t");
    CHECK(codes.one("SELECT string_agg(coalesce((" + test + ")::text, '-'), ',' ORDER BY id) FROM codes t") ==
          "true,-,true,false,true,false");
  }
}

TEST_CASE("rows stored before the new column had its default survive every way of filling them", "[sync]") {
  PlanText plan{.name = "p",
                .add = {{"b", "text NOT NULL DEFAULT 'n/a'"}},
                .set = {{"b", "full_name"}},
                .reverse = {{"full_name", "b"}},
                .where = {}};
  SyncedTable table(Users::made("full_name text"), {"public", "users"});
  table.exec("INSERT INTO users SELECT n, 0, CASE WHEN n % 3 > 0 THEN 'name ' || n END FROM generate_series(1, 90) n");
  table.add_plan(plan);
  for (int n = 1; n <= 30; ++n) {  // their tuples lack the column; its value comes from the table's cached descriptor
    const std::string row = std::to_string(n);
    table.exec(n % 2 ? "UPDATE users SET age = 1 WHERE id = " + row : "UPDATE users SET b = 'new' WHERE id = " + row);
  }
  table.exec("UPDATE users SET full_name = 'x' WHERE id BETWEEN 31 AND 60");
  table.backfill("p");
  CHECK(table.one("SELECT count(*) FROM users WHERE (b = full_name) IS NOT TRUE AND _switchback_p <> 'f'") == "0");
  CHECK(table.one("SELECT count(*) FROM users WHERE _switchback_p = 'f' AND full_name IS NULL AND b = 'n/a'") == "15");
}

TEST_CASE("NULL for a NOT NULL column is a failed conversion", "[sync]") {
  PlanText plan = split;
  plan.reverse = {{"full_name", "first_name || ' ' || last_name"}};
  Users users("full_name text NOT NULL", plan);
  users.filled("Ann Smith", "Ann", "'Smith'");
  CHECK(users.after("UPDATE users SET last_name = NULL") == "Ann Smith|Ann|-|r");
}

TEST_CASE("on_error: reject fails the statement that wrote the value, and no other", "[sync]") {
  PlanText plan = convert;
  plan.reject = true;
  Codes codes(plan);
  codes.plant("INSERT INTO codes (id, code) VALUES (1, 'abc')");
  CHECK(codes.after("UPDATE codes SET age = 1") == "abc|-|f");
  CHECK(codes.failure("UPDATE codes SET code = 'def'") == "22P02");
  CHECK(codes.failure("UPDATE codes SET code_n = -1") == "22012");
  CHECK(codes.after("UPDATE codes SET code = '5'") == "5|5|s");
}

TEST_CASE("rows outside `where` are in sync unconverted, and are converted when they come in", "[sync]") {
  PlanText plan = convert;
  plan.where = "age > 10";
  Codes codes(plan);
  CHECK(codes.after("INSERT INTO codes VALUES (1, 5, '7')") == "7|-|s");
  CHECK(codes.after("UPDATE codes SET code_n = 3") == "7|3|s");
  CHECK(codes.after("UPDATE codes SET age = 20") == "7|7|s");
  CHECK(codes.after("UPDATE codes SET code_n = 4") == "4|4|s");
  CHECK(codes.after("UPDATE codes SET age = 6, code = 'abc'") == "abc|4|s");
  CHECK(codes.one("SELECT bool_and(" + in_step_sql(codes.plan("convert"), "t") + ") FROM codes t") == "t");
  codes.exec("DELETE FROM codes");
  codes.plant("INSERT INTO codes (id, age, code) VALUES (1, 5, 'x'), (2, 15, '9'), (3, NULL, '9')");
  codes.backfill("convert");
  CHECK(codes.one("SELECT string_agg(concat(id, ':', code_n, _switchback_convert), ' ' ORDER BY id) FROM codes") ==
        "1:s 2:9s 3:s");
}

TEST_CASE("without reverse, what the new image writes stands for itself", "[sync]") {
  PlanText plan{
      .name = "slug", .add = {{"slug", "text"}}, .set = {{"slug", "lower(full_name)"}}, .reverse = {}, .where = {}};
  Users users("full_name text NOT NULL", plan);
  const std::string look = "SELECT full_name, slug, _switchback_slug FROM users";
  users.exec("INSERT INTO users VALUES (1, 0, 'Ann')");
  CHECK(users.row(look) == "Ann|ann|s");
  users.exec("UPDATE users SET slug = 'own'");
  CHECK(users.row(look) == "Ann|own|b");
  users.exec("UPDATE users SET full_name = 'Bob'");
  CHECK(users.row(look) == "Bob|bob|s");
}

TEST_CASE("a volatile default cannot be told from a value: master decides, a side at its known default never wins",
          "[sync]") {
  const auto made = [](bool new_wins) {
    PlanText plan{.name = "token",
                  .add = {{"token", "uuid DEFAULT gen_random_uuid()"}},
                  .set = {{"token", "full_name::uuid"}},
                  .reverse = {{"full_name", "token::text"}},
                  .where = {}};
    plan.new_side_wins_insert = new_wins;
    return std::make_unique<Users>("full_name text", plan);
  };
  const std::string a = "'00000000-0000-0000-0000-00000000000a'";
  const std::string supplied_old =
      "INSERT INTO users (id, full_name) VALUES (1, " + a + ") RETURNING full_name = " + a + " AND token = " + a;
  CHECK(made(false)->one(supplied_old) == "t");
  CHECK(made(true)->one("INSERT INTO users (id, full_name) VALUES (1, " + a + ") RETURNING full_name <> " + a +
                        " AND token::text = full_name") == "t");
  CHECK(made(false)->one("INSERT INTO users (id, token) VALUES (1, " + a + ") RETURNING full_name = " + a) == "t");
}

}  // namespace switchback::tests
