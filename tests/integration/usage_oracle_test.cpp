#include <random>

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "switchback/postgres/statement_judge.hpp"
#include "usage_world.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace switchback::postgres;

namespace {

/// Random statements over three tables, with aliases that shadow tables, derived tables, joins and correlated queries.
/// Many are nonsense: the server refuses those.
class Statements {
 public:
  explicit Statements(unsigned seed) : random_(seed) {}

  std::string next() {
    visible_.clear();
    switch (pick(7)) {
      case 0:
        return "INSERT INTO users " + one({"(id, first_name) ", "(id, full_name) ", "(first_name, id) "}) +
               query(1, 2) + returning();
      case 1: {
        const std::string target = "users " + optional(alias());
        const std::string from = " FROM " + source(1);
        return "UPDATE " + target + " SET " + column() + " = (" + expression(1) + ")::text" + from + where(1) +
               returning();
      }
      case 2: {
        const std::string target = table() + " " + optional(alias());
        const std::string from = " USING " + source(1);
        return "DELETE FROM " + target + from + where(1) + returning();
      }
      default:
        return query(2);
    }
  }

 private:
  std::size_t pick(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }
  std::string one(const std::vector<std::string>& choices) { return choices[pick(choices.size())]; }
  std::string optional(const std::string& text) { return pick(2) == 0 ? text : ""; }
  std::string column() { return one({"id", "full_name", "full_name", "first_name"}); }
  std::string table() { return noted(one({"users", "users", "people", "orders", "public.users", "x"})); }
  std::string alias() { return noted(one({"a", "b", "c", "d", "users", "people", "x", "full_name"})); }
  std::string noted(const std::string& name) {
    visible_.push_back(name == "public.users" ? "users" : name);
    return name;
  }
  /// Mostly something that FROM has, so that many statements are valid; sometimes anything.
  std::string qualifier() { return visible_.empty() || pick(10) == 0 ? one({"a", "users", "x"}) : one(visible_); }

  std::string expression(int depth) {
    switch (pick(depth > 0 ? 9 : 6)) {
      case 0:
      case 1:
        return column();
      case 2:
      case 3:
        return qualifier() + "." + column();
      case 4:
        return "1";
      case 5:
        return "lower(" + qualifier() + "." + column() + ")";
      case 6:
        return "(" + query(depth - 1, 1) + ")";
      case 7: {
        const auto outside = visible_;
        const std::string from = source(depth - 1);
        const std::string text = "EXISTS (SELECT 1 FROM " + from + where(depth - 1) + ")";
        visible_ = outside;
        return text;
      }
      default:
        return "count(" + expression(depth - 1) + ") OVER (ORDER BY " + expression(depth - 1) + ")";
    }
  }

  std::string output(int depth, bool star) {
    switch (pick(7)) {
      case 0:
        return star ? optional(qualifier() + ".") + "*" : expression(depth);
      case 1:
        return expression(depth) + " AS " + one({"full_name", "id", "other"});
      default:
        return expression(depth);
    }
  }

  std::string source(int depth) {
    std::string item;
    if (depth > 0 && pick(3) == 0) {
      const auto outside = visible_;
      item = optional("LATERAL ") + "(" + query(depth - 1) + ") ";
      visible_ = outside;
      item += alias() + optional("(id, full_name)");
    } else {
      item = table() + " " + optional(alias());
    }
    if (depth == 0) return item;
    switch (pick(6)) {
      case 0:
        return item + ", " + source(depth - 1);
      case 1: {
        const std::string other = source(depth - 1);
        return item + " JOIN " + other + " ON " + expression(depth - 1) + " IS NOT NULL";
      }
      case 2:
        return item + " NATURAL JOIN " + source(0);
      case 3:
        return item + " JOIN " + source(0) + " USING (" + column() + ")";
      case 4: {
        const std::string other = source(0);
        return "(" + item + " CROSS JOIN " + other + ") " + optional("AS " + alias());
      }
      default:
        return item;
    }
  }

  std::string where(int depth) { return pick(2) == 0 ? "" : " WHERE " + expression(depth) + " IS NOT NULL"; }
  std::string returning() { return pick(3) == 0 ? " RETURNING " + output(1, true) : ""; }

  /// `columns`: how many the query gives; 0: any number.
  std::string query(int depth, int columns = 0) {
    const auto outside = visible_;
    std::string text;
    if (depth > 0 && pick(4) == 0) {
      text += "WITH " + optional("RECURSIVE ") + one({"x", "users", "people"}) + optional("(id, full_name)") + " AS (" +
              query(depth - 1, 2) + ") ";
      visible_ = outside;
    }
    const std::string from = pick(8) != 0 ? " FROM " + source(depth) : "";
    text += "SELECT " + output(depth, columns == 0);
    if (columns == 2 || (columns == 0 && pick(2) == 0)) text += ", " + output(depth, columns == 0);
    text += from + where(depth > 0 ? depth - 1 : 0);
    if (pick(8) == 0) text += " GROUP BY " + column();
    if (pick(4) == 0) text += " ORDER BY " + expression(0);
    if (depth > 0 && columns == 0 && pick(6) == 0) text += " UNION ALL " + query(0);
    visible_ = outside;
    return text;
  }

  std::mt19937 random_;
  std::vector<std::string> visible_;  ///< names that a column may be qualified with here
};

/// What the server's own analysis finds: a BEGIN ATOMIC body leaves its columns in pg_depend (PostgreSQL 14 and newer).
/// No ON CONFLICT … DO UPDATE: the stored form of EXCLUDED names every column, used or not. And
/// no EXISTS (SELECT * …): stored, its star has become every column; sent again, it needs none.
enum class Truth { refuses, uses, does_not };
Truth server_says(ports::Session& session, const std::string& statement) {
  ports::Transaction transaction(session);
  try {
    session.exec("CREATE FUNCTION pg_temp.probe() RETURNS void LANGUAGE sql BEGIN ATOMIC " + statement +
                 "; SELECT NULL::void WHERE false; END");
  } catch (const Error&) {
    return Truth::refuses;
  }
  const auto found = session.exec(
      "SELECT count(*) FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid "
      "WHERE d.classid = 'pg_proc'::regclass AND d.objid = 'pg_temp.probe'::regproc "
      "AND d.refobjid = 'public.users'::regclass AND a.attname = 'full_name'");
  return found.integer(0, 0) > 0 ? Truth::uses : Truth::does_not;
}

}  // namespace

TEST_CASE("the judge never clears a statement in which the server finds the column", "[usage][oracle]") {
  UsageWorld world;
  world.run(
      "CREATE TABLE public.people (id bigint, full_name text); CREATE TABLE public.orders (id bigint, total text)");
  world.run("SET search_path = public; SET check_function_bodies = on");
  REQUIRE(world.session->server_version() >= 140000);
  JudgeTarget target;
  target.name = "full_name";
  target.relations = {{"public", "users"}};
  target.own_columns = {"id", "full_name", "first_name", "last_name"};
  target.all_relations = {{"public", "users"}, {"public", "people"}, {"public", "orders"}};
  target.with_column = {{"public", "users"}, {"public", "people"}};

  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  Statements statements(seed);
  constexpr int wanted = 300;
  int valid = 0;
  int used = 0;
  int needlessly = 0;
  for (int i = 0; i < 20'000 && valid < wanted; ++i) {
    const std::string statement = statements.next();
    const Truth truth = server_says(*world.session, statement);
    if (truth == Truth::refuses) continue;
    ++valid;
    used += truth == Truth::uses;
    const StatementJudgement judged = judge_statement(statement, target);
    needlessly += truth == Truth::does_not && judged.use != StatementUse::does_not;
    CAPTURE(statement, judged.why);
    if (truth == Truth::uses) REQUIRE(judged.use != StatementUse::does_not);
    REQUIRE(judged.use != StatementUse::unparsed);
  }
  // Enough of both kinds for the comparison to mean something, and not by calling everything a use.
  CAPTURE(valid, used, needlessly);
  CHECK(valid == wanted);
  CHECK(used > wanted / 5);
  CHECK(valid - used > wanted / 5);
  CHECK(needlessly * 5 < valid - used);
}
