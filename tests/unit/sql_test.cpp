#include "switchback/core/sql.hpp"

#include "catch.hpp"
#include "switchback/core/error.hpp"

using namespace switchback;

TEST_CASE("identifiers and literals are always quoted, and quotes in them doubled", "[sql]") {
  CHECK(quote_identifier("users") == R"("users")");
  CHECK(quote_identifier(R"(a"b)") == R"("a""b")");
  CHECK(quote_literal("std") == "'std'");
  CHECK(quote_literal("it's") == "'it''s'");
  CHECK(quote_literal(R"(a\'b)") == R"(E'a\\''b')");
  CHECK(quoted(TableName{"sales", "Order Items"}) == R"("sales"."Order Items")");
}

TEST_CASE("a dollar quote never closes inside its body", "[sql]") {
  for (const std::string body :
       {"", "begin end", "$switchback$", "x $switchback$ y $switchback1$", "ends in $switchback", "ends in $"}) {
    CAPTURE(body);
    const std::string text = dollar_quote(body);
    const std::string tag = text.substr(0, text.find('$', 1) + 1);
    CHECK(text.find(tag, tag.size()) == tag.size() + body.size());
    CHECK(text.substr(tag.size(), body.size()) == body);
    CHECK(text.ends_with(tag));
  }
}

TEST_CASE("names are shown with quotes only where SQL needs them", "[sql]") {
  CHECK(shown("full_name") == "full_name");
  CHECK(shown("Full") == R"("Full")");
  CHECK(shown("2nd") == R"("2nd")");
  CHECK(shown("order") == R"("order")");
  CHECK(shown("") == R"("")");
  CHECK(shown(TableName{"public", "users"}) == "users");
  CHECK(shown(TableName{"sales", "Order Items"}) == R"(sales."Order Items")");
}

TEST_CASE("long names are cut between characters, and stay apart", "[sql]") {
  CHECK(fit_name("short") == "short");
  CHECK(fit_name(std::string(63, 'a')) == std::string(63, 'a'));
  const std::string one = fit_name(std::string(70, 'a') + "1");
  const std::string two = fit_name(std::string(70, 'a') + "2");
  CHECK(one.size() == 63);
  CHECK(one != two);
  CHECK(one == fit_name(std::string(70, 'a') + "1"));
  std::string umlauts;
  for (int i = 0; i < 40; ++i) umlauts += "ä";
  const std::string odd = fit_name("x" + umlauts);  // the cut falls into the middle of a character
  CHECK(odd.size() == 62);
  CHECK(odd.substr(0, 53) == "x" + umlauts.substr(0, 52));
}

TEST_CASE("a SQLSTATE says what to do next", "[sql][error]") {
  CHECK(remedy_of("40001") == Remedy::retry);
  CHECK(remedy_of("40P01") == Remedy::retry);
  CHECK(remedy_of("55P03") == Remedy::retry);
  CHECK(remedy_of("57014") == Remedy::retry);
  CHECK(remedy_of("53300") == Remedy::retry);
  CHECK(remedy_of("57P01") == Remedy::reconnect);
  CHECK(remedy_of("08006") == Remedy::reconnect);
  CHECK(remedy_of("08007") == Remedy::in_doubt);
  CHECK(remedy_of("40003") == Remedy::in_doubt);
  CHECK(remedy_of("22P02") == Remedy::data);
  CHECK(remedy_of("23505") == Remedy::data);
  CHECK(remedy_of("42501") == Remedy::person);
  CHECK(remedy_of("42P01") == Remedy::person);
  CHECK(remedy_of("") == Remedy::bug);
}

TEST_CASE("switchback's own statements carry their mark behind the first word", "[sql]") {
  CHECK(own("SELECT count(*)") == "SELECT /* switchback */ count(*)");
  CHECK(own("UPDATE ") + "ONLY t" == "UPDATE /* switchback */ ONLY t");
}
